"""How a server ends: after a fork, under interrupts, with handlers that are stuck, and when accept() fails."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
import stress_servers as stress

import netlab
from netlab import engine
from netlab.kernel import wait_until

pytestmark = pytest.mark.usefixtures("no_leaks")
both = pytest.mark.parametrize("serve", [netlab.serve, netlab.serve_udp])
QUICK = 1.0             # seconds: an end that waits for nobody; PATIENCE is 5


def handler_of(serve, before=lambda: None):
    """One that answers the same, after it has called `before`."""
    def converse(conn, address):
        before()
        netlab.echo(conn, address)

    def answer(data, address):
        before()
        return data
    return converse if serve is netlab.serve else answer


@contextlib.contextmanager
def client_of(server):
    with socket.socket(type=server.socket.type) as client:
        client.settimeout(5)
        client.connect(server.address)
        yield client


def ask(client, message=b"hello"):
    client.sendall(message)
    return client.recv(100)


@contextlib.contextmanager
def within(seconds):
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


def run_alone(program, *arguments):
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program, *arguments], capture_output=True, text=True,
                          timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "well"), done.stderr


# --- R1: a forked child ----------------------------------------------------------------------------------------

FORKED = """
import gc, os, socket, sys, time, netlab
kind, how = sys.argv[1:]
server = netlab.serve(netlab.echo) if kind == "serve" else netlab.serve_udp(lambda data, address: data)

def client():
    new = socket.socket(type=server.socket.type)
    new.settimeout(5)
    new.connect(server.address)
    return new

def ask(client):
    client.sendall(b"hello")
    assert client.recv(100) == b"hello"

ask(old := client())
child = os.fork()
if not child:
    exec(how)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0, "the child failed"
ask(old)
ask(new := client())
used = time.process_time()
time.sleep(0.2)
used = time.process_time() - used
assert used < 0.05, f"idle, and busy for {used:.3f} s"
ask(old)
began = time.monotonic()
server.stop()
assert time.monotonic() - began < 1
print("well")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("how", [
    "server.stop()", "server.stop(); server.stop()", "netlab.stop_all()", "with server: pass",
    "del server; gc.collect()", "os._exit(0)", "sys.exit()"])
@both
def test_what_a_forked_child_does_with_a_server_leaves_the_parents_as_it_was(serve, how):
    run_alone(FORKED, serve.__name__, how)


# --- R2: interrupts --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("work", [stress.start_and_stop, stress.leave_with])
@both
def test_an_interrupt_at_any_line_leaves_nothing_that_a_second_stop_does_not_end(work, serve):
    with stress.Trials() as trials:
        points = trials.at_every_point(work, serve, [stress.again])
    assert trials.interrupts > 100 and points > 100


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timer that sends a signal")
def test_an_interrupt_by_a_signal_leaves_nothing():
    choose, end = random.Random(6), time.monotonic() + 20
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        with stress.Trials() as trials:
            while trials.interrupts < 50 and time.monotonic() < end:
                work, serve, remedy = map(choose.choice, (stress.WORKS, list(stress.HANDLERS), stress.REMEDIES))
                trials.by_signal(work, serve, remedy, choose.uniform(1e-6, 6e-4))
    finally:
        signal.signal(signal.SIGALRM, before)
    assert trials.interrupts >= 50


# --- R6: stop() takes no longer than it promises ---------------------------------------------------------------

@both
def test_stop_is_quick_when_the_learner_has_shut_the_servers_socket_down(serve):
    server = serve(handler_of(serve))
    with client_of(server) as client:
        assert ask(client) == b"hello"          # with TCP, its handler waits for more
        with contextlib.suppress(OSError):      # ENOTCONN: UDP has no connection, and macOS sees none in a listener
            server.socket.shutdown(socket.SHUT_RDWR)
        with within(QUICK):
            server.stop()


CROWDED = """
import os, resource, socket, time, netlab
from netlab.kernel import wait_until

def full():
    try:
        os.close(os.dup(0))
    except OSError:
        return True
server = netlab.serve(netlab.echo)
clients = [socket.socket() for _ in range(60)]
resource.setrlimit(resource.RLIMIT_NOFILE, (clients[-1].fileno() + 10, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
for client in clients:
    client.settimeout(5)
    client.connect(server.address)      # the kernel does it; the server has descriptors for the first of them only
    client.sendall(b"x")
wait_until(full)
for client in clients[:9]:
    assert client.recv(9) == b"x"
    client.close()
for client in clients[9:20]:
    assert client.recv(9) == b"x"       # somebody left, so these are served
wait_until(full)
began = time.monotonic()
server.stop()
assert time.monotonic() - began < 1, time.monotonic() - began
print("well")
"""


def test_at_the_limit_of_descriptors_stop_is_quick_and_who_waits_is_served_when_others_leave():
    pytest.importorskip("resource")
    run_alone(CROWDED)


@both
def test_a_stuck_handler_is_told_within_the_promised_time_and_once(serve, monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 1.0)
    inside, leave = threading.Event(), threading.Event()
    server = serve(handler_of(serve, lambda: (inside.set(), leave.wait(20))), name="stuck")
    with client_of(server) as client:
        client.sendall(b"x")
        assert inside.wait(5)
        try:
            with within(1.5), pytest.raises(RuntimeError, match="a handler of 'stuck' did not end within 1 seconds"):
                server.stop()
            with within(0.5):
                server.stop()
        finally:
            leave.set()


def test_handlers_that_stop_their_server_at_once_do_not_wait_for_each_other():
    together, took = threading.Barrier(5), []

    def stop_it(conn, address):
        together.wait(5)
        began = time.monotonic()
        server.stop()
        took.append(time.monotonic() - began)
    server = netlab.serve(stop_it)
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            stack.enter_context(client_of(server))
        wait_until(lambda: len(took) == 5, 15)
        with within(QUICK):
            server.stop()
    assert max(took) < QUICK and len(took) == 5


@both
def test_exit_in_a_handler_ends_that_conversation_and_is_told(serve):
    exits = [sys.exit]
    server = serve(handler_of(serve, lambda: exits and exits.pop()()), name="leaver")
    with client_of(server) as client:
        client.sendall(b"x")
        wait_until(lambda: not exits)
    with client_of(server) as client:
        assert ask(client) == b"hello" and server.running
    with within(QUICK), pytest.raises(RuntimeError, match="a handler of 'leaver' raised SystemExit") as told:
        server.stop()
    assert isinstance(told.value.__cause__, SystemExit)


# --- R8: why there was no client -------------------------------------------------------------------------------

class Failing(socket.socket):
    """Its accept() and recvfrom() fail `failures` times with `number`."""
    number, failures, calls = 0, 0, 0

    def fail(self):
        self.calls += 1
        if self.failures > 0:
            self.failures -= 1
            raise OSError(self.number, os.strerror(self.number))

    def accept(self):
        self.fail()
        return super().accept()

    def recvfrom(self, *arguments):
        self.fail()
        return super().recvfrom(*arguments)


def failing(serve, number, failures=10**9):
    """A server, and its socket that fails; nobody has connected yet, so nothing was called."""
    server = serve(handler_of(serve), timeline=SimpleNamespace(socket=Failing))
    server.socket.number, server.socket.failures = number, failures
    return server


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.ECONNREFUSED, errno.EAGAIN])
@both
def test_a_client_that_is_gone_again_does_not_hold_up_the_next(serve, number):
    with failing(serve, number, 60) as server, client_of(server) as client:
        with within(1.5):                       # 60 pauses of 0.05 s would be 3
            assert ask(client) == b"hello"
        assert server.socket.calls > 60


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENOMEM])
@both
def test_a_server_short_of_descriptors_or_memory_tries_again_without_a_spin(serve, number):
    server = failing(serve, number)
    with client_of(server) as client:
        client.sendall(b"hello")
        time.sleep(0.5)                         # the time in which it must not spin
        assert 1 < server.socket.calls < 50 and server.running
        server.socket.failures = 0
        assert client.recv(100) == b"hello"
        server.socket.failures = 10**9
        with client_of(server) as late:
            late.sendall(b"hello")
            with within(QUICK):
                server.stop()


@pytest.mark.parametrize("number, told", [
    (errno.EBADF, False), (errno.EINVAL, False), (errno.ENOTSOCK, False),       # somebody closed it or shut it down
    (errno.EXDEV, True)])                                                       # no manual says that this can happen
@both
def test_a_socket_that_takes_nobody_any_more_is_not_asked_again(serve, number, told):
    server = failing(serve, number)
    with client_of(server) as client:
        client.sendall(b"hello")
        wait_until(lambda: not server.running)
        with within(QUICK), pytest.raises(OSError) if told else contextlib.nullcontext() as raised:
            server.stop()
        assert server.socket.calls == 1 and (not told or raised.value.errno == number)
