"""AddressPanel: one address, all its faces: text, integer, hex, groups, bits, and the network it belongs to.

Each face is a control; changing one changes all. `Address` holds what the panel shows and reads what a learner
types, without a widget; the panel itself only shows it. Chapter 02.
"""
from __future__ import annotations

import re
import threading
from html import escape
from typing import NamedTuple

import ipywidgets as widgets

from netlab import addresses
from netlab.addresses import WIDTH
from netlab.panels.base import Panel, box, html, in_order, read_number
from netlab.teach.pictures import address_picture
from netlab.words import quoted


class Words:
    """All words of this file, in one place for a translator."""
    title = "One address, every face"
    plain = "AddressPanel: {}, and the same address as integer, hex, groups and bits. Run this cell to use the panel."
    text, integer, hex, prefix, group = "Text", "Integer", "Hex", "Prefix length", "Bits {} to {}"
    chip, switch, switched = "IPv{}, {} bits", "Switch to IPv{}", "Now an IPv{} address."
    bit, net, host = "bit {}, worth {}, {}", "network part", "host part"
    bits = ("no bits", "1 bit", "{} bits")
    legend = "Filled is 1, empty is 0. Click a bit to turn it."
    network, mask, first, last = "network", "mask", "first address", "last address"
    hosts, count, special = "for hosts", "addresses", "special range"
    to, ordinary = "{} to {}", "none"
    now = "{}/{} is the integer {}; network {}, {} addresses; {}."
    said_special, said_ordinary = "{}, {}", "in no special range"
    turned = "Bit {} is {} now."
    refused, restored = "{} was not taken: {}. The rest is as it was.", "The field shows the address again."
    not_a_number = "{} is not a number. Give {}."
    not_hex = "{} is not hex. Give up to {} of 0-9 and a-f, such as {}."
    too_large = "{} needs more than {} bits. Give {}."
    integer_range = "an integer, 0 to {}"
    one_group = "{} is more than one group. Give one here, or a whole address as text."
    a_prefix = "a prefix length"


EXAMPLE = {4: "192.168.0.1/24", 6: "2001:db8::1/64"}
SIZE = {4: 8, 6: 16}                        # bits in a group


class Address(NamedTuple):
    """What the panel shows: a number of `version` 4 or 6, and a prefix length. Each `read_…` returns another one."""
    number: int
    version: int
    prefix: int

    @classmethod
    def of(cls, text: str, prefix: int | None = None) -> Address:
        """The address in "192.168.0.1", with its prefix length from "192.168.0.1/24", from `prefix`, or a usual one."""
        text, slash, length = text.partition("/")
        number, version = addresses.parse(text)
        if slash:
            prefix = read_number(length, 0, WIDTH[version], Words.a_prefix)
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
        return tuple(f"{group:d}" if self.version == 4 else f"{group:x}"
                     for group in addresses.groups(self.number, self.version))

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

    # what a learner types; ValueError in words

    def read(self, face: object, typed: str) -> Address:
        """The address after `typed` was put into a field of `faces()`."""
        return self.read_group(face, typed) if isinstance(face, int) else getattr(self, f"read_{face}")(typed)

    def read_text(self, typed: str) -> Address:
        """An address of either version; "/24" after it sets the prefix length too."""
        return Address.of(typed, self.prefix if (":" in typed) == (self.version == 6) else None)

    def read_integer(self, typed: str) -> Address:
        digits, allowed = typed.strip(), Words.integer_range.format(self._most())
        if not re.fullmatch("[0-9]+", digits):
            raise ValueError(Words.not_a_number.format(quoted(digits), allowed))
        return self._fitting(digits, 10, allowed)

    def read_hex(self, typed: str) -> Address:
        digits, most = typed.strip().lower().removeprefix("0x"), WIDTH[self.version] // 4
        allowed = Words.not_hex.format(quoted(typed.strip()), most, self.hex)
        if not re.fullmatch("[0-9a-f]+", digits):
            raise ValueError(allowed)
        return self._fitting(digits, 16, f"0x0 to 0x{'f' * most}")

    def read_prefix(self, typed: str) -> Address:
        return self._replace(prefix=read_number(typed.strip().removeprefix("/"), 0, WIDTH[self.version], Words.a_prefix))

    def read_group(self, index: int, typed: str) -> Address:
        if "." in typed or ":" in typed:
            raise ValueError(Words.one_group.format(quoted(typed)))
        groups = list(self.groups)
        groups[index] = typed
        read, mark = (addresses.ipv4_to_int, ".") if self.version == 4 else (addresses.ipv6_to_int, ":")
        return self._replace(number=read(mark.join(groups)))

    def turn(self, bit: int) -> Address:
        """With the other value in one bit; bit 0 is the last."""
        return self._replace(number=self.number ^ 1 << bit)

    def _most(self):
        return "4294967295" if self.version == 4 else "2**128 - 1"

    def _fitting(self, digits, base, allowed):
        digits = digits.lstrip("0") or "0"
        if len(digits) > 40 or int(digits, base) >> WIDTH[self.version]:
            raise ValueError(Words.too_large.format(quoted(digits), WIDTH[self.version], allowed))
        return self._replace(number=int(digits, base))

    # in words

    def facts(self) -> list[tuple[str, str]]:
        """The network and the special range: (name, value)."""
        block, found = self.network, addresses.special(self.number, self.version)
        first, last, mask, low, high = (addresses.to_text(number, self.version) for number in
                                        (block.first, block.last, block.mask, *block.hosts))
        return [(Words.network, str(block)), (Words.mask, mask), (Words.first, first), (Words.last, last),
                (Words.hosts, low if low == high else Words.to.format(low, high)),
                (Words.count, f"{block.count:,} = 2**{WIDTH[self.version] - self.prefix}"),
                (Words.special, f"{found.block} · {found.name} · {found.rfc}" if found else Words.ordinary)]

    def sentence(self) -> str:
        """All that changes, for a reader who hears it."""
        found = addresses.special(self.number, self.version)
        free = WIDTH[self.version] - self.prefix
        return Words.now.format(
            self.text, self.prefix, self.integer, self.network, f"{self.network.count:,}" if free < 33 else f"2**{free}",
            Words.said_special.format(found.name, found.rfc) if found else Words.said_ordinary)

    def code(self) -> str:
        """Lines of netlab.addresses that compute the same, with what they give."""
        block, found = self.network, addresses.special(self.number, self.version)
        lines = [("number", self.number), (f'f"{{number:#0{WIDTH[self.version] // 4 + 2}x}}"', self.hex),
                 ("addresses.to_text(number, version)", self.text),
                 ("addresses.groups(number, version)", addresses.groups(self.number, self.version)),
                 ("addresses.bits(number, version)", addresses.bits(self.number, self.version)),
                 ("str(network)", str(block)),
                 *((f"addresses.to_text(network.{name}, version)", addresses.to_text(getattr(block, name), self.version))
                   for name in ("mask", "first", "last")),
                 ("network.count", block.count), ("addresses.special(number, version)", found)]
        return "\n".join(["from netlab import addresses", f'number, version = addresses.parse("{self.text}")',
                          f"network = addresses.network(number, {self.prefix}, version)",
                          *(f"{call}  # {value!r}" for call, value in lines)])


class AddressPanel(Panel):
    """One IPv4 or IPv6 address, such as "192.168.0.1" or "2001:db8::1/32", with all its faces to change by hand.

    ValueError for a bad address or prefix length. It opens no socket. Chapter 02; RFC 4632, RFC 5952, RFC 6890.
    """
    title = Words.title
    closes = False                                          # nothing is open here

    def __init__(self, address: str = EXAMPLE[4], prefix: int | None = None):
        self.address = Address.of(address, prefix)
        super().__init__()
        self._picture = address_picture(self.address.text, self.address.prefix)
        self.plain = Words.plain.format(f"{self.address.text}/{self.address.prefix}")
        self._latest = {version: Address.of(text) for version, text in EXAMPLE.items()}
        self._putting, self._turned = None, (None, 0)
        self._sentence = self.address.sentence()

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {**super()._repr_mimebundle_(include, exclude), "image/svg+xml": self._picture.svg}

    # the view

    def build(self):
        self._fields_of, self._bits, self._parts = {4: {}, 6: {}}, {4: [], 6: []}, {}
        self._common = {face: self._face(face, getattr(Words, face), *classes) for face, classes in
                        (("text", ("nl-wide",)), ("integer", ("nl-wide",)), ("hex", ("nl-wide",)), ("prefix", ("nl-short",)))}
        self._switch = self.button("", self._switch_clicked)
        self._facts, self._grid = html(), box([], "nl-grid")
        pairs = [box([field.text, field.note], "nl-pair", *(c for c in field.classes)) for field in self._common.values()]
        self._row = box([*pairs, self._switch])
        return [box([self._row, self._grid, self._facts], "nl-side", "nl-address")]

    def _face(self, face, label, *classes):
        """A field whose text is read as `face` when it is done."""
        field = self.field(label, "", *classes)
        field.text.observe(lambda change: self._typed_into(face, field, change["new"]), "value")
        return field

    def _build_groups(self, address):
        """The groups of a version, with their bits: made when they are first shown."""
        version, size, width = address.version, SIZE[address.version], WIDTH[address.version]
        layout, style, boxes = widgets.Layout(), widgets.ButtonStyle(), []
        for index in range(width // size):
            high = width - 1 - index * size
            field = self._face(index, Words.group.format(high, high - size + 1), "nl-group-text")
            buttons = []
            for bit in range(high, high - size, -1):
                buttons.append(in_order(widgets.Button(**_bit(address, bit), layout=layout, style=style)))
                buttons[-1].on_click(lambda _, bit=bit: self._guarded(lambda: self._turn_clicked(version, bit)))
            self._fields_of[version][index] = field
            self._bits[version] += buttons
            boxes.append(box([field.text, field.note, box(buttons, "nl-bits")], "nl-group"))
        self._parts[version] = box(boxes, "nl-groups", f"nl-version-{version}")

    def chips(self):
        return [Words.chip.format(self.address.version, WIDTH[self.address.version])]

    def code(self):
        return self.address.code()

    def put(self, widget, **traits):
        self._putting = threading.get_ident()               # what the panel writes was not typed
        super().put(widget, **traits)
        self._putting = None

    def _render_frame(self):
        version, bit = self._turned                         # the bit that was clicked comes first
        if version == self.address.version:
            self.put(self._bits[version][WIDTH[version] - 1 - bit], **_bit(self.address, bit))
        super()._render_frame()

    def render(self):
        address = self.address
        version, width = address.version, WIDTH[address.version]
        if version not in self._parts:
            self._build_groups(address)
        for place, button in enumerate(self._bits[version]):
            self.put(button, **_bit(address, width - 1 - place))
        for face, words in address.faces().items():
            field = self._fields_of[version].get(face) or self._common[face]
            if not field.error:
                self.put(field.text, value=words)
        self.put(self._switch, description=Words.switch.format(10 - version))
        self.put(self._facts, value=_facts(address))
        self.put(self._row, _dom_classes=("nl-box", "nl-row", f"nl-version-{version}"))
        for each, part in self._parts.items():              # kept, but only one is shown
            self.put(part, _dom_classes=("nl-box", "nl-groups", f"nl-version-{each}",
                                         *(() if each == version else ("nl-away",))))
        self.put(self._grid, children=tuple(self._parts.values()))

    # what the learner does: in a thread of the kernel's

    def _typed_into(self, face, field, typed):
        if self._putting != threading.get_ident():
            self._guarded(lambda: self._read(face, field, typed))

    def _read(self, face, field, typed):
        if not typed.strip():                               # emptied: show what is there
            field.error = ""
            self.say(Words.restored)
            return
        try:
            new = self.address.read(face, typed)
        except ValueError as error:
            words = str(error).removesuffix(".")
            field.error = words[0].upper() + words[1:] + "."
            self.say(Words.refused.format(quoted(typed), words))
            return
        field.error = ""
        self._now(new)

    def _turn_clicked(self, version, bit):
        if version == self.address.version:                 # else it was clicked before a switch could be seen
            new, self._turned = self.address.turn(bit), (version, bit)
            self._now(new, Words.turned.format(bit, new.number >> bit & 1))

    def _switch_clicked(self):
        other = self._latest[10 - self.address.version]
        self._now(other)

    def _now(self, new, first=""):
        old, self.address = self.address, new
        self._latest[new.version] = new
        if new.version != old.version:
            self._latest[old.version], first = old, Words.switched.format(new.version)
            for field in self._fields:                      # what was wrong for the other version
                field.error = ""
        self.say(f"{first} {new.sentence()}".strip())


def _bit(address, bit):
    """What the button of a bit shows: its value, its name, its part of the address."""
    net, on = bit >= WIDTH[address.version] - address.prefix, address.number >> bit & 1
    worth = 1 << bit if address.version == 4 else f"2**{bit}"
    return {"description": str(on), "tooltip": Words.bit.format(bit, worth, Words.net if net else Words.host),
            "_dom_classes": ("nl-bit", "nl-net" if net else "nl-host", *(("nl-on",) if on else ()))}


def _facts(address):
    def counted(number):
        return Words.bits[min(number, 2)].format(number)
    net, host = counted(address.prefix), counted(WIDTH[address.version] - address.prefix)
    rows = "".join(f'<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>' for name, value in address.facts())
    return (f'<div class="nl-legend"><span><i class="nl-net"></i>{Words.net}: {net}</span>'
            f'<span><i class="nl-host"></i>{Words.host}: {host}</span><span>{Words.legend}</span></div>'
            f'<dl class="nl-facts">{rows}</dl>')
