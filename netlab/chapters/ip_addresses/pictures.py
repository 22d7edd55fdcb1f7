"""Pictures of addresses (chapter 2): the bits of one, its bytes and their places, the whole of IPv4, and how far 128 bits reach.

Small SVGs made from numbers alone, the same each time, in a wide and a narrow form; each says in words (`text`) what it shows.
"""
import textwrap

from netlab.addresses import int_to_ipv4, special
from netlab.style import MESSAGES, NARROW, Picture, picture, rect, tag, text_at
from netlab.teach.pictures import address_picture

__all__ = ["address_picture", "ipv4_picture", "places_picture", "scale_picture"]

_KINDS = {  # what a block of 2**24 addresses is for: (colour, class of the number in it, words)
    "this network": ("var(--nl-soft)", "on", "this network, never a destination on the wire"),
    "private": ("var(--nl-amber)", "dark", "private use, in part or whole"),
    "loopback": ("var(--nl-server)", "on", "loopback: this machine"),
    "multicast": ("var(--nl-pink)", "dark", "multicast: groups of receivers"),
    "reserved": ("var(--nl-soft)", "on", "reserved; the last one is broadcast"),
    "": ("none", "s", "hosts on the internet"),
}


def places_picture(data: bytes, places: tuple[int, ...] = (), reads: str = "") -> Picture:
    """The four bytes of an address in the order in which they come, and below them the places of an integer, the most
    significant on the left; byte n goes to the place `places[n]`, from 0 on the left. `reads` is what a program reads."""
    text = f"Four bytes come: {data.hex(' ')}"
    if places:
        text += "\n" + "\n".join(f"  {byte:02x} is {byte}, at the place of 256**{3 - place}" for byte, place in zip(data, places))
    text += f"\nThe program reads: {reads}" if reads else ""
    return picture(*_placed(data, places, reads, 760), text, _placed(data, places, reads, NARROW))


def _placed(data, places, reads, width):
    """(height, parts): bytes above, places below, and arrows between."""
    small, parts = width <= NARROW, []
    left, step, box = (8, 87, 83) if small else (236, 128, 116)
    top, low = (46, 170) if small else (20, 130)
    for words, y in (("the four bytes, as they come", top - 14 if small else top + 25),
                     ("their places in the integer", low + 74 if small else low + 25)):
        parts.append(text_at(8 if small else 16, y, words, "s"))
    for n, byte in enumerate(data):
        x, colour = left + n * step, MESSAGES[n]
        parts.append(tag("rect", x=x, y=top, width=box, height=40, rx=6, fill=colour, fill_opacity=".18", stroke=colour,
                         stroke_width=1.5))
        parts.append(text_at(x + box / 2, top + 26, f"{byte:02x}", "m", "middle", font_size=17, font_weight=600))
        parts.append(rect(x, low, box, 40, "none", "var(--nl-line)"))
        parts.append(text_at(x + box / 2, low + 56, f"256**{3 - n}" if n < 2 else ("256", "1")[n - 2], "m s", "middle"))
    for n, place in enumerate(places):
        (x1, x2), colour = (left + at * step + box / 2 for at in (n, place)), MESSAGES[n]
        parts.append(tag("path", d=f"M{x1:g} {top + 44}L{x2:g} {low - 9}", fill="none", stroke=colour, stroke_width=2))
        parts.append(tag("path", d=f"M{x2:g} {low - 3}l-5 -9h10z", fill=colour))
        parts.append(text_at(x2, low + 26, str(data[n]), "m", "middle", font_size=17, font_weight=600))
    high = low + (82 if small else 64)
    lines = ["The program reads:", reads] if small else [f"The program reads:  {reads}"]
    for n, line in enumerate(lines if reads else []):
        parts.append(text_at(left, high + 20 + 20 * n, line, font_size=12.5))
    return high + 16 + 20 * len(lines), parts


def ipv4_picture() -> Picture:
    """All 2**32 IPv4 addresses as 256 squares of 2**24, by first group, with what is set apart."""
    kinds = [_kind(first) for first in range(256)]
    text, legend = ["All of IPv4, by first group, 16,777,216 addresses for each:"], []
    for kind, (colour, _, words) in _KINDS.items():
        those = [first for first in range(256) if kinds[first] == kind]
        span = ", ".join(map(str, those)) if len(those) < 4 else f"{those[0]}-{those[-1]}"
        span = span if kind else f"the other {len(those)}"
        legend.append((colour, f"{span}: {words}"))
        text.append(f"  {span:14} {words}")
    return picture(*_squares(kinds, legend, 760), "\n".join(text), _squares(kinds, legend, NARROW))


def _squares(kinds, legend, width):
    """(height, parts): the squares of one kind are one path, and their numbers one group."""
    columns, step, margin = (16, 21.5, 8) if width <= NARROW else (32, 22.8, 15)
    title = textwrap.wrap("All of IPv4: one square for each first group, 16,777,216 addresses in each", width // 7)
    parts, top = [text_at(margin + 1, 28 + 20 * row, line) for row, line in enumerate(title)], 24 + 20 * len(title)
    for kind, (colour, ink, _) in _KINDS.items():
        places = [(first, margin + 1 + first % columns * step, top + first // columns * 23)
                  for first in range(256) if kinds[first] == kind]
        squares = "".join(f"M{x:g} {y:g}h20v20h-20z" for _, x, y in places)
        parts += [tag("path", d=squares, fill=colour, stroke="var(--nl-line)"),
                  tag("g", *(text_at(x + 10, y + 13.5, str(first)) for first, x, y in places),
                      class_=ink, text_anchor="middle", font_size=9.5)]
    top, columns = top + 256 // columns * 23 + 16, 1 if width <= NARROW else 2
    for index, (colour, words) in enumerate(legend):
        x, y = margin + 1 + index % columns * 364, top + index // columns * 24
        parts += [rect(x, y, 14, 14, colour, "var(--nl-line)"), text_at(x + 22, y + 12, words)]
    return top + 24 * -(-len(legend) // columns) + 4, parts


SCALE = (  # (bits, what has about that many)
    (24, "one square of the picture above"), (32, "all of IPv4"), (33, "people on Earth"), (48, "all Ethernet addresses"),
    (64, "one ordinary IPv6 network (/64)"), (88, "nanoseconds since the universe began"), (128, "all of IPv6"))


def scale_picture() -> Picture:
    """How many addresses, as bars: each bit to the right doubles the number."""
    title = "How many? Each bit further to the right doubles the number."
    lines = [f"  2**{bit:<4} {2**bit:.1e}  {words}" for bit, words in SCALE]
    return picture(*_bars(title, 760), "\n".join([title, *lines]), _bars(title, NARROW))


def _bars(title, width):
    """(height, parts): a bar for each of SCALE under its words, and a ruler of bits under all."""
    margin = 9 if width <= NARROW else 16
    step, lines = (width - 2 * margin) / 128, textwrap.wrap(title, width // 7)
    parts, top = [text_at(margin, 28 + 20 * row, line) for row, line in enumerate(lines)], 36 + 20 * len(lines)
    for row, (bit, words) in enumerate(SCALE):
        y = top + 36 * row
        parts += [text_at(margin, y, f"2**{bit}: {words}"),
                  rect(margin, y + 7, bit * step, 9, f"var(--nl-{'client' if bit <= 32 else 'server'})", "none")]
    y, ticks = top + 36 * len(SCALE), range(0, 129, 32 if width <= NARROW else 16)
    ruler = f"M{margin} {y}h{width - 2 * margin}" + "".join(f"M{margin + bit * step:g} {y}v5" for bit in ticks)
    parts.append(tag("path", d=ruler, fill="none", stroke="var(--nl-soft)"))
    parts += [text_at(margin + bit * step, y + 18, f"{bit} bits" if bit == 128 else str(bit), "s",
                      "start" if not bit else "end" if bit == 128 else "middle") for bit in ticks]
    return y + 30, parts


def _kind(first: int) -> str:
    """What the block `first`.0.0.0/8 is for, by its middle; "private" where a part of it is."""
    if first in (172, 192):  # 172.16.0.0/12 and 192.168.0.0/16
        return "private"
    found = special(int_to_ipv4((first << 24) + (1 << 23)))
    return next((kind for kind in _KINDS if kind and found and found.name.startswith(kind)), "")
