"""AddressPanel: one address, all its faces: text, integer, hex, groups, bits, and the network it belongs to.

Each face is a control; changing one changes all. `Address` holds what the panel shows and reads what a learner
types, without a widget; the panel itself only shows it. Chapter 02.
"""
from __future__ import annotations

import re
import threading
from typing import NamedTuple

import ipywidgets as widgets

from netlab import addresses
from netlab.addresses import WIDTH
from netlab.panels.base import Panel
from netlab.panels.parts import RUN_ME, box, html, in_sending_order, read_number, whole
from netlab.style import tag
from netlab.teach.pictures import address_picture
from netlab.words import quoted

EXAMPLE = {4: "192.168.0.1/24", 6: "2001:db8::1/64"}
SIZE = {4: 8, 6: 16}                        # bits in a group


class Address(NamedTuple):
    """What the panel shows: a number of `version` 4 or 6, and a prefix length. `read` and `turn` return another one."""
    number: int
    version: int
    prefix: int

    @classmethod
    def of(cls, text: str, prefix: int | None = None) -> Address:
        """The address in "192.168.0.1", with its prefix length from "192.168.0.1/24", from `prefix`, or a usual one."""
        text, slash, length = text.partition("/")
        number, version = addresses.parse(text)
        if slash:
            prefix = read_number(length, 0, WIDTH[version], "a prefix length")
        elif prefix is None:
            prefix = int(EXAMPLE[version].partition("/")[2])
        addresses.network(number, prefix, version)          # refuses a bad prefix
        return cls(number, version, prefix)

    # the faces

    @property
    def text(self) -> str:
        return addresses.to_text(self.number, self.version)

    @property
    def integer(self) -> str:
        return str(self.number)

    @property
    def hex(self) -> str:
        return f"0x{self.number:0{WIDTH[self.version] // 4}x}"

    @property
    def groups(self) -> tuple[str, ...]:
        """As they stand in the text: decimal for IPv4, hex for IPv6."""
        return tuple(f"{group:{'d' if self.version == 4 else 'x'}}" for group in addresses.groups(self.number, self.version))

    @property
    def bits(self) -> str:
        """The highest first, with nothing between."""
        return addresses.bits(self.number, self.version, "")

    @property
    def network(self) -> addresses.Network:
        return addresses.network(self.number, self.prefix, self.version)

    def faces(self) -> dict[object, str]:
        """Each field's name (a number names a group) and what stands in it."""
        return {"text": self.text, "integer": self.integer, "hex": self.hex, "prefix": str(self.prefix),
                **dict(enumerate(self.groups))}

    # what a learner types

    def read(self, face: object, typed: str) -> Address:
        """The address after `typed` was put into a field of `faces()`. ValueError in words."""
        width, digits = WIDTH[self.version], typed.strip()
        if isinstance(face, int):
            return self._with_group(face, typed)
        if face == "text":                      # of either version; "/24" after it sets the prefix length too
            return Address.of(typed, self.prefix if (":" in typed) == (self.version == 6) else None)
        if face == "prefix":
            return self._replace(prefix=read_number(digits.removeprefix("/"), 0, width, "a prefix length"))
        if face == "integer":
            base, allowed = 10, f"an integer, 0 to {'4294967295' if self.version == 4 else '2**128 - 1'}"
            wrong = f"{quoted(digits)} is not a number. Give {allowed}."
        else:
            base, allowed = 16, f"0x0 to 0x{'f' * (width // 4)}"
            wrong = f"{quoted(digits)} is not hex. Give up to {width // 4} of 0-9 and a-f, such as {self.hex}."
            digits = digits.lower().removeprefix("0x")
        if not re.fullmatch("[0-9]+" if base == 10 else "[0-9a-f]+", digits):
            raise ValueError(wrong)
        digits = digits.lstrip("0") or "0"
        if len(digits) > 40 or int(digits, base) >> width:
            raise ValueError(f"{quoted(digits)} needs more than {width} bits. Give {allowed}.")
        return self._replace(number=int(digits, base))

    def _with_group(self, index, typed):
        if "." in typed or ":" in typed:
            raise ValueError(f"{quoted(typed)} is more than one group. Give one here, or a whole address as text.")
        groups = [*self.groups[:index], typed, *self.groups[index + 1:]]
        return self._replace(number=addresses.ipv4_to_int(".".join(groups)) if self.version == 4
                             else addresses.ipv6_to_int(":".join(groups)))

    def turn(self, bit: int) -> Address:
        """With the other value in one bit; bit 0 is the last."""
        return self._replace(number=self.number ^ 1 << bit)

    # in words

    def facts(self) -> list[tuple[str, str]]:
        """The network and the special range: (name, value)."""
        block, found = self.network, addresses.special(self.number, self.version)
        first, last, mask, low, high = (addresses.to_text(number, self.version) for number in
                                        (block.first, block.last, block.mask, *block.hosts))
        return [("network", str(block)), ("mask", mask), ("first address", first), ("last address", last),
                ("for hosts", low if low == high else f"{low} to {high}"),
                ("addresses", f"{block.count:,} = 2**{WIDTH[self.version] - self.prefix}"),
                ("special range", f"{found.block} · {found.name} · {found.rfc}" if found else "none")]

    def sentence(self) -> str:
        """All that changes, for a reader who hears it."""
        found = addresses.special(self.number, self.version)
        free = WIDTH[self.version] - self.prefix
        count = f"{self.network.count:,}" if free < 33 else f"2**{free}"
        where = f"{found.name}, {found.rfc}" if found else "in no special range"
        return (f"{self.text}/{self.prefix} is the integer {self.integer}; network {self.network}, "
                f"{count} address{'es' if free else ''}; {where}.")

    def code(self) -> str:
        """Lines of netlab.addresses that compute the same, with what they give."""
        block, found = self.network, addresses.special(self.number, self.version)
        lines = [("number", self.number), (f'f"{{number:#0{WIDTH[self.version] // 4 + 2}x}}"', self.hex),
                 ("addresses.to_text(number, version)", self.text),
                 ("addresses.groups(number, version)", addresses.groups(self.number, self.version)),
                 ("addresses.bits(number, version)", addresses.bits(self.number, self.version)),
                 ("str(network)", str(block)),
                 *((f"addresses.to_text(network.{name}, version)", addresses.to_text(number, self.version))
                   for name, number in (("mask", block.mask), ("first", block.first), ("last", block.last))),
                 ("network.count", block.count), ("addresses.special(number, version)", found)]
        return "\n".join(["from netlab import addresses", f'number, version = addresses.parse("{self.text}")',
                          f"network = addresses.network(number, {self.prefix}, version)",
                          *(f"{call}  # {value!r}" for call, value in lines)])


class AddressPanel(Panel):
    """One IPv4 or IPv6 address, such as "192.168.0.1" or "2001:db8::1/32", with all its faces to change by hand.

    ValueError for a bad address or prefix length. It opens no socket. Chapter 02; RFC 4632, RFC 5952, RFC 6890.
    """
    title = "One address, every face"
    closes = False                                          # nothing is open here
    kept = Panel.kept | {"address", "_first"}
    _writer = None                                          # the thread that writes just now

    def __init__(self, address: str = EXAMPLE[4], prefix: int | None = None):
        self.address = Address.of(address, prefix)
        super().__init__()
        self._first = first = self.address
        self.plain = f"AddressPanel: {first.text}/{first.prefix}, and the same address as integer, hex, groups and bits. {RUN_ME}"
        self._latest = {version: Address.of(text) for version, text in EXAMPLE.items()}
        self._turned = None, 0
        self._sentence = first.sentence()

    def stored(self):
        picture = address_picture(self._first.text, self._first.prefix)
        return {"text/plain": self.plain, "image/svg+xml": str(picture.svg)}

    # the view

    def build(self):
        self._fields_of, self._bits, self._parts = {4: {}, 6: {}}, {4: [], 6: []}, {}
        self._common = {face: self._face(face, face.title(), "nl-wide") for face in ("text", "integer", "hex")}
        self._common["prefix"] = self._face("prefix", "Prefix length", "nl-short")
        self._switch = self.button("", self._switch_clicked)
        self._facts, self._grid = html(), box([], "nl-grid")
        pairs = [box([field.text, field.note], "nl-pair", *field.classes) for field in self._common.values()]
        self._row = box([*pairs, self._switch])
        return [box([self._row, self._grid, self._facts], "nl-side", "nl-address")]

    def _face(self, face, label, *classes):
        field = self.field(label, "", *classes)
        field.text.observe(lambda change: self._typed_into(face, field, change["new"]), "value")
        return field

    def _build_groups(self, address):
        """The groups of a version, with their bits: made when they are first shown."""
        version, size, width = address.version, SIZE[address.version], WIDTH[address.version]
        layout, style, boxes = widgets.Layout(), widgets.ButtonStyle(), []
        for index in range(width // size):
            high = width - 1 - index * size
            field = self._face(index, f"Bits {high} to {high - size + 1}", "nl-group-text")
            buttons = []
            for bit in range(high, high - size, -1):
                buttons.append(in_sending_order(widgets.Button(**_bit(address, bit), layout=layout, style=style)))
                buttons[-1].on_click(lambda _, bit=bit: self._guarded(lambda: self._turn_clicked(version, bit)))
            self._fields_of[version][index] = field
            self._bits[version] += buttons
            boxes.append(box([field.text, field.note, box(buttons, "nl-bits")], "nl-group"))
        self._parts[version] = box(boxes, "nl-groups", f"nl-version-{version}")

    def chips(self):
        return [f"IPv{self.address.version}, {WIDTH[self.address.version]} bits"]

    def code(self):
        return self.address.code()

    def write(self, widget, **traits):
        self._writer = threading.get_ident()                # what the panel writes was not typed
        super().write(widget, **traits)
        self._writer = None

    def _render_frame(self):
        version, bit = self._turned                         # the bit that was clicked comes first
        if version == self.address.version:
            self.write(self._bits[version][WIDTH[version] - 1 - bit], **_bit(self.address, bit))
        super()._render_frame()

    def render(self):
        address, version = self.address, self.address.version
        if version not in self._parts:
            self._build_groups(address)
        for place, button in enumerate(self._bits[version]):
            self.write(button, **_bit(address, WIDTH[version] - 1 - place))
        for face, words in address.faces().items():
            field = self._fields_of[version].get(face) or self._common[face]
            if not field.error:
                self.write(field.text, value=words)
        self.write(self._switch, description=f"Switch to IPv{10 - version}")
        self.write(self._facts, value=_facts(address))
        self.write(self._row, _dom_classes=("nl-box", "nl-row", f"nl-version-{version}"))
        for each, part in self._parts.items():              # kept, but only one is shown
            away = () if each == version else ("nl-away",)
            self.write(part, _dom_classes=("nl-box", "nl-groups", f"nl-version-{each}", *away))
        self.write(self._grid, children=tuple(self._parts.values()))

    # what the learner does: in a thread of the kernel's

    def _typed_into(self, face, field, typed):
        if self._writer != threading.get_ident():
            self._guarded(lambda: self._read(face, field, typed))

    def _read(self, face, field, typed):
        if isinstance(face, int) and field is not self._fields_of[self.address.version][face]:
            return                                          # typed before a switch could be seen
        try:
            new = self.address.read(face, whole(typed)) if typed.strip() else None
        except ValueError as error:
            words = str(error).removesuffix(".")
            field.error = words[0].upper() + words[1:] + "."
            self.say(f"{quoted(typed)} was not taken: {words}. The rest is as it was.")
            return
        field.error = ""
        self._now(new) if new else self.say("The field shows the address again.")

    def _turn_clicked(self, version, bit):
        if version == self.address.version:                 # else it was clicked before a switch could be seen
            new, self._turned = self.address.turn(bit), (version, bit)
            self._now(new, f"Bit {bit} is {new.number >> bit & 1} now.")

    def _switch_clicked(self):
        self._now(self._latest[10 - self.address.version])

    def _now(self, new, first=""):
        old, self.address = self.address, new
        self._latest[new.version] = new
        if new.version != old.version:
            self._latest[old.version], first = old, f"Now an IPv{new.version} address."
            for field in self._fields:                      # what was wrong for the other version
                field.error = ""
        self.say(f"{first} {new.sentence()}".strip())


def _bit(address, bit):
    """What the button of a bit shows."""
    net, on = bit >= WIDTH[address.version] - address.prefix, address.number >> bit & 1
    worth = 1 << bit if address.version == 4 else f"2**{bit}"
    return {"description": str(on), "tooltip": f"bit {bit}, worth {worth}, {'network' if net else 'host'} part",
            "_dom_classes": ("nl-bit", "nl-net" if net else "nl-host", *(("nl-on",) if on else ()))}


def _facts(address):
    legend = [tag("span", tag("i", class_=f"nl-{part}"), f"{name} part: {size or 'no'} bit{'' if size == 1 else 's'}")
              for part, name, size in (("net", "network", address.prefix),
                                       ("host", "host", WIDTH[address.version] - address.prefix))]
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in address.facts()]
    return (tag("div", *legend, tag("span", "Filled is 1, empty is 0. Click a bit to turn it."), class_="nl-legend")
            + tag("dl", *rows, class_="nl-facts"))
