"""Conversations over a network of one's own, whose ladders are tested."""
from __future__ import annotations

import contextlib
import random
import socket
import threading

import netlab
from netlab.network import Network


def once(tail: bytes):
    """A function for a cable: it loses the first frame that ends so."""
    gone = []

    def through(frame):
        if frame.endswith(tail) and not gone:
            gone.append(frame)
            return None
        return frame
    return through


def pair(net, *, router=False, **cable):
    """alice, bob, and the cable between them, or that from a router to bob."""
    alice, bob = net.host("alice"), net.host("bob")
    if not router:
        return alice, bob, net.cable(alice, bob, **cable)
    middle = net.router("router")
    net.cable(alice, middle)
    far = net.cable(middle, bob, **cable)
    with alice.socket(type=socket.SOCK_DGRAM) as first, contextlib.suppress(ConnectionRefusedError):
        first.settimeout(5)             # a new cable may swallow the first answer to ARP, and a SYN is sent again after 1 s:
        first.connect((bob.address, 9))     # so a datagram goes ahead, until bob's kernel has answered it
        first.send(b"")
        first.recv(1)
    net.clear()
    return alice, bob, far


def connected(alice, bob, timeline, family=socket.AF_INET):
    """(listener, the client's socket, the connection)"""
    listener = bob.socket(family, timeline=timeline)
    listener.bind(("0.0.0.0" if family == socket.AF_INET else "::", 80))
    listener.listen()
    client = alice.socket(family, timeline=timeline)
    client.connect((bob.addresses[-1], 80))
    return listener, client, listener.accept()[0]


def one_and_two(through=None, router=False, ipv6=False):
    """alice sends "one", then "two"; bob reads after each. (packets, timeline)"""
    with Network(ipv6=ipv6) as net:
        alice, bob, _ = pair(net, through=through, router=router)
        timeline = netlab.Timeline()
        listener, client, conn = connected(alice, bob, timeline, socket.AF_INET6 if ipv6 else socket.AF_INET)
        with listener, conn, client:
            for message in (b"one", b"two"):
                client.sendall(message)
                conn.recv(9)
            client.close()
            conn.recv(9)
        return net.packets, timeline


def lost():
    """The first segment with "two" is lost."""
    return one_and_two(once(b"two"))


def echo(router=False):
    """Three messages, which bob's thread sends back in capitals."""
    with Network() as net:
        alice, bob, _ = pair(net, router=router)
        timeline = netlab.Timeline()
        listener = bob.socket(timeline=timeline)
        listener.bind(("0.0.0.0", 80))
        listener.listen()

        def serve():
            conn, _ = listener.accept()
            with conn:
                while data := conn.recv(1024):
                    conn.sendall(data.upper())

        thread = threading.Thread(target=serve)
        thread.start()
        with alice.socket(timeline=timeline) as client:
            client.connect((bob.address, 80))
            for message in (b"hello", b"how are you", b"bye"):
                client.sendall(message)
                client.recv(1024)
        thread.join()
        listener.close()
        return net.packets, timeline


def routed():
    """The same, with a router between."""
    return echo(router=True)


def refused():
    """Nobody listens."""
    with Network() as net:
        alice, bob, _ = pair(net)
        timeline = netlab.Timeline()
        with alice.socket(timeline=timeline) as client:
            with contextlib.suppress(ConnectionRefusedError):
                client.connect((bob.address, 81))
        return net.packets, timeline


def unreachable():
    """A datagram for a port that nobody has; the next call hears of it."""
    with Network() as net:
        alice, bob, _ = pair(net)
        timeline = netlab.Timeline()
        with alice.socket(type=socket.SOCK_DGRAM, timeline=timeline) as client:
            client.settimeout(5)
            client.connect((bob.address, 9))
            client.send(b"hello")
            with contextlib.suppress(ConnectionRefusedError):
                client.recv(99)
        return net.packets, timeline


def datagrams():
    """One goes there and back, one is lost, one is cut by a small recv."""
    with Network() as net:
        alice, bob, _ = pair(net, through=once(b"two"))
        timeline, kind = netlab.Timeline(), socket.SOCK_DGRAM
        with bob.socket(type=kind, timeline=timeline) as server, alice.socket(type=kind, timeline=timeline) as client:
            server.bind(("0.0.0.0", 53))
            client.sendto(b"one", (bob.address, 53))
            _, address = server.recvfrom(99)
            server.sendto(b"ONE", address)
            client.recvfrom(99)
            client.sendto(b"two", (bob.address, 53))
            client.sendto(b"three", (bob.address, 53))
            server.recvfrom(3)
        return net.packets, timeline


TURNS = {"lost": lost, "echo": echo, "routed": routed, "refused": refused, "unreachable": unreachable, "datagrams": datagrams}


def chance(seed, rounds=14):
    """Random sends and receives, both ways, in one thread, over a cable that loses some. (packets, timeline)"""
    dice = random.Random(seed)
    with Network() as net:
        alice, bob, cable = pair(net, router=dice.random() < .3, seed=seed)
        timeline = netlab.Timeline()
        with contextlib.suppress(OSError):      # from Linux 6.11 on: a kernel need not wait 200 ms before it sends again
            for host in (alice, bob):
                host.sysctl("net.ipv4.tcp_rto_min_us", 10_000)
        listener, client, conn = connected(alice, bob, timeline)
        cable.loss = dice.choice([0, .05, .15])
        ends, waiting = (client, conn), [0, 0]          # bytes sent to each and not received yet
        with listener, client, conn:
            for _ in range(rounds):
                who = dice.randrange(2)
                if waiting[who] and dice.random() < .5:
                    waiting[who] -= len(ends[who].recv(dice.choice([1, 3, 2000])))
                else:
                    data = dice.randbytes(dice.choice([1, 2, 5, 40, 1500]))
                    ends[who].sendall(data)
                    waiting[1 - who] += len(data)
            cable.loss = 0
            for who in (0, 1):
                while waiting[who]:
                    waiting[who] -= len(ends[who].recv(4000))
        return net.packets, timeline
