"""Two exercises of chapter 5 that talk through a socket, `get_price` and `ping`, and how they are judged.

Each is tried on a `hostile.Bench`. It knows what the function sent and what its calls gave: what is due follows from that.
"""
import re
import struct

from netlab.chapters.udp.hostile import Bench, number, over_link, priced, same
from netlab.teach.check import Miss, Raises, judge, show
from netlab.teach.quiet import Quiet

SEEDS = range(1, 51)
TINY = 0.002            # seconds that is waited where nothing is on its way, over many seeds
EARLY = 0.7             # of the time that is to be waited: clocks are coarse
TRIES = 3               # of a seed, each with more time: a machine may be busy
SHORT = "a datagram may be empty, or have fewer bytes than you look for: see its length first, and drop it"


# --- 3 get_price -----------------------------------------------------------------------------------------------------
STRANGER = "that came from a stranger: recvfrom also gives the sender's address, and only one is the server's"
NO_NUMBER = "a datagram may be empty or too short for a number: see its length first, and drop it"
OTHER = "that answers another question: the first two bytes say which, so drop it and go on waiting"
CUT_OFF = "recvfrom(n) takes n bytes of a datagram, and the rest of it is gone: ask for more than ever comes"
SO_OFTEN = "tries is {}: so often the request goes out"
LOST = "time is up says that the request or its answer was lost: no reason to stop, but to send the request again"


def _asking(title, *questions, timeout=0.05, tries=3, seeds=(None,), judged=None, **bench):
    """A trial: questions (number, text) one after the other with the same socket. `judged(talk)` looks at it afterwards."""
    def once(function, seed, times):
        with Bench(priced, **bench, **({} if seed is None else {"seed": seed})) as talk:
            for ident, question in questions:
                seconds = timeout * times
                outcome = talk.run(function, ident, question, talk.address, seconds, tries)
                miss = _judged_asker(talk, ident, question, seconds, tries, outcome)
                if miss := miss or (judged and judged(talk)):
                    where = title if seed is None else over_link(seed, bench)
                    miss.call = f"(sock, {ident}, {show(question)}, address, {seconds:g}, {tries}): {where}"
                    return miss
        return None

    def trial(function):
        for seed in seeds:
            for again in range(TRIES if seed is not None else 1):
                miss = once(function, seed, 4 ** again)
                if not miss or miss.last:
                    break
            if miss:
                return miss
        return None
    return trial


def _judged_asker(talk, ident, question, timeout, tries, outcome):
    request = number(ident) + question
    answers = [given.data[2:] for given in talk.given if given.server and given.data[:2] == number(ident)]
    failed = outcome.raised and not isinstance(outcome.raised, TimeoutError) and not outcome.late
    waiting = [] if answers or outcome.raised else [data[2:] for data in talk.left() if data[:2] == number(ident)]
    expected = (answers or waiting or [Raises(TimeoutError)])[0]
    tells = f". What happened: {talk.tells()}" if talk.story else ""
    what = "an answer, or TimeoutError" if failed or (outcome.late and not answers) else show(expected)

    def missed(expected, hint):
        due = None if failed and len(talk.sent) < tries else expected       # what a raise is measured by
        miss = judge(outcome, due, hint, lambda outcome: _asker_mistake(talk, request, expected, tries, outcome))
        return Miss(what, miss.came + tells, miss.hint, last=miss.last)

    if failed or isinstance(outcome.value, BaseException) or outcome.value is ...:
        return missed(expected, "")
    wrong = [data for _, data in talk.sent if data != request]
    if wrong or talk.astray or not talk.sent:
        came = f"it got {show(wrong[0])}" if wrong else "nothing came to it"
        hint = _nothing_came(talk) if not wrong else _request_mistake(wrong[0], talk.sent[0][1], ident, question)
        return Miss(f"the server gets {show(request)}", came, hint, last=outcome.raised is not None)
    if talk.closed:
        return Miss("the given socket still open", "it is closed", "the socket belongs to the caller: leave it open")
    early = not outcome.late and _early(talk.waited()[:None if isinstance(outcome.raised, TimeoutError) else -1], timeout, tries)
    if early:
        return Miss(early[0], early[1] + tells, "an empty answer is an answer: b\"\" is false in an if, so ask for what you mean"
                    if b"" in answers else early[2] if not _junk(talk, request) else
                    "what is no answer to this question is no reason to ask again: go on waiting for what is left of the time")
    if isinstance(outcome.raised, TimeoutError) and not answers:
        if len(talk.sent) != tries:
            return Miss(f"{tries} requests", f"raised TimeoutError after {len(talk.sent)}{tells}",
                        LOST if len(talk.sent) < tries and not outcome.by_raise else SO_OFTEN.format(tries))
        if any(data[:2] == number(ident) for data in talk.left()):
            return Miss("the answer", f"raised TimeoutError, and the answer was there{tells}",
                        "what is no answer is dropped, and what comes behind it is looked at: until time is up, in a loop")
        return None
    if len(talk.sent) > tries and not outcome.late:
        return Miss(f"at most {tries} requests", f"{len(talk.sent)}{tells}", SO_OFTEN.format(tries))
    if outcome.meets(expected):
        return None
    return missed(expected, "the answer is what stands behind the number in the server's datagram")


def _unconnected(talk):
    """Can the caller's socket still hear everybody?"""
    if not talk.connected:
        return None
    return Miss("the given socket still without a peer: getpeername() raises OSError", "getpeername() gives the server's address",
                "the socket is the caller's: leave it unconnected. A connected one hears no other server")


def _early(waits, timeout, tries):
    """Was a wait shorter than it has to be? (expected, came, hint)"""
    for count, came in enumerate(waits):
        due = timeout * 2 ** count
        if came < due * EARLY:
            if not count:
                hint = "the request went out again, or the function ended, before `timeout` was up"
            elif count == tries - 1 and came < timeout * EARLY:
                hint = "the last request has its time, too: the error comes when that is over"
            else:
                hint = "each wait is twice as long as the one before: more requests are no help to a slow server"
            return f"wait {count + 1} takes {due:g} seconds", f"{came:.3f} seconds", hint
    return None


def _junk(talk, request):
    """Did the function get what is no answer, after which it was to wait on?"""
    return any(not given.server or given.data[:2] != request[:2] for given in talk.given)


def _nothing_came(talk):
    if talk.own:
        return "another socket was used: send through `sock`, the one that you are given, and receive from it"
    return ("sendto(data, address): the second argument says where to" if talk.astray else
            "nothing was sent: a server answers only who asks")


def _request_mistake(wrong, first, ident, question):
    if wrong == question:
        return "the number stands in front of the question, as two bytes: by it you know the answer again"
    if wrong == ident.to_bytes(2, "little") + question:
        return "network byte order: the most significant byte stands first"
    if wrong == str(ident).encode() + question:
        return "the number is two bytes of that value, number.to_bytes(2, \"big\"), not the digits that one reads"
    if re.fullmatch(rb"\d+\W+" + re.escape(question), wrong):
        return "the number is two bytes, the most significant first, and the name follows at once"
    if wrong[2:] == question and wrong == first:
        return f"the number in front is {int.from_bytes(wrong[:2], 'big')}, and the one that is given is {ident}"
    if wrong[2:] == question:
        return "each try carries the same number: an answer to the first one may come late, and is an answer"
    if wrong.endswith(question):
        return f"{len(wrong) - len(question)} bytes stand before the question: the number has two"
    return "the number as two bytes, then the question as it is"


def _asker_mistake(talk, request, expected, tries, outcome):
    came, error = outcome.value, outcome.raised
    others = [given for given in talk.given if given.data[:2] != request[:2] or not given.server]
    if isinstance(error, (IndexError, struct.error)):
        return SHORT
    if outcome.late and "waits for ever" in " ".join(talk.story[-1:]):
        return "recvfrom waits for an answer that does not come: what limits how long it waits?"
    if outcome.late and talk.chatter is not None:
        return ("a stranger sends on and on, and each recvfrom is in time: settimeout limits one call, a deadline limits all of "
                "them (part 7, step 3)")
    if outcome.late and len(talk.sent) > tries:
        return "nobody answers, and the requests have no end: after `tries` of them raise TimeoutError"
    if isinstance(error, BlockingIOError):
        return "settimeout(0) does not wait at all: nothing left means that this try is over"
    if isinstance(error, TimeoutError):
        return LOST
    if isinstance(error, ValueError) and "imeout" in str(error):
        return "settimeout takes no negative number: nothing left of the time means that this try is over"
    if isinstance(came, tuple):
        return "recvfrom gives two things, the datagram and who sent it: give back the answer alone"
    if error is None and isinstance(expected, Raises) and not isinstance(came, BaseException):
        if isinstance(came, bytes) and others:
            return STRANGER if not others[-1].server else OTHER
        return "nobody answered: raise TimeoutError, so that the caller learns it"
    if isinstance(came, bytes):
        if came == request[:2] + expected:
            return "the number is for you: give back what stands behind its two bytes"
        if any(not given.server and came in (given.data, given.data[2:]) for given in others):
            return STRANGER
        if any(came in (given.data, given.data[2:]) for given in others):
            return OTHER
        if any(given.size < len(given.data) for given in talk.given):
            return CUT_OFF
    return None


def _first(*pushes, on=1):
    """These come when request `on` has left, before its answer: (data, is it a stranger's)."""
    def before(talk, count):
        if count == on:
            for data, stranger in pushes:
                talk.push(data, stranger=stranger)
    return before


THREE = ((7, b"tea"), (8, b"salt"), (9, b"rice"))
get_price = Quiet("get_price", (
    _asking("a link that loses nothing", (1, b"tea")),
    _asking("the socket afterwards", (7, b"tea"), judged=_unconnected),
    _asking("a number above 255", (258, b"salt")),
    _asking("three questions", *THREE),
    _asking("a price that is not known", (7, b"gold")),
    _asking("the first request is lost", (7, b"tea"), timeout=0.1, lose=(1,)),
    _asking("an answer to another question comes first", (7, b"tea"), before=_first((number(6) + b"9", False))),
    _asking("a stranger answers first", (7, b"tea"), before=_first((number(7) + b"0", True))),
    _asking("an empty datagram and a short one come first", (7, b"tea"), before=_first((b"", False), (b"\0", False))),
    _asking("the request is lost, and other datagrams come", (7, b"tea"), timeout=0.03, lose=(1,),
            before=_first((number(8) + b"9", False), (number(7) + b"0", True))),
    _asking("nobody answers", (7, b"tea"), timeout=0.03, loss=1.0),
    _asking("nobody answers, and one try is all", (7, b"tea"), timeout=0.02, tries=1, loss=1.0),
    _asking("a link that loses, doubles and holds back", *THREE[1:], timeout=TINY, tries=4, seeds=SEEDS,
            loss=0.25, duplicate=0.2, reorder=0.2),
    _asking("nobody answers, and a stranger never stops", (7, b"tea"), timeout=0.02, loss=1.0, chatter=number(7) + b"0")))


# --- 4 ping ----------------------------------------------------------------------------------------------------
COUNTS, TIMES = ("sent", "received", "lost", "duplicates"), ("min", "avg", "max")
TICK = 0.002            # seconds by which two clocks may differ


def _pinging(title, count, timeout=0.1, seeds=(None,), **bench):
    """A trial, with each seed."""
    def trial(function):
        for seed in seeds:
            with Bench(**{"answer": same, **bench}, **({} if seed is None else {"seed": seed})) as talk:
                outcome = talk.run(function, talk.address, count, timeout)
                miss = _judged_ping(talk, count, timeout, outcome, seed is None)
            if miss:
                miss.call = f"(sock, address, {count}, {timeout:g}): {title if seed is None else over_link(seed, bench)}"
                return miss
        return None
    return trial


def _judged_ping(talk, count, timeout, outcome, lower):
    known = {number(each) for each in range(count)}
    echoes = [given for given in talk.given if given.server and given.data in known]
    first = {}
    for given in echoes:
        first.setdefault(given.data, given)
    due = {"sent": count, "received": len(first), "lost": count - len(first), "duplicates": len(echoes) - len(first)}
    tells = f". What happened: {talk.tells()}" if talk.story else ""
    came = outcome.value

    def no_dict():
        miss = judge(outcome, due, "give back a dict", lambda outcome: _ping_error(talk, outcome))
        return Miss(f"a dict such as {show(due)}", miss.came + tells, miss.hint, last=miss.last)

    if (outcome.raised and not outcome.late) or isinstance(came, BaseException) or came is ...:
        return no_dict()
    sent = [data for _, data in talk.sent]
    if talk.astray or sent != [number(each) for each in range(count)][:len(sent) if outcome.late and sent else None]:
        return Miss(f"{count} requests: {show([number(each) for each in range(count)])}", show(sent) + tells,
                    _ping_request(sent, count) if sent else _nothing_came(talk),
                    last=outcome.late or bool(talk.astray))
    if outcome.late or not isinstance(came, dict):
        return no_dict()
    if talk.closed:
        return Miss("the given socket still open", "it is closed", "the socket belongs to the caller: leave it open")
    if miss := _impatient(talk, timeout):
        return miss
    if set(came) != {*COUNTS, *TIMES}:
        wrong = [f"{key!r} is missing" for key in (*COUNTS, *TIMES) if key not in came]
        wrong += [f"{key!r} is none of them" for key in came if key not in (*COUNTS, *TIMES)]
        return Miss(f"the keys {', '.join((*COUNTS, *TIMES))}", show(came), "; ".join(wrong))
    counts = {key: came[key] for key in COUNTS}
    if counts != due or any(type(value) is not int for value in counts.values()):
        hint = _count_mistake(talk, counts, due)
        wrong = [given.place for given in talk.given if given not in echoes] if hint in (STRANGER, NO_NUMBER) else []
        return Miss(show(due), f"{show(counts)}. What happened: {talk.tells(*wrong[:1])}" if talk.story else show(counts), hint)
    return _judged_times(talk, {key: came[key] for key in TIMES}, first, tells, lower)


def _ping_error(talk, outcome):
    error = outcome.raised
    if isinstance(error, ZeroDivisionError):
        return "no answer came, so there is no mean: what are the times then?"
    if isinstance(error, ValueError) and ("empty" in str(error) or "iterable" in str(error)):
        return "no answer came, and min() and max() of nothing are errors: what are the times then?"
    if isinstance(error, (IndexError, struct.error)) and any(len(given.data) < 2 for given in talk.given):
        return SHORT
    if isinstance(error, KeyError):
        return "this number was never sent: drop what is no answer to a request of yours"
    if isinstance(error, IndexError):
        return "this number was never sent: drop what is no answer to a request of yours"
    if isinstance(error, TimeoutError):
        return "one lost answer is no end: it is counted, and the next request goes out"
    if isinstance(error, BlockingIOError):
        return "settimeout(0) does not wait at all: nothing left means that this request's time is up"
    if isinstance(error, ValueError) and "imeout" in str(error):
        return "settimeout takes no negative number: nothing left means that this request's time is up"
    if outcome.late and "waits for ever" in " ".join(talk.story[-1:]):
        return "recvfrom waits for an answer that does not come: what limits how long it waits?"
    if outcome.late and talk.chatter is not None:
        return "a stranger sends on and on: settimeout limits one call, a deadline limits all the calls for one request"
    if isinstance(outcome.value, (tuple, list)):
        return f"a dict is due, with the keys {', '.join((*COUNTS, *TIMES))}"
    return None


def _ping_request(sent, count):
    if sent == [each.to_bytes(2, "little") for each in range(count)]:
        return "network byte order: the most significant byte stands first"
    if sent == [number(each + 1) for each in range(count)]:
        return "the numbers begin with 0"
    if any(data not in map(number, range(count)) for data in sent):
        return "a request is its number as two bytes, and nothing else"
    if len(sent) > len(set(sent)):
        return "a ping asks nothing again: a lost one is what it counts"
    return f"{count} requests, each with its number, from 0 on"


def _impatient(talk, timeout):
    """Each request has its answer, or its time, before the next one goes out."""
    ends = [when for when, _ in talk.sent[1:]] + [talk.ended]
    for waited, end, (begin, request), place in zip(talk.waited(), ends, talk.sent, talk.places, strict=False):
        got = any(given.server and given.data == request and given.when <= end for given in talk.given)
        between = [given for given in talk.given if begin <= given.when <= end]
        if not got and waited < timeout * EARLY:
            name = int.from_bytes(request, "big")
            return Miss(f"request {name} has {timeout:g} seconds for its answer",
                        f"{waited:.3f} seconds. What happened: {talk.tells(place)}",
                        STRANGER if between and not between[-1].server else
                        NO_NUMBER if between and len(between[-1].data) < 2 else
                        "what came was no answer to this request: go on waiting for what is left of its time" if between else
                        "the next request, or the end, comes when the answer has come or time is up, not before")
    return None


def _count_mistake(talk, came, due):
    if any(type(value) is not int for value in came.values()):
        return "each count is a whole number"
    if any(given.size < len(given.data) for given in talk.given):
        return CUT_OFF
    if came["sent"] != due["sent"]:
        return f"sent is how many requests went out, {due['sent']}"
    if came != due and came == _counted(talk, due, shorts=True):
        return NO_NUMBER
    if came != due and came in (_counted(talk, due, strangers=True), _counted(talk, due, strangers=True, shorts=True)):
        return STRANGER
    more = came["received"] - due["received"]
    if more > 0 and more == due["duplicates"]:
        return "an answer that came twice is received once, and one duplicate: which numbers were answered already?"
    if more > 0 and came["received"] == _counted(talk, due, strangers=True)["received"]:
        return STRANGER
    if more > 0:
        return "more was received than asked: an answer is a datagram of the server's with the number of a request"
    if more < 0:
        return "an answer may come late, when the next request has left already: it was received all the same"
    if came["lost"] != due["lost"]:
        return f"lost is what was sent and never answered, {due['sent']} - {due['received']}, when all is over"
    if came["duplicates"] > due["duplicates"]:
        return ("what a stranger sends, and what has a number that was never sent, is no duplicate" if
                any(not given.server or len(given.data) != 2 for given in talk.given) else
                "a late answer is the first one to its request: a duplicate is a second one")
    return "the second answer to a request is a duplicate, and so are the third and the fourth, also to an earlier request"


def _counted(talk, due, *, strangers=False, shorts=False):
    """What is counted where strangers, or datagrams too short for a number, are taken for the server's answers."""
    numbers = [int.from_bytes(given.data[:2], "big") for given in talk.given
               if (strangers or given.server) and (shorts or len(given.data) > 1)]
    known = [each for each in numbers if each < due["sent"]]
    received = len(set(known))
    return {"sent": due["sent"], "received": received, "lost": due["sent"] - received, "duplicates": len(known) - received}


def _judged_times(talk, came, first, tells, lower):
    """In ranges that follow from when a datagram was sent, and when it was given to the function; `lower`: from below, too."""
    if not first:
        return None if came == dict.fromkeys(TIMES) else Miss(
            show(dict.fromkeys(TIMES)), show(came), "no answer came: then there is no time, and min, avg and max are None")
    if any(type(value) not in (float, int) for value in came.values()):
        return Miss("three times in seconds", show(came), "numbers of seconds, as perf_counter gives them")
    least = [given.when - talk.returned[data] for data, given in first.items()]
    least = min(least), sum(least) / len(least), max(least)
    most = talk.ended - talk.began
    if all(value > 20 * most for value in came.values()):
        return Miss(f"at most {most:.2g} seconds, which the whole call took", show(came), "in seconds, not in milliseconds; and "
                    "each is a difference of two moments")
    if not came["min"] <= came["avg"] <= came["max"]:
        return Miss("min <= avg <= max", show(came), "avg is the sum of the times divided by their number")
    for name, low in zip(TIMES, least):
        if lower and came[name] < low - TICK:
            return Miss(f"{name} at least {low:.3f}", f"{came[name]:.3f}{tells}",
                        "a round trip begins when its own request leaves, also where the answer is late: note the time of each")
        if came[name] > most + TICK:
            return Miss(f"{name} at most {most:.3f}, which the whole call took", f"{came[name]:.3f}{tells}",
                        "a round trip ends when its first answer comes, and begins when its request leaves")
    if any(value < 0 for value in came.values()):
        return Miss("times of 0 or more", show(came), "the later moment minus the earlier one")
    return None


def _strangers(talk, count):
    """Behind each request: what is no answer to it."""
    request = number(count - 1)
    for data, stranger in ((request, True), (b"", False), (b"\0", False), (number(999), False)):
        talk.push(data, stranger=stranger)


ping = Quiet("ping", (
    _pinging("a link that loses nothing", 3),
    _pinging("nobody answers", 3, 0.06, loss=1.0),
    _pinging("one request is lost", 3, 0.03, lose=(2,)),
    _pinging("each answer comes twice", 4, answer=lambda request: [request] * 2),
    _pinging("the server takes its time", 2, 0.5, delay=0.05),
    _pinging("the first answer comes late", 3, 0.06, hold=(1,)),
    _pinging("strangers answer, too", 3, 0.03, lose=(2,), before=_strangers),
    _pinging("no requests at all", 0),
    _pinging("a link that loses, doubles and holds back", 6, TINY, SEEDS, loss=0.2, duplicate=0.25, reorder=0.2),
    _pinging("nobody answers, and a stranger never stops", 2, 0.05, loss=1.0, chatter=number(0))))
