"""Exercises of chapter 5: order, a database over UDP, an asker that does not give up, a ping, and DNS.

In a notebook: `from netlab.chapters.udp import check`, then `check.ping(ping)`. The two that talk through a socket,
`get_price` and `ping`, are in `askers.py`, those on DNS in `dns.py`.
"""
import dataclasses
import socket
import struct

from netlab.chapters.udp import hostile
from netlab.chapters.udp.askers import SEEDS, SHORT, get_price, ping
from netlab.chapters.udp.dns import dns_addresses, dns_question
from netlab.chapters.udp.hostile import number, price_server
from netlab.servers import serve_udp
from netlab.teach.check import Miss, Outcome, call, judge, show
from netlab.teach.quiet import Quiet

# --- 1 in_order ------------------------------------------------------------------------------------------------
WORDS = [word.encode() for word in "each once and in the order in which they left".split()]


def _datagram(count, payload):
    return number(count, 4) + payload


def _told(datagrams):
    """What arrived, by its numbers."""
    told = [str(int.from_bytes(data[:4], "big")) if len(data) > 3 else show(data) for data in datagrams]
    return " ".join(told if len(told) < 30 else [*told[:12], "…", told[-1]]) or "nothing"


def _listed(function, datagrams):
    """The outcome of a call, and of all that is taken from what it gives."""
    def taking():
        given = function(iter(datagrams))
        return given if isinstance(given, (str, bytes, dict)) or not hasattr(given, "__iter__") else list(given)

    return dataclasses.replace(call(taking), function=function)


def _ordered(title, payloads, datagrams, hint):
    """A trial: these datagrams come, and these payloads are due."""
    def trial(function):
        outcome = _listed(function, datagrams)
        miss = judge(outcome, payloads, hint, lambda outcome: _order_mistake(outcome, payloads, datagrams))
        if miss:
            miss.call = f"(datagrams): {title}, they come as {_told(datagrams)}"
        return miss
    return trial


def _order_mistake(outcome, payloads, datagrams):
    came, error = outcome.value, outcome.raised
    if isinstance(error, (IndexError, struct.error)) and any(len(data) < 4 for data in datagrams):
        return SHORT
    if isinstance(error, StopIteration) or (isinstance(error, RuntimeError) and "StopIteration" in str(error)):
        return "next() raises StopIteration when no datagram comes any more: a for loop ends there by itself"
    if isinstance(error, KeyError):
        return "that number is not waiting: `in` asks a dict whether it has a key"
    if error is not None or not isinstance(came, list):
        return None
    if came and any(data in came and len(data) > 4 and data not in payloads for data in datagrams):
        return "the number is for you: give what stands behind its four bytes"
    if any(isinstance(each, (tuple, int)) for each in came):
        return "give the payloads alone, each as the bytes that it is"
    if len(came) > len(payloads) and came[:len(payloads)] == payloads and set(came[len(payloads):]) <= set(payloads):
        return "more than was sent came out: a datagram that comes twice is given once, also when it comes late"
    if len(came) < len(payloads) and came == payloads[:len(came)]:
        return _missing(len(came), payloads, datagrams)
    if len(came) > len(payloads) and came[:len(payloads)] == payloads:
        return "a hole was jumped: what comes behind a missing datagram waits, for ever if it must"
    if came and came == payloads[1:] and payloads[0] not in came:
        return "datagram 0 came, and its payload is missing: numbers begin with 0"
    if sorted(came) == sorted(payloads):
        return "all of it is there, and not in order: whose number is not the next one has to wait"
    if set(payloads) == set(came) and len(came) < len(payloads):
        return "two payloads may be equal: only the number tells whether a datagram is the same one"
    if len(came) > len(payloads):
        return "a datagram came twice, and so did its payload: what was given before is dropped"
    return None


def _missing(count, payloads, datagrams):
    """Why did nothing go out from datagram `count` on?"""
    if payloads[count] == b"":
        return "an empty payload is a payload: b\"\" is false in an if, so ask for what you mean"
    order = [int.from_bytes(data[:4], "big") for data in datagrams if len(data) > 3]
    if count and order.index(count) < order.index(count - 1):
        return (f"datagram {count} came before {count - 1}: keep it by its number, and when {count - 1} has gone out, {count} "
                "goes out at once, and all that waits behind it without another hole")
    return (f"datagram {count} came, and its payload did not go out: the number is the first four bytes, the most significant "
            "first, int.from_bytes(data[:4], \"big\"), and numbers begin with 0")


def _of(payloads, *numbers):
    return [_datagram(count, payloads[count]) for count in numbers]


def _live(function):
    """Is each payload given before the next datagram is asked for?"""
    taken, found = [], []

    def feed():
        for datagram in _of(WORDS, 0, 2, 1, 3):
            taken.append(datagram)
            yield datagram

    def taking():
        for payload in function(feed()):
            found.append((payload, len(taken)))

    outcome = dataclasses.replace(call(taking), function=function)
    where, wanted = "(datagrams): one that is still running", [(WORDS[0], 1), (WORDS[1], 3), (WORDS[2], 3), (WORDS[3], 4)]
    miss = judge(outcome, None, "give the payloads")
    if not miss and found != wanted:
        text = [" → ".join(f"{show(payload)} after {count}" for payload, count in row) for row in (wanted, found)]
        miss = Miss(text[0] + " datagrams", (text[1] or "nothing") + " datagrams",
                    "a stream has no end: yield a payload as soon as it can be given, before the next datagram is taken")
    if miss:
        miss.call = where
    return miss


def _order_over_links(**link):
    def trial(function):
        for seed in SEEDS:
            datagrams = hostile.arrivals(_of(WORDS, *range(len(WORDS))), seed=seed, **link)
            numbers = {int.from_bytes(data[:4], "big") for data in datagrams}
            first = next(count for count in range(len(WORDS) + 1) if count not in numbers)
            hint = "nothing behind a hole, nothing twice, all in order"
            if miss := _ordered(hostile.over_link(seed, link), WORDS[:first], datagrams, hint)(function):
                return miss
        return None
    return trial


in_order = Quiet("in_order", (
    _ordered("nothing overtaken", WORDS[:3], _of(WORDS, 0, 1, 2), "the payloads, one after the other"),
    _ordered("one overtaken", WORDS[:3], _of(WORDS, 0, 2, 1), "keep what came too early, by its number"),
    _ordered("the first comes last", WORDS[:4], _of(WORDS, 3, 2, 1, 0), "keep what came too early, by its number"),
    _ordered("doubled", WORDS[:3], _of(WORDS, 0, 0, 1, 2, 1), "what was given before is dropped"),
    _ordered("doubled while it waits", WORDS[:4], _of(WORDS, 0, 2, 2, 3, 2, 1, 2), "what waits already is no news"),
    _ordered("one is lost", WORDS[:2], _of(WORDS, 0, 1, 3, 4), "without datagram 2 nothing behind it is given"),
    _ordered("no datagram", [], [], "nothing comes, nothing is given"),
    _ordered("equal payloads", [b"ha", b"ha", b"!"], _of([b"ha", b"ha", b"!"], 1, 0, 2), "the number tells, not the payload"),
    _ordered("an empty payload", [b"a", b"", b"b"], _of([b"a", b"", b"b"], 0, 2, 1), "an empty payload is a payload"),
    _ordered("too short for a number", WORDS[:2], [b"", *_of(WORDS, 0), b"\0\0\0", *_of(WORDS, 1)], SHORT),
    _ordered("300 datagrams", [str(count).encode() for count in range(300)],
             [_datagram(count, str(count).encode()) for count in (*range(2, 300), 1, 0)],
             "the number is all of the first four bytes: int.from_bytes(data[:4], \"big\")"),
    _live,
    _order_over_links(duplicate=0.3, reorder=0.4),
    _order_over_links(loss=0.1, duplicate=0.2, reorder=0.3)))


# --- 2 database ------------------------------------------------------------------------------------------------
ALICE, BOB = ("192.0.2.1", 4001), ("192.0.2.2", 4002)       # clients' addresses
NOTHING = None
SPLIT = "the first = ends the key; all behind it is the value, whatever it holds"
INSERT = "an insert is not answered: give back None, and no datagram is sent"
LAST = "the last insert that arrived wins, also when the same datagram came before"
FIRST = "insert and retrieve"
ALL = "every client sees what any client inserted"
FIXED = "version cannot be changed: such an insert is dropped, and not answered"


def _conversation(title, *steps):
    """A trial: requests to a new database. A step is (request, its answers that are allowed, hint[, who asks])."""
    def trial(function):
        made = call(function)
        if made.raised or not callable(made.value):
            return _no_handler(made)
        said = []
        for request, allowed, hint, *who in steps:
            client = who[0] if who else ALICE
            outcome = dataclasses.replace(call(made.value, request, client), function=made.value)
            said.append(show(request) + (" (bob)" if client == BOB else ""))
            if not any(outcome.meets(answer) for answer in allowed):
                miss = judge(outcome, allowed[0], hint, lambda outcome, step=(request, allowed, title != FIRST and hint):
                             _base_mistake(outcome, *step))
                return _at(f": {title}: handler gets {', then '.join(said[-6:])}", " or ".join(map(show, allowed)), miss)
        return None
    return trial


def _no_handler(made):
    hint = "database() gives back the handler, a function of its own: return handler"
    strange = not (made.raised or made.value in (None, ...) or isinstance(made.value, BaseException))
    return _at("", "a function handler(data, address)", judge(made, _no_handler, hint, lambda made: strange and hint))


def _at(where, expected, miss):
    return Miss(expected, miss.came, miss.hint, "()" + where, miss.last)


def _base_mistake(outcome, request, allowed, hint=None):
    came, error, wanted = outcome.value, outcome.raised, allowed[0]
    if isinstance(error, UnicodeError):
        return "a key and a value are bytes, not text: split and keep them as they are"
    if isinstance(error, KeyError):
        return "this key was never inserted: get() of a dict gives None, or what you say, where [] raises"
    if isinstance(error, ValueError) and "unpack" in str(error):
        return SPLIT
    if isinstance(error, IndexError):
        return "a datagram may be empty, and is a request all the same: it asks for the empty key"
    if wanted is None and isinstance(came, bytes) and came in (b"tea=3", b"tea=4"):
        return "each call of database() makes an empty one: the dict is made inside of it"
    if came == b"" and wanted is None:
        return "b\"\" is sent, as an empty datagram: None sends nothing"
    if came is not None and wanted is None and b"=" in request:
        return FIXED if request.startswith(b"version=") else INSERT
    if isinstance(came, bytes) and wanted and came == wanted.partition(b"=")[2]:
        return "the answer has the key in front: key=value, or who asked for two keys could not tell them apart"
    if isinstance(came, bytes) and came.translate(None, b" \r\n") == (wanted or b"").translate(None, b" \r\n"):
        return "spaces and line ends belong to a key or a value like any other byte: nothing is stripped"
    return hint if error is None and (came is None or type(came) is bytes) else None


def _kept(*pairs, hint=SPLIT):
    """Insert, then ask."""
    return [step for insert, key in pairs for step in ((insert, (NOTHING,), INSERT), (key, (insert,), hint))]


def _unknown(key):
    return key, (NOTHING, key + b"="), "a key that nobody inserted: no answer, or the key, = and nothing"


def _version(function):
    """Any value will do, as long as it stays."""
    made = call(function)
    if made.raised or not callable(made.value):
        return _no_handler(made)
    said, first = [], None
    for request in (b"version", b"version=2", b"version", b"version=", b"version"):
        outcome = dataclasses.replace(call(made.value, request, ALICE), function=made.value)
        said.append(show(request))
        where, value = f": the version: handler gets {', then '.join(said)}", outcome.value
        if b"=" in request:
            if not outcome.meets(None):
                insert = (request, (None,))
                return _at(where, "None", judge(outcome, None, FIXED, lambda outcome, insert=insert:
                                                   _base_mistake(outcome, *insert)))
        elif outcome.raised or type(value) is not bytes or not value.startswith(b"version=") or not 8 < len(value) < 1000:
            hint = FIXED if first else "the key version is there from the beginning, with a value that you choose"
            none = hint if value is None and not outcome.raised else None
            miss = judge(outcome, b"version=1", hint, lambda outcome, none=none: none) or Miss("", show(value), hint)
            return _at(where, "b'version=' and a value of yours", miss)
        elif value != (first or value):
            return _at(where, show(first), Miss("", show(value), FIXED))
        else:
            first = value
    return None


def _base_over_links(function):
    """Inserts over a bad link, and a look at the key after each: what arrived last is there."""
    link = {"loss": 0.2, "duplicate": 0.3, "reorder": 0.4}
    for seed in SEEDS:
        inserts = [b"tea=" + str(price).encode() for price in (3, 4, 3, 5, 4, 6, 3, 7)]
        steps = []
        for insert in hostile.arrivals(inserts, seed=seed, **link):
            steps += [(insert, (NOTHING,), INSERT), (b"tea", (insert,), LAST, BOB)]
        if miss := _conversation(hostile.over_link(seed, link), *steps)(function):
            return miss
    return None


def _base_served(function):
    """On a real server, with twenty clients, each of which asks for another's key."""
    if miss := _conversation(FIRST, *_kept((b"tea=3", b"tea")))(function):
        return miss
    handler = call(function).value
    clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(20)]
    came = []
    try:
        with serve_udp(handler, name="database") as server:
            for count, client in enumerate(clients):
                client.settimeout(3)
                client.sendto(b"key %d=%d" % (count, count), server.address)
            for count, client in enumerate(clients):
                client.sendto(b"key %d" % (19 - count), server.address)
            for client in clients:
                came.append(client.recv(2000))
    except Exception as error:
        outcome = Outcome(handler, raised=error)
        return _at(": on a server, with 20 clients", "an answer for each", judge(outcome, None, "each retrieve has an answer"))
    finally:
        for client in clients:
            client.close()
    wanted = [b"key %d=%d" % (count, count) for count in reversed(range(20))]
    if came == wanted:
        return None
    return Miss(show(wanted), show(came), ALL, "(): on a server, with 20 clients")


database = Quiet("database", (
    _conversation(FIRST, *_kept((b"tea=3", b"tea"), (b"salt=1", b"salt"), hint="key=value, as it was inserted")),
    _conversation("a new value", (b"tea=3", (NOTHING,), INSERT), (b"tea=4", (NOTHING,), INSERT), (b"tea", (b"tea=4",), LAST),
                  (b"tea=3", (NOTHING,), INSERT), (b"tea", (b"tea=3",), LAST)),
    _conversation("a new database", _unknown(b"tea")),
    _conversation("unknown keys", _unknown(b"rice"), _unknown(b"rice"), (b"rice=2", (NOTHING,), INSERT), _unknown(b"ric"),
                  _unknown(b"Rice")),
    _conversation("= in the value", *_kept((b"a=b=c", b"a"), (b"sum==", b"sum"), (b"x===y=", b"x"))),
    _conversation("empty ones", *_kept((b"tea=", b"tea"), (b"=nobody", b""), (b"===", b""))),
    _conversation("an empty datagram", (b"", (NOTHING, b"="), "an empty datagram asks for the empty key")),
    _version,
    _conversation("nearly version", *_kept((b"Version=1", b"Version"), (b"version =1", b"version "),
                                             (b"versions=3", b"versions"))),
    _conversation("spaces and line ends", *_kept((b" tea = 3 ", b" tea "), (b"salt\n=1\r\n", b"salt\n"),
                  hint="nothing is stripped")),
    _conversation("bytes that are no UTF-8", *_kept((b"\xff\xfe=\x80\0", b"\xff\xfe"), (b"caf\xe9=1", b"caf\xe9"),
                  hint="bytes, as they came")),
    _conversation("999 bytes", *_kept((b"k=" + b"v" * 997, b"k"), (b"k" * 998 + b"=", b"k" * 998), hint="all 999 bytes of it")),
    _conversation("1000 bytes", (b"k=old", (NOTHING,), INSERT), (b"k=" + b"v" * 998, (NOTHING,), INSERT),
                  (b"k", (b"k=old",), "1000 bytes are no request: dropped, and nothing is inserted"),
                  (b"k" * 1000, (NOTHING,), "1000 bytes are no request: dropped, and not answered")),
    _conversation("two clients", (b"tea=3", (NOTHING,), INSERT), (b"tea", (b"tea=3",), ALL, BOB),
                  (b"tea=4", (NOTHING,), INSERT, BOB), (b"tea", (b"tea=4",), ALL)),
    _base_over_links,
    _base_served))

__all__ = ["EXERCISES", "database", "dns_addresses", "dns_question", "get_price", "in_order", "ping", "price_server"]
EXERCISES = (in_order, database, get_price, ping, dns_question, dns_addresses)
