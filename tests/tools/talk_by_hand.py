"""A capture and a recording that were made by hand: no network is needed."""
import threading
from dataclasses import replace

from netlab.events import ADDRESS, DATA, Endpoint, Event
from netlab.network import Packet, Packets
from netlab.network.ladder import climb

A, B = ("10.0.1.1", 40000), ("10.0.1.2", 80)


class Talk:
    """A capture and a recording, made by hand."""

    def __init__(self):
        self.packets, self.events, self.clock = [], [], 0
        self.main, self.other = threading.current_thread(), threading.Thread(name="server")
        self.ends = [Endpoint(0, "stream", side="client"), Endpoint(1, "stream", side="server"),
                     Endpoint(2, "stream", parent=1, side="server")]

    def tick(self):
        self.clock += 1
        return float(self.clock)

    def segment(self, forward, flags, seq, ack=0, data=b"", fate="arrived", arrivals=None):
        from scapy.layers.inet import IP, TCP
        from scapy.layers.l2 import Ether
        (src, sport), (dst, dport) = (A, B) if forward else (B, A)
        first, other = (1000, 2**32 - 2) if forward else (2**32 - 2, 1000)       # bob's numbers begin again after two
        frame = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=src, dst=dst, id=self.clock + 1)
                      / TCP(sport=sport, dport=dport, flags=flags, seq=(first + seq) % 2**32, ack=(other + ack) % 2**32) / data)
        names = ("alice", "bob") if forward else ("bob", "alice")
        when = self.tick()
        arrivals = (when + .5,) if arrivals is None and fate in ("arrived", "changed") else arrivals or ()
        self.packets.append(Packet(len(self.packets) + 1, when, "alice-bob", *names, frame, fate, arrivals))
        return self.packets[-1]

    def datagram(self, data):
        from scapy.layers.inet import IP, UDP
        from scapy.layers.l2 import Ether
        frame = bytes(Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02") / IP(src=A[0], dst=B[0], id=self.clock + 1)
                      / UDP(sport=A[1], dport=B[1]) / data)
        self.packets.append(Packet(len(self.packets) + 1, when := self.tick(), "alice-bob", "alice", "bob", frame, "arrived",
                                   (when + .5,)))

    def call(self, socket, method, *args, thread=None, **more):
        thread = thread or (self.main if socket == 0 else self.other)
        self.events.append(Event(len(self.events), socket, thread, method, args, **{"local": A if socket == 0 else None, **more}))

    def open(self):
        self.call(1, "listen")
        self.call(0, "connect", ADDRESS, address=B)
        self.segment(True, "S", 0)
        self.segment(False, "SA", 0, 1)
        self.segment(True, "A", 1, 1)
        self.call(1, "accept", made=2, address=A)

    def ladder(self, **more):
        return climb(Packets(self.packets), self.events, self.ends, **more)


def datagrams(*messages, overtaken=True):
    """Some that alice sends to bob, where a thread waits; all others overtake the first."""
    talk = Talk()
    talk.ends = [Endpoint(0, "datagram", side="client"), Endpoint(1, "datagram", side="server")]
    talk.call(1, "bind", ADDRESS, thread=talk.main, address=B, local=B)
    for data in messages:
        talk.call(0, "sendto", DATA, ADDRESS, data=data[:1024], size=len(data), address=B)
        talk.datagram(data)
    if overtaken:
        talk.packets[0] = replace(talk.packets[0], arrivals=(90.0,))
    for data in (*messages[overtaken:], *messages[:overtaken]):
        talk.call(1, "recvfrom", 2048, data=data[:1024], size=len(data), address=A, local=B)
    return talk
