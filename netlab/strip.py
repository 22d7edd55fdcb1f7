"""The strip: what lies in the kernels between two sockets, byte by byte, in the colour of the send that put it there.

`lying` tells it from a recording, `counted` from the kernel's own count; `bytes_strip` and `queue_strip` draw it.
"""
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from markupsafe import Markup

from netlab.events import RECEIVES, SENDS
from netlab.style import escape, tag
from netlab.words import as_text, bytes_of, number_of

MESSAGES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")     # in turn, for the sends
CELL, HIGH, FOLD, GAP = 22, 33, 64, 8       # a byte's box; a fold's width; the space between two datagrams
ROOM = 16                                   # boxes in a strip; what is more is folded


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


@lru_cache(256)
def bytes_strip(pieces: tuple[Piece, ...], borders: bool = False) -> Markup:
    """The strip as an <svg>: each byte as text over hex. With `borders`, for datagrams, each piece stands apart."""
    shapes, x, left = [], 1, ROOM
    share = max(3, ROOM // max(1, len(pieces)))
    for n, piece in enumerate(pieces):
        last = n + 1 == len(pieces)
        if not left or (n >= ROOM // 3 and not last):
            rest = number_of(len(pieces) - n, "datagram" if borders else "send")
            shapes.append(_box(x, FOLD + 40, None, f"+{bytes_of(size_of(pieces[n:]))}", f"of {rest}", "rest"))
            x += FOLD + 40
            break
        colour = None if piece.send is None else MESSAGES[piece.send % 4]
        count = min(len(piece.data), left, left if last else share)
        for place, value in enumerate(piece.data[:count], piece.start):
            shapes.append(_box(x, CELL, colour, _letter(value), f"{value:02x}", f"{piece.send} {place}"))
            x += CELL
        if (more := piece.size - count) or not piece.size:
            words = f"+{more:,}" if count else f"{more:,}" if more else "empty"
            shapes.append(_box(x, FOLD, colour, words, "byte" if more == 1 else "bytes", f"rest {piece.send}"))
            x += FOLD
        left -= count
        x += GAP if borders else 0
    label = words_of(pieces, borders)
    return _svg(x, shapes, label)


def queue_strip(names: list[str], colour: str = MESSAGES[0]) -> Markup:
    """Clients that wait to be accepted, the first on the right, at the door."""
    shapes, x, shown = [], 1, names[:6]
    for name in reversed(shown if len(names) == len(shown) else [*shown, f"+{len(names) - len(shown)}"]):
        wide = 14 + 7 * len(name)
        shapes.append(_box(x, wide, colour, name, "waits", escape(name)))
        x += wide + 4
    label = f"{number_of(len(names), 'client')} to be accepted" if names else "nobody waits"
    return _svg(x, shapes, label)


def _svg(width, shapes, label):
    return tag("svg", tag("title", label), *shapes, xmlns="http://www.w3.org/2000/svg", role="img", width=width + 1,
               height=HIGH + 2, viewBox=f"0 0 {width + 1} {HIGH + 2}", text_anchor="middle", fill="currentColor", font_size=12.5,
               font_family='ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace')


def _box(x, width, colour, above, below, key):
    middle, edge, fill = (width - 1) / 2, colour or "#7d8590", colour or "none"
    return Markup(f'<g transform="translate({x} 0)" data-key="{key}"><rect y="1" width="{width - 1}" height="{HIGH}" rx="3" '
                  f'fill="{fill}" fill-opacity=".18" stroke="{edge}" stroke-width="1.5"/>'
                  f'<text x="{middle}" y="15">{escape(above)}</text>'
                  f'<text x="{middle}" y="28" font-size="9.5" opacity=".75">{below}</text></g>')


def _letter(value):
    return "␣" if value == 32 else chr(value) if 32 < value < 127 else "·"
