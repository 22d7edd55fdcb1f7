"""Tracing: which call made a kernel send a packet, which packet made a call return; and which socket is whose.

The result is `needs`: {step: the steps that come before it}. A step is ("start" or "finish", call) or ("departure" or
"arrival", packet). The module `ladder` says what is promised of the order that follows.
"""
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from netlab.events import ENDINGS, HELD, RECEIVES, SENDS, SETUP, Event
from netlab.network.journeys import Journey
from netlab.network.segments import ip_of
from netlab.words import show_bytes

ACROSS = {"client": "server", "server": "client", "": ""}
CONNECTS = {"connect", "connect_ex"}
SHORT = len('b""') + 24           # letters of a datagram that is shown as it is
REFUSED = ("ConnectionResetError", "BrokenPipeError", "ConnectionRefusedError", "ConnectionAbortedError")


@dataclass(eq=False, slots=True)
class Drawn:
    """A packet as a ladder shows it."""
    journey: Journey
    side: str                           # "client" or "server", from where it goes; "": from a node between
    to: str                             # where it goes
    left: float                         # when it entered the first cable that is drawn
    came: float | None                  # when it came out of the last one; None where it did not
    label: str = ""                     # "SYN", "bytes 4-6", "ACK 7"
    stream: tuple = ()                  # (connection, side) of the bytes that it carries
    first: int = 0                      # of these bytes, the first and the last; 0 where it carries none
    last: int = 0
    again: bool = False                 # these bytes, or this SYN or FIN, had gone before
    calls: list[Event] = field(default_factory=list)    # that sent these bytes
    lost: str = ""                      # why it did not come: "lost on the cable"

    @property
    def note(self) -> str:
        """What else became of it."""
        return "changed on the way" if self.journey.changed else "came twice" if self.journey.copies > 1 else ""


def address_of(address) -> tuple | None:
    """(address, port), with IPv4 as such where IPv6 carries it ("::ffff:10.0.1.2", RFC 4291, 2.5.5.2)."""
    return (address[0].removeprefix("::ffff:"), address[1]) if isinstance(address, tuple) and len(address) > 1 else None


class Ends:
    """Which socket is on which host and on which side of the ladder, and which connection of the capture is its own.

    ValueError where more than two hosts made calls and `between` does not name two.
    """

    def __init__(self, events, endpoints, ways, belongs, between=None):
        self.endpoints, self.ways, self.belongs = endpoints, ways, belongs
        self.local, self.host, self.side, self.connection = {}, {}, {}, {}
        for e in events:
            if (own := address_of(e.local)) and own[1]:
                self.local[e.socket] = own
        self._connections(events)
        for e in events:
            if e.socket not in self.host:
                self.host[e.socket] = self._by_address(self.local.get(e.socket))
        self.names = self._two_hosts(between)
        sides = {host: side for side, host in self.names.items()}
        for number, end in endpoints.items():
            host = self.host.get(number)
            if host in sides:
                self.side[number] = sides[host]
            elif host is None and between is None:
                self.side[number] = end.side

    def _connections(self, events):
        """Of each connection the client's socket by its port and the address it called, the server's by what accept() said."""
        begins = {}                     # connection: its first segment from the client
        for way in self.ways:
            if way.segment and way.segment.forward:
                begins.setdefault(way.segment.connection, way)
        called, accepted = set(), set()
        for e in events:
            if e.method in CONNECTS and self.endpoints[e.socket].kind == "stream" and e.socket not in self.connection:
                port, to, free = self.local.get(e.socket, ("", 0))[1], address_of(e.address), begins.keys() - called
                fits = (n for n in begins if n in free and (begins[n].source[1], begins[n].destination) == (port, to))
                found = next(fits, None)
                if found is not None:
                    called.add(found)
                    self.connection[e.socket], self.host[e.socket] = found, self.belongs.get(begins[found].source[0])
            elif e.method == "accept" and e.made is not None:
                peer, free = address_of(e.address), begins.keys() - accepted
                found = next((n for n in begins if n in free and begins[n].source == peer), None)
                if found is not None:
                    accepted.add(found)
                    self.connection[e.made] = found
                    self.host[e.made] = self.host[e.socket] = self.belongs.get(begins[found].destination[0])

    def _by_address(self, own):
        """The host of that address; of one that stands for all ("0.0.0.0"), the host that speaks from or is asked at its port."""
        if own is None or own[0] in self.belongs:
            return own and self.belongs[own[0]]
        ends = [end for way in self.ways for end in (way.source, way.destination)]
        return next((self.belongs[ip] for ip, port in ends if port == own[1] and ip in self.belongs), None)

    def _two_hosts(self, between):
        hosts = list(dict.fromkeys(filter(None, self.host.values())))
        if between is not None:
            wanted = [getattr(host, "name", host) for host in between]
            hosts = [host for host in hosts if host in wanted] + [host for host in wanted if host not in hosts]
        if len(hosts) > 2:
            raise ValueError(f"a ladder has two ends, and {', '.join(hosts)} made calls: name two with between=(…, …)")
        clients = [self.host.get(number) for number, end in self.endpoints.items() if end.side == "client"]
        meant = [self.belongs.get(end[0]) for way in self.ways if not way.quoted for end in (way.source, way.destination)]
        client = next((host for host in (*clients, *meant, "client") if host and (host in hosts or not hosts)), None) or hosts[0]
        server = next(host for host in (*hosts, *meant, "server") if host and host != client)
        return {"client": client, "server": server}


class Needs:
    """All steps and what comes before each; `enables` has of a call the time of the first packet that it sent."""

    def __init__(self, events, drawn, ends):
        self.events, self.ends, self.before = events, ends, defaultdict(set)
        self.causes, self.enables = defaultdict(list), {}
        self._threads()
        shown, numbers = [], {each.journey.segment.connection for each in drawn if each.journey.segment}
        for number in sorted(numbers):
            sockets = {ends.side[s]: s for s, n in ends.connection.items() if n == number and s in ends.side}
            here = [each for each in drawn if each.journey.segment and each.journey.segment.connection == number]
            shown += _Connection(self, number, here, sockets).shown()
        others = [each for each in drawn if not each.journey.segment]
        _datagrams(self, others)
        self.drawn = sorted(shown + others, key=lambda each: each.left)
        self._errors()
        self._in_order_at_each_end()

    def need(self, what, thing, before, other):
        """A step needs another, of another thing: that is its cause."""
        self.before[what, thing].add((before, other))
        self.causes[thing].append(other)
        if what == "departure" and before == "start":
            self.enables[other] = min(thing.left, self.enables.get(other, thing.left))

    def calls_of(self, socket, methods=None):
        """The calls on a socket, in their order."""
        return [e for e in self.events if e.socket == socket and (methods is None or e.method in methods)]

    def _threads(self):
        """A thread makes one call after the other; a socket is used after it was made and set up: bound, listening."""
        last, made = {}, {}
        for e in self.events:
            self.before["finish", e].add(("start", e))
            self.before["start", e] |= {("finish", b) for b in (last.get(id(e.thread)), made.get(e.socket)) if b is not None}
            last[id(e.thread)] = e
            if e.made is not None:
                made[e.made] = e
            elif e.method in SETUP - {"accept"} and not e.error:
                made[e.socket] = e

    def _errors(self):
        """An ICMP error leaves after what it is about came there."""
        drawn = {id(each.journey): each for each in self.drawn}
        for each in self.drawn:
            about = drawn.get(id(each.journey.about))
            if about is not None:
                self.need("departure", each, "arrival" if about.came is not None else "departure", about)

    def _in_order_at_each_end(self):
        """At each end packets leave and come as the capture has it. Only where an ACK comes is free among what leaves there
        meanwhile: nothing tells whether that waited for it."""
        for end in ("client", "server"):
            leave = [(each.left, "departure", each) for each in self.drawn if each.side == end]
            come = [(each.came, "arrival", each) for each in self.drawn if each.to == end and each.came is not None]
            for steps in (come, [step for step in leave + come if step[1] == "departure" or not is_ack(step[2])]):
                steps.sort(key=lambda step: step[0])
                for (_, before, one), (_, what, other) in pairwise(steps):
                    self.before[what, other].add((before, one))
        for each in self.drawn:
            if each.came is not None:
                self.before["arrival", each].add(("departure", each))


class _Connection:
    """The segments of one TCP connection, joined to the calls of its two sockets."""

    def __init__(self, needs, number, drawn, sockets):
        self.needs, self.number, self.drawn, self.sockets = needs, number, drawn, sockets
        self.of = {side: [each for each in drawn if each.side == side] for side in ("client", "server")}
        for side, those in self.of.items():
            self._name(side, those)
        for side in ("client", "server"):
            self._sends(side)
            self._receives(side)
        self._handshake()

    def _name(self, side, those):
        """Say what each segment is, and whether it had gone before."""
        furthest = -1
        for each in those:
            segment, flags = each.journey.segment, each.journey.segment.flags
            takes = segment.end > segment.seq
            each.again = takes and segment.end <= furthest
            furthest = max(furthest, segment.end) if takes else furthest
            if segment.length:
                each.first, each.last = segment.seq, segment.seq + segment.length - 1
                each.stream = self.number, side
            words = [range_of(each.first, each.last)] if segment.length else []
            words += ["SYN ACK" if "ACK" in flags else "SYN"] * ("SYN" in flags)
            words += [name for name in ("FIN", "RST") if name in flags]
            handshake = segment.forward and segment.ack == 1 and not any("ACK" in e.label for e in those if e.side == side)
            alone = "ACK" if handshake else "no flag" if segment.ack is None else f"ACK {segment.ack:,}"
            each.label = ", ".join(words) or alone

    def _sends(self, side):
        """The calls that sent the bytes of each segment, its FIN, its RST."""
        need, socket = self.needs.need, self.sockets.get(side)
        calls = self.needs.calls_of(socket) if socket is not None else []
        sends = [e for e in calls if e.method in SENDS and e.size]
        ending = next((e for e in calls if e.method in ENDINGS and not e.error and e.result != HELD
                       and e.args[:1] != ("SHUT_RD",)), None)
        close = next((e for e in calls if e.method == "close"), None)
        for each in self.of[side]:
            if each.first:
                each.calls = [e for e in sends if e.offset < each.last and e.offset + e.size >= each.first]
            flags = each.journey.segment.flags
            end = ending if "FIN" in flags else close if "RST" in flags else None
            for e in [*each.calls, *([end] if end else [])]:
                need("departure", each, "start", e)

    def _receives(self, side):
        """The segment that brought the last byte of what a call took, or the end of the stream."""
        need, socket = self.needs.need, self.sockets.get(side)
        if socket is None:
            return
        came = sorted((each for each in self.of[ACROSS[side]] if each.came is not None and not each.journey.changed),
                      key=lambda each: each.came)
        reached, progress = 1, []       # the next number wanted; [(what is wanted after it, segment)]
        kept = {}
        for each in came:
            segment = each.journey.segment
            start = segment.seq + ("SYN" in segment.flags)
            kept[start] = max(kept.get(start, 0), segment.end)
            before = reached
            while any(a <= reached < b for a, b in kept.items()):
                reached = max(b for a, b in kept.items() if a <= reached)
            if reached > before:
                progress.append((reached, each))
                kept = {a: b for a, b in kept.items() if b > reached}
        fin = next((each.journey.segment.end for each in came if "FIN" in each.journey.segment.flags), None)
        reset = next((each for each in came if "RST" in each.journey.segment.flags), None)
        for e in self.needs.calls_of(socket, RECEIVES | SENDS | CONNECTS):
            if e.error in REFUSED:
                if reset is not None:
                    need("finish", e, "arrival", reset)
            elif e.method in RECEIVES and not e.error and e.args[:1] != (0,):
                wanted = e.offset + e.size + 1 if e.size else fin
                brought = next((each for upto, each in progress if wanted and upto >= wanted), None)
                if brought is not None:
                    need("finish", e, "arrival", brought)

    def _handshake(self):
        need, calls = self.needs.need, self.needs.calls_of
        syn = next((each for each in self.of["client"] if "SYN" in each.journey.segment.flags), None)
        answer = next((each for each in self.of["server"] if "SYN" in each.journey.segment.flags and each.came is not None), None)
        third = min((each for each in self.of["client"] if each.journey.segment.ack is not None and each.came is not None
                     and "RST" not in each.journey.segment.flags), key=lambda each: each.came, default=None)
        for e in calls(self.sockets.get("client"), CONNECTS):
            if syn is not None:
                need("departure", syn, "start", e)
            if answer is not None and not e.error:
                need("finish", e, "arrival", answer)
            if e.error == "TimeoutError":
                for each in self.of["client"]:
                    need("finish", e, "departure", each)
        made = self.sockets.get("server")
        for e in self.needs.events:
            if made is not None and e.made == made:
                if third is not None:
                    need("finish", e, "arrival", third)
                listening = next(iter(calls(e.socket, {"listen"})), None)
                if syn is not None and syn.came is not None and listening is not None:
                    self.needs.before["arrival", syn].add(("finish", listening))

    def shown(self):
        """All but the ACKs that are no news (see `ladder`)."""
        return [each for each in self.drawn if not is_ack(each) or each.label == "ACK" or self._is_news(each)]

    def _is_news(self, ack):
        mine, theirs, wanted = self.of.get(ack.side, ()), self.of.get(ACROSS[ack.side], ()), ack.journey.segment.ack
        at = ack.left
        before = [each.left for each in theirs if not is_ack(each) and each.came is not None and each.came <= at]
        begin = max(before, default=0)
        after = min((each.left for each in theirs if not is_ack(each) and each.left > at), default=float("inf"))
        if any(begin < each.left < after and not is_ack(each) for each in mine):
            return False                # its data or its FIN says it, or could have
        if any(each.left < at and each.came is not None and (each.journey.segment.ack or 0) >= wanted for each in mine):
            return False                # said before
        sent = max((each.journey.segment.end for each in theirs if each.left < at), default=0)
        borders = {e.offset + e.size + 1 for each in theirs for e in each.calls} | {sent}
        return wanted in borders and (wanted == sent or all(
            each.left > (ack.came or at) for each in theirs if each.first >= wanted and each.first))


def is_ack(each: Drawn) -> bool:
    """A TCP segment that has nothing but an acknowledgment."""
    if each.journey.segment is None:
        return False
    segment = each.journey.segment
    return segment.end == segment.seq and segment.flags == ("ACK",)


def range_of(first: int, last: int) -> str:
    """"bytes 4-6", "byte 1"."""
    return f"byte {first:,}" if first == last else f"bytes {first:,}-{last:,}"


def _datagrams(needs, drawn):
    """Join what is no TCP to the calls that sent and took it: by ports, sizes and bytes, in their order."""
    ends, target = needs.ends, {}
    for each in drawn:
        way = each.journey
        each.label = f"{way.protocol} {way.meaning}".strip() if way.meaning or way.protocol != "UDP" else told(way)
    left = [each for each in drawn if not each.journey.quoted]
    came = [each for each in left if each.came is not None for _ in range(each.journey.copies)]
    came.sort(key=lambda each: each.came)
    errors = [each for each in drawn if each.journey.quoted]
    for e in needs.events:
        end, own = ends.endpoints[e.socket], ends.local.get(e.socket)
        if own is None or (end.kind == "stream" and not e.error):
            continue
        raw = end.kind not in ("stream", "datagram")        # it has a protocol where others have a port (raw(7))
        side, port = ends.side.get(e.socket), 0 if raw else own[1]
        if e.method in CONNECTS and not e.error:
            target[e.socket] = address_of(e.address)
        if e.method in SENDS and not e.error:
            to = address_of(e.address) or target.get(e.socket)
            found = next((each for each in left if each.side == side and each.journey.source[1] == port
                          and to in (None, each.journey.destination) and _holds(each, e, True, raw)), None)
            if found is not None:
                left.remove(found)
                found.calls, found.first, found.last = [e], min(1, e.size), e.size
                needs.need("departure", found, "start", e)
        elif e.method in RECEIVES and not e.error:
            by = address_of(e.address)
            found = next((each for each in came if each.to == side and each.journey.destination[1] == port
                          and by in (None, each.journey.source) and _holds(each, e, False, raw)), None)
            if found is not None:
                if not e.peek:
                    came.remove(found)
                needs.need("finish", e, "arrival", found)
        elif e.error:
            found = next((each for each in errors if each.came is not None and each.to == side
                          and each.journey.quoted[0][1] == port), None)
            if found is not None and e.error != "TimeoutError":
                errors.remove(found)
                needs.need("finish", e, "arrival", found)


def told(way: Journey) -> str:
    """A datagram by its bytes, as the calls show them, so that one is known from another; by its size where that is long."""
    shown = show_bytes(way.frames[0].payload)
    return shown if way.size and len(shown) <= SHORT else sized(way.size)


def sized(n: int) -> str:
    """What a datagram without a name of its own is called."""
    return "empty datagram" if not n else "1 byte" if n == 1 else f"{n:,} bytes"


def _holds(each, e, whole, raw):
    """Whether a packet has the bytes of a call. A raw socket sends all that IP carries, and gets the IP header as well."""
    split = each.journey.whole                      # then a frame has not all of it
    frame = each.journey.frames[0 if whole or split else -1]
    data = frame.data[ip_of(frame).end if whole else ip_of(frame).start:] if raw else frame.payload
    size = each.journey.size if split and not raw else len(data)
    return data.startswith(e.data[:len(data)]) and (size == e.size if whole else size >= e.size)
