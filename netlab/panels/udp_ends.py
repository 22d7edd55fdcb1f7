"""The ends of UdpPanel: sockets that send datagrams and take them, and what lies in their kernels."""
import contextlib
import select
import selectors
import socket
import threading
from collections import deque
from dataclasses import dataclass

from markupsafe import Markup

from netlab import kernel
from netlab.panels import parts
from netlab.panels.parts import read_bytes, soft, tag
from netlab.panels.stage import End, end_html
from netlab.replay.values import Piece
from netlab.sockets import PLAIN
from netlab.teach.strip import CELL, GAP, ROOM, bytes_strip
from netlab.words import number_of, show_bytes

STRIP = 330                                     # pixels for what lies in a kernel
BIGGEST = 65_507                                # bytes of a datagram over IPv4, at most (RFC 768, RFC 791)
LOOK = socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)


@dataclass(frozen=True)
class Here:
    """A datagram that came to a socket and that no call has taken yet. `due`: a link has not told of it yet, but will."""
    piece: Piece
    who: str
    due: bool = False

    def like(self, piece):
        return (self.piece.size, self.piece.data) == (piece.size, piece.data)


class Peer:
    """A socket of the panel: it sends datagrams, and takes what came to it, one datagram with each call.

    Nothing but a datagram ends recvfrom where it waits: not close(), and not everywhere shutdown(). So the panel waits
    for a datagram or for `wake`, and calls recvfrom when there is one.
    """
    side, kind = "client", "sender"

    def __init__(self, panel, number):
        self.panel = panel
        self.key = self.name = f"{self.kind} {number}"
        self.variable = f"{self.kind}_{number}"
        self.sock, self.heard = None, None      # and from which address it has heard last
        self.doing, self.last, self.woken = "", deque(maxlen=1), False
        self.here: list[Here] = []              # what lies in its kernel, the next one first
        self.early: list[Here] = []             # what was taken before a link has told of it
        self._taking, self._waker = threading.Lock(), None

    @property
    def open(self):
        return self.sock is not None and self.sock.fileno() >= 0

    @property
    def port(self):
        """Its own port; None as long as it has none."""
        found = parts.if_possible(PLAIN.getsockname, self.sock) if self.open else None
        return found[1] or None if found else None

    # what is drawn

    def state(self):
        """The words beside its name."""
        if not self.open:
            return "no socket yet" if self.sock is None else "closed"
        return f"port {self.port}" if self.port else "no port yet"

    def note(self):
        """What is said of its kernel's queue."""
        count, drawn = len(self.here), len(self.drawn())
        if self.side == "client":               # there is less room
            return f"{number_of(count, 'datagram')} here"
        some = f", the next {drawn} drawn" * (drawn < count)
        return f"{number_of(count, 'datagram')}, not received yet{some}" if count else "nothing in its kernel"

    def drawn(self):
        """The next datagrams, as many as the strip can show byte by byte."""
        room, pieces = STRIP, []
        for each in self.here:
            room -= min(ROOM, each.piece.size or 3) * CELL + GAP
            if pieces and room < 0:
                break
            pieces.append(each.piece)
        return tuple(pieces)

    def draw(self, chosen) -> Markup:
        """Its box, what lies in its kernel, and its last call."""
        box = end_html(End(self.name, self.side, self.state(), waits=self.doing), do="choose", about=self.key, chosen=chosen)
        strip = tag("span", bytes_strip(self.drawn(), True), class_="nl-strip") if self.here else ""
        told = self.open and (self.here or self.side == "server")
        lies = tag("div", strip, soft(self.note()), class_="nl-lies") if told else ""
        last = tag("div", *self.last, class_="nl-last") if self.last or self.side == "server" else ""
        return tag("div", box, lies, last, class_="nl-peer", data_key=self.key)

    # what lies in its kernel

    def came(self, piece, who):
        """A link tells that a datagram came here; the kernel may have shown it before, and a call may have taken it."""
        for known in (self.here, self.early):
            if found := [n for n, each in enumerate(known) if each.due and each.like(piece)]:
                known[found[0]:found[0] + 1] = [Here(piece, who)] * (known is self.here)
                return
        if self.open:
            self.here.append(Here(piece, who))

    def check(self):
        """Look at the next datagram in the kernel, which is believed, whatever was counted."""
        found = None
        if self.open:
            with self._taking, contextlib.suppress(OSError):
                found = self._next()
        if found is None:
            self.here.clear()
            return
        data, address = found
        piece = Piece(data[:1024], len(data), None)
        for n, each in enumerate(self.here):
            if each.like(piece):
                del self.here[:n]
                return
        self.here.insert(0, Here(piece, self.panel.who(address), self.panel.is_link(address)))

    def _next(self):
        """(all of the next datagram, from where), which stays where it is; None where there is none."""
        if LOOK == socket.MSG_PEEK and not select.select([self.sock], [], [], 0)[0]:        # Windows has no MSG_DONTWAIT
            return None
        try:
            return PLAIN.recvfrom(self.sock, 65_535, LOOK)
        except BlockingIOError:
            return None

    # the calls, in a thread of the panel's

    def make(self):
        """The socket, made if there is none."""
        with self.panel._lock:                  # one thread may send while another receives
            if not self.open:
                self.sock = self.panel.timeline.socket(socket.AF_INET, socket.SOCK_DGRAM, name=self.name)
                self.woken, self.heard, self.early = False, None, []
                self.panel.typed(f'{self.variable} = timeline.socket(socket.AF_INET, socket.SOCK_DGRAM, name="{self.name}")')
            return self.sock

    def send(self, messages, address, where):
        """sendto once for each message; how many went out. `where` is how the code says the address."""
        sock, done = self.make(), 0
        cut = any(len(data) > 80 for data in messages)
        note, shown = "   # the first 40 bytes" * cut, [data[:40] if cut else data for data in messages]
        try:
            for data in messages:
                sock.sendto(data, address)
                done += 1
        except OSError as error:
            self.failed("sendto", f"sendto({show_bytes(messages[done], limit=20)}, …)", error)
        if done > 1:
            self.panel.typed(f"for data in {tuple(shown[:done])!r}:{note}", f"    {self.variable}.sendto(data, {where})")
        elif done:
            self.panel.typed(f"{self.variable}.sendto({shown[0]!r}, {where}){note}")
        return done

    def receive(self, count):
        """recvfrom: it takes one datagram, and waits where there is none."""
        sock, call, mark = self.make(), f"recvfrom({count})", self.panel.mark()
        self.doing, waited = call, False
        try:
            if self._next() is None:
                waited = True
                if not self._wait(sock):
                    self.panel.typed(f"# {self.variable}.{call} waited until close")
                    return
            self.panel.see()                   # what has come is counted before one of it is taken
            with self._taking:
                whole, _ = PLAIN.recvfrom(sock, 65_535, socket.MSG_PEEK)
                data, address = sock.recvfrom(count)
                if self.here and (taken := self.here.pop(0)).due:
                    self.early.append(taken)
        except OSError as error:
            if not self.woken:
                self.failed("recvfrom", call, error)
            return
        finally:
            self.doing = ""
        self.heard = address
        typed = f"data, {self.variable}_heard = {self.variable}.{call}"
        beside = waited and self.panel.went_on(mark)        # in the code of one thread it would wait for ever
        self.panel.typed(f"{typed}{'   # waited: in a program, in a thread of its own' * beside}")
        self.last.append(tag("code", f"{call} → {show_bytes(data, limit=24)}"))
        self.panel.took(self, data, len(whole), self.panel.who(address))

    def _wait(self, sock):
        """Until a datagram is there: True; or until `wake`: False."""
        reader, writer = socket.socketpair()
        with reader, writer, selectors.DefaultSelector() as either:
            either.register(sock, selectors.EVENT_READ)
            either.register(reader, selectors.EVENT_READ)
            self._waker, sock.reading = writer, "recvfrom"      # so the story draws that it waits
            self.panel.changed()
            try:
                while not self.woken:
                    either.select()
                    if not self.woken and self._next() is not None:
                        return True
            finally:
                self._waker = sock.reading = None
        return False

    def wake(self):
        """End a call that waits."""
        self.woken = True
        with contextlib.suppress(OSError, AttributeError):
            self._waker.send(b"x")

    def finish(self):
        """Close the socket, after the call that waits has been woken."""
        if not self.open:
            return
        waited = self.doing
        self.wake()
        with contextlib.suppress(TimeoutError):
            kernel.wait_until(lambda: not self.doing, 1)
        self.panel.see()
        self.sock.close()
        count = len(self.here)
        self.here.clear()
        self.last.append(tag("code", "close()"))
        self.panel.typed(f"{self.variable}.close()")
        gone = f", and {number_of(count, 'datagram')} in its kernel {'is' if count == 1 else 'are'} gone" * bool(count)
        self.panel.say(f"{self.name.capitalize()} " + (
            f"was waiting in {waited}; close ended the wait." if waited else f"is closed{gone}."))

    def failed(self, method, call, error):
        """Tell that a call failed, and how."""
        self.last.append(tag("code", call) + tag("code", f" ✗ {type(error).__name__}", class_="nl-bad"))
        self.panel.typed(f"# {self.variable}.{method} raised {type(error).__name__}")
        self.panel.say(f"{self.name.capitalize()}: {method} raised {type(error).__name__}: {parts.reason(error)}.")


def read_message(text: str, in_hex: bool, times: int) -> bytes:
    """The bytes of a datagram, also none; ValueError for more than it carries, with the number behind each of several."""
    data = read_bytes(text, in_hex) if text.strip() or (text and not in_hex) else b""
    longest = len(data) + (len(f" {times}") if times > 1 and data else 0)
    if longest > BIGGEST:
        raise ValueError(f"That is {longest:,} bytes. A datagram over IPv4 carries {BIGGEST:,} at most.")
    return data
