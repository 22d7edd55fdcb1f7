"""What a stage is made of: the ends of a conversation as boxes, and what lies in the kernels between them."""
import textwrap
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from markupsafe import Markup

from netlab import kernel
from netlab.events import RECEIVES, SENDS
from netlab.panels.parts import chip, soft, tag
from netlab.replay.values import Piece, size_of, words_of
from netlab.style import MESSAGES, NARROW, Picture, escape, picture, text_at
from netlab.teach.strip import MONO, byte_shapes, labelled_box, strip_svg
from netlab.words import bytes_of, number_of

# --- what lies between two sockets ------------------------------------------------------------------------------

def lying(events, sender: int, taken: int) -> list[Piece]:
    """The pieces of a stream that lie between two sockets, in their order.

    `events` are a Timeline's, `sender` is the number of the socket that sent, `taken` how many bytes its peer has received.
    """
    sends = sorted((e for e in events if e.socket == sender and e.size and e.method in SENDS), key=lambda e: e.offset)
    return [Piece(e.data[max(0, taken - e.offset):], min(e.size, e.offset + e.size - taken), n, max(e.offset, taken))
            for n, e in enumerate(sends) if e.offset + e.size > taken]


def counted(pieces: list[Piece], total: int) -> list[Piece]:
    """The same as the kernels count it, who are believed: what they have not (any more) is left out, what only they know
    is a piece without a send."""
    if (more := total - size_of(pieces)) > 0:
        return [*pieces, Piece(b"", more, None)]
    rest = []
    for piece in pieces:
        skip, more = min(-more, piece.size), more + min(-more, piece.size)
        if skip < piece.size:
            rest.append(Piece(piece.data[skip:], piece.size - skip, piece.send, piece.start + skip))
    return rest


def datagrams(events, address: object, receiver: int, following: int | None = None) -> list[Piece]:
    """The datagrams sent to `address` that `receiver` has not taken. `following` is the next one's size as
    the kernel tells it: those before it in the recording never came."""
    sent = [e for e in events if e.method in SENDS and e.address == address and not e.error]
    took = sum(e.socket == receiver and e.method in RECEIVES and not e.peek and not e.error for e in events)
    pieces = [Piece(e.data, e.size, n) for n, e in enumerate(sent)][took:]
    while following is not None and pieces and pieces[0].size != following:
        del pieces[0]
    return pieces or ([Piece(b"", following, None)] if following else [])


def between(events, sender, receiver, sending: bool = False) -> list[Piece]:
    """What lies on the way between two recorded sockets of a stream: as recorded, and as the kernels count it.

    `sending` says that a call that sends has not returned: then only the kernels know how much of it they hold.
    """
    pieces = lying(events, sender.number, receiver.received)
    known = size_of(pieces)
    sent, there = kernel.send_queue(sender) or 0, kernel.receive_queue(receiver)
    if there is None:                           # this end is closed, or the system does not tell
        total = 0 if receiver.fileno() < 0 else known
    else:                                       # what is acknowledged late stands in both counts: the recording knows better
        total = there + sent if sending else min(max(known, there), there + sent)
    return counted(pieces, total)


def taken_together(events, receiver, sender) -> int:
    """How many sends the last recv of `receiver` took bytes of."""
    took = [e for e in events if e.socket == receiver.number and e.method in RECEIVES and e.size and not e.peek][-1:]
    return sum(e.socket == sender.number and e.method in SENDS and e.offset < last.offset + last.size
               and last.offset < e.offset + e.size for last in took for e in events)


# --- the ends, and the ways between them ------------------------------------------------------------------------

@dataclass(frozen=True)
class End:
    """One end of a conversation: its name, "client" or "server", its state, what is to be known, the calls that wait there."""
    name: str
    side: str
    state: str
    facts: tuple[str, ...] = ()
    waits: str = ""


@dataclass(frozen=True)
class Way:
    """One way between two ends: where it leads, and what lies on it: pieces, datagrams with `borders`, or names of clients."""
    arrow: str
    words: str
    pieces: tuple = ()
    borders: bool = False

    @property
    def note(self) -> str:
        """How much lies there."""
        if not self.pieces:
            return "nothing"
        if isinstance(self.pieces[0], str):
            return f"{number_of(len(self.pieces), 'client')} wait{'s' * (len(self.pieces) == 1)}"
        return f"{bytes_of(size_of(self.pieces))}, not received yet"

    def strip(self) -> Markup:
        """What lies there as an <svg>."""
        waits = isinstance(self.pieces[0], str)
        said = f"{number_of(len(self.pieces), 'client')} to be accepted" if waits else words_of(self.pieces, self.borders)
        return strip_svg(*self.shapes(), said)

    def shapes(self) -> tuple:
        """(width, shapes) of the same."""
        return _queue(self.pieces) if isinstance(self.pieces[0], str) else byte_shapes(self.pieces, self.borders)


def end_html(end: End, *, do: str, about: str, chosen: bool) -> Markup:
    """One end as a box to press."""
    waits = tag("span", f"waits in {end.waits}", class_="nl-waits") if end.waits else ""
    return tag("button", tag("b", end.name, class_=f"nl-{end.side}"), chip(end.state), waits, type="button", data_do=do,
               value=about, aria_pressed=str(chosen).lower(), class_=f"nl-end nl-of-{end.side}" + " nl-waiting" * bool(waits))


@lru_cache(16)          # most ways are as they were; few, since a way holds its bytes
def way_html(way: Way) -> Markup:
    """One way between two ends: where it leads, what lies on it, and how much that is."""
    drawn = tag("span", way.strip(), class_="nl-strip") if way.pieces else tag("span", class_="nl-wire")
    size, comma, rest = way.note.partition(", ")            # in a narrow panel only how much
    note = soft(size, tag("span", comma, rest)) if rest else soft(size)
    return tag("div", tag("span", way.arrow, " ", way.words, class_="nl-soft"), drawn, note, class_="nl-way", data_key=way.words)


# --- a page without a kernel shows a picture --------------------------------------------------------------------

def stage_picture(title: str, said: str, rows: list, text: str) -> Picture:
    """A stage as a Picture: `rows` are (End or None, [Way, …], End or None) from top to bottom; an End on the right that is
    the same in all rows is drawn once, beside them all."""
    wide, narrow = (_stage(title, said, rows, width) for width in (760, NARROW))
    return picture(wide[0], wide[1], text, narrow)


def _stage(title, said, rows, width):
    """(height, parts) of a stage; in a narrow one the strips stand below their words."""
    small, y = width <= NARROW, 56
    box, rule = (94 if small else 130), tag("path", d=f"M1 36H{width - 1}", stroke="var(--nl-line)")
    parts = [text_at(12, 25, title, "h"), rule]
    for line in textwrap.wrap(said, (width - 24) // 6):
        parts.append(text_at(12, y, line))
        y += 18
    top, left, room, one = y, box + 20, width - 2 * (box + 20), len({row[2] for row in rows}) == 1
    for end, ways, other in rows:
        heights = [(22 + 36 * bool(way.pieces) if small else 42) for way in ways]
        high = max(sum(heights), *(30 + 16 * len(_facts(each, box)) for each in (end, other) if each))
        parts += _end(end, 10, y, box, high) if end else []
        parts += _end(other, width - 10 - box, y, box, high) if other and not one else []
        for at, way in zip(accumulate(heights, initial=y), ways):
            parts += _way(way, left, at, room, small)
        y += high + 10
    if one and rows[0][2]:
        parts += _end(rows[0][2], width - 10 - box, top, box, y - top - 10)
    return y + 4, parts


def _way(way, left, y, room, small):
    words, note = (way.words.split()[-1], way.note.partition(", ")[0]) if small else (way.words, way.note)
    base, start = y + (14 if small else 24), left if small else left + 112
    parts = [text_at(left, base, f"{way.arrow} {words}", "s"), text_at(left + room, base, note, "s", "end")]
    if way.pieces:
        used, shapes = way.shapes()
        place = f"translate({start} {y + (20 if small else 3)}) scale({min(1, (room if small else room - 240) / used):g})"
        parts.append(tag("g", *shapes, transform=place, text_anchor="middle", font_family=MONO, fill="var(--nl-ink)"))
    elif not small:
        parts.append(tag("path", d=f"M{start} {y + 20}H{left + room - 60}", stroke="var(--nl-line)", stroke_width=2))
    return parts


def _facts(end, width):
    """What is said of an end, in lines."""
    words = [end.state, *end.facts, *([f"waits in {end.waits}"] if end.waits else [])]
    return [line for each in words for line in textwrap.wrap(each, (width - 12) // 6)]


def _end(end, x, y, width, height):
    return [tag("rect", x=x, y=y, width=width, height=height, rx=6, fill="none", stroke=f"var(--nl-{end.side})", stroke_width=2,
                stroke_dasharray="4 3" if end.waits else None), text_at(x + 8, y + 19, end.name, end.side, font_weight=600),
            *(text_at(x + 8, y + 37 + 16 * n, line, "s") for n, line in enumerate(_facts(end, width)))]


def _queue(names):
    """(width, shapes) of clients that wait to be accepted, the first on the right, at the door."""
    shapes, x, shown = [], 1, names[:6]
    for name in reversed(shown if len(names) == len(shown) else (*shown, f"+{len(names) - len(shown)}")):
        wide = 14 + 7 * len(name)
        shapes.append(labelled_box(x, wide, MESSAGES[0], name, "waits", escape(name)))
        x += wide + 4
    return x, shapes
