"""Both ends of FramingPanel and the link between: one run, in which each call is made by hand or by the panel."""
import contextlib
import selectors
import socket
import threading
from collections import deque
from dataclasses import dataclass

from netlab import Link, kernel
from netlab.panels.framing_cures import REPLY, Cure, Reader, made, own_part
from netlab.words import error_text

HOST, LIMIT = "127.0.0.1", 20       # seconds that a run may take
APART, BUSY = 0.02, 0.05            # seconds between two sends that pause, and that a slow till does something else
SPACINGS = (("all", "all at once"), ("turns", "one by one"), ("pause", "20 ms apart"), ("slow", "20 ms, slow till"))


@dataclass(frozen=True)
class Sent:
    """What one sendall put into the stream."""
    message: bytes
    wire: bytes
    own: range                      # where in it the message itself stands


@dataclass(frozen=True, eq=False)
class Came:
    """What one recv brought."""
    data: bytes
    asked: int


class Talk:
    """A customer who sends messages to a till, once, over a Link of their own.

    FramingError where the cure cannot carry a message; then nothing is open. The calls block, and are made in threads of the
    panel's; `end` ends them, from any thread. `told(talk, what, item)` is called after each, in the order in which they caused
    each other: "sent" with a Sent, "heard" for a reply, "shut" for the customer's end, "came" with a Came.
    """

    def __init__(self, messages: list[bytes], cure: Cure, mark: bytes, changed, told):
        self.messages, self.cure, self.mark, self.changed, self.told = messages, cure, mark, changed, told
        self.wires = made(cure, messages, mark)
        self.reader = Reader(cure, messages, mark)
        self.sends: list[Sent] = []
        self.recvs: list[Came] = []
        self.understood: list[bytes] = []
        self.ended = 0                                  # connections whose end the till has seen
        self.over = False                               # it has seen the end of all
        self.customer_waits = self.till_waits = ""      # the call that has not returned
        self.halt, self.lock = threading.Event(), threading.RLock()
        self.till = self.customer = self.conn = self.link = self._wake_reader = self._wake_writer = None
        self.accepted = deque()                         # connections of one message each, that the till has not read yet
        self.shown, self._arrived = 0, 0                # bytes that have come out of the link: as is shown, and at the end

    def open(self, delay: float, rechunk: int, seed: int):
        """The till listens, a link leads to it, and but for a connection per message the customer is connected."""
        self._wake_reader, self._wake_writer = socket.socketpair()
        self.till = socket.create_server((HOST, 0))
        self.till.settimeout(LIMIT)
        self.link = Link(self.till.getsockname(), type=socket.SOCK_STREAM, delay=delay, rechunk=rechunk, seed=seed)
        if not self.cure.connects:
            self.customer = socket.create_connection(self.link.address)
            self.conn, _ = self.till.accept()

    # what is known of it

    @property
    def left(self) -> int:
        """How many messages are still to be sent."""
        return len(self.messages) - len(self.sends)

    @property
    def size(self) -> int:
        """Bytes that were sent."""
        return sum(len(sent.wire) for sent in self.sends)

    @property
    def received(self) -> int:
        """Bytes that a recv has taken."""
        return sum(len(came.data) for came in self.recvs)

    @property
    def arrived(self) -> int:
        """Bytes that have come out of the link: they lie in the till's kernel, or a recv has taken them."""
        if self.link is None or self.halt.is_set():
            return max(self._arrived, self.received)
        return max(sum(p.size for p in self.link.passed_now() if p.toward == "server" and p.came), self.received)

    @property
    def complete(self) -> bool:
        """Whether the till has taken all that there is."""
        return not self.left and self.received == self.size and (self.over or not self.cure.connects)

    def framing(self) -> frozenset[int]:
        """The places in the stream of bytes that are no message's."""
        found, at = set(), 0
        for sent in self.sends:
            found.update(at + n for n in range(len(sent.wire)) if n not in sent.own)
            at += len(sent.wire)
        return frozenset(found)

    def touched(self, came: Came) -> list[tuple[int, bool]]:
        """The sends, from 1, that a recv took bytes of, and whether it took all of them."""
        start = sum(len(each.data) for each in self.recvs[:self.recvs.index(came)])
        stop, at, found = start + len(came.data), 0, []
        for number, sent in enumerate(self.sends, 1):
            taken = min(at + len(sent.wire), stop) - max(at, start)
            if taken > 0:
                found.append((number, taken == len(sent.wire)))
            at += len(sent.wire)
        return found

    # the customer's calls

    def send(self):
        """Send the next message, and where the cure says so, wait for the reply; after the last one shut down."""
        if not self.left or self.halt.is_set():
            return
        message, wire = self.messages[len(self.sends)], self.wires[len(self.sends)]
        customer = self._connect() if self.cure.connects else self.customer
        with self.lock:                                 # no recv tells of it before
            customer.sendall(wire)
            sent = Sent(message, wire, own_part(self.cure, message, wire))
            self.sends.append(sent)
            self.told(self, "sent", sent)
        if self.cure.connects:
            return customer.close()
        if self.cure.waits and not self._hear():
            return
        if not self.left:
            with self.lock:
                customer.shutdown(socket.SHUT_WR)
                self.told(self, "shut", None)

    def _connect(self):
        """A connection for one message. The till accepts it before the next: over a link one could overtake another."""
        customer = socket.create_connection(self.link.address)
        self.accepted.append(self.till.accept()[0])
        return customer

    def _hear(self) -> bool:
        """Wait for the reply; False where it was ended before."""
        self.customer_waits, reply = f"recv({len(REPLY)})", b""
        try:
            while len(reply) < len(REPLY):              # a link may cut it, too
                if not self._until(self.customer):
                    return False
                reply += self.customer.recv(len(REPLY) - len(reply))
        finally:
            self.customer_waits = ""
        with self.lock:
            self.told(self, "heard", reply)
        return True

    def send_all(self, spacing: str):
        """All that are left, one after the other."""
        while self.left and not self.halt.is_set():
            self.send()
            if spacing == "turns" and self.left:
                self.wait(lambda: len(self.recvs) >= sum(bool(sent.wire or self.cure.connects) for sent in self.sends))
            elif spacing in ("pause", "slow") and self.left:
                self.halt.wait(APART)

    # the till's calls

    def take(self, size: int, limit: float | None = None):
        """One recv, which waits where nothing has come; with `limit`, TimeoutError after so many seconds."""
        if self.over or self.halt.is_set():
            return
        if self.conn is None and not self._next_connection(limit):
            return
        self.till_waits = f"in recv({size})"
        try:
            if not self._until(self.conn, limit):
                return
            data = self.conn.recv(size)
        finally:
            self.till_waits = ""
        with self.lock:                                 # after the send that it takes bytes of
            came, messages = Came(data, size), self.reader.take(data)
            self.recvs.append(came)
            self.understood += messages
            if not data:
                self.ended += 1
                self.over = not self.cure.connects or self.ended == len(self.messages)
            self.told(self, "came", came)
            if self.cure.waits and data:
                with contextlib.suppress(ConnectionError):      # the customer may have ended
                    self.conn.sendall(REPLY)
        if self.cure.connects and not data:
            self.conn.close()
            self.conn = None

    def _next_connection(self, limit) -> bool:
        """The one that was accepted next; False where it was ended while it waited."""
        self.till_waits = "for a connection"
        try:
            if not self.accepted:
                self.changed()                          # it is seen to wait
            self.wait(lambda: self.accepted, limit or float("inf"))
            self.conn = None if self.halt.is_set() else self.accepted.popleft()
        finally:
            self.till_waits = ""
        return self.conn is not None

    def take_all(self, spacing: str, size: int):
        """recv until the end. With "all" it begins when all has come, but where the customer waits for replies."""
        if spacing == "all" and not self.cure.waits:
            self.wait(lambda: not self.left)
            self.link.still(LIMIT)
        while not self.over and not self.halt.is_set():
            if spacing == "slow" and self.left:
                self.halt.wait(BUSY)
            self.take(size, LIMIT)

    def wait(self, condition, limit: float | None = None):
        """Until it is true, or the run was ended; TimeoutError after `limit` seconds, as a rule LIMIT."""
        kernel.wait_until(lambda: condition() or self.halt.is_set(), LIMIT if limit is None else limit)

    def _until(self, sock, limit: float | None = None) -> bool:
        """Wait until a call on `sock` would not wait: True; or until `end`: False; TimeoutError after `limit` seconds."""
        with selectors.DefaultSelector() as either:
            either.register(sock, selectors.EVENT_READ)
            either.register(self._wake_reader, selectors.EVENT_READ)
            if not either.select(0):
                self.changed()                          # it is seen to wait
                if not either.select(limit):
                    raise TimeoutError
        return not self.halt.is_set()

    # the end

    def end(self):
        """Wake what waits, close everything. Safe to call twice."""
        with self.lock:
            if self.halt.is_set():
                return
            self._arrived = self.arrived
            self.halt.set()
        if self._wake_writer is not None:
            self._wake_writer.send(b"x")
        with contextlib.suppress(TimeoutError):
            kernel.wait_until(lambda: not (self.customer_waits or self.till_waits), 1)
        for sock in (self.customer, self.conn, *self.accepted, self.till, self._wake_reader, self._wake_writer):
            if sock is not None:
                sock.close()
        if self.link is not None:
            with contextlib.suppress(RuntimeError, OSError):
                self.link.stop()


@contextlib.contextmanager
def unless_ended(talk: Talk, say):
    """What fails inside is told, but where the run was ended meanwhile."""
    try:
        yield
    except TimeoutError:
        say(f"Not all has come within {LIMIT} seconds.")
    except (OSError, ValueError) as error:
        if not talk.halt.is_set():
            say(f"A call raised {error_text(error)}.")
