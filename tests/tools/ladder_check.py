"""A judge of ladders that shares nothing with them: it reads frames by itself and compares times, addresses and bytes."""
from __future__ import annotations

import struct
from typing import NamedTuple


class Tcp(NamedTuple):
    """What a frame says, read by struct."""
    source: tuple
    destination: tuple
    seq: int
    ack: int
    flags: int
    data: bytes


def tcp_of(frame: bytes) -> Tcp | None:
    """The TCP segment in an Ethernet frame of IPv4 or of IPv6 without options."""
    kind = int.from_bytes(frame[12:14], "big")
    if kind == 0x0800 and frame[23] == 6:
        head, end = 14 + (frame[14] & 15) * 4, 14 + int.from_bytes(frame[16:18], "big")
        source, destination = frame[26:30], frame[30:34]
    elif kind == 0x86dd and frame[20] == 6:
        head, end, source, destination = 54, 54 + int.from_bytes(frame[18:20], "big"), frame[22:38], frame[38:54]
    else:
        return None
    ports, seq, ack, offset, flags = struct.unpack("!4sIIBB", frame[head:head + 14])
    return Tcp((source, ports[:2]), (destination, ports[2:]), seq, ack, flags, frame[head + (offset >> 4) * 4:end])


def contradictions(ladder, packets) -> list[str]:
    """Where the order of a ladder's rows is not the capture's or not that of cause: in sentences; [] where all is well."""
    return [*_of_order(ladder), *_of_bytes(ladder, packets)]


def _of_order(ladder):
    """Times at each end must not go back; what a row needed must stand above it."""
    wrong, last = [], {}
    for n, row in enumerate(ladder.rows):
        wrong += [f"row {n + 1} needs row {cause + 1}, which comes later" for cause in row.causes if cause >= n]
        if row.event:
            continue
        drawn, frames = row.drawn, row.drawn.journey.frames
        pure = (tcp := tcp_of(frames[0].data)) is not None and not tcp.data and tcp.flags == 0x10
        if row.kind != "arrival":
            wrong += _note(last, n, (drawn.side, "out"), frames[0].time)
            wrong += _note(last, n, (drawn.side, "all"), frames[0].time)
        if row.kind != "departure" and not drawn.lost:
            came = min(when for frame in frames if frame.receiver == frames[-1].receiver for when in frame.arrivals)
            wrong += _note(last, n, (drawn.to, "in"), came)
            if not pure:
                wrong += _note(last, n, (drawn.to, "all"), came)
    return wrong


def _note(last, n, where, when):
    before, last[where] = last.get(where, (0.0, 0)), (when, n + 1)
    return [f"row {n + 1} is earlier than row {before[1]} at {where}"] if before[0] > when and where[0] else []


def _of_bytes(ladder, packets):
    """Each byte: its call above all that carried it, one of these came, and the call that took it below that."""
    wrong, begins, clients = [], {}, []
    for packet in packets:
        tcp = tcp_of(packet.data)
        if tcp and tcp.flags & 2:
            begins.setdefault((tcp.source, tcp.destination), tcp.seq)
            if not tcp.flags & 16 and (tcp.source, tcp.destination) not in clients:     # a SYN without ACK is the client's
                clients.append((tcp.source, tcp.destination))
    for connection, way in enumerate(clients, 1):
        for side, (source, destination) in (("client", way), ("server", way[::-1])):
            carried, first = {}, begins.get((source, destination))
            for packet in packets:
                tcp = tcp_of(packet.data)
                if tcp and tcp.data and (tcp.source, tcp.destination) == (source, destination) and _is_first(packet, packets):
                    at = (tcp.seq - first) % 2**32
                    for n in range(at, at + len(tcp.data)):
                        carried.setdefault(n, []).append(packet.number)
            for n, numbers in carried.items():
                wrong += _of_byte(ladder, n, side, connection, numbers)
    return wrong


def _is_first(packet, packets):
    """Whether it comes from a host: no frame with the same content came to its sender before."""
    return not any(other.receiver == packet.sender and other.data[34:] == packet.data[34:] and other.number < packet.number
                   for other in packets)


def _of_byte(ladder, n, side, connection, numbers):
    sent, took, rows = ladder.sent(n, side, connection), ladder.took(n, side, connection), ladder.carried(n, side, connection)
    found = [row.drawn.journey.frames[0].number for row in rows]
    if sorted(found) != numbers:
        return [f"byte {n} of the {side} went in packets {numbers}, not {found}"]
    if sent is None:
        return [f"no call sent byte {n} of the {side}"]
    place = {id(row): at for at, row in enumerate(ladder.rows)}
    wrong = [f"byte {n} of the {side} left before it was sent"] * (place[id(sent)] > min(place[id(row)] for row in rows))
    came = [place[id(row)] for row in rows if not row.drawn.lost]
    if took is not None and not any(at < place[id(took)] for at in came):
        wrong.append(f"byte {n} of the {side} was taken before it came")
    if took is not None and took.event.data and sent.event.data:
        one, other = took.event.data[n - 1 - took.event.offset:][:1], sent.event.data[n - 1 - sent.event.offset:][:1]
        if one and other and one != other:
            wrong.append(f"byte {n} of the {side} is {one} for who took it, and {other} for who sent it")
    return wrong
