"""notebooks/captures: what the chapters read is what the script records, and Scapy and tshark say the same of it."""
import importlib.util
import shutil

import pytest
import tshark
from conftest import ROOT, need

from netlab.network import Network
from netlab.network.packets import load

_spec = importlib.util.spec_from_file_location("captures", ROOT / ".ci" / "captures.py")
captures = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(captures)
each = pytest.mark.parametrize("name", captures.RECORDINGS)


def test_each_capture_has_its_recording():
    assert {path.name for path in captures.FOLDER.iterdir()} == {f"{name}.pcapng" for name in captures.RECORDINGS}


@each
def test_recorded_again_it_is_the_same(name):
    need(not Network.why(), Network.why())
    again, shipped = captures.RECORDINGS[name](), load(captures.FOLDER / f"{name}.pcapng")
    assert WHAT[name](again), again.text()
    if name != "closed_window":         # there timers decide how many ask, and answer
        assert again.text() == shipped.text()


@each
def test_tshark_reads_the_same(name):
    need(shutil.which("tshark"), "tshark is not installed")
    assert tshark.compare(captures.FOLDER / f"{name}.pcapng") == []


WHAT = {    # what each is there for, in its packets
    "ipv4_conversation": lambda packets: [p["IPv4"]["Time to Live"] for p in packets if p.payload] == [64, 63, 64, 63],
    "ipv6_conversation": lambda packets: [p["IPv6"]["Hop Limit"] for p in packets if p.payload] == [64, 63, 64, 63],
    "refused": lambda packets: packets[-1]["TCP"]["Control Bits"] == ("RST", "ACK"),
    "udp_unreachable": lambda packets: (packets[-1]["ICMP"]["Type"], packets[-1]["ICMP"]["Code"]) == (3, 3),
    "nagle": lambda packets: [len(p.payload) for p in packets if p.payload] == [10, 90],
    "no_delay": lambda packets: [len(p.payload) for p in packets if p.payload] == [10] * 10,
    "retransmission": lambda packets: [p.payload for p in packets if p.payload] == [b"one", b"two", b"two", b"three"],
    "closed_window": lambda packets: sum(p["TCP"]["Window"] == 0 for p in packets.of("TCP")) >= 3,
    "fragments": lambda packets: [p["IPv4"]["Fragment Offset"] for p in packets[-3:]] == [0, 185, 370],
    "arp": lambda packets: [p["ARP"]["Opcode"] for p in packets.of("ARP")] == [1, 2, 1, 1, 1],
    "ttl_exceeded": lambda packets: [p["ICMP"]["Type"] for p in packets.on("alice-west").of("ICMP")] == [11, 11, 3],
}


@each
def test_each_shows_what_it_is_for(name):
    packets = load(captures.FOLDER / f"{name}.pcapng")
    assert WHAT[name](packets), packets.text()
    assert {p.fate for p in packets} <= {"arrived", "stopped"} and all(p.sender and p.cable for p in packets)
