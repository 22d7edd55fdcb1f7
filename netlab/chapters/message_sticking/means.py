"""Exercise 5 of chapter 6, "Means to an End" (after problem 2 of protohackers.com): what is right, and the usual mistakes."""
import math
import random
import statistics
import struct
from fractions import Fraction

from netlab.chapters.message_sticking.feeding import LOOP
from netlab.chapters.message_sticking.hostile import Read, Server, Talk
from netlab.teach.check import show
from netlab.teach.quiet import Quiet

RECORD = struct.Struct("!cii")
SIZE = ("recv(9) gives 1 to 9 bytes, and recv(4096) any number of records and a part of one: collect bytes, and cut nine off "
        "as long as there are nine")
MEAN = "the mean of this client's own prices whose timestamp lies between the two, which both belong to it"
WHICH = "the first number of an insert is its timestamp, the second its price: the range is one of timestamps"
NONE_FOUND = ("no price was found in the range: are the numbers in network byte order, is the first of an insert its timestamp, "
              "and do mintime and maxtime belong to the range?")
SIGNED = "timestamps and prices are signed: \"i\", or int.from_bytes(four, \"big\", signed=True)"
NOTHING = "no price lies there: the answer is 0"


def insert(timestamp, price):
    return RECORD.pack(b"I", timestamp, price)


def query(begin, end):
    return RECORD.pack(b"Q", begin, end)


def _mean(records, begin, end, inside=lambda begin, time, end: begin <= time <= end):
    found = [price for time, price in records if inside(begin, time, end)]
    return Fraction(sum(found), len(found)) if found else Fraction(0)


def _due(requests):
    """The exact mean for each query."""
    records, due = [], []
    for request in requests:
        kind, first, second = RECORD.unpack(request)
        if kind == b"I":
            records.append((first, second))
        else:
            due.append(_mean(records, first, second))
    return tuple(due)


def _right(number, mean):
    return number in (math.floor(mean), math.ceil(mean))


def _numbers(received):
    return [int.from_bytes(received[place:place + 4], "big", signed=True) for place in range(0, len(received), 4)]


def _listed(words):
    return ", ".join(words if len(words) <= 6 else [*words[:4], f"({len(words) - 5} more)", words[-1]])


def _told(due):
    words = [str(mean) if mean.denominator == 1 else f"{math.floor(mean)} or {math.ceil(mean)}" for mean in due]
    return _listed(words) or "nothing"


def read(talk: Talk, received: bytes, cut: bool) -> Read:
    came, due = _numbers(received), talk.due
    words = "nothing" if not received else f"{_listed([str(each) for each in came])}: {show(received)}"
    if len(received) > 40:
        words = f"{_listed([str(each) for each in came])} ({len(received):,} bytes)"
    if len(received) == 4 * len(due) and all(map(_right, came, due)):
        return Read(words, "", _told(due))
    return Read(words, _fault(talk, received, came, cut), _told(due))


def _fault(talk, received, came, cut):
    due = talk.due
    if cut and talk.requests[-1:] != (b"",) and len(received) < 4 * len(due):
        return SIZE
    if not received and due and len(talk.requests) > 1:
        return ("no answer came: is each message of a piece looked at, also the second and the last one? And the letter is "
                "bytes, b\"Q\", which no text \"Q\" is equal to")
    if received and received.strip(b"-0123456789.\r\n ") == b"":
        return "an answer is four bytes, not digits: struct.pack(\"!i\", mean)"
    if due and received == b"".join(struct.pack("!q", math.floor(mean)) for mean in due):
        return "an insert gets no answer, and a query one of four bytes: \"!i\", where \"!q\" has eight"
    if due and len(received) == 9 * len(due) and received[:1] in (b"Q", b"I"):
        return "an answer is the mean alone, four bytes: no letter before it, nothing behind"
    little = [int.from_bytes(received[place:place + 4], "little", signed=True) for place in range(0, len(received), 4)]
    if due and len(received) == 4 * len(due) and any(due) and all(map(_right, little, due)):
        return "network byte order: the most significant byte stands first, \"!\" in the format"
    if len(received) > 4 * len(due):
        return talk.hint if talk.ends or len(talk.wire) % 9 else "more answers than queries: an insert gets none, a query one"
    if len(received) < 4 * len(due) and all(map(_right, came, due)):
        return LOOP
    return _mistaken(talk, came) or talk.hint


def _mistaken(talk, came):
    """Which other idea of the mean gives just the first wrong number?"""
    records, answers = [], iter(zip(came, talk.due))
    for request in talk.requests:
        kind, first, second = RECORD.unpack(request)
        if kind == b"I":
            records.append((first, second))
        elif kind == b"Q" and not _right(*(pair := next(answers))):
            break
    number = pair[0]
    inside = [price for time, price in records if first <= time <= second]
    if first > second:
        return None
    if not inside:
        return NOTHING
    if number == 0:
        return SIGNED if min(first, second, *(min(pair) for pair in records)) < 0 else NONE_FOUND
    everything = -2**31, 2**31 - 1
    ideas = (
        ("mintime and maxtime belong to the range: <= on both sides", [_mean(records, first, second, test) for test in (
            lambda begin, time, end: begin < time < end, lambda begin, time, end: begin <= time < end,
            lambda begin, time, end: begin < time <= end)]),
        ("only prices whose timestamp is in the range count", [_mean(records, *everything)]),
        (WHICH, [_mean([(price, time) for time, price in records], first, second), _mean(
            [(time, time) for time, price in records], first, second)]),
        ("divide by how many prices are in the range, not by how many there are in all", [Fraction(sum(inside), len(records))]),
        ("that is the sum: a mean is divided by how many there are", [Fraction(sum(inside))]),
        ("that is the last price: all in the range count", [Fraction(records[-1][1]), Fraction(inside[-1])]),
        ("that is the median, the one in the middle: the mean is the sum divided by how many there are",
         [Fraction(statistics.median(inside))]),
        ("that is how many prices there are: their mean is asked", [Fraction(len(inside))]))
    return next((hint for hint, means in ideas if any(_right(number, mean) for mean in means)), None)


def explain(talk: Talk, outcome) -> str | None:
    error, text = outcome.raised, str(outcome.raised)
    if isinstance(error, ZeroDivisionError) or isinstance(error, statistics.StatisticsError):
        return NOTHING
    if isinstance(error, struct.error) and "buffer of 12 bytes" in text:
        return "without the \"!\" struct puts gaps between the numbers, as C does: \"!cii\" has nine bytes, \"cii\" has twelve"
    if isinstance(error, struct.error):
        if "requires a buffer" in text:
            return SIZE
        if "not an integer" in text:
            return "an int32 is a whole number: round the mean to one of its two neighbours"
        if "format requires" in text or "out of range" in text:
            return "timestamps, prices and means have a sign: \"i\", where \"I\" has none"
        if "bytes of length 1" in text:
            return "\"c\" is for one byte"
    if isinstance(error, OverflowError) and "unsigned" in text:
        return "a mean may be negative: to_bytes(4, \"big\", signed=True)"
    if isinstance(error, (IndexError, UnicodeDecodeError)):
        return SIZE if isinstance(error, IndexError) else "two of a record's numbers are no text: only its first byte is a letter"
    if talk.ends and isinstance(error, (ValueError, KeyError)):
        return talk.hint
    return None


def _in_words(wire):
    """Whole records as a table has them: I 1 250, Q 0 2."""
    whole = len(wire) - len(wire) % 9
    words = [f"{kind.decode()} {first} {second}" if kind.isalpha() else repr(RECORD.pack(kind, first, second))
             for kind, first, second in RECORD.iter_unpack(wire[:whole])]
    if len(words) > 8:
        words = [*words[:4], f"({len(words) - 5} more)", words[-1]]
    return ", ".join(words + [repr(wire[whole:])] * (whole < len(wire)))


SERVER = Server("means_to_an_end", read, explain, _in_words,
                "it hung up before it answered: the letter is bytes, b\"I\", which no text \"I\" is equal to. Or does the loop "
                "end after the first message?")


def talk(title, *requests, hint=MEAN, rest=()):
    return Talk(title, (*requests, *rest), _due(requests), hint)


UNKNOWN = "a type that is neither I nor Q: hang up, without an answer"
example = talk("three prices and a query", insert(12345, 101), insert(12346, 102), insert(12347, 100), insert(40960, 5),
               query(12288, 16384))
short = talk("one price and a query", insert(1, 250), query(0, 2))
twice = talk("two queries", insert(10, 250), query(0, 20), insert(15, 350), query(0, 20), hint=SIZE)
ten = talk("ten queries at once", insert(5, 7), *[query(0, 9)] * 10, hint=LOOP)


def _records(count):
    """Inserts and queries in turn. No timestamp comes twice: what that means, the task leaves open."""
    dice = random.Random(count)
    return talk(f"{count} records", *(request for time in dice.sample(range(-1000, 1000), count // 2) for request in (
        insert(time, dice.randrange(-10**6, 10**6)), query(-1000, dice.randrange(0, 1000)))), hint=LOOP)


batch, fifty = _records(1000), _records(50)
unknown = Talk("an unknown type", (insert(1, 3), query(0, 2), RECORD.pack(b"X", 1, 2), query(0, 2)), (Fraction(3),), UNKNOWN,
               ends=True)
zeros = Talk("an unknown type", (query(0, 2), b"\0" * 9, query(0, 2)), (Fraction(0),), UNKNOWN, ends=True)
half = talk("half a query, and then the end of the client", insert(1, 3), query(0, 2), rest=(query(0, 2)[:5],),
            hint="what has not nine bytes when the client ends is no record: it gets no answer")

means_to_an_end = Quiet("means_to_an_end", (
    SERVER.whole(short), *(SERVER.two_clients(talk("", insert(1, 250), query(0, 9)), talk("", insert(2, 10), query(0, 9)), place)
                           for place in (9, 13)),
    SERVER.whole(example), SERVER.one_by_one(talk("", query(0, 9), insert(3, 4), query(0, 9), hint=SIZE)),
    SERVER.whole(twice), SERVER.whole(ten),
    SERVER.cut(short, twice), SERVER.cut(short, pieces=3),
    SERVER.whole(talk("the edges of the range", *(insert(n, n ** 3) for n in range(1, 8)), query(2, 6))),
    SERVER.whole(talk("two equal prices", insert(1, 5), insert(2, 5), insert(3, 5), insert(4, 25), query(1, 4),
                      hint="two timestamps may have the same price: both of them count")),
    SERVER.whole(talk("timestamps in any order", insert(30, 9), insert(10, 4), insert(20, 200), query(10, 25))),
    SERVER.whole(talk("no prices at all", query(0, 100), hint=NOTHING)),
    SERVER.whole(talk("no price in the range", insert(5, 7), query(6, 100), hint=NOTHING)),
    SERVER.whole(talk("mintime after maxtime", insert(5, 7), query(9, 1), hint="mintime is after maxtime: the answer is 0")),
    SERVER.whole(talk("negative prices", insert(1, -100), insert(2, -201), query(0, 5), hint=SIGNED)),
    SERVER.whole(talk("negative timestamps", insert(-5, 70), insert(5, 7), query(-9, 9), hint=SIGNED)),
    SERVER.whole(talk("large numbers", *[insert(n, 2**31 - 1) for n in range(4)], query(-2**31, 2**31 - 1))),
    SERVER.whole(talk("bytes that are a line end", insert(0x0A0A0A0A, 10), query(0x0A0A0A0A, 0x0A0A0A0A), hint=SIZE)),
    SERVER.whole(unknown), SERVER.whole(zeros), SERVER.cut(zeros),
    SERVER.whole(half), SERVER.byte_by_byte(twice, ten, half), SERVER.short_sends(ten, 3),
    SERVER.whole(batch), SERVER.at_random(fifty),
    SERVER.crowd([talk("", insert(1, n), query(0, 9)) if n != 3 else Talk(
        "", (RECORD.pack(b"?", 0, 0),), (), UNKNOWN, ends=True) for n in range(1, 6)], 7)))
