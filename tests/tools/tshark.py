"""Does tshark read a capture as netlab does? compare(path) says where not: each field's place, its size and its value."""
import subprocess
import xml.etree.ElementTree as ET

from netlab.network.packets import Packets

# What netlab shows: how tshark calls it, and what our value is in its words. None: tshark has no field for just that.
RAW = object()              # the bits themselves, not what tshark makes of them


def times4(value):
    return 4 * value


FIELDS = {
    "Ethernet": {"Destination": "eth.dst", "Source": "eth.src", "EtherType": "eth.type", "Length": "eth.len"},
    "ARP": {"Hardware Address Space": "arp.hw.type", "Protocol Address Space": "arp.proto.type",
            "Hardware Address Length": "arp.hw.size", "Protocol Address Length": "arp.proto.size", "Opcode": "arp.opcode",
            "Sender Hardware Address": "arp.src.hw_mac", "Sender Protocol Address": "arp.src.proto_ipv4",
            "Target Hardware Address": "arp.dst.hw_mac", "Target Protocol Address": "arp.dst.proto_ipv4"},
    "IPv4": {"Version": "ip.version", "IHL": ("ip.hdr_len", times4), "Type of Service": "ip.dsfield", "Total Length": "ip.len",
             "Identification": "ip.id", "Flags": ("ip.flags", lambda v: sum({"MF": 1, "DF": 2, "evil": 4}[flag] for flag in v)),
             "Fragment Offset": ("ip.frag_offset", RAW), "Time to Live": "ip.ttl", "Protocol": "ip.proto",
             "Header Checksum": "ip.checksum", "Source Address": "ip.src", "Destination Address": "ip.dst",
             "Options": None},
    "IPv6": {"Version": "ipv6.version", "Traffic Class": "ipv6.tclass", "Flow Label": "ipv6.flow",
             "Payload Length": "ipv6.plen", "Next Header": "ipv6.nxt", "Hop Limit": "ipv6.hlim",
             "Source Address": "ipv6.src", "Destination Address": "ipv6.dst"},
    "IPv6 Hop-by-Hop Options": {"Next Header": "ipv6.hopopts.nxt", "Hdr Ext Len": "ipv6.hopopts.len", "Options": None},
    "IPv6 Destination Options": {"Next Header": "ipv6.dstopts.nxt", "Hdr Ext Len": "ipv6.dstopts.len", "Options": None},
    "IPv6 Fragment": {"Next Header": "ipv6.fraghdr.nxt", "Reserved": "ipv6.fraghdr.reserved_octet",
                      "Fragment Offset": "ipv6.fraghdr.offset", "Res": "ipv6.fraghdr.reserved_bits",
                      "M flag": "ipv6.fraghdr.more", "Identification": "ipv6.fraghdr.ident"},
    "TCP": {"Source Port": "tcp.srcport", "Destination Port": "tcp.dstport", "Sequence Number": "tcp.seq",
            "Acknowledgment Number": "tcp.ack", "Data Offset": ("tcp.hdr_len", times4), "Reserved": ("tcp.flags.res", RAW),
            "Control Bits": ("tcp.flags", lambda v: sum(1 << "FIN SYN RST PSH ACK URG ECE CWR AE".split().index(b) for b in v)),
            "Window": "tcp.window_size_value", "Checksum": "tcp.checksum", "Urgent Pointer": "tcp.urgent_pointer",
            "Options": "tcp.options"},
    "UDP": {"Source Port": "udp.srcport", "Destination Port": "udp.dstport", "Length": "udp.length",
            "Checksum": "udp.checksum"},
    "ICMP": {"Type": "icmp.type", "Code": "icmp.code", "Checksum": "icmp.checksum", "Identifier": "icmp.ident",
             "Sequence Number": "icmp.seq", "Unused": None, "Length": "?icmp.length", "Next-Hop MTU": "?icmp.mtu",
             "Gateway Internet Address": "icmp.redir_gw", "Pointer": "icmp.pointer"},
    "ICMPv6": {"Type": "icmpv6.type", "Code": "icmpv6.code", "Checksum": "icmpv6.checksum",
               "Identifier": "icmpv6.echo.identifier", "Sequence Number": "icmpv6.echo.sequence_number", "MTU": "icmpv6.mtu",
               "Length": "?icmpv6.length", "Unused": None, "Reserved": None, "Pointer": "icmpv6.pointer",
               "Target Address": "icmpv6.nd.ns.target_address icmpv6.nd.na.target_address", "Message Body": None,
               "Router flag": "icmpv6.nd.na.flag.r", "Solicited flag": "icmpv6.nd.na.flag.s",
               "Override flag": "icmpv6.nd.na.flag.o"},
    "ICMPv6 option": {"Type": "icmpv6.opt.type", "Length": "icmpv6.opt.length", "Link-Layer Address": "icmpv6.opt.linkaddr",
                      "Data": None},
    "data": {"Data": None}, "padding": {"Padding": "eth.padding eth.trailer"},
}
OPTIONS = {"Maximum Segment Size": ["tcp.options.mss_val"], "Window Scale": ["tcp.options.wscale.shift"],
           "Timestamps": ["tcp.options.timestamp.tsval", "tcp.options.timestamp.tsecr"],
           "SACK": ["tcp.options.sack_le", "tcp.options.sack_re"]}
APART = ("ip.defragment", "ipv6.defragment", "tcp.desegment_tcp_streams", "tcp.relative_sequence_numbers")


def compare(path) -> list[str]:
    """Where tshark reads something else, a line for each; a field that tshark has no name for here is such a line too."""
    packets, theirs = Packets.load(path), dissected(path)
    if len(packets) != len(theirs):
        return [f"{len(packets)} packets, and tshark has {len(theirs)}"]
    return [f"packet {packet.number}, {line}" for packet, found in zip(packets, theirs) for line in differences(packet, found)]


def dissected(path) -> list[list[tuple]]:
    """What tshark finds in each frame by itself: [(name, first byte, bytes, value as text, bytes as hex), …]."""
    settings = [word for option in APART for word in ("-o", f"{option}:FALSE")]
    run = subprocess.run(["tshark", "-n", *settings, "-T", "pdml", "-r", str(path)], capture_output=True, check=True, timeout=60)
    return [[(field.get("name"), int(field.get("pos") or -1), int(field.get("size") or 0), field.get("show", ""),
              field.get("value", "")) for field in packet.iter("field")] for packet in ET.fromstring(run.stdout).iter("packet")]


def differences(packet, found):
    """Of one packet."""
    for layer in packet.layers:
        for field in layer.fields:
            try:
                named = FIELDS[layer.name.removesuffix(" (quoted)")][field.name]
            except KeyError:
                yield f"{layer.name}, {field.name}: not in the table"
                continue
            if named is None:
                continue
            names, change = named if isinstance(named, tuple) else (named, None)
            at, end = field.first // 8, (field.first + field.bits + 7) // 8
            those = [each for each in found if each[0] in names.strip("?").split() and each[1] <= at < end <= each[1] + each[2]]
            if field.first % 8 == field.bits % 8 == 0:
                those = [each for each in those if (each[1], each[2]) == (at, end - at)]        # of bits the bytes around them
            left_out = names[0] == "?" and not those and not field.value        # where it says nothing, tshark does so
            if not left_out and not any(same(field.value, change, *each[3:], packet.data[at:end]) for each in those):
                yield f"{layer.name}, {field.name} at byte {at}: {field.value!r} in {end - at} bytes; tshark: {those}"
            if field.name == "Options" and layer.name == "TCP":
                yield from options(field, found)


def same(ours, change, show, value, raw):
    """Is it the same value? Bytes and options are compared as bytes."""
    if change is RAW:
        return int(value, 16) == ours
    if change:
        ours = change(ours)
    if isinstance(ours, (bytes, tuple)):
        return bytes.fromhex(value) == raw
    if isinstance(ours, int):
        return int({"True": "1", "False": "0"}.get(show, show), 0) == ours
    return show == ours


def options(field, found):
    """The numbers in the options of TCP, in their order."""
    for kind, names in OPTIONS.items():
        theirs = [int(show) for name, at, _, show, _ in sorted(found, key=lambda each: each[1])
                  if name in names and field.first // 8 <= at]
        ours = [number for name, data in field.value if name == kind for number in (data if isinstance(data, tuple) else (data,))]
        if ours != theirs:
            yield f"TCP option {kind}: {ours}; tshark: {theirs}"
