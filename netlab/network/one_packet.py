"""The picture of one packet: its layers from the outside in, each field with the bytes that hold it, its name and its value.

What another run would choose anew (a port, a sequence number, a checksum) is left out of a picture that a notebook stores:
its bytes are dots, and its value is "varies".
"""
import textwrap
from dataclasses import dataclass

from netlab.network.layers import Field, option_text
from netlab.network.packets import EPHEMERAL, Packet, host
from netlab.style import NARROW, Picture, picture, tag, text_at
from netlab.words import bytes_of, number_of

VARIES = frozenset({    # fields that a kernel, a card or a machine fills with a value of its own
    "Source", "Destination", "Sender Hardware Address", "Target Hardware Address", "Link-Layer Address",
    "Source Port", "Destination Port", "Sequence Number", "Acknowledgment Number", "Window", "Options",
    "Checksum", "Header Checksum", "Identification", "Identifier", "Flow Label",
    "Source Address", "Destination Address", "Target Address"})
_FIXED = ("02:00:00:00:", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00")     # what a netlab.Network gives; all; nobody
_OWN_OPTIONS = ("Timestamps", "Window Scale", "SACK")       # of TCP, whose values vary
_COLOURS = {"Ethernet": "#cc79a7", "ARP": "#0072b2", "IP": "#0072b2", "TCP": "#e69f00", "UDP": "#e69f00", "ICMP": "#e69f00",
            "data": "#009e73", "padding": "#7d8590"}
SHOWN, CUT = 64, 32         # bytes of data, and of another long field, before "… more bytes"
CELL, FULL = 17, 6          # a byte's box; how many of them stand beside a name: longer fields have lines of their own
LEGEND = '"varies": another value in each run, so its bytes are dots here.'


@dataclass(frozen=True)
class _Line:
    """A field as it is shown."""
    field: Field
    marks: tuple[str, ...]      # a mark for each byte, "45"; or one with the bits of a field that is not made of whole bytes
    value: str
    more: int                   # bytes that are not shown


def one_packet(packet: Packet, hide=VARIES) -> Picture:
    """The picture of `packet`; the values of fields whose names are in `hide` stay out where another run has others.

    `hide=()` shows all. Raises TypeError.
    """
    if isinstance(hide, str):
        raise TypeError(f"hide is a collection of names of fields, such as {{{hide!r}}}, not one str")
    hide = frozenset(hide)
    blocks = [(layer, [_line(packet.data, layer, field, hide) for field in layer.fields]) for layer in packet.layers]
    way = f"from {packet.sender or '?'} to {packet.receiver or '?'}, " if packet.sender or packet.receiver else ""
    head = [packet.summary, f"{way}{bytes_of(len(packet.data))}, {packet.fate}"]
    legend = [LEGEND] if any(line.value.endswith("varies") for _, lines in blocks for line in lines) else []
    return picture(*_drawn(blocks, head, legend, 760), _text(blocks, head, legend), _drawn(blocks, head, legend, NARROW))


def _line(frame, layer, field, hide):
    """What is shown of a field: all, or dots and "varies" where it is hidden."""
    size = (field.bits + 7) // 8
    limit = size if field.name == "Options" else SHOWN if field.name == "Data" else CUT
    hidden, value = field.name in hide and _varies(layer, field), field.text
    if hidden:
        value = ", ".join(f"{name} varies" if name in _OWN_OPTIONS else option_text(name, data)
                          for name, data in field.value) if field.name == "Options" else "varies"
    if field.first % 8 or field.bits % 8:
        number = int.from_bytes(frame[field.first // 8:(field.first + field.bits + 7) // 8], "big")
        bits = number >> -(field.first + field.bits) % 8 & (1 << field.bits) - 1
        mark = f"{bits:0{field.bits}b}" if field.bits <= 13 else f"{bits:0{field.bits // 4}x}"      # 20 bits: in hex
        return _Line(field, ("·" * len(mark) if hidden else mark,), value, 0)
    data = frame[field.first // 8:field.first // 8 + min(size, limit)]
    return _Line(field, ("·",) * len(data) if hidden else tuple(f"{byte:02x}" for byte in data), value, size - len(data))


def _varies(layer, field):
    """Is the value of this field, which may vary, one that does?"""
    if field.name.endswith("Port"):
        return field.value in EPHEMERAL
    if field.name == "Options":
        return any(isinstance(each, tuple) and each[0] in _OWN_OPTIONS for each in field.value)
    if field.name == "Acknowledgment Number":
        return "Control Bits" not in layer or "ACK" in layer["Control Bits"]        # without ACK it is 0
    if field.name == "Sequence Number":
        return not layer.name.startswith("ICMP")        # of ICMP a program counts
    if field.name in ("Source Address", "Destination Address", "Target Address"):
        return host(field.value) != field.value
    return not str(field.value).startswith(_FIXED)


def _text(blocks, head, legend):
    lines = list(head)
    for layer, fields in blocks:
        lines += ["", f"{layer.name}, {_span(layer)}"]
        for line in fields:
            shown = " ".join(line.marks) + f" … {number_of(line.more, 'more byte')}" * bool(line.more)
            first, *rest = textwrap.wrap(shown, 47) or [""]
            lines.append(f"  {line.field.name:<23}  {first:<17}  {line.value}".rstrip())
            lines += [f"  {'':<23}  {more}" for more in rest]
    return "\n".join([*lines, *([""] * bool(legend)), *legend])


def _span(layer):
    size = layer.end - layer.start
    return f"{'byte' if size == 1 else 'bytes'} {layer.start}{f'-{layer.end - 1}' * (size > 1)} ({bytes_of(size)})"


def _drawn(blocks, head, legend, width):
    """(height, parts): a heading, the envelope where there is room for it, the layers, the legend."""
    small, margin = width <= NARROW, 9 if width <= NARROW else 15
    room, parts, y = width - 2 * margin, [], 8
    for row, words in enumerate(head):
        for line in textwrap.wrap(words, room // (7 if row else 8), break_on_hyphens=False):
            y += 18
            parts.append(text_at(margin, y, line, "s" if row else None, font_weight=None if row else 600))
    y += 14
    if not small:
        parts += _envelope([layer for layer, _ in blocks], margin, y, room)
        y += 48
    for layer, fields in blocks:
        parts += [tag("path", d=f"M{margin + .5} {y + 5.5}h10v10h-10z", **_tint(layer)),
                  tag("text", tag("tspan", layer.name, font_weight=600), tag("tspan", _span(layer), class_="s", dx=8),
                      x=margin + 18, y=y + 15)]
        y += 26
        y, drawn = _rows(layer, fields, margin, y, room, small)
        parts += drawn
        y += 12
    for line in [part for words in legend for part in textwrap.wrap(words, room // 6)]:
        y += 14
        parts.append(text_at(margin, y, line, "s"))
    return int(y + 12), parts


def _tint(layer):
    """The layer's colour: a light fill and a strong edge, dashed where a message of ICMP quotes it."""
    name = layer.name.removesuffix(" (quoted)")
    colour = next(value for start, value in _COLOURS.items() if name.startswith(start))
    dashes = {"stroke_dasharray": "3 2"} if name != layer.name else {}
    return {"fill": colour, "fill_opacity": .18, "stroke": colour, "stroke_linejoin": "round", **dashes}


def _envelope(layers, x, y, room):
    """The whole packet as one strip: a box for each layer, wider for more bytes, wide enough for its name."""
    least = [max(70, 7 * len(layer.name) + 16) for layer in layers]
    spare, total = room - sum(least), sum(layer.end - layer.start for layer in layers) or 1
    if spare < 0:
        least, spare = [room / len(layers)] * len(layers), 0
    parts = []
    for layer, base in zip(layers, least):
        wide = base + spare * (layer.end - layer.start) / total
        parts += [tag("path", d=f"M{x + .5:g} {y}h{wide - 1:g}v34h{1 - wide:g}z", **_tint(layer)),
                  text_at(x + wide / 2, y + 15, layer.name, None, "middle", font_size=12),
                  text_at(x + wide / 2, y + 28, bytes_of(layer.end - layer.start), None, "middle", font_size=10.5)]
        x += wide
    return parts


def _rows(layer, fields, margin, y, room, small):
    """(y below, parts) of the fields of a layer: short ones side by side in columns, long ones on lines of their own."""
    columns = 1 if small else 2 if max((len(line.field.name) for line in fields), default=0) > 21 else 3
    step, parts, place, high = room / columns, [], 0, 0
    for line in fields:
        if layer.name.startswith("data"):
            below, drawn = _data(layer, line, margin, y, 16 if small else 32, room)
            return below, drawn
        long = len(line.marks) > FULL
        if place and (long or place == columns):
            y, place, high = y + high, 0, 0
        left = margin + place * step
        axis = left + FULL * CELL + 4
        if long and small:
            below = _cells(layer, line, left, y, 16, parts) + 2
            below = _words(line, left, below, room, parts)
        elif long:
            axis += step
            below = max(_cells(layer, line, axis - 16 * CELL, y, 16, parts), _words(line, axis + 9, y, room - axis, parts))
        else:
            below = max(_cells(layer, line, axis - _wide(line), y, FULL, parts),
                        _words(line, axis + 9, y, step - FULL * CELL - 18, parts))
        high, place = max(high, below - y), columns if long else place + 1
    return y + high, parts


def _wide(line):
    """How wide the boxes of a short field are."""
    whole = line.field.first % 8 == line.field.bits % 8 == 0
    return CELL * len(line.marks) if whole else max(CELL, 6.1 * len(line.marks[0]) + 8)


def _words(line, x, y, room, parts):
    """The name of a field over its value; gives the y below."""
    if line.field.name == "Padding":        # its layer says so
        return y
    parts.append(text_at(x, y + 9, line.field.name, "s", font_size=11))
    y += 24
    words = "" if isinstance(line.field.value, bytes) and line.value != "varies" and len(line.marks) > FULL else line.value
    for row in textwrap.wrap(words, max(8, int(room / 6.7)), break_on_hyphens=False):
        parts.append(text_at(x, y, row, None if line.value != "varies" else "s", font_size=12))
        y += 15
    return y - 3 if words else y


def _cells(layer, line, x, y, columns, parts):
    """The bytes of a field in hex, or its bits, each in a box; gives the y below."""
    if line.field.first % 8 or line.field.bits % 8:
        wide = _wide(line)
        parts += [tag("path", d=f"M{x:g} {y + 3}h{wide:g}v19h-{wide:g}z", **_tint(layer)),
                  text_at(x + wide / 2, y + 16.5, line.marks[0], "m", "middle", font_size=10)]
        return y + 32
    shape, words, places = "", [], []
    for n, mark in enumerate(line.marks):
        left, top = x + n % columns * CELL, y + n // columns * 22
        shape += f"M{left:g} {top + 3}h{CELL}v19h-{CELL}z"
        if n % columns == 0:
            words.append([])
            places.append([])
        words[-1].append(mark)
        places[-1] += [left + CELL / 2 + shift for shift in ((-3.1, 3.1) if len(mark) == 2 else (0,))]
    parts.append(tag("path", d=shape, **_tint(layer)))
    for row, (each, at) in enumerate(zip(words, places)):
        parts.append(tag("text", "".join(each), x=" ".join(f"{place:g}" for place in at), y=y + 22 * row + 16.5, class_="m",
                         text_anchor="middle", font_size=10))
    below = y + 22 * len(words) + 6
    if line.more:
        below += 12
        parts.append(text_at(x, below - 4, f"… {number_of(line.more, 'more byte')}", "s"))
    return max(below, y + 32)


def _data(layer, line, x, y, columns, room):
    """(y below, parts): the bytes that are carried, each as a character over its hex, as everywhere in the course."""
    parts, cell, values = [], room // columns, [None if mark == "·" else int(mark, 16) for mark in line.marks]
    for start in range(0, len(values), columns):
        row = values[start:start + columns]
        parts.append(tag("path", d="".join(f"M{x + n * cell:g} {y}h{cell}v32h-{cell}z" for n in range(len(row))), **_tint(layer)))
        middles = [x + (n + .5) * cell for n in range(len(row))]
        letters = "".join("·" if value is None or not 32 <= value < 127 else "␣" if value == 32 else chr(value) for value in row)
        parts.append(tag("text", letters, x=" ".join(f"{at:g}" for at in middles), y=y + 14, class_="m", text_anchor="middle",
                         font_size=12))
        digits = "".join("··" if value is None else f"{value:02x}" for value in row)
        parts.append(tag("text", digits, x=" ".join(f"{at - 3:g} {at + 3:g}" for at in middles), y=y + 27, class_="m",
                         text_anchor="middle", font_size=9.5))
        y += 38
    if line.more:
        y += 10
        parts.append(text_at(x, y, f"… {number_of(line.more, 'more byte')}", "s"))
    return y, parts
