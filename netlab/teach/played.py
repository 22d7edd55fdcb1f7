"""A server's handler, in your own thread, against a peer whose bytes come in just these pieces: real sockets, no waiting.

    played = play(handler, [b"te", b"a\\nsalt", b"\\n"])     # handler(conn, address), as for netlab.serve
    played.received         what the handler sent, b"TEA\\nSALT\\n"
    played.recvs            what each recv brought: (b"te", b"a\\nsalt", b"\\n", b"") for one that asks for much; one b"" for all
    played.raised           what it raised, or None;   played.late: it did not come to its end, played.why tells how
    played.hung_up          None, or the bytes it had taken when it ended the connection before the peer did

`conn` is a connected TCP socket. A recv gives at most what has arrived of the stream, and the next piece arrives at the call
after all of that was taken. A network may do just that (RFC 9293, 3.8: no boundaries; recv(2): "any data available, up to
the requested amount, rather than waiting"), so a handler that fails here is wrong. Many hundreds of runs take a second.

    every_cut(stream, n)                all ways to cut a stream to n pieces
    [b"te", PAUSE, b"a\\n"]             the peer is silent for longer than any timeout: recv raises TimeoutError at once where
                                        one is set, and goes on where none is (or where the socket is non-blocking)
    [b"te", function, b"a\\n"]          function(received so far) is called when the handler asks for more than b"te": to look
                                        at the answers, or to play another connection meanwhile
    [b"tea\\n", ANSWER, b"s"]           the peer sends on when the handler has sent something. A recv that waits gets
                                        more all the same, a non-blocking one raises BlockingIOError before that
    end="close"                         then the peer ends its stream: b"" for ever. "reset": ConnectionResetError once.
                                        "open": it says nothing more; a recv without a timeout would wait for ever, and is late
    most=3                              each send takes at most 3 bytes (send(2) promises no more than one); sendall takes all

What never ends is ended by TooLong: at a recv for which nothing will come, after a hundred that brought nothing, after ten
thousand sends without a recv between and one more for each byte taken, and after netlab.teach.check.LIMIT seconds (on Unix,
in the main thread).
"""
import contextlib
import enum
import errno
import itertools
import os
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from netlab.kernel import receive_queue, undisturbed, wait_until
from netlab.teach.check import Outcome, TooLong, call
from netlab.teach.peers import HOST, PLAIN

PAUSE, ANSWER = enum.Enum("Peer", "PAUSE ANSWER")      # among the pieces
IN_VAIN = 100           # calls in a row that bring nothing
CHUNK = 32768           # bytes that surely fit into loopback's buffers; a longer piece comes in several
SOON = 0.2              # seconds that a handler with threads of its own has for an answer that the peer waits for
MOST_SENT = 2 ** 26     # bytes that a handler may send
IN_A_ROW = 10_000       # sends without a recv between, and one more for each byte that it has taken
_WAITALL = getattr(socket, "MSG_WAITALL", 0)


@dataclass(frozen=True)
class Played:
    """One run of a handler. `pieces`: the bytes as they came, of a generator as far as it was asked; `sends`: what each took."""
    received: bytes
    outcome: Outcome
    pieces: tuple[bytes, ...]
    recvs: tuple[bytes, ...]
    asks: tuple[int, ...]   # bytes that each of these asked for
    sends: tuple[bytes, ...]
    taken: int              # bytes of the stream
    saw_end: bool           # was the handler told of the stream's end?
    waited: bool            # did it ask for more after the last piece?
    repeats: bool           # did it send for ever, without a recv between?

    @property
    def raised(self) -> BaseException | None:
        """What the handler raised; TooLong is not the handler's."""
        return None if self.late else self.outcome.raised

    @property
    def late(self) -> bool:
        """Did it have to be ended?"""
        return self.outcome.late

    @property
    def why(self) -> str:
        """Of one that was late: what it did for ever."""
        return str(self.outcome.raised) if self.late else ""

    @property
    def hung_up(self) -> int | None:
        """Bytes that it had taken when it returned or raised without having seen the end; None where it saw it, or was late."""
        return None if self.saw_end or self.late else self.taken

    def __repr__(self) -> str:
        ended = self.why if self.late else "returned" if self.raised is None else str(self.outcome)
        return f"Played(received={self.received!r}, recvs={list(self.recvs)!r}, {ended})"


def play(handler: Callable, pieces: Iterable, *, end: str = "close", most: int | None = None) -> Played:
    """Run handler(conn, address); the peer's bytes come in these pieces. Raises ValueError for another `end`.

    `pieces` may be a generator: it is asked for one more than the handler has taken. Closes both ends, whatever happened.
    """
    if end not in ("close", "reset", "open"):
        raise ValueError(f'end is "close", "reset" or "open", not {end!r}')
    tracing = sys.gettrace()
    with contextlib.ExitStack() as kept:
        conn, peer = _connected(kept)
        conn.peer = script = Script(peer, pieces, end, most)
        try:
            script.ahead()
            outcome = call(handler, conn, peer.getsockname())
        finally:
            if sys.gettrace() is not tracing:
                sys.settrace(tracing)
        if script.endless:              # however it ended after that
            outcome = Outcome(handler, raised=script.endless)
        script.hear_out(conn)
        came = script.came
        if isinstance(pieces, (list, tuple)):
            came = [part for piece in pieces for part in _parts(piece) if isinstance(part, bytes)]
        return Played(bytes(script.received), outcome, tuple(came), tuple(script.recvs), tuple(script.asks),
                      tuple(script.sends), script.taken, script.saw_end, script.waited, script.repeats)


def every_cut(stream: bytes, pieces: int) -> Iterator[list[bytes]]:
    """All ways to cut the stream to so many pieces, none of them empty."""
    for places in itertools.combinations(range(1, len(stream)), pieces - 1):
        edges = (0, *places, len(stream))
        yield [stream[begin:end] for begin, end in itertools.pairwise(edges)]


def _connected(kept) -> tuple["Conn", socket.socket]:
    """(the handler's end, the peer's end) of a connection on loopback, both closed with `kept`.

    Not to be disturbed: between the system's accept and the socket made of what it gave, an interrupt would lose a descriptor.
    """
    conn, peer = undisturbed(_ends)
    kept.callback(peer.close)
    kept.callback(socket.SocketType.close, conn)        # also where a file made by makefile() is still open
    return conn, peer


def _ends():
    with PLAIN() as listener:
        listener.bind((HOST, 0))
        listener.listen(1)
        peer = PLAIN()
        peer.settimeout(5)
        peer.connect(listener.getsockname())
        accepted, _ = listener.accept()
    # At the end it is the peer's reset that closes what is left: no TIME_WAIT, of which thousands would use up the ports.
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh" if os.name == "nt" else "ii", 1, 0))
    conn = Conn(fileno=accepted.detach())
    conn.settimeout(None)               # whatever setdefaulttimeout said
    for sock in (conn, peer):           # else a second short send waits 40 ms for the delayed ACK of the first
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return conn, peer


class Script:
    """The peer at work, in the handler's own calls."""

    def __init__(self, sock, pieces, end, most):
        self.sock, self.end, self.most = sock, end, most
        self.pieces = (part for piece in pieces for part in _parts(piece))
        self.first = []         # what has to happen before the next piece: PAUSE, functions
        self.next = b""         # it lies in the kernel already, so that select() tells of it
        self.arrived = 0        # bytes that a call may have now
        self.seen = False       # did a MSG_PEEK see all of them?
        self.over = self.reset = self.saw_end = self.waited = False
        self.came, self.recvs, self.asks, self.sends, self.received, self.taken = [], [], [], [], bytearray(), 0
        self.threads = threading.active_count()
        self.before = 0         # bytes that the handler had sent when it last took some
        self.sent, self.in_vain, self.endless, self.insisted = 0, 0, None, 0
        self.in_a_row, self.repeats = 0, False

    def ahead(self):
        """Send the next piece, or the end. What is behind ANSWER waits until the handler has sent something, or asks for it."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                with contextlib.suppress(OSError):      # the handler has ended it
                    self.sock.sendall(piece)
                    self.next = piece
                    return
                break
            self.first.append(piece)
            if piece is ANSWER and self.sent == self.before:
                return
        self.over = True
        if self.end != "open":
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_WR)

    @property
    def holds(self) -> bool:
        """Does the peer wait for an answer?"""
        return self.first[-1:] == [ANSWER] and not self.next and not self.over

    def deal(self, conn, size, flags) -> bytes:
        """What one recv gives."""
        self.in_a_row = 0
        if self.endless:
            self.insist()
        if self.seen or not self.arrived:
            self.arrive(conn)
        if not self.arrived:
            return self.nothing(conn)
        data = PLAIN.recv(conn, min(size, self.arrived), flags & socket.MSG_PEEK)
        if flags & socket.MSG_PEEK:
            self.seen = len(data) == self.arrived
            return data
        self.in_vain, self.seen, self.before = 0, False, self.sent
        self.taken += len(data)
        self.arrived -= len(data)
        if not self.arrived and not self.next and not self.over:
            self.ahead()
        return data

    def arrive(self, conn):
        """Let the next piece arrive."""
        if self.holds and conn.gettimeout() == 0:
            self.no_more_now(conn)
        while self.first or not (self.next or self.over):
            if self.arrived and self.holds:
                break
            if not self.first:          # a peek left the former piece there, or nothing came for an answer
                self.ahead()
            elif callable(todo := self.first.pop(0)):
                todo(bytes(self.received))
            elif todo is PAUSE and conn.gettimeout() and not self.arrived:
                raise TimeoutError("timed out")
            elif todo is ANSWER and threading.active_count() > self.threads:
                with contextlib.suppress(TimeoutError):         # another thread of the handler's may be about to answer
                    wait_until(lambda: len(self.received) >= self.sent > self.before, SOON)
        if self.arrived and not self.next:
            self.in_vain += 1
            if self.in_vain > IN_VAIN:
                self.stop(f"a busy loop: it looked {IN_VAIN} times at the same bytes with MSG_PEEK, and no more come")
        self.came += [self.next] * bool(self.next)
        self.arrived += len(self.next)
        self.next = b""
        wait_until(lambda: receive_queue(conn) in (None, self.arrived), what="that the piece has come")

    def no_more_now(self, conn):
        """There is nothing, and the peer has not ended."""
        self.in_vain += 1
        if self.in_vain > IN_VAIN:
            self.stop(f"no end after {IN_VAIN} calls of recv for bytes that never come")
        if conn.gettimeout() == 0:
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        raise TimeoutError("timed out")

    def nothing(self, conn) -> bytes:
        """The stream is over: what a recv has of that."""
        self.waited = True
        if self.end == "open":
            if conn.gettimeout() is None:
                self.stop("it waits in recv for bytes that never come")
            self.no_more_now(conn)
        self.saw_end, self.in_vain = True, self.in_vain + 1
        if self.end == "reset" and not self.reset:
            self.reset = True
            self.sock.close()
            raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
        if self.in_vain > IN_VAIN:
            self.stop(f"a busy loop: it called recv {IN_VAIN} times more after b\"\", the end of the stream")
        return b""

    def stop(self, why):
        self.endless = TooLong(why)
        raise self.endless

    def insist(self):
        """It swallowed TooLong. Should its `except` do that for ever, raise it in there, at the next line that it runs."""
        self.insisted += 1
        if self.insisted > 3:
            def at_the_next_line(frame, event, arg):
                if event == "line" and frame.f_code.co_filename != __file__:
                    raise self.endless
                return at_the_next_line

            frame = sys._getframe(1)
            while frame and frame.f_code is not play.__code__:
                frame.f_trace = at_the_next_line
                frame = frame.f_back
            sys.settrace(at_the_next_line)
        raise self.endless

    def hear(self):
        """Take what the handler has sent so far."""
        with contextlib.suppress(OSError):
            while len(self.received) < self.sent and (data := self.sock.recv(65536)):
                self.received += data

    def hear_out(self, conn):
        """Take all that the handler has sent, until its end; as netlab.serve does, close for it."""
        with contextlib.suppress(OSError):
            conn.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            self.sock.settimeout(1)                     # a duplicate of its socket may live on
            while data := self.sock.recv(65536):
                self.received += data


def _parts(piece):
    if piece in (PAUSE, ANSWER) or callable(piece):
        return [piece]
    if not isinstance(piece, (bytes, bytearray, memoryview)):
        raise TypeError(f"a piece is bytes, PAUSE, ANSWER or a function, not {piece!r}")
    piece = bytes(piece)
    return [piece[n:n + CHUNK] for n in range(0, len(piece), CHUNK)]


class Conn(PLAIN):
    """The handler's socket."""

    def dup(self):
        twin = super().dup()
        twin.peer = self.peer           # what is left of the stream is left for both
        return twin

    def recv(self, bufsize, flags=0):
        if self.fileno() == -1 or not isinstance(bufsize, int) or bufsize <= 0:
            return super().recv(bufsize, flags)         # EBADF, TypeError, ValueError, b""
        data = self.peer.deal(self, bufsize, flags)
        if flags & _WAITALL and not flags & socket.MSG_PEEK and self.gettimeout() is None:      # else Python's is non-blocking
            while len(data) < bufsize and (more := data and self.peer.deal(self, bufsize - len(data), flags)):
                data += more
        if not flags & socket.MSG_PEEK and (data or self.peer.recvs[-1:] != [b""]):
            self.peer.recvs.append(data)
            self.peer.asks.append(bufsize)
        return data

    def recv_into(self, buffer, nbytes=0, flags=0):
        view = memoryview(buffer).cast("B")
        data = self.recv(nbytes or len(view), flags)
        view[:len(data)] = data
        return len(data)

    def recvfrom_into(self, buffer, nbytes=0, flags=0):
        return self.recv_into(buffer, nbytes, flags), None

    def recvfrom(self, bufsize, flags=0):
        return self.recv(bufsize, flags), None          # as the kernel has it for TCP

    def recvmsg(self, bufsize, ancbufsize=0, flags=0):
        return self.recv(bufsize, flags), [], 0, None

    def send(self, data, flags=0):
        view = memoryview(data).cast("B")
        return self._carry(view[:self.peer.most or len(view)], flags)

    def sendall(self, data, flags=0):
        self._carry(memoryview(data).cast("B"), flags)

    def sendmsg(self, buffers, *more):
        return self.send(b"".join(buffers))

    def sendfile(self, file, offset=0, count=None):
        file.seek(offset)
        data = file.read(-1 if count is None else count)
        self.sendall(data)
        return len(data)

    def _carry(self, view, flags):
        """Send all of it: the peer takes it meanwhile."""
        if self.peer.endless:
            self.peer.insist()
        done = 0
        while True:
            size = super().send(view[done:done + CHUNK], flags)
            self.peer.sent += size
            self.peer.hear()
            done += size
            if self.peer.holds and not self.peer.arrived:
                self.peer.ahead()
            if done == len(view):
                break
        self.peer.sends.append(bytes(view))
        self.peer.in_a_row += 1
        if self.peer.in_a_row > IN_A_ROW + self.peer.taken:
            self.peer.repeats = True
            self.peer.stop(f"it sent {self.peer.in_a_row:,} times without a recv between")
        if len(self.peer.received) > MOST_SENT:
            self.peer.stop(f"no end after {MOST_SENT // 2 ** 20} MiB sent")
        return done


Conn.__name__ = Conn.__qualname__ = "socket"
