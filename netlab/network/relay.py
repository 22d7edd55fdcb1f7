"""Relays: what moves the datagrams and the bytes of a Link, in a server's thread, and gives each its fate."""
import contextlib
import functools
import os
import selectors
import socket
import struct
import threading
import time
from collections import deque
from dataclasses import dataclass
from hashlib import blake2b

from netlab import kernel
from netlab.engine import PLAIN, Tcp, Udp
from netlab.network.fates import Line

KEPT, BEGINNING = 10_000, 1024      # datagrams or chunks that are kept, and so many bytes of each
AT_ONCE = 64            # datagrams that are read from one socket before the others have their turn
CLIENTS = 200           # clients that are remembered, as by a NAT: who is silent longest is forgotten
ROOM = 4 << 20          # bytes asked for as a receive buffer; the system gives what it allows
HELD = 1 << 20          # bytes of a stream that wait in the link at most
AGAIN = 0.2             # seconds until TCP sends again what was lost: Linux's shortest retransmission timer (tcp(7))
HOLD = 0.25         # seconds that a datagram waits at most for others to overtake it: on a busy machine they may be late
APART = 0.001           # seconds between two pieces of a stream that is cut into pieces
RESET = struct.pack("ii", 1, 0)     # SO_LINGER: close with a reset
_Waiting = getattr(selectors, "PollSelector", selectors.SelectSelector)     # needs no descriptor of its own


@dataclass(frozen=True)
class Passed:
    """A datagram, or a chunk of a stream, that came to a Link, and what became of it."""
    client: int         # 1, 2, …: the how manyth client of the link
    toward: str         # "server" or "client"
    number: int         # 1, 2, …: the how manyth of this client and direction
    data: bytes         # its first 1,024 bytes
    size: int           # bytes in all
    fate: str           # "arrived", "lost", "arrived twice", "overtaken", "on its way"; of TCP "arrived", "late"
    came: tuple = ()    # its places, from 1, in the order in which they came out


class _Item:
    """A datagram or chunk while it is on its way."""
    __slots__ = ("came", "copies", "data", "fate", "number", "size", "way")

    def __init__(self, way, data):
        self.way, self.data, self.size, self.number = way, data, len(data), way.line.count
        self.copies, self.came, self.fate = 1, (), "on its way"     # copies that are still to come out

    def is_gone(self):
        """It does not come out."""
        self.fate, self.data = "lost", self.data[:BEGINNING]

    def comes_out(self, late=False):
        way = self.way
        way.out += 1
        self.copies -= 1
        self.came += (way.out,)
        if len(self.came) == 1:
            self.fate = "overtaken" if self.number < way.highest else "late" if late else "arrived"
            way.highest = max(way.highest, self.number)
        else:
            self.fate = "arrived twice"
        if self.copies <= 0:
            self.data = self.data[:BEGINNING]

    def passed(self):
        return Passed(self.way.client, self.way.toward, self.number, self.data[:BEGINNING], self.size, self.fate, self.came)


class _Way:
    """One direction of one client: its dice, and where it leads."""

    def __init__(self, client, toward, impairment, send):
        self.client, self.toward, self.impairment, self.send = client, toward, impairment, send
        self.begin()

    def begin(self):
        self.line = Line(self.impairment, f"client {self.client} to the {self.toward}", HOLD)
        self.out = self.highest = self.cuts = self.left = 0


class Relay:
    """What the links of datagrams and of streams share."""
    lost_before = 0         # datagrams that the kernel dropped, of sockets that are closed
    main = None

    def __init__(self, target, family, host, name, impairment, rechunk, recorder):
        self.target, self.impairment, self.rechunk, self.relays = target, impairment, rechunk, recorder
        self.items, self.ways, self.clients = deque(maxlen=KEPT), set(), 0
        super().__init__(self.carry, host, 0, family, name, None)

    def make_socket(self, family, timeline=None):
        return PLAIN(family, self.type)     # no timeline, and no `watch`, records the relay

    def new_client(self, number, address, own, there, here):
        """Both ways of a new client. A timeline shows it in the place of `own`, the address that the server sees."""
        if self.relays is not None:
            self.relays.relayed(own, address)
        ways = [_Way(number, toward, self.impairment, send) for toward, send in (("server", there), ("client", here))]
        self.ways.update(ways)
        return ways

    def in_thread(self, function):
        """function() between two datagrams, in the thread that moves them; None where that is gone."""
        if self.ended or threading.current_thread() is self.main:
            return function()
        done, came = threading.Lock(), []           # no Event: its own Python code does not bear an interrupt
        done.acquire()

        def work():
            try:
                came.append(function())
            finally:
                done.release()

        self.later(0, work)
        while not done.acquire(timeout=.05) and not self.ended and os.getpid() == self.pid:
            pass
        return came[0] if came else None

    def forget(self, dice):
        self.items.clear()
        for way in self.ways.copy():
            way.out = 0
            if dice:
                way.begin()

    def unread(self):
        return [key for key, _ in self.selector.select(0) if key.fileobj is not self.wake_reader]


class DatagramRelay(Relay, Udp):
    """Moves datagrams. Each client has a socket of its own here, by which the server tells the clients apart."""

    def __init__(self, *args):
        self.flows, self.busy = {}, {}      # address -> (socket, ways), the longest silent first; ways in use
        self.buffer = memoryview(bytearray(65536))
        super().__init__(*args)
        self._make_room(self.socket)

    def carry(self, data, address):
        """Datagrams are not handled one by one: `serve_next` has a batch of them."""

    def _make_room(self, sock):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, ROOM)
        sock.setblocking(False)

    def serve_next(self, timeout):
        try:
            ready = [(key.fileobj, key.data) for key, _ in self.selector.select(timeout)]
            for end, client in ready:
                if end is self.wake_reader:
                    end.recv(4096)
                elif end.fileno() != -1:            # else its client has just been forgotten
                    self.read(end, client)
        except OSError as error:
            return self.nobody(error)
        return any(end is not self.wake_reader for end, _ in ready)

    def until_next(self):
        rest = super().until_next()
        self.let_out(time.monotonic(), *self.busy)
        due = min((way.line.next() for way in self.busy), default=None)
        if due is None:
            return rest
        due = max(0, due - time.monotonic())
        return due if rest is None else min(due, rest)

    def read(self, end, client):
        """Take what has come to one socket, and put it on its way; where it is a client's own, the server has answered."""
        for _ in range(AT_ONCE // 4 if self.stopping else AT_ONCE):       # no flood holds up the end
            try:
                size, address = end.recvfrom_into(self.buffer)
            except BlockingIOError:
                return
            except ConnectionError:     # of one that was sent earlier: nobody was there (udp(7), ECONNREFUSED)
                continue
            there, here = self.ways_of(client or address)
            self.put(here if client else there, bytes(self.buffer[:size]))

    def ways_of(self, address):
        """Both ways of a client, which its first datagram opens."""
        self.flows[address] = known = self.flows.pop(address, None) or self.open(address)      # now the last
        return known[1]

    def open(self, address):
        while len(self.flows) >= CLIENTS:
            self.forget_client(next(iter(self.flows)))
        back = self.make_socket(self.socket.family)
        self.connections.add(back)
        self._make_room(back)
        try:
            back.connect(self.target)
            own = back.getsockname()
        except OSError:                 # no way leads there: all that is sent is lost
            own = address
        self.clients += 1
        ways = self.new_client(self.clients, address, own, back.send, functools.partial(_send_to, self.socket, address))
        self.selector.register(back, selectors.EVENT_READ, address)
        return back, ways

    def forget_client(self, address):
        back, ways = self.flows.pop(address)
        self.let_out(float("inf"), *ways)
        self.ways.difference_update(ways)
        self.lost_before += kernel.dropped(back) or 0
        self.selector.unregister(back)
        self.connections.discard(back)
        back.close()

    def put(self, way, data):
        line, now = way.line, time.monotonic()
        if way not in self.busy and self.impairment.harmless:
            line.count += 1
            item = _Item(way, data)
            self.items.append(item)
            return self.send(item)
        item = _Item(way, data)
        item.number += 1
        item.copies = line.put(item, now).copies
        if not item.copies:
            item.is_gone()
        self.items.append(item)
        self.busy[way] = None
        self.let_out(now, way)

    def let_out(self, now, *ways):
        """Send on what is due."""
        for way in ways:
            for item in way.line.take(now):
                self.send(item)
            if way.line.next() is None:
                self.busy.pop(way, None)

    def send(self, item):
        for _ in range(2):
            try:
                item.way.send(item.data)
            except ConnectionError:     # of one before it: this one has not gone out yet
                continue
            except OSError:
                break                   # this system sends no datagram so large, or has no room at all
            return item.comes_out()
        if not item.came:
            item.is_gone()

    def is_still(self):
        if self.unread():               # it may still overtake something
            return False
        for way in self.busy:
            way.line.flush()
        self.let_out(time.monotonic(), *self.busy)
        return not self.busy

    def forget(self, dice):
        self.let_out(float("inf"), *self.busy)
        super().forget(dice)

    def overflowed(self):
        ends = [self.socket, *(back for back, _ in self.flows.values())]
        return self.lost_before + sum(kernel.dropped(end) or 0 for end in ends)

    def end_connections(self):
        self.let_out(float("inf"), *self.busy)      # what is on its way still comes
        self.lost_before = self.overflowed()
        for back, _ in self.flows.values():
            back.close()
        self.flows, self.connections = {}, set()


def _send_to(sock, address, data):
    sock.sendto(data, address)


class _Stream:
    """One direction of a connection: the bytes of `source` that wait here for `target`, and until when."""

    def __init__(self, way, source, target):
        self.way, self.source, self.target = way, source, target
        self.queue, self.held, self.last = deque(), 0, 0.0      # [until when, chunk, late?, its bytes]; their sum; its last time
        self.reading = self.ended = self.full = self.closed = False

    def let_out(self, now):
        """Send what is due, as much as `target` takes, and the end behind it."""
        self.full = False
        while self.queue and self.queue[0][0] <= now:
            _, item, late, left = self.queue[0]
            try:
                sent = self.target.send(left)
            except BlockingIOError:
                self.full = True
                return
            self.held -= sent
            if sent < len(left):
                self.queue[0][3] = left[sent:]
            else:
                item.comes_out(late)
                self.queue.popleft()
        if self.ended and not self.queue and not self.closed:
            self.closed = True
            self.target.shutdown(socket.SHUT_WR)


class StreamRelay(Relay, Tcp):
    """Moves the bytes of TCP connections, in chunks. It ends TCP on both sides, so it can only be late with them."""

    def __init__(self, *args):
        self.halt, self.streams = threading.Event(), set()
        super().__init__(*args)

    def take(self):
        number, address = self.socket._accept()     # accept() would make what `watch` has in the place of a plain socket
        return PLAIN(self.socket.family, self.type, 0, number), address

    def serve_one(self, conn, address):
        self.clients += 1               # here, where they come one after the other
        super().serve_one(conn, (self.clients, address))

    def carry(self, conn, who):
        with self.make_socket(self.socket.family) as back:
            self.connections.add(back)
            ways = streams = ()
            try:
                back.setblocking(True)                      # whatever setdefaulttimeout() says
                back.connect(self.target)
                for end in (conn, back):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)       # what comes in goes on as it is
                    end.setblocking(False)
                there, here = ways = self.new_client(*who, back.getsockname(), back.send, conn.send)
                streams = _Stream(there, conn, back), _Stream(here, back, conn)
                self.streams.update(streams)
                self.move(streams)
            except OSError:             # nobody listens, or one of the two is gone: so is the connection, for both
                for stream in streams:
                    for _, item, *_ in stream.queue:
                        item.is_gone()
                for end in (conn, back):
                    with contextlib.suppress(OSError):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            finally:
                self.ways.difference_update(ways)
                self.streams.difference_update(streams)
                self.connections.discard(back)

    def move(self, streams):
        """Carry both directions to their ends, in one thread: so none takes for an end what the other knows to be a reset."""
        while True:
            for stream in streams:
                stream.let_out(float("inf") if self.stopping else time.monotonic())
            if all(stream.closed for stream in streams):
                return
            wanted = {stream.source: selectors.EVENT_READ for stream in streams if not stream.ended and stream.held <= HELD}
            for stream in streams:
                if stream.full:
                    wanted[stream.target] = wanted.get(stream.target, 0) | selectors.EVENT_WRITE
            next_one = min((stream.queue[0][0] for stream in streams if stream.queue and not stream.full), default=None)
            rest = None if next_one is None else max(0, next_one - time.monotonic())
            if not wanted:
                self.halt.wait(rest)
                continue
            with _Waiting() as ready:
                for end, events in wanted.items():
                    ready.register(end, events)
                came = {key.fileobj for key, events in ready.select(rest) if events & selectors.EVENT_READ}
            for stream in streams:
                if stream.source in came:
                    self.take_in(stream)

    def take_in(self, stream):
        """Read what has come, and give each piece its time."""
        stream.reading, way = True, stream.way
        data = stream.source.recv(65536)
        stream.ended = not data
        for piece in self.pieces(way, data):
            way.line.count += 1
            item, wait = _Item(way, piece), self.wait_of(way)
            stream.last = max(stream.last + APART * bool(self.rechunk), time.monotonic() + self.impairment.delay + wait)
            stream.queue.append([stream.last, item, wait > 0, memoryview(piece)])
            stream.held += item.size
            self.items.append(item)
        stream.reading = False

    def wait_of(self, way):
        """How much later a chunk is because it was lost, so and so often: twice as long each time (RFC 6298)."""
        number, direction, tries = way.cuts if self.rechunk else way.line.count, way.line.direction, 0
        while tries < 8 and not self.impairment.fate(number, direction + " again" * tries).copies:
            tries += 1
        return AGAIN * (2 ** tries - 1)

    def pieces(self, way, data):
        """The data in pieces; where a stream is cut, the seed alone decides."""
        longest, at = self.rechunk, 0
        while at < len(data):
            if not longest:
                way.left = len(data)
            elif not 0 < way.left <= longest:
                way.cuts += 1
                dice = blake2b(f"{self.impairment.seed} {way.line.direction} cut {way.cuts}".encode(), digest_size=8).digest()
                way.left = 1 + int.from_bytes(dice, "big") % longest
            piece = data[at:at + way.left]
            at, way.left = at + len(piece), way.left - len(piece)
            yield piece

    def forget(self, dice):
        super().forget(dice)
        self.clients = 0 if dice else self.clients      # the next connection is the first again

    def end_connections(self):
        self.halt.set()                 # here, and not in the thread that calls stop(): an Event does not bear an interrupt
        super().end_connections()

    def is_still(self):
        if self.unread() or any(map(kernel.receive_queue, self.connections.copy())):
            return False
        return not any(stream.reading or stream.queue for stream in self.streams.copy())

    def overflowed(self):
        return 0
