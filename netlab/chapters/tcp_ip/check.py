"""Exercises of chapter 1: read a segment, put a stream together, sum a header, answer, filter, survive loss.

In a notebook: `from netlab.chapters.tcp_ip import check`, then `check.fields(fields)`. None needs a network.
"""
import random
import struct

from netlab.chapters.tcp_ip.bad_link import BadLink
from netlab.chapters.tcp_ip.captured import FRAMES
from netlab.network import Frame
from netlab.teach.check import Case, Exercise, Miss, Outcome, Raises, call, judge, show

BAD = Raises(ValueError)
ROUND = 2**32           # sequence numbers: after ROUND - 1 comes 0


def _exercise(name, explain, *families, form=None):
    """Each family is (hint, (argument, …, expected), …)."""
    return Exercise(name, tuple(Case(row[:-1], row[-1], hint, explain, form) for hint, *rows in families for row in rows))


def _typed(value):
    """Bytes as hex, to be copied into a cell."""
    return f'bytes.fromhex("{value.hex()}")' if isinstance(value, bytes) else show(value)


# --- 1 fields --------------------------------------------------------------------------------------------------
KEYS = ("source", "destination", "seq", "ack", "offset", "flags", "window")
BITS = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")     # from the right, RFC 9293, 3.1


def _fields_mistake(args, expected, outcome):
    came, error, segment = outcome.value, outcome.raised, args[0]
    if isinstance(error, struct.error) and isinstance(expected, dict):
        return "unpack takes as many bytes as its format has, no more: options and data stand behind the first 20"
    if not isinstance(expected, dict) or not isinstance(came, dict):
        return None
    if set(came) != set(KEYS):
        wrong = [f"{key!r} is missing" for key in KEYS if key not in came] + [f"{key!r} is none of them" for key in came
                                                                               if key not in KEYS]
        return f"the keys are {', '.join(KEYS)}: {wrong[0]}"
    key = next(key for key in KEYS if came[key] != expected[key] or type(came[key]) is not type(expected[key]))
    value, wanted = came[key], expected[key]
    if key == "flags":
        return _flags_mistake(value, wanted)
    if not isinstance(value, int):
        return f"{key} is a number, not {show(value)}"
    size = 4 if key in ("seq", "ack") else 2
    if key != "offset" and value == int.from_bytes(wanted.to_bytes(size), "little"):
        return f"wrong byte order at {key}: what stands in front of the format for network byte order?"
    pairs = {"source": "destination", "destination": "source", "seq": "ack", "ack": "seq"}
    if key in pairs and value == expected[pairs[key]]:
        return f"{key} and {pairs[key]} have changed places: look at their order in the header"
    if key == "offset":
        if value == wanted // 4:
            return "the offset is counted in words of 32 bits in the header: how many bytes are these?"
        if value in (segment[12], segment[12] * 4, int.from_bytes(segment[12:14])):
            return "offset has four bits of its own: what shares the byte with them, and how do you get rid of it?"
        if value == len(segment):
            return "the offset says where the data begins: it stands in the header, the length of the segment does not"
        return "the offset is in the four bits on the left of byte 12, in words of 32 bits; those on the right are reserved"
    at = {"source": 0, "destination": 2, "seq": 4, "ack": 8, "window": 14}[key]
    return f"{key}: {size} bytes from byte {at} (counted from 0), as a whole number without a sign"


def _flags_mistake(came, wanted):
    if not isinstance(came, (set, frozenset)):
        return f"flags are a set of names, such as {{'SYN'}}, not {show(came)}"
    if strange := [name for name in came if name not in BITS]:
        return f"{strange[0]!r} is no name of a flag: they are {', '.join(reversed(BITS))}"
    if isinstance(came, frozenset):
        return "flags are a set, not a frozenset"
    if came == {BITS[7 - BITS.index(name)] for name in wanted}:
        return "the flags came in the wrong order: in the RFC's picture FIN is the bit on the right, worth 1"
    if wanted - came and not came - wanted:
        return f"{', '.join(sorted(wanted - came))} is set too: each flag is a bit of its own, several may be set at once"
    return f"{', '.join(sorted(came - wanted))}: that bit is not set here; FIN is worth 1, SYN 2, RST 4, and so on"


def _read(segment):
    """What `fields` must give."""
    source, destination, seq, ack, offset, flags, window = struct.unpack_from("!HHIIBBH", segment)
    names = {name for place, name in enumerate(BITS) if flags >> place & 1}
    return dict(zip(KEYS, (source, destination, seq, ack, (offset >> 4) * 4, names, window)))


def _row(segment):
    return segment, _read(segment)


_SEGMENT = {name: frame[34:] for name, frame in FRAMES.items()}
_RESET, _SYN, _REQUEST = (_SEGMENT[name] for name in ("a RST from port 22 of bob", "alice's SYN", "alice's request"))
fields = _exercise("fields", _fields_mistake,
    ("the header has its fields in the order of the picture in RFC 9293, 3.1", _row(_RESET)),
    ("behind the first 20 bytes there may be options: the offset counts them, and the other fields do not move",
     _row(_SYN), _row(_SEGMENT["bob's SYN ACK"]), _row(_SEGMENT["alice's ACK"])),
    ("data stands behind the header, and is none of these fields", _row(_REQUEST), _row(_SEGMENT["bob's answer"])),
    ("each flag is a bit of its own", _row(_SEGMENT["alice's FIN"]), _row(_SEGMENT["bob's RST"]),
     _row(_RESET[:13] + b"\xff" + _RESET[14:]), _row(_RESET[:13] + b"\0" + _RESET[14:])),
    ("all numbers are without a sign", _row(bytes.fromhex("ffff fffe ffffffff fffffffe f010 ffff") + bytes(44))),
    ("four bits beside the offset are reserved: they may be set, and are no part of it",
     _row(_SYN[:12] + b"\xaf\xc2" + _SYN[14:])),
    ("a TCP header has at least 20 bytes: a shorter segment is refused", (b"", BAD), (_RESET[:19], BAD)),
    ("an offset of less than five words is no TCP header: refuse it", (_RESET[:12] + b"\x40" + _RESET[13:], BAD)),
    ("the offset points behind the end: the segment was cut, refuse it", (_SYN[:24], BAD)),
    form=_typed)


# --- 2 assemble ------------------------------------------------------------------------------------------------
def _assemble_mistake(args, expected, outcome):
    first, segments = args
    came = outcome.value
    if outcome.raised or not isinstance(came, (bytes, bytearray)):
        return None
    place = {seq: (seq - first - 1) % ROUND for seq, _ in segments}
    in_order = sorted(segments, key=lambda segment: place[segment[0]])
    if isinstance(came, bytearray):
        return "give back bytes, not a bytearray: bytes(…) makes them"
    if came == b"".join(data for _, data in segments) and segments != in_order:
        return "just as they arrived: what says where each of them belongs?"
    if any(place[seq] > len(expected) for seq, _ in segments) and came.startswith(expected) and len(came) > len(expected):
        return "a byte is missing in the middle, and what stands behind the hole came all the same: a stream has no holes"
    if sorted(place) != sorted(place, key=place.get) and came != b"".join(data for _, data in in_order):
        return f"after 2**32 - 1 comes 0, so a small number may be the later one: how far is each behind {first}?"
    if expected and segments == in_order and came in (b"", expected[1:], expected[:-1]):
        missing = "one byte is missing" if came else "no byte came"
        return f"{missing}: SYN has the number {first}, and the first byte of data the next one"
    if came == b"".join(data for _, data in in_order) or came == b"".join(data for _, data in sorted(set(segments))):
        return "bytes that were there already came twice: where does a segment end, and where does the next begin?"
    bytes_of = [place[seq] + n for seq, data in set(segments) for n in range(len(data))]
    if expected.startswith(came) and len(bytes_of) > len(set(bytes_of)):
        return "not all of it: of two segments one may begin earlier or end later than the other, and what it has more is needed"
    return None


def _text(first, *pieces):
    """(first, segments, what comes of them): each piece is (bytes after the SYN, data)."""
    return first, [((first + place) % ROUND, data) for place, data in pieces]


EDGE = ROUND - 3
assemble = _exercise("assemble", _assemble_mistake,
    ("each segment's number says where its data belongs", (*_text(100, (1, b"hello")), b"hello"),
     (*_text(100, (1, b"hel"), (4, b"lo")), b"hello"), (*_text(0, (1, b"a"), (2, b"b"), (3, b"c")), b"abc")),
    ("nothing came: that is no byte", (*_text(100), b""), (*_text(100, (1, b"")), b"")),
    ("segments overtake each other: the number decides, not the order of arrival",
     (*_text(100, (4, b"lo"), (1, b"hel")), b"hello"),
     (*_text(7000, (6, b" net"), (10, b"work"), (1, b"hello")), b"hello network")),
    ("a segment that came twice counts once", (*_text(100, (1, b"hel"), (1, b"hel"), (4, b"lo")), b"hello"),
     (*_text(100, (4, b"lo"), (1, b"hel"), (4, b"lo")), b"hello"), (*_text(100, (1, b"abab"), (5, b"abab")), b"abababab")),
    ("a byte is missing: give what stands before the hole", (*_text(100, (1, b"hel"), (6, b"network")), b"hel"),
     (*_text(100, (2, b"ello")), b""), (*_text(100, (8, b"c"), (1, b"a"), (3, b"b")), b"a")),
    ("a sender that sends again may cut anew: two segments may share some of their bytes",
     (*_text(100, (1, b"hello"), (4, b"lo wo"), (9, b"rld")), b"hello world"),
     (*_text(100, (1, b"he"), (1, b"hello")), b"hello"), (*_text(100, (1, b"hello"), (1, b"he")), b"hello"),
     (*_text(100, (1, b"abcdef"), (3, b"cd"), (7, b"gh")), b"abcdefgh"),
     (*_text(100, (3, b"cd"), (1, b"abcdef"), (5, b"efgh")), b"abcdefgh"),
     (*_text(100, (1, b"abcdef"), (3, b"cd"), (6, b"fgh"), (12, b"x")), b"abcdefgh")),
    ("after 2**32 - 1 comes 0", (*_text(EDGE, (1, b"ab"), (3, b"cd")), b"abcd"),
     (*_text(EDGE, (3, b"cd"), (1, b"ab")), b"abcd"), (*_text(ROUND - 1, (1, b"ab"), (3, b"cd")), b"abcd"),
     (*_text(EDGE, (1, b"abcd"), (5, b"ef")), b"abcdef"), (*_text(EDGE, (1, b"abcd"), (2, b"bcdef"), (9, b"x")), b"abcdef")))


# --- 3 checksum ------------------------------------------------------------------------------------------------
def _sum(data):
    return sum(struct.unpack(f"!{len(data) // 2}H", data))


def _checksum_mistake(args, expected, outcome):
    came, error, data = outcome.value, outcome.raised, args[0]
    if len(data) % 2 and isinstance(error, (struct.error, IndexError)):
        return "an odd number of bytes: the last one has no partner. RFC 1071 fills up with a zero behind it"
    if not isinstance(came, int) or isinstance(came, bool):
        return None
    total = _sum(data + bytes(len(data) % 2))
    once = (total & 0xFFFF) + (total >> 16)
    if came == total and total > 0xFFFF:
        return "a sum of more than 16 bits: what went over is added again at the right end, and then all bits are turned"
    if came == 0xFFFF - expected:
        return "the sum is right, and the checksum is what makes it whole: turn all its bits around"
    if len(data) % 2 and came == 0xFFFF - _fold(_sum(b"\0" + data)):
        return "the zero that fills up stands behind the last byte, not in front of the first"
    if len(data) % 2 and came == 0xFFFF - _fold(_sum(data[:-1])):
        return "the last byte is missing in the sum: alone, it is the left half of a word whose right half is 0"
    if len(data) % 2 and came == 0xFFFF - _fold(_sum(data[:-1]) + data[-1]):
        return "the last byte, alone, is the left half of a word: what is it worth there?"
    if came in (~total & 0xFFFF, 0xFFFF - total) and total > 0xFFFF:
        return "what went over 16 bits is lost: add it again at the right end (the end-around carry)"
    if (came in (~once & 0xFFFF, 0xFFFF - once) and once > 0xFFFF) or came == ~once & 0x1FFFF:
        return "adding what went over may go over once more: add until nothing is left"
    if came < 0:
        return "negative: Python's ~ knows no width. What keeps 16 bits, and no more?"
    if came == int.from_bytes(expected.to_bytes(2), "little"):
        return "the two bytes changed places: read the words in network byte order"
    if came == 0xFFFF - _fold(sum(data)):
        return "bytes were added: the sum is of words of 16 bits, two bytes each"
    if came == -total % 0x10000 or came == -_fold(total) % 0x10000:
        return "that is the negative of the sum, one more than its bits turned around: ~ turns them, - does not"
    return None


def _fold(total):
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _blank(name):
    """The IPv4 header of a frame, its checksum 0, and the checksum that it had."""
    header = FRAMES[name][14:34]
    return header[:10] + b"\0\0" + header[12:], int.from_bytes(header[10:12])


checksum = _exercise("checksum", _checksum_mistake,
    ("add the words of 16 bits, add what went over at the right end, turn all bits around",
     (bytes.fromhex("12345678"), 0x9753), (bytes.fromhex("0001"), 0xFFFE), (bytes.fromhex("ffff"), 0)),
    ("what went over 16 bits is added again at the right end", (bytes.fromhex("0001f203f4f5f6f7"), 0x220D),
     (bytes.fromhex("80008000"), 0xFFFE)),
    ("of a real header whose checksum field is 0, the checksum is what belongs into that field",
     *map(_blank, ("alice's SYN", "bob's SYN ACK", "alice's request", "bob's answer", "UDP to port 53 of bob"))),
    ("of a header with its checksum in place it is 0: that is how a receiver tests it",
     *((FRAMES[name][14:34], 0) for name in ("alice's SYN", "bob's answer", "an echo request to bob"))),
    ("options belong to the header: it is as long as it is", (FRAMES["alice's SYN with IP options"][14:46], 0)),
    ("adding what went over may go over once more", (bytes.fromhex("ffffffff0001"), 0xFFFE),
     (bytes.fromhex("ffff" * 3 + "0003"), 0xFFFC)),
    ("zeros have the sum 0, and all its bits turned are ones", (bytes(20), 0xFFFF), (b"", 0xFFFF)),
    ("an odd number of bytes: RFC 1071 fills up with a zero behind", (b"\x12\x34\x56", 0x97CB), (b"\x12", 0xEDFF),
     (b"\xff\xff\xff", 0x00FF)),
    form=_typed)


# --- 4 reply ---------------------------------------------------------------------------------------------------
BEGINS = "this end has said nothing yet: with what number does it begin? What came has no acknowledgment number"


def _reply_mistake(args, expected, outcome):
    (seq, ack, flags, length, first), came = args, outcome.value
    if outcome.raised:
        return ("without ACK there is no acknowledgment number, and ack is None: with what number does this end begin?"
                if ack is None and isinstance(outcome.raised, TypeError) else None)
    if expected is None:
        return ("a reset ends the connection, and nobody answers it" if "RST" in flags else
                "an answer to a mere ACK would be answered in turn, for ever: what takes no number gets no answer")
    if ack == 0 or not isinstance(came, tuple):
        return "None came back, but this segment takes numbers: it must be acknowledged" if came is None else None
    if ack is None and came[:1] == (None,):
        return BEGINS
    if len(came) != 2 or not all(type(each) is int for each in came):
        return "give back two whole numbers, (seq, ack)"
    counts = [name for name in ("SYN", "FIN") if name in flags]
    if came == expected[::-1]:
        return "the two have changed places: give back (seq, ack) of the answer"
    if came[0] != expected[0]:
        if ack is None:
            return BEGINS
        if came[0] == first:
            return "this end is past its first number: which number does the other end wait for? It says so"
        if came[0] in (ack + 1, ack + length):
            return f"the other end waits for {ack}: so this is the next number, and nothing is to be added"
        return "the answer begins with the number that the other end waits for: it stands in what came"
    more = came[1] - seq
    if came[1] >= ROUND:
        return "a number has 32 bits: after 2**32 - 1 comes 0"
    if more % ROUND in (1, length + 1) and not counts:
        return f"one too many: {length} bytes of data take {length} numbers, and nothing else in this segment takes one"
    if counts and more % ROUND == length:
        return f"{counts[0]} takes a number as well, as if it were a byte"
    if counts and length and more % ROUND == 1:
        return f"{counts[0]} takes one number, and the data takes some too"
    if more == 0:
        return "seq is the first number of what came: the answer names the first that did not come"
    if (seq + length + len(counts)) % (ROUND - 1) == came[1]:
        return "32 bits hold 2**32 numbers, 0 among them: off by one"
    if came[1] == seq + length - 1:
        return "the last byte that came is not the next one: the answer names the first that did not come"
    return None


def _data(seq, ack, length, *more, first=100):
    return seq, ack, {"ACK", "PSH", *more}, length, first


reply = _exercise("reply", _reply_mistake,
    ("seq is what the other end waits for, ack what this end waits for next", (*_data(5001, 101, 5), (101, 5006)),
     (*_data(5006, 101, 1000), (101, 6006)), (*_data(1, 1, 1, first=0), (1, 2)), (*_data(9000, 777, 1460), (777, 10460))),
    ("SYN takes a number", (5000, None, {"SYN"}, 0, 100, (100, 5001)), (0, None, {"SYN"}, 0, 900, (900, 1)),
     (5000, None, {"SYN", "ECE", "CWR"}, 0, 100, (100, 5001)), (5000, 101, {"SYN", "ACK"}, 0, 100, (101, 5001))),
    ("FIN takes a number", (5006, 101, {"FIN", "ACK"}, 0, 100, (101, 5007)), (*_data(5006, 101, 10, "FIN"), (101, 5017))),
    ("what takes no number gets no answer", (5001, 101, {"ACK"}, 0, 100, None), (5006, 162, {"ACK"}, 0, 100, None)),
    ("a reset gets no answer", (5006, 101, {"RST", "ACK"}, 0, 100, None), (5006, None, {"RST"}, 0, 100, None)),
    ("a number has 32 bits: after 2**32 - 1 comes 0", (ROUND - 1, None, {"SYN"}, 0, 7, (7, 0)),
     (*_data(ROUND - 3, 101, 5), (101, 2)), (*_data(ROUND - 6, 101, 5), (101, ROUND - 1)),
     (*_data(ROUND - 5, 101, 5), (101, 0)), (ROUND - 1, 101, {"FIN", "ACK"}, 0, 100, (101, 0))),
    ("0 is a number like any other: only None says that there is none", (*_data(5001, 0, 3, first=ROUND - 1), (0, 5004))))


# --- 5 firewall ------------------------------------------------------------------------------------------------
SHORT = "a frame may be short or strange: see that the bytes are there before you read them. What cannot be read is dropped"
SHOWN = 40      # bytes of a strange frame


def _passing(goes, *families):
    """Trials of captured frames: does each go on? Each family is (hint, name, …)."""
    return [_frame_trial(name, FRAMES[name], goes, hint) for hint, *names in families for name in names]


def _frame_trial(title, data, goes, hint):
    """One frame; `goes` None where either will do, as long as nothing is raised."""
    def trial(function):
        frame = Frame(data)
        frame.sender, frame.receiver = ("router", "alice") if data[:6] == FRAMES["bob's answer"][:6] else ("alice", "router")
        outcome = call(function, frame)
        if miss := _judged_frame(title, data, goes, hint, outcome):
            miss.call = f"({_typed(data)})"
        return miss
    return trial


def _judged_frame(title, data, goes, hint, outcome):
    wanted = {True: f"{title}: the frame, it goes on", False: f"{title}: None, it is dropped", None: f"{title}: no error"}[goes]
    came = outcome.value
    if isinstance(outcome.raised, (IndexError, struct.error, ValueError)) and not outcome.by_raise:
        return Miss(wanted, str(outcome), SHORT)
    if outcome.raised or isinstance(came, BaseException) or came is ...:
        miss = judge(outcome, None, hint)
        return Miss(wanted, miss.came, miss.hint, last=miss.last)
    if came == [] or came == [data]:        # a cable takes a list as well
        came = came[0] if came else None
    if came is None:
        return Miss(wanted, "None, it is dropped", hint) if goes else None
    if isinstance(came, bool):
        return Miss(wanted, show(came), "give back the frame itself or None: a cable cannot send True or False")
    if not isinstance(came, (bytes, bytearray)):
        return Miss(wanted, show(came), "give back the frame or None: a cable cannot send anything else")
    if came == b"" != data:
        return Miss(wanted, "b''", "that is a frame without a byte: None means that nothing goes on")
    if came != data:
        return Miss(wanted, show(came), "the frame came out changed: give back what was given, from its first byte to its last")
    return Miss(wanted, "the frame, it goes on", hint) if goes is False else None


def _strange():
    """(title, frame, does it go on): cut, and with headers that are none; the same ones each time."""
    syn, answer, arp, dice = FRAMES["alice's SYN"], FRAMES["bob's answer"], FRAMES["ARP asks"], random.Random(1)
    for name, frame, enough in (("alice's SYN", syn, 38), ("bob's answer", answer, 38), ("an ARP", arp, 14)):
        for size in range(len(frame)):
            yield f"{name}, cut after {size} bytes", frame[:size], False if size < enough else None
    yield "a header that claims 60 bytes, and has 20", syn[:14] + b"\x4f" + syn[15:54], False
    yield "a header that claims no bytes", syn[:14] + b"\x40" + syn[15:], False
    for _ in range(100):
        yield "bytes by chance", syn[:14] + dice.randbytes(dice.randrange(SHOWN)), False


def _strange_trial(function):
    for title, frame, goes in _strange():
        if miss := _frame_trial(title, frame, goes, SHORT)(function):
            return miss
    return None


ADDRESS = "that is another machine's port 80: bob's address is bytes 12 to 15 or 16 to 19 of the IPv4 header"
PORT = "that is another port of bob's: what goes to him has his port as its destination, what he sends has it as its source"
NEITHER = "neither TCP nor ARP: dropped"
FRAGMENT = "only the first fragment of a packet has a TCP header: what is the fragment offset of this one?"
WAY = "80 is the port of the other end here: whose port it is depends on the way that the segment goes"
SYN = "SYN without ACK begins a connection: toward alice nobody may, not even from port 80"
OPTIONS = "this IPv4 header is longer than 20 bytes: its length stands in it, in words of 32 bits, and the ports come behind"
firewall = Exercise("firewall", (
    *_passing(True, ("alice's segments to port 80 of bob go on", "alice's SYN", "alice's ACK", "alice's request", "alice's FIN"),
              ("bob's answers come from his port 80: they go on", "bob's SYN ACK", "bob's answer", "bob's FIN", "bob's RST"),
              ("without ARP nobody finds anybody: EtherType 0x0806 goes on", "ARP asks", "ARP answers")),
    *_passing(False, (PORT, "a SYN to port 22 of bob", "a SYN to port 8080 of bob", "a RST from port 22 of bob"),
              ("UDP has ports at the same place, but is not TCP: which field of the IPv4 header says so?",
               "UDP to port 80 of bob", "UDP to port 53 of bob"),
              (NEITHER, "an echo request to bob", "bob's port unreachable", "an IPv6 SYN to port 80 of bob"),
              (ADDRESS, "a SYN to port 80 of carol", "an answer from port 80 of carol"),
              (WAY, "a SYN from port 80 of alice to port 5000 of bob", "bob's SYN to port 22 of alice",
               "bob's SYN to port 80 of alice"),
              (SYN, "bob's SYN from port 80 to port 22 of alice", "such a SYN with ECE and CWR")),
    *_passing(True, (OPTIONS, "alice's SYN with IP options")),
    *_passing(False, (OPTIONS, "a SYN with IP options to port 22 of bob"),
              (FRAGMENT, "a later fragment")),
    _strange_trial))


# --- 6 send_all ------------------------------------------------------------------------------------------------
WORDS = [word.encode() for word in "what was lost is sent again until all of it is there".split()]
EVENTS = 5      # that are shown
PATIENCE = 20   # packets in vain after which nobody is there
OLD = ("an old answer came, and the packet went out again at once: two copies are answered twice, and so on without end. "
       "Only time that is up is a reason to send again")
SEND_ALL = "send all chunks, and come back when the receiver has said that it has them all"


def _sending(title, chunks, seeds=(0,), *, loss=0.0, duplicate=0.0):
    """A trial over such a link, with each seed; loss=1.0 is a cable that is cut."""
    def trial(function):
        for seed in seeds:
            link = BadLink(loss=loss, duplicate=duplicate, seed=seed)
            with link.clock():
                outcome = call(function, link, list(chunks))
            link.settle()
            if link.endless:
                outcome = Outcome(function, raised=link.endless)
            if miss := _judged_sender(link, chunks, outcome, loss):
                miss.call = f"(sock, chunks): {title}{f', seed {seed}' if len(seeds) > 1 else ''}"
                return miss
        return None
    return trial


def _judged_sender(link, chunks, outcome, loss):
    """Nobody at the other end: TimeoutError. Else all chunks are there, and the function gives back nothing."""
    all_of_it = f"all {len(chunks)} chunks at the receiver, and the function returns"
    wanted = "TimeoutError: nobody is there" if loss == 1 else all_of_it
    got, tells = len(link.received), f". What happened: {_what_happened(link)}" if link.story else ""
    right = {bytes([number]) + chunk for number, chunk in enumerate(chunks)}
    wrong = [packet for packet in link.sent if packet not in right]

    def ended(expected, explain):
        miss = judge(outcome, expected, SEND_ALL, explain)
        return miss and Miss(wanted, miss.came + tells, miss.hint, last=miss.last)

    if (outcome.raised and not outcome.late) or isinstance(outcome.value, BaseException) or outcome.value is ...:
        return ended(Raises(TimeoutError) if loss == 1 else None, lambda outcome: _gave_up(link, outcome, wrong, chunks))
    if wrong:
        return Miss("packets of a number and a chunk, such as " + show(bytes([1]) + WORDS[1]), show(wrong[0]),
                    _packet_mistake(wrong[0], chunks), last=outcome.late)
    if loss == 1:
        return ended(Raises(TimeoutError), lambda outcome: f"nobody answers: after {PATIENCE} packets in vain raise TimeoutError")
    if outcome.late:
        return ended(None, lambda outcome: _endless(link))
    if link.received != chunks:
        return Miss(wanted, f"it has {f'the first {got}' if got else 'none'} of them{tells}", _hole(link, got))
    if not loss and len(link.sent) > 3 * len(chunks):
        return Miss(wanted, f"{len(link.sent)} packets for {len(chunks)} chunks, and none was lost{tells}",
                    OLD if _sorcerer(link) else "send again only what was not answered in time, a tenth of a second")
    if link.closed:
        return Miss("the given socket still open", "it is closed", "the socket belongs to the caller: leave it open")
    return ended(None, lambda outcome: "nothing is to be given back: the receiver has it all")


def _what_happened(link):
    """The events from the last packet with the first chunk that is missing on; else the last ones."""
    missing = f"packet {len(link.received)}"
    sent = [n for n, event in enumerate(link.story) if event.split(":")[0].removesuffix(" again") == missing]
    begin = sent[-1] if sent and not link.endless else max(0, len(link.story) - EVENTS)
    shown = link.story[begin:begin + EVENTS]
    return " → ".join((["…"] if begin else []) + shown + (["…"] if begin + EVENTS < len(link.story) else []))


def _gave_up(link, outcome, wrong, chunks):
    if not isinstance(outcome.raised, TimeoutError) or not link.sent:
        return ("settimeout(0) does not wait at all: an answer takes a tenth of a second"
                if isinstance(outcome.raised, BlockingIOError) else None)
    if wrong:
        return f"the receiver cannot use {show(wrong[0])}: {_packet_mistake(wrong[0], chunks)}"
    tries = link.sent.count(link.sent[-1])
    if _sorcerer(link):
        return OLD
    if tries == 1:
        return "TimeoutError says that a packet or its answer was lost: that is no reason to stop. What is to be sent again?"
    return f"given up after {tries} tries: one in three stays without an answer here; {PATIENCE} in vain say that nobody is there"


def _sorcerer(link):
    """Did packets go out again although no time was up?"""
    answers = [answer for _, answer in link.recvs]
    return any(answers) and len(link.sent) - len(set(link.sent)) > answers.count(None)


def _packet_mistake(packet, chunks):
    if packet in chunks:
        return "no number stands before it: bytes([0]) is a byte, and bytes(0) is none"
    numbers = [(number, packet.removesuffix(chunk)) for number, chunk in enumerate(chunks) if chunk and packet.endswith(chunk)]
    for number, before in numbers:
        if before == bytes([number + 1]):
            return "the numbers begin with 0"
        if before.strip(b" :") == str(number).encode():
            return "the number is a byte of that value, bytes([1]), and not the digit that one reads"
        if before == bytes(number) or before == number.to_bytes(len(before)) or before == number.to_bytes(len(before), "little"):
            return f"{len(before)} bytes stand before the chunk: the number is a single one, bytes([1])"
    return "a packet is the chunk's number as one byte, and then the chunk as it is: a packet for each"


def _endless(link):
    answers = [answer for _, answer in link.recvs if answer is not None]
    if link.waits and any("lost" in event for event in link.story):
        return "recv waits for an answer that was lost, or whose packet was: what limits how long it waits?"
    if link.waits:
        return ("every answer was taken, and recv waits for one more: each packet that arrives is answered once"
                if link.sent else "recv waits, and nothing was sent: speak first")
    if link.sent and answers and max(answers) > link.sent[-1][0]:
        return (f"recv gave {max(answers)}, and packet {link.sent[-1][0]} goes out again: the answer is the number of the first "
                "chunk that the receiver lacks, so which of them has it?")
    return OLD if _sorcerer(link) else None


def _hole(link, missing):
    """Why did the sender go on, or return, without this chunk?"""
    sent = [n for n, packet in enumerate(link.sent, 1) if packet[0] == missing]
    if not sent:
        return f"chunk {missing} was never sent: each chunk needs its packet, whatever happened to the one before"
    after = [answer for count, answer in link.recvs if count >= sent[-1]]
    if not after:
        return "send says nothing of what arrives: wait for an answer to each packet, the last one too"
    if after[0] is None:
        return f"time was up, and packet {missing} did not go out again: send it until its answer comes"
    return (f"recv gave {after[0]}, which says that chunk {after[0]} is still lacking, and it was taken for the answer to packet "
            f"{missing}: old answers come late or twice. Look at the number")


send_all = Exercise("send_all", (
    _sending("a link that loses nothing", WORDS[:3]),
    _sending("nothing to send", []),
    _sending("a link that doubles half of the packets", WORDS, range(1, 6), duplicate=0.5),
    _sending("a link that loses 20 % and doubles 10 %", WORDS, range(1, 51), loss=0.2, duplicate=0.1),
    _sending("an empty chunk between two that are equal", [b"ha", b"", b"ha"], range(1, 11), loss=0.2),
    _sending("a cable that is cut", WORDS, loss=1.0)))

EXERCISES = (fields, assemble, checksum, reply, firewall, send_all)
