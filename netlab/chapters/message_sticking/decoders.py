"""Three decoders to write in chapter 6: lines, a length of two bytes, netstrings. How they are judged: `feeding.py`."""
import random
import struct

from netlab.chapters.message_sticking.feeding import EMPTY, KEEP, Decoder, Fed, brief, framed, list_mistake, same
from netlab.teach.check import Miss, call, judge
from netlab.teach.quiet import Quiet


def trials(decoder, streams, long, faulty=()):
    """All cuts of these streams, the easy ones first."""
    cuts = (decoder.in_two, decoder.in_three, decoder.byte_by_byte)
    return (*map(decoder.whole, streams), *(cut(streams) for cut in cuts), decoder.at_random(long),
            *map(decoder.whole, faulty), *(cut(faulty) for cut in cuts if faulty))


# --- 1 take_lines ----------------------------------------------------------------------------------------------------
def line(message):
    return message + b"\n"


def _line_hint(fed: Fed, due):
    came = fed.outcome.value
    if fed.outcome.raised and "unpack" in str(fed.outcome.raised):
        return "split(mark) splits at every mark, and partition(mark) at the first: how many pieces come, and how many names?"
    if fed.outcome.raised:
        return ("index() raises where there is none: find() gives -1, and partition() gives b\"\" in the middle"
                if isinstance(fed.outcome.raised, ValueError) and not fed.outcome.by_raise else None)
    if not isinstance(came, tuple):
        return "give back two things, in a tuple: return messages, rest"
    if len(came) != 2:
        return f"two things are due, the messages and what is left over, and {len(came)} came"
    messages, rest = came
    if isinstance(messages, (bytes, bytearray)) and isinstance(rest, list):
        return "the messages stand first, then what is left over"
    wire = fed.rests[fed.step] + fed.pieces[fed.step]
    if b"\n" not in wire and messages and isinstance(messages, list):
        return "no \\n has come, so no message is whole (and where there is none, find() and rfind() give -1)"
    if isinstance(messages, (tuple, bytes)):
        return "the first of the two is a list, also where it holds one message or none"
    if isinstance(messages, list) and messages and all(isinstance(each, bytes) for each in messages):
        if messages == [line(each) for each in due[0]]:
            return "the \\n ends a message and is no part of it"
        if messages != due[0] and messages in ([each.strip() for each in due[0]], [each.rstrip() for each in due[0]]):
            return "\\n alone is the mark: a space, a tab or a \\r belongs to the message, so nothing is stripped"
        if messages in (wire.splitlines(), wire.splitlines()[:-1]) and b"\r" in wire:
            return "splitlines() also splits at \\r: split at b\"\\n\", which alone is the mark"
        if b"" not in due[0] and messages in ([*due[0], b""], [*due[0], rest]) and rest == b"":
            return "behind the last \\n nothing came: that is an empty rest, and no empty message"
    if found := list_mistake(messages, due[0], fed):
        return found
    if not same(messages, due[0]):
        return ("split at each b\"\\n\": before it stands a message, behind the last one what is left over"
                if isinstance(messages, list) else None)
    if rest is None:
        return "nothing is left over: that is b\"\", so that the next piece can be put behind it"
    if isinstance(rest, str):
        return "what is left over is bytes: it may end within a character"
    if not isinstance(rest, bytes):
        return "what is left over is one bytes object, such as b\"25\" or b\"\""
    if due[1] and not rest:
        return f"{brief(due[1])} is left over, and it was dropped: what comes next belongs behind it"
    if rest == wire:
        return "all of it is left over, and would be taken again: only what stands behind the last \\n is"
    if due[1] and rest == due[1].strip():
        return "nothing is stripped: what is left over may begin or end with a space"
    return "what is left over is all that stands behind the last \\n, as it is"


LINES = Decoder("take_lines", lambda function: function, lambda stream, begin, end: (stream.given(begin, end), stream.left(end)),
                _line_hint, keeps=True)
SHORT_LINES = (
    framed("one line", [b"3"], line),
    framed("three lines", [b"3", b"12", b"250"], line),
    framed("a line, and the beginning of one", [b"3"], line, b"12"),
    framed("no line is whole", [], line, b"25"),
    framed("nothing", [], line),
    framed("an empty line is a message", [b"3", b"", b"12"], line),
    framed("an empty line alone", [b""], line),
    framed("spaces and \\r are no marks", [b" 5 \r", b"\r6"], line, b" 7 "),
    framed("a price with a euro sign", ["5 €".encode()], line),
    framed("bytes that are no text", [b"\xff\x00\x0b\x0c\x85", b"\xc3"], line))


def _some(seed, count, most, without=b""):
    dice = random.Random(seed)
    return [bytes(each for each in dice.randbytes(dice.randrange(most)) if each not in without) for _ in range(count)]


take_lines = Quiet("take_lines", trials(LINES, SHORT_LINES, [framed("200 lines", _some(1, 200, 12, b"\n"), line)]))


# --- decoders that keep what is left over ----------------------------------------------------------------------------
PART = "a message came out that is not whole: are there as many bytes behind the length as it says?"
LATE = "the message is whole with that piece, and nothing came: wait for no byte more than it has, else the client waits for you"
FEED = "give back a function feed(data), or an object with a method feed"


class NoFeed(Exception):
    """What the learner's function gave back cannot be fed."""


def begin_of(function):
    """The feed of a new decoder of the learner's."""
    made = function()
    feed = getattr(made, "feed", made)
    if not callable(feed) or isinstance(made, (type, BaseException)):
        raise NoFeed(made)
    return feed


def messages(stream, begin, end):
    return stream.given(begin, end)


def _no_feed(function):
    """A trial: is there something to feed?"""
    outcome = call(function)
    if outcome.raised is None:
        try:
            begin_of(lambda: outcome.value)
            return None
        except NoFeed:
            pass
    odd = outcome.raised or outcome.value is None or outcome.value is ... or isinstance(outcome.value, BaseException)
    miss = judge(outcome, begin_of, FEED, lambda outcome: None if odd else FEED)
    return Miss("a function feed(data)", miss.came, miss.hint, "()", last=True)


def feeding_trials(decoder, encode, streams, long, faulty=()):
    first, *others = trials(decoder, streams, long, faulty)
    return (_no_feed, first, decoder.apart(streams[0], framed("", [b"12"], encode)), *others)


# --- 2 lengths -------------------------------------------------------------------------------------------------------
def prefixed(message):
    return struct.pack("!H", len(message)) + message


def _length_hint(fed: Fed, due):
    outcome, came = fed.outcome, fed.outcome.value
    begin = fed.place(fed.step)
    left = fed.stream.left(begin + len(fed.pieces[fed.step]))
    size, before = len(left), fed.stream.given(0, begin)
    accident = isinstance(outcome.raised, (IndexError, struct.error)) and not outcome.by_raise
    if size == 1 and (accident or (came == [b""] and not before)):
        return "the length may be cut as well: with fewer than two bytes of it there, wait for more"
    if isinstance(outcome.raised, struct.error) and size == 0:
        return "nothing is left over: with fewer than two bytes there is no length to read, so the loop ends there"
    if outcome.raised:
        return None
    if not isinstance(came, list) or any(type(each) is not bytes for each in came) or (came and came == due[:len(came)]):
        return list_mistake(came, due, fed)
    if came and came == [prefixed(each) for each in due]:
        return "the length is for you: give what stands behind its two bytes"
    if due and came == [each for each in due if each]:
        return EMPTY
    if left[2:] and came == [*due, left[2:]]:
        return PART
    if fed.step == 0:
        for wire, hint in IDEAS:
            if fed.probe(wire, [b"x"]):
                return hint
    if any(len(each) > 32767 for each in due):
        return "a length of two bytes goes up to 65,535, without a sign: \"!H\", not \"!h\""
    if not came and fed.step == 0 and fed.probe(b"\0\1x\0", [b"x"]):
        return LATE
    if found := list_mistake(came, due, fed):
        return found
    if (came and len(due) < len(came)) or any(each not in due for each in came):
        return (PART if any(whole.startswith(each) for each in came for whole, _ in fed.stream.ends) else KEEP)
    return None


IDEAS = (           # bytes that other ideas of the length take for a message b"x"
    (b"\1\0x", "network byte order: the first of the two bytes counts 256s, int.from_bytes(two, \"big\")"),
    (b"\1x", "the length has two bytes: 256 times the first, and the second"),
    (b"\0\0\0\1x", "the length has two bytes, not four: \"!H\""),
    (b"\0\3x", "the length counts the message alone, not its own two bytes"))
LENGTHS = Decoder("lengths", begin_of, messages, _length_hint)
SHORT_LENGTHS = (
    framed("one message", [b"3"], prefixed),
    framed("two messages", [b"12", b"250"], prefixed),
    framed("a message, and the beginning of one", [b"3"], prefixed, b"\0\3te"),
    framed("half a length", [], prefixed, b"\0"),
    framed("an empty message", [b""], prefixed, b"\0"),
    framed("an empty message between two", [b"3", b"", b"12"], prefixed),
    framed("a message with \\n and zeros", [b"\n", b"\0\0\0"], prefixed),
    framed("a message that looks like a length", [b"\0\2"], prefixed),
    framed("300 bytes", [b"x" * 300, b"12"], prefixed),
    framed("a price with a euro sign", ["5 €".encode()], prefixed))
LONG_LENGTHS = (
    framed("200 messages", _some(2, 200, 12), prefixed),
    framed("long messages", [b"a" * 40_000, b"", b"b" * 65_535], prefixed))
lengths = Quiet("lengths", feeding_trials(LENGTHS, prefixed, SHORT_LENGTHS, LONG_LENGTHS))


# --- 3 netstrings ----------------------------------------------------------------------------------------------------
MOST = 999


def netstring(message):
    return b"%d:%s," % (len(message), message)


def _net_hint(fed: Fed, due):
    outcome, came, stream = fed.outcome, fed.outcome.value, fed.stream
    error = outcome.raised
    begin = fed.place(fed.step)
    left = stream.left(begin + len(fed.pieces[fed.step]))
    if stream.fault and fed.step >= len(fed.pieces) - 1:
        return None if error else stream.fault
    if isinstance(error, ValueError):
        if b":" not in left and not outcome.by_raise:
            return "the colon has not come yet, which is no fault: more will come. find() gives -1 where index() raises"
        if fed.step and isinstance(call(lambda: begin_of(fed.function)(fed.pieces[fed.step])).raised, ValueError):
            return KEEP
        if outcome.by_raise and due == [b""]:
            return "0:, is a netstring, with an empty message: it is a zero in front of other digits that is refused"
        if outcome.by_raise:
            return ("what is not whole yet is no fault: refuse only what no further byte can mend" if left else
                    "your code refuses what is right: look at the condition of that raise")
        return "what is not whole yet is no fault, and a message may hold any bytes: only the length says where it ends"
    if isinstance(error, IndexError):
        return "the piece ends there: with fewer bytes than you look for, wait for more"
    if error:
        return None
    if not isinstance(came, list) or any(type(each) is not bytes for each in came):
        return list_mistake(came, due, fed)
    if any(each.endswith(b",") and each[:-1] in due for each in came):
        return "the comma behind a message is not part of it"
    if came and came == [netstring(each) for each in due]:
        return "length, colon and comma are for you: give what stands between them"
    if any(part in came and part not in due for each in due for part in (each.partition(b",")[0], each.partition(b":")[2])):
        return "a message may hold a comma or a colon: the length alone says where it ends"
    if found := list_mistake(came, due, fed):
        return found
    if not due and came and came[0] + b"" == left.partition(b":")[2]:
        return "without its comma the netstring is not whole: give it when the comma has come, and was seen to be one"
    if came and due and all(each in came for each in due):
        return "a message came out that is not whole: its length, its bytes and its comma must all be there"
    if not came and due == [b""]:
        return EMPTY
    return None if fed.step else "the length alone says where a message ends: not the next comma, and not the last one"


NETSTRINGS = Decoder("netstrings", begin_of, messages, _net_hint)
SHORT_NETSTRINGS = (
    framed("one netstring", [b"tea"], netstring),
    framed("two netstrings", [b"3", b"12"], netstring),
    framed("a netstring, and the beginning of one", [b"3"], netstring, b"3:te"),
    framed("no comma yet", [], netstring, b"3:tea"),
    framed("an empty message", [b""], netstring),
    framed("an empty message between two", [b"3", b"", b"12"], netstring),
    framed("a length of two digits", [b"peppermints"], netstring),
    framed("commas and colons inside", [b"a,b", b"4:x"], netstring),
    framed("a netstring in a netstring", [b"3:tea,"], netstring),
    framed("bytes that are no text", [b"\xff\x00\n"], netstring),
    framed("a price with a euro sign", ["5 €".encode()], netstring))
ZEROS = "a length has no zeros in front: 0 is the only one that begins with 0"
DIGITS = ("a length is digits 0 to 9, one at least, and nothing else: int() takes more than that, such as b\" 3\", b\"+3\" and "
          "b\"1_0\"")
COMMA = "behind the message stands a comma: another byte there means that the two ends no longer agree on where messages begin"
BIG = f"more than {MOST} bytes are refused when the length says so: before they have come, and not after"
ENDLESS = f"digits come, and no colon: no length up to {MOST} has a fourth digit, so refuse it, or your buffer grows for ever"


def _bad(wire, fault, *good):
    return framed("to be refused", good, netstring, wire, fault)


FAULTY = (
    _bad(b"3:teas", COMMA), _bad(b"3:tea\n", COMMA), _bad(b"03:tea,", ZEROS), _bad(b"00:,", ZEROS), _bad(b":,", DIGITS),
    _bad(b"x:tea,", DIGITS), _bad(b"-1:,", DIGITS), _bad(b"+3:tea,", DIGITS), _bad(b" 3:tea,", DIGITS), _bad(b"3 :tea,", DIGITS),
    _bad(b"1_0:0123456789,", DIGITS), _bad("٣:tea,".encode(), DIGITS), _bad("²:te,".encode(), DIGITS), _bad(b"1000:", BIG),
    _bad(b"9" * 30, ENDLESS), _bad(b"03:tea,", ZEROS, b"3"), _bad(b"2:tea,", COMMA, b"12"))
netstrings = Quiet("netstrings", feeding_trials(
    NETSTRINGS, netstring, SHORT_NETSTRINGS, [framed("200 netstrings", _some(3, 200, 20), netstring),
                                   framed("long ones", [b"," * MOST, b"", b"1:" * 400], netstring)], FAULTY))
