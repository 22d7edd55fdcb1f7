"""Where a stream was cut: its bytes in the colours of their sends, brackets for the sends above, for the recvs below.

`cuts` draws lists of bytes, `cuts_of` one direction of a recorded Timeline, `cuts_fed` what a decoder makes of its pieces: in
a cell they can be stepped through, call by call. `cuts_svg` is for a panel. What no recv has taken yet has no bracket below.
What is long is folded in the middle, never where a call cut it; the rest stands in rows.
"""
import textwrap
from bisect import bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate, groupby
from math import ceil

from markupsafe import Markup

from netlab.events import RECEIVES, SENDS, STOPPED
from netlab.replay.source import blocks_of
from netlab.replay.values import Piece
from netlab.style import NARROW, drawing, picture, tag, text_at
from netlab.teach.cuts_replay import END, Cuts, planned
from netlab.teach.stream import (
    Stream,
    fed_with,
    not_received,
    numbers,
    part,
    remarks,
    said_of_recvs,
    said_of_sends,
    stop,
    stream_of,
    text_of,
)
from netlab.teach.strip import CELL, HIGH as BOX, MONO, byte_boxes, colour_of, labelled_box
from netlab.words import bytes_of, number_of

ROWS = 5                                # of bytes in a drawing, at most; in a narrow one twice as many
DETAILS = ((24, 8, 4), (8, 2, 1))       # bytes shown whole; else so many at the beginning and the end. The first that has room
HIGH, CHAR = 98, 6.2                    # a row with its brackets; a letter of their words


@dataclass(frozen=True)
class Run:
    """Bytes beside each other, of one send and one recv; with `words`, one box that stands for them."""
    piece: Piece
    recv: Piece | None                  # None: not received
    words: tuple[str, str] | None = None
    gap: bool = False                   # no bytes: here one connection ends, and the next begins
    hides: tuple[tuple[str, int], ...] = ()     # the calls that it stands for, as in `Stream.order`

    @property
    def width(self) -> int:
        """How many boxes of a byte have its room."""
        if not self.words:
            return self.piece.size + self.gap
        return max(3, ceil((10 + max(7.6 * len(self.words[0]), 5.8 * len(self.words[1]))) / CELL))


def cuts(sends, recvs, *, names: tuple[str, str] = ("sent", "received"), note: str = "", framing=(), asked=(),
         pieces=()) -> Cuts:
    """The bytes of one stream, and where the calls cut it: what each send put in, what each recv took (chapter 06).

    `sends` and `recvs` are lists of bytes, in order; the recvs may lack what has not come yet, and an empty one is the end.
    `names` stand above and below, `note` is a sentence at the foot, `framing` are the places of bytes that are no message's:
    they are underlined. It may be a new decoder of netlab.framing as well, LengthPrefix(4): its framing is underlined, and the
    replay feeds it with what each recv took. `asked` are the numbers that the recvs were called with, `pieces` the bytes as
    they came to the receiver, each when all before was taken: both only for the replay. There all sends come first: lists do
    not say when a recv was, and so it can always have been.
    TypeError for what is not bytes, ValueError where the recvs hold other bytes than the sends.
    """
    edges = tuple(accumulate(map(len, pieces)))
    return _picture(replace(stream_of(sends, recvs, framing), asked=tuple(asked), edges=edges), names, note)


def cuts_fed(decoder, pieces, *, note: str = "") -> Cuts:
    """What a decoder makes of pieces of a stream: each `feed` has a bracket below, each frame that is whole its colour.

    `decoder` is a new Delimiter, LengthPrefix or FixedLength of netlab.framing; a copy of it is fed. An empty piece at the end
    is the end of the stream. TypeError, ValueError for what is no decoder, or has been fed already, or is not bytes.
    """
    return _picture(fed_with(decoder, pieces), ("stream", type(decoder).__name__), note)


def cuts_svg(sends, recvs, width: int, *, names: tuple[str, str] = ("sent", "received"), note: str = "", framing=(),
             emptied: bool = False, rows: int | None = None, apart: bool = False) -> Markup:
    """The same as an <svg> for a panel, `width` wide, in at most so many rows; with `emptied`, bytes that a recv took are
    no longer filled; with `apart`, each send went through a connection of its own, and a broken line stands between two."""
    stream = stream_of(sends, recvs, framing, apart)
    height, parts = _drawn(stream, names, note, width, _rows(stream, width, rows), emptied)
    text = text_of(stream, names, note)
    return drawing(width, height, *parts, label=text.partition("\n")[0], text=text, standalone=False)


def cuts_of(timeline, sender: str = "client", *, note: str = "") -> Cuts:
    """The same from a recorded Timeline: the stream that the end named `sender` sent, and what its peer has received of it.

    Its replay has the calls in the order of the story, and lights the line of code of each. A call that failed and moved no
    byte is no part of it. ValueError where not just one end of a TCP connection has that name.
    """
    story = timeline.story()
    streams = [end.name for end in story.endpoints if end.kind == "stream"]
    if sender not in streams:
        raise ValueError(f"no end of a TCP connection is named {sender!r} here; there are: {', '.join(streams) or 'none'}")
    if (many := streams.count(sender)) > 1:
        raise ValueError(f"{many} ends of TCP connections are named {sender!r} here: give each a name of its own")
    calls = [row for row in story.rows if row.phase != "start" and not row.event.peek and row.event.result != STOPPED
             and (row.event.size or not row.failed)]
    sent = [row for row in calls if row.endpoint.name == sender and row.event.method in SENDS]
    took = [row for row in calls if row.event.method in RECEIVES
            and any(story.rows[cause].endpoint.name == sender for cause in row.causes)]
    names = sender, took[0].endpoint.name if took else "received"
    ends, took = sum(not row.event.size for row in took), [row for row in took if row.event.size]
    rows = {word: sorted(found, key=lambda row: row.event.offset) for word, found in (("send", sent), ("recv", took))}
    sends, recvs = (tuple(Piece(row.event.data, row.event.size, n, row.event.offset) for n, row in enumerate(found))
                    for found in rows.values())
    place = {id(row): n for n, row in enumerate(story.rows)}
    order = sorted(((word, n) for word, found in rows.items() for n in range(len(found))),
                   key=lambda call: place[id(rows[call[0]][call[1]])])
    asked = tuple(_asked(row.event) for row in rows["recv"])
    sides = ("server", "client") if any(row.endpoint.side == "server" for row in sent) else ("client", "server")
    code, where = blocks_of(story.rows[at].event for at in sorted(place[id(row)] for found in rows.values() for row in found))
    lines = {(word, n): where.get(row.event.index) for word, found in rows.items() for n, row in enumerate(found)}
    stream = Stream(sends, recvs, ends, order=tuple(order), asked=asked, sides=sides)
    return _picture(stream, names, note, tuple(code), lines)


def _asked(event):
    """How many bytes a recv asked for, where its call says so."""
    return event.args[0] if event.method in ("recv", "recvfrom") and event.args and isinstance(event.args[0], int) else None


# --- the picture --------------------------------------------------------------------------------------------------
def _picture(stream, names, note, code=(), lines=None):
    widths = 760, NARROW
    plan = planned(stream, rows := [_rows(stream, width) for width in widths])
    wide, narrow = (_drawn(stream, names, note, width, lines, plan=plan) for width, lines in zip(widths, rows))
    drawn = picture(*wide, text_of(stream, names, note), narrow)
    return Cuts(drawn.svg, drawn.text, drawn.narrow, stream, plan, names, code, lines or {})


def _drawn(stream, names, note, width, lines, emptied=False, plan=None):
    """(height, parts) of the picture with these rows of runs; with a plan the shapes of each call are those of its step."""
    parts = []

    def write(y, step, *lines):
        """Lines of words from `y` on, of a step; where the next one may stand."""
        drawn = []
        for words, kind in lines:
            for line in textwrap.wrap(words, int((width - 30) / CHAR)):
                drawn.append(text_at(15, y, line, kind))
                y += 18
        parts.extend(_of_step(step, *drawn))
        return y

    y = write(24, plan and plan.sent, (f"{names[0]}: {said_of_sends(stream)}", "s")) + 18
    if emptied and len(lines) > 1 and not any(run.piece.size for run in lines[-1]):
        lines = lines[:-1]                              # a row for the end alone; the words at the foot say it, too
    for row in lines:
        parts += _row(stream, row, (width - _room(width) * CELL) / 2, y, emptied, plan)
        y += HIGH
    foot = (f"{names[1]}: {said_of_recvs(stream)}", "s"), (remarks(stream), "s"), (note, None)
    y = write(y - 16, plan and len(plan.steps), *foot)
    return y - 4, parts


def _of_step(step, *shapes):
    """Shapes that are a step's of the replay; without one, and in a panel, the shapes alone."""
    return [tag("g", *shapes, data_step=step)] if step and shapes else list(shapes)


def _mark(step, x1, x2, y, top, bottom):
    """What marks a call of the row at `y` in the replay, and is not seen in the picture itself."""
    return tag("rect", x=x1, y=float(y + top), width=x2 - x1, height=bottom - top, rx=3, fill="none", data_step=step, data_at=y,
               data_mark="call")


def _room(width):
    """How many boxes of a byte a row has."""
    return (width - 16) // CELL


def _rows(stream, width, most=None):
    """The runs in rows, each no wider than the drawing; what has no room in `most` rows becomes one box."""
    room, most = _room(width), most or ROWS * (1 + (width <= NARROW))
    for detail in DETAILS:
        rows = _wrapped(runs := _runs(stream, *detail), room)
        if len(rows) <= most:
            return rows
    ends = [run for run in runs[-1:] if not run.piece.size]
    runs = runs[:len(runs) - len(ends)]
    count = min(len(runs) - 1, most * room)
    while len(rows := _wrapped([*runs[:count], _rest(stream, runs[count:]), *ends], room)) > most and count:
        count -= 1
    return rows


def _runs(stream, whole, head, tail):
    """The runs of a stream, folded in the middle where they are longer than `whole` bytes, or where these are not known."""
    runs, starts = [], [recv.start for recv in stream.recvs]
    edges = sorted({edge for piece in (*stream.sends, *stream.recvs) for edge in (piece.start, stop(piece))})
    at = 0
    for n, send in enumerate(stream.sends):
        if stream.apart and n:
            runs.append(Run(Piece(b"", 0, None, send.start), None, gap=True))
        while edges[at] < stop(send):
            piece, recv = part(send, *edges[at:at + 2]), None
            if piece.start < stream.taken:
                recv = stream.recvs[bisect_right(starts, piece.start) - 1]
            known = len(piece.data) == piece.size
            if known and piece.size <= whole:
                runs.append(Run(piece, recv))
            else:
                first, last = piece.start + min(head, len(piece.data)), stop(piece) - tail * known
                middle = part(piece, first, last)
                runs += [Run(part(piece, piece.start, first), recv), Run(middle, recv, (f"+{middle.size:,}", "bytes")),
                         Run(part(piece, last, stop(piece)), recv)]
            at += 1
    runs = [run for run in runs if run.piece.size or run.gap]
    if stream.ends:
        calls = numbers("recv", len(stream.recvs) + 1, len(stream.recvs) + stream.ends)
        words = "end", "of stream" if stream.fed else calls
        runs.append(Run(Piece(b"", 0, None, stream.taken), None, words, hides=(END,)))
    return runs


def _rest(stream, runs):
    """One box for what has no room."""
    start, size = runs[0].piece.start, sum(run.piece.size for run in runs)
    sends, recvs = ({call.send for call in calls if call}
                    for calls in ([run.piece for run in runs if not run.gap], [run.recv for run in runs]))
    words = f"+{bytes_of(size)}", f"of {number_of(len(sends), stream.words[0])}, {number_of(len(recvs), stream.words[1])}"
    hides = (*(("send", n) for n in sorted(sends)), *(("recv", n) for n in sorted(recvs)))
    return Run(Piece(b"", size, None, start), None, words, hides=hides)


def _wrapped(runs, room):
    rows, free = [[]], room
    for run in runs:
        while run.width > free and not (run.words or run.gap):       # its bytes go on in the next row
            middle = run.piece.start + free
            rows[-1].append(Run(part(run.piece, run.piece.start, middle), run.recv))
            rows.append([])
            run, free = Run(part(run.piece, middle, stop(run.piece)), run.recv), room
        if run.width > free:
            rows.append([])
            free = room
        rows[-1].append(run)
        free -= run.width
    return [[run for run in row if run.width] for row in rows if row]


def _row(stream, row, left, y, emptied, plan):
    """The parts of one row: brackets, boxes, brackets; in a replay behind them what marks each call."""
    shapes, places, marks, x = [], [], [], 0
    for run in row:
        wide, step, until = run.width * CELL, *(plan.box(run) if plan else (None, None))
        places.append((run, left + x, left + x + wide - 1))
        filled, drawn = not (until or (emptied and run.recv)), []
        if until and run.piece.send is not None:        # its colour is a shape of its own, and goes when its bytes are taken
            drawn.append(tag("rect", x=x, y=1, width=wide - 1, height=BOX, fill=colour_of(run.piece), fill_opacity=".18",
                             rx=3 if run.words else None, data_until=until))
        if run.words:
            drawn.append(labelled_box(x, wide, colour_of(run.piece), *run.words, f"rest {run.piece.start}", filled))
        elif not run.gap:
            drawn.append(byte_boxes(x, Piece(run.piece.data, run.piece.size, run.piece.send), run.piece.size, filled,
                                    key=f"byte {run.piece.start}"))
            ruled = "".join(f"M{x + CELL * n + 4} 31.5h13" for n in range(run.width) if run.piece.start + n in stream.framing)
            if ruled:
                drawn.append(tag("path", d=ruled, stroke=colour_of(run.piece), stroke_width=2.5))
        shapes += _of_step(step, *drawn)
        marks += [_mark(hidden, *places[-1][1:], y, -3, 38) for hidden in (plan.hidden(run) if plan else ())]
        x += wide
    parts = [tag("g", *shapes, transform=f"translate({left:g} {y})", text_anchor="middle", font_family=MONO,
                 fill="var(--nl-ink)")]
    parts += [tag("path", d=f"M{(x1 + x2) / 2:g} {y - 20}v80", class_="d") for run, x1, x2 in places if run.gap]
    for send, group in groupby(places, key=lambda place: place[0].piece.send):
        if send is not None:
            here, step = list(group), plan and plan.number["send", send]
            marks += [_mark(step, here[0][1], here[-1][2], y, -28, 0)] * bool(step and not stream.fed)
            parts += _of_step(step, *_bracket(stream.sends[send], here, y - 4, stream.words[0], colour_of(stream.sends[send])))
    for recv, group in groupby(places, key=lambda place: place[0].recv):
        here = [place for place in group if recv or place[0].piece.send is not None]
        if recv:
            step = plan and plan.number["recv", recv.send]
            marks += [_mark(step, here[0][1], here[-1][2], y, 37, 67)] * bool(step)
            parts += _of_step(step, *_bracket(recv, here, y + 40, stream.words[1], "var(--nl-ink)", below=True))
        elif here:
            step = plan and plan.number["send", here[-1][0].piece.send]
            parts += _of_step(step, *_unreceived(stream, here, y + 44))
    return marks + parts


def _bracket(call, places, y, word, colour, below=False):
    """A bracket around what of a call stands in a row, with an edge where it begins and ends, and its number."""
    (first, x1, _), (last, _, x2) = places[0], places[-1]
    up = 6 if below else -6
    begin = f"M{x1 + 1:g} {y}v{up}" if first.piece.start == call.start else f"M{x1:g} {y + up}"
    end = f"H{x2 - 1:g}v{-up}" if stop(last.piece) == stop(call) else f"H{x2 + 1:g}"
    number = f"{call.send + 1:,}"
    words = f"{word} {number}" if CHAR * len(f"{word} {number}") < x2 - x1 else number
    size = min(11.5, 1.5 * (x2 - x1) / len(number))      # three digits in the room of one byte do not touch the next three
    return [tag("path", d=begin + end, fill="none", stroke=colour, stroke_width=2),
            text_at((x1 + x2) / 2, y + (21 if below else -12), words, None, "middle", font_size=round(size, 1))]


def _unreceived(stream, places, y):
    """A broken line below what no recv has taken."""
    x1, x2 = places[0][1], places[-1][2]
    words = next(words for words in (not_received(stream), "not yet", "") if CHAR * len(words) < x2 - x1)
    return [tag("path", d=f"M{x1 + 1:g} {y}H{x2 - 1:g}", class_="d"),
            *([text_at((x1 + x2) / 2, y + 17, words, "s", "middle")] if words else [])]
