"""Servers that run in the background, end when told to, and say in your cell what went wrong in theirs.

`serve` and `serve_udp` return when the server is ready. One thread waits for clients; each TCP connection gets
a thread of its own, as in the standard library's `ThreadingTCPServer`. Threads are daemons: they never keep a
kernel from ending. A server ends by `stop()`, by leaving its `with` block, or when nobody holds it any more.

What runs them, and how they come to their end, is `netlab.engine`.
"""
import contextlib
import functools
import socket
import weakref

from netlab.engine import PATIENCE, Later, Tcp, Udp, running


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

    `handler(conn, address)` is called in a thread of its own for each connection; `conn` is closed for it when it returns.
    `host` is loopback unless you ask otherwise; `port` 0 lets the kernel choose. With a `timeline`, the server's calls are
    recorded there. Raises ValueError or TypeError for bad arguments, and OSError as `bind` does (port in use, an address
    that is not this machine's). You end it: `with`, or `stop()`. Chapter 00.
    """
    return Server(Tcp(handler, host, port, family, name, timeline))


def serve_udp(handler, *, host="127.0.0.1", port=0, family=socket.AF_INET, name=None, timeline=None):
    """Start a UDP server in the background and return it as a `Server`.

    `handler(data, address)` is called for each datagram, one after the other; the bytes that it returns are sent
    back, None sends nothing. To answer later, or others too: `server.socket.sendto(data, address)` and `server.later`.
    The rest is as in `serve`. Chapter 05.
    """
    return Server(Udp(handler, host, port, family, name, timeline))


def stop_all():
    """End every server that still runs. Raises what the first failing handler raised, after all have ended."""
    failed = None
    for engine in list(running):
        try:
            engine.stop()
        except Exception as error:
            failed = failed or error
    if failed:
        raise failed


class Server:
    """A server that runs in the background. A context manager: leaving it stops it and raises what a handler raised."""

    def __init__(self, engine):
        try:
            self._engine = engine       # the threads hold the engine, not this: so a dropped Server can end
            self.name = engine.name
            self.host, self.port = engine.address[:2]
            weakref.finalize(self, engine.drop)         # before the thread: from then on, whoever loses the server ends it
            running.add(engine)
            engine.start()
        except BaseException:
            engine.drop()
            engine.wait(PATIENCE)
            raise

    @property
    def address(self):
        """What a client gives to `connect`: (host, port), with two more numbers for IPv6."""
        host, *rest = self._engine.address
        return ({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), *rest)

    @property
    def socket(self):
        """The server's own socket: the listener, or the one that takes the datagrams. It closes with the server."""
        return self._engine.socket

    @property
    def running(self) -> bool:
        """Whether it still takes connections or datagrams."""
        return self._engine.serving and not self._engine.stopping and self.socket.fileno() != -1

    def later(self, seconds: float, function, *args) -> Later:
        """Have the server's own thread call function(*args) after so many seconds: to send again, say, what got no answer.

        Between two handler calls of a UDP server, so that they need no lock. What comes back has a `cancel()`. What is not
        due when the server stops is never called; what it raises is told as a handler's error.
        """
        if not callable(function):
            raise TypeError(f"later takes the seconds and a function, not {function!r}")
        if not isinstance(seconds, (int, float)) or not 0 <= seconds <= 1e6:       # poll(2) takes 2 ** 31 ms
            raise ValueError(f"seconds is how long to wait, at most 1,000,000 and 0 or more, not {seconds!r}")
        return self._engine.later(seconds, functools.partial(function, *args))

    def stop(self):
        """End the server, its connections and its threads. Once is enough; again does nothing.

        Who has connected, and what has arrived, is still served; then a handler that waits for more gets an end of stream.
        Raises what a handler raised, unless it failed because the server was stopping; RuntimeError when one does not end
        within 5 seconds. A handler that stops its own server is not waited for. In a forked child it closes the child's
        copies, and the parent's server goes on (fork(2)).
        """
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
