"""What runs a server: a thread that waits for clients and can be woken, and an end that no interrupt can break.

The server's own thread does all the work, the ending too; `stop()` only asks for it and waits. Python raises
KeyboardInterrupt in the main thread alone, so it can break the waiting off, and never the work.
"""
import _socket
import _thread
import contextlib
import errno
import itertools
import os
import select
import selectors
import socket
import threading
import time
from heapq import heappop, heappush

from netlab.words import number_of

PLAIN = socket.socket   # the class itself, whatever `watch` puts in its place
PATIENCE = 5.0          # seconds that stop() takes at most, if a handler does not come to its end
GRACE = 0.2             # seconds in which a handler may answer what it has received, before its connection is cut
LEFTOVERS = 1000        # connections or datagrams that a server still serves when it stops: no flood can hold it

# Why there was no client after all (accept(2); trio sorts them in the same way): the machine is short of something, so
# try again later; somebody closed the server's socket, or shut it down; that one client is gone, so go on.
SHORT, CLOSED, PASSING = ({vars(errno).get(name) for name in names.split()} - {None} for names in (
    "EMFILE ENFILE ENOMEM ENOBUFS", "EBADF EINVAL ENOTSOCK",
    "EAGAIN EWOULDBLOCK ECONNABORTED ECONNRESET ECONNREFUSED EPERM EPROTO ENETDOWN ENETUNREACH ENETRESET EHOSTDOWN "
    "EHOSTUNREACH ENONET ENOPROTOOPT EOPNOTSUPP ETIMEDOUT"))
running = set()        # what stop_all() ends; each stays here until it has really ended


class Later:
    """A call that a server's thread will make; `cancel()`, and it does not."""

    def __init__(self, call):
        self.call = call

    def cancel(self):
        """Call it off. Again, or too late, does nothing."""
        self.call = None


class Engine:
    """What TCP and UDP servers share: checked arguments, a bound socket, a thread that can be woken, the first error.
    There is no `with lock` here: an interrupt just before its block begins would leave the lock held for ever.
    """

    def __init__(self, handler, host, port, family, name, timeline):
        _check(handler, host, port, family, timeline)
        self.handler, self.name = handler, name or getattr(handler, "__name__", type(handler).__name__)
        self.pid, self.group = os.getpid(), object()
        self.threads, self.connections, self.errors, self.timers, self.turn = set(), set(), [], [], itertools.count()
        self.stopping = self.dropped = self.ended = False
        self.awaited = self.gave_up = False         # stop() waits, and will close the socket; it has told of a late handler
        self.serving, self.short = True, False      # the socket takes what comes; a connection that ends should wake us
        self.owner = threading.Lock()   # held by the thread from its start to its end
        self.socket, self.plumbing = None, []
        try:
            self.wake_reader, self.wake_writer = self.plumbing[:] = plain_pair()
            self.selector = selectors.DefaultSelector()
            self.plumbing.append(self.selector)
            self.socket = self.make_socket(family, timeline)
            if os.name == "posix" and self.type == socket.SOCK_STREAM:     # a port in TIME_WAIT may be used again (socket(7))
                PLAIN.setsockopt(self.socket, socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.socket.bind((host, port))
            self.address = self.socket.getsockname()
            PLAIN.setblocking(self.socket, False)       # so that a client which is gone again cannot hold us up
            if self.type == socket.SOCK_STREAM:
                self.socket.listen(128)
            for end in (self.socket, self.wake_reader):
                self.selector.register(end, selectors.EVENT_READ)
            self.recorder = getattr(self.socket, "recorder", None)      # the timeline, or that of a `watch` around us
        except BaseException:
            for thing in filter(None, (self.socket, *self.plumbing)):
                thing.close()
            raise

    def make_socket(self, family, timeline):
        return (timeline.socket if timeline else socket.socket)(family, self.type)

    def close_plumbing(self):
        for thing in self.plumbing:
            thing.close()

    def start(self):
        """Begin to serve. An interrupt inside `Thread.start` leaves a thread half there, so another thread calls it."""
        up = threading.Lock()
        up.acquire()
        _thread.start_new_thread(self.launch, (up,))
        up.acquire()
        if not self.threads:
            self.tell()

    def launch(self, up):
        self.owner.acquire()
        if self.ended or not self.thread(self.run, f"server {self.name}"):      # ended: start() was interrupted
            self.owner.release()
        up.release()

    def thread(self, target, name, *args):
        thread = threading.Thread(target=self.guarded, args=(target, *args), name=name, daemon=True)
        thread.group = self.group       # by which a timeline knows whom stop() waited for
        self.threads.add(thread)
        try:
            thread.start()
        except RuntimeError as error:
            self.threads.discard(thread)
            self.fail(error)
            return False
        return True

    def guarded(self, target, *args):
        try:
            target(*args)
        except BaseException as error:  # exit() ends a conversation, and is told as well
            if not (self.stopping and isinstance(error, OSError)):      # our own shutdown is no fault of the handler's
                self.fail(error)
        finally:
            if not self.stopping:       # while it stops, each of them is waited for
                self.threads.discard(threading.current_thread())

    def fail(self, error):              # the first is told, the others are counted
        self.errors.append(None if self.errors else error)

    def run(self):
        self.main = threading.current_thread()
        try:
            while not self.stopping:
                self.serve_next(self.until_next())
            self.until_next()           # what was due before the end
            for _ in range(LEFTOVERS):  # who came before the end is served as well, whichever thread was faster
                if self.dropped or not self.serve_next(0):
                    break
            self.end_connections()
        finally:
            self.stopping = True
            self.close_plumbing()
            self.ended = True           # before a look at `awaited`: drop() does it the other way round
            if not self.awaited:
                self.close()
            self.owner.release()

    def later(self, seconds, call):
        timer = Later(call)             # no two numbers are equal: Python code that compared two could let a thread between
        heappush(self.timers, (time.monotonic() + seconds, next(self.turn), timer))
        self.wake_up()
        return timer

    def until_next(self):
        """Make the calls that are due; how many seconds there are to the next one, or None."""
        now = time.monotonic()          # what they set for this very moment is for the next time, after who waits
        while self.timers and self.timers[0][0] <= now and not self.dropped:
            if (call := heappop(self.timers)[2].call) is not None:
                try:
                    call()
                except BaseException as error:      # as in a handler: told at the end, and the server goes on
                    self.fail(error)
        return max(0, self.timers[0][0] - time.monotonic()) if self.timers else None

    def serve_next(self, timeout):
        """Wait for a client or to be woken, and serve the client; whether there may be another."""
        try:
            ready = [key.fileobj for key, _ in self.selector.select(timeout)]
            if self.wake_reader in ready:
                self.wake_reader.recv(4096)
            if self.socket not in ready:
                return False
            client = self.take()
        except OSError as error:
            return self.nobody(error)
        self.serve_one(*client)
        return True

    def nobody(self, error):
        """There was no client, and why: take the next, wait for better times, or listen no more; True for the first."""
        if error.errno in SHORT:
            if not self.stopping:       # till a connection of ours has ended; others may close something too: 0.05 s
                self.short = True
                self.selector.unregister(self.socket)
                self.selector.select(0.05)
                self.selector.register(self.socket, selectors.EVENT_READ)
                self.short = False
            return False
        if error.errno not in PASSING or input_ended(self.socket):
            self.serving = False
            self.selector.unregister(self.socket)
            if error.errno not in PASSING | CLOSED:
                self.fail(error)
        return self.serving

    def begin_to_stop(self):
        if not self.stopping:
            self.deadline, self.stopping = time.monotonic() + PATIENCE, True
        self.wake_up()                  # each time: an earlier try may have been interrupted before it came to this

    def wake_up(self):
        with contextlib.suppress(OSError):          # it has ended, or so many wake it that the buffer is full
            self.wake_writer.send(b"x")

    def end_connections(self):
        if not self.dropped:            # else nobody waits: no handler is asked to come to its end, it is cut off
            self.shut_connections(socket.SHUT_RD)       # recv() returns b"": the handler may still answer
        if self.dropped or self.join(GRACE):
            self.shut_connections(socket.SHUT_RDWR)     # and now sendall() fails as well
        self.join(PATIENCE)

    def shut_connections(self, how):
        for conn in self.connections.copy():
            if how == socket.SHUT_RD and input_ended(conn):
                continue                # its handler will see so by itself
            if hasattr(conn, "recorder"):
                conn.stopped = True                 # so that the story does not say "the peer closed"
            with contextlib.suppress(OSError):      # close() does not wake a thread in recv(), shutdown() does
                PLAIN.shutdown(conn, how)

    def join(self, seconds):
        """Wait for the handlers, together at most so long and not beyond the deadline; whether one still runs."""
        end = min(time.monotonic() + seconds, self.deadline)
        handlers = self.threads - {self.main}
        for thread in handlers:
            thread.join(max(0, end - time.monotonic()))
        return any(thread.is_alive() for thread in handlers)

    def wait(self, seconds):
        """Wait at most so long for the thread to have ended everything; whether it has."""
        if not self.ended and self.owner.acquire(timeout=seconds):
            if not self.ended:          # there never was a thread
                self.close_plumbing()
                self.ended = True
                self.close()
            self.owner.release()        # an interrupt just before leaves it locked: so look at `ended` first
        return self.ended

    def close(self):
        """The last step. By whoever stops the server, so that a recording shows it after what the handlers did."""
        if self.recorder:
            self.recorder.joined(self.group)
        self.socket.close()
        running.discard(self)

    def drop(self):
        """Nobody holds the server any more, or stop() was interrupted: it ends by itself, and no one waits."""
        if os.getpid() != self.pid:
            return self.leave()
        self.dropped, self.awaited = True, False
        self.begin_to_stop()
        if self.ended and self.socket.fileno() != -1:
            self.close()

    def leave(self):
        """In a forked child there are no threads, and descriptors are copies: close them, wake and shut down nothing."""
        self.stopping = True
        running.discard(self)
        self.selector.close()
        for sock in (self.socket, self.wake_reader, self.wake_writer, *self.connections):
            with contextlib.suppress(OSError):      # it is closed already
                os.close(_socket.socket.detach(sock))

    def stop(self):
        if os.getpid() != self.pid:
            return self.leave()
        own = threading.current_thread() in self.threads        # a handler would wait for itself
        try:
            if self.recorder and not self.stopping:
                self.recorder.woke(self.group)
            self.awaited = self.awaited or not own
            self.begin_to_stop()
            if own:
                return
            late = not self.wait(0 if self.gave_up else PATIENCE)
            if not late:
                self.main.join(GRACE)   # its last step: without this, threading.enumerate() could still list it
                late = any(thread.is_alive() for thread in self.threads - {self.main})
            self.close()
        except BaseException:
            self.drop()
            raise
        self.tell(late)

    def tell(self, late=False):
        """Raise what went wrong, once."""
        errors, self.errors = self.errors, []
        first = errors[0] if errors else None
        if len(errors) > 1:
            first.add_note(f"{number_of(len(errors) - 1, 'more call')} of the handler failed as well")
        if late and not self.gave_up:
            self.gave_up = True
            raise RuntimeError(f"a handler of {self.name!r} did not end within {PATIENCE:g} seconds of stop()") from first
        if first and not isinstance(first, Exception):
            raise RuntimeError(f"a handler of {self.name!r} raised {type(first).__name__}: to end it, return") from first
        if first:
            raise first


class Tcp(Engine):
    type = socket.SOCK_STREAM

    def take(self):
        return self.socket.accept()

    def serve_one(self, conn, address):
        PLAIN.setblocking(conn, True)
        self.connections.add(conn)
        if not self.thread(self.handle, f"{self.name} connection", conn, address):
            self.connections.discard(conn)
            conn.close()

    def handle(self, conn, address):
        try:
            with conn:
                self.handler(conn, address)
        finally:
            self.connections.discard(conn)
            if self.short:
                self.wake_up()


class Udp(Engine):
    type = socket.SOCK_DGRAM

    def take(self):
        return self.socket.recvfrom(65535)

    def serve_one(self, data, address):
        try:
            reply = self.handler(data, address)
            if reply is not None and self.socket.fileno() != -1:        # else stop() has given up on us
                self.socket.sendto(reply, address)
        except BaseException as error:  # one bad datagram does not end the server, and neither does exit()
            self.fail(error)


def plain_pair():
    """Two connected sockets that no `watch` records: of the class below the one that it replaces."""
    if hasattr(_socket, "socketpair"):
        pair = _socket.socketpair()
    else:                               # Windows: a datagram socket, connected to itself, is both ends
        pair = (_socket.socket(type=socket.SOCK_DGRAM),) * 2
        pair[0].bind(("127.0.0.1", 0))
        pair[0].connect(pair[0].getsockname())
    pair[1].setblocking(False)          # to wake a server that is busy must not wait for it
    return pair


def input_ended(sock):
    """Whether the other end has ended its sending, or this one was shut down; known on Linux only (poll(2))."""
    if not hasattr(select, "POLLRDHUP") or sock.fileno() == -1:
        return False
    poll = select.poll()
    poll.register(sock, select.POLLRDHUP)
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
    if family == socket.AF_INET6 and host.replace(".", "").isdigit():
        raise ValueError(f"host {host!r} is an IPv4 address; with AF_INET6 give an IPv6 one such as \"::1\"")
    if timeline is not None and not hasattr(timeline, "socket"):
        raise TypeError(f"timeline must be a netlab.Timeline, not {timeline!r}")
