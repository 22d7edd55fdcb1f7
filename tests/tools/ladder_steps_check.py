"""A judge of a ladder's steps that shares nothing with them: it counts bytes in frames and calls by itself, row by row."""
from __future__ import annotations

from collections import defaultdict

from ladder_check import tcp_of

from netlab.events import RECEIVES, SENDS

ACROSS = {"client": "server", "server": "client"}


class Way:
    """Bytes from one end to the other, as sets of their numbers, from 0."""

    def __init__(self):
        self.sent, self.arrived, self.flying, self.taken, self.acked, self.whose = set(), set(), [], 0, 0, {}
        self.closed = self.reset = False
        self.fin = -1           # how many bytes are before a FIN that came, and whose ACK came


def wrong_steps(ladder, steps, connection: int = 1) -> list[str]:
    """Where a strip is not what calls and frames say; [] where all is well. Of a ladder whose ends are both recorded."""
    wrong, ways, shown = [], {"client": Way(), "server": Way()}, ladder.shown()
    first = _first_numbers(ladder, connection)
    numbers = ladder.numbers()
    if len(shown) != len(steps):
        return [f"{len(steps)} steps for {len(shown)} rows"]
    for n, (row, step) in enumerate(zip(shown, steps), 1):
        for each in row.folded or [row]:
            _follow(ladder, each, ways, first, numbers, connection)
        last = n == len(steps)
        if last:
            for (number, side), ack in ladder.acknowledged.items():
                if number == connection:
                    ways[side].acked = max(ways[side].acked, ack - 1)
        wrong += [f"step {n}: {words}" for side, way in ways.items() for words in _compared(ladder, step, side, way)]
        if not step.says or not step.says.rstrip().endswith("."):
            wrong.append(f"step {n} says {step.says!r}")
    return wrong


def _first_numbers(ladder, connection):
    """{side: the number of its SYN}"""
    found = {}
    for row in ladder.rows:
        if row.drawn and row.drawn.journey.segment and row.drawn.journey.segment.connection == connection:
            tcp = tcp_of(row.drawn.journey.frames[0].data)
            if tcp.flags & 2:
                found.setdefault(row.side, tcp.seq)
    return found


def _follow(ladder, row, ways, first, numbers, connection):
    e = row.event
    if e is not None:
        number, to = ladder.stream_to(e.socket)
        if number != connection or e.error:
            return
        out, into = ways[ACROSS[to]], ways[to]
        if e.method in SENDS and row.kind != "finish":
            out.sent |= set(range(e.offset, e.offset + e.size))
            out.whose |= dict.fromkeys(range(e.offset, e.offset + e.size), (numbers[id(e)], e))
        elif e.method in RECEIVES and row.kind != "start" and not e.peek:
            into.taken += e.size
        elif e.method == "close" and str(e.result) != "a file still holds it open":
            into.closed = True
            out.reset |= _resets(ladder, ACROSS[to], connection)
        return
    drawn = row.drawn
    if drawn.journey.segment is None or drawn.journey.segment.connection != connection:
        return
    tcp, way, back = tcp_of(drawn.journey.frames[0].data), ways[drawn.side], ways[drawn.to]
    at = (tcp.seq - first[drawn.side] - 1) % 2**32
    carried = range(at, at + len(tcp.data))
    if row.kind == "departure":
        way.flying.append(carried)
    elif row.kind == "arrival":
        way.flying.remove(carried)
    if tcp.flags & 4 and row.kind != "arrival":
        way.reset = True
    if row.kind != "departure" and not drawn.lost:
        way.arrived |= set(carried)
        if tcp.flags & 1 and ladder.acknowledged.get((connection, drawn.side), 0) > at + len(tcp.data) + 1:
            way.fin = at + len(tcp.data)
        if tcp.flags & 4:
            back.reset = True
        elif tcp.flags & 16:
            back.acked = max(back.acked, (tcp.ack - first[drawn.to] - 1) % 2**32)


def _resets(ladder, side, connection):
    """Whether that side ended with RST, not with FIN."""
    flags = [tcp_of(row.drawn.journey.frames[0].data).flags for row in ladder.rows if row.drawn and row.side == side
             and row.drawn.journey.segment and row.drawn.journey.segment.connection == connection and row.kind != "arrival"]
    return bool(next((each & 4 for each in flags if each & 5), 0))


def _compared(ladder, step, side, way):
    """What is wrong with the strips of one direction."""
    sender, receiver = ladder.names[side], ladder.names[ACROSS[side]]
    strips, pieces = defaultdict(set), []
    for scene in step.scenes[:1]:
        for each in scene.ways:
            for piece in each.pieces:
                strips[each.label] |= set(range(piece.start, piece.start + piece.size))
            if sum(piece.size for piece in each.pieces) != len(strips[each.label]) and not each.label.startswith("on the way"):
                yield f"{each.label}: a byte is there twice"
            if each.label in (f"{sender} keeps until an ACK", f"in {receiver}'s kernel", f"on the way to {receiver}"):
                pieces += each.pieces
    kept, on_the_way = strips[f"{sender} keeps until an ACK"], strips[f"on the way to {receiver}"]
    there, apart = strips[f"in {receiver}'s kernel"], strips[f"at {receiver}, behind a gap"]
    whole = next((n for n in range(len(way.arrived) + 1) if n not in way.arrived), 0)
    if way.closed and (there or apart):
        yield f"{receiver} has closed its socket, and bytes wait there"
    if not way.closed:
        if there != set(range(way.taken, whole)):
            yield f"{len(there)} bytes wait at {receiver}, not {whole - way.taken}"
        if apart != {n for n in way.arrived if n >= whole}:
            yield f"{len(apart)} bytes wait behind a gap at {receiver}"
        if not way.reset and len(way.sent) != way.taken + len(there) + len(apart) + len(kept - way.arrived):
            yield f"sent {len(way.sent)}, but received {way.taken}, in kernels {len(there) + len(apart)}, {len(kept)}"
    told = {n for n in way.sent if n >= way.acked}, set() if 0 <= way.fin <= whole else None        # by an ACK that is not drawn
    if kept not in ([set()] if way.reset else told):
        yield f"{sender} keeps {len(kept)} bytes of {len(way.sent)}, {way.acked} are acknowledged"
    if on_the_way != {n for carried in way.flying for n in carried}:
        yield f"{len(on_the_way)} bytes on the way"
    for piece in pieces:
        number, e = way.whose.get(piece.start, (None, None))
        begin = piece.start - e.offset if e else 0
        if piece.send != number or (e and not e.data[begin:].startswith(piece.data)) or len(piece.data) > piece.size:
            yield f"{piece} is not of send {number}"
        if not piece.data and (not e or begin < len(e.data)):
            yield f"{piece} does not show its bytes"


def told_as_by_kernels(made, step):
    """{side: (state, bytes to be received)} as kernels tell it: TCP_INFO has no TIME_WAIT."""
    waiting = {way.label: sum(piece.size for piece in way.pieces) for way in step.scenes[0].ways}
    places = {"client": step.scenes[0].left, "server": step.scenes[0].right}
    return {side: (place.state.replace("TIME_WAIT", "CLOSED"), waiting.get(f"in {made.names[side]}'s kernel", 0))
            for side, place in places.items()}
