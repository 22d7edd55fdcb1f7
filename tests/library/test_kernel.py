"""netlab.kernel: what the kernel says, against what was done to it."""
import os
import socket
import subprocess
import sys

import pytest
from conftest import need

from netlab import Network, kernel
from netlab.teach import machine

linux = pytest.mark.skipif(not kernel.LINUX, reason="these views are Linux's")


@pytest.fixture
def pair():
    """A listening socket, a client, and the accepted connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=3) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            conn, _ = listener.accept()
            with conn:
                yield listener, client, conn


def test_a_receive_queue_counts_what_nobody_took(pair):
    _, client, conn = pair
    assert kernel.receive_queue(conn) == 0
    client.sendall(b"x" * 13)
    kernel.wait_until(lambda: kernel.receive_queue(conn) == 13, what="13 bytes in the queue")
    conn.recv(5)
    assert kernel.receive_queue(conn) == 8


@linux
def test_a_send_queue_grows_when_the_peer_does_not_read(pair):
    _, client, conn = pair
    assert kernel.queues(client) == (0, 0)
    client.setblocking(False)
    sent = 0
    with pytest.raises(BlockingIOError):
        while True:
            sent += client.send(b"x" * 65536)
    kernel.wait_until(lambda: kernel.send_queue(client) + kernel.receive_queue(conn) == sent,
                      what="all bytes in one queue or the other")
    assert kernel.send_queue(client) > 0
    received = 0
    while received < sent:
        received += len(conn.recv(1 << 20))
    kernel.wait_until(lambda: kernel.queues(client) == (0, 0), what="an empty send queue")


@linux
def test_what_a_full_receive_buffer_drops_is_counted():
    with socket.socket(type=socket.SOCK_DGRAM) as sender, socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        assert kernel.dropped(receiver) == 0
        for _ in range(100):
            sender.sendto(bytes(200), receiver.getsockname())
        came = 0
        with pytest.raises(BlockingIOError):
            while receiver.recv(1000):
                came += 1
        assert 0 < came < 100 and kernel.dropped(receiver) == 100 - came
    assert kernel.dropped(receiver) is None and "closed" in kernel.why(kernel.dropped, receiver)


@linux
def test_states_from_listen_to_closed(pair):
    _, client, conn = pair
    assert [kernel.state(sock) for sock in pair] == ["LISTEN", "ESTABLISHED", "ESTABLISHED"]
    assert kernel.state(socket.socket()) == "CLOSED"
    local, remote = client.getsockname(), client.getpeername()
    client.shutdown(socket.SHUT_WR)
    kernel.wait_until(lambda: kernel.state(conn) == "CLOSE_WAIT", what="CLOSE_WAIT")
    kernel.wait_until(lambda: kernel.state(client) == "FIN_WAIT_2", what="FIN_WAIT_2")
    conn.close()
    client.close()
    assert kernel.state(client) == "CLOSED"
    kernel.wait_until(lambda: kernel.connection_state(local, remote) == "TIME_WAIT", what="TIME_WAIT")
    assert kernel.connection_state(remote, local) == "CLOSED"       # one end keeps it, not both


@linux
def test_a_connection_is_found_over_ipv6_too():
    need({one.name: one.works for one in machine.abilities()}["IPv6"], "no IPv6 here")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:
        with socket.create_connection(listener.getsockname()[:2]) as client:
            assert kernel.connection_state(client.getsockname(), client.getpeername()) == "ESTABLISHED"
            assert kernel.state(client) == "ESTABLISHED"


@linux
def test_tcp_info_counts_bytes_and_segments(pair):
    _, client, conn = pair
    client.sendall(b"x" * 100)
    kernel.wait_until(lambda: kernel.tcp_info(client).acked_bytes == 101, what="the acknowledgement")
    info = kernel.tcp_info(conn)
    assert (info.state, info.received_bytes, info.retransmitted_segments) == ("ESTABLISHED", 100, 0)
    assert info.mss_bytes > 500 and info.cwnd_segments > 0
    assert info.sent_segments >= 1 and info.received_segments >= 2
    with pytest.raises(AttributeError):
        info.state = "CLOSED"


@linux
def test_backlog_counts_those_not_accepted():
    with socket.create_server(("127.0.0.1", 0), backlog=3) as listener:
        assert kernel.backlog(listener) == (0, 3)
        waiting = [socket.create_connection(listener.getsockname()) for _ in range(2)]
        kernel.wait_until(lambda: kernel.backlog(listener) == (2, 3), what="two in the backlog")
        listener.accept()[0].close()
        assert kernel.backlog(listener) == (1, 3)
        for sock in waiting:
            sock.close()


def test_what_cannot_be_had_is_none_with_the_reason(pair):
    listener, client, _ = pair
    assert kernel.backlog(client) is None and "listening" in kernel.why(kernel.backlog, client)
    assert kernel.receive_queue(listener) is None
    assert "backlog()" in kernel.why(kernel.queues, listener)
    with socket.socket(type=socket.SOCK_DGRAM) as udp:
        assert kernel.state(udp) is None and kernel.why(kernel.state, udp) == "Only TCP has connection states."
        assert kernel.tcp_info(udp) is None and kernel.queues(udp) == (0, None)
    client.close()
    assert kernel.queues(client) == (None, None)
    assert "closed" in kernel.why(kernel.queues, client)
    assert kernel.why(kernel.state, client) == ""


def test_another_system_says_which_it_is(pair, monkeypatch):
    monkeypatch.setattr(kernel, "LINUX", False)
    monkeypatch.setattr(Network, "why", lambda: "A network of your own needs Linux.")
    monkeypatch.setattr(kernel, "SYSTEM", "Windows")
    _, client, _ = pair
    assert kernel.tcp_info(client) is None
    assert kernel.why(kernel.tcp_info, client) == "TCP_INFO is read on Linux only; this is Windows."
    assert kernel.backlog(client) is None and kernel.send_queue(client) is None


def test_psutil_gives_the_state_where_there_is_no_tcp_info(pair, monkeypatch):
    pytest.importorskip("psutil")
    monkeypatch.setattr(kernel, "LINUX", False)
    monkeypatch.setattr(Network, "why", lambda: "A network of your own needs Linux.")
    listener, client, _ = pair
    assert (kernel.state(listener), kernel.state(client)) == ("LISTEN", "ESTABLISHED")


def test_views_are_not_recorded():
    calls = []

    class Watched(socket.socket):
        def getsockopt(self, *args):
            calls.append(args)
            return super().getsockopt(*args)

        def fileno(self):
            calls.append("fileno")
            return super().fileno()

    with Watched() as sock:
        kernel.state(sock), kernel.queues(sock), kernel.tcp_info(sock), kernel.backlog(sock)
    assert calls == []


def test_wait_until_gives_the_answer_or_says_what_did_not_come():
    answers = iter([0, None, "yes"])
    assert kernel.wait_until(lambda: next(answers)) == "yes"
    with pytest.raises(TimeoutError, match="the moon did not come true within 0.01 seconds"):
        kernel.wait_until(lambda: False, 0.01, "the moon")


def test_abilities_are_tried_and_say_what_was_tried():
    found = machine.abilities()
    assert [one.name for one in found] == ["IPv6", "AF_UNIX", "TCP_INFO", "a network of your own",
                                           "several loopback addresses"]
    assert all(one.tried and "\n" not in one.tried for one in found)
    works = {one.name: one.works for one in found}
    if kernel.LINUX:
        assert works["TCP_INFO"] and works["AF_UNIX"] and works["several loopback addresses"]


def test_an_ability_that_is_missing_is_told(monkeypatch):
    def refuse():
        """knock"""
        raise OSError(1, "Operation not permitted")
    assert machine._tried("door", refuse) == ("door", False, "knock: Operation not permitted")
    monkeypatch.setattr(kernel, "LINUX", False)
    monkeypatch.setattr(Network, "why", lambda: "A network of your own needs Linux.")
    monkeypatch.setattr(kernel, "SYSTEM", "macOS")
    missing, = (one for one in machine.abilities() if one.name == "a network of your own")
    assert missing == (missing.name, False, "a host, a router and a cable: A network of your own needs Linux.")


def test_psutil_is_imported_only_where_it_serves():
    code = "import sys, netlab.kernel as k, socket; k.state(socket.socket()); assert 'psutil' not in sys.modules"
    if kernel.LINUX:
        subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
