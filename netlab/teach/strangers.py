"""The rest of what `netlab.teach.diagnose` tries: short sends, other connections, an end or a silence in the middle, messages
of other sizes, or without a bound. RULES are all rules, those of `netlab.teach.mistakes` too, in the order in which they are
asked.
"""
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from netlab.framing import FixedLength, FramingError
from netlab.teach.check import show
from netlab.teach.mistakes import (
    Bench,
    Finding,
    answer_to,
    any_cut,
    ended,
    few,
    gentle,
    hung,
    in_bytes,
    in_pieces,
    next_begins,
    one_after_the_other,
    raised,
    together,
)
from netlab.teach.played import ANSWER, CHUNK, PAUSE

SANE = 2 ** 24          # bytes: a message of a stranger's that no server of this course should take
ENDLESS = 16            # an endless message is so many times as long as the framing allows
WIDE = 24               # bytes of an answer that are shown where nobody needs them all
BUDGET = 1.5            # seconds for an endless message, which a slow server need not take whole


def short_sends(bench) -> Finding | None:
    """send takes one byte, then three."""
    for n, most in itertools.product(range(len(bench.wires)), (1, 3)):
        played = bench.fault([bench.wires[n]], bench.answers[n], most=most)
        if played:
            took = next((sent for sent in played.sends if len(sent) == most), b"")
            return bench.finding("send", f"a send took {in_bytes(len(took))} of what it was given, {show(took)}, and the rest "
                                         f"was not sent: {show(played.received)} came back", [n], bench.answers[n], played)
    return None


def two_connections(bench) -> Finding | None:
    """One connection ends in the middle of a message before the next begins; then one in the middle of another."""
    some = few(bench)
    one, right = bench.wires[some[0]], bench.answers[some[0]]
    other, others = bench.wires[some[1]], bench.answers[some[1]]
    for place in sorted({1, len(one) // 2, len(one) - 1} - {0}):
        bench.play([one[:place]])
        if played := bench.fault([other], others):
            return bench.finding("shared", f"a connection ended after {show(one[:place])}; the next one sent {show(other)}: "
                                           f"{ended(played)}", some[1:2], others, played)
        inner = []
        played = bench.play([one[:place], lambda received, inner=inner: inner.append(bench.play([other])), one[place:]])
        if inner and not bench.right(inner[0], others):
            return bench.finding("shared", f"while a message on one connection was half there, another sent {show(other)}: "
                                           f"{ended(inner[0])}", some[1:2], others, inner[0])
        if not bench.right(played, right):
            return bench.finding("shared", f"while {show(one)} was half there, {show(other)} came on another connection; of "
                                           f"the first: {ended(played)}", some[:1], right, played)
    return None


def ends(bench) -> Finding | None:
    """The stream ends in the middle of a message: nothing more is to be answered, and the server comes to its end."""
    some = few(bench)
    for numbers in ([some[0]], some[:2]):
        stream, right = (b"".join(of[n] for n in numbers) for of in (bench.wires, bench.answers))
        played = bench.play([stream])
        if not bench.right(played, right):
            said = f"the peer ended its stream right behind {show(stream)}, and did not wait for the answer: {ended(played)}"
            return bench.finding("end", said, numbers, right, played)
    for first, n in [(None, n) for n in range(len(bench.wires))] + [tuple(some[:2])]:
        before, expected = (b"", b"") if first is None else (bench.wires[first], bench.answers[first])
        for place, end in itertools.product(range(1, len(bench.wires[n])), ("close", "reset")):
            part = bench.wires[n][:place]
            seen = []
            played = bench.play([before + part, seen.append], end=end)
            done = expected[:len(played.received)] if end == "reset" else expected
            if played.received == done and not played.late:
                continue                                # how it hangs up then is its own affair
            sends = (part,) if first is None else (bench.wires[first], part)
            more = played.received.removeprefix(expected)
            if played.late:
                kind, said = hung(played), f"{_END[end]} after {show(part)}, and then: {played.why}"
            elif seen and len(seen[0]) < len(expected):
                kind, said = "held", f"{show(part)} came behind a whole message, and no answer before the server asked for more"
            elif seen and seen[0] != expected:
                kind, said = "stream", f"{show(part)} is no whole message, and was answered before more had come: {show(more)}"
            else:
                kind, said = "end", f"{_END[end]} after {show(part)}, which is no whole message, and {show(more)} came back"
            return Finding(kind, said, sends, expected, played)
    return None


_END = {"close": "the stream ended", "reset": "the peer was reset"}


def pauses(bench) -> Finding | None:
    """The peer is silent in the middle of a message. A server with a timeout may hang up; or it goes on, with all the bytes."""
    some = few(bench)[:2]
    wires, answers = [bench.wires[n] for n in some], [bench.answers[n] for n in some]
    valid = [b"", answers[0], answers[0] + answers[1]]
    for k in (0, 1):
        for place in range(1, len(wires[k])):
            part, rest = wires[k][:place], wires[k][place:]
            pieces = [*wires[:k], part, PAUSE, rest, *wires[k + 1:]]
            played = bench.play(pieces)
            after = played.taken > len(b"".join(wires[:k]) + part)
            if bench.right(played, valid[2]):
                continue
            if isinstance(played.raised, OSError) and "timed out object" in str(played.raised):     # of socket.SocketIO
                said = f"the peer was silent after {show(part)}, a read of the file timed out; it read on, and {raised(played)}"
            elif not played.late and not after:         # it hung up
                came = played.received[len(valid[k]):]
                if bench.may_raise(played) and not (came and came == answer_to(bench, part[bench.head:])):
                    continue
                if not bench.may_raise(played):
                    said = f"the peer was silent after {show(part)}: it {raised(played)}"
                else:
                    said = f"the peer was silent after {show(part)}, and that was taken for all of it: {show(came)} came back"
            else:
                said = f"the peer was silent after {show(part)}, a recv timed out, and then {show(rest)} came: {ended(played)}"
            return replace(bench.finding("timeout", said, some, valid[2], played), script=tuple(pieces))
    return None


# --- messages of another size ---------------------------------------------------------------------------------------
def sizes(bench) -> Finding | None:
    """A long message, then one of zero bytes, between two short ones; where the framing and answer() take it."""
    for size in (*_long(bench), 0) if bench.sizes else ():
        wire, right = _of_size(bench, size)
        if right is None:
            continue
        some = few(bench)[:2]
        (before, after), (first, last) = ([of[n] for n in some] for of in (bench.wires, bench.answers))
        played = bench.fault([before, ANSWER, wire, ANSWER, after], first + right + last)
        if played and size:
            what = _of_a_long(played, before, wire, first, right + last)
            said = f"a message of {size:,} bytes came behind {show(before)}: {what}"
            return Finding("long", said, (before, wire, after), first + right + last, played)
        if played:
            said = f"{show(wire)}, a message of zero bytes, came between {show(before)} and {show(after)}: {ended(played)}"
            return Finding("zero", said, (before, wire, after), first + right + last, played)
    return None


def _long(bench) -> list[int]:
    """Sizes that a server should take, well below what the framing allows: also one that is negative, read as a signed length."""
    if isinstance(bench.framing, FixedLength):
        return []
    well_below = bench.framing.max_size * 4 // 5
    wanted = {1: [200], 2: [3000, 40000]}.get(bench.head, [3000])
    return [size for size in sorted({min(size, well_below) for size in wanted}) if size > 20]


def _of_size(bench, size) -> tuple[bytes, bytes | None]:
    """(a message of that size as it is sent, what is due), or (b"", None) where framing or answer() do not take it."""
    letters = bytes(byte for byte in b"abcdefghijklmnopqrstuvwxyz" if byte not in bench.mark)
    message = (letters * (size // len(letters) + 1))[:size]
    try:
        return bench.framing.encode(message), answer_to(bench, message)
    except FramingError:
        return b"", None


def _of_a_long(played, before, wire, first, due) -> str:
    """What the server did with it. `due`: its answer and the next."""
    taken, came = played.taken - len(before), len(played.received) - len(first)
    if played.late or (played.raised and taken > len(wire)):
        return ended(played)
    if taken < len(wire):
        return f"{in_bytes(taken)} of {len(wire):,} were taken, and then it {raised(played) if played.raised else 'hung up'}"
    if came == len(due):
        return f"{in_bytes(came)} came for it and for the next message, so many as are due, and not the right ones"
    return f"{in_bytes(came)} came for it and for the next message, in place of {len(due):,}"


def no_bound(bench) -> Finding | None:
    """A stranger sends a length, or a line, that no message of this framing may have."""
    return (_length(bench) or _goes_on(bench)) if bench.head else _line(bench) if bench.mark else None


def _too_long(bench) -> tuple[int, bytes]:
    """(more bytes than a message may have, the header that says so); (0, b"") where it cannot say more than 64 KiB."""
    size = min(max(SANE, ENDLESS * bench.framing.max_size), 256 ** bench.head - 1)
    if size <= max(bench.framing.max_size, 2 ** 16):
        return 0, b""
    return size, size.to_bytes(bench.head, bench.framing.byteorder)


def _behind(header, body, most, enough) -> Iterator:
    """The header, a few short bodies, and long ones, more than a message may have: until what has come back is enough() or, as a
    server may take them one by one, while there is time.
    """
    until, heard = time.monotonic() + BUDGET, []
    long = body * max(1, CHUNK // len(body))
    yield header
    for n in range(most // len(long) + 7):
        if any(map(enough, heard)) or (n >= 6 and time.monotonic() > until):
            break
        yield body if n < 4 else long
        yield heard.append


def _length(bench) -> Finding | None:
    size, header = _too_long(bench)
    if not size:
        return None
    played = bench.play(_behind(header, bytes(16), bench.framing.max_size, bool), end="open")
    if played.taken < bench.head + 2 * CHUNK or played.received:
        return None
    return _unbounded(f"the header {show(header)} said {size:,} bytes; that was believed: the server took "
                      f"{played.taken - bench.head:,} bytes of that message, and waited for the rest", header, played)


def _goes_on(bench) -> Finding | None:
    """Behind a header that is refused the bytes may be anything, also what looks like messages: none of it may be answered."""
    size, header = _too_long(bench)
    if not size:
        return None
    wire, refusal = bench.wires[0], bench.play([header]).received
    read_on = _behind(header, wire, bench.framing.max_size, lambda heard: bench.answers[0] in heard.removeprefix(refusal))
    played = bench.play(read_on, end="open")
    more = played.received.removeprefix(refusal)
    if not more or not (played.waited or bench.answers[0] in more):
        return None                                     # what it says while it hangs up is its own affair
    said = (f"the header {show(header)} said {size:,} bytes, more than is allowed; the server read on, and what came behind that "
            f"header was answered: {show(more[:WIDE])}{' …' * (len(more) > WIDE)}")
    return Finding("step", said, (header + wire,), refusal, replace(played, pieces=(header, wire), recvs=(), received=more))


def _line(bench) -> Finding | None:
    most = bench.framing.max_size
    total, until = ENDLESS * most, time.monotonic() + BUDGET
    other = bytes([next(byte for byte in b"xyz" if byte not in bench.mark)])

    def pieces():
        for start in range(0, total, CHUNK):
            if time.monotonic() > until:
                break
            yield other * min(CHUNK, total - start)

    played = bench.play(pieces(), end="open")
    if played.taken < min(total, 2 * most) or played.received or not (played.late or played.waited):
        return None
    return _unbounded(f"{played.taken:,} bytes came without {show(bench.mark)}; the server took them all, and waited for more",
                      other * 16, played)


def _unbounded(said, sent, played) -> Finding:
    return Finding("bound", said, (sent,), b"", replace(played, pieces=(), recvs=(), asks=()))


RULES: tuple[Callable[[Bench], Finding | None], ...] = (
    gentle, one_after_the_other, in_pieces, together, next_begins, short_sends, two_connections, any_cut, ends, pauses, sizes,
    no_bound)
