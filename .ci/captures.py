"""Record the captures that the chapters read: real TCP/IP, between hosts made for it (Linux).

    python .ci/captures.py [name ...]     record all (or these) into notebooks/captures/, as Wireshark reads them

Each function below is one recording. Run again, it gives the same packets, with other ports, numbers and times; only in
closed_window timers decide how many there are.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path

from netlab import kernel
from netlab.network import Network

FOLDER = Path(__file__).resolve().parent.parent / "notebooks" / "captures"


@contextlib.contextmanager
def hosts(ipv6=False, router=False, **cable):
    """(network, alice, bob): on one cable, or with a router between."""
    with Network(ipv6=ipv6) as net:
        alice, bob = net.host("alice"), net.host("bob")
        if router:
            middle = net.router("router")
            net.cable(alice, middle, **cable)
            net.cable(bob, middle, **cable)
        else:
            net.cable(alice, bob, **cable)
        yield net, alice, bob


@contextlib.contextmanager
def conversation(alice, bob, address=None, **options):
    """(client, connection): alice has connected to bob's port 80, and both ends are closed one after the other."""
    address = address or bob.address
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with bob.socket(family) as listener, alice.socket(family) as client:
        for option, value in options.items():
            listener.setsockopt(socket.SOL_SOCKET, getattr(socket, option), value)
        listener.bind((address, 80))
        listener.listen()
        client.connect((address, 80))
        connection, _ = listener.accept()
        with connection:
            yield client, connection
            client.shutdown(socket.SHUT_WR)
            while connection.recv(1 << 20):
                pass
            connection.close()
            assert client.recv(1) == b""


def talk(net, client, connection):
    """A question and its answer; nothing is on its way when the next step begins."""
    net.still()
    client.sendall(b"hello, bob")
    question = connection.recv(100)
    net.still()
    connection.sendall(question.upper())
    assert client.recv(100) == b"HELLO, BOB"
    net.still()


def ipv4_conversation():
    """A question and its answer by TCP over IPv4, with a router between; ARP first."""
    with hosts(router=True) as (net, alice, bob):
        with conversation(alice, bob) as (client, connection):
            talk(net, client, connection)
        return net.packets


def ipv6_conversation():
    """The same over IPv6; Neighbour Discovery first."""
    with hosts(ipv6=True, router=True) as (net, alice, bob):
        with conversation(alice, bob, bob.addresses[1]) as (client, connection):
            talk(net, client, connection)
        return net.packets


def refused():
    """A connection to a port where nobody listens."""
    with hosts() as (net, alice, bob):
        with alice.socket() as client, contextlib.suppress(ConnectionRefusedError):
            client.connect((bob.address, 81))
        return net.packets


def udp_unreachable():
    """A datagram that somebody takes, and one to a port where nobody does."""
    with hosts() as (net, alice, bob):
        with (alice.socket(type=socket.SOCK_DGRAM) as sender, bob.socket(type=socket.SOCK_DGRAM) as receiver):
            receiver.bind((bob.address, 7))
            sender.sendto(b"is anybody there?", (bob.address, 7))
            receiver.recv(100)
            sender.connect((bob.address, 9))
            sender.send(b"and there?")
            sender.settimeout(5)
            with contextlib.suppress(ConnectionRefusedError):
                sender.recv(100)
        return net.packets


def nagle(no_delay=False):
    """Ten sendall() of ten bytes each, over a way that takes 10 ms: Nagle's algorithm (RFC 1122, 4.2.3.4) waits for the ACK."""
    with hosts(delay=.01) as (net, alice, bob):
        with conversation(alice, bob) as (client, connection):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, no_delay)
            for n in range(10):
                client.sendall(b"message %d;" % n)
            net.still()                 # a program that reads meanwhile changes when its kernel sends an ACK
            with connection.makefile("rb") as stream:
                stream.read(100)
        return net.packets


def no_delay():
    """The same with TCP_NODELAY."""
    return nagle(True)


def retransmission():
    """Three messages; the first segment with "two" is lost, and TCP sends it again."""
    lost = []

    def lose_two(frame):
        if frame.endswith(b"two") and not lost:
            lost.append(frame)
            return None
        return frame

    with hosts(through=lose_two) as (net, alice, bob):
        with conversation(alice, bob) as (client, connection):
            for word in (b"one", b"two", b"three"):
                client.sendall(word)
                assert connection.recv(9) == word
        return net.packets


def closed_window():
    """A receiver that does not read: its window closes, the sender asks again and again, then it reads and the window opens."""
    def closed():
        """How often bob has said that his window is closed: to what filled it, then to each probe (RFC 9293, 3.8.6.1)."""
        return sum(p.sender == "bob" and p["TCP"]["Window"] == 0 for p in net.packets_now().of("TCP"))

    with hosts() as (net, alice, bob):
        with conversation(alice, bob, SO_RCVBUF=4000) as (client, connection):
            client.sendall(bytes(6000))
            kernel.wait_until(lambda: closed() >= 3, 5)
            with connection.makefile("rb") as stream:
                stream.read(6000)
            net.still()
        return net.packets


def fragments():
    """A datagram of 3,000 bytes over a cable that takes 1,500: IP takes it apart."""
    with hosts() as (net, alice, bob):
        with (alice.socket(type=socket.SOCK_DGRAM) as sender, bob.socket(type=socket.SOCK_DGRAM) as receiver):
            receiver.bind((bob.address, 7))
            sender.sendto(bytes(range(250)) * 12, (bob.address, 7))
            assert len(receiver.recv(5000)) == 3000
        return net.packets


def arp():
    """Who has this address? One that is there, and one that is not."""
    with hosts() as (net, alice, bob):
        alice.sysctl("net.ipv4.neigh.eth0.retrans_time_ms", 50)
        with alice.socket(type=socket.SOCK_DGRAM) as sender:
            sender.sendto(b"hello", (bob.address, 7))
            net.still()
        with alice.socket() as client, contextlib.suppress(OSError):
            client.connect(("10.0.1.77", 80))
        return net.packets


def ttl_exceeded():
    """Three datagrams with a TTL of 1, 2 and 3 over two routers: traceroute."""
    with Network() as net:
        alice, bob = net.host("alice"), net.host("bob")
        west, east = net.router("west"), net.router("east")
        for one, other in ((alice, west), (west, east), (east, bob)):
            net.cable(one, other)
        with (alice.socket(type=socket.SOCK_DGRAM) as sender,
              alice.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as answers):
            answers.settimeout(5)
            for ttl in (1, 2, 3):
                sender.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
                sender.sendto(b"how far?", (bob.address, 33434))
                answers.recv(1000)
        return net.packets


RECORDINGS = {make.__name__: make for make in (
    ipv4_conversation, ipv6_conversation, refused, udp_unreachable, nagle, no_delay, retransmission, closed_window, fragments,
    arp, ttl_exceeded)}


def main(names):
    for name in names or RECORDINGS:
        packets = RECORDINGS[name]()
        FOLDER.mkdir(exist_ok=True)
        packets.save(FOLDER / f"{name}.pcapng")
        print(f"{name}.pcapng: {len(packets)} packets")


if __name__ == "__main__":
    main(sys.argv[1:])
