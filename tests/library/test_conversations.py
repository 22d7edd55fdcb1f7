"""A few runs of each kind of conversation; `stress_conversations.py` makes hundreds, with the machine busy."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace

import bench_story
import conversations_of_many  # noqa: F401 (adds its kinds)
import conversations_other  # noqa: F401
import pytest
from conversations import KINDS, NO_UNIX, listening, visit

import netlab
from netlab import diagram
from netlab.events import RECEIVES, SENDS
from netlab.story import tell
from netlab.words import port_of

RUNS = 5


def recorded(run):
    timeline = netlab.Timeline()
    run(timeline)
    return timeline


def test_there_are_many_kinds():
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 46
    assert all(kind.differs == "" or len(kind.differs) > 10 for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_story_is_whole_and_one_where_the_data_flow_is_fixed(kind):
    if kind.missing:
        pytest.skip(kind.missing)
    texts = set()
    for _ in range(RUNS):
        timeline = recorded(kind.run)
        story = timeline.story()
        assert sum(row.phase != "start" for row in story.rows) == len(timeline.events) > 0
        if kind.name != "watches_inside_each_other":        # there the clients are another timeline's
            _check_causes(story.rows)
        texts.add(timeline.text())
    if not kind.differs:
        assert len(texts) == 1, "\n\n".join(sorted(texts))


def _check_causes(rows):
    """Nothing is told before what it needs; no connect stands above the listen that it needs."""
    listens = {}
    for n, row in enumerate(rows):
        e = row.event
        if e.method == "listen":
            listens.setdefault(port_of(e.local), n)
        assert all(cause < n for cause in row.causes), f"{row.who}: {row.call} is told before its cause"
        if e.method == "connect" and not row.failed and row.phase != "finish" and row.endpoint.kind == "stream":
            assert port_of(e.address) in listens, f"{row.who}: {row.call} is told before the server listens"
        if e.method in RECEIVES and e.size and row.phase != "start" and not row.failed:
            assert row.causes, f"{row.who}: {row.call} took bytes that nobody sent"
            assert all(rows[c].event.method in SENDS for c in row.causes)


# --- faults that there were, made to happen -------------------------------------------------------------------------

@pytest.mark.parametrize("kinds", [("client", "client"), ("Thread-1 (visit)", "Thread-2 (visit)")])
def test_threads_of_one_name_are_told_by_what_they_do_not_by_who_was_first(kinds):
    texts = set()
    for first, second in ((0, 1), (1, 0)) if kinds[0] == kinds[1] else ((0, 1), (0, 1)):
        timeline = netlab.Timeline()
        with netlab.serve(netlab.upper, name="one", timeline=timeline) as one, \
                netlab.serve(netlab.upper, name="two", timeline=timeline) as two:
            for n in (first, second):       # one after the other, so that it is sure who was first
                thread = threading.Thread(target=visit, args=(timeline, (one, two)[n].address), name=kinds[n])
                thread.start()
                thread.join()
        texts.add(timeline.text())
    assert len(texts) == 1, "\n\n".join(texts)


@pytest.mark.parametrize("name", ["handler", "pool_{}"])
def test_handlers_are_told_in_the_order_of_their_clients(name):
    texts = set()
    for order in ((0, 1, 2), (2, 0, 1)):
        timeline = netlab.Timeline()
        with listening(timeline) as listener:
            pairs = []
            for _ in range(3):
                client = timeline.socket()
                client.connect(listener.getsockname())
                pairs.append((client, listener.accept()[0]))
                client.sendall(b"x")
            for n, k in enumerate(order):
                thread = threading.Thread(target=pairs[k][1].recv, args=(1,), name=name.format(n))
                thread.start()
                thread.join()
            for pair in pairs:
                for end in pair:
                    end.close()
        texts.add(timeline.text())
    assert len(texts) == 1, "\n\n".join(texts)


def test_a_port_used_again_by_chance_changes_nothing():
    texts = set()
    for again in (False, True):
        timeline, port = netlab.Timeline(), 0
        for _ in range(2):
            with netlab.serve(netlab.upper, port=port, timeline=timeline) as server:
                thread = threading.Thread(target=visit, args=(timeline, server.address), name="client")
                thread.start()
                thread.join()
            port = server.port if again else 0
        rows = timeline.story().rows
        assert [row.call for row in rows if row.event.method == "connect"] == ["connect(server 1)", "connect(server 2)"]
        texts.add("\n".join(f"{row.who}: {row.call} {row.result}" for row in rows if row.event.method != "bind"))
    assert len(texts) == 1, "\n\n".join(texts)


def test_one_number_is_two_ports_one_of_tcp_and_one_of_udp():
    timeline = netlab.Timeline()
    with netlab.serve(netlab.upper, timeline=timeline) as tcp, \
            netlab.serve_udp(lambda data, address: data, port=tcp.port, timeline=timeline):
        visit(timeline, tcp.address)
        with timeline.socket(type=socket.SOCK_DGRAM) as client:
            client.sendto(b"hello", tcp.address)
            client.recv(5)
    calls = [row.call for row in timeline.story().rows if row.who.startswith("client") and row.event.address]
    assert calls == ["connect(server 1)", 'sendto(b"hello", server 2)']


def test_calls_noted_out_of_turn_are_not_taken_for_forgotten_ones():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"x")
        b.recv(1)
    timeline.log[0], timeline.log[1] = timeline.log[1], timeline.log[0]     # b's thread was faster with its note
    assert "older" not in timeline.text()


def test_two_writers_noted_out_of_turn_keep_their_own_bytes():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"first")
        thread = threading.Thread(target=a.sendall, args=(b"second",))
        thread.start()
        thread.join()
        b.recv(5)
        b.recv(6)
    events, ends = timeline._noted(), timeline._ends
    events[:2] = replace(events[1], offset=0), replace(events[0], offset=6)     # the second noted its call first
    for row in (rows := tell(events, ends).rows):
        if row.event.method == "recv" and row.phase != "start":
            assert [rows[c].event.data for c in row.causes] == [row.event.data]


@pytest.mark.skipif(bool(NO_UNIX), reason=NO_UNIX or "-")
def test_clients_without_an_address_are_told_apart_by_what_they_say(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    timeline = netlab.Timeline()
    with listening(timeline, address="door", family=socket.AF_UNIX) as listener:
        clients = [timeline.socket(socket.AF_UNIX) for _ in range(2)]
        for n, client in enumerate(clients):
            client.connect("door")
            client.sendall(b"%d" % n)
        for client in clients:
            with listener.accept()[0] as conn:
                conn.recv(1)
            client.close()
    events = timeline._noted()
    first, second = (n for n, e in enumerate(events) if e.method == "connect")
    events[first], events[second] = events[second], events[first]       # as two threads might note them
    rows = tell(events, timeline._ends).rows
    for row in rows:
        if row.event.method == "recv":
            assert [rows[c].event.data for c in row.causes] == [row.event.data]


def test_a_datagram_that_begins_like_a_lost_one_was_not_cut_off():
    timeline = netlab.Timeline()
    with timeline.socket(type=socket.SOCK_DGRAM) as a, timeline.socket(type=socket.SOCK_DGRAM) as b:
        a.bind(("127.0.0.1", 0))
        for word in (b"hello world", b"hello"):
            b.sendto(word, a.getsockname())
        a.recvfrom(100)
        a.recvfrom(100)
    events = [e for e in timeline._noted() if e.data != b"hello world" or e.method == "sendto"]     # it was lost
    story = tell(events, timeline._ends)
    assert [row.event.data for row in story.rows if row.lost] == [b"hello world"]
    assert not any("did not fit" in row.note for row in story.rows)


def test_what_a_connected_udp_socket_sends_is_received():
    timeline = netlab.Timeline()
    with netlab.serve_udp(lambda data, address: data, timeline=timeline) as server:
        with timeline.socket(type=socket.SOCK_DGRAM) as client:
            client.connect(server.address)
            client.send(b"hello")
            client.recv(5)
    assert "not received" not in timeline.text()


# --- growth ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", bench_story.CASES, ids=lambda case: case.__name__)
def test_twice_the_calls_take_about_twice_the_work(case):
    counts = []
    for calls in (1000, 2000):
        events, ends = case(calls)
        story = tell(events, ends)
        counts.append(bench_story.lines_run(lambda: (tell(events, ends), diagram.text(story), diagram.svg(story))))
    assert counts[1] / counts[0] < 2.3, counts
