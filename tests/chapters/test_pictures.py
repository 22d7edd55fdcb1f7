"""The pictures of addresses and of cuts: well-formed, the same each time, said in words, and true to the addresses."""
import ipaddress
import xml.etree.ElementTree as ET

import pytest

from netlab.addresses import bits
from netlab.chapters.ip_addresses.pictures import SCALE, address_picture, ipv4_picture, places_picture, scale_picture
from netlab.chapters.tcp_ip import pictures as of_packets
from netlab.style import image
from netlab.teach.cuts import cuts
from netlab.teach.cuts_replay import Cuts

SVG = "{http://www.w3.org/2000/svg}"
MAKERS = [lambda: address_picture("192.168.0.77", 24), lambda: address_picture("2001:db8::1", 64),
          lambda: address_picture("0.0.0.0"), lambda: address_picture("::", 0), ipv4_picture, scale_picture,
          lambda: places_picture(b"\xc0\xa8\x00\x01"), lambda: places_picture(b"\xc0\xa8\x00\x01", (3, 2, 1, 0), "1.0.168.192"),
          lambda: of_packets.frame_picture(of_packets.datagram()),
          lambda: of_packets.frame_picture(of_packets.datagram(), "?", told=False),
          lambda: cuts([b"3", b"12", b"250"], [b"312"], note="312 is a fine number."), lambda: cuts([b"tea\n"] * 99, [b"tea\nt"])]


def words(picture):
    return [node.text for node in ET.fromstring(picture.svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("make", MAKERS)
def test_well_formed_named_inside_its_card_and_the_same_each_time(make):
    picture = make()
    root = ET.fromstring(picture.svg)
    label = picture.text.splitlines()[0]
    assert picture == make() and repr(picture) == picture.text
    assert root.get("role") == "img" and root.find(f"{SVG}desc").text == picture.text
    assert root.get("aria-label") == root.find(f"{SVG}title").text == label
    for drawn, width in ((root, 760), (ET.fromstring(picture.narrow), 360)):
        check_inside(drawn, width)
    assert "prefers-color-scheme:dark" in picture.svg and "script" not in picture.svg
    bundle, still = picture._repr_mimebundle_(), image(picture.svg, label, picture.narrow)
    if isinstance(picture, Cuts):           # with a replay behind it
        assert bundle["text/html"].startswith(f"<netlab-replay>{still}<script ") and bundle["text/plain"] == picture.text
    else:
        assert bundle == {"text/html": still, "text/plain": picture.text}


def check_inside(root, expected):
    width, height = map(float, root.get("viewBox").split()[2:])
    assert width == expected == float(root.get("width"))
    for node in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(node.get(name, 0)) for name in ("x", "y", "width", "height"))
        assert 0 <= x and x + w <= width and 0 <= y and y + h <= height
    for node in root.iter(f"{SVG}text"):
        assert all(0 < float(x) < width for x in node.get("x").split()) and 0 < float(node.get("y")) < height


@pytest.mark.parametrize("text", ["192.168.0.77", "2001:db8:85a3:42:1000:8a2e:370:7334"])
def test_the_bits_are_the_addresss_bits(text):
    for svg in (address_picture(text).svg, address_picture(text).narrow):
        digits = {}
        for node in ET.fromstring(svg).iter(f"{SVG}text"):
            if node.get("text-anchor") and not node.get("font-weight"):
                places = [float(x) for x in node.get("x").split()]
                assert len(places) == len(node.text)
                digits.update({(float(node.get("y")), x): digit for x, digit in zip(places, node.text)})
        assert "".join(digits[place] for place in sorted(digits)) == bits(text, separator="")
    assert str(int(ipaddress.ip_address(text))) in words(address_picture(text))[0]


def test_a_prefix_frames_its_bits():
    with pytest.raises(ValueError, match="0 to 32"):
        address_picture("1.2.3.4", 33)
    assert "network 192.168.0.0/24" in address_picture("192.168.0.77", 24).text
    assert "2**8 addresses" in address_picture("192.168.0.77", 24).text


def test_the_256_squares():
    said = words(ipv4_picture())
    assert sorted(int(word) for word in said if word.isdigit()) == list(range(256))
    assert "127: loopback: this machine" in said and "224-239: multicast: groups of receivers" in said
    for first in range(256):  # the squares that stay white are for hosts, as ipaddress sees it
        block = ipaddress.ip_network(f"{first}.0.0.0/8")
        host = not (block.is_private or block.is_multicast or block.is_reserved or block.is_loopback)
        coloured = first in (0, 10, 127, 172, 192) or first >= 224
        assert coloured != host or first in (172, 192)


def test_the_scale_grows():
    assert [bit for bit, _ in SCALE] == sorted(bit for bit, _ in SCALE)
    assert sum("2**" in word for word in words(scale_picture())) == len(SCALE)


def test_each_byte_has_an_arrow_to_its_place_and_its_value_there():
    data, places = bytes((192, 168, 0, 1)), (3, 2, 1, 0)
    for svg in (places_picture(data, places).svg, places_picture(data, places).narrow):
        nodes = list(ET.fromstring(svg).iter())
        values = {node.text: node.get("x") for node in nodes if node.tag == f"{SVG}text" and node.get("font-weight")}
        lines = [node for node in nodes if node.tag == f"{SVG}path" and "L" in node.get("d")]
        for line, byte in zip(lines, data, strict=True):
            start, end = (part.split()[0] for part in line.get("d")[1:].split("L"))
            assert (values[f"{byte:02x}"], values[str(byte)]) == (start, end)
    assert not {"192", "168"} & set(words(places_picture(data)))           # the question's does not tell


def test_a_frame_is_drawn_to_scale_and_the_questions_tells_neither_names_nor_sizes():
    packet = of_packets.datagram()
    for told, names in ((True, {"Ethernet", "IPv4", "UDP", "14 bytes"}), (False, set())):
        picture = of_packets.frame_picture(packet, told=told, first="" if told else "?")
        assert {"Ethernet", "IPv4", "UDP", "14 bytes"} & set(words(picture)) == names and "hello, bob" in words(picture)
        boxes = [float(node.get("width")) + 2 for node in ET.fromstring(picture.svg).iter(f"{SVG}rect")][1:]
        sizes = [14, 20, 8, 10] if told else [1, 1, 1, 1]
        assert boxes == pytest.approx([728 * size / sum(sizes) for size in sizes], abs=.1)
