"""Segments: what TCP says in a row of packets, with numbers that are the same in each run.

Sequence numbers begin anywhere (RFC 9293, 3.4.1), and are counted here from each connection's first SYN, as tcpdump does:
the SYN is 0, the first byte 1. They live in 32 bits, and after 2**32 - 1 comes 0.
"""
from dataclasses import dataclass, field

from netlab.words import bytes_of


@dataclass(frozen=True)
class Segment:
    """One TCP segment: a packet, its connection, and its numbers from the beginning of that."""
    packet: object                      # its netlab.network.packets.Packet
    connection: int                     # 1, 2, … in the order of their first packets
    source: tuple[str, int]             # address and port
    destination: tuple[str, int]
    forward: bool                       # True: from the end that sent the first SYN, the client
    flags: tuple[str, ...]              # as RFC 9293 lists them: "SYN", "ACK", …
    seq: int                            # of its first byte, or of its SYN or FIN
    ack: int | None                     # the next byte that its sender waits for; None without ACK
    length: int                         # bytes of data
    window: int                         # as it stands in the header, not scaled

    @property
    def end(self) -> int:
        """The sequence number after it: SYN and FIN count as a byte each."""
        return self.seq + self.length + ("SYN" in self.flags) + ("FIN" in self.flags)

    @property
    def text(self) -> str:
        """"SYN ACK, seq 0, ack 1, 0 bytes"."""
        ack = "" if self.ack is None else f", ack {self.ack}"
        return f"{' '.join(self.flags) or 'no flag'}, seq {self.seq}{ack}, {bytes_of(self.length)}"


@dataclass
class _Connection:
    """What is known of one connection: which end is the client, and where the numbers of each end begin."""
    number: int
    client: tuple[str, int]
    first: dict = field(default_factory=dict)       # end: the number of its SYN


def follow(packets) -> list[Segment]:
    """The TCP segments of `packets`, in their order. A SYN with another number than before begins a new connection.

    The same segment may pass several cables: it belongs to the same connection on each. Where a recording has no SYN, the
    first byte that it has is counted as 1.
    """
    known, now, found = {}, {}, []      # pair of ends: its connections; with a cable: which of them that carries now
    total = 0
    for packet in packets:
        if "TCP" not in packet:
            continue
        tcp, ip = packet["TCP"], ip_of(packet)
        source, destination = (ip["Source Address"], tcp["Source Port"]), (ip["Destination Address"], tcp["Destination Port"])
        flags, number, wanted = tcp["Control Bits"], tcp["Sequence Number"], tcp["Acknowledgment Number"]
        pair = frozenset((source, destination))
        those, here = known.setdefault(pair, []), (pair, packet.cable)
        connection = now.get(here) or (those[-1] if those else None)
        if "SYN" in flags and connection and connection.first.get(source, number) != number:
            connection = next((each for each in those if each.first.get(source) == number), None)   # on another cable before
        if connection is None:
            total += 1
            connection = _Connection(total, _client(source, destination, flags))
            those.append(connection)
        now[here] = connection
        first = connection.first
        if "SYN" in flags:
            first.setdefault(source, number)
        elif source not in first and "RST" in flags and "ACK" in flags and number == 0:
            first[source] = 0           # nobody listens: that end never chose a number
        first.setdefault(source, (number - 1) % 2**32)
        if "ACK" in flags:
            first.setdefault(destination, (wanted - 1) % 2**32)
        found.append(Segment(
            packet, connection.number, source, destination, source == connection.client, flags,
            (number - first[source]) % 2**32, (wanted - first[destination]) % 2**32 if "ACK" in flags else None,
            len(packet.payload), tcp["Window"]))
    return found


def ip_of(packet):
    """The Layer of IP that carries what the packet is about: of a tunnel's two the inner one."""
    return [layer for layer in packet.layers if layer.name in ("IPv4", "IPv6")][-1]


def _client(source, destination, flags):
    """The end that connects: the SYN is its own; without one, its port is the higher, as a kernel chose it."""
    if "SYN" in flags:
        return destination if "ACK" in flags else source
    return source if source[1] > destination[1] else destination
