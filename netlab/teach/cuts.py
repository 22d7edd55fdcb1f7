"""Where a stream was cut: its bytes in the colours of their sends, brackets for the sends above, for the recvs below.

`cuts` draws lists of bytes, `cuts_of` one direction of a recorded Timeline, `cuts_svg` is for a panel. What no recv has taken
yet has no bracket below. What is long is folded in the middle, never where a call cut it; the rest stands in rows.
"""
import textwrap
from bisect import bisect_right
from dataclasses import dataclass
from itertools import groupby
from math import ceil

from markupsafe import Markup

from netlab.events import RECEIVES, SENDS, STOPPED
from netlab.style import NARROW, Picture, drawing, picture, tag, text_at
from netlab.teach.strip import CELL, MONO, Piece, byte_boxes, colour_of, labelled_box, size_of
from netlab.words import bytes_of, listed, number_of, show_bytes

ROWS = 5                                # of bytes in a drawing, at most; in a narrow one twice as many
DETAILS = ((24, 8, 4), (8, 2, 1))       # bytes shown whole; else so many at the beginning and the end. The first that has room
LISTED = 12                             # sends, and recvs, that the words tell one by one
HIGH, CHAR = 98, 6.2                    # a row with its brackets; a letter of their words


@dataclass(frozen=True)
class Stream:
    """The bytes of one direction: the sends that put them there, the recvs that took them. Both cover it from its beginning."""
    sends: tuple[Piece, ...]
    recvs: tuple[Piece, ...]
    ends: int = 0                       # recvs that found the end, b"", after the others
    framing: frozenset[int] = frozenset()       # places of the bytes that are no message's
    apart: bool = False                 # each send went through a connection of its own

    @property
    def taken(self) -> int:
        """Where what no recv has taken begins."""
        return self.recvs[-1].start + self.recvs[-1].size if self.recvs else self.sends[0].start if self.sends else 0

    @property
    def waiting(self) -> list[Piece]:
        """What no recv has taken, of each send."""
        return [_part(send, self.taken, _stop(send)) for send in self.sends if _stop(send) > self.taken]


@dataclass(frozen=True)
class Run:
    """Bytes beside each other, of one send and one recv; with `words`, one box that stands for them."""
    piece: Piece
    recv: Piece | None                  # None: not received
    words: tuple[str, str] | None = None
    gap: bool = False                   # no bytes: here one connection ends, and the next begins

    @property
    def width(self) -> int:
        """How many boxes of a byte have its room."""
        if not self.words:
            return self.piece.size + self.gap
        return max(3, ceil((10 + max(7.6 * len(self.words[0]), 5.8 * len(self.words[1]))) / CELL))


def cuts(sends, recvs, *, names: tuple[str, str] = ("sent", "received"), note: str = "", framing=()) -> Picture:
    """The bytes of one stream, and where the calls cut it: what each send put in, what each recv took (chapter 06).

    `sends` and `recvs` are lists of bytes, in order; the recvs may lack what has not come yet, and an empty one is the end.
    `names` stand above and below, `note` is a sentence at the foot, `framing` are the places of bytes that are no message's:
    they are underlined. TypeError for what is not bytes, ValueError where the recvs hold other bytes than the sends.
    """
    return _picture(_stream(sends, recvs, framing), names, note)


def cuts_svg(sends, recvs, width: int, *, names: tuple[str, str] = ("sent", "received"), note: str = "", framing=(),
             emptied: bool = False, rows: int | None = None, apart: bool = False) -> Markup:
    """The same as an <svg> for a panel, `width` wide, in at most so many rows; with `emptied`, bytes that a recv took are
    no longer filled; with `apart`, each send went through a connection of its own, and a broken line stands between two."""
    stream = _stream(sends, recvs, framing, apart)
    height, parts = _drawn(stream, names, note, width, emptied, rows)
    text = _text(stream, names, note)
    return drawing(width, height, *parts, label=text.partition("\n")[0], text=text, standalone=False)


def cuts_of(timeline, sender: str = "client", *, note: str = "") -> Picture:
    """The same from a recorded Timeline: the stream that the end named `sender` sent, and what its peer has received of it.

    A call that failed and moved no byte is no part of it. ValueError where not just one end of a TCP connection has that name.
    """
    story = timeline.story()
    streams = [end.name for end in story.endpoints if end.kind == "stream"]
    if sender not in streams:
        raise ValueError(f"no end of a TCP connection is named {sender!r} here; there are: {', '.join(streams) or 'none'}")
    if (many := streams.count(sender)) > 1:
        raise ValueError(f"{many} ends of TCP connections are named {sender!r} here: give each a name of its own")
    calls = [row for row in story.rows if row.phase != "start" and not row.event.peek and row.event.result != STOPPED
             and (row.event.size or not row.failed)]
    sent = [row.event for row in calls if row.endpoint.name == sender and row.event.method in SENDS]
    took = [row for row in calls if row.event.method in RECEIVES
            and any(story.rows[cause].endpoint.name == sender for cause in row.causes)]
    sends, recvs = (tuple(Piece(e.data, e.size, n, e.offset) for n, e in enumerate(sorted(events, key=lambda e: e.offset)))
                    for events in (sent, [row.event for row in took if row.event.size]))
    names = sender, took[0].endpoint.name if took else "received"
    return _picture(Stream(sends, recvs, sum(not row.event.size for row in took)), names, note)


# --- from lists of bytes ------------------------------------------------------------------------------------------
def _stream(sends, recvs, framing, apart=False):
    sends, recvs = ([_bytes(data) for data in calls] for calls in (sends, recvs))
    sent, received, took = b"".join(sends), b"".join(recvs), [data for data in recvs if data]
    if not sent.startswith(received):
        raise ValueError(f"what was sent, {show_bytes(sent)}, does not begin with what was received, {show_bytes(received)}")
    if took != recvs[:len(took)]:
        raise ValueError("after an empty recv, which is the end of the stream, no bytes can come; what recv(0) gives, leave out")
    marked = frozenset(place for place in framing if 0 <= place < len(sent))
    return Stream(_pieces(sends), _pieces(took), len(recvs) - len(took), marked, apart)


def _bytes(data):
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise TypeError(f"sends and recvs are lists of bytes, and one of them holds {data!r}")
    return bytes(data)


def _pieces(calls):
    pieces, at = [], 0
    for n, data in enumerate(calls):
        pieces.append(Piece(data, len(data), n, at))
        at += len(data)
    return tuple(pieces)


def _stop(piece):
    return piece.start + piece.size


def _part(piece, start, stop):
    """What of a piece stands from `start` to `stop` in the stream."""
    start, stop = max(start, piece.start), min(stop, _stop(piece))
    return Piece(piece.data[start - piece.start:stop - piece.start], stop - start, piece.send, start)


# --- the picture --------------------------------------------------------------------------------------------------
def _picture(stream, names, note):
    wide, narrow = (_drawn(stream, names, note, width) for width in (760, NARROW))
    return picture(*wide, _text(stream, names, note), narrow)


def _drawn(stream, names, note, width, emptied=False, rows=None):
    """(height, parts) of the picture."""
    room, parts = (width - 16) // CELL, []

    def write(y, *lines):
        """Lines of words from `y` on; where the next one may stand."""
        for words, kind in lines:
            for line in textwrap.wrap(words, int((width - 30) / CHAR)):
                parts.append(text_at(15, y, line, kind))
                y += 18
        return y

    y = write(24, (f"{names[0]}: {_said_of_sends(stream)}", "s")) + 18
    lines = _rows(stream, room, rows or ROWS * (1 + (width <= NARROW)))
    if emptied and len(lines) > 1 and not any(run.piece.size for run in lines[-1]):
        lines.pop()                                     # a row for the end alone; the words at the foot say it, too
    for row in lines:
        parts += _row(stream, row, (width - room * CELL) / 2, y, emptied)
        y += HIGH
    y = write(y - 16, (f"{names[1]}: {_said_of_recvs(stream)}", "s"), (_remarks(stream), "s"), (note, None))
    return y - 4, parts


def _rows(stream, room, most):
    """The runs in rows, each no wider than `room` boxes; what has no room in `most` rows becomes one box."""
    for detail in DETAILS:
        rows = _wrapped(runs := _runs(stream, *detail), room)
        if len(rows) <= most:
            return rows
    ends = [run for run in runs[-1:] if not run.piece.size]
    runs = runs[:len(runs) - len(ends)]
    count = min(len(runs) - 1, most * room)
    while len(rows := _wrapped([*runs[:count], _rest(runs[count:]), *ends], room)) > most and count:
        count -= 1
    return rows


def _runs(stream, whole, head, tail):
    """The runs of a stream, folded in the middle where they are longer than `whole` bytes, or where these are not known."""
    runs, starts = [], [recv.start for recv in stream.recvs]
    edges = sorted({edge for piece in (*stream.sends, *stream.recvs) for edge in (piece.start, _stop(piece))})
    at = 0
    for n, send in enumerate(stream.sends):
        if stream.apart and n:
            runs.append(Run(Piece(b"", 0, None, send.start), None, gap=True))
        while edges[at] < _stop(send):
            piece, recv = _part(send, *edges[at:at + 2]), None
            if piece.start < stream.taken:
                recv = stream.recvs[bisect_right(starts, piece.start) - 1]
            known = len(piece.data) == piece.size
            if known and piece.size <= whole:
                runs.append(Run(piece, recv))
            else:
                first, last = piece.start + min(head, len(piece.data)), _stop(piece) - tail * known
                middle = _part(piece, first, last)
                runs += [Run(_part(piece, piece.start, first), recv), Run(middle, recv, (f"+{middle.size:,}", "bytes")),
                         Run(_part(piece, last, _stop(piece)), recv)]
            at += 1
    runs = [run for run in runs if run.piece.size or run.gap]
    if stream.ends:
        words = "end", _numbers("recv", len(stream.recvs) + 1, len(stream.recvs) + stream.ends)
        runs.append(Run(Piece(b"", 0, None, stream.taken), None, words))
    return runs


def _rest(runs):
    """One box for what has no room."""
    start, size = runs[0].piece.start, sum(run.piece.size for run in runs)
    sends, recvs = len({run.piece.send for run in runs if not run.gap}), len({run.recv.start for run in runs if run.recv})
    words = f"+{bytes_of(size)}", f"of {number_of(sends, 'send')}, {number_of(recvs, 'recv')}"
    return Run(Piece(b"", size, None, start), None, words)


def _wrapped(runs, room):
    rows, free = [[]], room
    for run in runs:
        while run.width > free and not (run.words or run.gap):       # its bytes go on in the next row
            middle = run.piece.start + free
            rows[-1].append(Run(_part(run.piece, run.piece.start, middle), run.recv))
            rows.append([])
            run, free = Run(_part(run.piece, middle, _stop(run.piece)), run.recv), room
        if run.width > free:
            rows.append([])
            free = room
        rows[-1].append(run)
        free -= run.width
    return [[run for run in row if run.width] for row in rows if row]


def _row(stream, row, left, y, emptied):
    """The parts of one row: brackets, boxes, brackets."""
    shapes, places, x = [], [], 0
    for run in row:
        wide, filled = run.width * CELL, not (emptied and run.recv)
        places.append((run, left + x, left + x + wide - 1))
        if run.words:
            shapes.append(labelled_box(x, wide, colour_of(run.piece), *run.words, f"rest {run.piece.start}"))
        elif not run.gap:
            shapes.append(byte_boxes(x, Piece(run.piece.data, run.piece.size, run.piece.send), run.piece.size, filled,
                                     key=f"byte {run.piece.start}"))
            ruled = "".join(f"M{x + CELL * n + 4} 31.5h13" for n in range(run.width) if run.piece.start + n in stream.framing)
            if ruled:
                shapes.append(tag("path", d=ruled, stroke=colour_of(run.piece), stroke_width=2.5))
        x += wide
    parts = [tag("g", *shapes, transform=f"translate({left:g} {y})", text_anchor="middle", font_family=MONO,
                 fill="var(--nl-ink)")]
    parts += [tag("path", d=f"M{(x1 + x2) / 2:g} {y - 20}v80", class_="d") for run, x1, x2 in places if run.gap]
    for send, group in groupby(places, key=lambda place: place[0].piece.send):
        if send is not None:
            parts += _bracket(stream.sends[send], list(group), y - 4, "send", colour_of(stream.sends[send]))
    for recv, group in groupby(places, key=lambda place: place[0].recv):
        if recv:
            parts += _bracket(recv, list(group), y + 40, "recv", "var(--nl-ink)")
        else:
            parts += _unreceived(stream, [place for place in group if place[0].piece.send is not None], y + 44)
    return parts


def _bracket(call, places, y, word, colour):
    """A bracket around what of a call stands in a row, with an edge where it begins and ends, and its number."""
    (first, x1, _), (last, _, x2) = places[0], places[-1]
    up = -6 if word == "send" else 6
    begin = f"M{x1 + 1:g} {y}v{up}" if first.piece.start == call.start else f"M{x1:g} {y + up}"
    end = f"H{x2 - 1:g}v{-up}" if _stop(last.piece) == _stop(call) else f"H{x2 + 1:g}"
    number = f"{call.send + 1:,}"
    words = f"{word} {number}" if CHAR * len(f"{word} {number}") < x2 - x1 else number
    size = min(11.5, 1.5 * (x2 - x1) / len(number))      # three digits in the room of one byte do not touch the next three
    return [tag("path", d=begin + end, fill="none", stroke=colour, stroke_width=2),
            text_at((x1 + x2) / 2, y + (-12 if word == "send" else 21), words, None, "middle", font_size=round(size, 1))]


def _unreceived(stream, places, y):
    """A broken line below what no recv has taken."""
    if not places:
        return []
    x1, x2 = places[0][1], places[-1][2]
    words = next(words for words in (_not_received(stream), "not yet", "") if CHAR * len(words) < x2 - x1)
    return [tag("path", d=f"M{x1 + 1:g} {y}H{x2 - 1:g}", class_="d"),
            *([text_at((x1 + x2) / 2, y + 17, words, "s", "middle")] if words else [])]


# --- the words ----------------------------------------------------------------------------------------------------
def _not_received(stream):
    return "never received" if stream.ends else "not yet received"


def _said_of_sends(stream):
    return f"{number_of(len(stream.sends), 'send')}, {bytes_of(size_of(stream.sends))}"


def _said_of_recvs(stream):
    recvs, waits = len(stream.recvs), size_of(stream.waiting)
    said = [f"{number_of(recvs, 'recv')}, {bytes_of(size_of(stream.recvs))}"] if recvs or not waits else []
    said += [f"{bytes_of(waits)} {_not_received(stream)}"] if waits else []
    said += [f"{_numbers('recv', recvs + 1, recvs + stream.ends)} got b\"\": the end"] if stream.ends else []
    return "; ".join(said)


def _numbers(word, first, last):
    return f"{word} {first:,}" if first == last else f"{word}s {first:,} to {last:,}"


def _remarks(stream):
    """What cannot be seen in the boxes."""
    empty = _shortened([send for send in stream.sends if not send.size], lambda send: f"send {send.send + 1:,}")
    said = f"{listed(empty)} of no bytes left nothing in the stream." if empty else ""
    said += " At a broken line a connection ends." * (stream.apart and len(stream.sends) > 1)
    return f"{said} Underlined: framing, {bytes_of(len(stream.framing))}.".strip() if stream.framing else said.strip()


def _text(stream, names, note):
    """The picture in words; the first line is its name."""
    sends = _shortened(stream.sends, lambda send: f"send {send.send + 1:,}: {show_bytes(send.data, send.size)}")
    recvs = _shortened(stream.recvs, lambda recv: f"recv {recv.send + 1:,}: {show_bytes(recv.data, recv.size)}: "
                                                  f"{_whose(stream, recv.start, _stop(recv))}")
    of = "connections of one send each" if stream.apart else "one stream"
    lines = [f"Bytes of {of}. {names[0]}: {_said_of_sends(stream)}. {names[1]}: {_said_of_recvs(stream)}.",
             *sends, *recvs]
    if stream.waiting:
        data = b"".join(piece.data for piece in stream.waiting)
        lines.append(f"{_not_received(stream)}: {show_bytes(data, size_of(stream.waiting))}: "
                     f"{_whose(stream, stream.taken, _stop(stream.sends[-1]))}")
    return "\n".join(filter(None, [*lines, _remarks(stream), note]))


def _shortened(calls, said):
    """What is said of each call; of many, the first ones."""
    if len(calls) <= LISTED:
        return list(map(said, calls))
    return [*map(said, calls[:LISTED - 1]), f"… {len(calls) - LISTED + 1:,} more"]


def _whose(stream, start, stop):
    """Which bytes of which sends stand from `start` to `stop`."""
    said = []
    whole = [send.send + 1 for send in stream.sends if send.size and start <= send.start and _stop(send) <= stop]
    for send in stream.sends:
        part = _part(send, start, stop)
        if part.size <= 0 or (len(whole) > 2 and whole[0] <= send.send < whole[-1]):
            continue
        number, count = f"send {send.send + 1:,}", f"{'' if part.size == 1 else f'{part.size:,} '}byte{'s' * (part.size > 1)}"
        if part.size == send.size:
            said.append(f"all of {number}" if len(whole) < 3 else f"all of sends {whole[0]:,} to {whole[-1]:,}")
        elif part.start == send.start:
            said.append(f"the first {count} of {number}")
        elif _stop(part) == _stop(send):
            said.append(f"the last {count} of {number}")
        else:
            said.append(f"{_numbers('byte', part.start - send.start + 1, _stop(part) - send.start)} of {number}")
    return listed(said)
