"""The other end of this chapter's exercises: a server behind a bad link, and strangers.

The sockets are real, on loopback. What the link lets through is in the kernel of the learner's socket before the
learner's `sendto` returns, and what the learner's calls gave is written down: so nothing is judged by how fast a
machine is.
"""
import contextlib
import select
import socket
import threading
import time
from dataclasses import dataclass

from netlab.network.fates import Fate, Impairment, Line
from netlab.teach.check import Outcome, TooLong, call, show
from netlab.teach.peers import HOST, PLAIN

PRICES = {b"tea": b"3", b"salt": b"1", b"rice": b"2"}
THERE, BACK = "client 1 to the server", "client 1 to the client"        # as netlab.Link has it: the same seed, the same fates
MOST_SENT = 40          # requests, and
MOST_GIVEN = 400        # datagrams given to the function, after which it has no end
EVENTS = 9              # that are shown
SOON = 0.2              # seconds that loopback has for a datagram where it does not come at once, as it does on Linux
PAUSE = 0.002           # seconds between two datagrams of a stranger that never stops
_DONTWAIT = getattr(socket, "MSG_DONTWAIT", 0)


def priced(request):
    """What the price server answers: the number of the request, and the price; nothing more where it has none."""
    return [request[:2] + PRICES.get(request[2:], b"")] if len(request) > 1 else []


def price_server(data, address):
    """The same as a handler for serve_udp."""
    return next(iter(priced(data)), None)


def same(request):
    """What the echo server answers."""
    return [request]


@dataclass(frozen=True)
class Given:
    """A datagram that a call gave to the function."""
    data: bytes
    server: bool        # does it come from the server?
    when: float
    size: int           # bytes that the call asked for
    place: int          # in the story


class Bench:
    """One trial: the learner's `sock`, the server at `address` behind a link, and a stranger. A context manager.

    `answer(request)` gives the server's answers. `before(bench, count)` may `push` other datagrams when request `count`
    (1, 2, …) has left. `lose`: the counts of requests that are lost, `hold`: of those whose answers come behind the next one's.
    `chatter`: a stranger sends this for ever. `delay`: seconds until an answer comes.
    """

    def __init__(self, answer, *, before=None, chatter=None, delay=0.0, lose=(), hold=(), **link):
        self.answer, self.before, self.chatter, self.delay = answer, before, chatter, delay
        self.lose, self.hold, self.held = lose, hold, []
        impairment = Impairment(**link)
        self.there, self.back = (Line(impairment, way) for way in (THERE, BACK))
        self.kept = contextlib.ExitStack()
        self.server, self.stranger, self.sock = (
            self.kept.enter_context(sock) for sock in (_udp(PLAIN), _udp(PLAIN), _udp(Watched)))
        self.sock.bench = self
        self.address = self.server.getsockname()
        self.timers, self.asleep, self.closed, self.pushed = [], threading.Event(), False, 0.0
        self.begin()

    def begin(self):
        """A new call: forget what happened in the one before. The dice go on."""
        self.story, self.sent, self.given, self.astray, self.endless, self.latest = [], [], [], 0, None, b""
        self.places = []        # in the story, of each datagram sent
        self.returned = {}      # when the sendto with this datagram returned
        self.since = []         # for each datagram sent: when the call before it had returned
        self.last = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for timer in self.timers:
            timer.cancel()
            if timer.ident:                     # the limit of time may have rung before it was started
                timer.join()
        self.kept.close()

    def run(self, function, *args) -> Outcome:
        """Call the function with the socket and these arguments."""
        self.begin()
        self.began = self.last
        outcome = call(function, self.sock, *args)
        self.ended = time.monotonic()
        self.closed = self.sock.fileno() == -1
        self.connected = not self.closed and _connected(self.sock)
        self.own = bool(select.select([self.server], [], [], 0)[0])     # it sent through another socket than ours
        return Outcome(function, raised=self.endless) if self.endless else outcome

    def left(self) -> list[bytes]:
        """What the server sent and nobody took."""
        found = []
        with contextlib.suppress(OSError):
            self.sock.setblocking(False)
            while True:
                data, sender = PLAIN.recvfrom(self.sock, 65535)
                found += [data] * (sender == self.address)
        return found

    def waited(self) -> list[float]:
        """Seconds that each datagram had, until the next one was sent, or the end.

        They are counted from the end of the call before: a function may look at its clock before it sends, and a busy machine
        may let it wait there.
        """
        ends = [when for when, _ in self.sent[1:]] + [self.ended]
        return [end - since for since, end in zip(self.since, ends, strict=False)]

    def tells(self, place=None) -> str:
        """The events, the last ones where they are many; or from the request on to which the event at this place belongs."""
        begin = len(self.story) - EVENTS
        if place is not None:
            begin = min(begin, max((each for each in self.places if each <= place), default=0))
        begin = max(0, begin)
        end = begin + EVENTS
        return " → ".join(["…"] * (begin > 0) + self.story[begin:end] + ["…"] * (end < len(self.story)))

    # --- the link ---
    def carry(self):
        """A datagram has left the learner's socket: let happen all that follows from it."""
        self.server.settimeout(SOON)
        try:
            request, sender = self.server.recvfrom(65535)
        except TimeoutError:
            self.astray += 1
            self.story.append("a datagram to another address")
            if self.astray >= MOST_SENT:
                self.stop(f"no end after {MOST_SENT} datagrams")
            return
        self.latest = request
        if self.endless:
            return
        again = " again" if any(request == data for _, data in self.sent) else ""
        self.sent.append((time.monotonic(), request))
        self.since.append(self.last)
        self.places.append(len(self.story))
        fate = Fate(0)
        if len(self.sent) not in self.lose:     # without a clock: who is held back waits for others to overtake it
            fate = self.there.put(request, 0)
        self.story.append(f"request {named(request)}{again}{_fate(fate)}")
        if len(self.sent) >= MOST_SENT:
            self.stop(f"no end after {MOST_SENT} requests")
        if self.before:
            self.before(self, len(self.sent))
        for arrived in self.there.take(0):
            for reply in self.answer(arrived):
                fate = Fate(1, 1) if len(self.sent) in self.hold else self.back.put(reply, 0)
                self.held += [reply] * (len(self.sent) in self.hold)
                if fate != (1, 0):
                    self.story.append(f"answer {named(reply)}{_fate(fate)}")
        self.sender = sender
        replies = self.back.take(0)
        if replies:
            replies, self.held = replies + self.held, []
        if self.delay and replies:
            self.timers.append(threading.Timer(self.delay, self.deliver, (replies,)))
            self.timers[-1].start()
        else:
            self.deliver(replies)
        self.returned[request] = time.monotonic()

    def deliver(self, replies):
        with contextlib.suppress(OSError):      # the trial is over
            for reply in replies:
                self.server.sendto(reply, self.sender)

    def push(self, data, *, stranger=False):
        """Send a datagram to the learner's socket, past the link."""
        (self.stranger if stranger else self.server).sendto(data, self.sock.getsockname())

    def take(self, sock, size, flags):
        """What a call of the learner's gives: the next datagram, and who sent it."""
        if self.endless:        # it swallowed that: answers for ever, so that its loops end
            return (*self.answer(self.latest), b"")[0][:size], self.address
        at_once = sock.gettimeout() == 0 or flags & _DONTWAIT or sock.fileno() == -1
        if self.chatter is not None:
            if not at_once:
                self.asleep.wait(PAUSE)
            if time.monotonic() >= self.pushed + PAUSE and sock.fileno() != -1:
                self.pushed = time.monotonic()
                self.push(self.chatter, stranger=True)
        for_ever = sock.gettimeout() is None and not at_once
        if for_ever and not any(timer.is_alive() for timer in self.timers) and not select.select([sock], [], [], SOON)[0]:
            self.story.append("recvfrom waits for ever")
            self.stop("no end: recvfrom waits, and nothing is on its way")
        try:
            data, sender = PLAIN.recvfrom(sock, 65535, flags)
        except TimeoutError:
            self.story.append("time is up")
            raise
        self.given.append(Given(data, sender == self.address, time.monotonic(), size, len(self.story)))
        self.story.append(f"recvfrom gives {show(data)}" + ("" if sender == self.address else " of a stranger"))
        if len(self.given) >= MOST_GIVEN:
            self.stop(f"no end after {MOST_GIVEN} datagrams")
        return data[:size], sender

    def stop(self, why):
        self.endless = TooLong(why)
        raise self.endless


class Watched(PLAIN):
    """The learner's socket: what it sends is carried at once, what it is given is written down."""

    def _sent(self, size):
        try:
            self.bench.carry()
        finally:
            self.bench.last = time.monotonic()
        return size

    def sendto(self, *args):
        return self._sent(super().sendto(*args))

    def send(self, *args):
        return self._sent(super().send(*args))

    def sendall(self, *args):
        return self._sent(super().sendall(*args))

    def sendmsg(self, *args):
        return self._sent(super().sendmsg(*args))

    def recvfrom(self, bufsize, flags=0):
        try:
            return self.bench.take(self, bufsize, flags)
        finally:
            self.bench.last = time.monotonic()

    def recv(self, bufsize, flags=0):
        return self.recvfrom(bufsize, flags)[0]

    def recvfrom_into(self, buffer, nbytes=0, flags=0):
        view = memoryview(buffer).cast("B")
        data, sender = self.recvfrom(nbytes or len(view), flags)
        view[:len(data)] = data
        return len(data), sender

    def recv_into(self, buffer, nbytes=0, flags=0):
        return self.recvfrom_into(buffer, nbytes, flags)[0]

    def recvmsg(self, bufsize, ancbufsize=0, flags=0):
        data, sender = self.recvfrom(bufsize, flags)
        return data, [], 0, sender


Watched.__name__ = Watched.__qualname__ = "socket"


def _udp(kind):
    sock = kind(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((HOST, 0))
    return sock


def _connected(sock):
    """Has the socket a peer, the only one from whom it hears?"""
    with contextlib.suppress(OSError):      # ENOTCONN
        return bool(sock.getpeername())
    return False


def number(value, size=2):
    """A number in network byte order."""
    return value.to_bytes(size, "big")


def named(data):
    """A datagram by the number in front of it."""
    return str(int.from_bytes(data[:2], "big")) if len(data) > 1 else show(data)


def over_link(seed, link):
    """The link as a learner can make it."""
    return f"over Link(server, {', '.join(f'{name}={value:g}' for name, value in link.items())}, seed={seed})"


def _fate(fate):
    if not fate.copies:
        return ": lost"
    return ": held back" if fate.behind else (": doubled" if fate.copies > 1 else "")


def arrivals(datagrams, **link):
    """The datagrams as they come out of such a link."""
    line = Line(Impairment(**link), THERE)
    for datagram in datagrams:
        line.put(datagram, 0)
    return line.take(float("inf"))
