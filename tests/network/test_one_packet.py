"""The picture of one packet: well-formed, true to its bytes, the same each run, and without what differs."""
import re
import xml.etree.ElementTree as ET

import pytest
from frames import MAC_A, all_kinds, tcp

from netlab.network.one_packet import LEGEND, SHOWN, one_packet
from netlab.network.packets import Packet
from netlab.style import image

SVG = "{http://www.w3.org/2000/svg}"
KINDS = all_kinds()


def packet(frame, **more):
    return Packet(1, 1.0, "alice-router", "alice", "router", frame, **more)


def words(svg):
    return ["".join(node.itertext()) for node in ET.fromstring(svg).iter(f"{SVG}text")]


@pytest.mark.parametrize("frame", [*KINDS.values(), b"", b"<b>", bytes(range(200)), tcp(b"<i>" * 500)],
                         ids=[*KINDS, "empty", "short", "noise", "long"])
def test_well_formed_inside_its_frame_and_the_same_each_time(frame):
    picture = one_packet(packet(frame))
    label = picture.text.partition("\n")[0]
    assert picture == one_packet(packet(frame)) and "<b>" not in picture.svg and "<i>" not in picture.svg
    for svg, width in ((picture.svg, 760), (picture.narrow, 360)):
        root = ET.fromstring(svg)
        wide, height = map(float, root.get("viewBox").split()[2:])
        assert wide == width and root.get("aria-label") == label
        for node in root.iter(f"{SVG}text"):
            assert all(8 <= float(x) < width - 8 for x in node.get("x").split()) and 0 < float(node.get("y")) < height - 4
        for node in root.iter(f"{SVG}path"):
            for x, y, w, h in re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)", node.get("d")):
                assert 8 <= float(x) and float(x) + float(w) <= width - 8 and float(y) + float(h) < height
    shown = packet(frame)._repr_mimebundle_()
    assert shown == {"text/html": image(picture.svg, label, picture.narrow), "text/plain": picture.text}


@pytest.mark.parametrize("name", ["syn", "udp6", "who has", "time exceeded, tcp", "advertisement", "tcp data"])
def test_each_field_is_there_with_its_bytes(name):
    frame = packet(KINDS[name])
    shown = one_packet(frame, hide=())
    for svg in (shown.svg, shown.narrow):
        said = words(svg)
        digits = "".join(word for word in said if re.fullmatch("[0-9a-f]+", word))
        for layer in frame.layers:
            assert [word for word in said if word.startswith(layer.name)], layer.name
            for field in layer.fields:
                assert layer.name.startswith("data") or field.name in said, field.name
                if field.first % 8 == field.bits % 8 == 0 and field.bits <= 48:
                    assert frame.data[field.first // 8:(field.first + field.bits) // 8].hex() in digits, field.name
                assert field.name == "Data" or (f"  {field.name} " in shown.text and field.text in shown.text)
    assert LEGEND not in shown.text and "varies" not in shown.text


def test_what_differs_from_run_to_run_is_left_out():
    one = tcp(b"hello", source=40000, flags="PA", seq=5, ack=6, window=7, options=[("Timestamp", (1, 2))])
    two = bytearray(tcp(b"hello", source=50001, flags="PA", seq=99, ack=98, window=9, options=[("Timestamp", (3, 4))]))
    two[0:12] = bytes(range(1, 13))         # other cards
    two[18:20] = b"\x12\x34"                # another Identification
    other = packet(bytes(two))
    assert one_packet(packet(one)) == one_packet(other) and one_packet(packet(one), ()) != one_packet(other, ())
    shown = one_packet(packet(one))
    assert LEGEND in shown.text and LEGEND in words(shown.svg) and MAC_A not in shown.text and "40000" not in shown.text
    assert "Timestamps varies" in shown.text and "Destination Port         00 50" in shown.text
    other = tcp(b"hellO", source=40000, flags="PA", seq=5, ack=6, window=7, options=[("Timestamp", (1, 2))])
    assert one_packet(packet(one)) != one_packet(packet(other))         # what does not differ by chance is shown


def test_what_is_hidden_is_a_choice():
    assert "64 " not in one_packet(packet(tcp(flags="S")), hide={"Time to Live"}).text.partition("Time to Live")[2].split("\n")[0]
    assert MAC_A in one_packet(packet(tcp(flags="S")), hide={"Sequence Number"}).text
    with pytest.raises(TypeError, match="hide is a collection of names of fields"):
        one_packet(packet(tcp()), hide="Window")


def test_no_ack_is_no_secret():
    assert re.search(r"Acknowledgment Number +00 00 00 00 +0$", one_packet(packet(tcp(flags="S"))).text, re.MULTILINE)
    assert re.search(r"Acknowledgment Number +(· ?){4} +varies$", one_packet(packet(tcp(flags="A", ack=7))).text, re.MULTILINE)


def test_long_data_is_cut_and_says_by_how_much():
    shown = one_packet(packet(tcp(b"x" * (SHOWN + 1400), flags="PA")))
    assert "… 1,400 more bytes" in shown.text and "… 1,400 more bytes" in words(shown.svg) and len(shown.svg) < 40_000
    assert "more byte" not in one_packet(packet(tcp(b"x" * SHOWN, flags="PA"))).text
