"""The ladder: the calls of two programs, and between them the packets by which their kernels did what the calls asked for.

Each byte can be followed from the call that sent it through the packets that carried it to the call that took it. What is
what, TCP tells by its numbers (RFC 9293, 3.4): they are counted here from 1 for the first byte of each way.

**The order** of the rows is an order of cause, and keeps what the capture shows: at each of the two ends packets leave and
come in the order in which they did. A call that sends stands before the first packet with a byte of it, one that receives
after the packet that brought its last byte; connect() returns when the SYN ACK has come, accept() when the ACK after that
has; the end of a stream is read when the FIN has come. A recording of calls has no times: what is free by all this goes
where it is read best, always to the same place.

**An ACK without data** is drawn only where it is news. A kernel sends it by itself or with the next data, as time allows
(RFC 9293, 3.8.6.3). So it is left out where its side sends something else between one sending of its peer and the peer's
next, where it says what has been said, and where it acknowledges only a part of what one call sent. It may say something
new even so, as that a FIN came: `Ladder.replay()` tells of it.

**Promised**: programs that take turns have the same ladder in each run. **Not promised**, since it differs on the wire:
what crosses when both ends speak at once; how many segments carry two sends in a row, or many bytes; whether a FIN goes
with the last of them; and what a machine that was busy for 200 ms sends again though it was not lost.
"""
import heapq
from dataclasses import dataclass, field

from netlab.events import ENDINGS, RECEIVES, SENDS, Event
from netlab.network.journeys import journeys, owners
from netlab.network.tracing import ACROSS, CONNECTS, Drawn, Ends, Needs, address_of, is_ack, range_of
from netlab.replay.player import Replay, replay_or_picture
from netlab.replay.source import blocks_of
from netlab.words import bytes_of, count_of, number_of, show_call, show_result

WAITS = RECEIVES | CONNECTS | {"accept"}
MOST = 60               # rows; of more, what is alike is folded


@dataclass(eq=False, slots=True)
class Row:
    """One line of the ladder: what a program did, or what a kernel sent."""
    kind: str           # "call", or "start" and "finish" of one that waits; "packet", or "departure" and "arrival" of one
    side: str           # where: "client", "server"; of a packet, from where it goes, "" from a node between
    event: Event | None = None
    drawn: Drawn | None = None
    call: str = ""      # "recv(9)"
    result: str = ""    # 'b"two"'
    note: str = ""      # what else is to be known of it
    causes: list[int] = field(default_factory=list)     # rows that this one needed
    folded: list["Row"] = field(default_factory=list)   # kind "fold": the rows that stand in this one's place


class Ladder:
    """What two programs and their kernels did, row by row; in a cell it shows itself."""

    def __init__(self, rows, names, addresses, cable, streams, acknowledged):
        self.rows, self.names, self.addresses, self.cable, self._streams = rows, names, addresses, cable, streams
        self.acknowledged = acknowledged        # {(connection, side): the highest ACK that came to it}, also by what is not drawn
        self.caption = _caption(self)

    def sent(self, byte: int, side: str = "client", connection: int = 1) -> Row | None:
        """The call that sent byte number `byte`, from 1, of what `side` sent in that connection."""
        return next((row for row in self.rows if row.event and row.kind != "finish" and row.event.method in SENDS
                     and self._streams.get(row.event.socket) == (connection, side) and _has(row.event, byte)), None)

    def carried(self, byte: int, side: str = "client", connection: int = 1) -> list[Row]:
        """The packets that carried it, also those that were lost, in their order."""
        return [row for row in self.rows if row.drawn and row.kind != "arrival"
                and row.drawn.stream == (connection, side) and row.drawn.first <= byte <= row.drawn.last]

    def took(self, byte: int, side: str = "client", connection: int = 1) -> Row | None:
        """The call that received it at the other end; None where none did."""
        return next((row for row in self.rows if row.event and row.kind != "start" and row.event.method in RECEIVES
                     and self.stream_to(row.event.socket) == (connection, side)
                     and not row.event.peek and _has(row.event, byte)), None)

    def stream_to(self, socket: int) -> tuple:
        """(connection, side) of the bytes that a socket receives."""
        number, side = self._streams.get(socket, (0, ""))
        return number, ACROSS[side]

    def shown(self) -> list[Row]:
        """The rows, with a row of the kind "fold" in the place of many that are alike."""
        return fold(self.rows)

    def numbers(self) -> dict[int, int]:
        """{id of a call that sends: its number from 0, for its colour}: in the order of the packets, then what none carried."""
        carried = [e for row in self.rows if row.drawn for e in row.drawn.calls]
        others = [row.event for row in self.rows if row.event and row.event.method in SENDS]
        return {key: n for n, key in enumerate(dict.fromkeys(map(id, carried + others)))}

    def text(self) -> str:
        """A numbered line for each row, to be read aloud."""
        shown = self.shown()
        number = {id(row): n for n, row in enumerate(shown, 1)}
        wide = max(map(len, self.names.values()))
        lines = []
        for n, row in enumerate(shown, 1):
            sources = sorted({number[id(self.rows[c])] for c in row.causes if id(self.rows[c]) in number})
            who = "…" if row.kind == "fold" else self.names.get(row.side) or row.drawn.journey.sender
            tail = f"   (from {', '.join(map(str, sources))})" if sources and row.event else ""
            lines.append(f"{n:3}  {who:<{wide}}  {words_of(row, self)}{tail}")
        return "\n".join([*lines, self.caption])

    def __repr__(self) -> str:
        return self.text()

    def replay(self, opened: bool = True) -> Replay:
        """The ladder to be stepped through, row by row; `opened` at its first, else as the whole picture."""
        from netlab.network.ladder_picture import picture_of
        from netlab.network.ladder_replay import steps_of
        picture, (code, where) = picture_of(self), blocks_of([row.event for row in self.rows if row.event])
        return replay_or_picture(picture, lambda: Replay(picture, steps_of(self, where), code, opened=opened))

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return self.replay(opened=False)._repr_mimebundle_()


def ladder(packets, timeline, *, cable=None, between=None) -> Ladder:
    """The ladder of what passed and what was called: `packets` are a network's (net.packets), `timeline` has the calls.

    With `cable`, a Cable or its name, only what passed that one; else each packet goes from end to end. A ladder has two
    ends: where more hosts made calls, `between` names two. Raises ValueError. Whose an address is, a network's packets know;
    of a capture from a file it is a guess, and what was lost half way to a host that never spoke seems to be for the router.
    """
    story = timeline.story()
    events = [row.event for row in story.rows if row.phase != "start"]
    return climb(packets, events, story.endpoints, cable=cable, between=between)


def climb(packets, events, endpoints, *, cable=None, between=None) -> Ladder:
    """The same of events in the order of a story, and its Endpoints. Values in, values out."""
    belongs, ways, on = owners(packets), journeys(packets), getattr(cable, "name", cable)
    names = {packet.cable for packet in packets}
    if on is not None and on not in names:
        raise ValueError(f"no packet passed the cable {on!r}, but {', '.join(sorted(names)) or 'none at all'}")
    ends = Ends(events, {end.id: end for end in endpoints}, ways, belongs, between)
    events = [e for e in events if e.socket in ends.side]
    side = {host: side for side, host in ends.names.items()}
    drawn = [_drawn(way, side.get(way.sender, ""), side.get(belongs.get(way.destination[0]), ""), on) for way in ways]
    drawn = [each for each in drawn if each and each.side != each.to and ((each.side and each.to) or each.journey.quoted)]
    if not drawn and not events:
        raise ValueError("there is nothing to draw: no packet of IP between two hosts, and no call")
    needs = Needs(events, drawn, ends)
    passed = {frame.cable for each in drawn for frame in each.journey.frames}
    own = {belongs.get(way.source[0]): way.source[0] for way in reversed(ways)} | {
        belongs.get(way.destination[0]): way.destination[0] for way in reversed(ways)}
    return Ladder(_rows(needs, ends, belongs), ends.names, {side: own.get(host, "") for side, host in ends.names.items()},
                  on or ("the cable" if len(passed) < 2 else _by(drawn)),
                  {socket: (ends.connection.get(socket, 0), where) for socket, where in ends.side.items()}, _acknowledged(drawn))


def _acknowledged(drawn):
    highest = {}
    for each in drawn:
        segment = each.journey.segment
        if segment and segment.ack is not None and each.journey.arrived is not None and not each.journey.changed:
            key = segment.connection, each.to
            highest[key] = max(highest.get(key, 0), segment.ack)
    return highest


def _drawn(way, side, to, on):
    """A journey as it is drawn: from end to end, or on one cable."""
    if on is None:
        return Drawn(way, side, to, way.departed, way.arrived, lost=way.ended)
    frames = [frame for frame in way.frames if frame.cable == on]
    if not frames:
        return None
    came = min((when for frame in frames for when in frame.arrivals), default=None)
    return Drawn(way, side, to, frames[0].time, came, lost="" if came else way.ended)


def _by(drawn):
    """The nodes between: "by router"."""
    between = list(dict.fromkeys(frame.sender for each in drawn for frame in each.journey.frames[1:]))
    return f"by {' and '.join(between)}" if len(between) < 3 else f"by {len(between)} nodes"


def _has(event, byte):
    return event.offset < byte <= event.offset + event.size


# --- one order for all -----------------------------------------------------------------------------------------
def _rows(needs, ends, belongs):
    steps = _order(needs)
    place = {step: n for n, step in enumerate(steps)}
    names, listeners = {}, {e.socket for e in needs.events if e.method == "listen"}
    for e in needs.events:
        if (at := address_of(e.address)) and at[0] in belongs:
            host = belongs[at[0]]
            names[e] = {at[1]: host if at[1] >= 32768 else f"{host}, {at[1]}"}
    rows, where, waits = [], {}, {e for e in needs.events if _waits(e, needs, steps, place)}
    for what, thing in steps:
        if isinstance(thing, Event):
            if thing not in waits and what == _other_end(thing):
                continue
            known = names.get(thing, {})
            row = Row(what if thing in waits else "call", ends.side[thing.socket], thing, call=show_call(thing, known))
            if row.kind != "start":
                row.result = show_result(thing, known)
            if thing.method == "close" and thing.socket in listeners:
                row.note = "the listener"
        elif what == "arrival" and rows and rows[-1].drawn is thing:
            rows[-1].kind = "packet"
            where[what, thing] = len(rows) - 1
            continue
        else:
            row = Row("packet" if thing.came is None else what, thing.side, drawn=thing)
        where[what, thing] = len(rows)
        where.setdefault(("any", thing), len(rows))
        if what == "finish" or thing not in waits:
            row.causes = sorted({where["any", cause] for cause in needs.causes[thing] if ("any", cause) in where} - {len(rows)})
        rows.append(row)
    return rows


def _other_end(e):
    """The step of a call that has no row of its own, where it did not wait: a call that needs something stands at its end."""
    return "start" if e.method in WAITS else "finish"


def _waits(e, needs, steps, place):
    """Whether something is to be told between a call's start and its end, other than what it waited for."""
    if e.method not in WAITS:
        return False
    between = steps[place["start", e] + 1:place["finish", e]]
    if e.method in CONNECTS:
        return any(not isinstance(thing, Event) for _, thing in between)
    own, packets = set(), [cause for cause in needs.causes[e] if isinstance(cause, Drawn)]
    for packet in packets:
        own |= {id(cause) for cause in needs.causes[packet]}
    if e.method == "accept":
        own |= {id(other) for other in needs.events if other.method in CONNECTS}
    return any(thing.lost or thing.again if isinstance(thing, Drawn) else id(thing) not in own and what != "finish"
               for what, thing in between)


def _order(needs):
    """All steps, each after what it needs; of those that could be next the first by `urgency`."""
    steps = [(what, e) for e in needs.events for what in ("start", "finish")]
    steps += [(what, each) for each in needs.drawn for what in ("departure", "arrival")[:1 + (each.came is not None)]]
    known, after, missing = set(steps), {step: [] for step in steps}, {}
    for step in steps:
        before = needs.before[step] & known
        missing[step] = len(before)
        for other in before:
            after[other].append(step)
    urgency = _urgency(needs, steps)
    ready, order, done = [(urgency[step], step) for step in steps if not missing[step]], [], set()
    ready = [(key, n, step) for n, (key, step) in enumerate(ready)]
    heapq.heapify(ready)
    count = len(steps)
    while len(order) < len(steps):
        if not ready:                   # the recording contradicts the capture: go on with what was first on the cable
            step = min((step for step in steps if step not in done), key=lambda step: (isinstance(step[1], Event), urgency[step]))
        else:
            step = heapq.heappop(ready)[2]
        if step in done:
            continue
        done.add(step)
        order.append(step)
        for other in after[step]:
            missing[other] -= 1
            if not missing[other]:
                count += 1
                heapq.heappush(ready, (urgency[other], count, other))
    return order


def _urgency(needs, steps):
    """{step: key}: what comes first of several that could. A packet comes as soon as it has left, and leaves as soon as its
    call was made; then calls return, and those that wait begin; then kernels send what no call asked for; and at last comes
    a call that makes a new packet, in the order of these."""
    keys, latest, rank = {}, 0.0, {e: n for n, e in enumerate(needs.events)}
    for what, thing in steps:
        if isinstance(thing, Drawn):
            asked = any(isinstance(cause, Event) for cause in needs.causes[thing]) and not thing.again
            keys[what, thing] = (0 if what == "arrival" else 1 if asked else 5), thing.left, 0
            continue
        latest = max(latest, needs.enables.get(thing, 0.0))
        if what == "start" and (thing.method not in WAITS or thing.method in CONNECTS):
            silent_end = thing.method in ENDINGS and thing not in needs.enables
            keys[what, thing] = 6, float("inf") if silent_end else needs.enables.get(thing, latest), rank[thing]
        else:
            waits = thing.method in WAITS
            keys[what, thing] = (3 if what == "start" else 4 if waits else 2), 0.0, rank[thing]
    return keys


# --- words -----------------------------------------------------------------------------------------------------
def words_of(row: Row, ladder: Ladder) -> str:
    """What a row says, without who."""
    if row.kind == "fold":
        return _fold_words(row)
    if row.event:
        mark, waits = "✗" if row.event.error else "→", row.kind == "start"
        call = row.event.method if row.kind == "finish" else row.call
        done = f" {mark} {row.result}" if row.result and not waits else " returns" if row.kind == "finish" else ""
        return call + (" waits" if waits else done) + f" ({row.note})" * bool(row.note)
    each = row.drawn
    if row.kind == "arrival":
        return f"{each.label} {'come' if is_plural(each.label) else 'comes'} to {ladder.names.get(each.to) or 'a node between'}"
    said = f"{each.label} to {ladder.names.get(each.to) or each.journey.destination[0]}" + ", again: no ACK came" * each.again
    said += f", {each.lost}" if each.lost else f", {each.note}" if each.note else ""
    overtaken = row.kind == "departure" and any(_overtakes(other.drawn, each) for other in ladder.rows if other.drawn)
    return said + (", overtaken" if overtaken else ", on its way" if row.kind == "departure" else "")


def is_plural(label: str) -> bool:
    """Whether what a packet is called is "they": "bytes 4-6", "25 bytes"."""
    return label.startswith("bytes ") or label.endswith(" bytes")


def _overtakes(other, each):
    """Whether it left after the other from the same side, and came before it."""
    return other.side == each.side and other.left > each.left and other.came is not None and other.came < each.came


def fold(rows: list[Row]) -> list[Row]:
    """Where there are more than MOST rows: one row in the place of the middle of each run of data one way, with what the
    receiver does meanwhile; and of what is still too long, in the place of its middle."""
    if len(rows) <= MOST:
        return rows
    shown, at = [], 0
    while at < len(rows):
        end = at
        while end < len(rows) and _goes_on(rows[at], rows[end]):
            end += 1
        if end - at > 8:
            shown += [*rows[at:at + 3], _folded(rows[at + 3:end - 2]), *rows[end - 2:end]]
            at = end
        else:
            shown.append(rows[at])
            at += 1
    if len(shown) > MOST:
        middle = [each for row in shown[MOST // 2:-MOST // 2] for each in (row.folded or [row])]
        shown = [*shown[:MOST // 2], _folded(middle), *shown[-MOST // 2:]]
    return shown


def _goes_on(first, row):
    """Whether a row belongs to the run of data that `first` begins."""
    if first.drawn is None or not first.drawn.first or first.drawn.journey.segment is None:
        return False
    if row.drawn:
        return row.drawn.stream == first.drawn.stream or (row.drawn.side == ACROSS[first.side] and is_ack(row.drawn))
    return row.side == ACROSS[first.side] and row.event.method in RECEIVES and bool(row.event.size)


def _folded(rows):
    return Row("fold", rows[0].side, folded=rows)


def _fold_words(row):
    """"40 more segments, bytes 2,001-60,000, 3 of them lost and sent again"."""
    drawn = [each.drawn for each in row.folded if each.drawn and each.kind != "arrival" and each.drawn.first]
    sides = {each.side for each in drawn}
    what = "more segment" if all(each.journey.segment for each in drawn) else "more datagram"
    said = [number_of(len(drawn), what)] if drawn else []
    if len(sides) == 1 and drawn[0].journey.segment:
        said.append(range_of(min(each.first for each in drawn), max(each.last for each in drawn)))
    if lost := sum(bool(each.lost) for each in drawn):
        said.append(f"{lost:,} of them lost")
    if again := sum(each.again for each in drawn):
        said.append(f"{again:,} sent again")
    if calls := sum(bool(each.event) and each.kind != "finish" for each in row.folded):
        said.append(number_of(calls, "call"))
    return ", ".join(said) or number_of(len(row.folded), "more row")


def _caption(ladder):
    """What matters, in a sentence or two."""
    calls = [row for row in ladder.rows if row.event and row.kind != "start"]
    drawn = [row.drawn for row in ladder.rows if row.drawn and row.kind != "arrival"]
    segments = [each for each in drawn if each.journey.segment]
    errors = [each for each in drawn if each.journey.quoted]
    failed = [row for row in calls if row.event.error]
    raised = f"{failed[0].event.method}() raised {failed[0].result}" if failed else ""
    said = []
    refused = [each for each in segments if each.label == "RST" and each.journey.segment.seq == 0]
    if refused and any(refused[0] in _causes(ladder, row) for row in failed):
        whose = ladder.names[refused[0].side]
        said.append(f"Nobody listens at that port of {whose}: its kernel answered with RST, and {raised}.")
    elif errors:
        by = ladder.names.get(errors[0].side) or errors[0].journey.sender
        heard = f", and {raised}" if any(errors[0] in _causes(ladder, row) for row in failed) else "; no call was told"
        said.append(f"{by}'s kernel said {errors[0].journey.meaning} with {errors[0].journey.protocol}{heard}.")
    lost = [each for each in segments if each.lost and not is_ack(each)]
    if not lost and any(each.lost for each in segments):
        said.append("An ACK was lost, so that the kernel sent again what had come.")
    if lost and not refused:
        came = {_piece(each) for each in segments if not each.lost}
        again, never = [each for each in lost if _piece(each) in came], [each for each in lost if _piece(each) not in came]
        if again:
            said.append(f"{_were(again, 'segment')} lost and sent again by the kernel{'s' * (len({e.side for e in again}) > 1)}.")
        pieces = len({_piece(each) for each in never})
        if never and pieces == len(never):
            said.append(f"{_were(never, 'segment')} lost.")
        elif never:
            said.append(f"{count_of(pieces, 'segment').capitalize()} never came, in {len(never)} tries.")
        moved = sum(row.event.method in SENDS | RECEIVES and bool(row.event.size) for row in calls)
        if again and not never and not failed and moved:
            said.append(f"The programs made {count_of(moved, 'call')} and noticed nothing.")
    gone = [each for each in drawn if each.lost and not each.journey.segment and not errors]
    if gone:
        said.append(f"{_were(gone, 'datagram')} lost, "
                    f"and {'no kernel sends it' if len(gone) == 1 else 'no kernel sends them'} again.")
    if raised and not said:
        said.append(f"{raised[0].upper()}{raised[1:]}.")
    return " ".join(said or [_carriage(calls, drawn)])


def _without_calls(carried):
    """What packets brought, where no recorded call sent it."""
    if not carried:
        return "No bytes moved."
    word = "segment" if all(each.journey.segment for each in carried) else "datagram"
    return (f"{count_of(len(carried), word).capitalize()} carried {bytes_of(sum(each.journey.size for each in carried))}, "
            "and no recorded call sent them.")


def _piece(each):
    """What a segment and its repetition have in common."""
    return each.stream, each.first, each.last, each.label if not each.first else ""


def _were(those, word):
    """"Two segments were"."""
    return f"{count_of(len(those), word).capitalize()} {'was' if len(those) == 1 else 'were'}"


def _causes(ladder, row):
    return [ladder.rows[c].drawn for c in row.causes]


def _carriage(calls, drawn):
    """How many sends went in how many packets, where nothing went wrong."""
    with_bytes = [each for each in drawn if each.calls and each.first]
    sends = {id(e) for each in with_bytes for e in each.calls}
    takes = sum(row.event.method in RECEIVES and bool(row.event.size) for row in calls)
    if not sends:
        return _without_calls([each for each in drawn if each.journey.size and not each.again and not each.journey.quoted]) if (
            drawn) else "No packet was seen."
    word = "segment" if all(each.journey.segment for each in with_bytes) else "datagram"
    went = f"{count_of(len(sends), 'send')} went in {count_of(len(with_bytes), word)}"
    whose = "its" if len(sends) == 1 else "their"
    took = f"{count_of(takes, 'recv') if takes else 'no recv'} took {whose} bytes"
    return f"{went[0].upper()}{went[1:]}; {took}."
