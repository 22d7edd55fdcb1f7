"""The layers of a packet and their fields: taken apart by Scapy, named as the RFCs name them.

Scapy knows where each field stands and what it says. Here is only how it is called, by header: Ethernet (IEEE 802.3),
ARP (RFC 826), IPv4 (RFC 791), IPv6 (RFC 8200), TCP (RFC 9293; its ninth control bit, AE, RFC 9768), UDP (RFC 768),
ICMP (RFC 792, 1191, 4884) and ICMPv6 (RFC 4443, 4861).
"""
from dataclasses import dataclass

from netlab.words import show_bytes

_ND = {"type": "Type", "code": "Code", "cksum": "Checksum"}
_ICMPV6_ERROR = {**_ND, "length": "Length", "unused": "Unused"}
_OPTIONS6 = {"nh": "Next Header", "len": "Hdr Ext Len", "options": "Options"}
_HEADERS = {    # Scapy's name of a header: ours, and the names of its fields. A field without a name is what it carries.
    "Ether": ("Ethernet", {"dst": "Destination", "src": "Source", "type": "EtherType"}),
    "ARP": ("ARP", {
        "hwtype": "Hardware Address Space", "ptype": "Protocol Address Space", "hwlen": "Hardware Address Length",
        "plen": "Protocol Address Length", "op": "Opcode", "hwsrc": "Sender Hardware Address",
        "psrc": "Sender Protocol Address", "hwdst": "Target Hardware Address", "pdst": "Target Protocol Address"}),
    "IP": ("IPv4", {
        "version": "Version", "ihl": "IHL", "tos": "Type of Service", "len": "Total Length", "id": "Identification",
        "flags": "Flags", "frag": "Fragment Offset", "ttl": "Time to Live", "proto": "Protocol",
        "chksum": "Header Checksum", "src": "Source Address", "dst": "Destination Address", "options": "Options"}),
    "IPv6": ("IPv6", {
        "version": "Version", "tc": "Traffic Class", "fl": "Flow Label", "plen": "Payload Length", "nh": "Next Header",
        "hlim": "Hop Limit", "src": "Source Address", "dst": "Destination Address"}),
    "IPv6ExtHdrHopByHop": ("IPv6 Hop-by-Hop Options", _OPTIONS6),
    "IPv6ExtHdrDestOpt": ("IPv6 Destination Options", _OPTIONS6),
    "IPv6ExtHdrFragment": ("IPv6 Fragment", {
        "nh": "Next Header", "res1": "Reserved", "offset": "Fragment Offset", "res2": "Res", "m": "M flag",
        "id": "Identification"}),
    "TCP": ("TCP", {
        "sport": "Source Port", "dport": "Destination Port", "seq": "Sequence Number", "ack": "Acknowledgment Number",
        "dataofs": "Data Offset", "reserved": "Reserved", "flags": "Control Bits", "window": "Window",
        "chksum": "Checksum", "urgptr": "Urgent Pointer", "options": "Options"}),
    "UDP": ("UDP", {"sport": "Source Port", "dport": "Destination Port", "len": "Length", "chksum": "Checksum"}),
    "ICMP": ("ICMP", {
        "type": "Type", "code": "Code", "chksum": "Checksum", "id": "Identifier", "seq": "Sequence Number",
        "ts_ori": "Originate Timestamp", "ts_rx": "Receive Timestamp", "ts_tx": "Transmit Timestamp",
        "gw": "Gateway Internet Address", "ptr": "Pointer", "reserved": "Unused", "length": "Length",
        "addr_mask": "Address Mask", "nexthopmtu": "Next-Hop MTU", "unused": "Unused"}),
    "ICMPv6EchoRequest": ("ICMPv6", {**_ND, "id": "Identifier", "seq": "Sequence Number"}),
    "ICMPv6EchoReply": ("ICMPv6", {**_ND, "id": "Identifier", "seq": "Sequence Number"}),
    "ICMPv6DestUnreach": ("ICMPv6", _ICMPV6_ERROR),
    "ICMPv6TimeExceeded": ("ICMPv6", _ICMPV6_ERROR),
    "ICMPv6PacketTooBig": ("ICMPv6", {**_ND, "mtu": "MTU"}),
    "ICMPv6ParamProblem": ("ICMPv6", {**_ND, "ptr": "Pointer"}),
    "ICMPv6ND_RS": ("ICMPv6", {**_ND, "res": "Reserved"}),
    "ICMPv6ND_NS": ("ICMPv6", {**_ND, "res": "Reserved", "tgt": "Target Address"}),
    "ICMPv6ND_NA": ("ICMPv6", {
        **_ND, "R": "Router flag", "S": "Solicited flag", "O": "Override flag", "res": "Reserved", "tgt": "Target Address"}),
    "ICMPv6Unknown": ("ICMPv6", {**_ND, "msgbody": "Message Body"}),
    "ICMPv6NDOptSrcLLAddr": ("ICMPv6 option", {"type": "Type", "len": "Length", "lladdr": "Link-Layer Address"}),
    "ICMPv6NDOptDstLLAddr": ("ICMPv6 option", {"type": "Type", "len": "Length", "lladdr": "Link-Layer Address"}),
    "ICMPv6NDOptUnknown": ("ICMPv6 option", {"type": "Type", "len": "Length", "data": "Data"}),
}
_QUOTED = {"IPerror": "IP", "TCPerror": "TCP", "UDPerror": "UDP", "ICMPerror": "ICMP", "IPerror6": "IPv6"}

CONTROL_BITS = dict(zip("FSRPAUECN", ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE")))
_TCP_OPTIONS = {"EOL": "End of Option List", "NOP": "No-Operation", "MSS": "Maximum Segment Size", "WScale": "Window Scale",
                "SAckOK": "SACK-Permitted", "SAck": "SACK", "Timestamp": "Timestamps"}
PROTOCOLS = {0: "Hop-by-Hop Options", 1: "ICMP", 2: "IGMP", 4: "IPv4", 6: "TCP", 17: "UDP", 41: "IPv6", 44: "Fragment",
             58: "ICMPv6", 59: "No Next Header", 60: "Destination Options"}      # IANA, Protocol Numbers
_SENSE = {      # a header and its size in bytes: else it is no such header, or cut; Scapy takes it as it comes
    "ARP": lambda header, size: (header.hwtype, header.ptype, header.hwlen, header.plen) == (1, 0x0800, 6, 4),
    "IPv4": lambda header, size: header.version == 4 and size == 4 * header.ihl >= 20,
    "IPv6": lambda header, size: header.version == 6, "UDP": lambda header, size: header.len >= 8,
    "TCP": lambda header, size: header.name == "TCP in ICMP" or size == 4 * header.dataofs >= 20}   # ICMP quotes less
_ETHERTYPES = {0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6"}


@dataclass(frozen=True)
class Field:
    """One field of a header: its `value`, and where it stands: `bits` bits from the bit `first` of the frame.

    The value is an int, a str for an address, bytes, or a tuple of flags or of options.
    """
    name: str               # as the RFC writes it: "Time to Live"
    value: object
    first: int
    bits: int
    meaning: str = ""       # what the number stands for: "TCP", "20 bytes"

    @property
    def text(self) -> str:
        """The value as a person reads it: "6 (TCP)", "SYN, ACK", "0x1c46"."""
        value = self.value
        if isinstance(value, tuple):
            return ", ".join(each if isinstance(each, str) else option_text(*each) for each in value) or "none"
        if isinstance(value, bytes):
            return show_bytes(value)
        if isinstance(value, int) and (self.name.endswith("Checksum") or self.name in ("EtherType", "Protocol Address Space")):
            value = f"0x{value:04x}"
        return f"{value} ({self.meaning})" if self.meaning else str(value)


@dataclass(frozen=True)
class Layer:
    """One header of a packet, or the "data" that it carries: the bytes from `start` to before `end` of the frame, by fields."""
    name: str               # "IPv4", "TCP", "data"; "IPv4 (quoted)" in a message of ICMP
    start: int
    end: int
    fields: tuple[Field, ...]

    def __getitem__(self, name: str):
        """The value of the field `name`. Raises KeyError."""
        for field in self.fields:
            if field.name == name:
                return field.value
        raise KeyError(f"{self.name} has no field {name!r}, but {', '.join(field.name for field in self.fields)}")

    def __contains__(self, name) -> bool:
        return any(field.name == name for field in self.fields)


def take_apart(frame: bytes) -> tuple[Layer, ...]:
    """The layers of an Ethernet frame, one after the other without a gap; what cannot be read is "data". Raises nothing."""
    from scapy.layers import inet6, l2  # a quarter of a second, and not every program looks inside

    layers, kind, at, quoted, padding = [], l2.Ether, 0, "", []
    end = len(frame)
    while at < end:
        try:
            header, fields, after = _read(kind, frame[:end], at)
            inside, behind = header.extract_padding(frame[after:end])
        except Exception:       # whatever its bytes made Scapy do: they are no such header
            break
        name = _known(kind)[0]
        quoted = quoted or " (quoted)" * (kind.__name__ in ("IPerror", "IPerror6"))
        layers.append(Layer(name + quoted, at, after, fields))
        if behind:              # behind what the header says that it carries
            end -= len(behind)
            padding.insert(0, Layer("padding", end, end + len(behind), (Field("Padding", behind, 8 * end, 8 * len(behind)),)))
        at = after
        kind = header.guess_payload_class(inside) if inside else None
        if kind and issubclass(kind, inet6._ICMPv6) and not _known(kind):
            kind = inet6.ICMPv6Unknown
        if kind and issubclass(kind, inet6._ICMPv6NDGuessPayload) and not _known(kind):
            kind = inet6.ICMPv6NDOptUnknown
        if not kind or not _known(kind):
            break
    if at < end:
        data = frame[at:end]
        layers.append(Layer("data" + quoted, at, end, (Field("Data", data, 8 * at, 8 * len(data)),)))
    return (*layers, *padding)


def _known(kind):
    return _HEADERS.get(_QUOTED.get(kind.__name__, kind.__name__))


def _read(kind, frame, at):
    """(Scapy's header, its Fields, where it ends). Raises what Scapy raises, and ValueError where bytes are missing.

    It is the loop of Scapy's Packet.do_dissect, which notes where each field begins and ends.
    """
    header, rest, fields, place = kind(), frame[at:], [], 8 * at
    names = _known(kind)[1]
    for field in header.fields_desc:
        left, value = field.getfield(header, rest)
        left_bytes, used = left if isinstance(left, tuple) else (left, 0)       # of a byte that is not at its end
        after = 8 * (len(frame) - len(left_bytes)) + used
        if after > place and field.name not in names:
            break               # not of the header: what it carries
        if isinstance(rest, tuple) and len(rest[0]) == 0:
            raise ValueError("a part of a byte that is not there")
        header.fields[field.name] = value
        if after > place:
            fields.append(_named(names[field.name], value, place, after - place, field, header))
        rest, place = left, after
        if not left_bytes and getattr(field, "ismayend", False):
            break               # a quoted header may be cut here
    makes_sense = _SENSE.get(_known(kind)[0])
    if place % 8 or (makes_sense and not makes_sense(header, place // 8 - at)):
        raise ValueError("cut, or a number that this header never has")
    return header, tuple(fields), place // 8


def _named(name, value, first, bits, field, header):
    """A Field in the words of the RFC."""
    meaning, shown = "", field.i2repr(header, value) if name in ("Type", "Code", "Opcode") else ""
    if name == "Control Bits":
        value = tuple(CONTROL_BITS[letter] for letter in str(value))
    elif name == "Flags":
        value = tuple(str(value).split("+")) if value else ()
    elif name == "Options" and header.name.startswith("TCP"):
        value = tuple((_TCP_OPTIONS.get(kind, f"option {kind}" if isinstance(kind, int) else kind), data if data != b"" else None)
                      for kind, data in value)
    elif name == "Options":
        value = tuple(option.name.removeprefix("IP Option ") for option in value)
    elif name in ("Protocol", "Next Header"):
        meaning = PROTOCOLS.get(value, "")
    elif name in ("EtherType", "Protocol Address Space"):
        meaning = _ETHERTYPES.get(value, "")
        name = "Length" if name == "EtherType" and value <= 1500 else name     # IEEE 802.3: as little is no type
    elif name in ("IHL", "Data Offset"):
        meaning = f"{4 * value} bytes"
    elif name == "Fragment Offset" and value:
        meaning = f"byte {8 * value:,}"
    elif shown.strip("'") and not shown.strip("'")[0].isdigit():
        meaning = shown.strip("'")
    return Field(name, value, first, bits, meaning)


def option_text(name, value):
    """An option of TCP, ("Maximum Segment Size", 1460), as words."""
    return name if value is None else f"{name} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"
