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
CLIENTS = 200           # clients that are remembered, as by a NAT: the oldest is forgotten
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
        self.copies, self.came, self.fate = 1, (), "on its way"

    def comes_out(self, late=False):
        way = self.way
        way.out += 1
        self.came += (way.out,)
        if len(self.came) == 1:
            self.fate = "overtaken" if self.number < way.highest else "late" if late else "arrived"
            way.highest = max(way.highest, self.number)
        else:
            self.fate = "arrived twice"

    def passed(self):
        return Passed(self.way.client, self.way.toward, self.number, self.data[:BEGINNING], self.size, self.fate, self.came)


class _Way:
    """One direction of one client: its dice, and where it leads."""

    def __init__(self, client, toward, impairment, send):
        self.client, self.toward, self.impairment, self.send = client, toward, impairment, send
        self.rewind()

    def rewind(self):
        self.line = Line(self.impairment, f"client {self.client} to the {self.toward}", HOLD)
        self.out = self.highest = self.cuts = self.left = self.waiting = 0


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
        """function() between two datagrams, in the thread that moves them; None when the link has ended."""
        if threading.current_thread() is self.main:
            return function()
        done, came = threading.Lock(), []           # no Event: its own Python code does not bear an interrupt
        done.acquire()

        def work():
            came.append(function())
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
                way.rewind()
        if dice and self.type == socket.SOCK_STREAM:
            self.clients = 0            # the next connection is the first again
        return True


class DatagramRelay(Relay, Udp):
    """Moves datagrams. Each client has a socket of its own here, by which the server tells the clients apart."""

    def __init__(self, *args):
        self.flows, self.busy = {}, {}      # address -> (socket, ways); the ways on which something is
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
            for end, way in ready:
                if end is self.wake_reader:
                    end.recv(4096)
                else:
                    self.read(end, way)
        except OSError as error:
            return self.nobody(error)
        return any(end is not self.wake_reader for end, _ in ready)

    def until_next(self):
        rest = super().until_next()
        self.let_out(time.monotonic())
        due = min((way.line.next() for way in self.busy), default=None)
        if due is None:
            return rest
        due = max(0, due - time.monotonic())
        return due if rest is None else min(due, rest)

    def read(self, end, way):
        """Take what has come to one socket, and put it on its way."""
        for _ in range(AT_ONCE):
            try:
                size, address = end.recvfrom_into(self.buffer)
            except BlockingIOError:
                return
            except ConnectionError:     # of one that was sent earlier: nobody was there (udp(7), ECONNREFUSED)
                continue
            data = bytes(self.buffer[:size])
            self.put(way if way is not None else self.way_of(address), data)

    def way_of(self, address):
        """The way of a client to the server, which the first datagram from its address opens."""
        if (known := self.flows.get(address)) is None:
            while len(self.flows) >= CLIENTS:
                self.forget_client(next(iter(self.flows)))
            back = self.make_socket(self.socket.family)
            self.connections.add(back)
            self._make_room(back)
            back.connect(self.target)
            self.clients += 1
            known = back, self.new_client(self.clients, address, back.getsockname(), back.send,
                                          functools.partial(_send_to, self.socket, address))
            self.flows[address] = known
            self.selector.register(back, selectors.EVENT_READ, known[1][1])
        return known[1][0]

    def forget_client(self, address):
        back, ways = self.flows.pop(address)
        for way in ways:
            self.busy.pop(way, None)
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
            item.fate = "lost"
        self.items.append(item)
        if line.next() is not None:
            self.busy[way] = None
        self.let_out(now)

    def let_out(self, now):
        for way in list(self.busy):
            for item in way.line.take(now):
                self.send(item)
            if way.line.next() is None:
                del self.busy[way]

    def send(self, item):
        for _ in range(2):
            try:
                item.way.send(item.data)
            except ConnectionError:     # of one before it: this one has not gone out yet
                continue
            except OSError:
                break                   # this system sends no datagram so large, or has no room at all
            item.comes_out()
            item.data = item.data[:BEGINNING] if len(item.came) >= item.copies else item.data
            return
        item.fate = "lost"

    def is_still(self):
        for way in self.busy:
            way.line.flush()
        self.let_out(time.monotonic())
        return not self.busy and not [key for key, _ in self.selector.select(0) if key.fileobj is not self.wake_reader]

    def overflowed(self):
        ends = [self.socket, *(back for back, _ in self.flows.values())]
        return self.lost_before + sum(kernel.dropped(end) or 0 for end in ends)

    def end_connections(self):
        self.let_out(float("inf"))      # what is on its way still comes
        self.lost_before = self.overflowed()
        for back, _ in self.flows.values():
            back.close()
        self.flows, self.connections = {}, set()


def _send_to(sock, address, data):
    sock.sendto(data, address)


class StreamRelay(Relay, Tcp):
    """Moves the bytes of TCP connections, in chunks. It ends TCP on both sides, so it can only be late with them."""

    def __init__(self, *args):
        self.halt = threading.Event()
        super().__init__(*args)

    def begin_to_stop(self):
        super().begin_to_stop()
        self.halt.set()

    def serve_one(self, conn, address):
        self.clients += 1               # here, where they come one after the other
        super().serve_one(conn, (self.clients, address))

    def carry(self, conn, who):
        with self.make_socket(self.socket.family) as back:
            self.connections.add(back)
            back.setblocking(True)                      # whatever setdefaulttimeout() says
            try:
                back.connect(self.target)
            except OSError:                             # nobody listens: the client's connection is reset
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                return
            finally:
                self.connections.discard(back)
            self.connections.add(back)
            try:
                for end in (conn, back):                # what comes in goes on as it is
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                there, here = ways = self.new_client(*who, back.getsockname(), back.sendall, conn.sendall)
                other = threading.Thread(target=self.guarded, args=(self.pump, back, conn, here), daemon=True,
                                         name=f"{self.name} connection, back")
                other.start()
                self.pump(conn, back, there)
                other.join()            # so whoever waits for this thread waits for both
                self.ways.difference_update(ways)
            finally:
                self.connections.discard(back)

    def pump(self, source, target, way):
        """Carry one direction of a connection to its end."""
        queue, held, ended, last = deque(), 0, False, 0.0
        with _Waiting() as ready:
            ready.register(source, selectors.EVENT_READ)
            try:
                while not ended or queue:
                    rest = queue[0][0] - time.monotonic() if queue and not self.stopping else 0 if queue else None
                    if queue and rest <= 0:
                        _, item, late = queue.popleft()
                        held -= item.size
                        way.send(item.data)
                        item.comes_out(late)
                        item.data = item.data[:BEGINNING]
                        way.waiting -= 1
                    elif ended or held > HELD:
                        self.halt.wait(rest)
                    elif ready.select(rest):
                        ended = not (data := source.recv(65536))
                        for piece in self.pieces(way, data):
                            way.line.count += 1
                            item, wait = _Item(way, piece), self.wait_of(way)
                            last = max(last + APART * bool(self.rechunk), time.monotonic() + self.impairment.delay + wait)
                            queue.append((last, item, wait > 0))
                            held += item.size
                            way.waiting += 1
                            self.items.append(item)
                with contextlib.suppress(OSError):
                    target.shutdown(socket.SHUT_WR)
            except OSError:             # one of the two is gone: so is the connection, for both
                way.waiting -= len(queue)
                for end in (source, target):
                    with contextlib.suppress(OSError):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                        end.shutdown(socket.SHUT_RD)    # wakes the other direction, and tells nobody

    def wait_of(self, way):
        """How much later a chunk is because it was lost, so and so often: twice as long each time (RFC 6298)."""
        direction, tries = f"{way.line.direction}", 0
        while tries < 8 and not self.impairment.fate(way.line.count, direction + " again" * tries).copies:
            tries += 1
        return AGAIN * (2 ** tries - 1)

    def pieces(self, way, data):
        """The data in pieces; where a stream is cut, the seed alone decides."""
        if not self.rechunk:
            return [data] if data else []
        pieces, at = [], 0
        while at < len(data):
            if not way.left:
                way.cuts += 1
                dice = blake2b(f"{self.impairment.seed} {way.line.direction} cut {way.cuts}".encode(), digest_size=8).digest()
                way.left = 1 + int.from_bytes(dice, "big") % self.rechunk
            piece = data[at:at + way.left]
            at, way.left = at + len(piece), way.left - len(piece)
            pieces.append(piece)
        return pieces

    def is_still(self):
        return not any(way.waiting for way in self.ways.copy()) and not any(map(kernel.receive_queue, self.connections.copy()))

    def overflowed(self):
        return 0
