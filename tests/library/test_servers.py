"""Servers in the background: ready at once, honest about errors, gone when told."""

from __future__ import annotations

import contextlib
import errno
import gc
import socket
import struct
import subprocess
import sys
import threading
import time
import warnings

import pytest
from conftest import left_behind, need, open_files

import netlab
from netlab import engine
from netlab.kernel import wait_until

pytestmark = pytest.mark.usefixtures("no_leaks")


def talk(server, message):
    with socket.create_connection(server.address[:2], timeout=5) as client:
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as source:
            return source.read()


def until(condition, seconds=5):
    """Wait until it is so; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.001)


def ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


# --- serving ---------------------------------------------------------------------------------------------------

def test_it_is_ready_when_serve_returns_and_echoes_any_bytes():
    message = bytes(range(256)) * 8192          # 2 MB: more than the buffers hold
    with netlab.serve(netlab.echo) as server:
        assert server.running and server.host == "127.0.0.1" and server.address == ("127.0.0.1", server.port)
        got = []
        with socket.create_connection(server.address, timeout=5) as client:
            with client.makefile("rb") as source:
                reader = threading.Thread(target=lambda: got.append(source.read(len(message))))
                reader.start()
                client.sendall(message)
                reader.join(10)
        assert got == [message]
    assert not server.running and repr(server) == "<Server 'echo' stopped>"


def test_upper_leaves_other_bytes_alone():
    with netlab.serve(netlab.upper) as server:
        assert talk(server, b"hello, \xc3\xa9\x00") == b"HELLO, \xc3\xa9\x00"


def test_many_clients_at_once_each_have_a_thread():
    with netlab.serve(netlab.echo, name="many") as server:
        clients = [socket.create_connection(server.address, timeout=5) for _ in range(50)]
        for n, client in enumerate(clients):
            client.sendall(b"%d" % n)
        assert [client.recv(10) for client in clients] == [b"%d" % n for n in range(50)]
        assert sum(t.name == "many connection" for t in threading.enumerate()) == 50
        for client in clients:
            client.close()


def test_ipv6_and_every_interface():
    need(ipv6(), "no IPv6 here")
    with netlab.serve(netlab.echo, host="::1", family=socket.AF_INET6) as server:
        assert server.address[:2] == ("::1", server.port) and len(server.address) == 4
        assert talk(server, b"six") == b"six"
    with netlab.serve(netlab.echo, host="::", family=socket.AF_INET6) as server:
        assert server.host == "::" and server.address[0] == "::1" and talk(server, b"six") == b"six"


def test_a_server_for_every_interface_says_how_to_reach_it_from_here():
    with netlab.serve(netlab.echo, host="0.0.0.0") as server:
        assert server.host == "0.0.0.0" and server.address == ("127.0.0.1", server.port)
        assert talk(server, b"x") == b"x"


@pytest.mark.parametrize("how", ["vanish", "reset"])
def test_a_client_that_vanishes_or_resets_in_the_middle_is_no_error_of_echo(how):
    with netlab.serve(netlab.echo) as server:
        for _ in range(20):
            client = socket.create_connection(server.address, timeout=5)
            client.sendall(b"x" * 100_000)
            if how == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
        assert talk(server, b"still here") == b"still here"


def test_a_connection_is_closed_when_its_handler_returns_also_by_an_error():
    def once(conn, address):
        conn.sendall(conn.recv(100))

    def bad(conn, address):
        raise LookupError("no such thing")

    with netlab.serve(once) as server, socket.create_connection(server.address, timeout=5) as client:
        client.sendall(b"x")
        assert (client.recv(5), client.recv(5)) == (b"x", b"")
    with pytest.raises(LookupError, match="no such thing"), netlab.serve(bad) as server:
        with socket.create_connection(server.address, timeout=5) as client:
            assert client.recv(5) == b""


# --- datagrams -------------------------------------------------------------------------------------------------

def test_udp_replies_with_what_the_handler_returns_and_with_nothing_for_none():
    def handler(data, address):
        return None if data == b"quiet" else data.upper()

    with netlab.serve_udp(handler) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        for data in (b"quiet", b"hello", b"", b"x" * 9000):
            client.sendto(data, server.address)
        assert [client.recvfrom(10_000) for _ in range(3)] == [(b.upper(), server.address) for b in (b"hello", b"", b"x" * 9000)]


def test_a_udp_handler_that_raises_keeps_serving_and_raises_at_stop():
    def handler(data, address):
        return b"%d" % (10 // int(data))

    server = netlab.serve_udp(handler)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        for data in (b"0", b"x", b"5"):
            client.sendto(data, server.address)
        assert client.recv(10) == b"2"
    with pytest.raises(ZeroDivisionError) as caught:
        server.stop()
    assert caught.value.__notes__ == ["1 more call of the handler failed as well"]
    server.stop()


@pytest.mark.parametrize("reply, error", [(b"x" * 70_000, OSError), ("text", TypeError), (5, TypeError)])
def test_a_reply_that_cannot_be_sent_is_an_error_of_the_handler(reply, error):
    with pytest.raises(error), netlab.serve_udp(lambda data, address: reply) as server:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.sendto(b"x", server.address)


def test_what_came_before_the_stop_is_served():
    seen = []
    with netlab.serve_udp(lambda data, address: seen.append(data)) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        for n in range(50):
            client.sendto(b"%d" % n, server.address)
    assert seen == [b"%d" % n for n in range(50)]
    with netlab.serve(lambda conn, address: seen.append(conn.recv(9))) as server:
        for n in range(50):
            with socket.create_connection(server.address) as client:
                client.sendall(b"client %d" % n)
    assert sorted(seen[50:]) == sorted(b"client %d" % n for n in range(50))


# --- bad arguments ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("serve", [netlab.serve, netlab.serve_udp])
@pytest.mark.parametrize("arguments, kind, words", [
    (dict(handler=None), TypeError, "handler must be a function, not None"),
    (dict(port="abc"), TypeError, "port must be a whole number from 0 to 65535, not 'abc'"),
    (dict(port=True), TypeError, "port must be a whole number from 0 to 65535, not True"),
    (dict(port=80.0), TypeError, "not 80.0"),
    (dict(port=70000), ValueError, "port 70000 is out of range: 0 to 65535, and 0 lets the kernel choose"),
    (dict(port=-1), ValueError, "port -1 is out of range"),
    (dict(host=b"127.0.0.1"), TypeError, 'host must be text such as "127.0.0.1"'),
    (dict(host=None), TypeError, "host must be text"),
    (dict(family=99), ValueError, "family must be AF_INET or AF_INET6, not 99"),
    (dict(family=socket.AF_INET6), ValueError, "host '127.0.0.1' is an IPv4 address; with AF_INET6 give an IPv6 one"),
    (dict(timeline=5), TypeError, "timeline must be a netlab.Timeline, not 5"),
    (dict(host="192.0.2.77"), OSError, "[Cc]annot assign|not valid"),
    (dict(host="::1"), OSError, "[Aa]ddress|host"),
])
def test_bad_arguments_are_told_in_a_sentence_and_leave_nothing(serve, arguments, kind, words):
    with pytest.raises(kind, match=words) as caught:
        serve(**{"handler": netlab.echo} | arguments)
    assert "\n" not in str(caught.value)


def test_a_port_in_use_is_the_systems_error_and_comes_at_once():
    with netlab.serve(netlab.echo) as server, pytest.raises(OSError) as caught:
        netlab.serve(netlab.echo, port=server.port)
    assert caught.value.errno == errno.EADDRINUSE
    with netlab.serve(netlab.echo, port=server.port) as again:          # although the port may be in TIME_WAIT
        assert talk(again, b"x") == b"x"


# --- stopping --------------------------------------------------------------------------------------------------

def test_stop_wakes_handlers_that_wait_and_is_allowed_twice():
    server = netlab.serve(netlab.echo)
    clients = [socket.create_connection(server.address, timeout=5) for _ in range(10)]
    for client in clients:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    began = time.monotonic()
    server.stop()
    server.stop()
    assert time.monotonic() - began < engine.PATIENCE / 2      # they were woken, not waited for
    assert [client.recv(1) for client in clients] == [b""] * 10
    for client in clients:
        client.close()


def test_stop_wakes_a_handler_that_cannot_send():
    def flood(conn, address):
        while True:
            conn.sendall(b"x" * 65536)

    with netlab.serve(flood) as server:
        client = socket.create_connection(server.address, timeout=5)
        client.recv(1)
    client.close()


def test_stop_ends_a_handler_whose_client_never_stops_sending():
    def sink(conn, address):
        while conn.recv(65536):
            pass

    server = netlab.serve(sink)
    client = socket.create_connection(server.address, timeout=5)
    begun, over = threading.Event(), []

    def flood():
        try:
            while True:
                client.sendall(b"x" * 65536)
                begun.set()
        except OSError as error:
            over.append(error)

    thread = threading.Thread(target=flood)
    thread.start()
    begun.wait(5)
    server.stop()
    thread.join(5)
    assert over
    client.close()


def test_a_handler_that_never_ends_is_named_at_stop(monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 0.05)
    monkeypatch.setattr(engine, "GRACE", 0.01)
    release, inside = threading.Event(), threading.Event()

    def stubborn(conn, address):
        inside.set()
        release.wait(10)

    server = netlab.serve(stubborn)
    with socket.create_connection(server.address):
        inside.wait(5)
        with pytest.raises(RuntimeError, match="a handler of 'stubborn' did not end within 0.05 seconds of stop"):
            server.stop()
        release.set()
    until(lambda: not any(t.name == "stubborn connection" for t in threading.enumerate()))


def test_errors_of_handlers_are_raised_by_stop_the_first_with_the_count_of_the_others():
    def bad(conn, address):
        raise KeyError(conn.recv(10))

    server = netlab.serve(bad)
    for n in range(3):
        talk(server, b"%d" % n)
    with pytest.raises(KeyError) as caught:
        server.stop()
    assert caught.value.__notes__ == ["2 more calls of the handler failed as well"]
    server.stop()                       # told once


def test_an_error_of_the_body_goes_first_and_carries_the_handlers():
    def bad(conn, address):
        raise KeyError("lost")

    with pytest.raises(ZeroDivisionError) as caught, netlab.serve(bad) as server:
        talk(server, b"")
        1 / 0
    assert caught.value.__notes__ == ["The server's handler failed too: KeyError: 'lost'"]


def test_an_interrupt_inside_the_block_leaves_nothing():
    with pytest.raises(KeyboardInterrupt), netlab.serve(netlab.echo) as server:
        client = socket.create_connection(server.address)
        client.sendall(b"x")
        raise KeyboardInterrupt
    client.close()
    assert not server.running


@pytest.mark.parametrize("serve, type_", [(netlab.serve, socket.SOCK_STREAM), (netlab.serve_udp, socket.SOCK_DGRAM)])
def test_a_handler_may_stop_its_own_server(serve, type_):
    def last(*args):
        server.stop()

    server = serve(last)
    with socket.socket(type=type_) as client:
        client.connect(server.address)
        client.send(b"x")
        until(lambda: not server.running)
    server.stop()


def test_two_threads_may_stop_one_server():
    for _ in range(20):
        server = netlab.serve(netlab.echo)
        with socket.create_connection(server.address):
            threads = [threading.Thread(target=server.stop) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(5)


def test_a_server_that_nobody_holds_ends_and_closes_everything():
    threads, files = set(threading.enumerate()), open_files()
    with warnings.catch_warnings(action="error"):
        server = netlab.serve(netlab.echo)
        client = socket.create_connection(server.address, timeout=5)
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        server.itself = server          # a ring: only the collector can find that it is lost
        del server
        gc.collect()
        assert client.recv(1) == b""
        client.close()
        assert not left_behind(threads, files)


def test_stop_all_ends_every_server_and_raises_the_first_error():
    def bad(data, address):
        raise KeyError(data)

    netlab.stop_all()
    running = [netlab.serve(netlab.echo), netlab.serve_udp(bad), netlab.serve(netlab.upper)]
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"x", running[1].address)
    with pytest.raises(KeyError):
        netlab.stop_all()
    assert not any(server.running for server in running)
    netlab.stop_all()


def test_a_thousand_servers_leave_no_thread_and_no_descriptor():
    threads, files = set(threading.enumerate()), open_files()
    for _ in range(1000):
        with netlab.serve(netlab.echo) as server, socket.socket() as client:
            client.connect(server.address)
            client.sendall(b"x")
            assert client.recv(1) == b"x"
    assert not left_behind(threads, files)


def test_a_kernel_that_ends_does_not_wait_for_servers():
    code = ("import netlab, socket, warnings; warnings.simplefilter('error')\n"
            "server = netlab.serve(netlab.echo); client = socket.create_connection(server.address)\n"
            "client.sendall(b'x'); client.recv(1); client.close()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- when the machine is short of something --------------------------------------------------------------------

def test_no_more_descriptors_neither_ends_the_server_nor_makes_it_spin():
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with netlab.serve(netlab.echo) as server, socket.socket() as first, socket.socket() as second:
        used = max(int(n) for n in open_files() or {"64": ""})
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 1, hard))
        try:
            hog = []
            with pytest.raises(OSError):
                while True:
                    hog.append(socket.socket())
            for client in (first, second):
                client.settimeout(5)
                client.connect(server.address)
            before = time.thread_time(), time.process_time(), time.monotonic()
            until(lambda: time.monotonic() - before[2] > 0.3)
            others = (time.process_time() - before[1]) - (time.thread_time() - before[0])
            assert others < 0.15        # a loop that spins would have burnt all of the 0.3 s
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            for sock in hog:
                sock.close()
        for client in (first, second):
            client.sendall(b"x")
            assert client.recv(1) == b"x"


def test_no_more_threads_is_an_error_of_that_connection_only(monkeypatch):
    start = threading.Thread.start

    def refuse(thread):
        if thread.name == "echo connection" and refusals:
            raise refusals.pop()
        start(thread)

    refusals = [RuntimeError("can't start new thread")]
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError, match="can't start new thread"), netlab.serve(netlab.echo) as server:
        assert talk(server, b"") == b""
        assert talk(server, b"x") == b"x"


# --- what a recording shows of a server ------------------------------------------------------------------------

def test_inside_a_watch_the_servers_plumbing_is_not_recorded():
    with netlab.watch() as timeline:
        with netlab.serve(netlab.echo) as server, socket.socket() as client:
            client.connect(server.address)
            client.sendall(b"x")
            client.recv(1)
    assert {e.method for e in timeline.events} == {"bind", "listen", "connect", "accept", "sendall", "recv", "close"}
    assert [end.name for end in timeline.story().endpoints] == ["client", "server", "connection"]
    assert timeline.events and all(e.socket >= 0 for e in timeline.events)


def test_a_timeline_says_that_the_server_stopped_and_not_that_the_peer_closed():
    texts = set()
    for _ in range(20):
        timeline = netlab.Timeline()
        with timeline.socket() as client:
            with netlab.serve(netlab.upper, timeline=timeline) as server:
                client.connect(server.address)
                client.sendall(b"x")
                client.recv(1)
            client.recv(1)
        texts.add(timeline.text())
    assert len(texts) == 1
    text = texts.pop()
    assert 'recv → b""   (the server stopped)' in text
    assert text.index("the server stopped") < text.index("the peer closed")


# later

@pytest.mark.parametrize("serve", [netlab.serve, netlab.serve_udp])
def test_later_calls_in_the_servers_thread_in_the_order_of_time(serve):
    called = []
    with serve(lambda *_: None, name="clock") as server:
        def note(word):
            called.append((word, threading.current_thread().name))
        server.later(.04, note, "second")
        server.later(0, note, "first")
        server.later(.02, note, "never").cancel()
        server.later(60, note, "too late")
        wait_until(lambda: len(called) == 2)
    assert called == [("first", "server clock"), ("second", "server clock")]


def test_a_udp_server_sends_again_and_to_others():
    heard = []

    def answer(data, address):
        if data == b"join":
            heard.append(address)
            return b"welcome"
        for each in heard:
            server.later(0, server.socket.sendto, data, each)

    with netlab.serve_udp(answer) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.socket(type=socket.SOCK_DGRAM)) for _ in range(3)]
        for client in clients:
            client.settimeout(5)
            client.sendto(b"join", server.address)
            assert client.recv(100) == b"welcome"
        clients[0].sendto(b"news", server.address)
        assert [client.recv(100) for client in clients] == [b"news"] * 3


def test_a_udp_server_sends_again_until_it_hears_that_it_came():
    timers = {}

    def answer(data, address):
        if data == b"thanks":
            timers.pop(address).cancel()
            return b"done"

        def send():
            server.socket.sendto(b"news", address)
            timers[address] = server.later(.01, send)

        send()

    with netlab.serve_udp(answer) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(b"what is new?", server.address)
        assert [client.recv(100) for _ in range(3)] == [b"news"] * 3
        client.sendto(b"thanks", server.address)
        while client.recv(100) != b"done":
            pass
        assert not timers and not any(timer.call for *_, timer in server._engine.timers)


def test_what_later_raises_is_told_and_the_server_goes_on():
    with pytest.raises(ZeroDivisionError):
        with netlab.serve_udp(lambda data, address: data) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            server.later(0, lambda: 1 / 0)
            client.sendto(b"x", server.address)
            assert client.recv(10) == b"x"


@pytest.mark.parametrize("serve", [netlab.serve, netlab.serve_udp])
def test_what_was_due_before_the_end_is_called(serve):
    called = []
    for n in range(200):
        server = serve(lambda *_: None)
        server.later(0, called.append, n)
        server.later(60, called.append, "never")
        server.stop()
    assert called == list(range(200))


@pytest.mark.parametrize("seconds, function, error, words", [
    (-1, print, ValueError, "0 or more, not -1"), ("1", print, ValueError, "not '1'"), (1, 5, TypeError, "a function, not 5"),
    (float("nan"), print, ValueError, "nan")])
def test_later_says_what_it_takes(seconds, function, error, words):
    with netlab.serve(netlab.echo) as server, pytest.raises(error, match=words):
        server.later(seconds, function)


def test_a_port_has_one_udp_server():
    with netlab.serve_udp(lambda data, address: data) as server:
        with pytest.raises(OSError) as raised:
            netlab.serve_udp(lambda data, address: data, port=server.port)
        assert raised.value.errno == errno.EADDRINUSE
