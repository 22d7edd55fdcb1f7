"""Pictures of addresses (chapter 2): the bits of one, the whole of IPv4, and how far 128 bits reach.

Small SVGs made from numbers alone, the same each time. They carry their own card, to be read on a white and on a dark page, and
each says in words (`text`) what it shows. They are 760 wide: JupyterLab shrinks no SVG, and its file browser leaves no more.
"""
from netlab.addresses import int_to_ipv4, special
from netlab.style import Picture, picture, rect, tag, text_at
from netlab.teach.pictures import address_picture

__all__ = ["address_picture", "ipv4_picture", "scale_picture"]

_KINDS = {  # what a block of 2**24 addresses is for: (colour, class of the number in it, words)
    "this network": ("var(--nl-soft)", "on", "this network, never a destination on the wire"),
    "private": ("var(--nl-amber)", "dark", "private use, in part or whole"),
    "loopback": ("var(--nl-server)", "on", "loopback: this machine"),
    "multicast": ("var(--nl-pink)", "dark", "multicast: groups of receivers"),
    "reserved": ("var(--nl-soft)", "on", "reserved; the last one is broadcast"),
    "": ("none", "s", "hosts on the internet"),
}


def ipv4_picture() -> Picture:
    """All 2**32 IPv4 addresses as 256 squares of 2**24, by first group, with what is set apart."""
    parts = [text_at(16, 28, "All of IPv4: one square for each first group, 16,777,216 addresses in each")]
    text = ["All of IPv4, by first group, 16,777,216 addresses for each:"]
    kinds = [_kind(first) for first in range(256)]
    for first, kind in enumerate(kinds):
        x, y, (colour, ink, _) = 16 + first % 32 * 22.8, 44 + first // 32 * 23, _KINDS[kind]
        parts += [rect(x, y, 21, 21, colour, "var(--nl-line)"),
                  text_at(x + 10.5, y + 14, str(first), ink, "middle", style="font-size:9.5px")]
    for index, (kind, (colour, _, words)) in enumerate(_KINDS.items()):
        those = [first for first in range(256) if kinds[first] == kind]
        span = ", ".join(map(str, those)) if len(those) < 4 else f"{those[0]}-{those[-1]}"
        span = span if kind else f"the other {len(those)}"
        x, y = 16 + index % 2 * 364, 244 + index // 2 * 24
        parts += [rect(x, y, 14, 14, colour, "var(--nl-line)"), text_at(x + 22, y + 12, f"{span}: {words}")]
        text.append(f"  {span:14} {words}")
    return picture(320, parts, "\n".join(text))


SCALE = (  # (bits, what has about that many)
    (24, "one square of the picture above"), (32, "all of IPv4"), (33, "people on Earth"), (48, "all Ethernet addresses"),
    (64, "one ordinary IPv6 network (/64)"), (88, "nanoseconds since the universe began"), (128, "all of IPv6"))


def scale_picture() -> Picture:
    """How many addresses, as a ruler of bits: each bit to the right doubles the number."""
    step, top = 728 / 128, 60
    title = "How many? Each bit further to the right doubles the number."
    parts = [text_at(16, 28, title), rect(16, top, 728, 20, "none", "var(--nl-line)"),
             rect(16, top, 32 * step, 20, "var(--nl-client)", "none")]
    parts += [tag("path", d=f"M{16 + bit * step:g} {top}v20", stroke="var(--nl-line)") for bit in range(8, 128, 8)]
    for bit in range(16, 129, 16):
        parts.append(text_at(16 + bit * step, top - 8, str(bit), "s", "end" if bit == 128 else "middle", style="font-size:11px"))
    rows = [(16 + bit * step, top + 46 + 26 * row, bit, words) for row, (bit, words) in enumerate(reversed(SCALE))]
    parts += [tag("path", d=f"M{x:g} {top + 20}V{y}", stroke="var(--nl-soft)", stroke_dasharray="2 3") for x, y, _, _ in rows]
    for x, y, bit, words in rows:
        parts.append(tag("circle", cx=x, cy=y, r=3.5, fill=f"var(--nl-{'client' if bit <= 32 else 'server'})"))
        left, anchor = (x + 8, "start") if bit < 64 else (x - 8, "end")
        parts.append(text_at(left, y + 4, f"2**{bit}: {words}", "halo", anchor))
    lines = [f"  2**{bit:<4} {2**bit:.1e}  {words}" for bit, words in SCALE]
    return picture(top + 38 + 26 * len(SCALE), parts, "\n".join([title, *lines]))


def _kind(first: int) -> str:
    """What the block `first`.0.0.0/8 is for, by its middle; "private" where a part of it is."""
    if first in (172, 192):  # 172.16.0.0/12 and 192.168.0.0/16
        return "private"
    found = special(int_to_ipv4((first << 24) + (1 << 23)))
    return next((kind for kind in _KINDS if kind and found and found.name.startswith(kind)), "")
