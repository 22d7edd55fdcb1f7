"""What happened on some sockets, in an order of cause.

`tell(events, endpoints)` turns a heap of events, recorded by threads that raced, into a `Story`: rows in an
order that does not depend on the clock.

Two threads race, so "who came first" differs from run to run. But some things cannot be otherwise:

* a thread makes one call after the other;
* bytes are not received before they are sent, and no end of stream is seen before the peer ended;
* `accept` does not return before a client's `connect`, nor `connect` before the server's `listen`;
* a socket is used after it was made, and closed after it was used.

`tell` plays the events again under these rules alone. A call that needs something which, at its start, need
not have happened yet *waits*: it is told twice, at its start and at its finish. Ties go to the thread that is
already running. The same program gives the same story each time; the idea is Lamport's "happened before"
(Communications of the ACM 21(7), 1978).
"""
from __future__ import annotations

import heapq
import re
from collections import defaultdict, deque
from dataclasses import replace

from netlab.events import ENDINGS, JOIN, MARKS, RECEIVES, SENDS, SETUP, STOPPED, WAKE, Row, Story
from netlab.words import bytes_of, count_of, port_of, show_call, show_result


def tell(events, endpoints, dropped: int = 0) -> Story:
    """The story of `events`, in an order of cause (chapter 00 shows one).

    `events` are Event objects in the order noted down, `endpoints` a dict from socket number to Endpoint.
    Pure: the same values give the same story. `dropped` says how many older events are no longer there.
    """
    endpoints = {key: replace(end) for key, end in endpoints.items()}
    events = [e for e in events if e.method in MARKS or e.socket in endpoints]
    causes, partners = _causes(events, endpoints)
    used = _name(events, endpoints, partners)
    steps = _schedule(events, causes, {end.id: n for n, end in enumerate(used)})
    rows = _rows(events, steps, causes, partners, endpoints)
    return Story(rows, used, _caption(rows, used), dropped)


# --- what caused what ------------------------------------------------------------------------------------------

def _causes(events, endpoints):
    """(what each event needed before it could finish, who the other end of each stream is)."""
    causes = defaultdict(list)      # event index in the list -> list of positions of causing events
    partners = {e.id: e.twin for e in endpoints.values() if e.twin is not None}
    _match_connections(events, causes, partners)
    wakes = {group: i for i, e in enumerate(events) if e.method == WAKE for group in e.args}
    sent = defaultdict(list)        # socket -> [(first, last, position)] of the stream it sent
    ends = defaultdict(list)        # socket -> positions of what ended its sending
    for i, e in enumerate(events):
        if e.method in SENDS and e.size:
            sent[e.socket].append((e.offset, e.offset + e.size, i))
        elif e.method in ENDINGS and not e.error and e.result is None and e.args[:1] != ("SHUT_RD",):
            ends[e.socket].append(i)
    for i, e in enumerate(events):
        if e.method not in RECEIVES | SENDS or endpoints[e.socket].kind == "datagram":
            continue
        peer, group = partners.get(e.socket), getattr(e.thread, "group", None)
        if e.result == STOPPED:
            causes[i] += [wakes[group]] if group in wakes else []
        elif e.method in RECEIVES and e.size:
            causes[i] += _overlapping(sent[peer], e.offset, e.offset + e.size)
        elif (e.method in RECEIVES and not e.error and e.args[:1] != (0,)) or e.error in ("ConnectionResetError", "BrokenPipeError"):
            causes[i] += ends[peer][:1] if not e.error else ends[peer][-1:]
    _match_datagrams(events, endpoints, causes, partners)
    return causes, partners


def _overlapping(spans, first, last):
    """Positions of the spans that touch [first, last); spans are in order, so search by halves."""
    low, high = 0, len(spans)
    while low < high:
        middle = (low + high) // 2
        if spans[middle][1] <= first:
            low = middle + 1
        else:
            high = middle
    found = []
    while low < len(spans) and spans[low][0] < last:
        found.append(spans[low][2])
        low += 1
    return found


def _match_connections(events, causes, partners):
    """Join each accept to its connect by the client's address; where it has none (AF_UNIX), first come first served."""
    listening, connects = defaultdict(list), defaultdict(deque)     # by port
    for i, e in enumerate(events):
        if e.method in ("connect", "connect_ex") and e.local is not None and e.error in ("", "BlockingIOError"):
            connects[port_of(e.local or e.address)].append(i)
        elif e.method == "listen" and not e.error:
            listening[port_of(e.local)].append(i)
    for i, e in enumerate(events):
        if e.method == "accept" and e.made is not None:
            waiting = connects.get(port_of(e.address or e.local))
            if waiting:
                c = waiting.popleft()
                causes[i].append(c)
                partners[e.made], partners[events[c].socket] = events[c].socket, e.made
    for i, e in enumerate(events):
        if e.method in ("connect", "connect_ex") and not e.error and e.result in (None, 0):
            there = listening.get(port_of(e.address), [])       # a port may have had more than one listener
            causes[i] += [n for n in there if n < i][-1:] or there[:1]


def _match_datagrams(events, endpoints, causes, partners):
    """Join each datagram received to the first unmatched one sent that fits its ports and its bytes."""
    flying, at = defaultdict(list), {}
    for i, e in enumerate(events):
        if e.method in MARKS or endpoints[e.socket].kind != "datagram":
            continue
        if e.local is not None:
            at.setdefault(port_of(e.local), e.socket)
        if e.method in SENDS and not e.error:
            twin = partners.get(e.socket)
            flying[twin if twin is not None else port_of(e.address)].append(i)
    for i, e in enumerate(events):
        if e.method in RECEIVES and not e.error and endpoints[e.socket].kind == "datagram":
            for key in (e.socket, port_of(e.local)):
                found = next((s for s in flying.get(key, ()) if _fits(events[s], e)), None)
                if found is not None:
                    causes[i].append(found)
                    partners.setdefault(e.socket, events[found].socket)
                    partners.setdefault(events[found].socket, e.socket)
                    if not e.peek:
                        flying[key].remove(found)
                    break
    for e in events:                # a lost datagram still points at someone: who has its address?
        if e.method in SENDS and e.socket not in partners and port_of(e.address) in at:
            partners[e.socket] = at[port_of(e.address)]


def _fits(sent, received):
    same_end = received.address is None or sent.local is None or port_of(received.address) == port_of(sent.local)
    return same_end and received.size <= sent.size and sent.data.startswith(received.data)


# --- who is who ------------------------------------------------------------------------------------------------

def _name(events, endpoints, partners):
    """Give each endpoint that acted a side and a name by its role; return them, clients first."""
    calls, order, spoke_first = defaultdict(set), {}, {}
    for i, e in enumerate(events):
        if e.method in MARKS:
            continue
        calls[e.socket].add(e.method)
        order.setdefault(e.socket, (*_natural(e.thread), e.socket))
        if e.method in SENDS | RECEIVES:
            spoke_first.setdefault(e.socket, e.method in SENDS)
    used = sorted((endpoints[i] for i in order), key=lambda end: order[end.id])
    parents = {end.parent for end in endpoints.values()}
    for end in used:
        did = calls[end.id]
        if end.twin is not None:
            serves = end.id > end.twin
        elif end.kind == "datagram":
            serves = "bind" in did and not spoke_first.get(end.id, False)
        else:
            serves = end.parent is not None or end.id in parents or "listen" in did or "bind" in did and not did & {"connect", "connect_ex"}
        end.side = "server" if serves else "client"
    if len(used) > 1 and {end.side for end in used} == {"client"} and "bind" in calls[used[-1].id]:
        used[-1].side = "server"        # two datagram sockets that both speak first: one of them goes to the right
    clients = [end for end in used if end.side == "client"]
    serving = {end.id: end for end in used if end.side == "server"}
    roots = [end for end in serving.values() if end.parent not in serving or serving[end.parent].parent in serving]
    _number(clients, "client")
    _number(roots, "server")
    seat = {end.id: n for n, end in enumerate(clients)}
    servers = []
    for root in roots:
        born = sorted((end for end in used if end.parent == root.id), key=lambda end: seat.get(partners.get(end.id), end.id))
        _number(born, "connection" if len(born) > 1 else root.name)
        servers += [root, *born]
    return clients + servers


def _number(ends, word):
    unnamed = [end for end in ends if not end.name]
    for n, end in enumerate(unnamed, 1):
        end.name = word if len(unnamed) == 1 else f"{word} {n}"


def _natural(thread):
    """A key that puts the main thread first, and "Thread-9" before "Thread-10"."""
    name = getattr(thread, "name", "")
    return name != "MainThread", [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


# --- one order for all -----------------------------------------------------------------------------------------

def _schedule(events, causes, seats):
    """[(position, phase)] in an order of cause, by playing the threads again (see the module's text)."""
    programs = defaultdict(list)
    for i, e in enumerate(events):
        programs[id(e.thread)].append(i)
    def order(t):               # by name; threads of one name by the place of the first socket that they used
        first = next((i for i in programs[t] if events[i].method not in MARKS), programs[t][0])
        return _natural(events[first].thread), seats.get(events[first].socket, -1), first

    rank = {t: n for n, t in enumerate(sorted(programs, key=order))}
    place = {i: (rank[t], n) for t, program in programs.items() for n, i in enumerate(program)}
    before = _before_start(events, programs)
    start_needs = [len(before[i]) for i in range(len(events))]          # how many finishes a start still needs
    finish_needs = [len(causes[i]) + 1 for i in range(len(events))]     # how many starts a finish still needs
    after_finish, after_start = defaultdict(list), defaultdict(list)
    for i in range(len(events)):
        for b in before[i]:
            after_finish[b].append(i)
        for c in causes[i]:
            after_start[c].append(i)
    knows, begun, finished, steps = {}, set(), set(), []
    early, ready, running = [], [], 0       # heaps of (thread's rank, position): waiting calls first

    def offer(i):
        if i not in begun and any(c not in begun for c in causes[i]):
            heapq.heappush(early, (place[i][0], i))
        else:
            heapq.heappush(ready, (place[i][0], i))

    def learn(i, others):
        for other in others:
            for thread, count in knows.get(other, {}).items():
                knows[i][thread] = max(knows[i].get(thread, 0), count)

    def start(i):
        thread, n = place[i]
        knows[i] = {}
        learn(i, before[i])
        unknown = [c for c in causes[i] if knows[i].get(place[c][0], 0) <= place[c][1]]
        knows[i][thread] = n + 1
        begun.add(i)
        for j in (i, *after_start[i]):
            finish_needs[j] -= 1
            if finish_needs[j] == 0 and j in begun and j != i:
                offer(j)
        if not unknown:
            finish(i, "call")
        else:
            steps.append((i, "start"))
            if finish_needs[i] == 0:
                offer(i)

    def finish(i, phase):
        learn(i, causes[i])
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
        elif ready:
            mine = next((item for item in ready if item[0] == running), None) if ready[0][0] != running else None
            if mine:
                ready.remove(mine)
                heapq.heapify(ready)
            i = mine[1] if mine else heapq.heappop(ready)[1]
            running = place[i][0]
        else:       # the record contradicts itself (a dropped event, two writers on one socket): go on by the clock
            i = next(i for i in clock if i not in finished)
        if i in finished:
            continue
        if i not in begun:
            start(i)
        else:
            finish(i, "finish")
    return steps


def _before_start(events, programs):
    """What must be finished before a call begins: its socket made and set up, and before close, all use of it."""
    before, made, setup, uses, last = defaultdict(set), {}, {}, defaultdict(dict), {}
    for i, e in enumerate(events):
        thread = id(e.thread)
        if thread in last:
            before[i].add(last[thread])
        last[thread] = i
        if e.method in MARKS:
            if e.method == JOIN:
                before[i].update(j for j in last.values() if getattr(events[j].thread, "group", None) in e.args)
            continue
        before[i].update(found[e.socket] for found in (made, setup) if e.socket in found)
        if e.method == "close":
            before[i].update(uses[e.socket].values())
        if e.made is not None:
            made[e.made] = i
        if e.method in SETUP and not e.error:
            setup[e.socket] = i
        uses[e.socket][thread] = i
    return before


# --- rows ------------------------------------------------------------------------------------------------------

def _rows(events, steps, causes, partners, endpoints):
    names = {port_of(e.local): endpoints[e.socket].name for e in events
             if e.socket in endpoints and isinstance(e.local, tuple) and port_of(e.local)}           # port 0 is nobody's yet
    readers = defaultdict(list)         # a send -> the receives that took its bytes
    for i, e in enumerate(events):
        if e.method in RECEIVES and e.size and not e.peek:
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
        row = Row(e, endpoints[e.socket], phase, show_call(e, names))
        row_of.setdefault(i, len(rows))
        if phase == "start":
            start_of[i] = len(rows)
        else:
            row.result, row.note, row.failed = show_result(e, names), _note(i, events, causes, readers, endpoints), bool(e.error)
            row.started = start_of.get(i)
            row.causes = [row_of[c] for c in causes[i] if c in row_of]
            row.lost = (e.method in SENDS and not e.error and e.socket in partners and not readers[i]
                        and endpoints[e.socket].kind == "datagram")
        rows.append(row)
    return rows


def _note(i, events, causes, readers, endpoints):
    e = events[i]
    if e.method == "accept" and not e.error and causes[i]:
        return "a client came"
    if e.result == STOPPED:
        return "the server stopped"
    if e.method not in RECEIVES:
        return ""
    if endpoints[e.socket].kind == "datagram":
        lost = sum(events[c].size - e.size for c in causes[i])
        return f"{lost} bytes did not fit and are gone" if lost > 0 and not e.peek else ""
    if not e.error and not e.size and causes[i]:
        return "the peer closed" if events[causes[i][0]].method == "close" else "the peer ended its sending"
    if e.peek:
        return "a look: the bytes stay"
    if len(causes[i]) > 1 and e.size:
        first, last = events[causes[i][0]], events[causes[i][-1]]
        whole = first.offset >= e.offset and last.offset + last.size <= e.offset + e.size
        return f"{count_of(len(causes[i]), 'send')}, one recv" if whole else f"bytes of {count_of(len(causes[i]), 'send')}"
    if e.size and len(readers[causes[i][0]] if causes[i] else ()) > 1 and readers[causes[i][0]][-1] == i:
        return f"one send, {count_of(len(readers[causes[i][0]]), 'recv')}"
    return ""


def _caption(rows, endpoints):
    """What matters, as one short text."""
    parts = []
    for side, other in (("client", "server"), ("server", "client")):
        sent = [r for r in rows if r.endpoint.side == side and r.event.method in SENDS
                and r.phase != "start" and not r.failed]
        took = [r for r in rows if r.endpoint.side == other and r.event.method in RECEIVES
                and r.phase != "start" and r.event.size and not r.event.peek]
        size, taken = sum(r.event.size for r in sent), sum(r.event.size for r in took)
        if sent:
            many = len({r.endpoint.id for r in sent}) if side == "client" else 1
            who = f"The {side}" if many == 1 else f"{many} clients"
            whose = {r.endpoint.id for r in took}
            other = "clients" if other == "client" and len(whose) > 1 else other
            whom = f"the {other} took {'them' if taken == size else bytes_of(taken)} in {count_of(len(took), 'recv')}" \
                if took else f"the {other} took none of them"
            whom = f"; {whom}" if any(end.side == ("client" if side == "server" else "server") for end in endpoints) else ""
            parts.append(f"{who} sent {bytes_of(size)} in {count_of(len(sent), 'send')}{whom}.")
    lost = sum(r.lost for r in rows)
    if lost:
        parts.append(f"{count_of(lost, 'datagram').capitalize()} not received.")
    failed = sum(r.failed for r in rows)
    if failed:
        parts.append(f"{count_of(failed, 'call').capitalize()} failed.")
    return " ".join(parts) or "No bytes moved."
