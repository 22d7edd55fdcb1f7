"""The strip: what lies in the kernels between two sockets, byte by byte, in the colour of the send that put it there."""
from markupsafe import Markup

from netlab.replay.values import Piece, size_of, words_of
from netlab.style import MESSAGES, escape, tag
from netlab.words import bytes_of, letter, number_of

CELL, HIGH, FOLD, GAP = 22, 33, 64, 8       # a byte's box; a fold's width; the space between two datagrams
MONO = "ui-monospace,Menlo,Consolas,monospace"
ROOM = 12                                   # boxes in a strip; what is more is folded


def bytes_strip(pieces: tuple[Piece, ...], borders: bool = False) -> Markup:
    """The strip as an <svg>: each byte as text over hex. With `borders`, for datagrams, each piece stands apart."""
    return strip_svg(*byte_shapes(pieces, borders), words_of(pieces, borders))


def strip_svg(width, shapes, label):
    """Shapes as an <svg> of their own."""
    return tag("svg", tag("title", label), *shapes, xmlns="http://www.w3.org/2000/svg", role="img", width=width + 1,
               height=HIGH + 2, viewBox=f"0 0 {width + 1} {HIGH + 2}", text_anchor="middle", fill="currentColor", font_size=12.5,
               font_family=MONO)


def byte_shapes(pieces, borders):
    """(width, shapes) of bytes, the first on the left; what does not fit is folded, with the count."""
    shapes, x, left = [], 1, ROOM
    share = max(3, ROOM // max(1, len(pieces)))
    for n, piece in enumerate(pieces):
        last = n + 1 == len(pieces)
        if left <= 0 or (n >= ROOM // 3 and not last):
            rest = number_of(len(pieces) - n, "datagram" if borders else "send")
            shapes.append(labelled_box(x, FOLD + 40, None, f"+{bytes_of(size_of(pieces[n:]))}", f"of {rest}", "rest"))
            return x + FOLD + 40, shapes
        count = min(len(piece.data), left if last else min(left, share))
        if count + round(FOLD / CELL) >= piece.size == len(piece.data):     # a fold would take as much room
            count = piece.size
        if count:
            shapes.append(byte_boxes(x, piece, count))
            x += count * CELL
        if (more := piece.size - count) or not piece.size:
            words = f"+{more:,}" if count else f"{more:,}" if more else "empty"
            shapes.append(labelled_box(x, FOLD, colour_of(piece), words, "byte" if more == 1 else "bytes", f"rest {piece.send}"))
            x += FOLD
        left -= count
        x += GAP if borders else 0
    return x, shapes


def colour_of(piece):
    """Its send's; of one whose send is not known, none."""
    return None if piece.send is None else MESSAGES[piece.send % 4]


_CELLS = [f"M{CELL * n} 1h{CELL - 1}v{HIGH}h-{CELL - 1}z" for n in range(FOLD + 2 * ROOM)]
_LETTERS = [f"{CELL * (n + .5) - .5:g}" for n in range(len(_CELLS))]                            # in the middle of its cell
_DIGITS = [f"{CELL * (n + .5) - 3.5:g} {CELL * (n + .5) + 2.5:g}" for n in range(len(_CELLS))]


def byte_boxes(x, piece, count, filled=True, key=None):
    """The first bytes of a piece, each in a cell of its own, as one shape: few elements are soon drawn. Its cells stand where
    they stand in the stream, but for what is far behind: when some are taken, the shape moves and the rest of it stays. `key`
    tells it from all beside it; without one it is by its send's place."""
    at, colour, shown = piece.start % FOLD, colour_of(piece), piece.data[:count]
    cells, letters, digits = (each[at:at + count] for each in (_CELLS, _LETTERS, _DIGITS))
    return Markup(
        f'<g transform="translate({x - CELL * at} 0)" data-key="{key or f"{piece.send} {piece.start - at}"}">'
        f'<path d="{"".join(cells)}" fill="{colour if filled else "none"}" fill-opacity=".18" stroke="{colour}" '
        f'stroke-width="1.5" stroke-linejoin="round"/>'
        f'<text y="15" x="{" ".join(letters)}">{escape("".join(map(letter, shown)))}</text>'
        f'<text y="28" x="{" ".join(digits)}" font-size="9.5" fill-opacity=".75">{shown.hex()}</text></g>')


def labelled_box(x, width, colour, above, below, key, filled=True):
    """A box for what is not shown byte by byte: two words over each other."""
    middle, edge, fill = (width - 1) / 2, colour or "#7d8590", colour if filled and colour else "none"
    return Markup(f'<g transform="translate({x} 0)" data-key="{key}"><rect y="1" width="{width - 1}" height="{HIGH}" rx="3" '
                  f'fill="{fill}" fill-opacity=".18" stroke="{edge}" stroke-width="1.5"/>'
                  f'<text x="{middle}" y="15">{escape(above)}</text>'
                  f'<text x="{middle}" y="28" font-size="9.5" fill-opacity=".75">{below}</text></g>')
