"""One exchange of NetworkPanel: what one host sends to another, what comes back, and the packets that carried it."""
import socket
import struct
import time
from contextlib import suppress
from typing import NamedTuple

from markupsafe import Markup

from netlab import Timeline, echo, serve, serve_udp
from netlab.kernel import wait_until
from netlab.network import HelperEnded, Packets
from netlab.network.ladder import ladder, words_of
from netlab.network.segments import follow
from netlab.sockets import PLAIN
from netlab.words import as_text, error_name, number_of

PORT, LIMIT = 7, 3                      # the port of echo (RFC 862); seconds that a call may wait
ENDED = ("lost", "cut", "stopped")      # fates of a frame that did not come out
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


def steps(made) -> list[Step]:
    """A ladder, row by row."""
    found = []
    for row in made.rows:
        name, marks = made.names.get(row.side) or (row.drawn.journey.sender if row.drawn else ""), {}
        for frame in row.drawn.journey.frames if row.drawn else ():
            marks.setdefault(frame.cable, []).append((row.drawn.label, frame.sender, frame.fate if frame.fate in ENDED else ""))
        found.append(Step(name, row.side, words_of(row, made), row.drawn is None, marks))
    return found


class Exchange:
    """`messages` from one host to another by TCP, UDP or ping, in a thread of the panel's; the other answers each.

    `packets` are those of this exchange alone, `answers` what came back, `failure` why a call failed; `doing` waits now.
    """

    def __init__(self, panel, number, by, source, target, messages):
        self.panel, self.number, self.by, self.source, self.target, self.messages = panel, number, by, source, target, messages
        self.timeline, self.packets, self.answers = Timeline(limit=300), Packets(), []
        self.sock, self.server, self.doing, self.failure, self.trouble = None, None, "", "", ""
        self.done = self.ended = False
        self.since, self.port, self.identifier = 0, None, number & 0xFFFF       # what its packets are known by
        self.took, self._drawn = 0.0, (None, [], None)        # of a ping: seconds until the first answer

    # the calls

    def run(self):
        """All of it. What fails is told, not raised; afterwards nothing is open."""
        try:
            self.since = max((packet.number for packet in self.source.network.packets_now()), default=0)
            {"TCP": self._tcp, "UDP": self._udp, "ping": self._ping}[self.by]()
        except TimeoutError:
            pass
        except HelperEnded as error:
            self.trouble = str(error)
        except OSError as error:
            if not self.ended:
                self.failure = f"{self.doing or 'a call'} raised {error_name(error)} ({error.strerror or error})"
                self.panel.typed(f"# {self.failure}")
        finally:
            self.doing = ""
            self._finish()

    def end(self):
        """End a call that waits."""
        self.ended = True
        if (sock := self.sock) is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

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
        for _ in self.messages:
            self._receive(2048)

    def _ping(self):
        self._socket("socket.SOCK_RAW, socket.IPPROTO_ICMP")
        self._call(f"connect(({self._name(self.target)}.address, 0))", lambda: self.sock.connect((self.target.address, 0)))
        began = time.monotonic()
        for n, message in enumerate(self.messages, 1):
            request = echo_request(self.identifier, n, message)
            self._call(f"send(echo_request({self.identifier}, {n}, {message!r}))",
                       lambda request=request: self.sock.send(request))
        for _ in self.messages:
            self._call("recv(2048)", self._take_reply, typed="recv(2048)   # with its IP header: this is a raw socket")
            self.took = self.took or time.monotonic() - began

    def _take_reply(self):
        """The next answer to this ping: a raw socket also gets what is for others (raw(7))."""
        until = time.monotonic() + LIMIT
        while not self.ended:
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
        if self.ended:
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
        if self.ended:
            raise TimeoutError
        self.doing = call.partition("(")[0]
        self.panel.typed(f"sock.{typed or call}")
        self.panel.changed()
        try:
            action()
        except TimeoutError:
            self.panel.typed(f"# no answer within {LIMIT} seconds: TimeoutError")
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
        with suppress(OSError):                         # TimeoutError, or the network is closed
            wait_until(self._settled, 1)
        self.look()
        self.done = True
        self.panel.ended(self)

    def _settled(self):
        """Whether no packet of it is on its way, and its connection has come to its end."""
        self.look()
        if any(packet.fate == "on its way" for packet in self.packets):
            return self.ended
        states = [state for host in (self.source, self.target) for (_, port), (_, peer), state in host.connections
                  if self.by == "TCP" and self.port in (port, peer)]
        return self.ended or all(state == "TIME_WAIT" for state in states)

    # the packets

    def look(self):
        """Read the packets of this exchange so far."""
        try:
            found = self.source.network.packets_now()
        except OSError:
            return
        except Exception as error:                      # of a function that the reader has put on a cable
            self.trouble = f"The function on a cable raised {error_name(error)}: {error}."
            return
        self.packets = found.where(lambda packet: packet.number > self.since and self._mine(packet))

    def steps(self) -> list[Step]:
        """What happened so far, call by call and packet by packet."""
        now = [packet.fate for packet in self.packets], len(self.timeline.log), self.timeline.pending()
        if self._drawn[0] != now:
            try:
                made = ladder(self.packets, self.timeline, between=(self.source, self.target))
            except ValueError:                          # no packet yet, and no call
                made = None
            self._drawn = now, [] if made is None else steps(made), made
        return self._drawn[1]

    def picture(self) -> Markup:
        """The same as a picture, in HTML."""
        self.steps()
        return Markup(self._drawn[2]._repr_mimebundle_()["text/html"] if self._drawn[2] else "Nothing happened.")

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
        """How many segments the two ends sent once more, as each of them left its host."""
        seen, count = set(), 0
        for segment in follow(self.packets):
            here = self.source if segment.forward else self.target
            if segment.packet.sender == here.name and segment.end > segment.seq:
                key = segment.connection, segment.forward, segment.seq, segment.end
                count += key in seen
                seen.add(key)
        return count

    def overtaken(self):
        """(the message that came first, the one that was sent first, cable) where one datagram overtook another; or None."""
        last = {}
        for packet in self.packets:
            if packet.payload and packet.arrivals and "TCP" not in packet:
                way = packet.cable, packet.sender
                if way in last and packet.arrivals[0] < last[way].arrivals[0]:
                    return packet, last[way], packet.cable
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
        """Whether all has come back."""
        return sorted(self.answers) == sorted(self.messages) if self.by != "TCP" else \
            b"".join(self.answers) == b"".join(self.messages)

    def told(self) -> str:
        """What came of it, as a sentence or two."""
        gone, again = self.gone(), self.again()
        if self.trouble:
            return self.trouble
        if self.ended:
            return "The exchange was ended."
        if self.failure:
            return f"Nothing came back: {self.failure}."
        what, size = BY[self.by], len(self.messages)
        if self.answered:
            said = f"{self.target.name} answered" + f" all {number_of(size, what)}" * (size > 1 and self.by != "TCP")
            if again:
                said += f" after {number_of(again, what)} {'was' if again == 1 else 'were'} sent again"
            elif self.by == "ping":
                said += f" in {1000 * self.took:.1f} ms"
            if found := self.overtaken():
                first, second, cable = found
                return f"{said}. {as_text(first.payload, limit=20)} overtook {as_text(second.payload, limit=20)} on {cable}."
            between = " and ".join(self.way()[1:-1])
            return f"{said}. The data went {f'by {between}' if between else 'directly'}."
        some = f"{len(self.answers)} of {size} answers" if self.answers and self.by != "TCP" else "Nothing"
        why = self._where(gone, what) if gone else self._refused()
        return f"{some} came back in {LIMIT} seconds{': ' if why else ''}{why}."

    def _refused(self):
        """What a node between said, by ICMP."""
        for packet in self.packets:
            if "ICMP" in packet and "Identifier" not in packet["ICMP"]:
                code = next((field.meaning for field in packet["ICMP"].fields if field.name == "Code"), "")
                return f"{packet.sender} sent word by ICMP, {code.replace('-', ' ') or 'unreachable'}"
        lost = [packet for packet in self.packets if packet.fate in ENDED]      # of ARP, for the others are told elsewhere
        return self._where(lost, "question of ARP") if lost else ""

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
