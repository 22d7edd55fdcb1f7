"""Datagrams that are lost, doubled, overtaken, empty: each receive is told to come from a send with its bytes, sent before."""
import contextlib
import socket
import time
from random import Random

import pytest

import netlab
from netlab.events import RECEIVES, SENDS

UDP = socket.SOCK_DGRAM
plain = socket.socket       # its methods work on a recording socket too, and record nothing


@contextlib.contextmanager
def pair(**more):
    """(timeline, sender, receiver), two UDP sockets with addresses of their own."""
    timeline = netlab.Timeline(**more)
    with timeline.socket(type=UDP, name="a") as a, timeline.socket(type=UDP, name="b") as b:
        for sock in (a, b):
            sock.bind(("127.0.0.1", 0))
            sock.settimeout(5)
        yield timeline, a, b


def relay(sender, receiver, sent, fates):
    """A bad link by hand: takes the datagrams that lie at the receiver, and puts those that `fates` gives in their place."""
    plain.setblocking(receiver, False)
    held = []
    with contextlib.suppress(BlockingIOError):
        while True:
            held.append(plain.recv(receiver, 2048))
    receiver.settimeout(5)
    assert held == sent
    came = fates(held)
    for data in came:
        plain.sendto(sender, data, receiver.getsockname())
    return came


def told(timeline):
    """[(receive, its causes)] of a story, as rows, in the order noted."""
    rows = timeline.rows()
    found = [(row, [rows[c] for c in row.causes if rows[c].event.method in SENDS]) for row in rows
             if row.event.method in RECEIVES and not row.failed and row.phase != "start"]
    return sorted(found, key=lambda each: each[0].event.index)


def test_one_that_comes_twice_has_its_send_twice_and_the_row_says_so():
    with pair() as (timeline, a, b):
        a.sendto(b"tea", b.getsockname())
        relay(a, b, [b"tea"], lambda held: held * 2)
        b.recvfrom(100)
        b.recvfrom(100)
    (first, one), (second, two) = told(timeline)
    assert one == two and len(one) == 1 and first.note == "" and second.note == "came again"
    assert "recvfrom(100) → b\"tea\", a   (came again; from 5)" in timeline.text()
    assert timeline.caption().endswith("One datagram came again.") and "not received" not in timeline.text()
    assert timeline.svg().count(">came again</tspan>") == 1 and timeline.svg().count(">3 bytes</text>") == 2


@pytest.mark.parametrize("take", [lambda sock: sock.recv(100), lambda sock: sock.recvfrom_into(bytearray(100)),
                                  lambda sock: sock.recv(3), lambda sock: sock.recv(2)])
def test_however_it_is_received(take):
    with pair() as (timeline, a, b):
        a.sendto(b"tea", b.getsockname())
        relay(a, b, [b"tea"], lambda held: held * 3)
        for _ in range(3):
            take(b)
    found = told(timeline)
    assert len({id(causes[0]) for _, causes in found}) == 1 and [len(causes) for _, causes in found] == [1, 1, 1]
    short = ["without 1 byte that did not fit"] * (found[0][0].event.size == 2)
    assert [row.note for row, _ in found] == [", ".join(said + short) for said in ([], ["came again"], ["came again"])]


def test_what_is_sent_later_is_not_what_came_before_though_its_bytes_are_the_same():
    with pair() as (timeline, a, b):
        for _ in range(3):
            a.sendto(b"tea", b.getsockname())
            relay(a, b, [b"tea"], lambda held: held * 2)
            b.recvfrom(100)
            b.recvfrom(100)
    assert [row.note for row, _ in told(timeline)] == ["", "came again"] * 3
    assert "Three datagrams came again." in timeline.caption()


def test_in_another_thread_too():
    timeline = netlab.Timeline()
    with netlab.serve_udp(lambda data, address: data.upper(), timeline=timeline) as server:
        with timeline.socket(type=UDP) as client:
            client.settimeout(5)
            for _ in range(20):
                client.sendto(b"tea", server.address)
                plain.sendto(client, b"tea", server.address)
                client.recvfrom(100)
                client.recvfrom(100)
    found = told(timeline)
    assert len(found) == 80 and all(len(causes) == 1 for _, causes in found)
    assert sum(row.note == "came again" for row, _ in found) == 20       # of the server's; it answered each
    assert timeline.caption().startswith("The client sent 60 bytes, the server answered with 120 bytes. ")
    assert timeline.caption().endswith(" 20 datagrams came again.")


def test_a_look_takes_nothing_and_is_no_second_time():
    with pair() as (timeline, a, b):
        a.sendto(b"tea", b.getsockname())
        relay(a, b, [b"tea"], lambda held: held * 2)
        for flags in (socket.MSG_PEEK, 0, socket.MSG_PEEK, 0):
            b.recvfrom(100, flags)
    found = told(timeline)
    assert [(row.note, len(causes)) for row, causes in found] == [("", 1), ("", 1), ("", 0), ("came again", 1)]


def test_somebody_elses_datagram_is_not_ours_again():
    with pair() as (timeline, a, b), socket.socket(type=UDP) as stranger:
        a.sendto(b"tea", b.getsockname())
        stranger.sendto(b"tea", b.getsockname())
        b.recvfrom(100)
        b.recvfrom(100)
    assert [(row.note, len(causes)) for row, causes in told(timeline)] == [("", 1), ("", 0)]


def test_an_empty_datagram_is_a_datagram():
    with pair() as (timeline, a, b):
        for _ in range(2):
            a.sendto(b"", b.getsockname())
        relay(a, b, [b"", b""], lambda held: [b""] * 3)
        for _ in range(3):
            b.recvfrom(100)
    found = told(timeline)
    assert [(row.note, len(causes)) for row, causes in found] == [("", 1), ("", 1), ("came again", 1)]
    assert not any(row.lost for row in timeline.rows()) and timeline.svg().count(">0 bytes</text>") == 3


@pytest.mark.parametrize("few", [True, False])
def test_200_random_runs(few):
    """With few different datagrams each may be any that has its bytes; where all differ, each is the very one."""
    again = 0
    for seed in range(100):
        dice = Random(f"{few} {seed}")
        with pair() as (timeline, a, b):
            number, true = 0, []
            for _ in range(dice.randint(1, 4)):
                sent = []
                for _ in range(dice.randint(1, 8)):
                    number += 1
                    sent.append(dice.choice([b"tea", b"salt", b"te", b""]) if few else b"%d" % number)
                    a.sendto(sent[-1], b.getsockname())

                def fates(held):
                    came = [data for data in held for _ in range(dice.choice([0, 1, 1, 1, 2, 3]))]
                    for n in range(len(came) - 1):
                        if dice.random() < .3:
                            came[n], came[n + 1] = came[n + 1], came[n]
                    return came

                for data in relay(a, b, sent, fates):
                    if dice.random() < .1:
                        b.recvfrom(100, socket.MSG_PEEK)
                    got = b.recvfrom(100)[0] if dice.random() < .5 else b.recv(100)
                    assert got == data
                    true.append(got)
        found = [(row, causes) for row, causes in told(timeline) if not row.event.peek]
        assert [row.event.data for row, _ in found] == true
        seen = set()
        for row, causes in found:
            assert len(causes) == 1, (seed, row)
            cause = causes[0].event
            assert cause.data == row.event.data and cause.index < row.event.index, (seed, row)
            assert (row.note == "came again") == (cause.index in seen), (seed, row)
            seen.add(cause.index)
            again += row.note == "came again"
        sends, lost = ({row.event.index for row in timeline.rows() if row.event.method in SENDS and (row.lost or every)}
                       for every in (True, False))
        assert lost == sends - seen, seed
    assert again > 100


@pytest.mark.parametrize("same", [True, False])
def test_ten_thousand_lost_are_told_soon(same):
    """10,000 to a port where nobody listens, and as many to a buffer that is soon full."""
    def data(n):
        return b"hello" if same else b"datagram %d" % n

    with socket.socket(type=UDP) as gone:
        gone.bind(("127.0.0.1", 0))
        nobody = gone.getsockname()
    with pair(limit=25_000) as (timeline, a, b):
        for n in range(10_000):
            with contextlib.suppress(ConnectionError):
                a.sendto(data(n), nobody)
        for n in range(10_000):
            a.sendto(data(n), b.getsockname())
        b.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                b.recvfrom(100)
    for show in (timeline.svg, timeline.text, timeline._repr_mimebundle_):
        times = []
        for _ in range(3):
            begun = time.process_time()
            show()
            times.append(time.process_time() - begun)
        assert min(times) < 2, show      # 0.3 seconds here
