"""AddressPanel: one address, all its faces: text, integer, hex, groups, bits, and the network it belongs to.

Each face is a control; changing one changes all. `Address` holds what the panel shows and reads what a learner
types, without a widget; the panel itself only shows it. Chapter 02.
"""
from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from markupsafe import Markup

from netlab import addresses
from netlab.addresses import WIDTH
from netlab.panels.base import Panel
from netlab.panels.parts import RUN_ME, button, goals, read_number, row, tag, whole
from netlab.teach.pictures import address_picture
from netlab.words import quoted

EXAMPLE = {4: "192.168.0.1/24", 6: "2001:db8::1/64"}
SIZE = {4: 8, 6: 16}                        # bits in a group
GOALS = {
    "prefix": ("Make the prefix length of 192.168.0.77 25, then 26. Is it still in the network that begins at 192.168.0.0?",
               "With 25 it is: bit 7 now belongs to the network, and is 0. With 26 it is not: bit 6 is 1, and the network begins "
               "at 192.168.0.64."),
    "high": ("Turn the highest bit. Which groups change, and by how much does the integer?",
             "Only the first group, by 128; the integer by 2**31, which is what bit 31 is worth."),
    "carry": ("From 192.168.0.255, add 1 to the integer. Which bits turn?",
              "Nine: all eight of the last group to 0, and the last of the third to 1. It is a carry, as from 99 to 100."),
    "version": ("Type 256 into a group. Then 2001:db8::1 as text: which bit makes it 2001:db8::3?",
                "256 needs a ninth bit, so a group refuses it. Bit 1, worth 2, makes ::3 of ::1."),
}


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
                ("how many addresses", f"{block.count:,} = 2**{WIDTH[self.version] - self.prefix}"),
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

    def __init__(self, address: str = EXAMPLE[4], prefix: int | None = None):
        self.address = Address.of(address, prefix)
        super().__init__()
        self._first = self._before = first = self.address
        self.plain = f"AddressPanel: {first.text}/{first.prefix}, and the same address as integer, hex, groups and bits. {RUN_ME}"
        self._latest = {version: Address.of(text) for version, text in EXAMPLE.items()}
        self._sentence, self._reached = first.sentence(), set()
        self._put_faces()

    def stored(self):
        return {**address_picture(self._first.text, self._first.prefix)._repr_mimebundle_(), "text/plain": self.plain}

    # what is shown

    def chips(self):
        return [f"IPv{self.address.version}, {WIDTH[self.address.version]} bits"]

    def code(self):
        return self.address.code()

    def controls(self):
        text, prefix, integer, hexadecimal = (self.field(face, words, "", kind, data_change="face") for face, words, kind in (
            ("text", "Text", "nl-wide"), ("prefix", "Prefix length", "nl-short"), ("integer", "Integer", "nl-wide"),
            ("hex", "Hex", "nl-wide")))
        switch = button(f"Switch to IPv{10 - self.address.version}", "switch")
        return [row(text, prefix, switch), row(integer, hexadecimal)]

    @property
    def look(self):
        return f"nl-address nl-version-{self.address.version}"

    def stage(self):
        address, version = self.address, self.address.version
        size, changed, groups = SIZE[version], address.number, []
        changed = changed ^ self._before.number if self._before.version == version else 0
        for index, value in enumerate(addresses.groups(address.number, version)):
            high = WIDTH[version] - 1 - index * size
            name, label = _group(version, index), f"Bits {high} to {high - size + 1}"
            field = self.field(name, label, "", "nl-group-text", data_change="face")
            net, last = address.prefix - index * size, index == WIDTH[version] // size - 1
            bits = _bits(version, high, value, changed >> high + 1 - size & (1 << size) - 1, min(max(net, 0), size),
                         0 <= net < size + last)
            groups.append(tag("div", field, bits, class_="nl-group"))
        return [*groups, *_facts(address)]

    def more(self):
        return [goals(GOALS, self._reached)] if self.address.version == 4 else []

    # what the controls ask for

    def on_face(self, name):
        """A field has a new text."""
        typed, face = self.fields.get(name, ""), int(name[2:]) if name.startswith(f"{self.address.version}.") else name
        if face not in self.address.faces():
            return                                          # of the other version, before a switch could be seen
        try:
            new = self.address.read(face, whole(typed)) if typed.strip() else None
        except ValueError as error:
            words = str(error).removesuffix(".")
            self.errors[name] = words[0].upper() + words[1:] + "."
            self.say(f"{quoted(typed)} was not taken: {words}. The rest is as it was.")
            return
        if new is None:
            self._put_faces()
            self.say("The field shows the address again.")
        else:
            self._now(new)

    def on_turn(self, about):
        version, _, bit = about.partition(".")
        if version == str(self.address.version) and bit.isdecimal() and int(bit) < WIDTH[self.address.version]:
            new = self.address.turn(int(bit))
            self._now(new, f"Bit {bit} is {new.number >> int(bit) & 1} now.")

    def on_border(self, about):
        prefix, width = self.address.prefix, WIDTH[self.address.version]
        steps = {"ArrowLeft": -1, "ArrowDown": -1, "ArrowRight": 1, "ArrowUp": 1, "PageDown": -8, "PageUp": 8}
        prefix = {"Home": 0, "End": width}.get(about, int(about) if about.isdecimal() else prefix + steps.get(about, 0))
        self._now(self.address._replace(prefix=min(max(prefix, 0), width)))

    def on_switch(self, _):
        self._now(self._latest[10 - self.address.version])

    def _now(self, new, first=""):
        self._before, self.address = before, _ = self.address, new
        done = {"prefix": (new.text, before.prefix, new.prefix) == ("192.168.0.77", 25, 26),
                "high": new.version == before.version == 4 and new.number ^ before.number == 1 << 31,
                "carry": (before.text, new.text) == ("192.168.0.255", "192.168.1.0"), "version": new.text == "2001:db8::3"}
        self._reached |= {goal for goal, reached in done.items() if reached}
        self._latest[new.version] = new
        if new.version != self._before.version:
            self._latest[self._before.version], first = self._before, f"Now an IPv{new.version} address."
        self._put_faces()
        self.say(f"{first} {new.sentence()}".strip())

    def _put_faces(self):
        """Every field shows the address, whatever was typed there before."""
        for face, words in self.address.faces().items():
            name = face if isinstance(face, str) else _group(self.address.version, face)
            if self.fields.get(name) != words or name in self.errors:
                self.put(name, words)


def _group(version, index):
    return f"{version}.{index}"


@lru_cache(256)         # a click waits for it, and most groups are as they were
def _bits(version, high, value, changed, net, border):
    """The bits of a group from bit `high` down, each over what it is worth; `net` of them are of the network, and where they
    end is the `border`: to be dragged, or moved by the arrow keys."""
    size, width, made = SIZE[version], WIDTH[version], []
    for n in range(size):
        bit, on, part = high - n, value >> size - 1 - n & 1, "network" if n < net else "host"
        worth, place = (1 << bit, 1 << bit % 8) if version == 4 else (f"2**{bit}", 1 << bit % 4)    # of IPv6: in its hex digit
        look = f"nl-bit nl-{part.removesuffix('work')}{' nl-on' * on}{' nl-new' * (changed >> size - 1 - n & 1)}"
        made.append(f'<span class="nl-place"><button type="button" class="{look}" data-do="turn" value="{version}.{bit}" '
                    f'data-at="{width - 1 - bit}" aria-label="bit {bit}, {on}" title="bit {bit}, worth {worth}, {part} part">'
                    f"{on}</button>{place}</span>")
    prefix = width - 1 - high + net
    grip = tag("span", class_="nl-border", role="slider", tabindex=0, data_drag="border", data_key="border", aria_valuemin=0,
               aria_valuemax=width, aria_valuenow=prefix, aria_valuetext=f"prefix length {prefix}",
               aria_label="Border of the network part", style=f"left:{net / size:.2%}") if border else ""
    return tag("div", Markup("").join(map(Markup, made)), grip, class_="nl-bits")


def _facts(address):
    legend = [tag("span", tag("i", class_=f"nl-{part}"), f"{name} part: {size or 'no'} bit{'' if size == 1 else 's'}")
              for part, name, size in (("net", "network", address.prefix),
                                       ("host", "host", WIDTH[address.version] - address.prefix))]
    rows = [tag("div", tag("dt", name), tag("dd", value)) for name, value in address.facts()]
    hint = tag("span", "Filled is 1, empty is 0. Press a bit to turn it; drag the border.")
    return [tag("div", *legend, hint, class_="nl-legend"), tag("dl", *rows, class_="nl-facts")]
