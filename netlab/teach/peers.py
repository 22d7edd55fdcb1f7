"""Exercises against a hostile peer: the engine that tries a function, and the peers' tricks.

The reader's function runs in a thread of its own, the peer in this one. What does not end in time is stopped:
its sockets are shut down, so that no call can wait any longer, and TooLong is raised in its thread.
"""
import contextlib
import ctypes
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from netlab.kernel import receive_queue
from netlab.teach.check import FAILED, NOT_ATTEMPTED, PASSED, Raises, Result, TooLong, is_stub, show

LIMIT = 3.0             # seconds that one case may take
HOST = "127.0.0.1"
PLAIN = socket.socket


@dataclass(frozen=True)
class Miss(Exception):
    """A case went wrong: what was expected, what came, and a hint."""
    expected: str
    came: str
    hint: str


class Work:
    """One case at work: the reader's function in a thread, the peer here. `with` ends both."""

    def __init__(self, function: Callable):
        self.function, self.came = function, None
        self.made, self.given, self.done = [], [], threading.Event()
        self.peers = contextlib.ExitStack()
        self.deadline = time.monotonic() + LIMIT
        self.call = ""

    def start(self, *args, shown: str):
        """Call the reader's function; `shown` is the call as the reader would type it."""
        self.call = f"{getattr(self.function, '__name__', 'function')}({shown})"
        self.given = [arg for arg in args if isinstance(arg, PLAIN)]
        self.thread = threading.Thread(target=self._run, args=args, name="exercise", daemon=True)
        self.thread.start()

    def _run(self, *args):
        with contextlib.suppress(TooLong):      # a second one may come while the first is dealt with
            try:
                self.came = self.function(*args)
            except BaseException as error:
                self.came = error
            self.done.set()
        self.done.set()

    def keep(self, sock):
        """Close this socket when the case ends."""
        sock.settimeout(LIMIT)
        return self.peers.enter_context(contextlib.closing(sock))

    def until(self, condition) -> bool:
        """Wait for the condition; False when the function ended before, or time is up."""
        while not condition():
            if self.done.wait(0.0005) or time.monotonic() > self.deadline:
                return bool(condition())
        return True

    def result(self):
        """What the function returned or raised; TooLong when it did not end."""
        if not self.done.wait(max(0.0, self.deadline - time.monotonic())):
            return TooLong(f"no end after {LIMIT:g} seconds")
        return self.came

    def expect(self, expected, hint, explain=lambda came: None):
        """The function must come to its end with this; Miss if not."""
        came = self.result()
        if isinstance(expected, Raises) and isinstance(came, expected.kind):
            return
        if not isinstance(expected, Raises) and type(came) is type(expected) and came == expected:
            return
        raise Miss(show(expected), show(came, self.function), explain(came) or common(expected, came) or hint)

    def left_open(self) -> int:
        """How many sockets the function made and did not close."""
        return sum(sock.fileno() != -1 for sock in self.made)

    def __enter__(self):
        work = self

        class Kept(PLAIN):              # the reader's own sockets, so that they can be closed for them
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
                if threading.current_thread() is getattr(work, "thread", None):
                    work.made.append(self)

        Kept.__name__, self.before = "socket", socket.socket
        socket.socket = Kept
        return self

    def __exit__(self, *_):
        socket.socket = self.before
        end = time.monotonic() + LIMIT
        while hasattr(self, "thread") and self.thread.is_alive() and time.monotonic() < end:
            for sock in [*self.made, *self.given]:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)         # close() alone does not wake a call that waits
            self.thread.join(0.05)
            if not self.done.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread.ident), ctypes.py_object(TooLong))
        for sock in [*self.made, *self.given]:
            sock.close()
        self.peers.close()


@dataclass(frozen=True)
class Exercise:
    """Called with the reader's function: a Result. A case is (what the peer does, function(work))."""
    name: str
    cases: tuple[tuple[str, Callable], ...]

    def __call__(self, function: Callable) -> Result:
        total, passed, first = len(self.cases), 0, None
        if not callable(function):
            return Result(self.name, FAILED, 0, total, self.name, "a function", show(function),
                          f"give the function itself, without calling it: check.{self.name}({self.name})")
        if is_stub(function):
            return Result(self.name, NOT_ATTEMPTED, 0, total)
        for peer, case in self.cases:
            began = time.monotonic()
            miss, call = tried(function, case)
            if miss is None:
                passed += 1
            elif first is None:
                first = Result(self.name, FAILED, 0, total, f"{call}: {peer}", miss.expected, miss.came, miss.hint)
            if miss and time.monotonic() - began > LIMIT / 3:      # it waited in vain, and would again
                break
        if first is None:
            return Result(self.name, PASSED, passed, total)
        return Result(self.name, FAILED, passed, total, first.call, first.expected, first.came, first.hint)


def tried(function, case) -> tuple[Miss | None, str]:
    """(what went wrong or None, the call) of one case."""
    miss = None
    with Work(function) as work:
        try:
            case(work)
            if left := work.left_open():
                miss = Miss("each socket closed", f"{left} still open when the function returned",
                            "close what you open: `with socket.socket() as sock:` does it on every path")
        except Miss as found:
            miss = found
        except OSError as error:                # the peer's own call failed: the function did something unforeseen
            came = work.result()
            miss = Miss("a peer that is served", f"{show(came, function)}; the peer saw {type(error).__name__}",
                        common(None, came) or "the connection ended before the peer was done")
        except KeyboardInterrupt:
            miss = Miss("an end", "no end: you stopped it", STUCK)
        return miss, work.call


STUCK = "the function did not come back: which call waits, and for what?"


def common(expected, came) -> str | None:
    """The mistakes that any of these exercises can show."""
    if isinstance(came, TypeError) and "bytes-like" in str(came):
        return "sockets carry bytes: text.encode() before sending"
    if isinstance(came, (NameError, AttributeError, TypeError, ImportError, SystemExit)):
        return "this is about the code, not the network: read the error, then the line that it names"
    if isinstance(came, TooLong):
        return STUCK
    if came is None and expected is not None and not isinstance(expected, Raises):
        return "None came back: is a return missing on this path?"
    if isinstance(came, str) and isinstance(expected, bytes):
        return "text came: give back the bytes as they are"
    if isinstance(came, (bytes, bytearray)) and isinstance(expected, str):
        return "bytes came: .decode() makes text of them"
    return None


# --- peers -----------------------------------------------------------------------------------------------------

def listening(work, backlog=5):
    listener = work.keep(PLAIN())
    listener.bind((HOST, 0))
    listener.listen(backlog)
    return listener


def unused_address(work):
    """An address where nobody listens, held so that nobody can come."""
    holder = work.keep(PLAIN())
    holder.bind((HOST, 0))
    return holder.getsockname()


def silent_address(work):
    """An address that does not answer a connect: its queue is full (on Windows it refuses)."""
    listener = listening(work, 1)
    for _ in range(20):
        filler = work.keep(PLAIN())
        filler.settimeout(0.1)
        if filler.connect_ex(listener.getsockname()):
            break
    return listener.getsockname()


def pair(work):
    """(peer, sock): a TCP connection."""
    listener = listening(work)
    peer = work.keep(PLAIN())
    peer.connect(listener.getsockname())
    sock = work.keep(listener.accept()[0])
    sock.settimeout(None)
    return peer, sock


def accepted(work, listener):
    """The connection of the function's client; Miss when none comes."""
    listener.settimeout(0.01)
    found = []

    def come():
        with contextlib.suppress(TimeoutError):
            found.append(listener.accept()[0])
        return found

    if not work.until(come):
        came = work.result()
        raise Miss("a connection", show(came, work.function),
                   common(None, came) or "nobody connected: a client needs socket(), then connect(address)")
    return work.keep(found[0])


def trickle(work, peer, data, reader):
    """One byte at a time, the next when the former was taken from `reader()`, a socket."""
    for n in range(len(data)):
        peer.sendall(data[n:n + 1])
        if not work.until(lambda: reader() is None or receive_queue(reader()) in (0, None)):
            return


def vanish(sock):
    """Close with a reset: what a peer's crash or a lost machine looks like later."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))
    sock.close()


def heard(sock) -> bytes:
    """All that comes until the end of the stream."""
    data = b""
    while piece := sock.recv(65536):
        data += piece
    return data
