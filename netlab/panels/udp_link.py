"""A receiver of UdpPanel with the link that leads to it, and what one press of sendto sent there."""
import contextlib
import socket
import time
from dataclasses import dataclass, field

from netlab import Link, kernel
from netlab.panels.udp_ends import Peer
from netlab.replay.values import Piece
from netlab.sockets import PLAIN
from netlab.words import bytes_of, number_of

HOST, SMALL = "127.0.0.1", 2048         # a small receive buffer; Linux makes 4,096 of it (socket(7))


@dataclass
class Burst:
    """What one press of sendto sent: its datagrams have numbers from `first` on their way."""
    sender: "Peer"
    receiver: "Receiver"
    messages: list
    first: int
    link: Link
    began: float = field(default_factory=time.monotonic)
    seconds: float = 0.0                # until the last of them came out of the link

    def passed(self):
        """What the link knows of them."""
        return self.receiver.passed_of(self.sender, "server", self.link, self.first, self.first + len(self.messages))

    def over(self):
        """Whether each of them has met its fate."""
        passed = self.passed()
        return len(passed) == len(self.messages) and not any(p.fate == "on its way" for p in passed)

    def fates(self):
        """What became of each, to be compared with another time."""
        return [(p.fate, p.came) for p in self.passed()]

    def wait(self, seconds):
        """Wait until each has met its fate: True; or at most so long: False."""
        until = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            # first all of them are to have come to the link: still() lets out what waits to be overtaken
            kernel.wait_until(lambda: len(self.passed()) == len(self.messages), seconds)
            self.link.still(max(0, until - time.monotonic()))
        self.seconds = time.monotonic() - self.began
        return self.over()

    def sent(self):
        """What was sent, as a sentence without its end."""
        return f"{self.sender.name.capitalize()} sent {number_of(len(self.messages), 'datagram')} to {self.receiver.name}"

    def told(self):
        """What became of it, in a sentence."""
        if not self.receiver.open:
            return f"{self.sent()}. Nobody has bound that port now, and sendto succeeded all the same."
        fates, size = [p.fate for p in self.passed()], len(self.messages)
        missed = "did not even reach the link, whose buffer was full"
        kinds = (("lost", "was lost", "were lost"), ("arrived twice", "came twice", "came twice"),
                 ("overtaken", "was overtaken", "were overtaken"), ("on its way", "is on its way", "are on their way"))
        found = [*((fates.count(fate), one, more) for fate, one, more in kinds), (size - len(fates), missed, missed)]
        words = [f"{'it' if size == 1 else many} {one if many == 1 else more}" for many, one, more in found if many]
        return f"{self.sent()}{': ' * bool(words)}{', '.join(words)}."


class Receiver(Peer):
    """A socket with a port that others know, and the link that leads to it."""
    side, kind = "server", "receiver"

    def __init__(self, panel, number):
        super().__init__(panel, number)
        self.link, self.way, self.address = None, f"link_{number}", None
        self.ports, self.stands = [], {}        # of the clients, as the link numbers them; its addresses -> for whose they stand
        self.sent = {}                          # sender -> how many datagrams since the dice began
        self.usual, self.small = 0, False       # its receive buffer
        self.dropped = self.told = 0            # datagrams that did not fit in, and those before the latest send
        self._known = {}                        # (client, toward, number) -> how many copies of it have come out

    def note(self):
        return f"{super().note()} · {self.dropped:,} dropped: buffer full" if self.dropped else super().note()

    def bind(self, make_link):
        """A socket with a port, the one that it had before, and the link to it."""
        if self.open:
            return
        again, sock = self.link is not None, self.make()
        try:
            sock.bind(self.address if again else (HOST, 0))
        except OSError as error:
            sock.close()
            return self.failed("bind", f"bind({self.address or (HOST, 0)})", error)
        self.address, self.dropped, self.told, self.small = PLAIN.getsockname(sock), 0, 0, False
        self.usual = PLAIN.getsockopt(sock, socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.panel.typed(f"{self.variable}.bind({f'{self.variable}_address' if again else (HOST, 0)})")
        if not again:
            self.panel.typed(f"{self.variable}_address = {self.variable}.getsockname()")
            self.ports, self.stands, self.sent, self._known = [], {}, {}, {}
            self.link = make_link(self)
        self.last.clear()
        self.panel.say(f"{self.name.capitalize()} is bound to its port{' again' if again else ', and a link leads to it'}.")

    def resize(self, small):
        """A small receive buffer, or the usual one."""
        if not self.open or small == self.small:
            return
        size = SMALL if small else self.usual // (2 if kernel.LINUX else 1)         # Linux doubles what it is given
        try:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)
            now = PLAIN.getsockopt(self.sock, socket.SOL_SOCKET, socket.SO_RCVBUF)
        except OSError as error:
            return self.failed("setsockopt", "setsockopt", error)
        self.small = small
        self.panel.typed(f"{self.variable}.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, {size})")
        self.panel.say(f"The receive buffer of {self.name} now holds {bytes_of(now)}; the kernel's own notes on each datagram "
                       "count, too.")

    # the link

    def relayed(self, address, other):
        """The link stands at `address` for whoever is at `other`; the recording is to know it, too."""
        self.stands[address] = other
        if other != self.address:
            self.ports.append(other[1])         # the next client, in the order of their numbers
        self.panel.timeline.relayed(address, other)

    def passed_of(self, peer, toward, link=None, first=1, end=1 << 40):
        """What passed the link on one way of a sender, with numbers from `first` to `end`."""
        link, port = link or self.link, peer.port       # another thread may close the socket meanwhile
        if link is None or port not in self.ports:
            return []
        client = self.ports.index(port) + 1
        return [p for p in link.passed_now() if p.client == client and p.toward == toward and first <= p.number < end]

    def look(self, senders):
        """See what has come out of the link since the last time; the fates that it met."""
        if self.link is None:
            return set()
        passed, new = self.link.passed_now(), []
        for p in passed:
            key = p.client, p.toward, p.number
            if (known := self._known.get(key, 0)) < len(p.came):
                self._known[key] = len(p.came)
                new += [(place, p) for place in p.came[known:]]
        before, nobody = len(self.here), False
        for _, p in sorted(new, key=lambda each: each[0]):
            piece, port = Piece(p.data, p.size, p.number - 1), self.ports[p.client - 1]
            client = next((each for each in senders if each.port == port), None)
            if p.toward == "server":
                self.came(piece, client.name if client else f"port {port}")
                nobody = not self.open
            elif client is not None:
                client.came(piece, self.name)
        if self.open and (gone := (kernel.dropped(self.sock) or 0) - self.dropped):
            self.dropped += gone                # the last ones found no room
            del self.here[max(before, len(self.here) - gone):]
        return {p.fate for p in passed if p.toward == "server"} | ({"nobody"} if nobody else set())

    def begin_anew(self):
        """The dice from their beginning; what passed is forgotten."""
        if self.link is not None and self._known | self.sent:
            self.link.rewind()
            self.panel.typed(f"{self.way}.rewind()")
        self._known, self.sent = {}, {}

    def stop_link(self):
        """End the link; it is made anew with the next bind."""
        link, self.link, self.sent = self.link, None, {}
        if link is not None:
            with contextlib.suppress(RuntimeError, OSError):
                link.stop()
            self.panel.typed(f"{self.way}.stop()")
