"""Chapter 06, what is on the wire: the six cures and their prices, and the pictures of segments."""
import socket
import threading
import time
import xml.etree.ElementTree as ET

import pytest
from conftest import need
from test_pictures import SVG, check_inside
from test_udp_network import packets

from netlab import Link, Network
from netlab.chapters.message_sticking import price
from netlab.chapters.message_sticking.segments import Step, carried, steps, waits
from netlab.network.packets import Packets
from netlab.teach import cures
from netlab.teach.networks import two_hosts

ORDERS = [b"tea 3", b"rice 12", b"wine 250"]
FRAMED = ["fixed length", "delimiter", "length prefix", "makefile"]


# the cures

@pytest.mark.parametrize("cure", cures.CURES)
def test_each_cure_brings_the_messages_whole(cure, no_leaks):
    with cures.loopback() as (till, connect):
        for messages in (ORDERS, ORDERS * 100, []):
            cost = cures.measure(cure, messages, till=till, connect=connect)
            assert cost.right and cost.messages == len(messages) and cost.cure == cure
            assert cost.overhead == sum(cures.overhead(cure, message) for message in messages)


@pytest.mark.parametrize("cure", FRAMED)
def test_framing_survives_a_link_that_cuts(cure, no_leaks):
    with cures.by_link(rechunk=2, seed=3) as (till, connect):
        assert cures.measure(cure, ORDERS * 5, till=till, connect=connect).right


@pytest.mark.parametrize("cure, message", [
    ("wait for a reply", b"x" * 1025), ("fixed length", b"sparkling water 250"), ("delimiter", b"no milk\nno sugar"),
    ("makefile", b"no milk\nno sugar")])
def test_what_does_not_suit_a_cure_is_not_right(cure, message, no_leaks):
    with cures.loopback() as (till, connect):
        assert not cures.measure(cure, [message, *ORDERS], till=till, connect=connect).right
        assert cures.measure(cure, ORDERS, till=till, connect=connect).right, "what came before has left nothing behind"


@pytest.mark.parametrize("cure", cures.CURES)
def test_the_overhead_is_what_passes_beside_the_messages(cure, no_leaks):
    with socket.socket() as till:
        till.bind(("127.0.0.1", 0))
        with Link(till.getsockname(), type=socket.SOCK_STREAM) as link:
            cost = cures.measure(cure, ORDERS, till=till, connect=lambda: socket.create_connection(link.address))
            assert sum(chunk.size for chunk in link.passed) == sum(map(len, ORDERS)) + cost.overhead


def test_what_is_wrong_is_raised_and_nothing_stays(no_leaks):
    with cures.loopback() as (till, connect), cures.loopback() as (_, nobody):
        with pytest.raises(KeyError, match="flush"):
            cures.measure("flush", ORDERS, till=till, connect=connect)
        with pytest.raises(ConnectionRefusedError):
            cures.measure("delimiter", ORDERS, till=till, connect=nobody)       # bound, and does not listen
        with pytest.raises(ConnectionRefusedError):
            cures.measure("a connection per message", ORDERS, till=till, connect=nobody)
        with pytest.raises(TypeError):
            cures.measure("delimiter", ["tea"], till=till, connect=connect)
        assert cures.measure("delimiter", ORDERS, till=till, connect=connect).right


def test_an_interrupt_while_the_till_starts_leaves_no_thread(no_leaks, monkeypatch):
    class Interrupted(threading.Thread):
        def start(self):
            super().start()
            raise KeyboardInterrupt
    with cures.loopback() as (till, connect):
        monkeypatch.setattr(threading, "Thread", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            cures.measure("delimiter", ORDERS, till=till, connect=connect)
        monkeypatch.undo()
        assert cures.measure("delimiter", ORDERS, till=till, connect=connect).right


def test_for_a_while_ends_by_the_clock_or_the_event(no_leaks):
    stop = threading.Event()
    messages = cures.for_a_while(b"3", 60, stop)
    assert next(messages) == next(messages) == b"3"
    stop.set()
    assert list(messages) == [] == list(cures.for_a_while(b"3", 0))
    stop.clear()
    begin = time.monotonic()
    with cures.loopback() as (till, connect):
        cost = cures.measure("wait for a reply", cures.for_a_while(b"3", .05, stop), till=till, connect=connect)
    assert cost.right and cost.messages > 0 and time.monotonic() - begin >= .05


# the prices

@pytest.mark.parametrize("way", [cures.by_cable, cures.by_link])
def test_who_waits_for_a_reply_sends_no_more_than_one_message_a_round_trip(way):
    need(way is cures.by_link or not Network.why(), Network.why())
    with way(delay=.01) as (till, connect):
        for cure in ("wait for a reply", "a connection per message")[:1 if way is cures.by_link else 2]:
            cost = cures.measure(cure, ORDERS * 2, till=till, connect=connect)
            assert cost.right and cost.round_trips == 1 and cost.messages_per_second <= 50
        cost = cures.measure("length prefix", ORDERS * 500, till=till, connect=connect)
        assert cost.right and cost.round_trips == 0 and cost.messages_per_second > 50


def test_the_table_of_what_can_be_counted():
    rows = {what: (added, waited) for what, added, waited in price.counted(ORDERS).rows}
    assert rows == {"wait for a reply": ("2 · 2 · 2", "1"), "fixed length": ("11 · 9 · 8", "0"), "delimiter": ("1 · 1 · 1", "0"),
                    "length prefix": ("4 · 4 · 4", "0"), "makefile": ("1 · 1 · 1", "0"),
                    "a connection per message": ("0 · 0 · 0", "1")}
    shown = price.counted(ORDERS)._repr_mimebundle_()
    assert shown["text/html"].count("<tr>") == 7 and shown["text/plain"].splitlines()[4].split()[-2:] == ["4", "0"]


def test_the_table_of_what_is_measured_here(no_leaks):
    table = price.measured()
    assert [row[0] for row in table.rows] == list(cures.CURES)
    assert all(int(number.replace(",", "")) > 0 for _, *numbers in table.rows for number in numbers if number != "-")
    assert int(dict((what, far) for what, _, far in table.rows)["wait for a reply"]) <= 50


def test_by_a_link_a_connection_each_has_no_speed(monkeypatch, no_leaks):
    monkeypatch.setattr(Network, "why", staticmethod(lambda: "not here"))
    table = price.measured()
    assert table.rows[-1][2] == "-" and "answers each connect itself" in repr(table)
    assert "answers each connect itself" in table._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("number, text", [(48.7, "49"), (50, "50"), (283_456, "280,000"), (7, "7"), (.3, "less than 1")])
def test_two_digits_are_shown(number, text):
    assert price.rounded(number) == text


# the pictures

def one_line(*sent):
    """Packets of (from alice?, payload, time): a segment with data, or an ACK; each is a second on its way."""
    return packets(*((when, forward, payload, "PA" if payload else "A", 1, 1, False) for forward, payload, when in sent))


HELD = one_line((True, b"tea ", 0), (False, b"", 1.04), (True, b"3\n", 2.04), (False, b"", 3.04), (False, b"ok", 3.05),
                (True, b"", 4.05))
AT_ONCE = one_line((True, b"tea ", 0), (True, b"3\n", .1), (False, b"", 1.1), (False, b"ok", 1.2), (True, b"", 2.2))


def test_who_waits_for_whom_is_read_from_the_packets():
    assert steps(HELD) == [Step("alice", 'b"tea "'), Step("bob", "ACK", "bob"), Step("alice", r'b"3\n"', "alice"),
                           Step("bob", 'b"ok"')]
    assert steps(AT_ONCE) == [Step("alice", 'b"tea "'), Step("alice", r'b"3\n"'), Step("bob", 'b"ok"')]
    soon = one_line((True, b"tea ", 0), (False, b"", 1.0001), (True, b"3\n", 2), (False, b"ok", 3))
    assert steps(soon)[1] == Step("bob", "ACK"), "an ACK at once was not held back"
    with pytest.raises(ValueError, match="no packet carries data"):
        steps(Packets())


@pytest.mark.parametrize("make", [
    lambda: waits({"two writes": HELD, "two writes, TCP_NODELAY": AT_ONCE, "one write": AT_ONCE}),
    lambda: waits({"two writes": HELD}),
    lambda: carried({"ten sends": [10] * 10, "segments, with Nagle": [10, 90], "segments, TCP_NODELAY": [10] * 10,
                     "one recv, both times": [100]})])
def test_well_formed_inside_its_frame_and_the_same_each_time(make):
    picture = make()
    assert picture == make() and repr(picture) == picture.text and "prefers-color-scheme:dark" in picture.svg
    for drawn, width in ((picture.svg, 760), (picture.narrow, 360)):
        root = ET.fromstring(drawn)
        check_inside(root, width)
        for node in root.iter(f"{SVG}text"):
            size, x = len(node.text) * .55 * float(node.get("font-size", 12.5)), float(node.get("x"))
            begin = x - {"middle": size / 2, "end": size}.get(node.get("text-anchor"), 0)
            assert 0 < begin and begin + size < width, node.text


def test_rows_are_of_the_same_bytes():
    with pytest.raises(ValueError, match="the same 100 bytes, but 'one recv' has 90"):
        carried({"ten sends": [10] * 10, "one recv": [90]})
    assert carried({"a send": [1]}).text.splitlines()[1] == "a send: 1 byte"


def test_write_write_read_on_a_cable():
    need(not Network.why(), Network.why())
    found = []
    for pieces, no_delay in (([b"tea ", b"3\n"], False), ([b"tea ", b"3\n"], True), ([b"tea 3\n"], False)):
        net, alice, bob, _ = two_hosts()
        with net, bob.socket() as listener, alice.socket() as customer:
            listener.bind((bob.address, 80))
            listener.listen()
            customer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, no_delay)
            customer.connect((bob.address, 80))
            till, _ = listener.accept()
            with till, till.makefile("rb") as file:
                for line in [[b"tea 3\n"]] * 3 + [pieces]:
                    net.clear()
                    for piece in line:
                        customer.sendall(piece)
                    file.readline()
                    till.sendall(b"ok")
                    customer.recv(1024)
            found.append([(step.words, step.waited) for step in steps(net.packets)])
            again = [packet for packet in net.packets.of("TCP") if packet.payload][-1]
            assert steps([*net.packets, again]) == steps(net.packets)           # what a slow machine sends again
    assert found == [[('b"tea "', ""), ("ACK", "bob"), (r'b"3\n"', "alice"), ('b"ok"', "")],
                     [('b"tea "', ""), (r'b"3\n"', ""), ('b"ok"', "")], [(r'b"tea 3\n"', ""), ('b"ok"', "")]]
