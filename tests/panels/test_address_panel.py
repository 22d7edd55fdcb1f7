"""AddressPanel: its model without widgets, its own controls, and a real kernel."""
import ipaddress

import pytest
from hands import Kernel, text, walk
from hypothesis import given, settings, strategies as st
from ipywidgets.widgets.widget import _instances

from netlab.addresses import SPECIAL, WIDTH, parse
from netlab.kernel import wait_until
from netlab.panels.address import Address, AddressPanel

# --- the model ---

@st.composite
def an_address(draw):
    version = draw(st.sampled_from([4, 6]))
    width = WIDTH[version]
    return Address(draw(st.integers(0, 2**width - 1)), version, draw(st.integers(0, width)))


def agree(address):
    """Every face tells the same, as the standard library sees it."""
    known, width = ipaddress.ip_address(address.text), WIDTH[address.version]
    assert (int(known), known.version) == (address.number, address.version)
    assert int(address.integer) == int(address.hex, 16) == int(address.bits, 2) == address.number
    assert len(address.bits) == width and len(address.hex) == 2 + width // 4
    base, size = (10, 8) if address.version == 4 else (16, 16)
    number = 0
    for group in address.groups:
        number = number << size | int(group, base)
    assert number == address.number and len(address.groups) * size == width
    block = ipaddress.ip_network(f"{address.text}/{address.prefix}", strict=False)
    facts = dict(address.facts())
    assert parse(facts["mask"])[0] == int(block.netmask) and facts["network"].endswith(f"/{block.prefixlen}")
    assert parse(facts["first address"])[0] == int(block[0]) and parse(facts["last address"])[0] == int(block[-1])
    assert int(facts["addresses"].split(" = ")[0].replace(",", "")) == block.num_addresses
    assert eval(facts["addresses"].split(" = ")[1]) == block.num_addresses


@given(an_address(), st.data())
def test_any_change_of_any_face_keeps_all_in_agreement(address, data):
    agree(address)
    width = WIDTH[address.version]
    for face, typed in address.faces().items():
        assert address.read(face, typed) == address                 # what a field shows is what it means
    number, prefix = data.draw(st.integers(0, 2**width - 1)), data.draw(st.integers(0, width))
    other = Address(number, address.version, prefix)
    index, bit = data.draw(st.integers(0, len(address.groups) - 1)), data.draw(st.integers(0, width - 1))
    changed = {face: address.read(face, other.faces()[face]) for face in ("text", "integer", "hex", "prefix", index)}
    for new in changed.values():
        agree(new)
    assert changed["text"] == changed["integer"] == changed["hex"] == other._replace(prefix=address.prefix)
    assert changed["prefix"] == address._replace(prefix=prefix)
    assert changed[index].groups == (*address.groups[:index], other.groups[index], *address.groups[index + 1:])
    turned = address.turn(bit)
    agree(turned)
    assert turned != address == turned.turn(bit)
    assert [a != b for a, b in zip(address.bits, turned.bits)].index(True) == width - 1 - bit


@given(an_address())
@settings(max_examples=50)
def test_the_code_computes_what_it_says(address):
    names = {}
    for line in address.code().splitlines():
        code, _, said = line.partition("  # ")
        if said:
            assert repr(eval(code, names)) == said
        else:
            exec(code, names)
    assert (names["number"], names["version"]) == address[:2]


@given(an_address(), st.text(max_size=45) | st.text("0123456789abcdefx.:/%- ", max_size=45))
def test_whatever_is_typed_is_an_address_or_a_value_error(address, typed):
    for face in address.faces():
        try:
            agree(address.read(face, typed))
        except ValueError as error:
            assert len(str(error)) > 10 and "invalid literal" not in str(error)


@pytest.mark.parametrize("start, face, typed, words", [
    ("192.168.0.1", "text", "192.168.256.1", "256 in the third group: at most 255"),
    ("192.168.0.1", "text", "192.168.0.1 ", "'1 ' in the fourth group: only the digits 0 to 9 are allowed"),
    ("192.168.0.1", "text", "10.0.0.1/33", "33 is out of range. Give a prefix length, 0 to 32."),
    ("192.168.0.1", "integer", "abc", '"abc" is not a number. Give an integer, 0 to 4294967295.'),
    ("192.168.0.1", "integer", "-1", '"-1" is not a number. Give an integer, 0 to 4294967295.'),
    ("192.168.0.1", "integer", "4294967296", '"4294967296" needs more than 32 bits. Give an integer, 0 to 4294967295.'),
    ("::1", "integer", "9" * 5000, f'"{"9" * 24}…" needs more than 128 bits. Give an integer, 0 to 2**128 - 1.'),
    ("192.168.0.1", "hex", "0xg", '"0xg" is not hex. Give up to 8 of 0-9 and a-f, such as 0xc0a80001.'),
    ("192.168.0.1", "hex", "1c0a80001", '"1c0a80001" needs more than 32 bits. Give 0x0 to 0xffffffff.'),
    ("192.168.0.1", "prefix", "33", "33 is out of range. Give a prefix length, 0 to 32."),
    ("192.168.0.1", 1, "010", "'010' in the second group: no leading zero, since some programs read it as octal"),
    ("192.168.0.1", 1, "1.2", '"1.2" is more than one group. Give one here, or a whole address as text.'),
    ("::1", 7, "12345", "'12345' in the eighth group: at most four hex digits"),
    ("::1", 0, "::", '"::" is more than one group. Give one here, or a whole address as text.'),
])
def test_bad_text_is_told_in_words(start, face, typed, words):
    with pytest.raises(ValueError) as caught:
        Address.of(start).read(face, typed)
    assert str(caught.value) == words


def test_the_prefix_comes_with_the_text_or_stays():
    assert Address.of("10.0.0.1") == Address.of("10.0.0.1/24") == Address.of("10.0.0.1", 24)
    assert Address.of("10.0.0.1", 8).read("text", "10.0.0.2").prefix == 8
    assert Address.of("10.0.0.1", 8).read("text", "10.0.0.2/9").prefix == 9
    assert Address.of("10.0.0.1", 8).read("text", "2001:db8::1")[1:] == (6, 64)
    assert Address.of("10.0.0.1", 8).read("prefix", " /30 ").prefix == 30


def test_each_special_range_is_named_with_its_rfc():
    for row in SPECIAL:
        last = Address.of(row.block)                        # the first may be in a narrower range
        last = last._replace(number=last.network.last - (row.block == "240.0.0.0/4"))
        assert dict(last.facts())["special range"] == f"{row.block} · {row.name} · {row.rfc}"
    assert dict(Address.of("8.8.8.8").facts())["special range"] == "none"


# --- the panel by its own controls ---

class Hand:
    def __init__(self, panel):
        self.panel = panel
        panel.view

    def field(self, label):
        return next(w for w in walk(self.panel.view) if getattr(w, "_model_name", "") == "TextModel"
                    and w.description == label and w in [f.text for f in self.shown()])

    def shown(self):
        panel = self.panel
        return [*panel._common.values(), *panel._fields_of[panel.address.version].values()]

    def bit(self, number):
        return next(w for w in walk(self.panel.view)
                    if str(getattr(w, "tooltip", "")).startswith(f"bit {number}, ")
                    and w in self.panel._bits[self.panel.address.version])

    def settled(self):
        """Every field that holds no bad text, and every bit, shows the panel's address."""
        def agrees():
            panel, shown = self.panel, self.panel.address.faces()
            fields = {**panel._common, **panel._fields_of[panel.address.version]}
            return ("".join(b.description for b in panel._bits[panel.address.version]) == panel.address.bits
                    and all(f.error or f.text.value == shown[face] for face, f in fields.items())
                    and panel.address.network.__str__() in panel._facts.value)
        return wait_until(agrees)


@pytest.fixture
def hand(no_leaks, capfd):
    widgets = set(_instances)
    with AddressPanel("192.168.0.77", 24) as panel:
        yield Hand(panel)
    assert set(_instances) == widgets and capfd.readouterr().err == ""


@pytest.mark.parametrize("label, typed, shown", [
    ("Text", "10.1.4.7", "10.1.4.7/24"), ("Text", "10.1.4.7/22", "10.1.4.7/22"), ("Integer", "2130706433", "127.0.0.1/24"),
    ("Hex", "E0000001", "224.0.0.1/24"), ("Bits 7 to 0", "254", "192.168.0.254/24"), ("Prefix length", "0", "192.168.0.77/0"),
    ("Text", "2001:DB8:0::1", "2001:db8::1/64")])
def test_each_field_changes_all(hand, label, typed, shown):
    hand.field(label).value = typed
    hand.settled()
    assert f"{hand.panel.address.text}/{hand.panel.address.prefix}" == shown
    wait_until(lambda: f"{shown} is the integer {hand.panel.address.number};" in hand.panel._foot.value)


def test_a_bit_turns_and_says_so(hand):
    assert hand.bit(31).tooltip == "bit 31, worth 2147483648, network part"
    assert hand.bit(0).tooltip == "bit 0, worth 1, host part"
    hand.bit(31).click()
    hand.settled()
    assert hand.panel.address.text == "64.168.0.77"
    wait_until(lambda: "Bit 31 is 0 now. 64.168.0.77/24 is the integer" in hand.panel._foot.value)
    for n in range(32):
        hand.bit(n).click()
    hand.settled()
    assert hand.panel.address.number == ~parse("64.168.0.77")[0] & 0xFFFFFFFF


def test_only_what_changed_is_written(hand):
    hand.settled()
    wait_until(lambda: hand.panel._grid.children)
    before = hand.panel.writes
    hand.bit(0).click()
    hand.settled()
    wait_until(lambda: "Bit 0 is" in hand.panel._foot.value)
    assert hand.panel.writes - before <= 7          # bit, text, integer, hex, one group, facts, sentence
    assert len(hand.panel._bits[6]) == 0            # IPv6 has no widgets before it is shown


def test_parts_differ_by_more_than_colour(hand):
    hand.field("Prefix length").value = "26"
    hand.settled()
    assert [("nl-net" in b._dom_classes, "network part" in b.tooltip) for b in hand.panel._bits[4]] == \
        [(True, True)] * 26 + [(False, False)] * 6
    wait_until(lambda: "network part: 26 bits host part: 6 bits" in text(hand.panel.view))


def test_bad_text_stays_until_it_is_mended(hand):
    group = hand.field("Bits 15 to 8")
    group.value = "256"
    field = hand.panel._fields_of[4][2]
    wait_until(lambda: "256 in the third group: at most 255." in field.note.value)
    wait_until(lambda: "&#34;256&#34; was not taken" in hand.panel._foot.value)
    assert hand.panel.address == Address.of("192.168.0.77/24")
    hand.bit(0).click()                             # a click right after it takes nothing away
    hand.settled()
    assert group.value == "256" and field.error and hand.panel.address.text == "192.168.0.76"
    group.value = "255"
    hand.settled()
    assert hand.panel.address.text == "192.168.255.76" and not field.error


def test_an_emptied_field_shows_the_address_again(hand):
    hand.field("Hex").value = "xyz"
    wait_until(lambda: "is not hex" in hand.panel._common["hex"].note.value)
    hand.field("Hex").value = ""
    hand.settled()
    wait_until(lambda: hand.panel._common["hex"].note.value == "" and hand.field("Hex").value == "0xc0a8004d")


def test_the_other_version_and_back(hand):
    hand.field("Integer").value = "oh"
    switch = next(w for w in walk(hand.panel.view) if getattr(w, "description", "") == "Switch to IPv6")
    switch.click()
    wait_until(lambda: len(hand.panel._bits[6]) == 128 and len(hand.panel._grid.children) == 2)
    hand.settled()
    assert hand.bit(127).tooltip == "bit 127, worth 2**127, network part"
    hand.bit(127).click()
    hand.field("Bits 15 to 0").value = "beef"
    hand.settled()
    assert hand.panel.address.text == "a001:db8::beef" and "IPv6, 128 bits" in text(hand.panel.view)
    switch.click()
    hand.settled()
    assert hand.panel.address == Address.of("192.168.0.77/24")
    hand.field("Text").value = "::ffff:10.0.0.1/120"
    hand.settled()
    assert hand.panel.address.prefix == 120


def test_what_a_learner_types_is_escaped(hand):
    hand.field("Text").value = "<img src=x onerror=alert(1)>"
    wait_until(lambda: hand.panel._common["text"].note.value)
    assert all("<img" not in str(getattr(w, "value", "")) for w in walk(hand.panel.view) if type(w).__name__ == "HTML")


def test_a_bad_start_is_refused_and_the_stored_output_is_fixed():
    for bad in ("192.168.0.256", "10.0.0.0/33", "10.0.0.0/x"):
        with pytest.raises(ValueError):
            AddressPanel(bad)
    with pytest.raises(ValueError, match="prefix length 33"):
        AddressPanel("10.0.0.1", 33)
    first, second = AddressPanel("10.0.0.1", 8), AddressPanel("10.0.0.1", 8)
    first.close(), second.close()
    assert first._repr_mimebundle_() == second._repr_mimebundle_()
    assert "10.0.0.1/8" in repr(first) and first._repr_mimebundle_()["image/svg+xml"].startswith("<svg")


# --- in a real kernel ---

CELL = 'from netlab.panels import AddressPanel\npanel = AddressPanel("192.168.0.77", 24)\npanel'


def test_in_a_kernel_by_comm_messages():
    kernel = Kernel()
    try:
        assert set(kernel.run(CELL)) == {"text/plain", "image/svg+xml", "application/vnd.jupyter.widget-view+json"}
        kernel.type("Text", "10.0.0.1")
        kernel.widget(value="10.0.0.1/24 is the integer 167772161")
        kernel.send(kernel.widget(tooltip="^bit 0,"), {"method": "custom", "content": {"event": "click"}})
        kernel.widget(value="Bit 0 is 0 now. 10.0.0.0/24")
        kernel.type("Prefix length", "99")
        kernel.widget(value="99 is out of range")
        kernel.click("Switch to IPv6")
        kernel.widget(tooltip="^bit 127,")
        kernel.run("first = panel", "c2")
        kernel.run(CELL)
        names = "__import__('threading').enumerate()"
        assert kernel.run(f"first._closed, [t.name for t in {names} if 'netlab' in t.name]", "c2")["text/plain"] == \
            "(True, ['netlab AddressPanel'])"
        count = "len(__import__('ipywidgets').widgets.widget._instances)"
        before = int(kernel.run(count, "c2")["text/plain"])
        kernel.run(CELL)
        assert int(kernel.run(count, "c2")["text/plain"]) == before
        kernel.run("panel.close()", "c2")
        assert kernel.run(f"[t.name for t in {names} if 'netlab' in t.name], {count}", "c2")["text/plain"] == "([], 0)"
        assert kernel.stderr == ""
    finally:
        kernel.close()
