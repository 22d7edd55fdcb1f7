"""Events told in an order of cause: the same story whichever thread was faster, and never a crash."""

from __future__ import annotations

import socket
import sys
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given, settings, strategies as st

import netlab
from netlab.diagram import svg
from netlab.events import JOIN, MARKS, WAKE, Endpoint, Event
from netlab.story import tell
from netlab.words import bytes_of, count_of, show_bytes, show_value


@pytest.mark.parametrize("data, size, shown", [
    (b"hello", None, 'b"hello"'), (b"", None, 'b""'), (b'it\'s "so"', None, 'b"it\'s \\"so\\""'),
    (b"\x00\xff\n", None, 'b"\\x00\\xff\\n"'), (b"x" * 25, None, 'b"' + "x" * 24 + '"…'), (b"ab", 5, 'b"ab"…'),
])
def test_bytes_look_as_in_python_with_double_quotes(data, size, shown):
    assert show_bytes(data, size) == shown
    if not shown.endswith("…"):
        assert eval(shown) == data


@given(st.recursive(st.none() | st.integers() | st.text() | st.binary(max_size=20), lambda v: st.lists(v, max_size=3).map(tuple)))
@settings(derandomize=True, deadline=None)
def test_a_value_is_shown_so_that_python_reads_it_back(value):
    assert eval(show_value(value)) == value


def test_counts_in_words():
    assert [count_of(n, "send") for n in (0, 1, 2, 11, 1000)] == ["no sends", "one send", "two sends", "11 sends", "1,000 sends"]
    assert [bytes_of(n) for n in (1, 1234)] == ["1 byte", "1,234 bytes"]


# --- recorded programs, told from a log in any order that could have been ---------------------------------------

def conversation(timeline):
    with netlab.serve(netlab.upper, timeline=timeline) as server, timeline.socket() as client:
        client.connect(server.address)
        for message in (b"one", b"two"):
            client.sendall(message)
            client.recv(len(message), socket.MSG_WAITALL)
        client.shutdown(socket.SHUT_WR)
        client.recv(1)


def two_clients(timeline):
    with netlab.serve(netlab.echo, timeline=timeline) as server:
        clients = [timeline.socket() for _ in range(2)]
        for client in clients:
            client.connect(server.address)
            client.sendall(b"x")
        for client in clients:
            client.recv(1)
            client.close()


def server_first(timeline):
    with timeline.socket() as client:
        with netlab.serve(netlab.echo, timeline=timeline) as server:
            client.connect(server.address)
            client.sendall(b"x")
            client.recv(1)
        client.recv(1)


def datagrams(timeline):
    with netlab.serve_udp(lambda data, address: data.upper(), timeline=timeline) as server:
        with timeline.socket(type=socket.SOCK_DGRAM) as client:
            for data in (b"one", b"two", b"three"):
                client.sendto(data, server.address)
                client.recvfrom(3)


def both_speak_first(timeline):
    a, b = timeline.socketpair()

    def end(sock, message):
        sock.sendall(message)
        sock.recv(9)
        sock.close()

    threads = [threading.Thread(target=end, args=args) for args in ((a, b"from a"), (b, b"from b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


PROGRAMS = [conversation, two_clients, server_first, datagrams, both_speak_first]


def recorded(program):
    timeline = netlab.Timeline()
    program(timeline)
    return timeline


def shape(story):
    return [(r.who, r.phase, r.call, r.result, r.note, r.causes, r.started, r.lost) for r in story.rows], story.caption


def could_follow(events, taken, i):
    """Whether event i may be the next one noted, after those in `taken`."""
    e = events[i]
    for j in range(i):
        other = events[j]
        if j in taken:
            continue
        if (other.thread is e.thread or other.made == e.socket or e.method in MARKS
                or other.method in MARKS or (e.method in ("close",) and other.socket == e.socket)
                or (other.socket == e.socket and other.method in ("bind", "listen"))):
            return False
    return True


@pytest.mark.parametrize("program", PROGRAMS)
@given(data=st.data())
@settings(derandomize=True, max_examples=40, deadline=None)
def test_the_order_of_the_log_does_not_change_the_story(program, data):
    timeline = TIMELINES.setdefault(program, recorded(program))
    events, ends = timeline._noted(), timeline._ends
    told = shape(tell(events, ends))
    order, taken = [], set()
    while len(order) < len(events):
        possible = [i for i in range(len(events)) if i not in taken and could_follow(events, taken, i)]
        chosen = data.draw(st.sampled_from(possible))
        order.append(chosen)
        taken.add(chosen)
    assert shape(tell([events[i] for i in order], ends)) == told


TIMELINES = {}


@pytest.mark.parametrize("program", PROGRAMS)
def test_each_run_of_a_program_gives_the_same_text_and_picture(program):
    stop, interval = threading.Event(), sys.getswitchinterval()
    busy = [threading.Thread(target=lambda: [None for _ in iter(stop.is_set, True)]) for _ in range(2)]
    for thread in busy:
        thread.start()
    sys.setswitchinterval(1e-4)         # or most of the time goes by until it is a thread's turn
    try:
        told = {(t.text(), t.svg()) for t in (recorded(program) for _ in range(20))}
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        for thread in busy:
            thread.join()
    assert len(told) == 1


# --- logs that contradict themselves ----------------------------------------------------------------------------

THREADS = [SimpleNamespace(name=f"Thread-{n}", group=n) for n in range(3)]
METHODS = ["bind", "listen", "accept", "connect", "connect_ex", "send", "sendall", "sendto", "recv", "recvfrom", "recv_into",
           "close", "shutdown", "detach", "settimeout", JOIN, WAKE]
EVENTS = st.lists(st.builds(
    Event, index=st.just(0), socket=st.integers(0, 4), thread=st.sampled_from(THREADS), method=st.sampled_from(METHODS),
    args=st.tuples(st.integers(0, 3)), error=st.sampled_from(["", "", "", "BlockingIOError", "ConnectionResetError"]),
    data=st.binary(max_size=4), size=st.integers(0, 9), offset=st.integers(0, 20), peek=st.booleans(),
    address=st.sampled_from([None, "", "/path", ("127.0.0.1", 5), ("::1", 6, 0, 0)]),
    made=st.sampled_from([None, 1, 2, 9]), local=st.sampled_from([None, "", "/path", ("127.0.0.1", 5), ("127.0.0.1", 6)])),
    max_size=30)


@given(EVENTS, st.sets(st.integers(0, 4)), st.sampled_from(["stream", "datagram"]))
@settings(derandomize=True, max_examples=300, deadline=None)
def test_any_log_can_be_told_and_drawn(events, known, kind):
    from netlab import diagram
    ends = {n: Endpoint(n, kind, parent=0 if n == 3 else None, twin={1: 2, 2: 1}.get(n)) for n in known}
    story = tell(events, ends)
    calls = [e for e in events if e.socket in known and e.method not in MARKS]
    assert sum(row.phase != "start" for row in story.rows) == len(calls)      # each call finishes once
    assert diagram.text(story) and diagram.svg(story)


# --- what a recording says ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_refused_connect(call):
    timeline = netlab.Timeline()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with timeline.socket() as client:
            try:
                getattr(client, call)(free.getsockname())
            except ConnectionRefusedError:
                pass
    assert ("ConnectionRefusedError" in timeline.text()) == (call == "connect")
    assert "listen" not in timeline.text()


def test_no_end_of_stream_is_read_into_recv_of_nothing():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        assert a.recv(0) == b""
        b.sendall(b"x")
        a.recv(1)
    assert "peer" not in timeline.text()


def test_a_limit_forgets_the_oldest_and_says_so():
    timeline = netlab.Timeline(limit=20)
    with netlab.serve(netlab.echo, timeline=timeline) as server, timeline.socket() as client:
        client.connect(server.address)
        for _ in range(50):
            client.sendall(b"x")
            client.recv(1)
    assert len(timeline.events) <= 20
    assert "older calls are no longer kept" in timeline.text() and "older calls are no longer kept" in timeline.svg()
    assert all(row.who for row in timeline.rows())


def test_every_server_end_has_a_name_and_a_lane():
    # A listener whose own connect failed looks like a client, and is the parent of a connection all the same;
    # and what is accepted from an accepted socket has a grandparent.
    endpoints = {n: Endpoint(n, "stream", parent=parent) for n, parent in ((0, None), (1, 0), (2, 1), (3, 99))}
    log = [Event(n, n, threading.main_thread(), "recv", (9,), data=b"x", size=1) for n in endpoints]
    log.insert(0, Event(9, 0, threading.main_thread(), "connect", error="OSError EISCONN"))
    story = tell(log, endpoints)
    assert all(end.name for end in story.endpoints) and len(story.endpoints) == 4
    assert "<svg" in svg(story)


def test_a_datagram_to_somebody_else_is_no_answer_of_the_server():
    timeline = netlab.Timeline()
    with netlab.serve(netlab.echo, timeline=timeline) as server, timeline.socket(name="client") as client, \
            timeline.socket(type=socket.SOCK_DGRAM, name="udp") as udp:
        udp.bind(("127.0.0.1", 0))
        client.connect(server.address)
        client.sendall(b"hello")
        assert client.recv(5, socket.MSG_WAITALL) == b"hello"
        udp.sendto(b"hi", udp.getsockname())
    assert "The client sent 5 bytes, the server answered with 5 bytes, udp sent 2 bytes." in timeline.caption()
