"""Frames of all kinds that the course meets, made with Scapy."""
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_RR
from scapy.layers.inet6 import (
    ICMPv6DestUnreach,
    ICMPv6EchoReply,
    ICMPv6EchoRequest,
    ICMPv6MLDMultAddrRec,
    ICMPv6MLReport2,
    ICMPv6ND_NA,
    ICMPv6ND_NS,
    ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr,
    ICMPv6NDOptSrcLLAddr,
    ICMPv6PacketTooBig,
    ICMPv6TimeExceeded,
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    RouterAlert,
)
from scapy.layers.l2 import ARP, Ether

ALICE, BOB, ALICE6, BOB6 = "10.0.1.2", "10.0.2.2", "2001:db8:1::2", "2001:db8:2::2"
MAC_A, MAC_B = "52:54:00:00:00:0a", "52:54:00:00:00:0b"
SYN_OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (111, 222)), ("NOP", None), ("WScale", 7)]


def tcp(data=b"", source=40000, destination=80, back=False, **fields):
    """A frame with TCP over IPv4, from alice or, `back`, from bob."""
    ends = {"src": BOB, "dst": ALICE} if back else {"src": ALICE, "dst": BOB}
    ports = {"sport": destination, "dport": source} if back else {"sport": source, "dport": destination}
    return bytes(Ether(src=MAC_A, dst=MAC_B) / IP(**ends, flags="DF", id=7) / TCP(**ports, **fields) / data)


def all_kinds() -> dict[str, bytes]:
    """name: frame."""
    ether = Ether(src=MAC_A, dst=MAC_B)
    four, six = IP(src=ALICE, dst=BOB, ttl=63, id=77, tos=16), IPv6(src=ALICE6, dst=BOB6, hlim=63, tc=3, fl=0x12345)
    quoted = IP(src=ALICE, dst=BOB, ttl=1, id=5) / UDP(sport=40000, dport=9) / (b"q" * 200)
    quoted_tcp = bytes(IP(src=ALICE, dst=BOB, ttl=1, flags="DF") / TCP(sport=40000, dport=80, seq=9, options=SYN_OPTIONS))
    quoted6 = IPv6(src=ALICE6, dst=BOB6) / UDP(sport=40000, dport=9) / (b"q" * 200)
    made = {
        "syn": ether / four / TCP(sport=40000, dport=80, flags="S", seq=2**32 - 1, options=SYN_OPTIONS),
        "syn, ecn": ether / four / TCP(sport=40000, dport=80, flags="SECN", seq=3, urgptr=5),
        "sack": ether / four / TCP(sport=40000, dport=80, flags="A", ack=8, options=[("NOP", None), ("NOP", None),
                                                                                    ("SAck", (10, 20, 30, 40))]),
        "tcp data": ether / four / TCP(sport=40000, dport=8080, flags="PA", seq=1, ack=2, window=7) / b"<hello>\x00\xff",
        "udp": ether / four / UDP(sport=40000, dport=7777) / b"hi",
        "udp, empty": ether / four / UDP(sport=40000, dport=7777),
        "echo": ether / four / ICMP(type=8, id=3, seq=4) / b"ping",
        "echo reply": ether / four / ICMP(type=0, id=3, seq=4) / b"ping",
        "unreachable": ether / four / ICMP(type=3, code=3) / bytes(quoted),
        "too big": ether / four / ICMP(type=3, code=4, nexthopmtu=1400) / bytes(quoted),
        "time exceeded, tcp": ether / four / ICMP(type=11) / quoted_tcp,
        "time exceeded, cut": ether / four / ICMP(type=11) / quoted_tcp[:28],
        "redirect": ether / four / ICMP(type=5, code=1, gw="10.0.1.9") / bytes(quoted),
        "who has": Ether(src=MAC_A, dst="ff:ff:ff:ff:ff:ff") / ARP(op=1, hwsrc=MAC_A, psrc="10.0.1.2", pdst="10.0.1.1"),
        "is at": ether / ARP(op=2, hwsrc=MAC_B, psrc="10.0.1.1", hwdst=MAC_A, pdst="10.0.1.2"),
        "first fragment": ether / IP(src=ALICE, dst=BOB, flags="MF", id=9) / UDP(sport=40000, dport=7777, len=48) / (b"f" * 16),
        "last fragment": ether / IP(src=ALICE, dst=BOB, frag=3, id=9, proto=17) / (b"\x9c\x40\x1e\x61" + b"g" * 20),
        "record route": ether / IP(src=ALICE, dst=BOB, options=[IPOption_RR(length=7, routers=["0.0.0.0"])]) / UDP() / b"r",
        "tcp6": ether / six / TCP(sport=40000, dport=80, flags="S", options=SYN_OPTIONS),
        "udp6": ether / six / UDP(sport=40000, dport=7777) / b"hi",
        "echo6": ether / six / ICMPv6EchoRequest(id=3, seq=4, data=b"ping"),
        "echo6 reply": ether / six / ICMPv6EchoReply(id=3, seq=4, data=b"ping"),
        "unreachable6": ether / six / ICMPv6DestUnreach(code=4) / bytes(quoted6),
        "time exceeded6": ether / six / ICMPv6TimeExceeded() / bytes(quoted6),
        "too big6": ether / six / ICMPv6PacketTooBig(mtu=1400) / bytes(quoted6),
        "solicitation": ether / IPv6(src="fe80::1234:56ff:fe78:9abc", dst="ff02::1:ff00:2", hlim=255)
            / ICMPv6ND_NS(tgt=BOB6) / ICMPv6NDOptSrcLLAddr(lladdr=MAC_A),
        "advertisement": ether / IPv6(src=BOB6, dst=ALICE6, hlim=255) / ICMPv6ND_NA(tgt=BOB6, R=0, S=1, O=1)
            / ICMPv6NDOptDstLLAddr(lladdr=MAC_B),
        "router solicitation": ether / IPv6(src="fe80::1", dst="ff02::2", hlim=255) / ICMPv6ND_RS(),
        "listener report": ether / IPv6(src="fe80::1", dst="ff02::16", hlim=1) / IPv6ExtHdrHopByHop(options=[RouterAlert()])
            / ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(dst="ff02::1:ff00:1")]),
        "first fragment6": ether / six / IPv6ExtHdrFragment(m=1, id=99, nh=17) / UDP(sport=40000, dport=9, len=48) / (b"f" * 16),
        "last fragment6": ether / six / IPv6ExtHdrFragment(offset=3, id=99, nh=17) / (b"g" * 24),
    }
    frames = {name: bytes(frame) for name, frame in made.items()}
    for name in ("udp", "who has"):         # as a card sends them: Ethernet wants 60 bytes at least
        frames[f"{name}, padded"] = frames[name].ljust(60, b"\0")
    return frames | {"tcp6, padded": frames["tcp6"] + b"\0\0\0"}
