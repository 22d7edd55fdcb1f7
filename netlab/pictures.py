"""Pictures of addresses (chapter 2): the bits of one, the whole of IPv4, and how far 128 bits reach.

Small SVGs made from numbers alone, the same each time. They carry their own card, to be read on a white and
on a dark page, and each says in words (`text`) what it shows. They are 760 wide, since JupyterLab does not
shrink an SVG and beside its file browser no more is left.
"""
import html
from dataclasses import dataclass

from netlab.addresses import WIDTH, bits, groups, int_to_ipv4, network, parse, special, to_text

_STYLE = """\
.nlp{font:13px system-ui,"Segoe UI",Roboto,sans-serif;--card:#fff;--ink:#1f2328;--soft:#5b6470;
--line:#c9ced5;--a:#0072B2;--b:#B8500B;--c:#E69F00;--e:#CC79A7;--on:#fff}
@media (prefers-color-scheme:dark){.nlp{--card:#111418;--ink:#e6e8ea;--soft:#a5adb8;--line:#3a4048;
--a:#56B4E9;--b:#F0A35E;--on:#111418}}
.nlp text{fill:var(--ink)}.nlp .soft{fill:var(--soft)}.nlp .on{fill:var(--on)}.nlp .dark{fill:#111418}
.nlp .halo{paint-order:stroke;stroke:var(--card);stroke-width:6px}
.nlp .m{font-family:ui-monospace,Menlo,Consolas,monospace}"""


@dataclass(frozen=True)
class Picture:
    """An SVG and the words for it; shows itself in a cell."""

    svg: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"image/svg+xml": self.svg, "text/plain": self.text}


def address_picture(address: str, prefix: int | None = None) -> Picture:
    """The groups of an address over their bits; a prefix frames the network's bits. Raises ValueError."""
    number, version = parse(address)
    head = [f"{to_text(number, version)} is the integer {number}"]
    if prefix is not None:
        free = WIDTH[version] - prefix
        head.append(f"network {network(address, prefix)}: the first {prefix} bits are fixed, "
                    f"{free} are free, so 2**{free} addresses")
    parts = [_text(16, 28 + 20 * row, line, "soft" if row else "") for row, line in enumerate(head)]
    size, box, columns, cell = (8, 178, 4, 21) if version == 4 else (16, 361, 2, 22)
    top = 24 + 20 * len(head)
    for index, group in enumerate(groups(address)):
        x, y = 15 + index % columns * (box + 6), top + index // columns * 74
        parts.append(_rect(x, y, box, 68, "none", "var(--line)"))
        label = str(group) if version == 4 else f"{group:x}"
        parts.append(_text(x + box / 2, y + 26, label, "m", "middle", 'font-size="17" font-weight="600"'))
        for place, value in enumerate(f"{group:0{size}b}"):
            fixed = prefix is None or index * size + place < prefix
            ink = "var(--a)" if fixed else "var(--soft)"
            left = x + (box - size * cell) / 2 + place * cell + 1
            edge = ink if fixed and prefix is not None else "var(--line)"
            parts.append(_rect(left, y + 36, cell - 2, 23, ink if value == "1" else "none", edge))
            parts.append(_text(left + cell / 2 - 1, y + 52, value, "m on" if value == "1" else "m", "middle"))
    text = "\n".join([head[0], bits(address), *head[1:]])
    return _picture(top + len(groups(address)) // columns * 74 + 8, parts, text)


_KINDS = {  # what a block of 2**24 addresses is for: (colour, class of the number in it, words)
    "this network": ("var(--soft)", "on", "this network, never a destination"),
    "private": ("var(--c)", "dark", "private use, in part or whole"),
    "loopback": ("var(--b)", "on", "loopback: this machine"),
    "multicast": ("var(--e)", "dark", "multicast: groups of receivers"),
    "reserved": ("var(--soft)", "on", "reserved, not in use"),
    "": ("none", "soft", "hosts on the internet"),
}


def ipv4_picture() -> Picture:
    """All 2**32 IPv4 addresses as 256 squares of 2**24, by first group, with what is set apart."""
    parts = [_text(16, 28, "All of IPv4: one square for each first group, 16,777,216 addresses in each")]
    text = ["All of IPv4, by first group, 16,777,216 addresses for each:"]
    kinds = [_kind(first) for first in range(256)]
    for first, kind in enumerate(kinds):
        x, y = 16 + first % 32 * 22.8, 44 + first // 32 * 23
        colour, ink, _ = _KINDS[kind]
        parts.append(_rect(x, y, 21, 21, colour, "var(--line)"))
        parts.append(_text(x + 10.5, y + 14, str(first), ink, "middle", 'font-size="9.5"'))
    for index, (kind, (colour, _, words)) in enumerate(_KINDS.items()):
        those = [first for first in range(256) if kinds[first] == kind]
        span = ", ".join(map(str, those)) if len(those) < 4 else f"{those[0]}-{those[-1]}"
        span = span if kind else f"the other {len(those)}"
        x, y = 16 + index % 2 * 364, 244 + index // 2 * 24
        parts += [_rect(x, y, 14, 14, colour, "var(--line)"), _text(x + 22, y + 12, f"{span}: {words}")]
        text.append(f"  {span:14} {words}")
    return _picture(320, parts, "\n".join(text))


SCALE = (  # (bits, what has about that many)
    (24, "one square of the picture above"),
    (32, "all of IPv4"),
    (33, "people on Earth"),
    (48, "all Ethernet addresses"),
    (64, "one ordinary IPv6 network (/64)"),
    (88, "nanoseconds since the universe began"),
    (128, "all of IPv6"),
)


def scale_picture() -> Picture:
    """How many addresses, as a ruler of bits: each bit to the right doubles the number."""
    step, top = 728 / 128, 60
    title = "How many? Each bit further to the right doubles the number."
    parts = [_text(16, 28, title), _rect(16, top, 728, 20, "none", "var(--line)"),
             _rect(16, top, 32 * step, 20, "var(--a)", "none")]
    for bit in range(8, 128, 8):
        parts.append(f'<path d="M{16 + bit * step:g} {top}v20" stroke="var(--line)"/>')
    for bit in range(16, 129, 16):
        anchor = "end" if bit == 128 else "middle"
        parts.append(_text(16 + bit * step, top - 8, str(bit), "soft", anchor, 'font-size="11"'))
    rows = [(16 + bit * step, top + 46 + 26 * row, bit, words)
            for row, (bit, words) in enumerate(reversed(SCALE))]
    for x, y, _, _ in rows:
        parts.append(f'<path d="M{x:g} {top + 20}V{y}" stroke="var(--soft)" stroke-dasharray="2 3"/>')
    for x, y, bit, words in rows:
        parts.append(f'<circle cx="{x:g}" cy="{y}" r="3.5" fill="var({"--a" if bit <= 32 else "--b"})"/>')
        left, anchor = (x + 8, "start") if bit < 64 else (x - 8, "end")
        parts.append(_text(left, y + 4, f"2**{bit}: {words}", "halo", anchor))
    lines = [f"  2**{bit:<4} {2**bit:.1e}  {words}" for bit, words in SCALE]
    return _picture(top + 38 + 26 * len(SCALE), parts, "\n".join([title, *lines]))


def _kind(first: int) -> str:
    """What the block `first`.0.0.0/8 is for, by its middle; "private" where a part of it is."""
    if first in (172, 192):  # 172.16.0.0/12 and 192.168.0.0/16
        return "private"
    found = special(int_to_ipv4((first << 24) + (1 << 23)))
    return next((kind for kind in _KINDS if kind and found and found.name.startswith(kind)), "")


def _rect(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{min(6, height // 8 + 1)}" '
            f'fill="{fill}" stroke="{stroke}"/>')


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start", more: str = "") -> str:
    attributes = [f'x="{x:g}" y="{y:g}"', f'class="{kind}"' if kind else "", more,
                  f'text-anchor="{anchor}"' if anchor != "start" else ""]
    return f"<text {' '.join(filter(None, attributes))}>{html.escape(words)}</text>"


def _picture(height: int, parts: list[str], text: str) -> Picture:
    label = html.escape(text.replace("\n", "; "), quote=True)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" class="nlp" viewBox="0 0 760 {height}" width="760" '
            f'role="img" aria-label="{label}"><style>{_STYLE}</style>')
    card = _rect(0.5, 0.5, 759, height - 1, "var(--card)", "var(--line)")
    return Picture("\n".join([head, card, *parts, "</svg>"]), text)
