"""Hostile peers against a server of yours: `diagnose` says which mistake they find, with the smallest cut that shows it.

    def handler(conn, address): ...
    diagnose(handler)                                           # answers each line in capitals
    diagnose(handler, answer=price_of, framing=LengthPrefix(4), messages=[b"tea", b"salt"])

What it says was seen: the bytes that were sent, in these pieces, what was due, and what came. What it cannot name it shows.
"""
import contextlib
import io
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix
from netlab.teach.check import common_mistake, is_stub, rows_card, show
from netlab.teach.cuts import cuts
from netlab.teach.mistakes import Bench, Finding, again
from netlab.teach.played import PAUSE
from netlab.teach.strangers import RULES

KINDS = {       # what is said of a mistake, and what to do about it
    "raises": (
        "It raises on a message that is fine.",
        "read the error, then the line that it names"),
    "silent": (
        "It gives no answer.",
        "is there a `conn.sendall`, and does the code come to it?"),
    "framing": (
        "Its answer is in another framing.",
        "an answer is framed as the messages are: what `{frame}` makes of it. A length counts bytes: take it after "
        "`encode`"),
    "answer": (
        "It answers something else.",
        "the peer was gentle, so this is no matter of how the bytes were cut: look at how the answer is made"),
    "late": (
        "It answers too late.",
        "the client sends no more until it has its answer, so both wait for ever: answer each message as soon as it "
        "is whole, and `flush()` a file of `makefile`"),
    "held": (
        "A message that is whole waits for the next one.",
        "answer each as soon as it is whole, whatever stands behind it: look where a message ends, not at the end of all that is "
        "kept, and look again before the next `recv`"),
    "again": (
        "It answers the same message again and again.",
        "what was answered is still kept, or sent twice: take each message out of the buffer, and each answer out of what "
        "is to be sent, when it has been sent"),
    "empty": (
        "It answers an empty message that nobody sent.",
        "behind the last {mark} nothing has come yet: the last piece of a `split` is no message, but what is kept for later"),
    "stream": (
        "It answers bytes as they come, and knows no messages.",
        "for an echo that is right, and no matter for `diagnose`, which looks for messages. Where an answer is to one message, "
        "wait until that is whole"),
    "once": (
        "It answers the first message only.",
        "one connection carries many messages: a loop around it, until `recv` gives `b\"\"`"),
    "message": (
        "One recv is taken for the whole message.",
        "`recv` gives what has come: a part of a message, one, or more. Keep it in a buffer, and take a message out "
        "when it is whole"),
    "header": (
        "The header is read with one recv.",
        "`recv({head})` may bring a single byte: call it until all {head} are there"),
    "body": (
        "The body is read with one recv.",
        "`recv(n)` brings up to n bytes: call it for the rest until all n are there"),
    "mark": (
        "The delimiter is looked for in the latest piece only.",
        "{mark} may come in two pieces: look for it in all that you have kept"),
    "decode": (
        "Bytes are decoded before the message is whole.",
        "a character of UTF-8 has one to four bytes, and a cut may go through it: first frame, then `decode`"),
    "coalesced": (
        "Several messages in one recv are taken for one.",
        "take out the first that is whole, then look at what is left: there may be another"),
    "swallowed": (
        "Of several messages in one recv only the first is answered.",
        "what came behind the first was thrown away: keep it, and look into it before the next `recv`"),
    "leftover": (
        "The beginning of the next message is thrown away.",
        "what a `recv` brought beyond the last whole message belongs to the next: keep it for the next round"),
    "send": (
        "send is taken for sendall.",
        "`send` returns how many bytes it took, and may take a part: use `sendall`, or send the rest"),
    "busy": (
        "An empty recv is not heeded: a busy loop.",
        "`b\"\"` is the end of the stream, and comes again at each call: end the loop"),
    "end": (
        "The stream's end is not handled.",
        "at `b\"\"` nothing more will come: what is not whole is no message. Stop there"),
    "timeout": (
        "A timeout in the middle of a message breaks it.",
        "after a timeout either hang up, or keep what has come, and go on with it (a file of `makefile` cannot: it is not to be "
        "read after a timeout)"),
    "long": (
        "A long message is not read right.",
        "does all of its length count, and is it read until it is whole, in however many `recv`? (A bound smaller than the "
        "framing allows may be fair. Then say so: `framing={bound}`)"),
    "zero": (
        "A message of zero bytes is not read right.",
        "an empty message is a message, and has an answer: only `b\"\"` of a `recv` that asked for more than 0 bytes is the end. "
        "(Should your server skip empty ones on purpose, say with `messages=[…]` what is to be sent)"),
    "bound": (
        "A message has no bound.",
        "any stranger can fill your memory: refuse what is longer than you allow, and hang up. (Should your server "
        "allow more, say so: `framing={bound}`)"),
    "step": (
        "After a length that it refuses it goes on reading.",
        "where the next message begins nobody can know now, and a stranger may have put anything there: hang up"),
    "shared": (
        "Two connections share what they should not.",
        "what belongs to one connection is a local variable of its call: no global, no default argument that is "
        "changed"),
    "cut": (
        "It breaks at this cut; no mistake that is known here explains it.",
        "play it by hand: what does each `recv` bring, and what is kept?"),
}
TEXTS = (b"tea", b"salt", "5 €".encode(), b"10\n20", b"x1", b"#")


@dataclass(frozen=True)
class Diagnosis:
    """What diagnose found. Shows itself in a cell; `kind` is "" where it found nothing, `sentence` says it, `hint` helps.

    Of a mistake: `sent`, the messages as they were sent; `pieces`, how they came; what was `expected` back, what `came`;
    what each of the server's `recvs` brought; `said`, what was seen. `runs`: how many peers were played.
    """
    name: str
    kind: str
    sentence: str
    said: str = ""
    hint: str = ""
    finding: Finding | None = None
    runs: int = 0
    framing: frozenset[int] = frozenset()       # places in what was sent that are headers, underlined in the picture

    @property
    def ok(self) -> bool:
        """True where no mistake was found."""
        return self.runs > 0 and not self.kind

    @property
    def sent(self) -> tuple[bytes, ...]:
        """The messages, as they were sent."""
        return self.finding.sends if self.finding else ()

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """The same bytes as they came, in pieces."""
        return self.finding.played.pieces if self.finding else ()

    @property
    def recvs(self) -> tuple[bytes, ...]:
        """What each recv of the server's brought."""
        return self.finding.played.recvs if self.finding else ()

    @property
    def expected(self) -> bytes:
        """What was due."""
        return self.finding.expected if self.finding else b""

    @property
    def came(self) -> bytes:
        """What the server sent."""
        return self.finding.played.received if self.finding else b""

    @property
    def picture(self):
        """The cut, as a Picture; None where none shows the mistake."""
        if not self.recvs or self.kind in ("send", "silent", "framing", "answer", "long"):
            return None
        stands = b"".join(self.sent).startswith(b"".join(self.recvs))
        if not stands:
            return None
        return cuts(list(self.sent), list(self.recvs), note=self._silence, framing=self.framing, asked=self.finding.played.asks,
                    pieces=self.pieces)

    @property
    def _silence(self) -> str:
        """A sentence on the pause, where there is one."""
        script = self.finding.script
        if PAUSE not in script:
            return ""
        before = b"".join(script[:script.index(PAUSE)])
        return f"after byte {len(before)}, {show(before[-1:])}, the peer was silent, longer than any timeout"

    @property
    def _results(self) -> list[tuple[str, str]]:
        """What was due and what came; where these are the same bytes, what was wrong in words."""
        expected, came, played = show(self.expected), show(self.came), self.finding.played
        if self.kind == "again" and played.repeats:
            return [("expected", f"{expected}, once"), ("came", f"{len(played.sends):,} sends without a recv between")]
        if self.kind == "long":
            same = ", and not the same" * (len(self.came) == len(self.expected))
            return [("expected", f"{len(self.expected):,} bytes"), ("came", f"{len(self.came):,} bytes{same}")]
        if self.kind == "step":
            return [("expected", "no answer"), ("came", came)]
        if self.expected != self.came:
            return [("expected", expected), ("came", came)]
        if played.late:
            return [("expected", f"{expected}, and then its end"), ("came", f"{came}, and then: {played.why}")]
        if played.raised and self.kind not in ("late", "held", "decode"):
            return [("expected", f"{expected}, and then its end"), ("came", f"{came}, and then it {played.outcome}")]
        return [("expected", f"{expected}, each before it asks for more"), ("came", f"{came}, too late")]

    @property
    def _rows(self) -> list[tuple[str, str]]:
        if not self.finding:
            return []
        rows = [("seen", self.said)]
        if self.pieces:
            rows.append(("pieces", _list(self.finding.script or self.pieces) + " | …" * (self.kind == "step")))
            if self.recvs and self.kind != "long" and self.recvs != self.pieces and self.recvs != (*self.pieces, b""):
                rows.append(("its recvs", _list(self.recvs)))
            rows += self._results
        return rows + [("hint", self.hint)]

    def __repr__(self) -> str:
        return "\n".join([f"{self.name}: {self.sentence}", *(f"  {label:9} {text}" for label, text in self._rows)])

    def _repr_html_(self) -> str:
        colour = "error" if self.kind else "good" if self.runs else "soft"
        shown, picture = rows_card(self.name, self.sentence, self._rows, colour), self.picture
        return str(shown) + (picture._repr_mimebundle_()["text/html"] if picture else "")


def diagnose(handler: Callable, answer: Callable[[bytes], bytes] = bytes.upper, framing=None, *,
             messages: Iterable[bytes] | None = None) -> Diagnosis:
    """Play hostile peers against handler(conn, address), which answers each message with answer(message), and say what is wrong.

    `framing` is that of messages and answers: a Delimiter, b"\\n" where none is given, a LengthPrefix or a FixedLength of
    netlab.framing. `messages` are two or more, the first ones ASCII, that answer() takes; without them it is "tea", "salt" and
    the like, and long ones and an empty one, should answer() and the framing take these. Where answer() or the
    framing refuses one of `messages`, nothing is played, and the Diagnosis says so. Raises ValueError for fewer than two.

    What the handler prints, on stderr too, is not shown. With short messages it takes about a fifth of a second; the time grows
    with the square of their length, and with 40 bytes it is some three seconds. A server that waits for ever is stopped after
    three. The handler is called in this thread, also while another call of it waits: one that calls asyncio.run is none for it,
    nor is one that returns while a thread of its own goes on with the connection, or that reads with os.read. The peer's silence
    is seen by a recv with a timeout, not by select: what a server does wrong when its select times out, or where it selects and
    then reads a file of makefile(), whose buffer select knows nothing of, is not found. Nor is a limit that is missing, where a
    header cannot say more than 64 KiB.
    """
    framing = Delimiter() if framing is None else framing
    if not isinstance(framing, (Delimiter, LengthPrefix, FixedLength)):
        raise TypeError(f"framing is a Delimiter, a LengthPrefix or a FixedLength, not {framing!r}")
    name = getattr(handler, "__name__", "handler")
    if not callable(handler):
        return Diagnosis("diagnose", "raises", f"{show(handler)} is no function: give the handler itself, without calling it.")
    if is_stub(handler):
        return Diagnosis(name, "", "not attempted. Replace the ... and run the cell again.")
    sizes = messages is None
    messages, refused = _messages(framing, answer, messages)
    return Diagnosis(name, "", refused) if refused else examine(name, Bench(handler, answer, framing, messages, sizes=sizes))


def examine(name: str, bench: Bench, rules=RULES) -> Diagnosis:
    """The Diagnosis of the server on this bench, by these rules of netlab.teach.mistakes."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        finding = next((found for rule in rules if (found := rule(bench))), None)
    if finding is None:
        return Diagnosis(name, "", f"no mistake found, by {bench.runs} hostile peers.", runs=bench.runs)
    if finding.played.repeats:
        finding = again(finding)
    sentence, hint = KINDS[finding.kind]
    kind, first = type(bench.framing).__name__, bench.mark or bench.framing.size
    words = {"head": bench.head, "mark": f"`{bench.mark!r}`", "frame": f"{kind}({first!r}).encode",
             "bound": f"{kind}({first!r}, max_size=…)"}
    hint = _of_the_error(finding.played) if finding.kind == "raises" else hint.format(**words)
    return Diagnosis(name, finding.kind, sentence, finding.said, hint, finding, bench.runs,
                     frozenset(_headers(finding.sends, bench.head)))


def _headers(sends, head) -> Iterator[int]:
    """The places of the headers in what was sent."""
    for begin in itertools.accumulate(map(len, sends[:-1]), initial=0):
        yield from range(begin, begin + head)


def _of_the_error(played) -> str:
    error = played.raised
    if isinstance(error, FramingError):
        return "the decoder refuses this message, and it is one that is allowed: is `max_size` large enough?"
    by_hand = isinstance(error, EOFError) or (isinstance(error, ConnectionError) and not error.errno)
    if played.saw_end and by_hand:
        return "it asked for more bytes than this message has, and met the end of the stream: which length does it believe?"
    return common_mistake(b"", played.outcome) or KINDS["raises"][1]


def _messages(framing, answer, messages) -> tuple[list[bytes], str]:
    """(messages that the framing carries, and whose answers it carries; "" or a sentence: which one does not)."""
    instead = ""
    if messages is None:
        messages = _filled(framing.size) if isinstance(framing, FixedLength) else [text for text in TEXTS if _fits(framing, text)]
        messages = messages[:4 if isinstance(framing, LengthPrefix) else 3]
        instead = f", in place of {', '.join(map(show, messages[:2]))} and the like"
    messages = list(messages)
    if len(messages) < 2:
        raise ValueError("messages are two or more")
    for message in messages:
        try:
            framing.encode(message)
            answered = answer(message)
        except Exception as error:
            what = f"the message {show(message)} is none for this `answer` or framing ({type(error).__name__}: {error})"
            return [], _REFUSED.format(what, instead)
        try:
            framing.encode(answered)
        except Exception as error:
            what = f"to {show(message)} `answer` gives {show(answered)}, which this framing cannot carry ({error})"
            return [], _REFUSED.format(what, instead)
    return messages, ""


_REFUSED = "nothing was played: {}. Say with `messages=[…]` what is to be sent: two or more that your server takes{}."


def _fits(framing, message) -> bool:
    try:
        return bool(framing.encode(message))
    except FramingError:
        return False


def _filled(size) -> list[bytes]:
    """Messages of just this size, the last one text."""
    texts = [b"tea", b"salt", TEXTS[2] if size >= 5 else TEXTS[2][2:]]
    return [text.ljust(size, b".")[:size] for text in texts[:3 if size >= 3 else 2]]


def _list(pieces) -> str:
    shown = ["(a pause)" if piece is PAUSE else _shown(piece) for piece in pieces[:8]] + ["…"] * (len(pieces) > 8)
    return " | ".join(shown)


def _shown(piece) -> str:
    return show(piece) if len(piece) <= 100 else f"{show(piece[:24])}… ({len(piece):,} bytes)"
