"""One connection of TCP in a replay: what each call and each packet makes of its states and of its bytes.

A byte that a call sent is kept by its sender's kernel until an ACK says that it came; from when it came until a call takes
it, it lies in the receiver's kernel as well (RFC 9293, 3.4 and 3.8).
"""
from bisect import bisect_right, insort

from netlab.events import RECEIVES, Event
from netlab.network.ladder import is_plural
from netlab.network.tracing import ACROSS, Drawn
from netlab.replay.ends import wanted
from netlab.replay.values import Piece, Place, Scene, Way, size_of
from netlab.words import bytes_of

KEPT = 64               # bytes of a piece that a step has; all of them are counted
SURE = 16_000           # bytes that a send buffer takes at once: of more, sendall() may still have some (tcp(7), tcp_wmem)

# What a call or a packet makes of a state: RFC 9293, 3.3.2. What is not here stays as it is.
ENDED = {"ESTABLISHED": "FIN_WAIT_1", "SYN_RECEIVED": "FIN_WAIT_1", "CLOSE_WAIT": "LAST_ACK"}       # close(), or a FIN that goes
FIN_ACKED = {"FIN_WAIT_1": "FIN_WAIT_2", "CLOSING": "TIME_WAIT", "LAST_ACK": "CLOSED"}
FIN_CAME = {"ESTABLISHED": "CLOSE_WAIT", "SYN_RECEIVED": "CLOSE_WAIT", "FIN_WAIT_1": "CLOSING", "FIN_WAIT_2": "TIME_WAIT"}
UNDECIDED = ("", "TimeoutError", "BlockingIOError", "InterruptedError")     # after these the kernel may go on connecting


class Stream:
    """The bytes of one connection in one direction, counted from 0: how far each of them got."""

    def __init__(self):
        self.sends, self.carried = [], []       # Pieces in their order: of calls, and of packets that no call explains
        self.given = self.left = self.acked = self.reached = self.taken = 0     # so many bytes
        self.apart = []                 # [(begin, end)] that came, though what is before them did not
        self.flying = []                # packets on their way
        self.fin = self.end = None      # the number that acknowledges its FIN; how many bytes are before a FIN that came
        self.closed = self.ended = self.reset = False       # receiver's socket closed; FIN came in order; nothing is kept

    def send(self, event: Event, number: int) -> None:
        """A call sends."""
        if event.size:
            self.sends.append(Piece(event.data, event.size, number, event.offset))
            self.given = max(self.given, event.offset + event.size)

    def leave(self, each: Drawn) -> None:
        """A packet with bytes leaves."""
        if each.last > self.left:
            data = each.journey.frames[0].payload[:KEPT]
            insort(self.carried, Piece(data, each.last - each.first + 1, None, each.first - 1), key=_start)
        self.left, self.given = max(self.left, each.last), max(self.given, each.last)

    def come(self, begin: int, end: int) -> None:
        """Bytes come to the receiver's kernel."""
        touching = [each for each in self.apart if each[0] <= end and begin <= each[1]] + [(begin, end)]
        joined = min(each[0] for each in touching), max(each[1] for each in touching)
        self.apart = sorted([each for each in self.apart if each not in touching] + [joined])
        self.upto(self.reached)

    def upto(self, reached: int) -> None:
        """All bytes before this number have come: the packets say it, or else a call or an ACK."""
        self.reached = max(self.reached, reached)
        for begin, end in self.apart:
            if begin <= self.reached:
                self.reached = max(self.reached, end)
        self.apart = [each for each in self.apart if each[1] > self.reached]

    @property
    def readable(self) -> int:
        """How many bytes a recv() could take."""
        return 0 if self.closed else self.reached - self.taken

    def kept(self) -> tuple[Piece, ...]:
        """What the sender's kernel keeps."""
        return () if self.reset else self.pieces(self.acked, self.given)

    def waiting(self) -> tuple[Piece, ...]:
        """What lies in the receiver's kernel, to be taken."""
        return self.pieces(self.taken, self.reached) if self.readable else ()

    def behind_a_gap(self) -> tuple[Piece, ...]:
        """What lies there, though something before it is missing."""
        return () if self.closed else tuple(piece for begin, end in self.apart for piece in self.pieces(begin, end))

    def on_the_way(self) -> tuple[Piece, ...]:
        """What packets carry that have not come yet."""
        return tuple(piece for each in self.flying if each.first for piece in self.pieces(each.first - 1, each.last))

    def pieces(self, begin: int, end: int) -> tuple[Piece, ...]:
        """The bytes from `begin` to before `end`, by the calls that sent them."""
        found = []
        while begin < end:
            part = _at(self.sends, begin) or _at(self.carried, begin) or Piece(b"", end - begin, None, begin)
            after = min(end, part.start + part.size)
            if part.send is None and (n := bisect_right(self.sends, begin, key=_start)) < len(self.sends):
                after = min(after, self.sends[n].start)
            at = begin - part.start
            found.append(Piece(part.data[at:after - part.start][:KEPT], after - begin, part.send, begin))
            begin = after
        return tuple(found)


def _start(piece):
    return piece.start


def _at(pieces, byte):
    """The one of these that has a byte."""
    n = bisect_right(pieces, byte, key=_start) - 1
    return pieces[n] if n >= 0 and byte < pieces[n].start + pieces[n].size else None


class Connection:
    """Two states, two streams. What happens is told as sentences, which are appended to `said`."""

    def __init__(self, names: dict[str, str], said: list[str]):
        self.names, self.said = names, said
        self.state = {"client": "CLOSED", "server": "CLOSED"}
        self.streams = {"client": Stream(), "server": Stream()}         # by who sends
        self.sockets = {}               # side: its recorded socket
        self.ends_with = {}             # side: "FIN" or "RST", what goes from there first
        self.begun = self.accepted = False      # a packet was there; accept() gave it to the program
        self.touched = 0                # the last step in which something happened to it

    # --- calls ---
    def connected(self, e: Event, side: str) -> None:
        """connect() came to its end."""
        if not e.error and e.result in (None, 0):
            self.opened(side)
        elif e.error not in UNDECIDED and self.state[side] == "SYN_SENT":
            self.state[side] = "CLOSED"

    def opened(self, side: str) -> None:
        """A call says that there is a connection, whatever the capture has of it."""
        if self.state[side] in ("SYN_SENT", "SYN_RECEIVED") or not self.begun:
            self.state[side] = "ESTABLISHED"

    def sends(self, e: Event, side: str, number: int) -> None:
        """A call sends; `number` is for its colour."""
        stream = self.streams[side]
        if e.error and e.size:          # nobody knows how much of it went out: what did, packets tell
            return
        stream.send(e, number)
        more = stream.given - stream.left
        if e.size and more and self.state[side] != "CLOSED":
            self.said.append(f"{bytes_of(more)} {were(more, 'to be sent')}." if more > SURE
                             else f"Its kernel has {bytes_of(more)} to send.")

    def receives(self, e: Event, side: str) -> None:
        """A call at `side` received bytes, or the end of the stream."""
        stream = self.streams[ACROSS[side]]
        if not e.size:
            if stream.ended and e.args[:1] != (0,):
                self.said.append(f"{self.names[ACROSS[side]]} sends nothing more.")
            return
        stream.upto(e.offset + e.size)
        if not e.peek:
            stream.taken = max(stream.taken, e.offset + e.size)
        if left := stream.readable:
            self.said.append(f"{bytes_of(left)} {'stays' if left == 1 else 'stay'} in its kernel.")

    def ends(self, e: Event, side: str) -> None:
        """close() or shutdown(): a kernel says FIN, or else RST, which some call an abort (RFC 9293, 3.6 and 3.10.5)."""
        state, unread = self.state[side], 0
        if e.method == "close":
            incoming = self.streams[ACROSS[side]]
            unread, incoming.closed = incoming.readable, True
            if unread:
                self.said.append(f"{self.names[side]}'s kernel throws away {bytes_of(unread)} that nobody received.")
            first = self.ends_with.get(side, "RST" if unread else "FIN")
            if state == "SYN_SENT" or (first == "RST" and state in ENDED):
                return self.forget_all(side)
        self.state[side] = ENDED.get(state, state)

    # --- packets ---
    def leaves(self, each: Drawn) -> None:
        """A segment leaves its sender."""
        flags, side = each.journey.segment.flags, each.side
        stream, state = self.streams[side], self.state[side]
        if each.first:
            stream.leave(each)
        if "RST" in flags:
            self.forget_all(side)
        elif "SYN" in flags and state == "CLOSED":
            self.state[side] = "SYN_RECEIVED" if "ACK" in flags else "SYN_SENT"
        elif not self.begun:            # the capture began later than the connection
            self.state = {end: "ESTABLISHED" if known == "CLOSED" else known for end, known in self.state.items()}
        if "FIN" in flags:
            stream.fin, self.state[side] = each.journey.segment.end, ENDED.get(self.state[side], self.state[side])
        self.begun = True

    def comes(self, each: Drawn, silent: bool = False) -> None:
        """A segment comes to the other kernel; `silent`: if the stream ends with it, the ACK of that is not drawn."""
        segment, to, stream = each.journey.segment, each.to, self.streams[each.side]
        if segment.ack is not None:
            alone = segment.end == segment.seq and "RST" not in segment.flags
            before = self.state[to]
            self.acknowledged(to, segment.ack, "" if alone else f"An ACK comes with {them(each)}: ")
            if alone and self.state[to] != before:
                self.said.append(f"It acknowledges {self.names[to]}'s FIN, which counts one, like a byte.")
        if "RST" in segment.flags:
            return self.forget_all(to)
        if self.state[to] == ("SYN_SENT" if "SYN" in segment.flags else "SYN_RECEIVED"):
            self.state[to] = "ESTABLISHED"
        if each.first:
            self.bytes_come(each, stream)
        if "FIN" in segment.flags:
            stream.end = segment.end - 2
        if stream.end is None or stream.reached < stream.end or (stream.ended and "FIN" not in segment.flags):
            return
        if not stream.ended:
            stream.ended = True
            self.state[to] = FIN_CAME.get(self.state[to], self.state[to])
        if silent and not self.streams[to].flying:      # else what left there before has to come before
            place = len(self.said)
            if self.acknowledged(each.side, stream.fin):
                self.said.insert(place, f"{self.names[to]}'s kernel acknowledges the FIN, with an ACK that is not drawn.")

    def forget_all(self, side: str) -> None:
        """The connection is over at once, and what waits for an ACK is not sent again."""
        if dropped := size_of(self.streams[side].kept()):
            self.said.append(f"{self.names[side]}'s kernel throws away {bytes_of(dropped)} that no ACK came for.")
        self.state[side], self.streams[side].reset = "CLOSED", True

    def bytes_come(self, each: Drawn, stream: Stream) -> None:
        """Data is there: to be received, or to wait for what is missing."""
        name, these, before = self.names[each.to], them(each), stream.reached
        known = each.last <= before or any(begin < each.first and each.last <= end for begin, end in stream.apart)
        stream.come(each.first - 1, each.last)
        missing = each.first - 1 - before
        if known:
            self.said.append(f"{name}'s kernel has {these} already.")
        elif stream.closed:
            self.said.append(f"Nobody there will receive {these}: the socket is closed.")
        elif missing > 0:
            self.said.append(f"{name}'s kernel holds {these}, but {bytes_of(missing)} before {these} {were(missing, 'missing')}: "
                             f"no recv() can take {these} yet.")
        elif each.to in self.sockets:
            self.said.append(f"{name}'s kernel holds {bytes_of(stream.readable)} to be received.")
        else:
            self.said.append(f"{name}'s kernel has {these}.")

    def acknowledged(self, side: str, ack: int, how: str = "") -> bool:
        """An ACK came to `side`, and wants the byte of that number next; whether it was news. `how` begins what is told."""
        stream, state = self.streams[side], self.state[side]
        its_fin = stream.fin is not None and ack >= stream.fin
        gone = min(ack - 1 - its_fin, stream.given) - stream.acked
        if gone > 0:
            stream.acked += gone
            stream.upto(stream.acked)
            if not stream.reset:
                self.said.append(f"{how}{self.names[side]}'s kernel forgets {bytes_of(gone)}.")
        if its_fin:
            self.state[side] = FIN_ACKED.get(state, state)
        return gone > 0 or state != self.state[side]

    # --- what there is to see ---
    def scene(self, tail: str, doing: dict) -> Scene:
        """The two ends, and where the bytes are; `tail` goes on with the names, `doing` has {socket: the Row of its call}."""
        ways = []
        for side, to in ACROSS.items():
            if not side:
                continue
            stream, sender, receiver = self.streams[side], self.names[side], self.names[to]
            ways += [Way(f"{sender} keeps until an ACK", stream.kept()), Way(f"on the way to {receiver}", stream.on_the_way())]
            if to in self.sockets:      # of an end that made no recorded call nobody knows what it has taken
                ways += [Way(f"in {receiver}'s kernel", stream.waiting()),
                         Way(f"at {receiver}, behind a gap", stream.behind_a_gap())]
        left, right = (Place(self.names[side] + tail, side, state, self.waits_in(doing.get(self.sockets.get(side)), side))
                       for side, state in self.state.items())
        return Scene(left, tuple(ways), right)

    def waits_in(self, row, side: str) -> str:
        """The call that a program is in, if what it needs is not there."""
        if row is None:
            return ""
        incoming, state = self.streams[ACROSS[side]], self.state[side]
        if row.event.method in RECEIVES:
            there = incoming.ended or incoming.readable >= wanted(row.event) or state == "CLOSED"
        else:
            there = self.begun and state != "SYN_SENT"      # connect() was answered
        return "" if there else row.call


def them(each: Drawn) -> str:
    """What stands for a packet's label in a sentence."""
    return "them" if is_plural(each.label) else "it"


def were(n: int, rest: str) -> str:
    """"is missing", "are missing\""""
    return f"{'is' if n == 1 else 'are'} {rest}"
