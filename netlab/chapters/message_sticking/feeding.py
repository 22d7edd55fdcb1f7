"""How the decoders of chapter 6 are judged: fed with every cut of a stream, and the smallest cut that breaks them is told.

Nothing is sent here. A decoder that is right at every cut of its bytes is right on every connection: a stream can do no more
than cut and glue (RFC 9293, 3.8; recv(2)).
"""
import contextlib
import dataclasses
import itertools
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from netlab.teach import check
from netlab.teach.check import Miss, Outcome, Raises, TooLong, call, judge, show
from netlab.teach.played import every_cut

PAIRS = 24              # bytes of a stream up to which every pair of cuts is tried
SEEDS = 40              # random ways to cut each long stream
TOLD = 3                # pieces that are all written out
LOOP = "more than one message may be there: one that was given makes room for the next, so that is a loop, not an if"
KEEP = ("what is left over is the beginning of a message: keep it, and put the next piece behind it before you look for "
        "messages")
EMPTY = "an empty message is a message: b\"\" is false in an if, so ask for what you mean"
AGAIN = "what was given before came again: a message that was given is no longer left over"
ONCE = "what an earlier call gave came again: a list that is made outside, or as a default argument, is made only once"
OWN = "each call makes a decoder with a buffer of its own: where is this one made?"
BYTES = "messages are bytes, and a piece may end within a character: decode, if at all, when a message is whole"


@dataclass(frozen=True)
class Stream:
    """Bytes, and the messages in them, each with the place behind it. `fault`: why they are to be refused, or ""."""
    title: str
    wire: bytes
    ends: tuple[tuple[bytes, int], ...] = ()
    fault: str = ""

    def given(self, begin: int, end: int) -> list[bytes]:
        """The messages that become whole when the bytes from `begin` to `end` come."""
        return [message for message, behind in self.ends if begin < behind <= end]

    def left(self, end: int) -> bytes:
        """What of the first `end` bytes belongs to a message that is not whole."""
        return self.wire[max((behind for _, behind in self.ends if behind <= end), default=0):end]


def framed(title: str, messages: Iterable[bytes], encode: Callable[[bytes], bytes], rest: bytes = b"", fault: str = "") -> Stream:
    """A stream of these messages, each as `encode` has it on the wire, and `rest` behind them."""
    wire, ends = b"", []
    for message in messages:
        wire += encode(message)
        ends.append((message, len(wire)))
    return Stream(title, wire + rest, tuple(ends), fault)


@dataclass
class Fed:
    """A decoder was fed with these pieces of a stream: what it gave for each, until it went wrong."""
    decoder: "Decoder"
    function: Callable
    stream: Stream
    pieces: list[bytes]
    came: list = field(default_factory=list)
    outcome: Outcome | None = None      # of the feed that went wrong; None where all is as it should be
    built: bool = False                 # is there a decoder to feed?
    rests: list = field(default_factory=list)       # what was left over before each piece, where the caller keeps it

    @property
    def step(self) -> int:
        """The number of the piece that went wrong, from 0."""
        return len(self.came) - (self.outcome is not None and self.outcome.raised is None)

    def place(self, step: int) -> int:
        """Where in the stream this piece begins."""
        return sum(map(len, self.pieces[:step]))

    def probe(self, wire: bytes, expected) -> bool:
        """Would the decoder give this for other bytes? Tells which idea it has of the framing."""
        return same(call(lambda: copied(self.decoder.begin(self.function)(wire))).value, expected)


@dataclass(frozen=True)
class Decoder:
    """A kind of decoder. `begin(function)` makes a feed(data) of the learner's function, and `due(stream, begin, end)` is
    what that gives for the bytes from begin to end. `hint(fed, due)` may name a mistake.

    `keeps`: the caller keeps what is left over, and feed is the function itself.
    """
    name: str
    begin: Callable
    due: Callable[[Stream, int, int], object]
    hint: Callable[[Fed, object], str | None]
    keeps: bool = False

    def feed(self, function, stream, pieces) -> Fed:
        fed = Fed(self, function, stream, list(pieces))

        def feeding():
            feed, rest, begin = in_time(self.begin(function)), b"", 0
            fed.built = True
            for piece in pieces:
                fed.rests.append(rest)
                value = copied(feed(rest + piece if self.keeps else piece))
                fed.came.append(value)
                if not same(value, self.due(stream, begin, begin + len(piece))):
                    return value
                begin += len(piece)
                rest = value[1] if self.keeps else b""
            return NOTHING_WRONG

        outcome = call(feeding)
        if outcome.value is not NOTHING_WRONG or outcome.raised:
            fed.outcome = dataclasses.replace(outcome, function=written(function))
        elif stream.fault:
            fed.outcome = Outcome(written(function), fed.came[-1])
        if stream.fault and fed.built and isinstance(fed.outcome.raised, ValueError):
            fed.outcome = None
        return fed

    def miss(self, fed: Fed) -> Miss:
        step, outcome = fed.step, fed.outcome
        begin = fed.place(step)
        refused = bool(fed.stream.fault) and (step >= len(fed.pieces) - 1 or outcome.raised is not None)
        due = Raises(ValueError) if refused else self.due(fed.stream, begin, begin + len(fed.pieces[step]))
        found = judge(outcome, due, KEEP, lambda outcome: self.explain(fed, due))
        found = found or Miss("", "", self.explain(fed, due) or KEEP)       # equal, but not of just these types
        before = fed.came[:step] if len(fed.pieces) <= TOLD else []
        told = [*map(brief, before), brief(due)]
        came = [*map(brief, before), str(outcome) if outcome.raised else brief(outcome.value)]
        last = f" for the last of these {len(fed.pieces)} pieces" if len(fed.pieces) > TOLD else ""
        return Miss(", then ".join(told) + last, ", then ".join(came), found.hint, self.told(fed), last=outcome.late)

    def explain(self, fed, due):
        outcome = fed.outcome
        said = None
        if outcome.raised or not (outcome.value is None or outcome.value is ... or isinstance(outcome.value, BaseException)):
            with contextlib.suppress(Exception):        # what came may be anything
                said = (_raised(fed) if outcome.raised else None) or self.hint(fed, due)
        return said

    def told(self, fed: Fed) -> str:
        """What was fed, as the learner would type it."""
        if self.keeps:
            calls = [f"({f'{brief(rest)} + ' if rest else ''}{brief(piece)})" for rest, piece in zip(fed.rests, fed.pieces)]
            first, *more = calls or [f"({brief(fed.pieces[0])})"]
            if len(calls) <= TOLD:
                return ", then ".join([first, *(self.name + each for each in more)]) + f": {fed.stream.title}"
            return f"{first}, and so on, piece by piece: {pieces_of(fed)}"
        if len(fed.pieces) <= TOLD:
            return f"(): {', then '.join(f'feed({brief(piece)})' for piece in fed.pieces)}: {fed.stream.title}"
        return f"(): feed, piece by piece: {pieces_of(fed)}"

    # --- trials: each is a function of the learner's function ---
    def whole(self, stream: Stream):
        """The stream in one piece."""
        return lambda function: self.first(function, [(stream, [stream.wire])])

    def in_two(self, streams):
        """Each stream cut at each place, the shortest stream first."""
        return lambda function: self.first(function, (
            (stream, pieces) for stream in shortest(streams) for pieces in every_cut(stream.wire, 2)))

    def in_three(self, streams):
        """Each short stream cut at each two places."""
        return lambda function: self.first(function, (
            (stream, pieces) for stream in shortest(streams) if len(stream.wire) <= PAIRS
            for pieces in every_cut(stream.wire, 3)))

    def byte_by_byte(self, streams):
        return lambda function: self.first(function, ((stream, single(stream.wire)) for stream in shortest(streams)))

    def at_random(self, streams):
        """Long streams in random pieces, small and large ones, and empty ones between them."""
        return lambda function: self.first(function, (
            (stream, random_cut(stream.wire, random.Random(seed))) for seed in range(SEEDS) for stream in streams))

    def apart(self, one: Stream, other: Stream):
        """Two decoders at once, as for two clients: one is fed half a message, the other a whole one, then the first the rest."""
        half, rest = one.wire[:1], one.wire[1:]
        due = [], *([message for message, _ in stream.ends] for stream in (other, one))

        def feeding(function):
            first = in_time(self.begin(function))
            begun = copied(first(half))
            second = in_time(self.begin(function))
            return begun, copied(second(other.wire)), copied(first(rest))

        def trial(function):
            alone = self.feed(function, one, [half, rest])
            if alone.outcome:           # what it does alone is for the other trials to say
                return self.miss(alone) if alone.outcome.late else None
            outcome = call(feeding, function)
            if same(outcome.value, due):
                return None
            calls = f"one.feed({half!r}), other.feed({other.wire!r}), one.feed({rest!r})"
            came = ", then ".join(map(brief, outcome.value)) if outcome.raised is None else str(outcome)
            return Miss(", then ".join(map(brief, due)), came, OWN, f"(), called twice, for two clients: {calls}")
        return trial

    def first(self, function, ways) -> Miss | None:
        """The Miss of the first way that goes wrong, made as small as it will go."""
        for stream, pieces in ways:
            fed = self.feed(function, stream, pieces)
            if fed.outcome:
                return self.miss(fed if fed.outcome.late else self.smaller(function, fed))
        return None

    def smaller(self, function, fed: Fed) -> Fed:
        def again(pieces):
            found = self.feed(function, fed.stream, pieces)
            return found if found.outcome and not found.outcome.late else None

        behind = None if fed.stream.fault else fed.step + 1         # what comes behind the fault has no part in it
        return smallest(fed.pieces[:behind], again) or fed


NOTHING_WRONG = object()


def in_time(feed: Callable) -> Callable:
    """The same, but for one that swallowed TooLong in a call: the next call would have no limit any more."""
    end = time.monotonic() + 0.95 * check.LIMIT

    def fed(data):
        value = feed(data)
        if time.monotonic() > end:
            raise TooLong(f"no end after {check.LIMIT:g} seconds")
        return value
    return fed


def pieces_of(fed) -> str:
    pieces = [brief(piece) for piece in fed.pieces]
    return " ".join(pieces if len(pieces) <= 12 else [*pieces[:8], "…", *pieces[-3:]])


def written(function):
    """What the learner wrote in a cell: the function, or for a class one of its own."""
    for each in (function, getattr(function, "feed", None), getattr(function, "__init__", None)):
        if hasattr(each, "__code__"):
            return each
    return function


def copied(value):
    """So that a later change of a list that was given does not change what was given."""
    if type(value) is tuple:
        return tuple(map(copied, value))
    return list(value) if type(value) is list else value


def same(value, due) -> bool:
    """Equal, and of just these types, also inside."""
    if type(value) is not type(due):
        return False
    if isinstance(due, (list, tuple)):
        return len(value) == len(due) and all(map(same, value, due))
    return bool(value == due)


def brief(value) -> str:
    """As `show`, with long bytes told by their length."""
    if isinstance(value, bytes) and len(value) > 48:
        return f"{value[:8]!r}… ({len(value):,} bytes)"
    if type(value) in (list, tuple) and len(value) <= 1000:
        parts = [brief(each) for each in value]
        parts = parts if len(parts) <= 8 else [*parts[:5], f"… {len(parts) - 6} more …", parts[-1]]
        inner = ", ".join(parts)
        return f"[{inner}]" if type(value) is list else f"({inner}{',' * (len(value) == 1)})"
    return show(value)


def _raised(fed):
    """What any decoder can run into."""
    error = fed.outcome.raised
    if isinstance(error, UnicodeDecodeError):
        return BYTES
    if isinstance(error, UnboundLocalError):
        return "a name that a function assigns is its own: `nonlocal` says that it is the one outside"
    return None


# --- hints that fit any framing --------------------------------------------------------------------------------------
def list_mistake(came, due: list, fed: Fed) -> str | None:
    """What is wrong with a list of messages. None: nothing that is common to all framings."""
    if not isinstance(came, list):
        return "a generator came: list(...) takes out what it gives" if hasattr(came, "__next__") else None
    for each in came:
        if isinstance(each, str):
            return BYTES
        if isinstance(each, int):
            return "single bytes came, as numbers: list += b\"tea\" adds three of them, list.append(b\"tea\") one message"
        if isinstance(each, (bytearray, memoryview)):
            return f"a {type(each).__name__} came, which changes when its buffer does: bytes(…) makes a message of it"
        if type(each) is not bytes:
            return f"each message is bytes, and this came among them: {show(each)}"
    if any("\ufffd".encode() in each for each in came) and came != due:
        return BYTES
    step = fed.step
    stream, begin = fed.stream, fed.place(step)
    end = begin + len(fed.pieces[step])
    before = stream.given(0, begin)
    left = stream.left(end)
    if before and came == before + due:
        return AGAIN
    if due and len(came) > len(due) and came[len(came) - len(due):] == due:
        return AGAIN if before else ONCE
    if left and came == [*due, left]:
        return f"{brief(left)} was given, and it is not whole yet: more of it may come. Keep it for the next piece"
    if len(came) < len(due):
        if came == [each for each in due if each]:
            return EMPTY
        if came == due[:len(came)] and came:
            return EMPTY if due[len(came)] == b"" else LOOP
    if not came and not step:
        return "a whole message came, and nothing was given"
    if step and due and came and len(came) == len(due) and came[0] != due[0] and due[0].endswith(came[0]):
        return KEEP
    return None


# --- cuts ------------------------------------------------------------------------------------------------------------
def single(wire: bytes) -> list[bytes]:
    return [wire[place:place + 1] for place in range(len(wire))]


def random_cut(wire: bytes, dice: random.Random) -> list[bytes]:
    edges = [0, *sorted(dice.randrange(len(wire) + 1) for _ in range(dice.choice((1, 3, 10, 40)))), len(wire)]
    return [wire[begin:end] for begin, end in itertools.pairwise(edges)]


def shortest(streams):
    return sorted(streams, key=lambda stream: len(stream.wire))


def smallest(pieces: list[bytes], again: Callable):
    """What again(pieces) gives for as few pieces as it will go: two are glued wherever it then still gives something."""
    found, place = again(pieces), 0
    while found and place + 1 < len(pieces):
        glued = [*pieces[:place], pieces[place] + pieces[place + 1], *pieces[place + 2:]]
        fewer = again(glued)
        if fewer:
            found, pieces = fewer, glued
        else:
            place += 1
    return found
