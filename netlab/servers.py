"""Servers that run in the background, end when told to, and say in your cell what went wrong in theirs.

`serve` and `serve_udp` return when the server is ready. One thread waits for clients; each TCP connection gets
a thread of its own, as in the standard library's `ThreadingTCPServer`. Threads are daemons: they never keep a
kernel from ending. A server ends by `stop()`, by leaving its `with` block, or when nobody holds it any more.
"""
from __future__ import annotations

import contextlib
import itertools
import os
import re
import select
import selectors
import socket
import threading
import time
import weakref

PLAIN = socket.socket   # the class itself, whatever `watch` puts in its place
PATIENCE = 5.0          # seconds that stop() waits for a handler to come to its end
GRACE = 0.2             # seconds in which a handler may answer what it has received, before its connection is cut
LAST = 1000             # connections or datagrams that a server still serves when it stops: no flood can hold it
_groups = itertools.count()
_running = weakref.WeakSet()


def echo(conn, address):
    """A TCP handler that sends back what it receives, until the peer ends."""
    with contextlib.suppress(ConnectionError):      # a peer that vanishes ends the conversation as well
        while data := conn.recv(65536):
            conn.sendall(data)


def upper(conn, address):
    """A TCP handler that sends back what it receives, in capitals (ASCII letters), until the peer ends."""
    with contextlib.suppress(ConnectionError):
        while data := conn.recv(65536):
            conn.sendall(data.upper())


def serve(handler, *, host="127.0.0.1", port=0, family=socket.AF_INET, name=None, timeline=None):
    """Start a TCP server in the background and return it as a `Server`, ready to be connected to.

    `handler(conn, address)` is called in a thread of its own for each connection; `conn` is closed for it when it
    returns. `host` is loopback unless you ask otherwise; `port` 0 lets the kernel choose. With a `timeline`, the
    server's calls are recorded there. Raises ValueError or TypeError for bad arguments, and OSError as `bind`
    does (port in use, an address that is not this machine's). You end it: `with`, or `stop()`. Chapter 00.
    """
    return Server(_Tcp(handler, host, port, family, name, timeline))


def serve_udp(handler, *, host="127.0.0.1", port=0, family=socket.AF_INET, name=None, timeline=None):
    """Start a UDP server in the background and return it as a `Server`.

    `handler(data, address)` is called for each datagram, one after the other; the bytes that it returns are sent
    back, None sends nothing. The rest is as in `serve`.
    """
    return Server(_Udp(handler, host, port, family, name, timeline))


def stop_all():
    """End every server that still runs. Raises what the first failing handler raised, after all have ended."""
    failed = None
    for server in list(_running):
        try:
            server.stop()
        except Exception as error:
            failed = failed or error
    if failed:
        raise failed


class Server:
    """A server that runs in the background. A context manager: leaving it stops it and raises what a handler raised."""

    def __init__(self, engine):
        self._engine = engine           # the threads hold the engine, not this: so a dropped Server can end
        self.name = engine.name
        self.host, self.port = engine.address[:2]
        self._end = weakref.finalize(self, engine.drop)
        _running.add(self)

    @property
    def address(self):
        """What a client gives to `connect`: (host, port), with two more numbers for IPv6."""
        return self._engine.reachable()

    @property
    def socket(self):
        """The server's own socket: the listener, or the one that takes the datagrams. It closes with the server."""
        return self._engine.socket

    @property
    def running(self) -> bool:
        """Whether it still takes connections or datagrams."""
        return not self._engine.stopping

    def stop(self):
        """End the server, its connections and its threads. Once is enough; again does nothing.

        Who has connected, and what has arrived, is still served; then a handler that waits for more gets an end of
        stream. Raises what a handler raised, unless the handler failed because the server was stopping; RuntimeError
        when a handler does not end within 5 seconds.
        """
        self._end.detach()
        _running.discard(self)
        self._engine.stop()

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        try:
            self.stop()
        except Exception as own:
            if error is None:
                raise
            error.add_note(f"The server's handler failed too: {type(own).__name__}: {own}")

    def __repr__(self):
        return f"<Server {self.name!r} {'running' if self.running else 'stopped'}>"


class _Engine:
    """What TCP and UDP servers share: checked arguments, a bound socket, a thread that can be woken, the first error."""

    def __init__(self, handler, host, port, family, name, timeline):
        _check(handler, host, port, family, timeline)
        self.handler, self.stopping, self.dropped = handler, False, False
        self.name = name or getattr(handler, "__name__", type(handler).__name__)
        self.error, self.failed, self.threads, self.group = None, 0, set(), next(_groups)
        self.lock = threading.RLock()   # drop() may come in the middle of anything, also of a block that holds it
        self.waker, self.wake = socket.socketpair()
        for end in (self.waker, self.wake):
            getattr(end, "hide", int)()         # inside a `watch`: our own plumbing is nobody's conversation
        self.socket, self.selector = None, selectors.DefaultSelector()
        try:
            self.socket = (timeline.socket if timeline else socket.socket)(family, self.type)
            if os.name == "posix":      # a port in TIME_WAIT may be used again (socket(7)); on Windows the option means more
                PLAIN.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
            self.address = self.socket.getsockname()
            self.open()
            for end in (self.socket, self.waker):
                self.selector.register(end, selectors.EVENT_READ)
            self.recorder = getattr(self.socket, "recorder", None)      # the timeline, or that of a `watch` around us
            self.main = self.thread(self.run, f"server {self.name}")
        except BaseException:
            self.close()
            raise

    def open(self):
        PLAIN.setblocking(self.socket, False)       # so that a client which is gone again cannot hold us up

    def close(self):
        if self.socket:
            self.socket.close()
        self.selector.close()
        for end in (self.waker, self.wake):
            PLAIN.close(end)

    def reachable(self):
        everyone = {"0.0.0.0": "127.0.0.1", "::": "::1"}
        return (everyone.get(self.address[0], self.address[0]), *self.address[1:])

    def thread(self, target, name, *args):
        thread = threading.Thread(target=self.guarded, args=(target, *args), name=name, daemon=True)
        thread.group = self.group       # by which a timeline knows whom stop() waited for
        with self.lock:
            self.threads.add(thread)
        try:
            thread.start()
        except RuntimeError:            # the system gives no more threads
            self.threads.discard(thread)
            raise
        return thread

    def guarded(self, target, *args):
        try:
            target(*args)
        except Exception as error:
            if not (self.stopping and isinstance(error, OSError)):      # our own shutdown is no fault of the handler's
                self.fail(error)
        finally:
            with self.lock:
                if not self.stopping:   # while it stops, stop() waits for each of them
                    self.threads.discard(threading.current_thread())

    def fail(self, error):
        with self.lock:
            self.error, self.failed = self.error or error, self.failed + 1

    def run(self):
        while not self.stopping:
            if self.someone_came(None):
                self.serve_one()
        for _ in range(LAST):           # who came before the end is served as well, whichever thread was faster
            if self.dropped or self.socket.fileno() == -1 or not self.someone_came(0):
                break
            self.serve_one()
        if self.dropped:
            self.end_connections(socket.SHUT_RDWR)
            self.close()

    def someone_came(self, timeout):
        return any(key.fileobj is self.socket for key, _ in self.selector.select(timeout))

    def begin_to_stop(self):
        with self.lock:
            first, self.stopping = not self.stopping, True
        if first:
            PLAIN.send(self.wake, b"x")

    def drop(self):
        """Nobody holds the server any more: its threads end by themselves, and no one waits for them."""
        self.dropped = True
        self.begin_to_stop()

    def stop(self):
        self.begin_to_stop()
        self.join([self.main], PATIENCE)
        if self.recorder:
            self.recorder.woke(self.group)
        self.end_connections(socket.SHUT_RD)                    # recv() returns b"": the handler may still answer
        if self.join(self.threads, GRACE):
            self.end_connections(socket.SHUT_RDWR)              # and now sendall() fails as well
        late = self.join(self.threads, PATIENCE)
        if self.recorder:
            self.recorder.joined(self.group)
        self.close()
        with self.lock:
            error, failed, self.error, self.failed = self.error, self.failed, None, 0
        if late:
            problem = f"a handler of {self.name!r} did not end within {PATIENCE:g} seconds of its connection's end"
            raise RuntimeError(problem) from error
        if error:
            if failed > 1:
                error.add_note(f"{failed - 1:,} more call{'s' if failed > 2 else ''} of the handler failed as well")
            raise error

    def join(self, threads, seconds):
        """Wait for them, together at most so long; whether one still runs. A handler that stops its own server is left out."""
        end = time.monotonic() + seconds
        others = [t for t in list(threads) if t is not threading.current_thread()]
        for thread in others:
            thread.join(max(0, end - time.monotonic()))
        return any(t.is_alive() for t in others)

    def end_connections(self, how):
        pass


class _Tcp(_Engine):
    type = socket.SOCK_STREAM

    def open(self):
        super().open()
        self.connections = set()
        self.socket.listen(128)

    def serve_one(self):
        try:
            conn, address = self.socket.accept()
        except BlockingIOError:
            return                      # the client went away before we came to it
        except OSError:                 # no file descriptor left: let those who are here finish, then try again
            time.sleep(0.05)
            return
        PLAIN.setblocking(conn, True)
        with self.lock:
            self.connections.add(conn)
        try:
            self.thread(self.handle, f"{self.name} connection", conn, address)
        except RuntimeError as error:
            self.fail(error)
            self.connections.discard(conn)
            conn.close()

    def handle(self, conn, address):
        try:
            with conn:
                self.handler(conn, address)
        finally:
            with self.lock:
                self.connections.discard(conn)

    def end_connections(self, how):
        with self.lock:
            for conn in self.connections:
                if how == socket.SHUT_RD and _peer_ended(conn):
                    continue            # its handler will see so by itself
                if hasattr(conn, "recorder"):
                    conn.stopped = True                 # so that the story does not say "the peer closed"
                with contextlib.suppress(OSError):      # close() does not wake a thread in recv(), shutdown() does
                    PLAIN.shutdown(conn, how)


class _Udp(_Engine):
    type = socket.SOCK_DGRAM

    def serve_one(self):
        try:
            data, address = self.socket.recvfrom(65535)
        except OSError:                 # nothing there after all; on Windows also: an answer found nobody
            return
        try:
            reply = self.handler(data, address)
            if reply is not None:
                self.socket.sendto(reply, address)
        except Exception as error:      # one bad datagram does not end the server
            self.fail(error)


def _peer_ended(conn):
    """Whether the other end has closed or ended its sending, even if there are bytes still to read. Known on Linux only."""
    if not hasattr(select, "POLLRDHUP") or conn.fileno() == -1:
        return False
    poll = select.poll()
    poll.register(conn, select.POLLRDHUP)
    return bool(poll.poll(0))


def _check(handler, host, port, family, timeline):
    if not callable(handler):
        raise TypeError(f"handler must be a function, not {handler!r}")
    if not isinstance(host, str):
        raise TypeError(f"host must be text such as \"127.0.0.1\", not {host!r}")
    if isinstance(port, bool) or not isinstance(port, int):
        raise TypeError(f"port must be a whole number from 0 to 65535, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} is out of range: 0 to 65535, and 0 lets the kernel choose")
    if family not in (socket.AF_INET, socket.AF_INET6):
        raise ValueError(f"family must be AF_INET or AF_INET6, not {family!r}")
    if family == socket.AF_INET6 and re.fullmatch(r"[\d.]+", host):
        raise ValueError(f"host {host!r} is an IPv4 address; with AF_INET6 give an IPv6 one such as \"::1\"")
    if timeline is not None and not hasattr(timeline, "socket"):
        raise TypeError(f"timeline must be a netlab.Timeline, not {timeline!r}")
