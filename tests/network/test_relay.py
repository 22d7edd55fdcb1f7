"""netlab.Link and a server's timers, where they once broke: each of these failed before its mending."""
import socket
import sys
import threading

import pytest
from stress_link import shout, udp

import netlab
from netlab import kernel
from netlab.network import inside, relay
from netlab.network.fates import Impairment, Line

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def receiver():
    with udp() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock


def test_calls_that_many_threads_set_at_once_all_come(receiver):
    came, before = [], sys.getswitchinterval()
    with netlab.Link(receiver.getsockname()) as link:
        def many():
            for n in range(3000):
                link.later(n % 7 / 1000, lambda: came.append(1))
        threads = [threading.Thread(target=many) for _ in range(4)]
        sys.setswitchinterval(1e-6)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(before)
        kernel.wait_until(lambda: len(came) == 12_000)


def test_a_call_that_sets_itself_again_holds_nobody_up():
    with netlab.serve_udp(shout) as server, udp() as client:
        def again():
            calls.append(server.later(0, again))
        calls = []
        server.later(0, again)
        kernel.wait_until(lambda: len(calls) > 9)
        client.sendto(b"x", server.address)
        assert client.recv(10) == b"X"


def test_a_call_later_than_the_system_can_wait_is_refused(receiver):
    with netlab.Link(receiver.getsockname()) as link, \
            pytest.raises(ValueError, match="at most 1,000,000 and 0 or more, not 5000000"):
        link.later(5_000_000, print)


def test_an_error_in_the_links_thread_is_told_and_nobody_waits_for_ever(receiver):
    with pytest.raises(ZeroDivisionError), netlab.Link(receiver.getsockname()) as link:
        assert link._engine.in_thread(lambda: 1 / 0) is None


def test_what_a_forgotten_client_has_on_its_way_still_comes(receiver, monkeypatch):
    monkeypatch.setattr(relay, "CLIENTS", 2)
    with netlab.Link(receiver.getsockname(), delay=50) as link, udp() as one, udp() as two, udp() as three:
        for word, client in ((b"1", one), (b"2", two), (b"1 again", one), (b"3", three)):
            client.sendto(word, link.address)
        assert receiver.recv(10) == b"2"            # the one that was silent the longest
        kernel.wait_until(lambda: [p.fate for p in link.passed_now()][:3] == ["on its way", "arrived", "on its way"])


def test_answers_for_clients_that_are_forgotten_meanwhile_break_nothing(receiver, monkeypatch):
    monkeypatch.setattr(relay, "CLIENTS", 2)
    with netlab.Link(receiver.getsockname()) as link, udp() as one, udp() as two, udp() as three, udp() as four:
        for client in (one, two):
            client.sendto(b"x", link.address)
        addresses = [receiver.recvfrom(10)[1] for _ in range(2)]

        def at_once():
            for client in (three, four):
                client.sendto(b"y", link.address)
            for address in addresses:
                receiver.sendto(b"answer", address)
        link.later(0, at_once)
        assert receiver.recv(10) == receiver.recv(10) == b"y" and link.still() and link.running
        one.sendto(b"z", link.address)
        assert receiver.recv(10) == b"z"


def test_of_what_is_lost_only_the_beginning_is_kept(receiver):
    with netlab.Link(receiver.getsockname(), loss=1) as link, udp() as sender:
        sender.sendto(bytes(5000), link.address)
        assert [(p.size, p.fate) for p in link.passed] == [(5000, "lost")]
        assert len(link._engine.items[0].data) == relay.BEGINNING


def test_where_no_way_leads_all_is_lost_and_the_link_goes_on():
    with netlab.Link(("255.255.255.255", 9)) as link, udp() as sender:
        for _ in range(3):
            sender.sendto(b"x", link.address)
        assert [p.fate for p in link.passed] == ["lost"] * 3 and link.running


def test_a_name_is_looked_up_at_once(receiver, monkeypatch):
    with netlab.Link(("localhost", receiver.getsockname()[1])) as link, udp() as sender:
        sender.sendto(b"x", link.address)
        assert receiver.recv(10) == b"x"

    def nobody(name):
        raise socket.gaierror(socket.EAI_NONAME, name)
    monkeypatch.setattr(socket, "gethostbyname", nobody)
    with pytest.raises(socket.gaierror, match="nobody.invalid"):
        netlab.Link(("nobody.invalid", 5))


def test_within_a_host_of_a_network_it_says_what_to_do():
    token = inside._here.set(("a host",))
    with pytest.raises(ValueError, match="not in a Network: there a cable can be bad"):
        netlab.Link(("127.0.0.1", 5))
    inside._here.reset(token)


def test_a_stopped_link_can_be_cleared(receiver):
    with netlab.Link(receiver.getsockname()) as link, udp() as sender:
        sender.sendto(b"x", link.address)
        assert receiver.recv(10) and link.still()
    link.clear()
    assert link.passed == []


def test_its_own_thread_does_not_wait_for_itself(receiver):
    with netlab.Link(receiver.getsockname(), delay=50) as link, udp() as sender:
        sender.sendto(b"x", link.address)
        kernel.wait_until(link.passed_now)
        found = []
        link.later(0, lambda: found.append(link.still(60)))
        kernel.wait_until(lambda: found == [False])


def test_rewind_loses_nothing_and_tcp_goes_on(receiver):
    def forget(dice):
        return link._engine.in_thread(lambda: link._engine.forget(dice))        # as rewind() after its second of patience
    with netlab.Link(receiver.getsockname(), delay=50) as link, udp() as client:
        client.sendto(b"1", link.address)
        kernel.wait_until(link.passed_now)
        forget(True)
        assert receiver.recv(10) == b"1"
    with netlab.serve(netlab.echo) as server, netlab.Link(server, delay=.05) as link:
        with socket.create_connection(link.address, 5) as client:
            client.sendall(b"x")
            kernel.wait_until(link.passed_now)
            forget(True)
            assert client.recv(10) == b"x" and link.still()


def test_what_is_unread_may_still_overtake(receiver, monkeypatch):
    monkeypatch.setattr(relay, "AT_ONCE", 1)
    seed = next(s for s in range(99) if [Impairment(reorder=.5, seed=s).fate(n, "client 1 to the server").behind
                                         for n in (1, 2)] == [1, 0])
    with netlab.Link(receiver.getsockname(), reorder=.5, seed=seed) as link, udp() as sender:
        def both():
            for word in (b"1", b"2"):
                sender.sendto(word, link.address)
            link.later(0, link.still)       # comes when the first has been read, and the second not
        link.later(0, both)
        assert [receiver.recv(10) for _ in range(2)] == [b"2", b"1"]


def test_what_is_held_back_does_not_overtake_what_was_slower():
    bad = Impairment(delay=1)
    line = Line(bad)
    line.put("first", 0)
    bad.delay, bad.reorder = 0, 1
    line.put("second", .1)
    assert line.take(99) == ["first", "second"]


def test_a_copy_that_cannot_be_sent_does_not_undo_the_first(receiver):
    with netlab.Link(receiver.getsockname(), duplicate=1) as link:
        def send(data, sent=[]):        # noqa: B006 (it remembers)
            sent.append(data)
            if len(sent) > 1:
                raise OSError("no room")
        way = relay._Way(1, "server", link._engine.impairment, send)
        link._engine.in_thread(lambda: link._engine.put(way, b"x"))
        assert [(p.fate, p.came) for p in link.passed] == [("arrived", (1,))]


def test_a_reset_is_never_taken_for_an_end():
    with socket.create_server(("127.0.0.1", 0)) as listener, netlab.Link(listener.getsockname(), type=socket.SOCK_STREAM) as link:
        for _ in range(30):             # it comes while the link still has something to send there
            with socket.create_connection(link.address, 5) as client:
                conn, _ = listener.accept()
                client.sendall(bytes(3000))
                conn.recv(10)
                client.sendall(bytes(3000))
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, relay.RESET)
                conn.close()
                with pytest.raises(ConnectionError):
                    client.sendall(bytes(3000))
                    client.recv(10)


def test_watch_sees_the_learners_sockets_alone():
    with netlab.watch() as timeline:
        with netlab.serve(netlab.upper) as server, netlab.Link(server) as link, socket.create_connection(link.address) as client:
            client.sendall(b"x")
            assert client.recv(10) == b"X"
    text = timeline.text()
    assert "TCP_NODELAY" not in text and text.count(" close()") == 3 and "connect(server)" in text


def test_a_link_behind_a_link_is_in_the_timeline_too():
    timeline = netlab.Timeline()
    with netlab.serve_udp(shout, timeline=timeline) as server, netlab.Link(server) as near, netlab.Link(near) as far:
        with timeline.socket(type=socket.SOCK_DGRAM) as client:
            client.sendto(b"tea", far.address)
            client.recv(10)
    assert 'sendto(b"tea", server)' in timeline.text() and 'recvfrom → b"tea", client' in timeline.text()


def test_cuts_and_their_fates_are_the_seeds_however_the_bytes_come():
    def cuts(pieces):
        with socket.create_server(("127.0.0.1", 0)) as listener, netlab.Link(
                listener.getsockname(), type=socket.SOCK_STREAM, rechunk=20, loss=.02, seed=4) as link:
            with socket.create_connection(link.address, 5) as client, listener.accept()[0] as conn:
                for piece in pieces:
                    before = len(link.passed_now())
                    client.sendall(piece)
                    kernel.wait_until(lambda: len(link.passed_now()) > before)
                conn.recv(400, socket.MSG_WAITALL)
                assert link.still()
                at, fates = 0, {}
                for p in link.passed:
                    fates.update(dict.fromkeys(range(at, at + p.size), p.fate))
                    at += p.size
                return {sum(p.size for p in link.passed[:n]) for n in range(len(link.passed) + 1)}, fates
    whole, fates = cuts([bytes(400)])
    pieces, same = cuts([bytes(150), bytes(7), bytes(243)])
    assert whole < pieces <= whole | {150, 157} and fates == same and set(fates.values()) == {"arrived", "late"}


def test_a_shorter_rechunk_holds_at_once():
    with netlab.Link(("127.0.0.1", 5), type=socket.SOCK_STREAM, rechunk=100_000) as link:
        way = relay._Way(1, "server", link._engine.impairment, None)
        assert list(link._engine.pieces(way, b"x")) == [b"x"] and way.left > 5
        link.rechunk = 5
        assert max(map(len, link._engine.pieces(way, bytes(100)))) <= 5
