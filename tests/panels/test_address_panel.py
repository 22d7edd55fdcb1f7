"""AddressPanel: its model without widgets, its own controls, and a real kernel."""
import ipaddress

import pytest
from hands import Hand, Kernel, html
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
    assert int(facts["how many addresses"].split(" = ")[0].replace(",", "")) == block.num_addresses
    assert eval(facts["how many addresses"].split(" = ")[1]) == block.num_addresses


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

class AddressHand(Hand):
    def bit(self, number):
        return self.page("stage").find("button", title=lambda title: title and title.startswith(f"bit {number},"))

    def turn(self, number):
        self.press(self.bit(number))

    def settled(self):
        """Every field, and every bit, shows the panel's address."""
        def agrees():
            address, fields = self.panel.address, self.fields()
            shown = {f"{address.version}.{face}" if isinstance(face, int) else face: words
                     for face, words in address.faces().items()}
            bits = "".join(each.get_text() for each in self.page("stage").find_all("button"))
            return (bits == address.bits and {name: fields[name][0] for name in shown} == shown
                    and str(address.network) in self.text("stage"))
        return wait_until(agrees)


@pytest.fixture
def hand(no_leaks, capfd):
    widgets = set(_instances)
    with AddressPanel("192.168.0.77", 24) as panel:
        yield AddressHand(panel)
    assert set(_instances) == widgets and capfd.readouterr().err == ""


@pytest.mark.parametrize("label, typed, shown", [
    ("Text", "10.1.4.7", "10.1.4.7/24"), ("Text", "10.1.4.7/22", "10.1.4.7/22"), ("Integer", "2130706433", "127.0.0.1/24"),
    ("Hex", "E0000001", "224.0.0.1/24"), ("Bits 7 to 0", "254", "192.168.0.254/24"), ("Prefix length", "0", "192.168.0.77/0"),
    ("Text", "2001:DB8:0::1", "2001:db8::1/64")])
def test_each_field_changes_all(hand, label, typed, shown):
    hand.type(label, typed)
    hand.settled()
    assert f"{hand.panel.address.text}/{hand.panel.address.prefix}" == shown
    hand.until(f"{shown} is the integer {hand.panel.address.number};", "said")


def test_a_bit_turns_and_says_so_and_is_marked(hand):
    assert hand.bit(31)["title"] == "bit 31, worth 2147483648, network part"
    assert hand.bit(0)["title"] == "bit 0, worth 1, host part" and not hand.page().find_all(class_="nl-new")
    hand.turn(31)
    hand.settled()
    assert hand.panel.address.text == "64.168.0.77"
    hand.until("Bit 31 is 0 now. 64.168.0.77/24 is the integer", "said")
    assert [each["title"][:6] for each in hand.page().find_all(class_="nl-new")] == ["bit 31"]
    for n in range(32):
        hand.turn(n)
    hand.settled()
    assert hand.panel.address.number == ~parse("64.168.0.77")[0] & 0xFFFFFFFF


def test_every_bit_stands_over_what_it_is_worth(hand):
    places = [place.get_text(" ").split()[1] for place in hand.page("stage").find_all(class_="nl-place")]
    assert places == ["128", "64", "32", "16", "8", "4", "2", "1"] * 4


def test_one_round_is_one_message(hand):
    hand.settled()
    before = hand.panel.writes
    hand.turn(0)
    hand.until("Bit 0 is", "said")
    assert hand.panel.writes - before == 1


@pytest.mark.parametrize("keys, prefix", [
    (["ArrowLeft"], 23), (["ArrowRight", "ArrowUp"], 26), (["Home", "ArrowDown"], 0), (["End", "ArrowRight"], 32),
    (["PageDown"], 16), (["PageUp", "PageUp"], 32), (["7"], 7), (["99"], 32), (["Oh"], 24), ([""], 24)])
def test_the_border_is_moved_by_keys_and_by_dragging(hand, keys, prefix):
    for key in keys:
        hand.send({"do": "border", "about": key, "fields": hand.fields()})
    hand.until(f"/{prefix} is the integer", "said")
    hand.settled()
    slider = hand.page("stage").find(role="slider")
    assert (slider["aria-valuenow"], slider["aria-valuemax"]) == (str(prefix), "32")
    assert len(hand.page("stage").find_all("button", class_="nl-net")) == prefix


def test_goals(hand):
    assert hand.text("more").count("○") == 4
    for label, text in (("Prefix length", "25"), ("Prefix length", "26"), ("Text", "192.168.0.255"), ("Integer", "3232235776")):
        hand.type(label, text)
        hand.settled()                              # what is typed before the panel's own text comes is not taken
    hand.turn(31)
    hand.settled()
    hand.type("Text", "2001:db8::1")
    hand.settled()
    assert not hand.text("more")                    # there is no room under 128 bits
    hand.press(hand.page("stage").find("button", value="6.1"))
    hand.click("Switch to IPv4")
    hand.until("✓ Make the prefix.*begins at 192.168.0.64.*✓ Turn the highest.*✓ From 192.168.0.255.*✓ Type 256", "more")


def test_parts_differ_by_more_than_colour(hand):
    hand.type("Prefix length", "26")
    hand.settled()
    bits = hand.page("stage").find_all("button")
    assert [("nl-net" in b["class"], "network part" in b["title"]) for b in bits] == [(True, True)] * 26 + [(False, False)] * 6
    hand.until("network part: 26 bits host part: 6 bits", "stage")


def test_bad_text_stays_until_it_is_mended_or_the_address_changes(hand):
    hand.type("Bits 15 to 8", "256")
    wait_until(lambda: "256 in the third group: at most 255." in hand.error("Bits 15 to 8"))
    wait_until(lambda: "&#34;256&#34; was not taken" in html(hand.panel, "said"))
    assert hand.panel.address == Address.of("192.168.0.77/24") and hand.value("Bits 15 to 8") == "256"
    hand.type("Bits 15 to 8", "255")
    hand.settled()
    assert hand.panel.address.text == "192.168.255.77" and not hand.error("Bits 15 to 8")
    hand.type("Hex", "xyz")
    wait_until(lambda: hand.error("Hex"))
    hand.turn(0)
    hand.settled()                                  # no field keeps what the address is not
    assert hand.panel.address.text == "192.168.255.76" and not hand.error("Hex")


def test_an_emptied_field_shows_the_address_again(hand):
    hand.type("Hex", "xyz")
    wait_until(lambda: "is not hex" in hand.error("Hex"))
    hand.type("Hex", "")
    hand.settled()
    assert not hand.error("Hex") and hand.value("Hex") == "0xc0a8004d"


def test_the_other_version_and_back(hand):
    hand.type("Integer", "oh")
    late = {"do": "face", "about": "4.2", "fields": {**hand.fields(), "4.2": ["7", hand.panel._puts["4.2"][1]]}}
    bit = {"do": "turn", "about": "4.0", "fields": {}}
    hand.click("Switch to IPv6")
    hand.settled()
    hand.send(late)                                 # typed and clicked before the switch could be seen
    hand.send(bit)
    assert hand.panel.address == Address.of("2001:db8::1/64") and not hand.error("Integer")
    assert hand.bit(127)["title"] == "bit 127, worth 2**127, network part"
    hand.turn(127)
    hand.settled()
    hand.type("Bits 15 to 0", "beef")
    hand.settled()
    assert hand.panel.address.text == "a001:db8::beef" and "IPv6, 128 bits" in hand.text("head")
    hand.click("Switch to IPv4")
    hand.settled()
    assert hand.panel.address == Address.of("192.168.0.77/24")
    hand.type("Text", "::ffff:10.0.0.1/120")
    hand.settled()
    assert hand.panel.address.prefix == 120


def test_what_a_learner_types_is_escaped(hand):
    hand.type("Text", "<img src=x onerror=alert(1)>")
    wait_until(lambda: hand.error("Text"))
    assert not any("<img" in html for html in hand.parts().values())


def test_a_bad_start_is_refused_and_the_stored_output_is_fixed():
    for bad in ("192.168.0.256", "10.0.0.0/33", "10.0.0.0/x"):
        with pytest.raises(ValueError):
            AddressPanel(bad)
    with pytest.raises(ValueError, match="prefix length 33"):
        AddressPanel("10.0.0.1", 33)
    first, second = AddressPanel("10.0.0.1", 8), AddressPanel("10.0.0.1", 8)
    first.close(), second.close()
    assert first._repr_mimebundle_() == second._repr_mimebundle_()
    assert "10.0.0.1/8" in repr(first) and len(first._repr_mimebundle_()) == 2


# --- in a real kernel ---

CELL = 'from netlab.panels import AddressPanel\npanel = AddressPanel("192.168.0.77", 24)\npanel'


def test_in_a_kernel_by_comm_messages():
    kernel = Kernel()
    try:
        assert "application/vnd.jupyter.widget-view+json" in kernel.run(CELL)
        hand = kernel.hand()
        hand.type("Text", "10.0.0.1")
        hand.until("10.0.0.1/24 is the integer 167772161", "said")
        hand.press(hand.page("stage").find("button", value="4.0"))
        hand.until("Bit 0 is 0 now. 10.0.0.0/24", "said")
        hand.type("Prefix length", "99")
        hand.until("99 is out of range")
        hand.click("Switch to IPv6")
        hand.until("Now an IPv6 address")
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
