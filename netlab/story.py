"""What happened on some sockets, in an order of cause.

`tell(events, endpoints)` turns a heap of events, recorded by threads that raced, into a `Story`: rows in an order that
does not depend on the clock. "Who came first" differs from run to run, but some things cannot be otherwise:

* a thread makes one call after the other;
* bytes are not received before they are sent, and no end of stream is seen before the peer ended;
* `connect` does not begin before the server's `listen` (it would be refused), nor `accept` return before `connect`;
* a socket is used after it was made, and closed after it was used.

`tell` plays the events again under these rules alone. A call that needs something which, at its start, need
not have happened yet *waits*: it is told twice, at its start and at its finish. Ties go to the thread that is
already running, then to the main thread, then by the threads' names; threads of one name, and those that serve
connections, stand in the order of their clients or of what they do. The idea is Lamport's "happened before"
(Communications of the ACM 21(7), 1978).

**Promised:** where the program alone decides who reads what from whom, each run has the same story. **Not promised**,
since the program leaves it open: who is accepted first of clients that connect at once; how many sends one recv()
takes; in which order datagrams of several senders come, and which are lost; whom select() names first; which thread
of a pool gets which work; what is read when several threads read from one socket, or write the same bytes to one;
and whether a call still succeeds that races with a close(), a reset or a server's stop(). What threads agree on
without sockets (start, join, locks) is not recorded, so a call may be told before one that it really came after.
"""
import heapq
import re
from collections import Counter, defaultdict
from dataclasses import replace

from netlab.events import ENDINGS, JOIN, MARKS, RECEIVES, SENDS, SETUP, STOPPED, Row, Story
from netlab.matching import match
from netlab.words import bytes_of, count_of, listed, port_of, show_call, show_result


def tell(events, endpoints, dropped: int = 0) -> Story:
    """The story of `events`, in an order of cause (chapter 00 shows one).

    `events` are Event objects in the order noted down, `endpoints` a dict from socket number to Endpoint.
    Pure: the same values give the same story. `dropped` says how many older events are no longer there.
    """
    endpoints = {key: replace(end) for key, end in endpoints.items()}
    events = [e for e in events if e.method in MARKS or e.socket in endpoints]
    events, causes, partners, listens = match(events, endpoints)
    threads = defaultdict(list)     # a thread -> the positions of its calls
    for i, e in enumerate(events):
        threads[id(e.thread)].append(i)
    natural = _natural_order(events, threads, listens)
    used = _name(events, endpoints, partners, natural)
    ranks = _ranks(events, endpoints, threads, natural, {end.id: n for n, end in enumerate(used)})
    steps = _schedule(events, causes, _before_start(events, listens), threads, ranks)
    rows = _rows(events, steps, causes, partners, listens, endpoints)
    return Story(rows, used, _caption(rows, used), dropped)


# --- who is who ------------------------------------------------------------------------------------------------
def _name(events, endpoints, partners, natural):
    """Give each endpoint that acted a side and a name by its role; return them, clients first."""
    calls, order, spoke_first = defaultdict(set), {}, {}
    for e in events:
        if e.method not in MARKS:
            calls[e.socket].add(e.method)
            for number in (e.socket, e.made):
                if number in endpoints:
                    order.setdefault(number, (natural[id(e.thread)], number))
            if e.method in SENDS | RECEIVES:
                spoke_first.setdefault(e.socket, e.method in SENDS)
    used = sorted((endpoints[i] for i in order), key=lambda end: order[end.id])
    parents = {end.parent for end in endpoints.values()}
    for end in used:
        did = calls[end.id]
        if end.twin is not None:
            serves = end.id > end.twin
        elif end.kind == "datagram":        # one that nobody answers keeps its side when it speaks
            serves = "bind" in did and not (spoke_first.get(end.id) and partners.get(end.id, end.id) != end.id)
        else:
            bound = "bind" in did and not did & {"connect", "connect_ex"}
            serves = end.parent is not None or end.id in parents or "listen" in did or bound
        end.side = "server" if serves else "client"
    if len(used) > 1 and {end.side for end in used} == {"client"} and "bind" in calls[used[-1].id]:
        used[-1].side = "server"        # two datagram sockets that both speak first: one of them goes to the right
    clients = [end for end in used if end.side == "client"]
    serving = {end.id: end for end in used if end.side == "server"}
    roots = [end for end in serving.values() if end.parent not in serving or serving[end.parent].parent in serving]
    _number(clients, "client")
    _number(roots, "server")
    seat = {end.id: n for n, end in enumerate(clients)}
    servers, children = [], defaultdict(list)
    for end in used:
        children[end.parent].append(end)
    for root in roots:
        servers += [root, *sorted(children[root.id], key=lambda end: seat.get(partners.get(end.id), end.id))]
    _number([end for end in servers if end not in roots], "connection")
    return clients + servers


def _number(ends, word):
    unnamed = [end for end in ends if not end.name]
    for n, end in enumerate(unnamed, 1):
        end.name = word if len(unnamed) == 1 else f"{word} {n}"


def _natural_order(events, threads, listens):
    """{thread: a key}: the main thread first, "Thread-9" before "Thread-10", threads of one name by what they did."""
    owner = {port_of(e.local): e.socket for e in events if e.method == "bind" and e.local}
    whom = [events[listens[i]].socket if i in listens else owner.get(port_of(e.address), -1) for i, e in enumerate(events)]

    def key(program):
        calls, name = [(whom[i], events[i]) for i in program], getattr(events[program[0]].thread, "name", "")
        return (name != "MainThread", [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)],
                [(e.method, to, e.data, e.size, e.error, len(e.args)) for to, e in calls])

    return {thread: key(program) for thread, program in threads.items()}


def _ranks(events, endpoints, threads, natural, seats):
    """{thread: its rank} where threads race: by name, and those that serve connections by their client's place.

    Names with other numbers count as one there: which thread of a pool serves which client is nobody's plan.
    """
    keys, least = {}, {}
    for t, program in threads.items():
        first = next((i for i in program if events[i].method not in MARKS), program[0])
        end = endpoints.get(events[first].socket)
        name = natural[t][:2]
        kind = tuple(part for part in name[1] if isinstance(part, str)) if end and end.parent is not None else t
        least[kind] = min(name, least.get(kind, name))
        keys[t] = kind, seats.get(events[first].socket, -1), natural[t], first
    return {t: n for n, t in enumerate(sorted(keys, key=lambda t: (least[keys[t][0]], *keys[t][1:])))}


# --- one order for all -----------------------------------------------------------------------------------------
def _before_start(events, listens):
    """What must be finished before a call begins: [[position, ...]], with the call before it in its thread as the last.

    Its socket is made and set up; a listener listens before a client finds it (no connect() waits for one: it is
    refused); and before close(), all use of the socket is over.
    """
    before, made, setup, uses, last, previous = [], {}, {}, defaultdict(dict), defaultdict(dict), {}
    for i, e in enumerate(events):
        thread, needs = id(e.thread), [listens[i]] if i in listens else []
        last[getattr(e.thread, "group", None)][thread] = i
        if e.method == JOIN:
            needs += [j for group in e.args for j in last.get(group, {}).values()]
        elif e.method not in MARKS:
            needs += [found[e.socket] for found in (made, setup) if e.socket in found]
            if e.method == "close":
                needs += uses[e.socket].values()
            if e.made is not None:
                made[e.made] = i
            if e.method in SETUP and not e.error:
                setup[e.socket] = i
            uses[e.socket][thread] = i
        before.append(list({b for b in needs if events[b].thread is not e.thread}))
        if thread in previous:
            before[i].append(previous[thread])
        previous[thread] = i
    return before


def _schedule(events, causes, before, threads, ranks):
    """[(position, phase)] in an order of cause, by playing the threads again (see the module's text)."""
    place, first_bit = {}, {}       # a call's (rank of its thread, how manyth there); where the bits of a rank begin
    for thread, program in threads.items():
        first_bit[ranks[thread]] = len(place)
        place.update((i, (ranks[thread], n)) for n, i in enumerate(program))
    after_finish, after_start = [[] for _ in events], [[] for _ in events]
    for i in range(len(events)):
        for b in before[i]:
            after_finish[b].append(i)
        for c in causes.get(i, ()):
            after_start[c].append(i)
    # how many finishes a start still needs; how many starts a finish still needs; how many still ask what a call knows
    start_needs = list(map(len, before))
    finish_needs = [len(causes.get(i, ())) + 1 for i in range(len(events))]
    asking = [len(finishes) + len(starts) for finishes, starts in zip(after_finish, after_start)]
    begun, finished, steps, running = set(), set(), [], 0
    early, ready, next_of = [], [], {}      # heaps of (rank, position), waiting calls first; what a rank has in `ready`
    knows = {}      # a call -> bits of the other threads' calls that are known to have begun before

    def offer(i):
        if i not in begun and any(c not in begun for c in causes.get(i, ())):
            heapq.heappush(early, (place[i][0], i))
        else:
            heapq.heappush(ready, (place[i][0], i))
            next_of[place[i][0]] = i

    def learn(i, others):
        known = knows.get(i, 0)
        for other in others:
            if other in knows:
                rank, n = place[other]
                more = knows[other] if rank == place[i][0] else knows[other] | ((2 << n) - 1) << first_bit[rank]
                known = known | more if known else more     # the very same number, as long as nothing new is learned
                asking[other] -= 1
                if not asking[other] and other in finished:
                    del knows[other]
        knows[i] = known

    def has_seen(i, c):
        rank, n = place[c]
        return n < place[i][1] if rank == place[i][0] else knows[i] >> first_bit[rank] + n & 1

    def start(i):
        learn(i, before[i])
        waits = not all(has_seen(i, c) for c in causes.get(i, ()))
        begun.add(i)
        for j in (i, *after_start[i]):
            finish_needs[j] -= 1
            if finish_needs[j] == 0 and j in begun and j != i:
                offer(j)
        if waits:
            steps.append((i, "start"))
            if finish_needs[i] == 0:
                offer(i)
        else:
            finish(i, "call")

    def finish(i, phase):
        learn(i, causes.get(i, ()))
        finished.add(i)
        steps.append((i, phase))
        for j in after_finish[i]:
            start_needs[j] -= 1
            if start_needs[j] == 0:
                offer(j)

    for i in range(len(events)):
        if not start_needs[i]:
            offer(i)
    clock = iter(range(len(events)))
    while len(finished) < len(events):
        if early:
            i = heapq.heappop(early)[1]
        elif next_of:
            if running not in next_of:
                while next_of.get(ready[0][0]) != ready[0][1]:      # taken before, when its thread was running
                    heapq.heappop(ready)
                running = ready[0][0]
            i = next_of.pop(running)
        else:       # the record contradicts itself (a dropped event, two writers on one socket): go on by the clock
            i = next(i for i in clock if i not in finished)
        if i not in begun:
            start(i)
        elif i not in finished:
            finish(i, "finish")
    return steps


def _rows(events, steps, causes, partners, listens, endpoints):
    who = defaultdict(dict)     # kind -> port -> the name of the socket that has it at this step, or will be the first to

    def note_owner(e):
        if e.socket in endpoints and isinstance(e.local, tuple) and port_of(e.local):       # port 0 is nobody's yet
            who[endpoints[e.socket].kind][port_of(e.local)] = endpoints[e.socket].name

    for e in reversed(events):
        note_owner(e)
    readers = defaultdict(list)         # a send -> the receives that took its bytes
    for i, e in enumerate(events):
        if e.method in RECEIVES and not e.peek and (e.size or endpoints[e.socket].kind == "datagram"):
            for c in causes[i]:
                readers[c].append(i)
    rows, row_of, start_of = [], {}, {}
    for i, phase in steps:
        e = events[i]
        if e.method in MARKS:
            continue
        if phase == "finish" and start_of.get(i) == len(rows) - 1:      # nothing came between: one row is enough
            phase = "call"
            rows.pop()
            start_of.pop(i)
        note_owner(e)
        names = {port_of(e.address): endpoints[events[listens[i]].socket].name} if i in listens else who[endpoints[e.socket].kind]
        row = Row(e, endpoints[e.socket], phase, show_call(e, names))
        row_of.setdefault(i, len(rows))
        if phase == "start":
            start_of[i] = len(rows)
        else:
            row.result, row.note, row.failed = show_result(e, names), _note(i, events, causes, readers, endpoints), bool(e.error)
            row.started = start_of.get(i)
            row.causes = [row_of[c] for c in causes[i] if c in row_of]
            stays = e.method in SENDS and not e.error and e.socket in partners and not readers[i]
            row.lost = stays and row.endpoint.kind == "datagram"
        rows.append(row)
    return rows


def _note(i, events, causes, readers, endpoints):
    e, needed = events[i], causes[i]
    if e.method == "accept" and not e.error and needed:
        return "a client came"
    if e.result == STOPPED:
        return "the server stopped"
    if e.method not in RECEIVES:
        return ""
    if endpoints[e.socket].kind == "datagram":
        lost, again = sum(events[c].size - e.size for c in needed), any(readers[c][:1] != [i] for c in needed)
        return "" if e.peek else ", ".join(["came again"] * again + [f"without {bytes_of(lost)} that did not fit"] * (lost > 0))
    if not e.error and not e.size and needed:
        return "the peer closed" if events[needed[0]].method == "close" else "the peer ended its sending"
    if e.peek:
        return "a look: the bytes stay"
    if not e.size or not needed:
        return ""
    first, last, sends, took = events[needed[0]], events[needed[-1]], count_of(len(needed), "send"), readers[needed[0]]
    if len(needed) > 1:
        whole = first.offset >= e.offset and last.offset + last.size <= e.offset + e.size
        return f"{sends}, one recv" if whole else f"bytes of {sends}"
    return f"{sends}, {count_of(len(took), 'recv')}" if len(took) > 1 and took[-1] == i else ""


# --- what matters ----------------------------------------------------------------------------------------------
def _caption(rows, endpoints):
    """What a reader should see in the picture, in a few sentences: what moved, and then what is special about it."""
    done = [row for row in rows if row.phase != "start"]
    special = [_cut(rows, done), _served(rows, done), _end(rows, done), _waits(done)]
    said = [*_moved(rows, done, endpoints), *filter(None, special)][:4] or [_no_bytes(done)]
    lost, failed = sum(row.lost for row in done), Counter(f"{r.event.method}() raised {r.result}" for r in done if r.failed)
    gone = f"{'was' if lost == 1 else 'were'} sent and never received"
    for many, what in (lost, gone), (sum(row.note.startswith("came again") for row in done), "came again"):
        said += [f"{count_of(many, 'datagram').capitalize()} {what}."] * bool(many)
    said += [f"{what}{f', {many:,} times' if many > 1 else ''}." for what, many in list(failed.items())[:2]]
    if len(failed) > 2:
        said.append(f"{count_of(sum(failed.values()) - sum(list(failed.values())[:2]), 'more call').capitalize()} failed.")
    return " ".join(said)


def _moved(rows, done, endpoints):
    """How many bytes each side sent, and what of a stream's was not received."""
    said, left, sends, heard = [], [], {}, set()        # by side and kind of socket: UDP does not answer for TCP
    listeners = {row.endpoint.id for row in done if row.event.method in ("listen", "accept")}
    taken = Counter()               # (side, kind of socket) -> bytes of its sends that were received
    for row in done:
        e = row.event
        if e.method in SENDS and e.size and not row.failed:
            key = row.endpoint.side, row.endpoint.kind
            sends.setdefault(key, []).append((row, key in heard))
        elif e.method in RECEIVES and e.size and not e.peek and row.causes:
            cause = rows[row.causes[0]].endpoint
            taken[cause.side, cause.kind] += e.size
            heard.add((row.endpoint.side, row.endpoint.kind))
    for (side, kind), sent in sorted(sends.items(), key=lambda each: done.index(each[1][0][0])):
        answers, other = sent[0][1], "server" if side == "client" else "client"
        many = len({row.endpoint.id for row, _ in sent}) if side == "client" else 1
        same = [end.kind for end in endpoints if end.side == side]
        alone = len(same) < 2 if side == "client" else kind == "stream" or "stream" not in same
        who = count_of(many, side) if many > 1 else f"the {side}" if alone else sent[0][0].who
        size = sum(row.event.size for row, _ in sent)
        said.append(f"{who} {'answered with' if answers and said else 'sent'} {bytes_of(size)}")
        rest = size - taken[side, "stream"] if kind == "stream" else 0
        if rest > 0 and any(end.side == other for end in endpoints):
            takers = [r for r in done if r.endpoint.side == other and r.endpoint.kind == "stream"]
            takers = [r for r in takers if r.endpoint.id not in listeners] or takers
            ended = any(r.event.method in ENDINGS or r.event.error.startswith("Connection") for r in takers)
            whose = who if many == 1 else f"the {side}s"
            which = "They" if rest == size > 1 and not said[1:] else f"{bytes_of(rest)} from {whose}"
            left.append(f"{which} {'was' if ended and rest == 1 else 'were' if ended else 'is' if rest == 1 else 'are'} "
                        + ("never received." if ended else "not received yet: the kernels keep them."))
    sentence = ", ".join(said)
    return [*([sentence[0].upper() + sentence[1:] + "."] if said else []), *left]


def _cut(rows, done):
    """Where the bytes of a stream were cut otherwise than they were sent."""
    sends, takes = set(), []
    for row in done:
        if row.endpoint.kind == "stream" and row.event.method in RECEIVES and row.event.size and not row.event.peek:
            takes.append({c for c in row.causes if rows[c].event.method in SENDS})
    shared = Counter(c for found in takes for c in found)
    mixed = [found for found in takes if len(found) > 1 or any(shared[c] > 1 for c in found)]
    if not mixed:
        return ""
    sends = set().union(*mixed)
    came = "one recv" if len(mixed) == 1 else count_of(len(mixed), "recv")
    return f"{count_of(len(sends), 'send').capitalize()}, {came}: TCP keeps no borders between sends."


def _served(rows, done):
    """Whether a server with several clients had them at once, or one after the other."""
    serving, most, came, either = set(), 0, 0, {}        # connections that neither end has closed; the ends of each
    for row in done:
        if row.event.made is not None and row.causes:
            came, pair = came + 1, (row.event.made, rows[row.causes[0]].endpoint.id)
            either |= dict.fromkeys(pair, pair)
            serving.add(pair)
            most = max(most, len(serving))
        elif row.event.method == "close":
            serving.discard(either.get(row.endpoint.id))
    if came < 2:
        return ""
    return ("The server had one client after the other." if most == 1 else
            f"The server held {count_of(most, 'connection')} at the same time.")


def _end(rows, done):
    """How the first stream that ended was seen to end, and how many of its side ended in the same way."""
    ends = [row for row in done if row.event.method in RECEIVES and row.note.startswith("the peer ") and row.causes]
    if not ends:
        return ""
    row, what = ends[0], "had closed" if ends[0].note == "the peer closed" else "had ended its sending"
    many = len({rows[r.causes[0]].endpoint.id for r in ends if (r.note, r.endpoint.side) == (row.note, row.endpoint.side)})
    if many > 1:
        who = count_of(many, "client" if row.endpoint.side == "server" else "connection")
        return f"{who.capitalize()} {what}: {row.event.method}() gave each peer {row.result}."
    who, whom = (f"the {name}" if name in ("client", "server", "connection") else name
                 for name in (rows[row.causes[0]].who, row.who))
    return f"{who[:1].upper()}{who[1:]} {what}: {row.event.method}() gave {whom} {row.result}."


def _waits(done):
    """Which calls waited."""
    calls = list(dict.fromkeys(f"{row.event.method}()" for row in done if row.phase == "finish" and not row.failed))
    if not calls:
        return ""
    until = "a client came" if calls == ["accept()"] else "something came"
    return f"{listed(calls)} waited until {until}."


def _no_bytes(done):
    """What to say where no bytes moved: how far the two came."""
    ok = {row.event.method for row in done if not row.failed and row.endpoint.kind == "stream"}
    if "accept" in ok:
        return "A client connected, and the server accepted it. No bytes moved."
    if "connect" in ok:
        return f"The client is connected{', and the server has not accepted it yet' if 'listen' in ok else ''}. No bytes moved."
    if "listen" in ok and "close" not in ok:
        return "The server listens, and no client has come. No bytes moved."
    return "No bytes moved."
