"""One exchange of NetworkPanel: what one host sends to another, what comes back, and the packets that carried it."""
import socket
import struct
import threading
import time
from contextlib import suppress
from typing import NamedTuple

from markupsafe import Markup

from netlab import Timeline, echo, serve, serve_udp
from netlab.network import HelperEnded, Packets
from netlab.network.ladder import ladder, words_of
from netlab.network.ladder_picture import picture_of
from netlab.network.segments import follow
from netlab.sockets import PLAIN
from netlab.words import as_text, bytes_of, error_name, number_of

PORT, LIMIT = 7, 3                      # the port of echo (RFC 862); seconds that a call may wait
ENDED = ("lost", "cut", "stopped")      # fates of a frame that did not come out
ARP = ("ARP question", "ARP answer")
BY = {"TCP": "segment", "UDP": "datagram", "ping": "packet"}


def echo_request(identifier: int, number: int, data: bytes) -> bytes:
    """An ICMP message that asks for an echo: type 8, code 0, checksum, identifier, sequence number, data (RFC 792)."""
    def message(checksum):
        return struct.pack("!BBHHH", 8, 0, checksum, identifier, number) + data
    return message(checksum(message(0)))


def checksum(data: bytes) -> int:
    """The checksum of the Internet: 16 bits at a time, added with the carry, and turned over (RFC 1071)."""
    total = sum(struct.unpack(f"!{len(data + data[-1:]) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


class Step(NamedTuple):
    """A row of the ladder: what a program called, or what a kernel sent; and where on the map that was."""
    who: str
    side: str                           # "client", "server", or "" between them
    words: str
    is_call: bool
    marks: dict                         # cable's name: [(word, sender, "" or what became of it)]
    size: int = 0                       # bytes of a message that it carries


def steps(made) -> list[Step]:
    """A ladder, row by row."""
    found = []
    for row in made.rows:
        name, marks = made.names.get(row.side) or (row.drawn.journey.sender if row.drawn else ""), {}
        for frame in row.drawn.journey.frames if row.drawn else ():
            marks.setdefault(frame.cable, []).append(_mark(row.drawn.label, frame))
        size = row.drawn.journey.size if row.drawn else 0
        found.append(Step(name, row.side, words_of(row, made), row.drawn is None, marks, size))
    return found


def steps_of_frames(packets) -> list[Step]:
    """The same of frames alone, each on its cable."""
    found = []
    for packet in packets:
        words = packet.summary + (f", {packet.fate} on {packet.cable}" if packet.fate in ENDED else "")
        found.append(Step(packet.sender, "", words, False, {packet.cable: [_mark(packet.layers[-1].name, packet)]}))
    return found


def _arp(packet):
    """Which of both it is: a question has the Opcode 1 (RFC 826)."""
    return ARP[packet["ARP"]["Opcode"] != 1]


def _mark(word, packet):
    return word, packet.sender, packet.fate if packet.fate in ENDED else ""


class Exchange:
    """`messages` from one host to another by TCP, UDP or ping, in a thread of the panel's; the other answers each.

    `packets` are those of this exchange alone, `answers` what came back, `failure` why a call failed; `doing` waits now.
    """

    def __init__(self, panel, number, by, source, target, messages):
        self.panel, self.number, self.by, self.source, self.target, self.messages = panel, number, by, source, target, messages
        self.timeline, self.packets, self.answers = Timeline(limit=300), Packets(), []
        self.sock, self.server, self.doing, self.failure, self.trouble = None, None, "", "", ""
        self.done, self._over = False, threading.Event()
        self.since, self.port, self.identifier = 0, None, number & 0xFFFF       # what its packets are known by
        self.took, self._drawn = 0.0, (None, [], None)        # of a ping: seconds until the first answer

    # the calls

    def run(self):
        """All of it. What fails is told, not raised; afterwards nothing is open."""
        try:
            before = self._passed()
            self.since = before[-1].number if before else 0
            {"TCP": self._tcp, "UDP": self._udp, "ping": self._ping}[self.by]()
        except TimeoutError:
            pass
        except HelperEnded as error:
            self.trouble = str(error)
        except OSError as error:
            self.failure = f"{self.doing or 'a call'} raised {error_name(error)} ({error.strerror or error})"
        finally:
            self.doing = ""
            self._finish()

    def end(self):
        """End a call that waits: TCP by a shutdown, the others, which that does not wake, by a message to themselves."""
        self._over.set()
        if (sock := self.sock) is not None and self.doing:
            with suppress(OSError):
                if self.by == "TCP":
                    PLAIN.shutdown(sock, socket.SHUT_RDWR)
                else:
                    PLAIN.connect(sock, PLAIN.getsockname(sock))
                    PLAIN.send(sock, echo_request(0, 0, b"") if self.by == "ping" else b"")

    def _tcp(self):
        self._serve("serve", serve, "echo", echo)
        self._socket("socket.SOCK_STREAM")
        self._call(f"connect(({self._name(self.target)}.address, {PORT}))", lambda: self.sock.connect(self._there()))
        for message in self.messages:
            self._call(f"sendall({message!r})", lambda message=message: self.sock.sendall(message))
        wanted = sum(map(len, self.messages))
        while len(b"".join(self.answers)) < wanted and self._receive(1024):
            pass

    def _udp(self):
        self._serve("serve_udp", serve_udp, "lambda data, address: data", lambda data, address: data)
        self._socket("socket.SOCK_DGRAM")
        self._call(f"connect(({self._name(self.target)}.address, {PORT}))", lambda: self.sock.connect(self._there()))
        for message in self.messages:
            self._call(f"send({message!r})", lambda message=message: self.sock.send(message))
        while not self.answered and not self._over.is_set():
            self._receive(2048)

    def _ping(self):
        self._socket("socket.SOCK_RAW, socket.IPPROTO_ICMP")
        self._call(f"connect(({self._name(self.target)}.address, 0))", lambda: self.sock.connect((self.target.address, 0)))
        began = time.monotonic()
        for n, message in enumerate(self.messages, 1):
            request = echo_request(self.identifier, n, message)
            self._call(f"send(echo_request({self.identifier}, {n}, {message!r}))",
                       lambda request=request: self.sock.send(request))
        while not self.answered and not self._over.is_set():
            self._call("recv(2048)", self._take_reply, typed="recv(2048)   # with its IP header: this is a raw socket")
            self.took = self.took or time.monotonic() - began

    def _take_reply(self):
        """The next answer to this ping: a raw socket also gets what is for others (raw(7))."""
        until = time.monotonic() + LIMIT
        while not self._over.is_set():
            if time.monotonic() > until:
                raise TimeoutError
            data = self.sock.recv(2048)
            inner = data[4 * (data[0] & 15):] if data else b""
            if len(inner) >= 8 and inner[0] == 0 and struct.unpack("!H", inner[4:6])[0] == self.identifier:
                self.answers.append(inner[8:])
                return

    def _receive(self, size):
        got = []
        self._call(f"recv({size})", lambda: got.append(self.sock.recv(size)))
        if self._over.is_set():
            return b""
        self.answers += got
        return got[0]

    def _serve(self, name, kind, code, handler):
        host = self._name(self.target)
        self.panel.typed(f"with {host}:", f"    server = {name}({code}, host={host}.address, port={PORT})")
        with self.target, suppress(OSError):            # in use: something of the reader's own listens there
            self.server = kind(handler, host=self.target.address, port=PORT, timeline=self.timeline, name=self.target.name)

    def _socket(self, kind):
        values = [getattr(socket, each.strip().removeprefix("socket.")) for each in kind.split(",")]
        self.panel.typed(f"sock = {self._name(self.source)}.socket(socket.AF_INET, {kind})", f"sock.settimeout({LIMIT})")
        self.sock = self.source.socket(socket.AF_INET, *values, timeline=self.timeline, name=self.source.name)
        self.sock.settimeout(LIMIT)

    def _call(self, call, action, typed=""):
        if self._over.is_set():
            raise TimeoutError
        self.doing = call.partition("(")[0]
        self.panel.changed()
        try:
            action()
            self.panel.typed(f"sock.{typed or call}")
        except OSError as error:
            self.panel.typed(f"# sock.{call} raised {type(error).__name__}")
            raise
        finally:
            with suppress(OSError):                     # closed meanwhile
                self.port = self.port or PLAIN.getsockname(self.sock)[1]

    def _there(self):
        return self.target.address, PORT

    def _name(self, host):
        return self.panel.name_of(host.name)

    def _finish(self):
        """Close everything, and wait for the last packets."""
        if self.sock is not None:
            self.panel.typed("sock.close()")
            self.sock.close()
        if self.server is not None:
            self.panel.typed("server.stop()")
            with suppress(RuntimeError):
                self.server.stop()
        with suppress(OSError):                         # the network is closed
            for _ in range(40):                         # with pauses: the helper has to carry the frames, too
                if self._over.wait(.025) or self._settled():
                    break
        self.look()
        self.done = True
        self.panel.ended(self)

    def _settled(self):
        """Whether no packet of it is on its way, and its connection has come to its end."""
        self.look()
        if any(packet.fate == "on its way" for packet in self.packets):
            return False
        return self.by != "TCP" or all(state == "TIME_WAIT" for host in (self.source, self.target)
                                       for (_, port), (_, peer), state in host.connections if self.port in (port, peer))

    # the packets

    def look(self):
        """Read the packets of this exchange so far."""
        with suppress(OSError):                         # the network is closed
            self.packets = self._passed().where(lambda packet: packet.number > self.since and self._mine(packet))

    def _passed(self):
        """All packets of the network; what a function of the reader's on a cable raised is told."""
        while True:
            try:
                return self.source.network.packets_now()
            except OSError:
                raise
            except Exception as error:
                self.trouble = f"The function on a cable raised {error_name(error)}: {error}."

    def steps(self) -> list[Step]:
        """What happened so far, call by call and packet by packet."""
        now = [packet.fate for packet in self.packets], len(self.timeline.log), self.timeline.pending()
        if self._drawn[0] != now:
            try:
                made = ladder(self.packets, self.timeline, between=(self.source, self.target))
            except ValueError:                          # no packet yet, and no call
                made = None
            self._drawn = now, steps_of_frames(self.packets) if made is None else steps(made), made
        return self._drawn[1]

    def telling(self) -> int:
        """The number of the step that tells most: the message on its whole way, or else the last packet; 0 where none is."""
        packets = [(n, step) for n, step in enumerate(self.steps(), 1) if step.marks]
        whole = [n for n, step in packets if step.size and not any(fate for marks in step.marks.values() for *_, fate in marks)]
        return whole[0] if self.answered and whole else packets[-1][0] if packets else len(self.steps())

    def picture(self) -> Markup:
        """The same as a picture, in HTML."""
        self.steps()
        drawn = self._drawn[2]
        if not drawn:
            return Markup("There is no ladder: too little has passed.")
        return Markup(picture_of(drawn)._repr_mimebundle_()["text/html"])

    def _mine(self, packet):
        """Not of an exchange before, whose segments may still be sent again."""
        if "ICMP" in packet:
            icmp = packet["ICMP"]
            return "Identifier" not in icmp or (self.by == "ping" and icmp["Identifier"] == self.identifier)
        for layer in ("TCP", "UDP"):
            if layer in packet:
                return self.port in (None, packet[layer]["Source Port"], packet[layer]["Destination Port"])
        return "ARP" in packet

    def gone(self):
        """The packets that did not come out at the other end of a cable."""
        return [packet for packet in self.packets if packet.fate in ENDED and "ARP" not in packet]

    def again(self):
        """How many segments with data, or a SYN, the two ends sent once more, as each of them left its host."""
        seen, count = set(), 0
        for segment in follow(self.packets):
            here = self.source if segment.forward else self.target
            if segment.packet.sender == here.name and (segment.length or "SYN" in segment.flags):
                key = segment.connection, segment.forward, segment.seq, segment.end
                count += key in seen
                seen.add(key)
        return count

    def overtaken(self):
        """(the packet that came first, the one that was sent first) where one datagram overtook another; or None."""
        last = {}
        for packet in self.packets:
            if packet.payload and packet.arrivals and "TCP" not in packet:
                way = packet.cable, packet.sender
                if way in last and packet.arrivals[0] < last[way].arrivals[0]:
                    return packet, last[way]
                last[way] = packet
        return None

    def way(self):
        """The nodes that the data passed which came to its target, in their order."""
        passed = [self.source.name]
        for packet in self.packets:
            if packet.arrivals and packet.sender == passed[-1] and packet.receiver not in passed and "ARP" not in packet:
                passed.append(packet.receiver)
            if passed[-1] == self.target.name:
                break
        return passed

    @property
    def answered(self):
        """Whether all has come back, if not in its order, and some of it twice: only TCP sees to that."""
        return b"".join(self.answers) == b"".join(self.messages) if self.by == "TCP" else set(self.answers) >= set(self.messages)

    def told(self) -> str:
        """What came of it, as a sentence or two."""
        gone, again = self.gone(), self.again()
        if self.trouble:
            return self.trouble
        if self._over.is_set():
            return "The exchange was ended."
        if self.failure:
            return f"Nothing came back: {self.failure}."
        what, size = BY[self.by], len(self.messages)
        if not self.answered:
            some = f"{len(set(self.answers))} of {size} answers" if self.answers and self.by != "TCP" else "Nothing"
            if self.answers and self.by == "TCP":
                some = f"Only {bytes_of(len(b''.join(self.answers)))}"
            why = self._where(gone, what) if gone else self._why()
            return f"{some} came back in {LIMIT} seconds{': ' if why else ''}{why}."
        said = f"{self.target.name} answered" + f" all {number_of(size, what)}" * (size > 1 and self.by != "TCP")
        if again:
            said += f" after {number_of(again, what)} {'was' if again == 1 else 'were'} sent again"
        elif self.by == "ping":
            said += f" in {1000 * self.took:.1f} ms"
        between = " and ".join(self.way()[1:-1])
        more = f" The data went {f'by {between}' if between else 'directly'}."
        if found := self.overtaken():
            first, second = (as_text(packet.payload, limit=20) for packet in found)
            more = f" {first} overtook {second} on {found[0].cable}."
        elif twice := [packet for packet in self.packets if packet.fate == "arrived twice" and packet.payload]:
            more = f" {as_text(twice[0].payload, limit=20)} came twice on {twice[0].cable}."
        return f"{said}.{more}"

    def _why(self):
        """Why nothing came back though nothing was lost: no ARP found where to send it, or a node said so by ICMP."""
        lost = [packet for packet in self.packets if packet.fate in ENDED and "ARP" in packet]
        if lost:
            asks = lost[0].sender if _arp(lost[0]) == "ARP question" else lost[0].receiver
            left = [packet for packet in self.packets if packet.cable == lost[0].cable and packet.sender == asks]
            if not any("IP" in packet for packet in left):      # no later question had its answer
                what = "the answer" if asks == self.target.name else f"the {BY[self.by]}{'s' * (len(self.messages) > 1)}"
                places = [self._where([packet for packet in lost if _arp(packet) == kind], kind) for kind in ARP]
                return f"{', and '.join(filter(None, places))}, so {what} never left {asks}"
        for packet in self.packets:
            if "ICMP" in packet and "Identifier" not in packet["ICMP"]:
                code = next((field.meaning for field in packet["ICMP"].fields if field.name == "Code"), "")
                return f"{packet.sender} sent word by ICMP, {code.replace('-', ' ') or 'unreachable'}"
        return ""

    def _where(self, gone, what):
        """Where packets were lost, in words."""
        places = {}
        for packet in gone:
            places.setdefault((packet.cable, packet.fate), []).append(packet)
        words = []
        for (cable, fate), packets in list(places.items())[:3]:
            name, were = (f"the {what}", "was") if len(packets) == 1 else (number_of(len(packets), what), "were")
            if len(packets) == 1 and self._from_target(packets[0]):
                name = "the answer"
            place = {"lost": f"lost on {cable}", "cut": f"lost at the cut in {cable}"}
            words.append(f"{name} {were} {place.get(fate, f'stopped by the function on {cable}')}")
        return ", and ".join(words)

    def _from_target(self, packet):
        return "IP" in packet and packet["IP"]["Source Address"] in self.target.addresses
