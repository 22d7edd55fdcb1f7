"""Chapter 05, the parts on a network: its hosts, its name server, its picture and table, and its questions."""
import socket
import xml.etree.ElementTree as ET

import pytest
from conftest import need
from scapy.layers.dns import DNS, DNSQR
from scapy.layers.inet import IP, TCP, UDP, Ether

from netlab import Network
from netlab.chapters.udp import predict
from netlab.chapters.udp.hosts import NAMES, ends_of, is_udp, loses, readdressed, tell_address, two_homes
from netlab.chapters.udp.pictures import costs, side_by_side
from netlab.network.packets import Packet, Packets
from netlab.teach.networks import two_hosts
from netlab.teach.questions import Question

SVG = "{http://www.w3.org/2000/svg}"
CHANGES = [f"tea {n}".encode() for n in range(1, 11)]


def frame(source, destination, payload=b"", flags=None, seq=0, ack=0):
    kind = UDP(sport=4000, dport=5000) if flags is None else TCP(sport=4000, dport=80, flags=flags, seq=seq, ack=ack)
    if source == "10.0.1.2" and flags is not None:
        kind.sport, kind.dport = 80, 4000
    return bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=source, dst=destination) / kind / payload)


def packets(*sent):
    """Packets of (time, from alice?, payload, flags, seq, ack, lost?), each of which takes a second."""
    made = []
    for n, (when, forward, payload, flags, seq, ack, lost) in enumerate(sent, 1):
        ends = ("10.0.1.1", "10.0.1.2") if forward else ("10.0.1.2", "10.0.1.1")
        names = ("alice", "bob") if forward else ("bob", "alice")
        made.append(Packet(n, when, "alice-bob", *names, frame(*ends, payload, flags, seq, ack), "lost" if lost else "arrived",
                           () if lost else (when + 1,)))
    return Packets(made)


def by_udp(messages=(b"one", b"two", b"six"), lost=(b"two",)):
    return packets(*((n / 100, True, message, None, 0, 0, message in lost) for n, message in enumerate(messages)))


def by_tcp():
    """`two` is lost, and `six` waits for it."""
    return packets((0, True, b"", "S", 9, 0, False), (1, False, b"", "SA", 99, 10, False), (2, True, b"", "A", 10, 100, False),
                   (2.1, True, b"one", "PA", 10, 100, False), (2.2, True, b"two", "PA", 13, 100, True),
                   (2.3, True, b"six", "PA", 16, 100, False), (3.1, False, b"", "A", 100, 13, False),
                   (3.3, False, b"", "A", 100, 13, False), (4.4, True, b"two", "PA", 13, 100, False),
                   (5.4, False, b"", "A", 100, 19, False))


def test_the_picture_says_what_passed_and_what_waited():
    lines = side_by_side(by_udp(), by_tcp()).text.splitlines()
    assert lines[0] == "Three messages over the same bad cable: by UDP and by TCP."
    assert lines[1:5] == ["UDP, alice to bob:", "  step 0: alice sends 1, 2 (lost), 3", "  bob's program gets 1 3",
                          "  2 of 3 messages came. 2 never came, and no kernel says so."]
    assert lines[5:] == ["TCP, alice to bob:", "  step 0: alice sends SYN", "  step 1: bob sends SYN ACK",
                         "  step 2: alice sends ACK, 1, 2 (lost), 3", "  step 3: bob sends 2 x ACK",
                         "  step 4: alice sends 2 again", "  step 5: bob sends ACK", "  bob's program gets 1 2 3",
                         "  3 of 3 messages came, in order. 3 waited for 2."]


def test_the_table_is_counted_from_the_packets():
    counted = {what: numbers for what, *numbers in costs(by_udp(), by_tcp()).rows}
    assert counted == {
        "packets": ["3", "10"], "… of these without data": ["0", "6"], "… of these sent again": ["0", "1"],
        "bytes of messages": ["9", "9"], "bytes of headers (IP, and UDP or TCP)": ["84", "400"],
        "round trips before the first message leaves": ["0", "1"], "round trips until the last message is there": ["½", "2½"],
        "messages that came": ["2 of 3", "3 of 3"]}
    bundle = costs(by_udp(), by_tcp())._repr_mimebundle_()
    assert bundle["text/html"].count("<tr>") == 9 and bundle["text/plain"].splitlines()[1].split() == ["packets", "3", "10"]


@pytest.mark.parametrize("lost", [(b"two",), (), (b"one", b"two")])
def test_well_formed_the_same_each_time_and_inside_its_frame(lost):
    udp, tcp = by_udp(lost=lost), by_tcp()
    picture = side_by_side(udp, tcp)
    assert picture == side_by_side(udp, tcp)
    for drawn, width in ((picture.svg, 760), (picture.narrow, 360)):
        root = ET.fromstring(drawn)
        right, bottom = map(float, root.get("viewBox").split()[2:])
        assert right == width and root.get("role") == "img" and "prefers-color-scheme:dark" in drawn
        for node in root.iter(f"{SVG}text"):
            size = len(node.text) * .6 * float(node.get("font-size", 12.5))
            x, anchor = float(node.get("x")), node.get("text-anchor")
            begin = x - {"middle": size / 2, "end": size}.get(anchor, 0)
            assert begin > 2 and begin + size < right - 1 and 0 < float(node.get("y")) < bottom - 4, node.text
        crosses = [node for node in root.iter(f"{SVG}path") if "m0 -9" in node.get("d")]
        assert len(crosses) == sum(each.fate == "lost" for each in [*udp, *tcp])


def test_what_cannot_be_compared():
    with pytest.raises(ValueError, match="nothing to compare"):
        side_by_side(Packets(), by_tcp())
    with pytest.raises(ValueError, match="the same messages: 6 bytes by UDP, 9 by TCP"):
        costs(by_udp((b"one", b"two")), by_tcp())


def test_equal_messages_have_numbers_of_their_own():
    assert "alice sends 1, 2, 3" in side_by_side(by_udp((b"one", b"one", b"one"), ()), by_tcp()).text


# a network

@pytest.fixture
def hosts():
    need(not Network.why(), Network.why())
    made = []

    def make(**how):
        made.append(two_hosts(**how))
        return made[-1]

    yield make
    for net, *_ in made:
        net.close()


def test_ten_messages_over_the_same_bad_cable(hosts):
    net, alice, bob, _ = hosts(delay=.05, through=loses(b"tea 3", b"tea 6"))
    with bob.socket(type=socket.SOCK_DGRAM) as inbox, alice.socket(type=socket.SOCK_DGRAM) as outbox:
        inbox.bind((bob.address, 5000))
        for change in CHANGES:
            outbox.sendto(change, (bob.address, 5000))
        net.still(3)
        udp = net.packets.of("UDP")
    net, alice, bob, _ = hosts(delay=.05, through=loses(b"tea 3", b"tea 6"))
    with bob.socket() as listener, alice.socket() as client:
        listener.bind((bob.address, 80))
        listener.listen()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.connect((bob.address, 80))
        conn, _ = listener.accept()
        with conn:
            for change in CHANGES:
                client.sendall(change)
            net.still(3)
            assert conn.recv(1024) == b"".join(CHANGES)
            tcp = net.packets.of("TCP")
    rows = dict((what, (one, other)) for what, one, other in costs(udp, tcp).rows)
    assert rows["messages that came"] == ("8 of 10", "10 of 10") and rows["… of these sent again"] == ("0", "2")
    assert "4, 5, 7, 8, 9 and 10 waited for 3 and 6." in side_by_side(udp, tcp).text


def test_each_message_is_lost_once():
    lose = loses(b"one", b"two")
    assert [lose(data) for data in (b"-two", b"one.", b"-one", b"-two", b"-one")] == [None, b"one.", None, b"-two", b"-one"]


def test_from_home_packets_reach_the_internet_and_come_back():
    need(not Network.why(), Network.why())
    asked = []

    def nat(address, port):
        asked.append((address, port))
        return lambda frame: frame

    net, alice, bob, meeting = two_homes(nat)
    with net, meeting.socket(type=socket.SOCK_DGRAM) as inbox, alice.socket(type=socket.SOCK_DGRAM) as outbox:
        inbox.bind((meeting.address, 5000))
        outbox.sendto(b"x", (meeting.address, 5000))
        _, address = inbox.recvfrom(9)
        assert address[0] == alice.address and meeting.address == "192.0.2.1"
        routes = {to: via for to, via, _ in net.hosts["internet"].routes}
        assert [routes[f"{outside}/32"] for outside, _ in asked] == [alice.address, bob.address]


# addresses in a frame, and names

def test_a_frame_with_other_addresses_is_as_scapy_would_write_it():
    before = frame("10.0.1.2", "192.0.2.1", b"who am I?")
    assert is_udp(before) and ends_of(before) == (("10.0.1.2", 4000), ("192.0.2.1", 5000))
    for last in range(256):
        after = Ether(readdressed(before, (f"203.0.113.{last}", 20001), ("192.0.2.1", last)))
        assert (after[IP].src, after[UDP].sport, after[UDP].dport, after[UDP].chksum) == (f"203.0.113.{last}", 20001, last, 0)
        written = after[IP].chksum
        del after[IP].chksum
        assert Ether(bytes(after))[IP].chksum == written and bytes(after[UDP].payload) == b"who am I?"


def test_what_is_no_udp():
    tcp, arp = frame("10.0.1.1", "10.0.1.2", b"x", "S"), bytes(Ether(type=0x0806) / bytes(28))
    assert not is_udp(tcp) and not is_udp(arp) and not is_udp(b"")


@pytest.mark.parametrize("name", NAMES)
def test_a_name_has_its_address(name):
    reply = tell_address(bytes(DNS(id=7, rd=1, qd=DNSQR(qname=name.upper()))), None)
    read = DNS(reply)
    assert (read.id, read.qr, read.aa, read.rd, read.rcode, len(reply)) == (7, 1, 1, 1, 0, 34 + len(name) - 16 + 16)
    assert read.an[0].rdata == NAMES[name] and read.an[0].rrname.decode().lower() == f"{name}."


@pytest.mark.parametrize("question, code, answers", [
    (DNSQR(qname="gold.shop.example"), 3, 0), (DNSQR(qname="tea.shop.example", qtype="AAAA"), 0, 0),
    (DNSQR(qname="tea.shop.example", qclass=3), 0, 0)])
def test_what_has_no_address(question, code, answers):
    read = DNS(tell_address(bytes(DNS(id=7, qd=question)), None))
    assert (read.rcode, read.ancount, read.qdcount) == (code, answers, 1)


def test_what_is_no_question():
    query = bytes(DNS(id=7, qd=DNSQR(qname="tea.shop.example")))
    assert tell_address(b"", None) is None and tell_address(query[:11], None) is None
    assert tell_address(tell_address(query, None), None) is None
    for wrong in (query[:12], query[:20], query[:-1], query[:5] + b"\2" + query[6:], query[:13] + b"\xff" + query[14:]):
        read = DNS(tell_address(wrong, None))
        assert (read.id, read.qr, read.rcode) == (7, 1, 1)


def test_each_wrong_answer_is_explained():
    questions = [each for each in vars(predict).values() if isinstance(each, Question)]
    assert len(questions) == 17
    for question in questions:
        for choice in question.choices or range(12):
            assert question.judge([choice] if question.kind == "multiple" else choice).why
