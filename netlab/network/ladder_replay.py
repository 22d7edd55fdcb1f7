"""The steps of a ladder: at each row the states of both ends, and in which kernel each byte and each datagram lies.

Of an ACK that the ladder does not draw, the next packet of its side tells; where none follows, the last step says what it
brought. The ACK of a FIN is told of as soon as that came, since its receiver acknowledges it then (RFC 9293, 3.10.7.4): a
kernel that waits a moment, and says it with its own FIN, is taken to have said it at once. What a recording does not have is
not guessed: of an end that made no recorded call nobody knows what it has taken.
"""
from collections import defaultdict

from netlab.events import ENDINGS, HELD, RECEIVES, SENDS
from netlab.network.ladder import Ladder, is_plural, words_of
from netlab.network.ladder_tcp import KEPT, Connection, Stream, them
from netlab.network.tracing import ACROSS, CONNECTS, Drawn, address_of, is_ack
from netlab.replay.values import Piece, Place, Scene, Step, Way, size_of
from netlab.words import bytes_of, listed, number_of

MOST_SCENES = 3         # connections, and listeners, that are shown at a time


def steps_of(ladder: Ladder, where=None) -> list[Step]:
    """A Step for each row of ladder.shown(). What has bytes in one step has its place in all of them.

    `where` tells the lines of code to light: {an event's index: (number of the Block, line)}.
    """
    run, found, shown = _Run(ladder), [], ladder.shown()
    for n, row in enumerate(shown, 1):
        found.append((run.step(row, n == len(shown)), run.scenes()))
    used = {(key, way.label) for _, scenes in found for key, scene in scenes for way in scene.ways if way.pieces}
    return [Step(says, tuple(Scene(scene.left, tuple(way for way in scene.ways if (key, way.label) in used), scene.right)
                             for key, scene in scenes), *lit) for (says, scenes), lit in zip(found, _lines(shown, where or {}))]


def _lines(shown, where):
    """For each row the line of its call, and those at which threads stand; while packets go, no thread moves."""
    last = {id(each.event.thread): n for n, row in enumerate(shown) for each in row.folded or [row] if each.event}
    at = {}
    for n, row in enumerate(shown):
        own = None
        for e in filter(None, (each.event for each in row.folded or [row])):
            own = where.get(e.index)
            at.pop(id(e.thread), None)
            if own and last[id(e.thread)] != n:
                at[id(e.thread)] = own
        yield own, tuple(line for line in dict.fromkeys(reversed(at.values())) if line != own)[::-1]


def silent_ends(ladder: Ladder) -> set[int]:
    """ids of the packets whose sender's FIN is acknowledged once they came, by an ACK that is not drawn."""
    fins, answers, found = {}, {}, set()
    segments = [(row, row.drawn.journey.segment) for row in ladder.rows if row.drawn and row.drawn.journey.segment and row.side]
    for row, segment in segments:
        if "FIN" in segment.flags:
            fins[segment.connection, row.side] = segment.end
    again = set()           # whose FIN leaves once more later
    for row, segment in reversed(segments):
        own, other = (segment.connection, row.side), (segment.connection, ACROSS[row.side])
        fin, answer = fins.get(own), answers.get(other)
        if fin and row.kind != "departure" and own not in again and ladder.acknowledged.get(own, 0) >= fin and (
                answer is None or not (is_ack(answer) or answer.lost or answer.journey.changed)):
            found.add(id(row.drawn))
        if row.kind != "arrival":
            again |= {own} if "FIN" in segment.flags else set()
            if (segment.ack or 0) >= fins.get(other, float("inf")):
                answers[own] = row.drawn
    return found


class _Run:
    """Where everything is after the rows so far."""

    def __init__(self, ladder):
        self.ladder, self.names, self.numbers = ladder, ladder.names, ladder.numbers()
        self.n, self.said = 0, []       # the step, and what is said of it
        self.connections = {}
        self.listeners, self.doing, self.ports = {}, {}, {}     # by socket: side; Row; by (side, port): socket of datagrams
        self.flying, self.held = ({side: [] for side in ACROSS} for _ in range(2))      # datagrams, by where they go
        self.look_ahead()

    def look_ahead(self):
        """What only later rows tell: who takes a datagram, how a side ends, which listener a connection is of."""
        self.takers, self.carriers, self.accepts, self.refused = defaultdict(list), {}, {}, set()
        self.has_datagrams = False
        for row in self.ladder.rows:
            if (e := row.event) is not None:
                for socket in (e.socket, e.made):
                    if (number := self.ladder.stream_to(socket)[0]):
                        self.connection(number).sockets[ACROSS[self.ladder.stream_to(socket)[1]]] = socket
                if e.made is not None:
                    self.accepts[self.ladder.stream_to(e.made)[0]] = e.socket
                if e.method in RECEIVES and not e.error and not e.peek and row.kind != "start":
                    for each in self.brought(row):
                        self.takers[id(each)].append(e.socket)
            elif (segment := row.drawn.journey.segment) is not None:
                for flag in {"RST", "FIN"} & set(segment.flags):
                    self.connection(segment.connection).ends_with.setdefault(row.side, flag)
                self.connection(segment.connection)
            elif not row.drawn.journey.quoted:
                self.has_datagrams = True
                self.carriers |= {id(e): row.drawn for e in row.drawn.calls}
            elif "port unreachable" in row.drawn.journey.meaning:
                self.refused.add(id(row.drawn.journey.about))
        self.silent = silent_ends(self.ladder)

    def connection(self, number):
        return self.connections.setdefault(number, Connection(self.names, self.said))

    def brought(self, row):
        """The datagrams that a call got."""
        causes = [self.ladder.rows[n].drawn for n in row.causes]
        return [each for each in causes if each and each.journey.segment is None and not each.journey.quoted]

    # --- a step ---
    def step(self, row, last):
        """Do what a row did; what is to be said of it."""
        self.n += 1
        self.said.clear()
        before = {number: dict(each.state) for number, each in self.connections.items()}
        for each in row.folded or [row]:
            self.call(each) if each.event else self.packet(each)
        if row.kind == "fold":
            self.said[:] = [f"{words_of(row, self.ladder)}.", self.totals()]
        if last:
            self.silent_acks()
        changes = [(self.names[side] + self.tail(number), state) for number, each in self.connections.items()
                   for side, state in each.state.items() if state != before[number][side]]
        if changes:
            (name, state), *others = changes
            self.said.append(", ".join([f"{name} is in {state} now", *(f"{name} in {state}" for name, state in others)]) + ".")
        return " ".join(filter(None, self.said))

    def totals(self):
        """What the kernels have after many rows."""
        found = []
        for connection in self.connections.values():
            for side, stream in connection.streams.items():
                to = ACROSS[side]
                if kept := size_of(stream.kept()):
                    found.append(f"{self.names[side]}'s kernel keeps {bytes_of(kept)}")
                if to in connection.sockets and stream.readable:
                    found.append(f"{self.names[to]}'s kernel holds {bytes_of(stream.readable)} to be received")
        found += [f"{self.names[side]}'s kernel holds {number_of(len(held), 'datagram')}"
                  for side, held in self.held.items() if held]
        return f"{listed(found)}." if found else ""

    def silent_acks(self):
        """At the end: what ACKs brought that are not drawn, where no packet said it after them."""
        for (number, side), ack in self.ladder.acknowledged.items():
            connection, place = self.connection(number), len(self.said)
            if connection.state[side] != "CLOSED" and connection.acknowledged(side, ack):
                self.said.insert(place, f"An ACK to {self.names[side]} came that is not drawn.")

    # --- calls ---
    def call(self, row):
        e, side, number = row.event, row.side, self.ladder.stream_to(row.event.socket)[0]
        connection = self.connection(number) if number else None
        self.said.append(f"{self.names[side]}: {words_of(row, self.ladder).replace(' ✗ ', ' raises ')}.")
        if connection:
            connection.touched = self.n
        elif (local := address_of(e.local)) and local[1] and e.socket not in self.listeners:
            self.ports[side, local[1]] = e.socket
        if row.kind == "start":
            self.doing[e.socket] = row
            return
        self.doing.pop(e.socket, None)
        if connection and e.method in CONNECTS:
            connection.connected(e, side)
        elif connection and e.method in SENDS:
            connection.sends(e, side, self.numbers.get(id(e)))
        elif e.error:
            pass
        elif e.method in ENDINGS and e.result != HELD and e.args[:1] != ("SHUT_RD",):
            if connection:
                connection.ends(e, side)
            elif e.method == "close":
                self.closes(e, side)
        elif e.method == "listen":
            self.listeners[e.socket] = side
            self.said.append("Its socket is in LISTEN now.")
        elif e.method == "accept" and (made := self.ladder.stream_to(e.made)[0]):
            self.connection(made).accepted, self.connection(made).touched = True, self.n
            self.connection(made).opened(side)
        elif connection and e.method in RECEIVES:
            connection.receives(e, side)
        elif e.method in RECEIVES:
            self.takes(row)
        elif e.method in SENDS and (each := self.carriers.get(id(e))):
            self.flying[each.to].append(each)
            self.said.append(f"Its kernel has a datagram of {bytes_of(e.size)} to send.")

    def closes(self, e, side):
        """A listener or a socket of datagrams ends, and what was there for it."""
        self.listeners.pop(e.socket, None)
        self.ports = {port: socket for port, socket in self.ports.items() if socket != e.socket}
        left = [each for each in self.held[side] if each[1] != e.socket]
        if gone := len(self.held[side]) - len(left):
            self.said.append(f"{self.names[side]}'s kernel throws away {number_of(gone, 'datagram')} that nobody received.")
        self.held[side] = left

    def takes(self, row):
        """A datagram is received."""
        e, held = row.event, self.held[row.side]
        for each in self.brought(row) if not e.peek else ():
            if (each, e.socket) in held:
                held.remove((each, e.socket))
                if each.journey.protocol == "UDP" and each.journey.size > e.size:
                    rest = bytes_of(each.journey.size - e.size)
                    self.said.append(f"{self.names[row.side]}'s kernel throws away the rest of the datagram, {rest}.")
        if left := sum(owner == e.socket for _, owner in held):
            self.said.append(f"{number_of(left, 'datagram')} {'stays' if left == 1 else 'stay'} in its kernel.")

    # --- packets ---
    def packet(self, row):
        each, segment = row.drawn, row.drawn.journey.segment
        self.said.append(self.told(row))
        connection = self.connection(segment.connection) if segment and each.side else None
        stream = connection.streams[each.side] if connection else Stream()
        if connection:
            connection.touched = self.n
        if connection and row.kind != "arrival":
            connection.leaves(each)
        lies, on_its_way = self.flying[each.to] if segment is None else stream.flying, each.lost.startswith("still")
        if each in lies:
            lies.remove(each)
        if row.kind == "departure" or on_its_way:
            lies.append(each)
        elif each.came is None:
            if each.journey.segment is None:
                self.said.append("" if each.journey.quoted else "No kernel keeps it.")
            elif each.first and not stream.reset:
                self.said.append(f"{self.names[each.side]}'s kernel still has {them(each)}.")
        elif each.journey.arrived is None:
            self.said.append(f"Further on {'they are' if is_plural(each.label) else 'it is'} {each.journey.ended}.")
        elif connection and each.journey.changed:
            self.said[-1] = f"{self.said[-1][:-1]}: its kernel does nothing with {them(each)}."
        elif connection:
            connection.comes(each, id(each) in self.silent)
        elif not each.journey.quoted:
            self.datagram_comes(each)

    def told(self, row):
        """A packet's way, in a sentence."""
        each, many = row.drawn, is_plural(row.drawn.label)
        who = self.names.get(each.side) or each.journey.sender
        to = self.names.get(each.to) or each.journey.destination[0]
        label = each.label if each.label.startswith('b"') else each.label[:1].upper() + each.label[1:]
        come, leave, go, are = ("come", "leave", "go", "are") if many else ("comes", "leaves", "goes", "is")
        changed, twice = each.journey.changed, not each.journey.changed and each.journey.copies > 1
        fate = f", and {are} changed on the way" * changed + ", twice" * twice
        if row.kind == "arrival":
            return f"{label} {come} to {to}{fate}."
        again = ", once more, as no ACK came" * each.again
        if row.kind == "departure":
            return f"{label} {leave} {who} for {to}{again}, and {are} on the way."
        if each.lost.startswith("ended at"):
            fate = f", and {'end' if many else 'ends'} {each.lost.removeprefix('ended ')}"
        elif each.lost:
            fate = f", but {each.lost}" if each.lost.endswith("is cut") else f", and {are} {each.lost}"
        return f"{label} {go} from {who} to {to}{again}{fate}."

    def datagram_comes(self, each):
        owners, udp = self.takers[id(each)], each.journey.protocol == "UDP"
        if not owners and udp and not each.journey.changed:
            owners = [self.ports.get((each.to, each.journey.destination[1]))]
        if id(each.journey) in self.refused:
            self.said.append("No socket there has that port.")
        elif owners and owners[0] is not None:
            owners = (owners * each.journey.copies)[:max(each.journey.copies, len(owners))]
            self.held[each.to] += [(each, owner) for owner in owners]
            self.said.append(f"{self.names[each.to]}'s kernel holds {them(each)} until a call takes {them(each)}.")
        elif udp:
            self.said.append(f"Who takes {them(each)} is not in the recording.")

    # --- what there is to see ---
    def scenes(self):
        """[(key, Scene)]: of the connections those that live, and what was there last; datagrams; listeners."""
        numbers = sorted(self.connections)
        if len(numbers) > 1:
            live = [n for n in numbers if (each := self.connections[n]).touched and (
                each.touched == self.n or set(each.state.values()) - {"CLOSED", "TIME_WAIT"})]
            numbers = sorted(sorted(live, key=lambda n: self.connections[n].touched)[-MOST_SCENES:])
        found = [(n, self.connections[n].scene(self.tail(n), self.doing)) for n in numbers]
        if self.has_datagrams:
            found.append(("datagrams", self.datagram_scene()))
        for socket, side in list(self.listeners.items())[:MOST_SCENES]:
            queue = tuple(self.names[ACROSS[side]] for n, each in self.connections.items() if not each.accepted
                          and each.state[side] in ("ESTABLISHED", "CLOSE_WAIT") and self.accepts.get(n, socket) == socket)
            accept = self.doing[socket].call if socket in self.doing and not queue else ""
            place = Place(f"{self.names[side]}'s listener", side, "LISTEN", accept, queue)
            found.append((("listener", socket), Scene(None, (), place)))
        return found

    def tail(self, number):
        """Which connection, where there are several."""
        return f" ({number})" if len(self.connections) > 1 else ""

    def datagram_scene(self):
        ways, places = [], []
        for side, to in (("client", "server"), ("server", "client")):
            ways += [Way(f"on the way to {self.names[to]}", tuple(map(self.piece, self.flying[to])), True),
                     Way(f"in {self.names[to]}'s kernel", tuple(self.piece(each) for each, _ in self.held[to]), True)]
            waits = [row.call for socket, row in self.doing.items() if socket not in self.listeners
                     and self.ladder.stream_to(socket) == (0, to) and not any(owner == socket for _, owner in self.held[side])]
            places.append(Place(self.names[side], side, "", waits[0] if waits else ""))
        return Scene(places[0], tuple(ways), places[1])

    def piece(self, each: Drawn) -> Piece:
        """A datagram as a piece."""
        number = next((self.numbers.get(id(e)) for e in each.calls), None)
        return Piece(each.journey.frames[0].payload[:KEPT], each.journey.size, number)
