"""Exercises against a hostile peer: the engine that tries a function, and the peers' tricks.

The learner's function runs in a thread of its own, the peer in this one. What does not end in time is stopped:
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
from netlab.teach import check
from netlab.teach.check import Miss, Outcome, TooLong, common_mistake, judge

HOST = "127.0.0.1"
PLAIN = socket.socket
MOST = 1000             # bytes that one send of the learner's takes: send(2) promises no more than one
TICK = 0.01             # seconds between two looks at whether the function has ended


@dataclass(frozen=True)
class Peer:
    """A trial: `script(work)` plays the other end, which `title` describes; it may raise a Miss.

    It calls `work.start(...)`, then plays on with `accept`, `hear` and `give`, and ends with `work.expect(...)`.
    """
    title: str
    script: Callable[["Work"], None]

    def __call__(self, function: Callable) -> Miss | None:
        work, miss = Work(function), None
        try:
            try:
                socket.socket = _kept(work)
                self.script(work)
                work.tidy()
            except Miss as found:
                miss = found
            except KeyboardInterrupt:
                miss = judge(Outcome(function, raised=TooLong("you stopped it")), None, "")
            except OSError as error:    # a call of the peer's own failed: the function did something unforeseen
                miss = work.miss("a peer that is served", f"the peer saw {type(error).__name__}",
                                 "the connection ended before the peer was done")
            finally:
                work.stop()
        finally:
            work.stop()                 # once more, should an interrupt have ended the first
        if miss:
            miss.call = f"({work.call}): {self.title}"
            miss.last |= work.in_vain
        return miss


class Work:
    """One trial at work: the learner's function in a thread, the peer here, each until the other is done."""

    def __init__(self, function: Callable):
        self.function, self.thread, self.call, self.explain = function, None, "", lambda outcome: None
        self.before = socket.socket
        self.made, self.given, self.kept = [], [], contextlib.ExitStack()
        self.done, self.outcome = threading.Event(), None
        self.pause = 0.0        # seconds that each recv of the function takes longer, as on a busy machine
        self.shut = None        # how the function last called shutdown
        self.progress()

    def progress(self):
        """Something moved: LIMIT counts from now."""
        self.deadline, self.in_vain = time.monotonic() + check.LIMIT, False

    def start(self, *args, shown: str, explain: Callable[[Outcome], str | None] = lambda outcome: None):
        """Call the function. `shown` is the call as a learner would type it; `explain` may name a mistake."""
        self.call, self.explain = shown, explain
        self.given = [arg for arg in args if isinstance(arg, PLAIN)]
        self.thread = threading.Thread(target=self._run, args=args, name="exercise", daemon=True)
        self.progress()
        self.thread.start()

    def _run(self, *args):
        with contextlib.suppress(TooLong):      # a second one may come while the first is dealt with
            try:
                outcome = Outcome(self.function, self.function(*args))
            except BaseException as error:
                outcome = Outcome(self.function, raised=error)
            self.outcome = self.outcome or outcome
            self.done.set()
        self.done.set()

    def keep(self, sock):
        """Close this socket when the trial ends; no call of the peer's on it waits for ever."""
        sock.settimeout(check.LIMIT)
        return self.kept.enter_context(contextlib.closing(sock))

    def until(self, condition) -> bool:
        """Wait for the condition; False when the function ended before, or nothing moves any longer."""
        while not condition():
            if self.done.wait(0.0005) or self.late():
                return bool(condition())
        return True

    def all_taken(self) -> bool:
        """Is nothing left in the kernel for the function's first socket?"""
        return all(receive_queue(sock) in (0, None) for sock in [*self.given, *self.made][:1])

    def late(self) -> bool:
        self.in_vain = time.monotonic() > self.deadline
        return self.in_vain

    def accept(self, listener):
        """The connection of the function's client; Miss when none comes."""
        listener.settimeout(TICK)
        while True:
            ended = self.done.is_set()
            with contextlib.suppress(TimeoutError):
                return self.keep(listener.accept()[0])
            if ended or self.late():
                raise self.miss("a connection", f"none; the function gave {self.result()}" if ended else "none",
                                "nobody connected: a client needs socket(), then connect(address)")

    def hear(self, sock, size: int) -> tuple[bytes, str]:
        """(what came, "end" or "reset" of the stream or ""): at least `size` bytes where the function sends them."""
        sock.settimeout(TICK)
        data = b""
        while len(data) < size:
            ended = self.done.is_set()
            try:
                piece = sock.recv(65536)
            except TimeoutError:
                if ended or self.late():
                    break
                continue
            except ConnectionError:
                return data, "reset"
            if not piece:
                return data, "end"
            data += piece
            self.progress()
        return data, ""

    def give(self, sock, data: bytes):
        """Send all that the function takes."""
        sock.settimeout(TICK)
        rest = memoryview(data)
        while rest and not self.done.is_set():
            try:
                rest = rest[sock.send(rest):]
                self.progress()
            except TimeoutError:
                if self.late():
                    return
            except ConnectionError:
                return

    def result(self) -> Outcome:
        """How the function ended; TooLong when it did not in time: once the peer has given up, an end comes too late."""
        if not self.in_vain and self.done.wait(max(0.0, self.deadline - time.monotonic())) and self.outcome:
            return self.outcome
        self.in_vain = True
        return Outcome(self.function, raised=TooLong(f"no end after {check.LIMIT:g} seconds"))

    def expect(self, expected, hint):
        """The function must come to its end with this; Miss if not."""
        if miss := judge(self.result(), expected, hint, self.explain):
            raise miss

    def miss(self, expected: str, came: str, hint: str) -> Miss:
        """What the peer missed; or what the function raised, since the rest may follow from it."""
        outcome = self.result()
        if isinstance(outcome.raised or outcome.value, BaseException) and not outcome.late:
            return Miss(expected, str(outcome), self.explain(outcome) or common_mistake(None, outcome))
        return Miss(expected, came, hint)

    def tidy(self):
        """Miss when a socket of the function's was left open, or one that it was given is closed."""
        if left := sum(sock.fileno() != -1 for sock in self.made):
            raise Miss("each socket closed", f"{left} still open when the function returned",
                       "close what you open: `with socket.socket() as sock:` does it on every path")
        if any(sock.fileno() == -1 for sock in self.given):
            raise Miss("the given socket still open", "it is closed",
                       "the socket that you were given belongs to the caller: close only what you opened or accepted")

    def stop(self):
        """Give the socket class back, end the function's thread, close all sockets."""
        socket.socket = self.before
        end = time.monotonic() + check.LIMIT
        while self.thread and self.thread.is_alive() and time.monotonic() < end:
            for sock in [*self.made, *self.given]:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)         # close() alone does not wake a call that waits
            self.thread.join(0.05)
            if not self.done.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread.ident), ctypes.py_object(TooLong))
        for sock in [*self.made, *self.given]:
            sock.close()
        self.kept.close()


def _kept(work: Work) -> type:
    """The socket class while a trial runs: it knows the learner's sockets, and its kernel takes as little as it may."""

    def learners():
        return threading.current_thread() is work.thread

    def held_up(came):
        if learners():
            work.done.wait(work.pause)
        return came

    class Kept(PLAIN):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            if learners():
                work.made.append(self)

        def send(self, data, *flags):
            return super().send(data[:MOST] if learners() else data, *flags)

        def shutdown(self, how):
            if learners():
                work.shut = how
            super().shutdown(how)

        def recv(self, *args):
            return held_up(super().recv(*args))

        def recv_into(self, *args):
            return held_up(super().recv_into(*args))

    Kept.__name__ = Kept.__qualname__ = "socket"
    return Kept


# --- peers -----------------------------------------------------------------------------------------------------
def listening(work, backlog=5):
    listener = work.keep(PLAIN())
    listener.bind((HOST, 0))
    listener.listen(backlog)
    listener.settimeout(None)       # it may be the function's
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
    """(peer, sock): a TCP connection with little room in its kernels."""
    listener, peer = listening(work), work.keep(PLAIN())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    peer.connect(listener.getsockname())
    sock = work.keep(listener.accept()[0])
    sock.settimeout(None)
    return peer, sock


def trickle(work, peer, data):
    """One byte at a time, the next when the function has taken the former."""
    with contextlib.suppress(ConnectionError):
        for n in range(len(data)):
            peer.sendall(data[n:n + 1])
            if not work.until(work.all_taken):
                return


def vanish(sock):
    """Close with a reset: what a peer's crash or a lost machine looks like later."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))
    sock.close()
