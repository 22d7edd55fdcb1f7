"""The ladder: each byte from call to packet to call, in an order that the capture does not contradict, the same in each run."""

from __future__ import annotations

import contextlib
import html
import re
import socket
import threading
from dataclasses import replace

import pytest
import talks
from conftest import need
from ladder_check import contradictions
from talk_by_hand import B, Talk, datagrams

from netlab import Timeline
from netlab.events import ADDRESS, DATA, Endpoint, Event
from netlab.kernel import wait_until
from netlab.network import Network, Packets
from netlab.network.journeys import journeys
from netlab.network.ladder import MOST, climb, ladder
from netlab.network.ladder_picture import picture_of

network = pytest.mark.usefixtures("a_network")


@pytest.fixture(scope="module")
def a_network():
    need(not Network.why(), Network.why())


# --- by hand: no network is needed ---
def one_and_two():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"one", size=3)
    talk.call(0, "sendall", DATA, data=b"two", size=3, offset=3)
    talk.segment(True, "PA", 1, 1, b"one")
    talk.segment(False, "A", 1, 4)
    talk.segment(True, "PA", 4, 1, b"two", fate="lost")
    talk.segment(True, "PA", 4, 1, b"two")
    talk.segment(False, "A", 1, 7)
    talk.call(2, "recv", 9, data=b"one", size=3)
    talk.call(2, "recv", 9, data=b"two", size=3, offset=3)
    return talk


def lines(made):
    return [re.sub(r"^ *\d+ +|   \(from.*", "", line) for line in made.text().splitlines()]


def test_a_lost_segment():
    made = one_and_two().ladder()
    assert lines(made)[-13:] == [
        "alice  ACK to bob",
        "bob    accept() → connection",
        'alice  sendall(b"one")',
        "alice  bytes 1-3 to bob",
        'bob    recv(9) → b"one"',
        "bob    recv(9) waits",
        "bob    ACK 4 to alice",
        'alice  sendall(b"two")',
        "alice  bytes 4-6 to bob, lost on the cable",
        "alice  bytes 4-6 to bob, again: no ACK came",
        'bob    recv → b"two"',
        "bob    ACK 7 to alice",
        "One segment was lost and sent again by the kernel. The programs made four calls and noticed nothing."]
    assert made.names == {"client": "alice", "server": "bob"}


@pytest.mark.parametrize("byte, call, packets", [(1, b"one", [4]), (3, b"one", [4]), (4, b"two", [6, 7]), (6, b"two", [6, 7])])
def test_each_byte_is_traced(byte, call, packets):
    made = one_and_two().ladder()
    assert made.sent(byte).event.data == made.took(byte).event.data == call
    assert [row.drawn.journey.frames[0].number for row in made.carried(byte)] == packets
    assert made.sent(7) is made.took(7) is made.sent(1, "server") is None and made.carried(7) == []


def test_an_ack_that_its_data_could_carry_is_left_out():
    alone, together = Talk(), Talk()
    for talk in (alone, together):
        talk.open()
        talk.call(0, "sendall", DATA, data=b"hi", size=2)
        talk.segment(True, "PA", 1, 1, b"hi")
        talk.call(2, "recv", 9, data=b"hi", size=2)
        if talk is alone:
            talk.segment(False, "A", 1, 3)
        talk.call(2, "sendall", DATA, data=b"HI", size=2)
        talk.segment(False, "PA", 1, 3, b"HI")
        talk.call(0, "recv", 9, data=b"HI", size=2)
        talk.segment(True, "A", 3, 3)
    assert alone.ladder().text() == together.ladder().text()
    assert "ACK 3 to bob" in alone.ladder().text() and "ACK 3 to alice" not in alone.ladder().text()


def test_one_segment_with_the_bytes_of_two_calls_and_one_call_that_takes_both():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"one", size=3)
    talk.call(0, "sendall", DATA, data=b"two", size=3, offset=3)
    talk.segment(True, "PA", 1, 1, b"onetwo")
    talk.call(2, "recv", 4, data=b"onet", size=4)
    talk.call(2, "recv", 4, data=b"wo", size=2, offset=4)
    made = talk.ladder()
    assert made.carried(3) == made.carried(4) and made.took(4) is not made.took(5)
    assert [call.data for call in made.carried(1)[0].drawn.calls] == [b"one", b"two"]
    assert "Two sends went in one segment; two recvs took their bytes." in made.caption
    assert picture_of(made).svg.count('stroke="#0072b2"') >= 2          # the call's line, and its share of the segment's


def test_what_crosses_is_drawn_crossing():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"ping", size=4)
    talk.call(2, "sendall", DATA, data=b"pong", size=4)
    ping = talk.segment(True, "PA", 1, 1, b"ping")
    pong = talk.segment(False, "PA", 1, 1, b"pong")
    talk.packets[-2:] = [replace(ping, arrivals=(20.0,)), replace(pong, arrivals=(21.0,))]
    made = talk.ladder()
    kinds = [(row.kind, row.side) for row in made.rows if row.drawn and row.drawn.first]
    assert kinds == [("departure", "client"), ("departure", "server"), ("arrival", "client"), ("arrival", "server")]
    assert not contradictions(made, talk.packets)


def test_the_end_of_a_stream_is_read_when_the_fin_came():
    talk = Talk()
    talk.open()
    talk.call(0, "close")
    talk.segment(True, "FA", 1, 1)
    talk.call(2, "recv", 9)
    talk.call(2, "close")
    talk.segment(False, "FA", 1, 2)
    talk.segment(True, "A", 2, 2)
    assert lines(talk.ladder())[-7:-1] == ["alice  close()", "alice  FIN to bob", 'bob    recv(9) → b""', "bob    close()",
                                           "bob    FIN to alice", "alice  ACK 2 to bob"]


def test_a_byte_that_came_out_of_order_waits_for_those_before_it():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"abcdef", size=6)
    talk.segment(True, "A", 1, 1, b"abc", fate="lost")
    talk.segment(True, "PA", 4, 1, b"def")
    talk.segment(True, "A", 1, 1, b"abc")
    talk.call(2, "recv", 9, data=b"abcdef", size=6)
    made = talk.ladder()
    assert made.rows[-1].event.method == "recv" and made.rows[made.rows[-1].causes[0]] is made.carried(1)[1]


def test_a_frame_that_a_function_kept_arrives_late():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"abcdef", size=6)
    kept = talk.segment(True, "A", 1, 1, b"abc", fate="stopped", arrivals=())
    last = talk.segment(True, "PA", 4, 1, b"def", fate="changed", arrivals=(20.0, 20.5))
    talk.packets[-1] = replace(last, became=(last.data, kept.data))
    assert [way.arrived for way in journeys(talk.packets)][-2:] == [20.5, 20.0]
    assert "lost" not in talk.ladder().text() and not any(way.changed for way in journeys(talk.packets))


def test_a_changed_segment_brings_no_bytes():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"abc", size=3)
    bad = talk.segment(True, "PA", 1, 1, b"abc", fate="changed")
    talk.packets[-1] = replace(bad, became=(bad.data[:-1] + b"X",))
    talk.segment(True, "PA", 1, 1, b"abc")
    talk.call(2, "recv", 9, data=b"abc", size=3)
    made = talk.ladder()
    assert "bytes 1-3 to bob, changed on the way" in made.text() and made.rows[made.took(1).causes[0]] is made.carried(1)[1]


def test_many_rows_are_folded():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"x" * 1024, size=10_000)
    for n in range(100):
        talk.segment(True, "A", 1 + 100 * n, 1, b"x" * 100, fate="lost" if n == 50 else "arrived")
    talk.segment(True, "A", 5001, 1, b"x" * 100)
    made = talk.ladder()
    assert len(made.rows) > 100 and len(made.shown()) < MOST
    assert "… 96 more segments, bytes 301-9,900, 1 of them lost" in re.sub("  +", " ", made.text())
    assert len(picture_of(made).svg) < 30_000


def test_one_datagram_is_known_from_another():
    made = datagrams(b"hello 1", b"hello 2").ladder()
    assert lines(made)[:-2] == [
        "bob    bind(bob, 80)", "bob    recvfrom(2048) waits",          # the socket has its address before it waits there
        'alice  sendto(b"hello 1", bob, 80)', 'alice  b"hello 1" to bob, overtaken',
        'alice  sendto(b"hello 2", bob, 80)', 'alice  b"hello 2" to bob',
        'alice  b"hello 1" comes to bob', 'bob    recvfrom → b"hello 2", alice']


@pytest.mark.parametrize("data, label, come", [
    (b"x" * 24, f'b"{"x" * 24}"', "comes"), (b"x" * 25, "25 bytes", "come"), (b"", "empty datagram", "comes"),
    (b"\0" * 7, "7 bytes", "come"), (b"\n", 'b"\\n"', "comes"), (b" bytes", 'b" bytes"', "comes")])
def test_what_a_datagram_is_called(data, label, come):
    made = datagrams(data, b"next").ladder()
    assert f"alice  {label} to bob, overtaken" in made.text() and f"alice  {label} {come} to bob" in made.text()


def test_a_long_segment_that_was_overtaken_comes_in_the_plural():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"onetwo", size=6)
    first = talk.segment(True, "PA", 1, 1, b"one")
    talk.segment(True, "PA", 4, 1, b"two")
    talk.packets[-2] = replace(first, arrivals=(90.0,))
    assert "bytes 1-3 to bob, overtaken" in talk.ladder().text() and "bytes 1-3 come to bob" in talk.ladder().text()


def words_in(svg):
    """[(left, right, base line, words)] of a drawing, about as wide as a browser makes them."""
    for found in re.finditer(r"<text ([^>]*)>(.*?)</text>", svg):
        own = dict(re.findall(r'([\w-]+)="([^"]*)"', found[1]))
        words, size = html.unescape(re.sub("<[^>]*>", "", found[2])), float(own.get("font-size", 12.5))
        wide = len(words) * size * (.6 if "Mono" in found[0] else .53)
        left = float(own["x"]) - wide * {"end": 1, "middle": .5}.get(own.get("text-anchor"), 0)
        yield left, left + wide, float(own["y"]), size, words


def lines_in(svg):
    """[(x, y, x, y)] of all that is a straight line in any direction."""
    for begin_x, begin_y, how, end in re.findall(r'd="M([\d.]+) ([\d.]+)([LV])([\d. ]+)"', svg):
        x, y = map(float, end.split()) if how == "L" else (float(begin_x), float(end))
        yield float(begin_x), float(begin_y), x, y


def crosses(line, left, right, top, bottom):
    """Whether a line passes through a box."""
    x1, y1, x2, y2 = line
    points = [(x1 + (x2 - x1) * n / 400, y1 + (y2 - y1) * n / 400) for n in range(401)]
    return any(left < x < right and top < y < bottom for x, y in points)


def twelve_calls():
    talk = Talk()
    talk.open()
    for n in range(6):
        talk.call(0, "sendall", DATA, data=b"a long message, so that it wraps", size=32, offset=32 * n)
        talk.segment(True, "PA", 1 + 32 * n, 1, b"a long message, so that it wraps", fate="cut" if n % 2 else "arrived")
        if n % 2:
            talk.segment(True, "PA", 1 + 32 * n, 1, b"a long message, so that it wraps")
        talk.call(2, "recv", 32, data=b"a long message, so that it wraps", size=32, offset=32 * n)
        talk.segment(False, "A", 1, 33 + 32 * n)
    return talk


def long_labels():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"x" * 1024, size=14_000)
    for n in range(10):
        talk.segment(True, "A", 1 + 1400 * n, 1, b"x" * 1400, fate="lost" if n == 5 else "arrived")
    talk.segment(True, "A", 7001, 1, b"x" * 1400)
    return talk


def short_datagrams():
    return datagrams(*(f"{n}: short, not so short".encode()[:9 + 3 * n] for n in range(1, 6)), overtaken=False)


def doubled_datagrams():
    talk = short_datagrams()
    talk.packets = [replace(each, arrivals=each.arrivals * 2) for each in talk.packets]
    return talk


@pytest.mark.parametrize("talk", [one_and_two, twelve_calls, long_labels, short_datagrams, doubled_datagrams])
def test_no_word_lies_on_another_or_outside(talk):
    drawn = picture_of(talk().ladder())
    for svg, width in ((drawn.svg, 760), (drawn.narrow, 360)):
        found = list(words_in(svg))
        assert len(found) > 15
        for left, right, y, size, words in found:
            assert 4 <= left and right <= width - 4, words
            over = [each[4] for each in found if each[4] is not words and each[0] < right and left < each[1]
                    and each[2] - each[3] * .7 < y + size * .1 and y - size * .7 < each[2] + each[3] * .1]
            assert not over, (words, over)
            assert not [line for line in lines_in(svg) if crosses(line, left, right, y - size * .7, y)], words
    assert drawn.svg == picture_of(talk().ladder()).svg and "40000" not in drawn.svg


def test_bytes_of_the_net_are_shown_as_text():
    talk = Talk()
    talk.open()
    talk.call(0, "sendall", DATA, data=b"<b>&\x00", size=5)
    talk.segment(True, "PA", 1, 1, b"<b>&\x00")
    assert "<b>" not in picture_of(datagrams(b"<b>&\x00", b"").ladder()).svg
    assert "&lt;b&gt;&amp;" in picture_of(talk.ladder()).svg and "<b>" not in picture_of(talk.ladder()).svg
    assert set(talk.ladder()._repr_mimebundle_()) == {"text/html", "text/plain"}


def test_it_says_what_it_cannot_draw():
    with pytest.raises(ValueError, match="there is nothing to draw"):
        climb(Packets(), [], [])
    with pytest.raises(ValueError, match="no packet passed the cable 'x-y', but alice-bob"):
        one_and_two().ladder(cable="x-y")
    talk = one_and_two()
    talk.packets.append(replace(talk.packets[0], number=99, sender="carol", receiver="bob", data=third(talk.packets[0].data)))
    talk.ends.append(Endpoint(3, "stream", side="client"))
    talk.events.append(Event(90, 3, threading.Thread(), "connect", (ADDRESS,), address=B, local=("10.0.1.3", 5)))
    with pytest.raises(ValueError, match="a ladder has two ends, and alice, bob, carol made calls"):
        talk.ladder()
    assert talk.ladder(between=("alice", "bob")).text() == one_and_two().ladder().text()


def third(frame):
    return frame.replace(bytes([10, 0, 1, 1]), bytes([10, 0, 1, 3]))


def test_the_judge_sees_what_is_wrong():
    def judged(change):
        talk = one_and_two()
        made = talk.ladder()
        change(made)
        return contradictions(made, talk.packets)

    def swap(a, b):
        def change(made):
            made.rows[a], made.rows[b] = made.rows[b], made.rows[a]
        return change

    assert judged(lambda made: None) == []
    assert any("earlier" in words for words in judged(swap(8, 13)))             # "one" and "two"
    assert any("before it came" in words for words in judged(swap(8, 9)))       # "one" and its recv
    assert any("before it was sent" in words for words in judged(swap(7, 8)))   # sendall and its segment
    assert any("went in packets" in words for words in judged(lambda made: made.rows.pop(8)))


# --- over a network ---
@network
@pytest.mark.parametrize("talk", talks.TURNS)
def test_the_same_talk_has_the_same_ladder(talk):
    found = set()
    for _ in range(4):          # a hundred, idle and busy, in stress_ladder.py
        packets, timeline = talks.TURNS[talk]()
        made = ladder(packets, timeline)
        assert not contradictions(made, packets)
        found.add(made.text())
    assert len(found) == 1


@network
@pytest.mark.parametrize("ipv6, router", [(False, False), (True, False), (False, True), (True, True)])
def test_a_loss_that_the_programs_do_not_notice(ipv6, router):
    packets, timeline = talks.one_and_two(talks.once(b"two"), ipv6=ipv6, router=router)
    made = ladder(packets, timeline)
    assert [bool(row.drawn.lost) for row in made.carried(5)] == [True, False] and made.took(5).event.data == b"two"
    assert f"bytes 4-6 to bob, lost on {'router-bob' if router else 'the cable'}\n" in made.text()
    assert made.addresses["server"] == (f"2001:db8:0:{1 + router}::2" if ipv6 else f"10.0.{1 + router}.2")
    assert not contradictions(made, packets)


@network
def test_a_lost_datagram_alone():
    with Network() as net:
        alice, bob = net.host("alice"), net.host("bob")
        cable, timeline = net.cable(alice, bob), Timeline()
        with alice.socket(type=socket.SOCK_DGRAM) as first:
            first.sendto(b"", (bob.address, 9))             # ARP is over
        net.clear()
        cable.loss = 1
        with alice.socket(type=socket.SOCK_DGRAM, timeline=timeline) as sock:
            sock.sendto(b"gone", (bob.address, 9))
        made = ladder(net.packets, timeline)
    assert 'alice  b"gone" to bob, lost on the cable' in made.text() and made.names["server"] == "bob"


@network
def test_a_datagram_that_is_lost_behind_a_router():
    with Network() as net:
        alice, router, bob = net.host("alice"), net.router("router"), net.host("bob")
        net.cable(alice, router)
        cable, timeline = net.cable(router, bob), Timeline()
        with bob.socket(type=socket.SOCK_DGRAM) as other:
            other.sendto(b"", (alice.address, 9))           # ARP is over; alice's kernel says that nobody is there
        net.clear()
        cable.loss = 1
        with alice.socket(type=socket.SOCK_DGRAM, timeline=timeline) as sock:
            sock.sendto(b"gone", (bob.address, 9))
        made = ladder(net.packets, timeline)
        assert 'alice  b"gone" to bob, lost on router-bob' in made.text() and 'sendto(b"gone", bob, 9)' in made.text()
        assert made.names["server"] == "bob" and made.addresses["server"] == bob.address
        near = ladder(net.packets.on("alice-router"), timeline)
        assert near.names["server"] == "bob", "each part of a network's packets knows whose the addresses are"
        assert ladder(Packets(list(net.packets)), timeline).names["server"] == "router"         # a guess: nobody told of bob


def lone_datagram(size, lose=None, ttl=None, **cable):
    """alice sends one datagram over a router to bob, who reads it if it comes: the ladder."""
    with Network() as net:
        alice, router, bob = net.host("alice"), net.router("router"), net.host("bob")
        net.cable(alice, router)
        far, timeline = net.cable(router, bob, **cable), Timeline()
        with (bob.socket(type=socket.SOCK_DGRAM, timeline=timeline) as inbox,
              alice.socket(type=socket.SOCK_DGRAM, timeline=timeline) as sock):
            inbox.bind((bob.address, 9))
            inbox.settimeout(.3)
            sock.setsockopt(socket.IPPROTO_IP, 10, 0)           # IP_MTU_DISCOVER: routers may split it (ip(7))
            sock.sendto(b"", (bob.address, 9))
            inbox.recv(1)
            net.clear()
            timeline.clear()
            far.through = lose
            if ttl:
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
            sock.sendto(bytes(size), (bob.address, 9))
            with contextlib.suppress(TimeoutError):
                inbox.recv(9000)
        return ladder(net.packets, timeline)


@network
def test_a_datagram_that_was_split_is_one():
    for made in (lone_datagram(4000), lone_datagram(1400, mtu=576)):
        took = [row for row in made.rows if row.event and row.event.method == "recv"][-1]
        assert len([row for row in made.rows if row.drawn]) == 1 and took.causes
        assert made.caption == "One send went in one datagram; one recv took its bytes."


@network
def test_one_fragment_lost_and_all_is_lost():
    made = lone_datagram(4000, lambda frame: None if frame[20:22] == b"\x20\xb9" else frame)      # the second: byte 1480
    assert "4,000 bytes to bob, lost on router-bob" in made.text() and made.caption.startswith("One datagram was lost")


@network
def test_a_time_to_live_that_ran_out():
    made = lone_datagram(3, ttl=1)
    assert "to bob, ended at router" in made.text() and "time exceeded" in made.caption and "sendto" in made.text()
    assert 'bob, 9)' in made.text()


@network
def test_what_never_came_was_not_sent_again_with_success():
    with Network() as net:
        alice, bob, cable = talks.pair(net)
        timeline = Timeline()
        listener, client, conn = talks.connected(alice, bob, timeline)
        with listener, client, conn:
            cable.cut()
            client.sendall(b"def")
            wait_until(lambda: sum(p.payload == b"def" for p in net.packets_now()) == 3)
            made = ladder(net.packets_now(), timeline)
    assert made.caption == "One segment never came, in 3 tries."


@network
def test_an_older_refusal_explains_nothing():
    with Network() as net:
        alice, bob, cable = talks.pair(net)
        with alice.socket() as sock, contextlib.suppress(ConnectionRefusedError):
            sock.connect((bob.address, 80))
        timeline = Timeline()
        cable.cut()
        with alice.socket(timeline=timeline) as sock, contextlib.suppress(TimeoutError):
            sock.settimeout(.1)
            sock.connect((bob.address, 80))
        assert "Nobody listens" not in ladder(net.packets, timeline).caption


@network
def test_one_cable_of_two():
    packets, timeline = talks.routed()
    near, far, whole = (ladder(packets, timeline, cable=name) for name in ("alice-router", "router-bob", None))
    assert near.text() == far.text() == whole.text() and (near.cable, whole.cable) == ("alice-router", "by router")


@network
def test_errors_of_the_kernels():
    refused, unreachable = (ladder(*talks.TURNS[name]()) for name in ("refused", "unreachable"))
    assert refused.caption == ("Nobody listens at that port of bob: its kernel answered with RST, "
                               "and connect() raised ConnectionRefusedError.")
    assert unreachable.caption == "bob's kernel said port unreachable with ICMP, and recv() raised ConnectionRefusedError."
    row = next(row for row in unreachable.rows if row.event and row.event.error)
    assert unreachable.rows[row.causes[0]].drawn.label == "ICMP port unreachable"


@network
@pytest.mark.parametrize("seed", range(10))
def test_the_order_never_contradicts_the_capture(seed):
    packets, timeline = talks.chance(seed, rounds=10)
    assert contradictions(ladder(packets, timeline), packets) == []
