"""What FramingPanel can send: messages as a reader types them, the cures, and what each makes of what recv brings."""
from dataclasses import dataclass

from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix
from netlab.teach.cures import REPLY
from netlab.words import as_text, bytes_of, number_of, quoted

MOST, LONGEST = 12, 200                         # messages, and bytes of all of them
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "\\": "\\"}


@dataclass(frozen=True)
class Cure:
    """A way to let the till know where a message ends."""
    key: str
    name: str                                   # also of netlab.teach.cures.CURES
    about: str                                  # one sentence
    waits: bool = False                         # whether the customer waits for a reply after each message
    connects: bool = False                      # whether each message has a connection of its own


CURES = {cure.key: cure for cure in (
    Cure("none", "none", "The till takes what a recv brings for a message."),
    Cure("fixed", "fixed length", "Each message is filled up with spaces to the length of the longest."),
    Cure("delimiter", "delimiter", "Each message ends with a mark."),
    Cure("prefix", "length prefix", "Before each message stands its length, a number of four bytes."),
    Cure("reply", "wait for a reply", f"After each recv the till sends {REPLY.decode()}; the customer waits for it.", waits=True),
    Cure("connection", "a connection per message", "The customer connects, sends, and closes: the end is the border.",
         connects=True))}


# --- what a reader types ------------------------------------------------------------------------------------------

def unescaped(text: str) -> str:
    r"""`text` with \n, \r, \t, \0 and \\ as the characters that they stand for; ValueError for another escape."""
    parts = iter(text)
    found = []
    for sign in parts:
        if sign == "\\":
            which = next(parts, "")
            if which not in ESCAPES:
                raise ValueError(rf"\{which} is none of \n, \r, \t, \0 and \\.")
            sign = ESCAPES[which]
        found.append(sign)
    return "".join(found)


def read_messages(text: str) -> list[bytes]:
    """The messages that stand in a field with | between them, in UTF-8; ValueError for too much."""
    messages = [unescaped(each.strip()).encode() for each in text.split("|")]
    if len(messages) > MOST:
        raise ValueError(f"Those are {len(messages)} messages. Give {MOST} at most.")
    if (size := sum(map(len, messages))) > LONGEST:
        raise ValueError(f"That is {size:,} bytes. Give {LONGEST} at most, all messages together.")
    return messages


def read_mark(text: str) -> bytes:
    """The delimiter that a reader typed; ValueError for none, or for a long one."""
    mark = unescaped(text).encode()
    if not 1 <= len(mark) <= 8:
        raise ValueError(r"A mark has 1 to 8 bytes, such as \n.")
    return mark


# --- both ends ----------------------------------------------------------------------------------------------------

def framing_of(cure: Cure, messages: list[bytes], mark: bytes):
    """A new object of netlab.framing for one end, or None where the cure needs none."""
    if cure.key == "fixed":
        return FixedLength(max([1, *map(len, messages)]))
    return Delimiter(mark) if cure.key == "delimiter" else LengthPrefix(4) if cure.key == "prefix" else None


def made(cure: Cure, messages: list[bytes], mark: bytes) -> list[bytes]:
    """What is sent for each message. FramingError, which begins with the message's number, where the cure cannot carry one."""
    framing, found = framing_of(cure, messages, mark), []
    for n, message in enumerate(messages, 1):
        if cure.waits and not message:
            raise FramingError(f"Message {n} is empty: no recv would see it, and the customer would wait for its reply for ever.")
        try:
            filled = message.ljust(framing.size) if cure.key == "fixed" else message
            found.append(framing.encode(filled) if framing else message)
        except FramingError as error:
            raise FramingError(f"Message {n}, {quoted(as_text(message, limit=20))}: {error}.") from None
    return found


def own_part(cure: Cure, message: bytes, wire: bytes) -> range:
    """Where in what is sent for it the message itself stands; the rest is framing."""
    start = len(wire) - len(message) if cure.key == "prefix" else 0
    return range(start, start + len(message))


class Reader:
    """The till's end: what it takes for a message."""

    def __init__(self, cure: Cure, messages: list[bytes], mark: bytes):
        self.cure, self._framing, self._held = cure, framing_of(cure, messages, mark), b""

    @property
    def pending(self) -> bytes:
        """What has come of a message that is not whole."""
        return self._framing.pending if self._framing else self._held

    def take(self, data: bytes) -> list[bytes]:
        """The messages that are whole now; b"" is the end of a connection."""
        if self.cure.connects:
            whole, self._held = ([self._held], b"") if not data else ([], self._held + data)
            return whole
        if not self._framing:
            return [data] if data else []
        found = self._framing.feed(data)
        return [each.rstrip(b" ") for each in found] if self.cure.key == "fixed" else found


# --- right or wrong -----------------------------------------------------------------------------------------------

def total_of(messages: list[bytes]) -> int | None:
    """What a till adds up; None where a message is no number, and int() raises ValueError."""
    try:
        return sum(map(int, messages))
    except ValueError:
        return None


def judged(messages: list[bytes], understood: list[bytes]) -> str:
    """In a few words: "right" or "wrong", and the total, where it is one, or how many messages."""
    meant, total = total_of(messages), total_of(understood)
    if understood == messages:
        return "right" if meant is None else f"right: {meant:,}"
    if meant is not None and meant != total:
        return "wrong: ValueError" if total is None else f"wrong: {total:,}, not {meant:,}"     # the error is int()'s
    many = number_of(len(understood), "message")
    return f"wrong: {'others' if len(understood) == len(messages) else many}"


def listed(messages: list[bytes], room: int = 60) -> str:
    """Messages in quotation marks, as many as have room, in letters."""
    shown = [f'"{as_text(message, limit=min(24, max(1, room - 12)))}"' for message in messages]
    more = 0
    while len(words := " ".join(shown) + f" … {more} more" * bool(more)) > room and len(shown) > 1:
        shown.pop()
        more += 1
    return words or "nothing"


def added(cure: Cure, messages: list[bytes], wires: list[bytes]) -> str:
    """What the cure costs on the wire, in words."""
    if cure.waits:
        return "1 reply" if len(messages) == 1 else f"{len(messages)} replies"
    return number_of(len(messages), "connect") if cure.connects else bytes_of(sum(map(len, wires)) - sum(map(len, messages)))
