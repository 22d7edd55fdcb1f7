"""Exercise 4 of chapter 6, "Prime Time" (after problem 1 of protohackers.com): what is right, and the usual mistakes."""
import json

from netlab.chapters.message_sticking.feeding import LOOP
from netlab.chapters.message_sticking.hostile import Read, Server, Talk
from netlab.teach.check import show
from netlab.teach.quiet import Quiet

LIMIT = 4096            # bytes of a line
MALFORMED = "malformed"
_WORDS = {True: "true", False: "false", MALFORMED: "a malformed line"}
NO_LINE = "a request ends with its \\n, and its JSON is whole only then: collect bytes, cut out lines, read each with json.loads"
HALF = "a line is text when it is whole: a piece may end within a character, so look for b\"\\n\" in the bytes, and decode then"
MANY = LOOP + (". (And before Python 3.13 a text file that is open to read and write, \"rw\", forgets what it has read ahead "
               "when you write)")
PART = "what has no \\n when the client ends is no request: it gets no answer"
HANG_UP = "one malformed answer, and the end: what stands behind it is not answered"


def asks(number, **more):
    """A request for this number, which stands there as it is."""
    extra = "".join(f',"{key}":{json.dumps(value, ensure_ascii=False)}' for key, value in more.items())
    return f'{{"method":"isPrime","number":{number}{extra}}}\n'.encode()


def _answer(line):
    """What a client makes of a line: True, False, or MALFORMED."""
    try:
        found = json.loads(line)
    except ValueError:
        return MALFORMED
    right = isinstance(found, dict) and found.get("method") == "isPrime" and isinstance(found.get("prime"), bool)
    return found["prime"] if right else MALFORMED


def _told(due):
    if not due:
        return "nothing"
    if len(due) == 1 and due[0] != MALFORMED:
        return show(b'{"method":"isPrime","prime":%s}\n' % _WORDS[due[0]].encode())
    words = [_WORDS[each] for each in due]
    return ", ".join(words if len(words) <= 6 else [*words[:4], f"({len(words) - 5} more)", words[-1]])


def read(talk: Talk, received: bytes, cut: bool) -> Read:
    *lines, rest = received.split(b"\n")
    came, due = tuple(map(_answer, lines)), talk.due
    words = "nothing" if not received else show(received) if len(received) <= 130 else f"{_told(came)} ({len(lines)} lines)"
    if came == due and not rest:
        return Read(words, "", _told(due))
    return Read(words, _fault(talk, lines, rest, came, cut), _told(due))


def _fault(talk, lines, rest, came, cut):
    due = talk.due
    if b"" in lines:
        return "an empty line came: one \\n ends an answer"
    if rest:
        if rest.startswith((b"{'", b"{\"method': ")) or b"True" in rest or b"False" in rest:
            return "that is how Python writes a dict: json.dumps writes it as JSON"
        return "each answer is a line, the malformed one too: b\"\\n\" ends it"
    for line, each, wanted in zip(lines, came, due):
        if each == wanted:
            continue
        if wanted == MALFORMED:
            return talk.hint
        if each is not MALFORMED:
            return talk.hint
        if b"'" in line or b"True" in line or b"False" in line:
            return "that is how Python writes a dict: json.dumps writes it as JSON"
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if isinstance(found, str):
            return "a JSON text came, in quotes, and no object: json.dumps once, of the dict itself"
        if isinstance(found, dict) and "prime" in found and not isinstance(found["prime"], bool):
            return "\"prime\" is true or false, a JSON boolean: json.dumps makes it of True and False"
        if isinstance(found, dict) and ("prime" in found or found.get("method") == "isPrime"):
            return "an answer has two fields, \"method\", which is \"isPrime\", and \"prime\""
        return NO_LINE if (cut and talk.hint != LONG) or talk.hint == MANY else talk.hint
    if len(came) > len(due):
        if MALFORMED in due:
            return HANG_UP if len(due) > 1 or came[0] == MALFORMED else talk.hint
        if came[:len(due)] == due:
            return PART if not talk.wire.endswith(b"\n") else "more answers than requests: forget a request that was answered"
    if came == due[:len(came)]:
        if MALFORMED in due:
            return talk.hint if talk.hint == ENDLESS else f"one malformed answer is due before you hang up: {talk.hint}"
        return NO_LINE if cut else MANY if came else talk.hint
    return talk.hint


def explain(talk: Talk, outcome) -> str | None:
    error, bad = outcome.raised, MALFORMED in talk.due
    if isinstance(error, UnicodeDecodeError):
        return TEXT if bad else HALF
    if isinstance(error, json.JSONDecodeError):
        return JSON if bad else NO_LINE
    if bad and isinstance(error, (KeyError, TypeError, AttributeError, ValueError)) and talk.due[-1] == MALFORMED:
        return talk.hint
    if isinstance(error, OverflowError):
        return "1e400 is JSON, and Python reads it as float(\"inf\"): a float is no prime, whatever its value, and needs no int()"
    return None


SERVER = Server("prime_time", read, explain)


def good(title, *pairs, hint=NO_LINE, rest=(), slow=""):
    """A talk of well-formed requests, given as (request, answer)."""
    return Talk(title, (*(request for request, _ in pairs), *rest), tuple(answer for _, answer in pairs), hint, slow=slow)


def bad(line: bytes, hint: str, title="a malformed request"):
    """A good request, a malformed one, and a good one that nobody answers any more."""
    return Talk(title, (asks(7), line, asks(11)), (True, MALFORMED), hint, ends=True)


SEVEN, EIGHT = (asks(7), True), (asks(8), False)
NUMBER = "a number that is no whole one is a number: it is not prime, and not malformed"
FIELD = "\"method\" and \"number\" must both be there, and the method is \"isPrime\": else the request is malformed"
OBJECT = "a request is a JSON object, a dict in Python: JSON may be a list, a text, a number or null as well, all malformed here"
KIND = "\"number\" is a JSON number: a text is none, nor is a list or null"
BOOL = "true is no number in JSON, but in Python a bool is an int: isinstance(True, int)"
JSON = "what is no JSON is malformed: json.loads tells it by a ValueError"
TEXT = "bytes that are no text are malformed: json.loads raises UnicodeDecodeError, another ValueError than JSONDecodeError"
EXTRA = "other fields may stand beside the two: ignore them"
SPACES = "JSON may have spaces, and its fields stand in any order: json.loads reads them all"
ENDLESS = (f"{LIMIT:,} bytes came, and no \\n: refuse such a line as malformed before its end, or a client fills your memory")
ROOT = "a number that has no divisor up to its square root is prime: for 2147483647 that is 46,340 numbers to try, not all"
LONG = f"a line may have {LIMIT:,} bytes with its \\n: refuse only a longer one"
SIGNS = "0, 1 and negative numbers are no primes"

two = good("two requests", SEVEN, EIGHT)
euro = good("text that is not ASCII", (asks(7, note="5 €"), True), hint=EXTRA)
batch = good("500 requests", *[(asks(n), n in (2, 3, 5, 7)) for n in range(10)] * 50, hint=MANY)
fifty = good("50 requests", *[(asks(n), n in (2, 3, 5, 7)) for n in range(10)] * 5, hint=MANY)
longest = good("a line of 4,096 bytes", (asks(7, note="x" * (LIMIT - len(asks(7, note="")))), True), SEVEN, hint=LONG)
endless = Talk("a line that never ends", (asks(7), *[b"9" * 1000] * 40), (True, MALFORMED), ENDLESS, ends=True)
half = good("half a request, and then the end of the client", SEVEN, rest=(b'{"method":"isPrime","num',),
            hint=PART)
nearly = good("a request without its \\n, and then the end of the client", SEVEN, rest=(asks(11)[:-1],),
              hint=PART)
BAD = (
    bad(b"hello\n", JSON), bad(b'{"method":"isPrime","number":7\n', JSON), bad(b"\n", "an empty line is no JSON: malformed"),
    bad(b'{"method":"isPrime"}\n', FIELD), bad(b'{"number":7}\n', FIELD), bad(b'{"method":"isprime","number":7}\n', FIELD),
    bad(b'{"method":"isPrime","number":"7"}\n', KIND), bad(b'{"method":"isPrime","number":null}\n', KIND),
    bad(b'{"method":"isPrime","number":[7]}\n', KIND), bad(b'{"method":"isPrime","number":true}\n', BOOL),
    bad(b"[1,2]\n", OBJECT), bad(b"7\n", OBJECT), bad(b'"isPrime"\n', OBJECT), bad(b"null\n", OBJECT),
    bad(b'{"method":["isPrime"],"number":7}\n', FIELD), bad(b"\x80\xff\n", TEXT))


prime_time = Quiet("prime_time", (
    SERVER.whole(good("one request", SEVEN)), SERVER.whole(good("one request", EIGHT)),
    SERVER.two_clients(good("", SEVEN), good("", EIGHT), 20), SERVER.one_by_one(two), SERVER.whole(two),
    SERVER.cut(good("one request", SEVEN), two, good("spaces", (b' {"number" : 7, "method":"isPrime"} \n', True), hint=SPACES)),
    SERVER.whole(euro), SERVER.cut(euro),
    *(SERVER.whole(good("a number", (asks(number), False), hint=hint)) for number, hint in (
        (1, SIGNS), (0, SIGNS), (-7, SIGNS), ("7.5", NUMBER), ("-0.5e3", NUMBER), ("1e400", NUMBER))),
    SERVER.whole(good("large numbers", (asks(2**31 - 1), True), (asks(10**40), False), hint=ROOT, slow=ROOT)),
    *(SERVER.whole(talk) for talk in BAD), SERVER.cut(BAD[0]),
    SERVER.whole(half), SERVER.whole(nearly), SERVER.byte_by_byte(two, BAD[0], half),
    SERVER.cut(good("one request", SEVEN), pieces=3), SERVER.short_sends(two, 3),
    SERVER.whole(batch), SERVER.short_sends(batch, 1000), SERVER.at_random(fifty), SERVER.in_pieces(longest, 1000),
    SERVER.in_pieces(endless, 1000),
    SERVER.crowd([good("", SEVEN, EIGHT), Talk("", (asks(7)[:25] + b"\n",), (MALFORMED,), JSON, ends=True), good("", EIGHT),
                   good("", (asks("1009"), True)), good("", SEVEN)], 20)))
