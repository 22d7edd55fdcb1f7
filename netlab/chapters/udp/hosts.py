"""Networks, losses, a name server and the arithmetic of a NAT: what the parts of this chapter on a network begin with."""
import socket
import struct

from scapy.utils import checksum

from netlab import Network

NAMES = {"tea.shop.example": "192.0.2.3", "salt.shop.example": "192.0.2.1", "rice.shop.example": "192.0.2.2"}   # RFC 5737
TTL = 300               # seconds for which an answer may be kept
A, IN, FORMAT_ERROR, NAME_ERROR = 1, 1, 1, 3
UDP = 17                # its number in the header of IPv4


def loses(*messages: bytes):
    """A function for a cable: of each message it loses the first frame that ends in it."""
    left = list(messages)

    def through(frame):
        for message in left:
            if frame.endswith(message):
                left.remove(message)
                return None
        return frame

    return through


# --- a name server (RFC 1035) ---
def tell_address(data: bytes, address) -> bytes | None:
    """A handler for serve_udp: answers a question of DNS for the address of one of NAMES."""
    if len(data) < 12:
        return None
    ident, flags, questions = struct.unpack("!HHH", data[:6])
    if flags & 0x8000:                  # an answer: two servers that answer answers would never end
        return None
    flags = 0x8400 | flags & 0x0100     # an answer, by who has the authority; and the "look further" of the question
    try:
        name, end = read_name(data, 12)
        kind, group = struct.unpack("!HH", data[end:end + 4])
    except (IndexError, struct.error, UnicodeDecodeError):
        questions = 0
    if questions != 1:
        return struct.pack("!HHHHHH", ident, flags | FORMAT_ERROR, 0, 0, 0, 0)
    known = NAMES.get(name.lower())
    answers = int(known is not None and (kind, group) == (A, IN))
    reply = struct.pack("!HHHHHH", ident, flags | (0 if known else NAME_ERROR), 1, answers, 0, 0)
    reply += data[12:end + 4]           # the question again
    if answers:                         # 0xc00c in the place of the name: "it stands at byte 12" (4.1.4)
        reply += struct.pack("!HHHIH", 0xC00C, A, IN, TTL, 4) + socket.inet_aton(known)
    return reply


def read_name(data: bytes, at: int) -> tuple[str, int]:
    """The name that begins at byte `at`, by its labels, and where it ends; no pointers, as in a question."""
    labels = []
    while length := data[at]:
        labels.append(data[at + 1:at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels), at + 1


# --- addresses in a frame ---
def is_udp(frame: bytes) -> bool:
    """Whether a frame carries UDP over IPv4, with a header of IP of 20 bytes."""
    return frame[12:14] == b"\x08\x00" and frame[14] == 0x45 and frame[23] == UDP


def ends_of(frame: bytes) -> tuple[tuple[str, int], tuple[str, int]]:
    """((address, port) from where, (address, port) to where)."""
    source, destination, source_port, destination_port = struct.unpack("!4s4sHH", frame[26:38])
    return (socket.inet_ntoa(source), source_port), (socket.inet_ntoa(destination), destination_port)


def readdressed(frame: bytes, source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    """The same frame from and to other ends, with the checksum that its header of IP then has (RFC 1071); UDP's is left out
    (0, RFC 768)."""
    header = frame[14:24] + bytes(2) + socket.inet_aton(source[0]) + socket.inet_aton(destination[0])
    header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
    return frame[:14] + header + struct.pack("!HH", source[1], destination[1]) + frame[38:40] + bytes(2) + frame[42:]


def two_homes(make_nat):
    """alice and bob at home, each behind a NAT, and a meeting point outside: (network, alice, bob, meeting point).

    `make_nat(address, port)` gives the function for the cable between a home and the internet: that address is its own.
    """
    net = Network()
    alice, bob, meeting = map(net.host, ("alice", "bob", "meeting"))
    internet = net.router("internet")
    for host, outside, port in ((alice, "203.0.113.1", 20001), (bob, "198.51.100.1", 30001)):      # for examples (RFC 5737)
        net.cable(host, internet, through=make_nat(outside, port))
        internet.add_route(f"{outside}/32", host.address)
    net.cable(meeting, internet, addresses=("192.0.2.1/24", "192.0.2.254/24"))
    return net, alice, bob, meeting
