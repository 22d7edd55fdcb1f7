"""Journeys: what one host's kernel sent to another's, put together from the frames that carried it over cable after cable.

On each cable an IP packet is a frame of its own, with new hardware addresses and a Time to Live that is one less; all else
stays (RFC 1812, 5.2 and 5.3), and by that the frames of one packet are known.
"""
from collections import defaultdict
from dataclasses import dataclass, field

from netlab.network.packets import Packet
from netlab.network.segments import Segment, follow, ip_of


@dataclass
class Journey:
    """One packet from the kernel that sent it to the kernel that got it, or to where it was lost."""
    frames: list[Packet]                # on each cable one, in their order; more where it was doubled
    source: tuple[str, int]             # address and port; 0 where there are none
    destination: tuple[str, int]
    protocol: str                       # "TCP", "UDP", "ICMP", …
    segment: Segment | None = None
    quoted: tuple | None = None         # an ICMP error: source, destination and Identification of what it is about
    about: "Journey | None" = None      # and that, where it is known
    meaning: str = ""                   # of ICMP: "time exceeded"
    arrived: float | None = None        # when it came to the host that it was for
    copies: int = 0                     # how often it came there
    ended: str = ""                     # why it did not come, in words: "lost on the cable"
    at: str = ""                        # the node where it ended, if it was not on a cable
    changed: bool = False               # a function on a cable gave other bytes in its place
    fragments: dict = field(default_factory=dict)       # of IPv4, at the host that it was for: {first byte: (bytes, when)}
    whole: int = 0                      # bytes of all its fragments together; 0 where it was not split, or the last was not seen

    @property
    def departed(self) -> float:
        """When it entered its first cable."""
        return self.frames[0].time

    @property
    def sender(self) -> str:
        """The node that sent it."""
        return self.frames[0].sender

    @property
    def size(self) -> int:
        """How many bytes it carries for a program."""
        if self.protocol == "UDP" and "UDP" in self.frames[0]:
            return self.frames[0]["UDP"]["Length"] - 8          # also of a fragment the size of the whole
        return self.segment.length if self.segment else len(self.frames[0].payload)


def owners(packets) -> dict[str, str]:
    """{address: the node that has it}: the first frame with a source address comes from there; others pass it on.

    A Network's packets say it. Of others, an address that never speaks is a guess: the last node that got a frame for it,
    or else was to get one. Where a packet was lost half way, that is a router.
    """
    found, towards, meant = {}, {}, {}
    for packet in packets:
        if "ARP" in packet:
            found.setdefault(packet["ARP"]["Sender Protocol Address"], packet.sender)
        elif "IP" in packet:
            ip = ip_of(packet)
            found.setdefault(ip["Source Address"], packet.sender)
            if not _of_neighbours(packet):
                (towards if packet.arrivals else meant)[ip["Destination Address"]] = packet.receiver
    return {**meant, **towards, **found, **getattr(packets, "owners", {})}


def journeys(packets) -> list[Journey]:
    """The journeys of all that IP carried in `packets`, in the order in which they began.

    Messages between neighbours about their addresses (ARP, and ICMPv6 of RFC 4861) are none.
    """
    segments = {id(each.packet): each for each in follow(packets)}
    belongs, several = owners(packets), len({packet.cable for packet in packets}) > 1
    found, waiting, stopped = [], defaultdict(list), {}     # waiting: content and node -> journeys that came so far
    known = {}                                              # source, destination, Identification -> the journey that has it
    for packet in packets:
        if "IP" not in packet or _of_neighbours(packet):
            continue
        if (part := _fragment(packet)) and part[0] in known:
            _join(known[part[0]], packet, part, belongs)
            continue
        content, journey = identity(packet), None
        came = waiting[content, packet.sender]
        if came and belongs.get(ip_of(packet)["Source Address"]) != packet.sender:
            journey = came.pop(0)
            journey.frames.append(packet)
        else:
            journey = _begin(packet, segments.get(id(packet)))
            found.append(journey)
            known[content[:3]] = journey
            if part:
                _join(journey, packet, part, belongs)
                continue
        for frame, when in _came_out(packet):
            late = stopped.pop(frame, None) if frame != packet.data else None      # a function had kept it until now
            journey.changed |= late is None and frame != packet.data
            _arrive(late or journey, when, packet.receiver, belongs, waiting, frame)
        if packet.fate == "stopped" or (packet.became and packet.data not in packet.became):
            stopped[packet.data] = journey
    for n, journey in enumerate(found):
        if journey.quoted:
            journey.about = about = _about(journey, found[:n])
            if about and journey.source[0] != about.destination[0]:
                about.arrived = None    # a node between says that it could not pass it on
    for journey in found:
        if journey.whole and sum(size for size, _ in journey.fragments.values()) >= journey.whole:
            journey.arrived, journey.copies = max(when for _, when in journey.fragments.values()), 1
        if journey.arrived is None:
            _say_why(journey, several)
    return found


def _begin(packet, segment):
    ip, ports, protocol = ip_of(packet), (0, 0), next((name for name in ("TCP", "UDP", "ICMP", "ICMPv6") if name in packet), "IP")
    if protocol in ("TCP", "UDP"):
        ports = packet[protocol]["Source Port"], packet[protocol]["Destination Port"]
    journey = Journey([packet], (ip["Source Address"], ports[0]), (ip["Destination Address"], ports[1]), protocol, segment)
    if protocol.startswith("ICMP"):
        journey.meaning, journey.quoted = _icmp(packet[protocol]), _quoted(packet)
    return journey


def _fragment(packet):
    """Of a piece of an IPv4 packet that was split: (what the pieces have in common, first byte, bytes, is it the last?)."""
    ip = packet["IPv4"] if "IPv4" in packet else None
    if ip is None or not (ip["Fragment Offset"] or "MF" in ip["Flags"]):
        return None
    common = ip["Source Address"], ip["Destination Address"], ip["Identification"]
    return common, 8 * ip["Fragment Offset"], ip["Total Length"] - 4 * ip["IHL"], "MF" not in ip["Flags"]


def _join(journey, packet, part, belongs):
    """A fragment goes on with the journey of the whole, which has come when all its bytes have."""
    _, first, size, last = part
    if packet is not journey.frames[0]:
        journey.frames.append(packet)
    if last:
        journey.whole = first + size
    if packet.arrivals and belongs.get(journey.destination[0]) == packet.receiver:
        journey.fragments[first] = size, packet.arrivals[0]


def _came_out(packet):
    """[(frame, when)] at the far end of the cable."""
    if not packet.became:
        return [(packet.data, when) for when in packet.arrivals]
    return list(zip(packet.became, packet.arrivals))


def _arrive(journey, when, node, belongs, waiting, frame):
    if belongs.get(journey.destination[0]) == node:
        journey.copies += 1
        journey.arrived = when if journey.arrived is None else min(when, journey.arrived)
    else:
        waiting[identity(Packet(0, when, "", "", "", frame)), node].append(journey)


def _say_why(journey, several):
    last = next((frame for frame in journey.frames if not frame.arrivals), journey.frames[-1])
    cable = last.cable if several and last.cable else "the cable"
    if last.arrivals:
        journey.ended = f"ended at {last.receiver}"
        journey.at = last.receiver
        return
    journey.ended = {"cut": f"{cable} is cut", "on its way": "still on its way"}.get(last.fate, f"lost on {cable}")


def identity(packet) -> tuple:
    """What is the same on every cable: addresses, the Identification of IPv4, and all that IP carries."""
    if "IP" not in packet:
        return (packet.data,)
    ip = ip_of(packet)
    end = next((layer.start for layer in packet.layers if layer.name == "padding"), len(packet.data))
    return (ip["Source Address"], ip["Destination Address"], _number(ip),
            ip["Fragment Offset"] if "Fragment Offset" in ip else 0, packet.data[ip.end:end])


def _number(ip):
    return ip["Identification"] if "Identification" in ip else 0


def _icmp(layer):
    """What a message of ICMP says, in its RFC's words: "port unreachable", "time exceeded"."""
    kind, code = (next((f.meaning for f in layer.fields if f.name == name), "") for name in ("Type", "Code"))
    said = (code if "unreach" in kind.lower() and code else kind or f"type {layer['Type']}").replace("-", " ").lower()
    return said if "unreachable" not in kind.lower() or "unreach" in said else f"{said} unreachable"


def _quoted(packet):
    """(source, destination, ports, Identification) of the packet that an ICMP error quotes; None where it quotes none."""
    layers = {layer.name.partition(" ")[0]: layer for layer in packet.layers if layer.name.endswith("(quoted)")}
    ip = layers.get("IPv4") or layers.get("IPv6")
    if ip is None:
        return None
    inner = layers.get("UDP") or layers.get("TCP")
    ports = (inner["Source Port"], inner["Destination Port"]) if inner and "Destination Port" in inner else (0, 0)
    return ((ip["Source Address"], ports[0]), (ip["Destination Address"], ports[1]),
            _number(ip))


def _about(error, before):
    """The journey of the packet that an ICMP error quotes; IPv6 does not number packets: there each error is about the next."""
    source, destination, number = error.quoted
    told = {id(each.about) for each in before}
    return next((each for each in before if (each.source, each.destination) == (source, destination)
                 and _number(ip_of(each.frames[0])) == number and id(each) not in told), None)


def _of_neighbours(packet):
    """Solicitations, advertisements and group reports (RFC 4861, 3810): they go no further than the cable."""
    return "ICMPv6" in packet and packet["ICMPv6"]["Type"] in (130, 131, 132, 133, 134, 135, 136, 137, 143)
