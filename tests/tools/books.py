"""What a replay must agree with: `Books`, which count from the recording alone what lies where, and the kernel itself."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
from collections import Counter, defaultdict
from pathlib import Path

from random_talks import PLAIN, Talk

import netlab
from netlab import kernel
from netlab.events import HELD, RECEIVES, SENDS
from netlab.replay.moments import steps_of
from netlab.replay.values import size_of
from netlab.words import port_of


def incoming(scene):
    """[(name of the receiver, name of the sender, pieces)] of what lies in a scene."""
    found = []
    for way in scene.ways:
        left, right = scene.left or scene.right, scene.right or scene.left
        assert way.label in {f"to {the}{place.name}" for place in (left, right) for the in ("", "the ")}, way
        to_right = way.label in (f"to {right.name}", f"to the {right.name}")
        receiver, sender = (right, left) if to_right else (left, right)
        found.append((receiver.name, sender.name, way.pieces))
    return found


def places_of(step):
    return {place.name: place for scene in step.scenes for place in (scene.left, scene.right) if place}


class Told:
    """The steps of a Timeline, to be asked about."""

    def __init__(self, timeline, **options):
        self.story = timeline.story() if isinstance(timeline, netlab.Timeline) else timeline
        self.steps = steps_of(self.story, **options)
        self.last = self.steps[-1]

    def at(self, call):
        """The last step that tells of this call."""
        return next(step for step, row in reversed([*zip(self.steps, self.story.rows)])
                    if f"{row.who}.{row.call}".startswith(call) and row.phase != "start")


def lying(step, receiver):
    """[data of each piece] that lies before one receiver, of all senders."""
    return [piece.data for scene in step.scenes for name, _, pieces in incoming(scene) if name == receiver for piece in pieces]


def state(step, name):
    return places_of(step)[name].state


class Books:
    """How much must lie where, counted from the events of a story: sent, less received, less what came to nobody."""

    def __init__(self, story):
        self.names = {end.id: end.name for end in story.endpoints}
        self.kinds = {end.id: end.kind for end in story.endpoints}
        self.peers = {end.id: end.twin for end in story.endpoints if end.twin is not None}
        self.doors = {}                         # a client that nobody accepted -> the listener
        for row in story.rows:
            if row.event.made is not None and row.causes and row.event.made in self.names:
                client = story.rows[row.causes[0]].endpoint.id
                self.peers[client], self.peers[row.event.made] = row.event.made, client
        self.lies, self.closed, self.shut = Counter(), set(), defaultdict(set)
        self.owner, self.target, self.local, self.listening = {}, {}, {}, {}

    def enter(self, row, rows):
        """One row happens."""
        e, me = row.event, row.endpoint.id
        if row.phase == "start":
            return
        if e.local and e.method != "close":
            self.local[me] = e.local
            if self.kinds[me] == "datagram" and port_of(e.local):
                self.owner[port_of(e.local)] = me
        if e.method in ("connect", "connect_ex") and not row.failed:
            self.target[me] = e.address
            if port_of(e.address) in self.listening and me not in self.doors:
                self.doors[me] = self.listening[port_of(e.address)]
        elif e.method == "listen" and not row.failed:
            self.listening[port_of(e.local)] = me
        elif e.method in SENDS and not row.failed:
            self.sent(e, me)
        elif e.method in RECEIVES and not row.failed and not e.peek:
            if self.kinds[me] == "datagram":
                sender = rows[row.causes[0]].endpoint.id if row.causes else None
                if "came again" not in row.note:
                    self.lies[sender, me] -= bool(row.causes)
            elif me in self.peers:
                self.lies[self.peers[me], me] -= e.size
        elif e.method == "shutdown" and not row.failed:
            self.shut[me] |= {"SHUT_RD", "SHUT_WR"} if e.args[0] == "SHUT_RDWR" else {str(e.args[0])}
        elif e.method == "close" and e.result != HELD:
            self.closed.add(me)
            for pair in list(self.lies):
                if pair[1] == me or (pair[1] is None and self.doors.get(pair[0]) == me):
                    del self.lies[pair]

    def sent(self, e, me):
        if self.kinds[me] == "datagram":
            address = self.target.get(me) if e.address is None else e.address
            to = self.peers.get(me, self.owner.get(port_of(address)))
            hears = to is not None and to not in self.closed and (
                to not in self.target or port_of(self.target[to]) == port_of(self.local[me]))
            self.lies[me, to] += bool(hears)
        elif me in self.peers or me in self.doors:
            to = self.peers.get(me)
            gone = to in self.closed if to is not None else self.doors[me] in self.closed
            if not gone and len(self.shut[to] if to is not None else ()) < 2:
                self.lies[me, to] += e.size

    def expected(self):
        return {(self.names.get(s), self.names.get(r)): n for (s, r), n in self.lies.items() if n}

    def shown(self, step):
        """The same as the step has it."""
        known, found = set(self.names.values()), Counter()
        for scene in step.scenes:
            for (receiver, sender, pieces), way in zip(incoming(scene), scene.ways):
                key = sender, receiver if receiver in known else None
                found[key] += len(pieces) if way.borders else size_of(pieces)
        return {key: n for key, n in found.items() if n}


def in_vain(step):
    """What waits in a call that could return: ["listener in accept()"]."""
    ready = {name for scene in step.scenes for way, (name, _, pieces) in zip(scene.ways, incoming(scene)) if pieces}
    waits = {name: place.doing for name, place in places_of(step).items() if place.doing and "WAITALL" not in place.doing}
    return [f"{name} in {call}" for name, call in waits.items()
            if (call.startswith("accept") and places_of(step)[name].queue) or (call.startswith("recv") and name in ready)]


def check_each_step(story, steps):
    assert len(steps) == len(story.rows)
    books = Books(story)
    for n, (row, step) in enumerate(zip(story.rows, steps), 1):
        books.enter(row, story.rows)
        must = books.expected()
        assert books.shown(step) == must, f"step {n}: {step.says}"
        assert not in_vain(step), f"step {n}: {in_vain(step)}, though what that needs is there"
        heard = row.event.method in RECEIVES
        there = sum(size for (sender, receiver), size in must.items() if row.who == (receiver if heard else sender))
        said = re.search(r"([\d,]+) \w+ (lies?|stays?) in|(nothing) is left in", step.says, re.I)
        if said and row.event.method in SENDS | RECEIVES and "look" not in row.note:
            number = 0 if said[3] else int(said[1].replace(",", ""))
            assert number == there, f"step {n}: {step.says} There are {there}."


# --- and the kernel -------------------------------------------------------------------------------------------------

def connections():
    """{(local, remote) as proc(5) writes them: state} of all TCP connections; one look for all, also at TIME_WAIT."""
    if not kernel.LINUX:
        return None
    table = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {(words[1], words[2]): kernel.STATES[int(words[3], 16) - 1] for words in table}


def in_proc(address):
    packed = socket.inet_aton(address[0])
    return f"{(packed[::-1] if sys.byteorder == 'little' else packed).hex().upper()}:{address[1]:04X}"


def differences(talk, names, steps):
    """What the kernel says otherwise than the last step: [sentence]."""
    table, step = connections(), steps[-1]
    places, lying = places_of(step), defaultdict(list)
    for scene in step.scenes:
        for receiver, _, pieces in incoming(scene):
            lying[receiver].append(pieces)
    wrong = []

    def same(what, sock, told, real):
        if real is not None and told != real:
            wrong.append(f"{what} of {names.get(sock.number, 'a socket')}: {told} in the step, {real} in the kernel")

    for sock in talk.open_ones():
        if sock.number not in names:
            continue
        name = names[sock.number]
        place = places[name]
        if sock in talk.listeners:
            waiting = kernel.backlog(sock)
            same("queue", sock, len(place.queue), waiting and waiting[0])
        elif sock in talk.datagrams:
            real = kernel.receive_queue(sock)
            firsts = {pieces[0].size for pieces in lying[name] if pieces} or {0}
            same("next datagram", sock, firsts, firsts if real is None or real in firsts else real)
        else:
            same("bytes", sock, sum(map(size_of, lying[name])), kernel.receive_queue(sock))
        if sock.family != getattr(socket, "AF_UNIX", None) and sock.type == socket.SOCK_STREAM:
            same("state", sock, {"TIME_WAIT": "CLOSED"}.get(place.state, place.state), kernel.state(sock))
    ever = {(scene.left and scene.left.name, scene.right and scene.right.name): scene for step in steps for scene in step.scenes}
    for scene in ever.values():         # a conversation that is over was left out
        client = next((c for c in talk.ways if scene.left and names.get(c.number) == scene.left.name), None)
        if client is not None and table is not None:
            here, there = map(in_proc, talk.ways[client])
            for place, ends in ((scene.left, (here, there)), (scene.right, (there, here))):
                if place is not None and (scene.right is not None or place.state != "SYN_SENT"):
                    told = "CLOSED" if place.state == "not there yet" else place.state
                    same(f"connection's state at {place.name}", client, told, table.get(ends, "CLOSED"))
    return wrong


def differences_when_read(talk, names, step):
    """The same of the bytes themselves, which this takes."""
    waits = {names[sock.number]: sock for sock in talk.open_ones() if sock.number in names and sock not in talk.listeners}
    wrong = []
    for name, sock in waits.items():
        got = []
        PLAIN.setblocking(sock, False)
        for _ in range(1000):
            try:
                got.append(PLAIN.recv(sock, 65536))
            except BlockingIOError:
                break
            except OSError:             # ENOTCONN, or what a reset left
                if sock.type == socket.SOCK_STREAM:
                    break
            if sock.type == socket.SOCK_STREAM and not got[-1]:
                break
        pieces = [list(pieces) for scene in step.scenes for receiver, _, pieces in incoming(scene) if receiver == name]
        if sock.type == socket.SOCK_STREAM:
            all_of_it, at = b"".join(got), 0
            for piece in pieces[0] if pieces else []:
                if all_of_it[at:at + len(piece.data)] != piece.data:
                    wrong.append(f"{name}: {piece} in the step, {all_of_it[at:at + len(piece.data)]} in the kernel")
                at += piece.size
            if at != len(all_of_it):
                wrong.append(f"{name}: {at} bytes in the step, {len(all_of_it)} in the kernel")
            continue
        for data in got:                # of several senders each one's come in their order
            whose = next((each for each in pieces if each and (each[0].size, each[0].data) == (len(data), data[:64])), None)
            if whose is None:
                wrong.append(f"{name}: {data[:20]} in the kernel, {pieces} in the step")
                break
            del whose[0]
        else:
            wrong += [f"{name}: {each} in the step, not in the kernel" for each in pieces if each]
    return wrong


def check_talk(seed):
    """Each step of the conversation of this seed agrees with the books, the last one with the kernel."""
    talk = Talk(seed)
    try:
        story = talk.timeline.story()
        names, steps, wrong = {end.id: end.name for end in story.endpoints}, steps_of(story), []
        check_each_step(story, steps)

        def agrees():       # the ACK of a FIN may be delayed, and on a busy machine much more so
            wrong[:] = differences(talk, names, steps)
            return not wrong

        if steps:
            with contextlib.suppress(TimeoutError):
                kernel.wait_until(agrees, 30)
            wrong = wrong or differences_when_read(talk, names, steps[-1])
        assert not wrong, "; ".join(wrong)
    except AssertionError as error:
        raise AssertionError(f"seed {seed}: {error}") from error
    finally:
        talk.end()
