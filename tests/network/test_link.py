"""netlab.Link: what it does to datagrams and to streams, on loopback, and that it ends."""
import gc
import itertools
import re
import socket
import threading
import time

import pytest
import stress_link as stress
from stress_link import shout, udp

import netlab
from netlab import diagram, kernel
from netlab.network.fates import Impairment
from netlab.network.relay import AGAIN, CLIENTS
from netlab.style import NARROW

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_a_whole_link_is_as_if_it_were_not_there():
    with netlab.serve_udp(shout) as server, netlab.Link(server) as link, udp() as client:
        client.sendto(b"tea", link.address)
        assert client.recvfrom(100) == (b"TEA", link.address)
        assert [(p.client, p.toward, p.number, p.data, p.size, p.fate, p.came) for p in link.passed] == [
            (1, "server", 1, b"tea", 3, "arrived", (1,)), (1, "client", 1, b"TEA", 3, "arrived", (1,))]
        assert link.running and link.address == (link.host, link.port) and link.host == "127.0.0.1" != server.port
    assert not link.running


def test_the_seed_decides_and_nothing_else():
    first = stress.outcome(7)
    assert stress.same(40) == 40
    with stress.busy(2):
        assert stress.same(20) == 20
    assert stress.outcome(8) != first


def test_the_fates_are_those_of_the_cables():
    bad = Impairment(.2, .2, .3, seed=3)
    came, passed = stress.outcome(3, 50)
    fates = [bad.fate(n, "client 1 to the server") for n in range(1, 51)]
    assert [len(places) for _, _, places in passed] == [fate.copies for fate in fates]
    assert {number - 1 for number, fate, _ in passed if fate == "lost"} == set(range(50)) - set(came)
    order = sorted((place, number - 1) for number, _, places in passed for place in places)
    assert came == [number for _, number in order] and [place for place, _ in order] == list(range(1, len(came) + 1))
    highest = 0
    for place, number in order:         # overtaken: one that was sent later had come out before
        first_time = passed[number][2][0] == place
        assert (passed[number][1] == "overtaken") <= (number < highest)
        assert not (first_time and len(passed[number][2]) == 1) or (passed[number][1] == "overtaken") == (number < highest)
        highest = max(highest, number)


def test_each_client_and_each_direction_has_its_own_dice():
    def run(order):
        with netlab.serve_udp(shout) as server, netlab.Link(server, loss=.5, seed=1) as link, udp() as one, udp() as two:
            for client in (one, two):       # their turn is that of their first datagram
                client.sendto(b"first", link.address)
            for n in order:
                (one, two)[n].sendto(b"%d" % n, link.address)
            kernel.wait_until(lambda: link.still() and len([p for p in link.passed if p.toward == "client"]) >= len(
                [p for p in link.passed if p.toward == "server" and p.came]))
            return sorted((p.client, p.toward, p.number, p.fate) for p in link.passed)
    assert run([0, 1] * 10) == run([0] * 10 + [1] * 10)


def test_rewind_begins_the_same_fates_again_and_clear_does_not():
    with udp() as receiver, udp() as sender:
        receiver.bind(("127.0.0.1", 0))
        with netlab.Link(receiver.getsockname(), loss=.3, duplicate=.3, reorder=.3, seed=5) as link:
            def burst():
                for n in range(12):
                    sender.sendto(b"%d" % n, link.address)
                return [(p.number, p.fate, p.came) for p in link.passed]
            first = burst()
            assert len(burst()) == 24
            link.rewind()
            assert burst() == first
            link.clear()
            again = burst()
            assert [number for number, *_ in again] == list(range(13, 25))
            assert min(place for _, _, places in again for place in places) == 1


def test_values_change_while_it_runs_and_bad_ones_are_told():
    with udp() as receiver, udp() as sender:
        receiver.bind(("127.0.0.1", 0))
        with netlab.Link(receiver.getsockname()) as link:
            link.loss = 1
            sender.sendto(b"lost", link.address)
            assert [p.fate for p in link.passed] == ["lost"]
            link.loss = 0
            sender.sendto(b"came", link.address)
            assert receiver.recv(100) == b"came" and link.loss == 0
            with pytest.raises(ValueError, match="loss is a share, from 0 to 1, not 2"):
                link.loss = 2
            with pytest.raises(AttributeError, match="and no los"):
                link.los = 1
            with pytest.raises(AttributeError, match="a link has no speed"):
                link.speed
            with pytest.raises(ValueError, match="rechunk is the longest piece"):
                link.rechunk = -1


@pytest.mark.parametrize("to, more, error, words", [
    ("127.0.0.1", {}, TypeError, "a link leads to a Server, or to an address such as"),
    (("127.0.0.1", 0), {}, ValueError, "port 0 is out of range: 1 to 65535"),
    (("127.0.0.1", 5), {"type": socket.SOCK_RAW}, ValueError, "SOCK_DGRAM or SOCK_STREAM"),
    (("127.0.0.1", 5), {"loss": -1}, ValueError, "loss is a share"),
    (("127.0.0.1", 5), {"rechunk": 1.5}, ValueError, "not 1.5"),
    (("127.0.0.1", 5), {"timeline": 5}, TypeError, "timeline must be a netlab.Timeline, not 5"),
    (("127.0.0.1", 5), {"host": "192.0.2.77"}, OSError, "assign|address|valid")])
def test_bad_arguments_are_told_and_nothing_is_left(to, more, error, words):
    with pytest.raises(error, match=words):
        netlab.Link(to, **more)


def test_delay_is_each_way_and_keeps_the_order():
    with netlab.serve_udp(shout) as server, netlab.Link(server, delay=.05) as link, udp() as client:
        begun = time.monotonic()
        for n in range(5):
            client.sendto(b"%d" % n, link.address)
        assert [client.recv(10) for _ in range(5)] == [b"%d" % n for n in range(5)]
        assert .1 <= time.monotonic() - begun < 2


def test_what_is_held_back_comes_though_nothing_overtakes_it():
    with netlab.serve_udp(shout) as server, netlab.Link(server, reorder=1) as link, udp() as client:
        client.sendto(b"alone", link.address)
        assert client.recv(10) == b"ALONE"
        assert [p.fate for p in link.passed] == ["arrived"] * 2


def test_datagrams_of_every_kind_of_size_pass():
    stress.every_size([0, 1, 511, 1472, 1473, 9000, 65506, 65507])


def test_nobody_at_the_other_end_and_the_next_one_comes():
    with udp() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    with netlab.Link(address) as link, udp() as client:
        client.sendto(b"to nobody", link.address)
        link.still()
        with netlab.serve_udp(shout, port=address[1]):
            for word in (b"one", b"two"):
                client.sendto(word, link.address)
                assert client.recv(10) == word.upper()


def test_more_clients_than_it_remembers():
    with netlab.serve_udp(shout) as server, netlab.Link(server) as link:
        for n in range(CLIENTS + 20):
            with udp() as client:
                client.sendto(b"%d" % n, link.address)
                assert client.recv(10) == b"%d" % n
        assert len(link._engine.flows) == CLIENTS and len(link.passed) == 2 * (CLIENTS + 20)


@pytest.mark.skipif(not kernel.LINUX, reason="only Linux counts what it throws away")
def test_what_comes_too_fast_is_told():
    with udp() as receiver, udp() as sender:
        receiver.bind(("127.0.0.1", 0))
        with netlab.Link(receiver.getsockname()) as link:
            gate, inside = threading.Event(), threading.Event()
            link.later(0, lambda: inside.set() or gate.wait(10))        # the link is busy meanwhile
            inside.wait(5)
            for _ in range(5000):
                sender.sendto(bytes(1000), link.address)
            gate.set()
            passed = link.passed
            assert 0 < link.overflowed == 5000 - len(passed)
            shown = link._repr_mimebundle_()
            assert f"{link.overflowed:,} more came too fast" in link.text() == shown["text/plain"]
            assert f"{link.overflowed:,} more came too fast" in shown["text/html"]


def test_a_timeline_shows_it_as_if_the_link_were_not_there():
    timeline = netlab.Timeline()
    with netlab.serve_udp(shout, timeline=timeline) as server, netlab.Link(server) as link:
        with timeline.socket(type=socket.SOCK_DGRAM) as client:
            client.sendto(b"tea", link.address)
            client.recv(10)
    text = timeline.text()
    assert 'sendto(b"tea", server)' in text and 'recvfrom → b"tea", client' in text and str(link.port) not in text
    timeline = netlab.Timeline()
    with netlab.serve(netlab.upper, timeline=timeline) as server, netlab.Link(server) as link, timeline.socket() as client:
        client.connect(link.address)
        client.sendall(b"tea")
        client.recv(10)
    text = timeline.text()
    assert "connect(server)" in text and "a client came" in text and str(link.port) not in text


# TCP

def talk(link, data):
    """All that comes back of these bytes, to the end."""
    with socket.create_connection(link.address, 10) as client:
        threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR))).start()
        came = b""
        while piece := client.recv(65536):
            came += piece
    return came


@pytest.mark.parametrize("bad", [{}, {"delay": .01}, {"rechunk": 5}, {"loss": .1, "duplicate": .5, "reorder": .5, "rechunk": 40}],
                         ids=str)
def test_a_stream_keeps_each_byte_and_its_order(bad):
    data = b"".join(b"%d " % n for n in range(100))
    with netlab.serve(netlab.echo) as server, netlab.Link(server, **bad) as link:
        assert talk(link, data) == data
        for toward in ("server", "client"):
            assert b"".join(p.data for p in link.passed if p.toward == toward) == data


def test_ten_megabytes_pass():
    data = bytes(range(256)) * 40_000
    with netlab.serve(netlab.echo) as server, netlab.Link(server) as link:
        assert talk(link, data) == data


def test_where_a_stream_is_cut_the_seed_decides():
    def cuts():
        with netlab.serve(netlab.echo) as server, netlab.Link(server, rechunk=6, seed=2) as link:
            talk(link, b"x" * 100)
            return [p.size for p in link.passed if p.toward == "server"]
    assert cuts() == cuts() and max(cuts()) <= 6 and sum(cuts()) == 100


def test_a_lost_chunk_is_late_and_all_behind_it_wait():
    seed = next(s for s in range(99) if [Impairment(.5, seed=s).fate(n, f"client 1 to the server{again}").copies
                                         for n, again in ((1, ""), (1, " again"), (2, ""))] == [0, 1, 1])
    with socket.create_server(("127.0.0.1", 0)) as listener, netlab.Link(
            listener.getsockname(), type=socket.SOCK_STREAM, loss=.5, seed=seed) as link:
        with socket.create_connection(link.address) as client, listener.accept()[0] as conn:
            begun = time.monotonic()
            client.sendall(b"one")
            kernel.wait_until(lambda: link.passed_now())
            client.sendall(b"two")
            assert conn.recv(10)[:3] == b"one" and time.monotonic() - begun >= AGAIN
            kernel.wait_until(lambda: [p.fate for p in link.passed_now()] == ["late", "arrived"])


def test_half_close_passes_the_link():
    with netlab.serve(netlab.upper) as server, netlab.Link(server) as link:
        with socket.create_connection(link.address, 5) as client:
            client.sendall(b"a")
            client.shutdown(socket.SHUT_WR)
            assert client.recv(10) == b"A" and client.recv(10) == b""


def test_a_reset_passes_the_link_both_ways():
    with socket.create_server(("127.0.0.1", 0)) as listener, netlab.Link(listener.getsockname(), type=socket.SOCK_STREAM) as link:
        for gone in (0, 1):
            client = socket.create_connection(link.address, 5)
            conn, _ = listener.accept()
            conn.settimeout(5)
            ends = [client, conn]
            ends[gone].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            ends[gone].close()
            with pytest.raises(ConnectionResetError):
                ends[1 - gone].recv(10)
            ends[1 - gone].close()


def test_nobody_listens_behind_the_link():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = listener.getsockname()
    with netlab.Link(address, type=socket.SOCK_STREAM) as link, pytest.raises(ConnectionResetError):
        with socket.create_connection(link.address, 5) as client:       # it may come as early as this
            client.recv(10)


# its end

@pytest.mark.parametrize("serve, handler", [(netlab.serve_udp, shout), (netlab.serve, netlab.echo)])
@pytest.mark.parametrize("end", ["stop", "stop_all", "forget"])
def test_it_ends_with_all_that_it_has(serve, handler, end):
    with serve(handler) as server:
        link = netlab.Link(server, delay=1)
        with socket.socket(type=server.socket.type) as client:
            client.connect(link.address)
            client.sendall(b"x")
            kernel.wait_until(lambda: link.passed_now())
            begun = time.monotonic()
            if end == "stop":
                link.stop()
            elif end == "stop_all":
                netlab.stop_all()
            else:
                del link
                gc.collect()
            assert time.monotonic() - begun < 1.5


def test_what_is_on_its_way_comes_when_the_link_stops():
    with udp() as receiver, udp() as sender:
        receiver.bind(("127.0.0.1", 0))
        with netlab.Link(receiver.getsockname(), delay=5, reorder=1) as link:
            sender.sendto(b"late", link.address)
            kernel.wait_until(lambda: link.passed_now())
        assert receiver.recv(10) == b"late" and link.passed[0].fate == "arrived"


def test_many_links_leave_nothing():
    assert max(stress.open_and_close(30)) <= 0


@pytest.mark.parametrize("type", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_an_interrupt_anywhere_leaves_nothing(type):
    assert stress.interrupt(50, [stress.stress_servers.again], type) > 500


@pytest.mark.parametrize("seed", [6, 9, 20])
def test_no_label_of_a_picture_lies_on_another(seed):
    timeline = netlab.Timeline()
    with timeline.socket(type=socket.SOCK_DGRAM) as receiver, timeline.socket(type=socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        with netlab.Link(receiver.getsockname(), duplicate=.5, reorder=.5, seed=seed, timeline=timeline) as link:
            for word in (b"tea", b"salt", b"rice"):
                sender.sendto(word, link.address)
            for _ in range(sum(len(p.came) for p in link.passed)):
                receiver.recv(100)
    for width in (NARROW, 760):
        drawn = diagram.svg(timeline.story(), width=width)
        pills = [list(map(float, found)) for found in
                 re.findall(r'<rect [^>]*?x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="18"', drawn)]
        assert pills
        for (x, y, wide, *_), (a, b, w, *_) in itertools.combinations(pills, 2):
            assert abs(y - b) >= 18 or x + wide <= a or a + w <= x, width
