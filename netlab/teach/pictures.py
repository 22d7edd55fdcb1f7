"""The picture of one address, which a chapter and a panel show."""
import textwrap

from netlab.addresses import WIDTH, bits, groups, network, parse, to_text
from netlab.style import NARROW, Picture, picture, rect, tag, text_at


def address_picture(address: str, prefix: int | None = None) -> Picture:
    """The groups of an address over their bits; a prefix frames the network's bits. Raises ValueError."""
    number, version = parse(address)
    head = [f"{to_text(number, version)} is the integer {number}"]
    if prefix is not None:
        free = WIDTH[version] - prefix
        head.append(f"network {network(address, prefix)}: the first {prefix} bits are fixed, "
                    f"{free} are free, so 2**{free} addresses")
    text = "\n".join([head[0], bits(address), *head[1:]])
    return picture(*_drawn(address, prefix, head, 760), text, _drawn(address, prefix, head, NARROW))


def _drawn(address, prefix, head, width):
    """(height, parts) of the picture, in fewer columns where it is narrow."""
    small, margin = width <= NARROW, 8 if width <= NARROW else 15
    size, columns = (8, 2 if small else 4) if ":" not in address else (16, 1 if small else 2)
    lines = [(line, "s" if row else "") for row, words in enumerate(head) for line in textwrap.wrap(words, (width - 32) // 6)]
    parts = [text_at(margin + 1, 28 + 20 * row, *line) for row, line in enumerate(lines)]
    box = (width - 2 * margin + 6) / columns - 6
    cell, top = min(22, int((box - 4) / size)), 24 + 20 * len(lines)
    for index, group in enumerate(groups(address)):
        x, y = margin + index % columns * (box + 6), top + index // columns * 74
        parts.append(rect(x, y, box, 68, "none", "var(--nl-line)"))
        label = str(group) if size == 8 else f"{group:x}"
        parts.append(text_at(x + box / 2, y + 26, label, "m", "middle", font_size=17, font_weight=600))
        cells = {}      # alike: one path, and one text with a place for each digit
        for place, value in enumerate(f"{group:0{size}b}"):
            fixed = prefix is None or index * size + place < prefix
            cells.setdefault((value, fixed), []).append(x + (box - size * cell) / 2 + place * cell + 1)
        for (value, fixed), lefts in cells.items():
            ink = "var(--nl-client)" if fixed else "var(--nl-soft)"
            squares = "".join(f"M{left:g} {y + 36}h{cell - 2}v23h-{cell - 2}z" for left in lefts)
            parts.append(tag("path", d=squares, fill=ink if value == "1" else "none", stroke_linejoin="round",
                             stroke=ink if fixed and prefix is not None else "var(--nl-line)"))
            parts.append(tag("text", value * len(lefts), x=" ".join(f"{left + cell / 2 - 1:g}" for left in lefts), y=y + 52,
                             class_="m on" if value == "1" else "m", text_anchor="middle"))
    return top + len(groups(address)) // columns * 74 + 8, parts
