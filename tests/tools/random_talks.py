"""Conversations of chance, one for each seed: several clients, TCP and UDP, made in one thread and left open at some point.

    python tests/tools/random_talks.py 17         tells what the one of seed 17 does, step by step
"""

from __future__ import annotations

import contextlib
import random
import socket
import sys

from conversations import LOCAL

import netlab
from netlab import kernel

LINGER_ZERO = b"\1\0\0\0\0\0\0\0"
PLAIN = socket.socket


class Talk:
    """`timeline` has its calls; `streams`, `listeners`, `datagrams` are its sockets, the closed ones too."""

    def __init__(self, seed: int):
        self.chance, self.timeline = random.Random(seed), netlab.Timeline()
        self.streams, self.listeners, self.datagrams = [], [], []
        self.full = set()           # listeners that let a client wait
        self.ways = {}              # a client -> (its address, its listener's)
        self.spoken = 0
        for _ in range(self.chance.randint(1, 2)):
            self.listen()
        for _ in range(self.chance.randint(0, 2)):
            self.box(bound=True)
        moves = [*[self.connect] * 3, *[self.accept] * 3, *[self.send] * 8, *[self.receive] * 8, self.peek, self.shut,
                 self.close, self.close, self.abrupt, self.refused, self.box, *[self.post] * 6, *[self.collect] * 5, self.choose,
                 self.pair, self.stop]
        for _ in range(self.chance.randint(3, 80)):
            with contextlib.suppress(OSError):      # whatever comes of it is in the recording
                self.chance.choice(moves)()

    # what can happen
    def listen(self):
        sock = self.timeline.socket()
        self.listeners.append(sock)
        sock.bind(LOCAL)
        sock.listen(self.chance.choice((0, 1, 8, 32)) if kernel.LINUX else 32)

    def connect(self):
        if listener := self.one(self.listeners):
            sock = self.timeline.socket()
            self.streams.append(sock)
            waiting, limit = kernel.backlog(listener) or (0, 1)
            PLAIN.setblocking(sock, waiting <= limit and self.chance.random() < .3)     # without room it would wait
            sock.connect_ex(PLAIN.getsockname(listener))
            self.at_once(sock)
            if kernel.state(sock) == "SYN_SENT":        # its SYN comes again after a second: by then there is no room either
                self.full.add(listener)
            self.ways[sock] = PLAIN.getsockname(sock), PLAIN.getsockname(listener)

    def accept(self):
        if listener := self.one(set(self.listeners) - self.full):
            PLAIN.setblocking(listener, False)
            self.streams.append(listener.accept()[0])
            self.at_once(self.streams[-1])

    def send(self):
        if sock := self.one(self.streams):
            self.chance.choice((sock.send, sock.sendall))(self.words())

    def receive(self):
        if sock := self.one(self.streams):
            PLAIN.setblocking(sock, False)
            sock.recv(self.chance.choice((1, 3, 10, 1000, 5000)))

    def peek(self):
        if sock := self.one(self.chance.choice((self.streams, self.datagrams))):
            PLAIN.setblocking(sock, False)
            sock.recv(self.chance.choice((1, 100)), socket.MSG_PEEK)

    def shut(self):
        if sock := self.one(self.streams):
            sock.shutdown(self.chance.choice((socket.SHUT_WR, socket.SHUT_WR, socket.SHUT_RD, socket.SHUT_RDWR)))

    def abrupt(self):
        if sock := self.one(self.streams):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)

    def close(self):
        if sock := self.one(self.chance.choice((self.streams, self.streams, self.datagrams))):
            sock.close()

    def stop(self):
        if self.chance.random() < .3 and (sock := self.one(set(self.listeners) - self.full)):
            sock.close()

    def refused(self):
        sock = self.timeline.socket()
        self.streams.append(sock)
        with PLAIN() as free:
            free.bind(LOCAL)
            sock.connect(free.getsockname())

    def pair(self):
        if hasattr(socket, "AF_UNIX"):
            self.streams += self.timeline.socketpair()

    def box(self, bound=False):
        sock = self.timeline.socket(type=socket.SOCK_DGRAM)
        PLAIN.setblocking(sock, False)
        self.datagrams.append(sock)
        if bound:
            sock.bind(LOCAL)

    def post(self):
        if sock := self.one(self.datagrams):
            _, to = self.chance.choice(self.datagrams).end          # as the recording knows it; a failed send() may bind too
            if to and self.chance.random() < .8:
                sock.sendto(self.words(), to)
            else:
                sock.send(self.words())             # where it is not connected, an error

    def choose(self):
        sock, other = self.one(self.datagrams), self.one(self.datagrams)
        if sock and other.end[1]:
            sock.connect(other.end[1])

    def collect(self):
        if sock := self.one(self.datagrams):
            self.chance.choice((sock.recvfrom, sock.recv))(self.chance.choice((4, 1000, 5000)))

    # of what there is
    def at_once(self, sock):
        """What is sent goes out at once (tcp(7), TCP_NODELAY); else a reset could overtake what waits for an ACK."""
        PLAIN.setsockopt(sock, socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def one(self, socks):
        alive = sorted((sock for sock in socks if sock.fileno() >= 0), key=lambda sock: sock.number)
        return self.chance.choice(alive) if alive else None

    def words(self):
        self.spoken += 1
        size = self.chance.choice((1, 2, 5, 20, 1500, self.chance.randint(0, 99)))
        return (b"%d " % self.spoken * size)[:size]

    def open_ones(self):
        return [sock for sock in (*self.streams, *self.listeners, *self.datagrams) if sock.fileno() >= 0]

    def end(self):
        for sock in self.open_ones():       # without a TIME_WAIT, of which there would be thousands
            if sock in self.streams:
                PLAIN.setsockopt(sock, socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
            PLAIN.close(sock)


def main():
    from netlab.replay.moments import steps_of
    talk = Talk(int(sys.argv[1]))
    for n, step in enumerate(steps_of(talk.timeline.story()), 1):
        print(f"{n:3} {step.says}")
        for scene in step.scenes:
            print("       ", scene)
    talk.end()


if __name__ == "__main__":
    main()
