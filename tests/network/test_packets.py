"""netlab.network.packets: what Scapy and tshark read in a frame, the table, captures there and back; and nothing raises."""
import ipaddress
import re
import shutil
import subprocess
import sys
import time

import pytest
from conftest import need
from frames import ALICE, BOB, MAC_A, MAC_B, all_kinds, tcp
from hypothesis import given, settings, strategies as st
from scapy.layers.l2 import Ether
from scapy.utils import wrpcap
from tshark import compare

from netlab.network import layers
from netlab.network.packets import ROWS, Packet, Packets, load

KINDS = all_kinds()
each_kind = pytest.mark.parametrize("frame", KINDS.values(), ids=KINDS)


def packet(frame, number=1, cable="alice-router", sender="alice", receiver="router", **more):
    return Packet(number, float(number), cable, sender, receiver, frame, **more)


def names(frame):
    return [layer.name for layer in packet(frame).layers]


def test_import_does_not_load_scapy():
    code = ("import sys, netlab.network, netlab.network.packets as p; print('scapy' in sys.modules); "
            "p.Packet(1, 0.0, '', '', '', bytes(60)).layers; print('scapy' in sys.modules)")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "True"] and run.stderr == ""


@each_kind
def test_each_field_is_scapys_and_stands_where_it_says(frame):
    theirs, bits = Ether(frame), int.from_bytes(frame, "big")
    checked = 0
    for layer in packet(frame).layers:
        if theirs.name in ("Raw", "Padding", "NoPayload") or layer.name.startswith(("data", "padding")):
            break
        known = layers._HEADERS[layers._QUOTED.get(type(theirs).__name__, type(theirs).__name__)
                                if type(theirs).__name__ != "ICMPv6MLReport2" else "ICMPv6Unknown"][1]
        ours = {field.name: field for field in layer.fields}
        for theirs_name, name in known.items():
            if name in ours and theirs_name in theirs.fields and name not in ("Options", "Flags", "Control Bits", "Unused"):
                assert ours[name].value == getattr(theirs, theirs_name), name
                checked += 1
        theirs = theirs.payload
        for field in layer.fields:
            held = bits >> (8 * len(frame) - field.first - field.bits) & (1 << field.bits) - 1
            if isinstance(field.value, int):
                assert held == field.value, field
            elif isinstance(field.value, bytes):
                assert held.to_bytes(field.bits // 8, "big") == field.value
            elif isinstance(field.value, str) and field.bits == 48:
                assert held.to_bytes(6, "big").hex(":") == field.value
            elif isinstance(field.value, str):
                assert ipaddress.ip_address(held.to_bytes(field.bits // 8, "big")) == ipaddress.ip_address(field.value)
    assert checked >= 12
    assert [field.value for layer in packet(frame).layers for field in layer.fields if field.bits == 0] == []


@each_kind
def test_the_layers_hold_each_bit_of_the_frame_once(frame):
    at = 0
    for layer in packet(frame).layers:
        assert layer.start * 8 == at and layer.end > layer.start
        for field in layer.fields:
            assert field.first == at
            at += field.bits
        assert at == layer.end * 8
    assert at == len(frame) * 8


def test_each_field_is_tsharks(tmp_path):
    need(shutil.which("tshark"), "tshark is not installed")
    path = tmp_path / "all.pcapng"
    Packets(packet(frame, n) for n, frame in enumerate(KINDS.values(), 1)).save(path)
    assert compare(path) == []


def test_the_comparison_sees_a_wrong_value(tmp_path, monkeypatch):
    need(shutil.which("tshark"), "tshark is not installed")
    path = tmp_path / "one.pcapng"
    Packets([packet(KINDS["udp"])]).save(path)
    monkeypatch.setitem(layers._HEADERS["IP"][1], "ttl", "Protocol")
    assert [line for line in compare(path) if line.startswith("packet 1, IPv4, Protocol at byte 22: 63")]


def test_layers_by_kind():
    assert names(KINDS["syn"]) == ["Ethernet", "IPv4", "TCP"]
    assert names(KINDS["tcp data"])[-1] == "data"
    assert names(KINDS["unreachable"]) == ["Ethernet", "IPv4", "ICMP", "IPv4 (quoted)", "UDP (quoted)", "data (quoted)"]
    assert names(KINDS["time exceeded, cut"])[-2:] == ["IPv4 (quoted)", "TCP (quoted)"]
    assert names(KINDS["first fragment"]) == ["Ethernet", "IPv4", "UDP", "data"]
    assert names(KINDS["last fragment"]) == ["Ethernet", "IPv4", "data"]
    assert names(KINDS["last fragment6"]) == ["Ethernet", "IPv6", "IPv6 Fragment", "data"]
    assert names(KINDS["solicitation"]) == ["Ethernet", "IPv6", "ICMPv6", "ICMPv6 option"]
    assert names(KINDS["udp, padded"]) == ["Ethernet", "IPv4", "UDP", "data", "padding"]


def test_fields_by_the_names_of_the_rfcs():
    syn = packet(KINDS["syn"])
    assert syn["IP"] == syn["IPv4"] and "IP" in syn and "TCP" in syn and "UDP" not in syn
    assert syn["IPv4"]["Time to Live"] == 63 and syn["IP"]["Source Address"] == ALICE and syn["IP"]["Flags"] == ()
    assert syn["TCP"]["Control Bits"] == ("SYN",) and syn["TCP"]["Sequence Number"] == 2**32 - 1
    assert syn["TCP"]["Options"] == (("Maximum Segment Size", 1460), ("SACK-Permitted", None), ("Timestamps", (111, 222)),
                                     ("No-Operation", None), ("Window Scale", 7))
    texts = {field.name: field.text for field in syn["TCP"].fields}
    assert texts["Data Offset"] == "10 (40 bytes)" and texts["Options"].startswith("Maximum Segment Size 1460, SACK-Permitted, ")
    assert packet(KINDS["tcp6"])["IP"].name == "IPv6"
    with pytest.raises(KeyError, match="no layer 'UDP', but Ethernet, IPv4, TCP"):
        syn["UDP"]
    with pytest.raises(KeyError, match="IPv4 has no field 'TTL', but Version, IHL"):
        syn["IP"]["TTL"]


def test_the_payload_is_what_was_sent():
    expected = {"tcp data": b"<hello>\x00\xff", "udp": b"hi", "udp, padded": b"hi", "udp, empty": b"", "echo": b"ping",
                "echo6": b"ping", "syn": b"", "tcp6, padded": b"", "who has, padded": b"", "unreachable": b"",
                "last fragment": b"", "first fragment": b"f" * 16}
    assert {name: packet(KINDS[name]).payload for name in expected} == expected


def test_a_packet_is_cheap_until_it_is_looked_into():
    start = time.perf_counter()
    many = [packet(b"x", n) for n in range(10_000)]
    assert time.perf_counter() - start < 0.25       # 0.015 s where nothing else runs
    assert not any("layers" in each.__dict__ for each in many)
    assert many[0].layers is many[0].layers


@given(st.binary(max_size=120), st.sampled_from([b"", *(frame[:at] for frame in KINDS.values() for at in (14, 20, 34, 40, 54))]))
@settings(max_examples=150, deadline=None)
def test_any_bytes_can_be_looked_into(more, begin):
    frame = begin + more
    each = packet(frame)
    assert [frame[layer.start:layer.end] for layer in each.layers if layer.end <= layer.start] == []
    assert b"".join(frame[layer.start:layer.end] for layer in each.layers) == frame
    each.payload, each.summary, Packets([each]).text(), [field.text for layer in each.layers for field in layer.fields]
    Packets([each])._repr_mimebundle_(), each._repr_mimebundle_()


def test_what_is_cut_or_makes_no_sense_is_data():
    whole, syn = KINDS["udp"], KINDS["syn"]
    assert names(syn[:60]) == ["Ethernet", "IPv4", "data"] and names(KINDS["who has"][:40]) == ["Ethernet", "data"]
    assert names(whole[:30]) == ["Ethernet", "data"] and names(whole[:8]) == ["data"] and names(b"") == []
    assert names(whole[:14] + b"\x65" + whole[15:]) == ["Ethernet", "data"]            # version 6 where 4 is announced
    assert names(whole[:14] + b"\x44" + whole[15:]) == ["Ethernet", "data"]            # a header of 16 bytes
    assert names(whole[:38] + b"\0\3" + whole[40:]) == ["Ethernet", "IPv4", "data"]    # a datagram shorter than its header


def test_the_table_has_nothing_that_differs_from_run_to_run():
    said = Packets(packet(frame, n, fate="lost" if n == 3 else "arrived") for n, frame in enumerate(KINDS.values(), 1)).text()
    assert not re.search(f"40000|{MAC_A}|{MAC_B}|0x|56ff", said)
    assert said.splitlines()[0] == " 1  alice > router  TCP 10.0.1.2:port > 10.0.2.2:80 SYN, seq 0, 0 bytes"
    assert said.splitlines()[2].endswith("  lost") and "arrived" not in said
    lines = said.splitlines()
    assert len(lines) == len(KINDS)
    for part in ("ICMP 10.0.1.2 > 10.0.2.2 dest-unreach, port-unreachable", "ARP who has 10.0.1.1? tell 10.0.1.2",
                 "UDP 10.0.1.2:port > 10.0.2.2:7777, 2 bytes",
                 "ICMPv6 fe80::… > ff02::1:ff00:2 Neighbor Solicitation 2001:db8:2::2",
                 "TCP [2001:db8:1::2]:port > [2001:db8:2::2]:80 SYN, seq 0, 0 bytes",
                 "UDP 10.0.1.2 > 10.0.2.2, fragment from byte 24, the last", "ICMP 10.0.1.2 > 10.0.2.2 echo-request 4, 4 bytes"):
        assert sum(part in line for line in lines) >= 1, part
    assert Packets().text() == "no packets"
    assert packet(tcp(b"hello", flags="PA", seq=9)).summary == "TCP 10.0.1.2:port > 10.0.2.2:80 PSH ACK, 5 bytes"


def test_the_same_conversation_with_other_numbers_is_the_same_table():
    def run(first, port):
        return Packets([packet(tcp(source=port, flags="S", seq=first)), packet(tcp(source=port, flags="PA", seq=first + 1), 2)])
    assert run(5, 40000).text() == run(99, 50001).text() and run(5, 40000) != run(99, 50001)


def test_packets_are_a_sequence_that_filters():
    every = Packets([packet(KINDS["syn"]), packet(KINDS["udp"], 2, "router-bob"), packet(KINDS["tcp6"], 3, "router-bob")])
    assert len(every) == 3 and every[1].number == 2 and isinstance(every[1:], Packets) and every[1:] == every.on("router-bob")
    assert [each.number for each in every.of("TCP")] == [1, 3] and [each.number for each in every.of("IP")] == [1, 2, 3]
    assert [each.number for each in every.where(lambda each: each.number > 2)] == [3] and len(every.of("ARP")) == 0
    assert every[0] in every and every.index(every[2]) == 2
    with pytest.raises(ValueError, match="no packet has a layer 'TPC': layers are Ethernet"):
        every.of("TPC")
    with pytest.raises(TypeError, match="holds Packet objects, not bytes"):
        Packets([b"frame"])


def test_the_html_table_is_escaped_and_folds():
    bundle = Packets(packet(KINDS["udp"], n, sender="<b>", fate="<i>lost") for n in range(1, ROWS + 4))._repr_mimebundle_()
    html = bundle["text/html"]
    assert html.count("<tr>") == ROWS + 1 and "… and 3 more packets: the first 40 are shown." in html
    assert "<b>" not in html and "&lt;i&gt;lost" in html and "class=" not in html
    assert bundle["text/plain"].count("\n") == ROWS + 2


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
MADE = st.builds(Packet, st.integers(1, 10**6), st.floats(0, 2e9), WORDS, WORDS, WORDS,
                 st.binary(max_size=80), WORDS, st.lists(st.floats(0, 2e9), max_size=2).map(tuple),
                 st.lists(st.binary(max_size=40), max_size=2).map(tuple))


@given(st.lists(MADE, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_capture_gives_back_what_was_saved(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("capture") / "some.pcapng"
    Packets(made).save(path)
    assert Packets.load(path) == Packets(made) == load(str(path))


def test_large_frames_come_back(tmp_path):
    made = Packets([packet(bytes(70_000), became=(bytes(66_000), b"x"))])
    made.save(tmp_path / "large.pcapng")
    assert load(tmp_path / "large.pcapng") == made


def test_wireshark_sees_cables_as_interfaces_and_the_fate_as_a_comment(tmp_path):
    need(shutil.which("tshark"), "tshark is not installed")
    path = tmp_path / "two.pcapng"
    back = packet(KINDS["syn"], 2, "router-bob", "bob", "router", arrivals=(2.5,))
    Packets([packet(KINDS["udp"], fate="lost"), back]).save(path)
    fields = [word for name in ("interface_name", "comment", "time_epoch", "packet_flags_direction")
              for word in ("-e", f"frame.{name}")]
    shown = subprocess.run(["tshark", "-r", path, "-T", "fields", *fields], capture_output=True, text=True, check=True).stdout
    first, second = (line.split("\t") for line in shown.splitlines())
    assert first[0] == "alice-router" and '"fate": "lost"' in first[1] and first[2].startswith("1.000") and int(first[3], 0) == 2
    assert second[0] == "router-bob" and '"arrivals": [2.5]' in second[1] and int(second[3], 0) == 1


def test_other_captures_load(tmp_path):
    path = tmp_path / "plain.pcap"
    wrpcap(str(path), [Ether(KINDS["udp"]), Ether(KINDS["syn"])])
    loaded = load(path)
    assert [each.data for each in loaded] == [KINDS["udp"], KINDS["syn"]] and [each.number for each in loaded] == [1, 2]
    assert (loaded[0].cable, loaded[0].sender, loaded[0].fate) == ("", "", "arrived") and loaded[0].time > 1e9
    assert loaded.text().startswith(f"1  ? > ?  UDP {ALICE}:port > {BOB}:7777, 2 bytes\n2  ? > ?  TCP ")


def test_what_is_no_capture_is_told(tmp_path, capsys, caplog):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*gone\.pcap'$"):
        load(tmp_path / "gone.pcap")
    for content in (b"", b"hello, world", b"\x0a\x0d\x0d\x0a" + b"\xff" * 40, b"\x1f\x8bnot gzip"):
        (tmp_path / "bad.pcap").write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.pcap' is no capture: a \.pcap or \.pcapng file is wanted$"):
            load(tmp_path / "bad.pcap")
    assert caplog.records == [] and capsys.readouterr().err == ""       # Scapy keeps silent
    wrpcap(str(tmp_path / "raw.pcap"), [Ether(KINDS["udp"]).payload])
    with pytest.raises(ValueError, match="of link type 228: only Ethernet, 1, is read here"):
        load(tmp_path / "raw.pcap")
