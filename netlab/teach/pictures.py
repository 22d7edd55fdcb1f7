"""The picture of one address, which a chapter and a panel show."""
from netlab.addresses import WIDTH, bits, groups, network, parse, to_text
from netlab.style import Picture, picture, rect, text_at


def address_picture(address: str, prefix: int | None = None) -> Picture:
    """The groups of an address over their bits; a prefix frames the network's bits. Raises ValueError."""
    number, version = parse(address)
    head = [f"{to_text(number, version)} is the integer {number}"]
    if prefix is not None:
        free = WIDTH[version] - prefix
        head.append(f"network {network(address, prefix)}: the first {prefix} bits are fixed, "
                    f"{free} are free, so 2**{free} addresses")
    parts = [text_at(16, 28 + 20 * row, line, "s" if row else "") for row, line in enumerate(head)]
    size, box, columns, cell = (8, 178, 4, 21) if version == 4 else (16, 361, 2, 22)
    top = 24 + 20 * len(head)
    for index, group in enumerate(groups(address)):
        x, y = 15 + index % columns * (box + 6), top + index // columns * 74
        parts.append(rect(x, y, box, 68, "none", "var(--nl-line)"))
        label = str(group) if version == 4 else f"{group:x}"
        parts.append(text_at(x + box / 2, y + 26, label, "m", "middle", style="font-size:17px;font-weight:600"))
        for place, value in enumerate(f"{group:0{size}b}"):
            fixed = prefix is None or index * size + place < prefix
            ink = "var(--nl-client)" if fixed else "var(--nl-soft)"
            left = x + (box - size * cell) / 2 + place * cell + 1
            edge = ink if fixed and prefix is not None else "var(--nl-line)"
            parts.append(rect(left, y + 36, cell - 2, 23, ink if value == "1" else "none", edge))
            parts.append(text_at(left + cell / 2 - 1, y + 52, value, "m on" if value == "1" else "m", "middle"))
    text = "\n".join([head[0], bits(address), *head[1:]])
    return picture(top + len(groups(address)) // columns * 74 + 8, parts, text)
