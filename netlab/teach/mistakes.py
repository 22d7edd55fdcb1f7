"""The mistakes that `netlab.teach.diagnose` knows: for each a rule that plays hostile peers, and what it must have seen.

A rule gives a Finding, or None where the server does all that is right. The rules stand in the order in which they are asked:
each may rely on it that those before found nothing. Where a rule sees a fault that it cannot name, the kind is "cut". Here are
those about messages and their cuts; `netlab.teach.strangers` has the others, and all in their order, RULES.
"""
import copy
import errno
import itertools
from dataclasses import dataclass, replace

from netlab.framing import Delimiter, FramingError, LengthPrefix
from netlab.teach.check import show
from netlab.teach.played import ANSWER, Played, every_cut, play
from netlab.words import number_of


@dataclass(frozen=True)
class Finding:
    """A mistake, and the run that shows it. `sends`: the messages as they were sent; `said`: what was seen, one sentence;
    `script`: the pieces, where a PAUSE is among them.
    """
    kind: str
    said: str
    sends: tuple[bytes, ...]
    expected: bytes
    played: Played
    script: tuple = ()


class Bench:
    """The server on trial: `wires` are messages as they are sent, `answers` what must come back for each. `sizes`: may others be
    sent, too, a long one and an empty one?
    """

    def __init__(self, handler, answer, framing, messages, *, sizes=False):
        self.sizes = sizes
        self.handler, self.answer, self.framing = handler, answer, copy.deepcopy(framing)
        self.messages = list(messages)
        self.wires = [framing.encode(message) for message in self.messages]
        self.answers = [framing.encode(answer(message)) for message in self.messages]
        self.head = framing.size if isinstance(framing, LengthPrefix) else 0
        self.mark = framing.mark if isinstance(framing, Delimiter) else b""
        self.runs = 0

    def play(self, pieces, **how) -> Played:
        self.runs += 1
        return play(self.handler, pieces, **how)

    def fault(self, pieces, expected: bytes, **how) -> Played | None:
        """The run, where it went wrong. The peer waits for the answer before it ends its stream."""
        played = self.play([*pieces, ANSWER], **how)
        return None if self.right(played, expected) else played

    def right(self, played, expected) -> bool:
        return played.received == expected and not played.late and self.may_raise(played)

    def may_raise(self, played) -> bool:
        """At a stream's end or a peer's silence: an error on purpose, or the system's own, is a way to hang up."""
        error = played.raised
        if error is None or isinstance(error, (EOFError, FramingError)) or played.outcome.by_raise:
            return True
        return isinstance(error, OSError) and error.errno not in (errno.EBADF, errno.ENOTCONN)

    def finding(self, kind, said, numbers, expected, played) -> Finding:
        return Finding(kind, said, tuple(self.wires[n] for n in numbers), expected, played)

    def inside(self, number) -> set[int]:
        """The places of a message's wire where a cut goes through a UTF-8 character (RFC 3629: 10xxxxxx follows)."""
        message = self.messages[number]
        try:
            message.decode()
        except UnicodeDecodeError:
            return set()
        return {self.head + n for n, byte in enumerate(message) if byte & 0xC0 == 0x80}


# --- one message, whole ---------------------------------------------------------------------------------------------
def gentle(bench) -> Finding | None:
    """Each message alone, in one piece; the peer waits for the answer, then ends its stream."""
    for n, (message, wire, right) in enumerate(zip(bench.messages, bench.wires, bench.answers)):
        seen = []
        played = bench.play([wire, ANSWER, seen.append])
        early = bool(seen) and seen[0] != right         # it asked for more before it had answered

        def found(kind, said, n=n, right=right, played=played):
            return bench.finding(kind, said, [n], right, played)

        if played.repeats:
            return again(bench.finding("again", "", [n], right, played))
        if played.received == right:
            if early:
                return found("late", f"the message {show(message)} was there, and the server asked for more before it answered")
            if played.late:
                return found(hung(played), f"all was answered, the peer had ended, and then: {played.why}")
            if not bench.may_raise(played):
                when = "at the end of the stream" if played.saw_end else "after its answer"
                return found("end" if played.saw_end else "raises", f"{when} it {raised(played)}")
            continue
        second = played if _took_too_long(played) else bench.play([wire])
        if (second.received, type(second.raised)) != (played.received, type(played.raised)):
            return found("shared", f"the same bytes, played to two connections one after the other, had two answers: "
                                   f"{show(played.received)} and {show(second.received)}")
        if played.received.startswith(right) and seen and not early:
            return found("end", f"at the end of the stream it sent {show(played.received[len(right):])} more, which no message "
                                "asked for")
        if _cuts_character(bench, n, played):
            return found("decode", f"its own recvs cut a character of {show(message)}: {_pieces(played.recvs)}")
        if seen and played.saw_end and not played.received and bench.may_raise(played) and (held := _held(bench, n)):
            return held
        if played.raised:
            return found("raises", f"on the message {show(message)}, which came whole and alone, it {raised(played)}")
        if not played.received:
            more = f": {played.why}" if played.late else " and returned" if not seen else ": it asked for more"
            return found("silent", f"the message {show(message)} came whole and alone; it sent nothing{more}")
        return found(*_other(bench, n, played))
    return None


def _held(bench, n) -> Finding | None:
    """Does the answer that did not come come when the next message is sent?"""
    other = (n + 1) % len(bench.wires)
    played = bench.play([bench.wires[n], ANSWER, bench.wires[other], ANSWER])
    if not played.received.startswith(bench.answers[n]):
        return None
    said = (f"the message {show(bench.messages[n])} was there, and no answer came before the next, "
            f"{show(bench.messages[other])}, was sent; then {show(played.received)} came back")
    return bench.finding("held", said, [n, other], bench.answers[n] + bench.answers[other], played)


def again(finding) -> Finding:
    """The same finding, of a server that sends for ever: what it sends, and after which bytes."""
    played = finding.played
    taken, sent = b"".join(played.recvs), " | ".join(map(show, played.sends[-2:]))
    said = f"after {show(taken)} it sent without end, and asked for nothing between: … | {sent} | …"
    return replace(finding, kind="again", said=said)


def _took_too_long(played) -> bool:
    """Was it the clock that ended it?"""
    return played.late and not (played.repeats or played.waited or "busy" in played.why or "recv" in played.why)


def hung(played) -> str:
    return "busy" if "recv" in played.why and "busy" in played.why and "MSG_PEEK" not in played.why else "end"


def raised(played) -> str:
    return str(played.outcome)


def _pieces(recvs) -> str:
    return " | ".join(map(show, recvs))


def _cuts_character(bench, n, played) -> bool:
    """Did a recv of the server's own cut a character, while messages without one were answered?"""
    edges = set(itertools.accumulate(map(len, played.recvs)))
    error = played.raised
    return n > 0 and bool(edges & bench.inside(n)) and (error is None or isinstance(error, UnicodeDecodeError))


def _other(bench, n, played) -> tuple[str, str]:
    """An answer came, and not the right one: is it the framing?"""
    body, came, right = bench.answer(bench.messages[n]), played.received, bench.answers[n]
    times = len(came) // len(right)
    if times > 1 and came == right * times:
        return "again", f"{show(bench.wires[n])} came once, and its answer {_TIMES.get(times, f'{times} times')}: {show(came)}"
    shown = next((repr(data).encode() for data in (body, bench.messages[n]) if data and repr(data).encode() in came), b"")
    if shown and shown not in right:
        return "answer", (f"to {show(bench.messages[n])} came {show(came)}: {shown.decode()} is what str() or an f-string makes "
                          "of bytes")
    empty = answer_to(bench, b"")
    if bench.mark and empty and came.removeprefix(bench.answers[n]) == empty:
        return "empty", f"{show(bench.wires[n])} came whole and had two answers: {show(empty)}, the second, is that to b''"
    if bench.head and body and came[bench.head:] == body:
        said = int.from_bytes(came[:bench.head], bench.framing.byteorder)
        if said == _characters(body) and said != len(body):
            return "framing", (f"the answer's length counts characters: it says {said}, and {show(body)} has {len(body)} bytes")
        return "framing", f"the header of its answer says {said} bytes, and {show(body)} has {len(body)}"
    if body and body == came:
        return "framing", f"the answer {show(body)} came without its framing"
    if body and body in came:
        return "framing", f"the answer {show(body)} is there, in another framing: {show(came)}"
    return "answer", f"the message {show(bench.messages[n])} came whole and alone, and {show(came)} is not its answer"


_TIMES = {2: "twice", 3: "three times"}


def answer_to(bench, message) -> bytes | None:
    """What this would be answered, were it a message; None where answer() does not take it."""
    try:
        return bench.framing.encode(bench.answer(message))
    except Exception:                   # the answer may be a function of the reader's
        return None


def _characters(body) -> int:
    try:
        return len(body.decode())
    except UnicodeDecodeError:
        return -1


def one_after_the_other(bench) -> Finding | None:
    """The messages, each when the one before has been answered."""
    numbers, seen, pieces = few(bench), [], []
    for n in numbers:
        pieces += [bench.wires[n], ANSWER, seen.append]
    right = b"".join(bench.answers[n] for n in numbers)
    played = bench.fault(pieces, right)
    if played is None:
        return None
    if repeated := _repeated(bench, numbers, seen, played):
        return repeated
    first = len(bench.answers[numbers[0]])
    if played.received == right[:first] and played.hung_up is not None and not played.raised:
        return bench.finding("once", "after the first answer it hung up, and the second message was not read",
                             numbers, right, played)
    return bench.finding("cut", f"each message came alone, when the one before had been answered: {ended(played)}",
                         numbers, right, played)


def _repeated(bench, numbers, seen, played) -> Finding | None:
    """Did an answer that had come already come again, when a later message was sent?"""
    marks = [0, *map(len, seen), len(played.received)]
    for k in range(1, min(len(numbers), len(marks) - 1)):
        before, right = [bench.answers[n] for n in numbers[:k]], bench.answers[numbers[k]]
        came = played.received[marks[k]:marks[k + 1]]
        if came == right:
            continue
        old = next((n for n in range(k) if came.startswith(before[n]) and before[n] != right), None)
        if old is None and came != b"".join(before) + right:
            return None
        message = bench.messages[numbers[old or 0]]
        shorter = bench.play([piece for n in numbers[:k + 1] for piece in (bench.wires[n], ANSWER)])
        said = (f"{show(message)} had its answer; when {show(bench.messages[numbers[k]])} was sent, that answer came again: "
                f"{show(shorter.received)} came in all")
        return bench.finding("again", said, numbers[:k + 1], b"".join(before) + right, shorter)
    return None


def few(bench) -> list[int]:
    """Two messages at least, the text among them."""
    return [0, *range(1, min(3, len(bench.wires)))] if len(bench.wires) > 1 else [0, 0]


def ended(played) -> str:
    return played.why if played.late else f"it {raised(played)}" if played.raised else f"{show(played.received)} came back"


# --- one message, in pieces -----------------------------------------------------------------------------------------
def in_pieces(bench) -> Finding | None:
    """Each message alone, cut in two at each place, then with another behind it; then in three, then in single bytes."""
    for count, more in itertools.product((2, 3, None), (False, True)):
        for n, wire in enumerate(bench.wires):
            numbers = [n, (n + 1) % len(bench.wires)] if more else [n]
            behind = [ANSWER, bench.wires[numbers[1]]] if more else []
            right = b"".join(bench.answers[number] for number in numbers)
            cuts = every_cut(wire, count or len(wire))
            wrong = [(cut, played) for cut in cuts if (played := bench.fault(cut + behind, right))]
            if wrong:
                return _cut_message(bench, numbers, right, wrong)
    return None


def _cut_message(bench, numbers, right, wrong) -> Finding:
    """Which places are the wrong ones, and what did the server ask for?"""
    n = numbers[0]
    places = [set(itertools.accumulate(map(len, cut[:-1]))) for cut, _ in wrong]
    every = set().union(*places)
    end = len(bench.wires[n]) - len(bench.mark)
    within_mark = set(range(end + 1, len(bench.wires[n])))
    in_head = [each for each in places if each and max(each) < bench.head]          # a wire of one byte has no place to cut
    in_body = [each for each in places if each and min(each) >= bench.head]
    first = wrong[0][1]
    if bench.mark and all(each & within_mark for each in places) and len(places[0]) == 1:
        kind = "mark"
    elif bench.inside(n) and all(each & bench.inside(n) for each in places):
        kind = "decode"
    elif not bench.head:
        kind = "message"
    elif in_head and (not in_body or first.asks[0] <= bench.head):
        kind = "header"
    elif in_body and not in_head:
        kind = "body"
    else:
        kind = "message"
    chosen = in_head if kind == "header" else in_body if kind == "body" else places
    cut, played = wrong[places.index(chosen[0])] if chosen else wrong[0]
    if not every or (len(cut) > 3 and len(every) == len(bench.wires[n]) - 1 and len(places) == 1):
        kind = "cut"
    return bench.finding(kind, _half_way(bench, numbers, right, cut, played), numbers, right, played)


def _half_way(bench, numbers, right, cut, played) -> str:
    """What the server did with a message that came in pieces."""
    n = numbers[0]
    message = bench.messages[n]
    pieces = f"{show(message)} came in {number_of(len(cut), 'piece')}"
    if len(numbers) > 1 and played.received.startswith(bench.answers[n]):
        return f"{pieces} and was answered; the next was not read right: {ended(played)}"
    if played.late:
        return f"{pieces}: {played.why}"
    if played.raised and (played.taken < len(bench.wires[n]) or not bench.may_raise(played)):
        return f"{pieces}, and after {in_bytes(played.taken)} of {len(bench.wires[n])} it {raised(played)}"
    if played.taken < len(bench.wires[n]):
        return f"{pieces}, and it hung up after {in_bytes(played.taken)} of {len(bench.wires[n])}"
    if not played.received:
        return f"{pieces}; it took them all, and no answer came"
    return f"{pieces}, and the answer was {show(played.received)} in place of {show(right)}"


def in_bytes(n) -> str:
    return "1 byte" if n == 1 else f"{n:,} bytes"


# --- several messages -----------------------------------------------------------------------------------------------
def together(bench) -> Finding | None:
    """Two messages in one piece, then three."""
    some = few(bench)
    for numbers in (some[:2], some[1:] + some[:1], some):
        right = b"".join(bench.answers[n] for n in numbers)
        played = bench.fault([b"".join(bench.wires[n] for n in numbers)], right)
        if played is None:
            continue
        sent = [bench.answers[n] for n in numbers]
        part = next((k for k in range(1, len(sent)) if played.received == b"".join(sent[:k])), 0)
        alone = len(max(played.recvs, key=len, default=b"")) <= min(len(bench.wires[n]) for n in numbers)
        if alone:
            return bench.finding("cut", f"{len(numbers)} messages came in one piece: {ended(played)}", numbers, right, played)
        if part and bench.may_raise(played):
            many = "the first was answered" if part == 1 else f"{part} were answered"
            if bench.play([b"".join(bench.wires[n] for n in numbers), bench.wires[numbers[0]]]).received[:len(right)] == right:
                return bench.finding("held", f"{len(numbers)} messages came in one piece, and {many}; the next answer came only "
                                             "when the peer had sent more", numbers, right, played)
            more = f", and then: {played.why}" if played.late else ""
            return bench.finding("swallowed", f"{len(numbers)} messages came in one piece, and only {many}{more}",
                                 numbers, right, played)
        as_one = _taken_for_one(bench, numbers)
        if played.received in map(b"".join, itertools.permutations(sent)) and played.received != as_one:
            return bench.finding("cut", f"{len(numbers)} messages came in one piece, and the answers in another order: "
                                        f"{ended(played)}", numbers, right, played)
        return bench.finding("coalesced", f"{len(numbers)} messages came in one piece: {ended(played)}", numbers, right, played)
    return None


def _taken_for_one(bench, numbers) -> bytes | None:
    """What would come, were the messages one, with the delimiters in it; None where answer() does not take that."""
    try:
        return bench.answer(bench.mark.join(bench.messages[n] for n in numbers)) + bench.mark
    except Exception:                   # the answer may be a function of the reader's
        return None


def next_begins(bench) -> Finding | None:
    """A message, and the beginning of the next in the same piece, which waits for the first answer; then the rest of it."""
    some = few(bench)
    for numbers in (some[:2], some[-2:], some[1::-1]):
        (one, first), (two, second) = ((bench.wires[n], bench.answers[n]) for n in numbers)
        waits, inside = [], bench.inside(numbers[1])
        for place in range(1, len(two)):
            seen = []
            played = bench.fault([one + two[:place], ANSWER, seen.append, two[place:]], first + second)
            lost = f"{show(two[:place])}, the beginning of the next message, came behind {show(one)}"
            if played is None:
                waits += [(place, lost)] * (seen[:1] == [b""])
                continue
            if played.received.startswith(first) and (not played.late or played.received == first):
                return bench.finding("leftover", f"{lost}: {ended(played)}", numbers, first + second, played)
            return bench.finding("cut", f"{lost}: {ended(played)}", numbers, first + second, played)
        if waits:
            place, lost = waits[0]
            kind = "decode" if {place for place, _ in waits} <= inside else "held"
            played = bench.play([one + two[:place], ANSWER, two[place:], ANSWER])
            return bench.finding(kind, f"{lost}; {show(one)} was whole, and no answer came before the server asked for more",
                                 numbers, first + second, played)
    return None


def any_cut(bench) -> Finding | None:
    """What the other rules leave: several messages in two and three pieces, and in single bytes."""
    some = few(bench)
    for numbers, count in ((some, 2), (some[:2], 3), (some[-2:], 3), (some, None)):
        stream, right = (b"".join(of[n] for n in numbers) for of in (bench.wires, bench.answers))
        for cut in every_cut(stream, count or len(stream)):
            if played := bench.fault(cut, right):
                return bench.finding("cut", f"{len(numbers)} messages came in {len(cut)} pieces: {ended(played)}",
                                     numbers, right, played)
    return None
