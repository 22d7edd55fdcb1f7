"""Answers to the exercises of chapter 1, wrong and right, with what the check must say of each."""
import socket
import struct
import time

from answers import right, wrong

from netlab.chapters.tcp_ip import check

ROUND = 2**32
NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR")


# 1 fields

def named(byte, names=NAMES):
    return {name for place, name in enumerate(names) if byte >> place & 1}


def fields_by(form="!HHIIBBH", flags=named, offset=lambda byte: (byte >> 4) * 4, tested=True, change=lambda found: found):
    """A `fields` with one thing done in another way; `change` gets the dict at the end."""
    def fields(segment):
        if tested and (len(segment) < 20 or not 20 <= (segment[12] >> 4) * 4 <= len(segment)):
            raise ValueError("no segment")
        source, destination, seq, ack, words, bits, window = struct.unpack(form, segment[:16])
        return change({"source": source, "destination": destination, "seq": seq, "ack": ack, "offset": offset(words),
                       "flags": flags(bits), "window": window})
    return fields


def swapped(one, other):
    return lambda found: {**found, one: found[other], other: found[one]}


def fields_whole(segment):
    struct.unpack("!HHIIBBHHH", segment)
    return fields_by()(segment)


def fields_offset_of_16_bits(segment):
    source, destination, seq, ack, offset, window = struct.unpack("!HHIIHH", segment[:16])
    return {"source": source, "destination": destination, "seq": seq, "ack": ack, "offset": offset,
            "flags": named(offset & 255), "window": window}


def right_half(byte):
    return (byte & 15) * 4 or byte >> 2


def fields_longer_than(least, whole=True):
    def fields(segment):
        if len(segment) < 20 or (segment[12] >> 4) * 4 < least or (whole and (segment[12] >> 4) * 4 > len(segment)):
            raise ValueError("no segment")
        return fields_by(tested=False)(segment)
    return fields


wrong(check.fields, "network byte order")(fields_by("<HHIIBBH"))
wrong(check.fields, "source and destination have changed places", "'source': 35671")(
    fields_by(change=swapped("source", "destination")))
wrong(check.fields, "seq and ack have changed places", "'ack': 0")(fields_by(change=swapped("seq", "ack")))
wrong(check.fields, "words of 32 bits", "'offset': 5")(fields_by(offset=lambda byte: byte >> 4))
wrong(check.fields, "four bits of its own", "'offset': 80")(fields_by(offset=lambda byte: byte))
wrong(check.fields, "four bits of its own", "'offset': 20500")(fields_offset_of_16_bits)
wrong(check.fields, "those on the right are reserved", "'offset': 60")(fields_by(offset=right_half))
wrong(check.fields, "a set of names", "'flags': 20")(fields_by(flags=lambda byte: byte))
wrong(check.fields, "a set of names", "'flags': [")(fields_by(flags=lambda byte: sorted(named(byte))))
wrong(check.fields, "'Syn' is no name", "'Syn'")(
    fields_by(flags=lambda byte: {name.title() if name == "SYN" else name for name in named(byte)}))
wrong(check.fields, "FIN is the bit on the right")(fields_by(flags=lambda byte: named(byte, NAMES[::-1])))
wrong(check.fields, "is set too", "'flags': {'")(fields_by(flags=lambda byte: {min(named(byte), default="FIN")}))
wrong(check.fields, "is set too", "'flags': set()")(
    fields_by(flags=lambda byte: {name for place, name in enumerate(NAMES) if byte == 1 << place}))
wrong(check.fields, "'window' is missing", "'flags'")(fields_by(change=lambda found: dict(list(found.items())[:-1])))
wrong(check.fields, "'port' is none of them", "'port'")(fields_by(change=lambda found: {**found, "port": 80}))
wrong(check.fields, "give back a dict, not a tuple", "(")(fields_by(change=lambda found: tuple(found.values())))
wrong(check.fields, "as many bytes as its format has", "raised error: unpack requires a buffer of 20 bytes")(fields_whole)
wrong(check.fields, "without a sign", "-")(fields_by("!hhiiBBh"))
wrong(check.fields, "refused, but by accident", "raised error: unpack requires")(fields_by(tested=False))
wrong(check.fields, "less than five words", "{'source'")(fields_longer_than(0))
wrong(check.fields, "cut", "{'source'")(fields_longer_than(20, whole=False))
wrong(check.fields, "it is allowed", "raised ValueError: no segment")(fields_longer_than(21))
wrong(check.fields, "write raise in the place of return", "ValueError('short')")(
    lambda segment: ValueError("short") if len(segment) < 20 else fields_by()(segment))


# 2 assemble

def assemble_by(order, cut=True, hole=True, first_byte=1):
    """Segments in an order; without `cut` overlaps come twice, without `hole` the stream goes on behind one."""
    def assemble(first, segments):
        stream = b""
        for seq, data in order(first, segments):
            begin = (seq - first - first_byte) % ROUND
            if hole and begin > len(stream):
                break
            stream += data[len(stream) - begin:] if cut and begin <= len(stream) else data
        return stream
    return assemble


def by_distance(first, segments):
    return sorted(segments, key=lambda segment: (segment[0] - first - 1) % ROUND)


def assemble_dict(first, segments):
    """The last of two with the same number wins."""
    known, at, stream = dict(segments), first + 1, b""
    while data := known.get(at % ROUND):
        stream, at = stream + data, at + len(data)
    return stream


def assemble_goes_back(first, segments):
    stream, wanted = b"", 0
    for seq, data in by_distance(first, segments):
        begin = (seq - first - 1) % ROUND
        if begin > wanted:
            break
        stream, wanted = stream + data[wanted - begin:], begin + len(data)
    return stream


def assemble_no_wrap(first, segments):
    stream = b""
    for seq, data in sorted(segments):
        if seq - first - 1 > len(stream):
            break
        stream += data[len(stream) - (seq - first - 1):]
    return stream


def assemble_raises(first, segments):
    stream = assemble_by(by_distance)(first, segments)
    if any((seq - first - 1) % ROUND > len(stream) for seq, _ in segments):
        raise ValueError("a hole")
    return stream


wrong(check.assemble, "just as they arrived", "b'lohel'")(lambda first, segments: b"".join(data for _, data in segments))
wrong(check.assemble, "the first byte of data the next one", "b''")(assemble_by(by_distance, first_byte=0))
wrong(check.assemble, "came twice", "b'helhello'")(
    lambda first, segments: b"".join(data for _, data in by_distance(first, segments)))
wrong(check.assemble, "came twice", "b'hellolo wo")(
    lambda first, segments: assemble_by(lambda f, s: by_distance(f, set(s)), cut=False)(first, segments))
wrong(check.assemble, "behind the hole", "b'helnetwork'")(assemble_by(by_distance, hole=False))
wrong(check.assemble, "one may begin earlier or end later", "b'hello'")(assemble_dict)
wrong(check.assemble, "what it has more is needed", "b'abcdef")(assemble_goes_back)
wrong(check.assemble, "a small number may be the later one", "b''")(assemble_by(lambda first, segments: sorted(segments)))
wrong(check.assemble, "after 2**32 - 1 comes 0", "b'")(assemble_no_wrap)
wrong(check.assemble, "it is allowed", "raised ValueError: a hole")(assemble_raises)
wrong(check.assemble, "not a bytearray", "bytearray(b'hello')")(
    lambda first, segments: bytearray(assemble_by(by_distance)(first, segments)))
wrong(check.assemble, "the bytes as they are", "'hello'")(
    lambda first, segments: assemble_by(by_distance)(first, segments).decode())
wrong(check.assemble, "is a return missing", "None")(
    lambda first, segments: assemble_by(by_distance)(first, segments) or None)
wrong(check.assemble, "the order of arrival", "b''")(assemble_by(lambda first, segments: segments))


# 3 checksum

def words(data, form="!"):
    data += bytes(len(data) % 2)
    return struct.unpack(f"{form}{len(data) // 2}H", data)


def folded(total):
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum_by(finish, read=words):
    return lambda header: finish(sum(read(header)))


def once(total):
    return (total & 0xFFFF) + (total >> 16)


def right_checksum(header):
    return 0xFFFF - folded(sum(words(header)))


def no_last(data):
    return words(data[:len(data) // 2 * 2])


def checksum_of_20(header):
    return right_checksum(header[:20])


wrong(check.checksum, "turn all its bits around", "26796")(checksum_by(folded))
wrong(check.checksum, "more than 16 bits", "187888")(
    lambda header: sum(words(header)) if sum(words(header)) > 0xFFFF else right_checksum(header))
wrong(check.checksum, "knows no width", "-26797")(checksum_by(lambda total: ~folded(total)))
wrong(check.checksum, "the end-around carry", "-")(checksum_by(lambda total: 0xFFFF - total))
wrong(check.checksum, "may go over once more", "-1")(checksum_by(lambda total: 0xFFFF - once(total)))
wrong(check.checksum, "the end-around carry", "8719")(checksum_by(lambda total: ~total & 0xFFFF))
wrong(check.checksum, "may go over once more", "65535")(checksum_by(lambda total: ~once(total) & 0xFFFF))
wrong(check.checksum, "the two bytes changed places", "21399")(
    checksum_by(lambda total: 0xFFFF - folded(total), lambda data: words(data, "<")))
wrong(check.checksum, "bytes were added", "65259")(lambda header: 0xFFFF - folded(sum(header)))
wrong(check.checksum, "that is the negative", "38740")(checksum_by(lambda total: -folded(total) & 0xFFFF))
wrong(check.checksum, "the last one has no partner", "raised error: unpack requires")(
    lambda header: 0xFFFF - folded(sum(struct.unpack(f"!{len(header) // 2}H", header))))
wrong(check.checksum, "the last one has no partner", "raised IndexError: index out of range")(
    lambda header: 0xFFFF - folded(sum(header[n] << 8 | header[n + 1] for n in range(0, len(header), 2))))
wrong(check.checksum, "not in front of the first", "")(
    lambda header: right_checksum(b"\0" * (len(header) % 2) + header))
wrong(check.checksum, "the last byte is missing", "60875")(checksum_by(lambda total: 0xFFFF - folded(total), no_last))
wrong(check.checksum, "what is it worth there", "60789")(
    lambda header: 0xFFFF - folded(sum(no_last(header)) + (header[-1] if len(header) % 2 else 0)))
wrong(check.checksum, "options belong to the header", "")(checksum_of_20)
wrong(check.checksum, "give back a number", "b'\\x97S'")(lambda header: right_checksum(header).to_bytes(2))
wrong(check.checksum, "give back a number", "'0x9753'")(lambda header: hex(right_checksum(header)))
wrong(check.checksum, "return missing", "None")(lambda header: right_checksum(header) or None)


# 4 reply

def numbers(length, flags):
    return length + len(flags & {"SYN", "FIN"})


def needs_none(flags, length):
    return "RST" in flags or numbers(length, flags) == 0


def own_number(seq, ack, first):
    return first if ack is None else ack


def reply_by(own=own_number, count=numbers, wrap=lambda number: number % ROUND, silent=needs_none):
    def reply(seq, ack, flags, length, first):
        return None if silent(flags, length) else (own(seq, ack, first), wrap(seq + count(length, flags)))
    return reply


def reply_swapped(*given):
    found = reply_by()(*given)
    return found and found[::-1]


def reply_list(*given):
    found = reply_by()(*given)
    return found and list(found)


wrong(check.reply, "SYN takes a number", "(100, 5000)")(reply_by(count=lambda length, flags: length))
wrong(check.reply, "SYN takes a number", "(100, 5000)")(reply_by(count=lambda length, flags: length + ("FIN" in flags)))
wrong(check.reply, "FIN takes a number", "(101, 5006)")(reply_by(count=lambda length, flags: length + ("SYN" in flags)))
wrong(check.reply, "SYN takes a number", "(100, 5000)")(reply_by(count=lambda length, flags: length + (flags == {"SYN"})))
wrong(check.reply, "the data takes some too", "(101, 5007)")(
    reply_by(count=lambda length, flags: 1 if flags & {"SYN", "FIN"} else length))
wrong(check.reply, "one too many", "(101, 5007)")(reply_by(count=lambda length, flags: length + 1))
wrong(check.reply, "the first that did not come", "(101, 5005)")(reply_by(count=lambda length, flags: length - 1))
wrong(check.reply, "seq is the first number of what came", "(101, 5001)")(reply_by(count=lambda length, flags: 0))
wrong(check.reply, "changed places", "(5006, 101)")(reply_swapped)
wrong(check.reply, "past its first number", "(100, 5006)")(reply_by(own=lambda seq, ack, first: first))
wrong(check.reply, "nothing is to be added", "(102, 5006)")(
    reply_by(own=lambda seq, ack, first: first if ack is None else ack + 1))
wrong(check.reply, "with what number does it begin", "(0, 5001)")(reply_by(own=lambda seq, ack, first: ack or 0))
wrong(check.reply, "with what number does it begin", "(None, 5001)")(reply_by(own=lambda seq, ack, first: ack))
wrong(check.reply, "ack is None", "raised TypeError: unsupp")(reply_by(own=lambda seq, ack, first: ack % ROUND))
wrong(check.reply, "would be answered in turn", "(101, 5001)")(reply_by(silent=lambda flags, length: "RST" in flags))
wrong(check.reply, "nobody answers it", "(101, 5006)")(reply_by(silent=lambda flags, length: flags == {"ACK"}))
wrong(check.reply, "32 bits", "(7, 4294967296)")(reply_by(wrap=lambda number: number))
wrong(check.reply, "0 among them", "(7, 1)")(reply_by(wrap=lambda number: number % (ROUND - 1)))
wrong(check.reply, "0 is a number like any other", "(4294967295, 5004)")(reply_by(own=lambda seq, ack, first: ack or first))
wrong(check.reply, "give back a tuple, not a list", "[101, 5006]")(reply_list)
wrong(check.reply, "it must be acknowledged", "None")(reply_by(silent=lambda flags, length: length == 0))
wrong(check.reply, "two whole numbers", "(101,)")(lambda *given: (reply_by()(*given) or ())[:1] or None)


# 5 firewall

BOB = bytes([10, 0, 2, 2])


def seen(frame):
    """(protocol, source, destination, port, port, flags, fragment) of an IPv4 frame, or None."""
    ip = frame[14:]
    tcp = ip[(ip[0] & 15) * 4:] if ip else b""
    if frame[12:14] != b"\x08\0" or len(ip) < 20 or len(tcp) < 14 or ip[0] & 15 < 5:
        return None
    return (ip[9], ip[12:16], ip[16:20], *struct.unpack("!HH", tcp[:4]), tcp[13], int.from_bytes(ip[6:8]) & 0x1FFF)


def wall(rule, arp=True, look=seen):
    def firewall(frame):
        if frame[12:14] == b"\x08\x06" and arp:
            return frame
        found = look(frame)
        return frame if found and rule(*found) else None
    return firewall


def good(proto, src, dst, sport, dport, flags, part):
    return proto == 6 and not part and ((dst == BOB and dport == 80) or (src == BOB and sport == 80 and flags & 0x12 != 2))


def good_without(*, proto=True, bob=True, syn=True, part=True):
    """The rule with one thing forgotten."""
    def rule(number, src, dst, sport, dport, flags, fragment):
        to_bob = (dst == BOB or not bob) and dport == 80
        from_bob = (src == BOB or not bob) and sport == 80 and (not syn or flags & 0x12 != 2)
        return (number == 6 or not proto) and (not fragment or not part) and (to_bob or from_bob)
    return rule


def fixed(frame):
    """As if no header had options."""
    if frame[12:14] != b"\x08\0" or len(frame) < 48:
        return None
    ip, tcp = frame[14:34], frame[34:]
    return (ip[9], ip[12:16], ip[16:20], *struct.unpack("!HH", tcp[:4]), tcp[13], int.from_bytes(ip[6:8]) & 0x1FFF)


def untested(frame):
    """As if each frame were long enough."""
    ip = frame[14:]
    at = (ip[0] & 15) * 4
    return (ip[9], ip[12:16], ip[16:20], *struct.unpack("!HH", ip[at:at + 4]), ip[at + 13], int.from_bytes(ip[6:8]) & 0x1FFF)


def wall_prints(frame):
    return bool(wall(good)(frame))


def wall_of_ip(frame):
    return wall(good)(frame) and frame[14:]


def wall_empty(frame):
    return wall(good)(frame) or b""


def wall_summary(frame):
    return frame.summary if frame.layers else None


@wrong(check.firewall, "your code refuses this", "raised PermissionError: not to port 22")
def wall_raises(frame):
    found = seen(frame)
    if found and found[4] == 22:
        raise PermissionError("not to port 22")
    return wall(good)(frame)


wrong(check.firewall, "that is another port of bob's", "the frame, it goes on")(lambda frame: frame)
wrong(check.firewall, "segments to port 80 of bob go on", "None, it is dropped")(lambda frame: frame and None)
wrong(check.firewall, "without ARP nobody finds", "None, it is dropped")(wall(good, arp=False))
wrong(check.firewall, "bob's answers come from his port 80", "None, it is dropped")(
    wall(lambda proto, src, dst, sport, dport, flags, part: proto == 6 and dst == BOB and dport == 80))
wrong(check.firewall, "UDP has ports at the same place", "the frame, it goes on")(wall(good_without(proto=False)))
wrong(check.firewall, "another machine's port 80", "the frame, it goes on")(wall(good_without(bob=False)))
wrong(check.firewall, "80 is the port of the other end", "the frame, it goes on")(
    wall(lambda proto, src, dst, sport, dport, flags, part: proto == 6 and BOB in (src, dst) and 80 in (sport, dport)))
wrong(check.firewall, "SYN without ACK begins a connection", "the frame, it goes on")(wall(good_without(syn=False)))
wrong(check.firewall, "SYN without ACK begins a connection", "the frame, it goes on")(
    wall(lambda proto, src, dst, sport, dport, flags, part:
         good_without(syn=False)(proto, src, dst, sport, dport, flags, part) and (dst == BOB or flags != 2)))
wrong(check.firewall, "bob's answers come from", "None, it is dropped")(
    wall(lambda proto, src, dst, sport, dport, flags, part:
         good_without(syn=False)(proto, src, dst, sport, dport, flags, part) and (dst == BOB or not flags & 2)))
wrong(check.firewall, "longer than 20 bytes", "None, it is dropped")(wall(good, look=fixed))
wrong(check.firewall, "only the first fragment", "the frame, it goes on")(wall(good_without(part=False)))
wrong(check.firewall, "may be short or strange", "raised IndexError: index out of range")(
    wall(good, look=lambda frame: untested(frame) if frame[12:14] == b"\x08\0" else None))
wrong(check.firewall, "that the bytes are there", "raised error: unpack requires")(
    wall(good, look=lambda frame: struct.unpack("!H", frame[12:14]) and seen(frame)))
wrong(check.firewall, "cannot send True or False", "True")(wall_prints)
wrong(check.firewall, "the frame came out changed", "b'E\\x00")(wall_of_ip)
wrong(check.firewall, "a frame without a byte", "b''")(wall_empty)
wrong(check.firewall, "cannot send anything else", "'02")(lambda frame: frame.hex())
wrong(check.firewall, "about the code", "raised AttributeError: 'Frame' object has no attribute 'layers'")(wall_summary)
wrong(check.firewall, "write raise in the place of return", "ValueError('dropped')")(
    lambda frame: wall(good)(frame) or ValueError("dropped"))


# 6 send_all

def packet(number, chunk):
    return bytes([number]) + chunk


def sender(form=packet, seconds=0.3, tries=20, stale=True, again=True, last=True, counts=True):
    """A stop-and-wait sender with one thing done in another way."""
    def send_all(sock, chunks):
        sock.settimeout(seconds)
        for number, chunk in enumerate(chunks):
            for _ in range(tries):
                sock.send(form(number, chunk))
                if not last and number == len(chunks) - 1:
                    return
                try:
                    while sock.recv(1)[0] <= number and stale:
                        pass
                    break
                except TimeoutError:
                    if not again:
                        break
            else:
                raise TimeoutError("nobody there")
    return send_all


def send_only(sock, chunks):
    for number, chunk in enumerate(chunks):
        sock.send(packet(number, chunk))


def send_catches_nothing(sock, chunks):
    sock.settimeout(0.3)
    for number, chunk in enumerate(chunks):
        sock.send(packet(number, chunk))
        while sock.recv(1)[0] <= number:
            pass


def send_waits_for_its_own(sock, chunks):
    sock.settimeout(0.3)
    for number, chunk in enumerate(chunks):
        while True:
            sock.send(packet(number, chunk))
            try:
                if sock.recv(1)[0] == number:
                    break
            except TimeoutError:
                pass


def send_for_ever(sock, chunks):
    sock.settimeout(0.3)
    for number, chunk in enumerate(chunks):
        answer = 0
        while answer <= number:
            sock.send(packet(number, chunk))
            try:
                while (answer := sock.recv(1)[0]) <= number:
                    pass
            except TimeoutError:
                pass


def send_at_each_answer(sock, chunks):
    sock.settimeout(0.3)
    for number, chunk in enumerate(chunks):
        answer = 0
        while answer <= number:
            sock.send(packet(number, chunk))
            try:
                answer = sock.recv(1)[0]
            except TimeoutError:
                pass


def send_at_each_answer_and_count(sock, chunks):
    sock.settimeout(0.3)
    for number, chunk in enumerate(chunks):
        for _ in range(20):
            sock.send(packet(number, chunk))
            try:
                if sock.recv(1)[0] > number:
                    break
            except TimeoutError:
                pass
        else:
            raise TimeoutError("nobody there")


def send_blindly(sock, chunks):
    for _ in range(30):
        send_only(sock, chunks)


def send_swallows(sock, chunks):
    """`except` alone swallows what stops it as well."""
    for number, chunk in enumerate(chunks):
        while True:
            try:
                sock.send(packet(number, chunk))
                sock.settimeout(0.3)
                if sock.recv(1)[0] == number:
                    return
            except:     # noqa: E722
                pass


def send_and_close(sock, chunks):
    with sock:
        sender()(sock, chunks)


def send_counts(sock, chunks):
    sender()(sock, chunks)
    return len(chunks)


def send_then_listen(sock, chunks):
    """One answer for each packet, wherever it belongs."""
    sock.settimeout(0.3)
    send_only(sock, chunks)
    for _ in chunks:
        try:
            sock.recv(1)
        except TimeoutError:
            return


def send_str(sock, chunks):
    for number, chunk in enumerate(chunks):
        sock.send(f"{number}{chunk}")


def send_typo(sock, chunks):
    sock.settimeout(1)
    sock.sendto(b"\0", ("10.0.2.2", 9))


wrong(check.send_all, "wait for an answer to each packet", "packet 1: lost → packet 2")(send_only)
wrong(check.send_all, "what limits how long it waits", "no end: recv waits")(sender(seconds=None))
wrong(check.send_all, "that is no reason to stop", "raised TimeoutError: timed out")(send_catches_nothing)
wrong(check.send_all, "did not go out again", ": lost → recv: time is up → packet")(sender(again=False))
wrong(check.send_all, "old answers come late or twice", "recv gives")(sender(stale=False))
wrong(check.send_all, "the last one too", "packet 11: lost")(sender(last=False))
wrong(check.send_all, "given up after 3 tries", "raised TimeoutError: nobody there")(sender(tries=3))
wrong(check.send_all, "which of them has it", "no end after 2,0")(send_waits_for_its_own)
wrong(check.send_all, "which of them has it", "no end after 2,0")(send_swallows)
wrong(check.send_all, "after 20 packets in vain", "no end after 2,0")(send_for_ever)
wrong(check.send_all, "Only time that is up", "no end after 2,000 packets")(send_at_each_answer)
wrong(check.send_all, "Only time that is up", "raised TimeoutError: nobody there")(send_at_each_answer_and_count)
wrong(check.send_all, "only what was not answered in time", "90 packets for 3 chunks")(send_blindly)
wrong(check.send_all, "no number stands before it", "raised TimeoutError: nobody there")(sender(lambda number, chunk: chunk))
wrong(check.send_all, "bytes(0) is none", "raised TimeoutError: nobody there")(
    sender(lambda number, chunk: bytes(number) + chunk))
wrong(check.send_all, "begin with 0", "raised TimeoutError: nobody there")(
    sender(lambda number, chunk: packet(number + 1, chunk)))
wrong(check.send_all, "not the digit", "raised TimeoutError: nobody there")(
    sender(lambda number, chunk: str(number).encode() + chunk))
wrong(check.send_all, "4 bytes stand before", "raised TimeoutError: nobody there")(
    sender(lambda number, chunk: struct.pack("!I", number) + chunk))
wrong(check.send_all, "the chunk as it is", "b'\\x00what\\n'")(sender(lambda number, chunk: packet(number, chunk) + b"\n"))
wrong(check.send_all, "does not wait at all", "raised BlockingIOError: ")(sender(seconds=0))
wrong(check.send_all, "belongs to the caller", "it is closed")(send_and_close)
wrong(check.send_all, "nothing is to be given back", "3")(send_counts)
wrong(check.send_all, "chunk 0 was never sent", "it has none of them")(lambda sock, chunks: sock.settimeout(1))
wrong(check.send_all, "raise", "TimeoutError('nobody')")(lambda sock, chunks: TimeoutError("nobody"))
wrong(check.send_all, "packet", "packet")(send_then_listen)
wrong(check.send_all, "bytes and text were mixed", "raised TypeError: ")(send_str)
wrong(check.send_all, "about the code", "raised AttributeError: 'BadLink' object has no attribute 'sendto'")(send_typo)


# right answers of other styles

@right(check.fields)
def fields_by_slices(segment):
    number = int.from_bytes
    if len(segment) < 20 or segment[12] < 0x50 or segment[12] // 16 * 4 > len(segment):
        raise ValueError("no segment")
    found = {"window": number(segment[14:16]), "source": number(segment[:2]), "destination": number(segment[2:4])}
    flags = set()
    for name in reversed(NAMES):
        if segment[13] & 1 << NAMES.index(name):
            flags.add(name)
    return found | {"seq": number(segment[4:8]), "ack": number(segment[8:12]), "offset": segment[12] // 16 * 4, "flags": flags}


right(check.fields)(fields_by())
right(check.assemble)(assemble_by(by_distance))


@right(check.assemble)
def assemble_byte_by_byte(first, segments):
    known = {(seq + n) % ROUND: data[n:n + 1] for seq, data in segments for n in range(len(data))}
    at, stream = first, []
    while (at := (at + 1) % ROUND) in known:
        stream.append(known[at])
    return b"".join(stream)


@right(check.assemble)
def assemble_again_and_again(first, segments):
    stream, grown = b"", True
    while grown:
        grown = False
        for seq, data in segments:
            known = (first + 1 + len(stream) - seq) % ROUND
            if known < len(data):
                stream, grown = stream + data[known:], True
    return stream


right(check.checksum)(right_checksum)


@right(check.checksum)
def checksum_by_remainder(header):
    number = int.from_bytes(header + bytes(len(header) % 2))
    return 0xFFFF - (number % 0xFFFF or (0xFFFF if number else 0))


@right(check.checksum)
def checksum_little_endian(header):
    return socket.htons(0xFFFF - folded(sum(words(header, "=")))) if header else 0xFFFF


right(check.reply)(reply_by())


@right(check.reply)
def reply_in_steps(seq, ack, flags, length, first):
    if "RST" in flags:
        return None
    after = seq + length
    for name in ("SYN", "FIN"):
        if name in flags:
            after += 1
    if after == seq:
        return None
    return (first if "ACK" not in flags else ack), after & 0xFFFFFFFF


right(check.firewall)(wall(good))


@right(check.firewall)
def wall_that_tries(frame):
    """A list, as a cable takes it; and by the sender's name."""
    if frame[12:14] == b"\x08\x06":
        return [frame]
    try:
        (kind,), (proto,) = struct.unpack_from("!H", frame, 12), struct.unpack_from("!B", frame, 23)
        at = 14 + (frame[14] & 15) * 4
        source, destination = struct.unpack_from("!HH", frame, at)
        flags = frame[at + 13]
    except (struct.error, IndexError):
        return []
    if kind != 0x0800 or proto != socket.IPPROTO_TCP or frame[14] < 0x45 or int.from_bytes(frame[20:22]) % 0x2000:
        return []
    if frame.sender == "alice":
        return [frame] if frame[30:34] == BOB and destination == 80 else []
    return [frame] if frame[26:30] == BOB and source == 80 and (flags & 0x10 or not flags & 2) else []


right(check.send_all)(sender())
right(check.send_all)(sender(seconds=0.05))


@right(check.send_all)
def send_window(sock, chunks):
    """Several on their way, and back to the first without an answer when time is up."""
    sock.settimeout(0.25)
    done = sent = vain = 0
    while done < len(chunks):
        while sent < min(done + 4, len(chunks)):
            sock.sendall(packet(sent, chunks[sent]))
            sent += 1
        try:
            answer = sock.recv(100)[0]
            if answer > done:
                done, vain = answer, 0
                sent = max(sent, done)
        except TimeoutError:
            sent, vain = done, vain + 1
            if vain == 20:
                raise


@right(check.send_all)
def send_by_deadline(sock, chunks):
    for number, chunk in enumerate(chunks):
        for _ in range(25):
            sock.send(packet(number, chunk))
            end, answer = time.monotonic() + 0.2, 0
            while answer <= number and (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                try:
                    answer = sock.recv(1)[0]
                except TimeoutError:
                    break
            if answer > number:
                break
        else:
            raise TimeoutError("nobody answers")


@right(check.send_all)
def send_all_the_rest(sock, chunks):
    """All that is missing at once, then look and sleep."""
    sock.setblocking(False)
    done = 0
    for _ in range(40):
        for number in range(done, len(chunks)):
            sock.send(packet(number, chunks[number]))
        end = time.monotonic() + 0.2
        while time.monotonic() < end and done < len(chunks):
            try:
                done = max(done, sock.recv(1)[0])
            except BlockingIOError:
                time.sleep(0.02)
        if done == len(chunks):
            return
    raise TimeoutError("nobody answers")
