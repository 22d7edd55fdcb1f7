"""Packet: one frame that entered a cable, and what became of it. Packets: what passed, in order, as a table and as a file."""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike

from markupsafe import Markup

from netlab.network import captures
from netlab.network.layers import PROTOCOLS, Field, Layer, take_apart
from netlab.network.segments import follow, ip_of
from netlab.style import FRAME, tag
from netlab.words import bytes_of, number_of

__all__ = ["Field", "Layer", "Packet", "Packets", "load"]

EPHEMERAL = range(32768, 65536)         # ports that a kernel chooses: other ones in each run, so they have no number here
ROWS = 40                               # of a table in a cell; what is more is told as a number
_NAMES = ("Ethernet", "ARP", "IPv4", "IPv6", "IP", "TCP", "UDP", "ICMP", "ICMPv6", "data")


@dataclass(frozen=True)
class Packet:
    """One Ethernet frame as it entered a cable, and what became of it there; in a cell it shows its layers (RFC 1122, 1.1.3)."""
    number: int                         # 1, 2, … in the order in which they entered a cable
    time: float                         # seconds, when it entered
    cable: str                          # the cable's name, "alice-router"; "": not known
    sender: str                         # the node at the end where it entered; "": not known
    receiver: str                       # the node at the other end
    data: bytes                         # the whole frame
    fate: str = "arrived"               # in plain words: "lost", "arrived twice", "held back", "cut", "changed", …
    arrivals: tuple[float, ...] = ()    # when it came out
    became: tuple[bytes, ...] = ()      # what went on in its place, where a function on the cable changed it

    @cached_property
    def layers(self) -> tuple[Layer, ...]:
        """Its headers and what they carry, from the outside in; the bytes of all layers are those of the frame."""
        return take_apart(self.data)

    def __getitem__(self, name: str) -> Layer:
        """The first layer of that name: "IPv4", "TCP", "data"; "IP" is either version. Raises KeyError."""
        for layer in self.layers:
            if name in _names(layer):
                return layer
        raise KeyError(f"packet {self.number} has no layer {name!r}, but {', '.join(layer.name for layer in self.layers)}")

    def __contains__(self, name) -> bool:
        return any(name in _names(layer) for layer in self.layers)

    @property
    def payload(self) -> bytes:
        """The bytes that TCP, UDP or an echo of ICMP carries; b"" where there is none. Padding of Ethernet is no payload."""
        for layer, after in zip(self.layers, self.layers[1:]):
            if layer.name in ("TCP", "UDP", "ICMP", "ICMPv6") and after.name == "data":
                return self.data[after.start:after.end]
        return b""

    @property
    def summary(self) -> str:
        """One line without a number that differs from run to run: "TCP 10.0.1.2:port > 10.0.2.2:80 SYN, 0 bytes"."""
        return _summary(self)

    def __repr__(self) -> str:
        return f"<Packet {self.number}: {self.summary}>"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        from netlab.network.one_packet import one_packet
        return one_packet(self)._repr_mimebundle_()


class Packets(Sequence):
    """What passed, in the order in which it entered a cable; never changes. A slice and each filter are Packets again.

    `owners` is {address: name of its host}, where a network says so; a capture in a file does not.
    """

    def __init__(self, packets=(), owners: dict[str, str] | None = None):
        self._all, self.owners = tuple(packets), owners or {}
        for each in self._all:
            if not isinstance(each, Packet):
                raise TypeError(f"Packets holds Packet objects, not {type(each).__name__}")

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, index):
        return Packets(self._all[index], self.owners) if isinstance(index, slice) else self._all[index]

    def __eq__(self, other) -> bool:
        return self._all == other._all if isinstance(other, Packets) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._all)

    def where(self, test: Callable[[Packet], bool]) -> "Packets":
        """Those for which `test(packet)` is true."""
        return Packets(filter(test, self._all), self.owners)

    def on(self, cable: str) -> "Packets":
        """Those on the cable of that name; a cable of a Network will do as well."""
        name = getattr(cable, "name", cable)
        return self.where(lambda packet: packet.cable == name)

    def of(self, layer: str) -> "Packets":
        """Those that have a layer of that name: "TCP", "ARP", "IP" for both versions. Raises ValueError."""
        if layer not in _NAMES and not any(layer in packet for packet in self):
            raise ValueError(f"no packet has a layer {layer!r}: layers are {', '.join(_NAMES)}")
        return self.where(lambda packet: layer in packet)

    def rows(self) -> list[tuple[str, str, str, str, str]]:
        """(number, sender, receiver, what it says, fate if not "arrived"); numbers of TCP count from the first SYN."""
        parts = {id(each.packet): each for each in follow(self)}
        return [(str(packet.number), packet.sender or "?", packet.receiver or "?", _summary(packet, parts.get(id(packet))),
                 "" if packet.fate == "arrived" else packet.fate) for packet in self]

    def text(self) -> str:
        """A table without times, hardware addresses and ports that a kernel chose: the same for each run that did the same."""
        rows = self.rows()
        if not rows:
            return "no packets"
        wide = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(f"{number:>{wide[0]}}  {sender:<{wide[1]}} > {receiver:<{wide[2]}}  {what:<{wide[3]}}  {fate}".rstrip()
                         for number, sender, receiver, what, fate in rows)

    def save(self, path: str | PathLike) -> None:
        """Write a capture (pcapng) that Wireshark reads, with each cable as an interface. Raises OSError."""
        captures.save(self, path)

    @classmethod
    def load(cls, path: str | PathLike) -> "Packets":
        """The packets of a capture: one of ours with all that is known, or any .pcap or .pcapng of Ethernet.

        Raises FileNotFoundError and ValueError.
        """
        return cls(Packet(**each) for each in captures.load(path))

    def __repr__(self) -> str:
        return self.text()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": str(_table(self)), "text/plain": self.text()}


def load(path: str | PathLike) -> Packets:
    """The packets of a capture file: Packets.load."""
    return Packets.load(path)


def _names(layer):
    return (layer.name, "IP") if layer.name in ("IPv4", "IPv6") else (layer.name,)


def place(address: str, port: int) -> str:
    """"10.0.2.2:80", "[::1]:80"; "10.0.1.2:port" where a kernel chose the port."""
    shown = f"[{host(address)}]" if ":" in address else address
    return f"{shown}:{'port' if port in EPHEMERAL else port}"


def host(address: str) -> str:
    """An address as text; of one that is made from a hardware address or by chance only what is always the same."""
    begin, _, end = address.rpartition(":")
    if address.startswith("fe80:") and len(address) > len("fe80::ffff"):
        return "fe80::…"
    return f"{begin}:…" if begin.startswith("ff02::1:ff") and len(end) > 2 else address


def _summary(packet, segment=None):
    """A line about the packet; `segment` has the numbers of TCP."""
    if "ARP" in packet:
        arp = packet["ARP"]
        asked, teller = arp["Target Protocol Address"], arp["Sender Protocol Address"]
        return f"ARP who has {asked}? tell {teller}" if arp["Opcode"] == 1 else f"ARP {teller} is here"
    if "IP" not in packet:
        return f"{packet.layers[0].name if packet.layers else 'data'}, {bytes_of(len(packet.data))}"
    ip, layers = ip_of(packet), [layer.name for layer in packet.layers]
    source, destination = ip["Source Address"], ip["Destination Address"]
    size = bytes_of(len(packet.payload))
    if "TCP" in layers or "UDP" in layers:
        name = "TCP" if "TCP" in layers else "UDP"
        inner = packet[name]
        line = f"{name} {place(source, inner['Source Port'])} > {place(destination, inner['Destination Port'])}"
        said = segment.text if segment else f"{' '.join(inner['Control Bits'])}, {size}" if name == "TCP" else size
        line += f" {said}" if name == "TCP" else f", {said}"
    elif "ICMP" in layers or "ICMPv6" in layers:
        icmp = packet["ICMP" if "ICMP" in layers else "ICMPv6"]
        kind, code = (next((field.meaning for field in icmp.fields if field.name == name), "") for name in ("Type", "Code"))
        line = f"{icmp.name} {host(source)} > {host(destination)} {kind or icmp['Type']}{f', {code}' if code else ''}"
        if "Target Address" in icmp:
            line += f" {host(icmp['Target Address'])}"
        elif "Identifier" in icmp and "Sequence Number" in icmp:
            line += f" {icmp['Sequence Number']}, {size}"
    else:
        last = [layer for layer in packet.layers if "Protocol" in layer or "Next Header" in layer][-1]
        number = last["Protocol" if "Protocol" in last else "Next Header"]
        line = f"{PROTOCOLS.get(number, f'protocol {number}')} {host(source)} > {host(destination)}"
    return line + _fragment(packet)


def _fragment(packet):
    """Which part of a packet this is, where it is one."""
    part = packet["IPv6 Fragment"] if "IPv6 Fragment" in packet else ip_of(packet)
    at = 8 * part["Fragment Offset"] if "Fragment Offset" in part else 0
    more = part["M flag"] if "M flag" in part else "MF" in part["Flags"] if "Flags" in part else False
    return f", fragment from byte {at:,}{'' if more else ', the last'}" if at or more else ""


def _table(packets):
    """The same table as HTML, whose look is in its elements: pages take style sheets away."""
    rows, cell = packets.rows(), "padding:2px 10px 2px 0;text-align:left;vertical-align:top;border:0;"
    mono = "font-family:var(--jp-code-font-family,Menlo,Consolas,monospace);"
    soft = "color:var(--jp-content-font-color2,#5b6470);"
    bad = "color:#b3261e;color:light-dark(#b3261e,#ff8a80);"
    head = tag("tr", *(tag("th", words, scope="col", style=cell + soft + "font-weight:600")
                       for words in ("", "from", "to", "what", "")))
    body = [tag("tr", tag("td", number, style=cell + "text-align:right"), tag("td", sender, style=cell),
                tag("td", receiver, style=cell), tag("td", what, style=cell + mono), tag("td", fate, style=cell + bad))
            for number, sender, receiver, what, fate in rows[:ROWS]]
    more = tag("p", f"… and {number_of(len(rows) - ROWS, 'more packet')}: the first {ROWS} are shown.",
               style=soft + "margin:6px 0 0") if len(rows) > ROWS else Markup("")
    inside = tag("table", tag("thead", head), tag("tbody", *body),
                 style="border-collapse:collapse;border:0;margin:0;font-size:13px") if rows else tag("span", "no packets")
    return tag("div", inside, more, style=FRAME + "overflow-x:auto;color:var(--jp-content-font-color1,inherit)")
