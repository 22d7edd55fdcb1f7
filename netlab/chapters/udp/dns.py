"""Two exercises of chapter 5 on DNS, and the messages that they are tried with (RFC 1035, 4.1)."""
import random
import socket
import struct

from netlab.chapters.udp.hostile import number
from netlab.teach.check import Case, Miss, Raises, call, judge
from netlab.teach.quiet import Quiet

BAD = Raises(ValueError)


# --- messages --------------------------------------------------------------------------------------------------
A, CNAME, TXT, AAAA, IN, CHAOS = 1, 5, 16, 28, 1, 3
TO = b"\xc0\x0c"        # a pointer to byte 12, where the first name stands


def wire(name, end=b"\0"):
    """A name as labels; `end` may be a pointer."""
    return b"".join(number(len(label), 1) + label for label in name.encode().split(b".") if label) + end


def asked(name, ident=7, flags=0x0100):
    """A question for the IPv4 address of a name."""
    return number(ident) + number(flags) + number(1) + bytes(6) + wire(name) + number(A) + number(IN)


def record(owner, kind, data, *, of=IN, size=None):
    """A record that lives 300 seconds; `owner` is on the wire already."""
    return owner + number(kind) + number(of) + number(300, 4) + number(len(data) if size is None else size) + data


def has(address, owner=TO, **more):
    """An A record."""
    return record(owner, A, socket.inet_aton(address), **more)


def reply(*answers, name="www.example.org", flags=0x8180, questions=1, after=b"", more=(0, 0)):
    """A reply: the question again, and what answers it. `after` are the records of the other two sections."""
    question = (wire(name) + number(A) + number(IN)) * questions
    counts = (questions, len(answers), *more)
    return number(7) + number(flags) + b"".join(map(number, counts)) + question + b"".join(answers) + after


# --- 5 dns_question ------------------------------------------------------------------------------------------------
LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])        # 255 bytes on the wire
LABELS = "each label with its length in front, as one byte; no dots; and 0, the root's empty label, at the end"
ORDER = "each number is two bytes, the most significant first: \"!\" or \">\" in front of struct.pack's format, not \"<\""


def _question_mistake(args, expected, outcome):
    came, error, (name, ident) = outcome.value, outcome.raised, args
    if isinstance(expected, Raises):
        return None if came is None or isinstance(came, BaseException) else _refuse_name(name, ident)
    if isinstance(error, ValueError) and outcome.by_raise:
        if ident != 7 and call(outcome.function, name, 7).raised is None:
            return f"the name is allowed, and so is the number {ident}: two bytes hold 0 to 65535"
        return "this name is allowed: a label has 1 to 63 bytes, all of them with their lengths and the 0 at the end 255"
    if not isinstance(came, bytes) or came == expected:
        return None
    if came[:12] in (expected[:12], _swapped(expected[:12])) and came[12:-4] == expected[12:-4] \
            and came[-4:] in (expected[-4:], _swapped(expected[-4:])):
        return ORDER
    if len(came) < 12 or came[12:] == expected[12:]:
        return _header_mistake(came, expected)
    body, right = came[12:], expected[12:]
    if name.rstrip(".").encode() in body and "." in name.rstrip("."):
        return LABELS
    if body == right[:-5] + right[-4:] or body == right[:-5]:
        return "a name ends with a byte 0, the length of the root's empty label"
    if name.endswith(".") and body == right[:-5] + b"\0" + right[-5:]:
        return "the dot at the end stands for the root: it is there already, and makes no second empty label"
    if body == right[:-4]:
        return "behind the name stand its type (A is 1) and class (IN is 1), two bytes each"
    if body.startswith(right[:-4]):
        return "type and class are 1 and 1, in two bytes each"
    return LABELS


def _swapped(data):
    """Numbers of two bytes, in the other order of bytes."""
    return b"".join(data[at:at + 2][::-1] for at in range(0, len(data), 2))


def _refuse_name(name, ident):
    if not 0 <= ident < 2**16:
        return "the number has two bytes: 0 to 65535"
    if any(len(label) > 63 for label in name.split(".")):
        return "a label has at most 63 bytes: the two bits in front of its length mean something else"
    if len(name) > 200:
        return "a name has at most 255 bytes on the wire, the lengths and the 0 at the end included"
    if not name.isascii():
        return "DNS carries ASCII here: ü has to be written in another way before (IDNA), so refuse it"
    return "an empty label is the root, and stands only at the end: this name has one before"


def _header_mistake(came, expected):
    if len(came) < 12:
        return "six numbers of two bytes stand in front: number, flags, and four counts"
    for at, hint in ((0, "the number that is given, two bytes, the most significant first"),
                     (2, "the flags of a question: 0x0100, please recurse (RD)"), (4, "one question: the first count is 1"),
                     (6, "no answers, no authorities, nothing additional in a question: 0, 0, 0")):
        if came[at:at + 2] != expected[at:at + 2]:
            return hint
    return "no answers, no authorities, nothing additional in a question: 0, 0, 0"


def _asked(name, ident=7):
    return (name, ident), asked(name, ident)


dns_question = Quiet("dns_question", tuple(Case(args, expected, hint, _question_mistake) for hint, *rows in (
    (LABELS, _asked("example.org"), _asked("www.example.org", 258), _asked("localhost"), _asked("a.b.c.d.e", 65535)),
    ("a dot at the end changes nothing", _asked("example.org.")),
    ("capitals and - and _ go as they are", _asked("WWW.My-Host.example"), _asked("_dns.example", 0)),
    ("63 bytes are allowed in a label", _asked("x" * 63 + ".example")),
    ("255 bytes on the wire are allowed", _asked(LONGEST)),
    ("refuse it with ValueError", (("x" * 64 + ".example", 7), BAD), ((LONGEST + "b", 7), BAD), (("a..example", 7), BAD),
     ((".example", 7), BAD), (("example..", 7), BAD), (("", 7), BAD), (("müller.example", 7), BAD), (("example.org", 65536), BAD),
     (("example.org", -1), BAD)),
) for args, expected in rows))


# --- 6 dns_addresses -----------------------------------------------------------------------------------------------
POINTER = ("the two bits in front are 11: a pointer. The other 14 are the place, counted from the beginning of the message, "
           "where the name goes on; and what follows the name stands behind the pointer, not behind that place")
LOOP = "this name points in a circle and has no end: count its bytes, or its pointers, and refuse it"
CUT = "the message ends too early: a slice that is too short raises nothing, so compare lengths before you read"
SKIP = "only type A of class IN gives an address; the others are jumped, by the length that stands before their data"
FOUR = "an IPv4 address has four bytes"
COUNTS = "the header says how many questions and answers there are: only the answers count"


def _named(name, address):
    return [(name, address)]


def _with(data, title):
    """The call: what it is about, and the message as a learner can copy it into a cell."""
    return f'(message): {title}. message = bytes.fromhex("{data.hex()}")'


def _answers(title, data, expected, hint):
    def trial(function):
        outcome = call(function, data)
        miss = judge(outcome, expected, hint, lambda outcome: _answers_mistake(outcome, expected, hint))
        if miss:
            miss.call = _with(data, title)
        return miss
    return trial


def _answers_mistake(outcome, expected, hint=""):
    came, error = outcome.value, outcome.raised
    if outcome.by_raise and isinstance(error, ValueError) and isinstance(expected, list):
        return f"your code refuses this at that line, and it is allowed: {hint}"
    if isinstance(error, RecursionError) or (outcome.late and isinstance(expected, Raises)):
        return LOOP
    if hint == FOUR and error and not outcome.by_raise and not isinstance(error, (NameError, AttributeError)):
        return FOUR
    if isinstance(error, (IndexError, struct.error, OSError)) and isinstance(expected, Raises) and not outcome.by_raise:
        return CUT
    if isinstance(error, UnicodeDecodeError) and not isinstance(expected, Raises):
        return POINTER
    if not isinstance(came, list) or not isinstance(expected, list):
        return None
    if came and all(isinstance(each, str) for each in came):
        return "a pair for each: the name and the address, (\"www.example.org\", \"192.0.2.1\")"
    if [pair[1] for pair in came] == [pair[1] for pair in expected]:
        names = [(here[0], there[0]) for here, there in zip(came, expected) if here[0] != there[0]]
        if any(isinstance(here, bytes) for here, _ in names):
            return "the name as text: label.decode(\"ascii\"), and dots between the labels"
        if any(isinstance(here, str) and here.rstrip(".") == there for here, there in names):
            return "no dot at the end"
        return None
    if any(isinstance(pair[1], bytes) for pair in came):
        return "the address as text: socket.inet_ntoa makes it of four bytes"
    return None


def _cuts(function):
    """Each beginning of a message is refused."""
    whole = reply(has("192.0.2.1"), record(wire("mail", TO), CNAME, TO), has("192.0.2.2", wire("a.example")))
    for size in range(len(whole)):
        if miss := _answers(f"only {size} of {len(whole)} bytes", whole[:size], BAD, CUT)(function):
            return miss
    return None


def _strange(function):
    """Bytes by chance, and messages with bytes that were changed: an answer or ValueError, and an end."""
    dice = random.Random(5)
    whole = reply(record(TO, CNAME, wire("a", TO)), has("192.0.2.1", wire("mail", TO)), has("192.0.2.2", b"\xc0\x2d"))
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 4)):
            data[dice.randrange(2, len(data))] = dice.choice((0, 1, 63, 64, 0xC0, 0xFF, dice.randrange(256)))
        data = bytes(data) if dice.random() < 0.8 else dice.randbytes(dice.randrange(60))
        outcome = call(function, data)
        if not outcome.meets(BAD) and not (outcome.raised is None and type(outcome.value) is list):
            miss = judge(outcome, BAD, "a list, or ValueError", lambda outcome: _answers_mistake(outcome, BAD))
            return Miss("a list, or ValueError", miss.came, miss.hint, _with(data, "a message with changed bytes"), miss.last)
    return None


WWW = "www.example.org"
_HEAD = 12 + len(wire(WWW)) + 4         # where the first answer stands
_AT = bytes([0xC0, _HEAD])              # a pointer to it
_FAR = [record(wire("x"), TXT, b"\0" * 210)]       # so that a place needs more than eight bits

dns_addresses = Quiet("dns_addresses", (
    _answers("one address, its name written out", reply(has("192.0.2.1", wire(WWW))), _named(WWW, "192.0.2.1"),
             "the answer stands behind the question: name, type, class, time to live (4 bytes), length, data"),
    _answers("one address, its name a pointer", reply(has("192.0.2.1")), _named(WWW, "192.0.2.1"), POINTER),
    _answers("two addresses", reply(has("192.0.2.1"), has("198.51.100.255")),
             _named(WWW, "192.0.2.1") + _named(WWW, "198.51.100.255"), "each answer, in the order of the message"),
    _answers("no address", reply(), [], "no answer, no pair"),
    _answers("no such name", reply(flags=0x8183), [], "no answer, no pair"),
    _answers("a label, then a pointer", reply(has("192.0.2.1", wire("mail", b"\xc0\x10"))),
             _named("mail.example.org", "192.0.2.1"), POINTER),
    _answers("an alias, and its address", reply(record(TO, CNAME, wire("web.example.net")), has("192.0.2.9", wire(
        "", bytes([0xC0, _HEAD + 12])))), _named("web.example.net", "192.0.2.9"), SKIP),
    _answers("an IPv6 address before", reply(record(TO, AAAA, bytes(range(16))), has("192.0.2.1")),
             _named(WWW, "192.0.2.1"), SKIP),
    _answers("another class before", reply(has("192.0.2.3", of=CHAOS), has("192.0.2.1")), _named(WWW, "192.0.2.1"), SKIP),
    _answers("no question", reply(has("192.0.2.1", wire("a.example")), questions=0), _named("a.example", "192.0.2.1"), COUNTS),
    _answers("two questions", reply(has("192.0.2.1"), questions=2), _named(WWW, "192.0.2.1"), COUNTS),
    _answers("more than answers", reply(has("192.0.2.1"), after=has("192.0.2.2", wire("ns.example.org")), more=(0, 1)),
             _named(WWW, "192.0.2.1"), COUNTS),
    _answers("pointers to pointers", reply(has("192.0.2.1", wire("a", TO)), has("192.0.2.2", wire("b", _AT)), has(
        "192.0.2.3", bytes([0xC0, _HEAD + 18]))), [(f"a.{WWW}", "192.0.2.1"), (f"b.a.{WWW}", "192.0.2.2"),
                                                    (f"b.a.{WWW}", "192.0.2.3")], POINTER),
    _answers("a place beyond byte 255", reply(*_FAR, has("192.0.2.1", wire("far.example")), has("192.0.2.2", number(
        0xC000 + _HEAD + sum(map(len, _FAR))))), [("far.example", "192.0.2.1"), ("far.example", "192.0.2.2")], POINTER),
    _answers("the root", reply(has("192.0.2.1", b"\0")), _named("", "192.0.2.1"), "the root has no labels: the empty text"),
    _answers("255 bytes of name", reply(has("192.0.2.1", wire(LONGEST))), _named(LONGEST, "192.0.2.1"), "255 bytes are allowed"),
    _answers("bytes behind the message", reply(has("192.0.2.1"), after=b"\xff"), _named(WWW, "192.0.2.1"), COUNTS),
    _answers("a question", asked(WWW), BAD, "a question is no reply: the first bit of the flags (QR) is 0"),
    _answers("cut by the server", reply(has("192.0.2.1"), flags=0x8380), BAD, "the flag TC: the server cut it, so refuse it"),
    _cuts,
    _answers("an address of three bytes", reply(record(TO, A, b"\xc0\0\2")), BAD, FOUR),
    _answers("an address of 16 bytes", reply(record(TO, A, bytes(16))), BAD, FOUR),
    _answers("a pointer to itself", reply(has("192.0.2.1", _AT)), BAD, LOOP),
    _answers("a label and a pointer back to it", reply(has("192.0.2.1", wire("a", _AT))), BAD, LOOP),
    _answers("two pointers that point at each other", reply(has("192.0.2.1", bytes([0xC0, _HEAD + 16])), has("192.0.2.2", _AT)),
             BAD, LOOP),
    _answers("a pointer behind the end", reply(has("192.0.2.1", b"\xff\xff")), BAD, CUT),
    _answers("a label with the bits 01", reply(has("192.0.2.1", b"\x41" + b"a" * 65 + b"\0")), BAD,
             "the bits 01 and 10 in front of a length mean nothing (RFC 1035, 4.1.4): refuse them"),
    _answers("a label with the bits 10", reply(has("192.0.2.1", b"\x81" + b"a" * 129 + b"\0")), BAD,
             "the bits 01 and 10 in front of a length mean nothing (RFC 1035, 4.1.4): refuse them"),
    _answers("257 bytes of name, by a pointer", reply(record(wire("q"), TXT, wire("z." + LONGEST[64:])), has(
        "192.0.2.1", wire("a" * 63, bytes([0xC0, _HEAD + 13])))), BAD, "a name has at most 255 bytes, wherever they stand"),
    _strange))
