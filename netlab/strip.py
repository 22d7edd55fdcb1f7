"""The strip: what lies in the kernels between two sockets, byte by byte, in the colour of the send that put it there.

`lying` tells it from a recording, `counted` from the kernel's own count; `bytes_strip` and `queue_strip` draw it.
"""
import textwrap
from dataclasses import dataclass
from itertools import accumulate, islice

from markupsafe import Markup

from netlab.events import RECEIVES, SENDS
from netlab.style import NARROW, Picture, escape, picture, tag, text_at
from netlab.words import as_text, bytes_of, number_of

MESSAGES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")     # in turn, for the sends
CELL, HIGH, FOLD, GAP = 22, 33, 64, 8       # a byte's box; a fold's width; the space between two datagrams
MONO = "ui-monospace,Menlo,Consolas,monospace"
ROOM = 12                                   # boxes in a strip; what is more is folded


@dataclass(frozen=True)
class Piece:
    """Bytes of one send that nobody has received yet; `data` may be only their beginning."""
    data: bytes
    size: int
    send: int | None            # how manyth send of its socket, from 0; None: not in the recording (yet)
    start: int = 0              # where its first byte stands in the stream


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


def size_of(pieces: list[Piece]) -> int:
    """All their bytes."""
    return sum(piece.size for piece in pieces)


def words_of(pieces: list[Piece], borders: bool = False) -> str:
    """The same in words, for a reader who does not see the strip."""
    if not pieces:
        return "nothing lies here"
    shown = " ".join(f'"{as_text(piece.data, piece.size, 12)}"' for piece in islice((p for p in pieces if p.data), 4))
    what = number_of(len(pieces), "datagram") if borders else bytes_of(size_of(pieces))
    return f"{what}, not received yet{f': {shown}' if shown else ''}" + (" …" if len(pieces) > 4 else "")


def bytes_strip(pieces: tuple[Piece, ...], borders: bool = False) -> Markup:
    """The strip as an <svg>: each byte as text over hex. With `borders`, for datagrams, each piece stands apart."""
    return _svg(*_bytes(pieces, borders), words_of(pieces, borders))


def queue_strip(names: tuple[str, ...]) -> Markup:
    """Clients that wait to be accepted, the first on the right, at the door."""
    return _svg(*_queue(names), f"{number_of(len(names), 'client')} to be accepted")


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
        return queue_strip(self.pieces) if isinstance(self.pieces[0], str) else bytes_strip(self.pieces, self.borders)


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
        used, shapes = _queue(way.pieces) if isinstance(way.pieces[0], str) else _bytes(way.pieces, way.borders)
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


def _svg(width, shapes, label):
    return tag("svg", tag("title", label), *shapes, xmlns="http://www.w3.org/2000/svg", role="img", width=width + 1,
               height=HIGH + 2, viewBox=f"0 0 {width + 1} {HIGH + 2}", text_anchor="middle", fill="currentColor", font_size=12.5,
               font_family=MONO)


def _bytes(pieces, borders):
    """(width, shapes) of bytes, the first on the left; what does not fit is folded, with the count."""
    shapes, x, left = [], 1, ROOM
    share = max(3, ROOM // max(1, len(pieces)))
    for n, piece in enumerate(pieces):
        last = n + 1 == len(pieces)
        if left <= 0 or (n >= ROOM // 3 and not last):
            rest = number_of(len(pieces) - n, "datagram" if borders else "send")
            shapes.append(_box(x, FOLD + 40, None, f"+{bytes_of(size_of(pieces[n:]))}", f"of {rest}", "rest"))
            return x + FOLD + 40, shapes
        count = min(len(piece.data), left if last else min(left, share))
        if count + round(FOLD / CELL) >= piece.size == len(piece.data):     # a fold would take as much room
            count = piece.size
        if count:
            shapes.append(_cells(x, piece, count))
            x += count * CELL
        if (more := piece.size - count) or not piece.size:
            words = f"+{more:,}" if count else f"{more:,}" if more else "empty"
            shapes.append(_box(x, FOLD, _colour(piece), words, "byte" if more == 1 else "bytes", f"rest {piece.send}"))
            x += FOLD
        left -= count
        x += GAP if borders else 0
    return x, shapes


def _colour(piece):
    return None if piece.send is None else MESSAGES[piece.send % 4]


_CELLS = [f"M{CELL * n} 1h{CELL - 1}v{HIGH}h-{CELL - 1}z" for n in range(FOLD + 2 * ROOM)]
_LETTERS = [f"{CELL * (n + .5) - .5:g}" for n in range(len(_CELLS))]                            # in the middle of its cell
_DIGITS = [f"{CELL * (n + .5) - 3.5:g} {CELL * (n + .5) + 2.5:g}" for n in range(len(_CELLS))]


def _cells(x, piece, count):
    """The first bytes of a piece, each in a cell of its own, as one shape: few elements are soon drawn. Its cells stand where
    they stand in the stream, but for what is far behind: when some are taken, the shape moves and the rest of it stays."""
    at, colour, shown = piece.start % FOLD, _colour(piece), piece.data[:count]
    cells, letters, digits = (each[at:at + count] for each in (_CELLS, _LETTERS, _DIGITS))
    return Markup(
        f'<g transform="translate({x - CELL * at} 0)" data-key="{piece.send} {piece.start - at}">'
        f'<path d="{"".join(cells)}" fill="{colour}" fill-opacity=".18" stroke="{colour}" stroke-width="1.5" '
        f'stroke-linejoin="round"/>'
        f'<text y="15" x="{" ".join(letters)}">{escape("".join(map(_letter, shown)))}</text>'
        f'<text y="28" x="{" ".join(digits)}" font-size="9.5" fill-opacity=".75">{shown.hex()}</text></g>')


def _queue(names):
    """(width, shapes) of clients that wait."""
    shapes, x, shown = [], 1, names[:6]
    for name in reversed(shown if len(names) == len(shown) else (*shown, f"+{len(names) - len(shown)}")):
        wide = 14 + 7 * len(name)
        shapes.append(_box(x, wide, MESSAGES[0], name, "waits", escape(name)))
        x += wide + 4
    return x, shapes


def _box(x, width, colour, above, below, key):
    middle, edge, fill = (width - 1) / 2, colour or "#7d8590", colour or "none"
    return Markup(f'<g transform="translate({x} 0)" data-key="{key}"><rect y="1" width="{width - 1}" height="{HIGH}" rx="3" '
                  f'fill="{fill}" fill-opacity=".18" stroke="{edge}" stroke-width="1.5"/>'
                  f'<text x="{middle}" y="15">{escape(above)}</text>'
                  f'<text x="{middle}" y="28" font-size="9.5" fill-opacity=".75">{below}</text></g>')


def _letter(value):
    return "␣" if value == 32 else chr(value) if 32 < value < 127 else "·"
