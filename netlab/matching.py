"""Which send belongs to which receive, and which connect to which accept: by addresses, offsets and content."""
import errno
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from dataclasses import replace
from operator import itemgetter

from netlab.events import ENDINGS, MARKS, RECEIVES, SENDS, STOPPED, WAKE
from netlab.words import port_of

LOOKED_AT = 16          # a look at more sends than so many points at the first and the last of them
BEGUN = {None, 0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EAGAIN}       # results of a connect that was not refused
CONNECTS = {"connect", "connect_ex"}
ANYONE, AGAIN = object(), object()


def match(events, endpoints):
    """(events, causes, partners, listens): positions in `events` of what each call needed; who is whose other end.

    `causes[i]` are the calls without which call i cannot finish, `listens[i]` the listen() that a connect found.
    The events come back with the offsets of their sends set right, where two threads wrote to one stream.
    """
    causes, listens = defaultdict(list), {}
    partners = {end.id: end.twin for end in endpoints.values() if end.twin is not None}
    sent, taken = defaultdict(list), defaultdict(list)      # a socket -> the positions of its calls that moved bytes
    for i, e in enumerate(events):
        if e.size:
            (sent if e.method in SENDS else taken)[e.socket].append(i)
    _match_connections(events, endpoints, sent, taken, causes, partners, listens)
    events = _in_stream_order(events, endpoints, sent, taken, partners)
    _match_streams(events, endpoints, sent, causes, partners)
    _match_datagrams(events, endpoints, causes, partners)
    return events, causes, partners, listens


def _match_connections(events, endpoints, sent, taken, causes, partners, listens):
    """Join each accept to its connect by addresses; where a client has none, by what it said, then by turn."""
    on_port, of_socket, connects = defaultdict(list), defaultdict(list), defaultdict(deque)
    for i, e in enumerate(events):
        if e.method in CONNECTS:
            begun = e.error in ("", "BlockingIOError") and e.result in BEGUN
            if begun and e.local is not None and endpoints[e.socket].kind != "datagram":
                connects[port_of(e.local) or port_of(e.address)].append(i)
        elif e.method == "listen" and not e.error:
            on_port[port_of(e.local)].append(i)
            of_socket[e.socket].append(i)

    def agree(connect, accept):
        said, heard = (next((events[i].data for i in moved), b"") for moved in (sent[connect.socket], taken[accept.made]))
        return (said.startswith(heard) or heard.startswith(said)) and port_of(connect.address) == port_of(accept.local)

    for i, e in enumerate(events):
        if e.made is not None and (waiting := connects.get(port_of(e.address) or port_of(e.local))):
            c = next((c for c in waiting if agree(events[c], e)), waiting[0])
            waiting.remove(c)
            causes[i].append(c)
            if e.socket in of_socket:
                listens[c] = _last_before(c, of_socket[e.socket])
            partners[e.made], partners[events[c].socket] = events[c].socket, e.made
    for i, e in enumerate(events):
        if e.method in CONNECTS and not e.error and e.result in (None, 0) and endpoints[e.socket].kind != "datagram":
            if i not in listens and port_of(e.address) in on_port:
                listens[i] = _last_before(i, on_port[port_of(e.address)])       # it may have had more than one listener
            causes[i] += [listens[i]] if i in listens else []


def _last_before(i, positions):
    """The last of the positions that is before i, or else the first."""
    return next((n for n in reversed(positions) if n < i), positions[0])


def _in_stream_order(events, endpoints, sent, taken, partners):
    """Set right the offsets of a stream to which several threads wrote: its calls may be noted in another order.

    What the peer read tells whose bytes came first; where it does not, the order noted stands.
    """
    events = list(events)
    for sock, positions in sent.items():
        queues = defaultdict(deque)
        for i in positions:
            queues[id(events[i].thread)].append(i)
        if len(queues) < 2 or endpoints[sock].kind == "datagram":
            continue
        reads = [events[i] for i in taken[partners.get(sock)] if not events[i].peek]
        pieces, offset = sorted((e.offset, e.data) for e in reads), min(events[i].offset for i in positions)
        while queues:
            heads = sorted((queue[0], thread) for thread, queue in queues.items())
            i, thread = next((head for head in heads if _is_there(events[head[0]].data, offset, pieces)), heads[0])
            events[i] = replace(events[i], offset=offset)
            offset += events[i].size
            queues[thread].popleft()
            if not queues[thread]:
                del queues[thread]
    return events


def _is_there(data, offset, pieces):
    """Whether a stream, of which `pieces` are known, may hold `data` at `offset`."""
    for n in range(max(0, bisect_right(pieces, offset, key=itemgetter(0)) - 1), len(pieces)):
        at, known = pieces[n]
        if at >= offset + len(data):
            break
        first, last = max(at, offset), min(at + len(known), offset + len(data))
        if first < last and known[first - at:last - at] != data[first - offset:last - offset]:
            return False
    return True


def _match_streams(events, endpoints, sent, causes, partners):
    """Join each receive to the sends whose bytes it took, or to what ended the stream."""
    wakes = {group: i for i, e in enumerate(events) if e.method == WAKE for group in e.args}
    spans = {sock: sorted((events[i].offset, events[i].offset + events[i].size, i) for i in positions)
             for sock, positions in sent.items()}       # a socket -> [(first, last, position)] of the stream it sent
    ends = defaultdict(list)                            # a socket -> positions of what ended its sending
    for i, e in enumerate(events):
        if e.method in ENDINGS and not e.error and e.result is None and e.args[:1] != ("SHUT_RD",):
            ends[e.socket].append(i)
    for i, e in enumerate(events):
        if e.method not in RECEIVES | SENDS or endpoints[e.socket].kind == "datagram":
            continue
        peer, group = partners.get(e.socket), getattr(e.thread, "group", None)
        if e.result == STOPPED:
            causes[i] += [wakes[group]] if group in wakes else []
        elif e.method in RECEIVES and e.size:
            stream = spans.get(peer, ())
            low = bisect_right(stream, e.offset, key=itemgetter(1))
            high = bisect_left(stream, e.offset + e.size, key=itemgetter(0))
            step = high - low - 1 if e.peek and high - low > LOOKED_AT else 1
            causes[i] += [position for _, _, position in stream[low:high:step]]
        elif e.error in ("ConnectionResetError", "BrokenPipeError"):
            causes[i] += ends[peer][-1:]
        elif e.method in RECEIVES and not e.error and e.args[:1] != (0,):
            causes[i] += ends[peer][:1]


def _match_datagrams(events, endpoints, causes, partners):
    """Join each datagram received to the first sent that fits its ports and its bytes; if all are taken, the last came again."""
    flying, at, target, goes, last = _Flying(events), {}, {}, {}, {}
    datagrams = [(i, e) for i, e in enumerate(events) if e.method not in MARKS and endpoints[e.socket].kind == "datagram"]
    for i, e in datagrams:
        flying.before[i], last[id(e.thread)] = last.get(id(e.thread), -1), i
        if e.local is not None:
            at.setdefault(port_of(e.local), e.socket)
        if e.method in CONNECTS and not e.error:
            target[e.socket] = port_of(e.address)       # where its send() goes from now on
        if e.method in SENDS and not e.error:
            twin = partners.get(e.socket)
            goes[i] = port_of(e.address) if e.address is not None else target.get(e.socket)
            flying.add(i, ("twin", twin) if twin is not None else goes[i])
    for i, e in datagrams:
        if e.method in RECEIVES and not e.error:
            untils = (i, len(events)) if e.peek else (i, AGAIN, len(events))    # the last is for a log that is out of turn
            tries = (flying.find(e, to, until) for until in untils for to in (("twin", e.socket), port_of(e.local)))
            found = next((n for n in tries if n is not None), None)
            if found is not None:
                causes[i].append(found)
                partners.setdefault(e.socket, events[found].socket)
                partners.setdefault(events[found].socket, e.socket)
                if not e.peek:
                    flying.taken.add(found)
    for i, to in goes.items():      # a lost datagram still points at someone: who has its address?
        if events[i].socket not in partners and to in at:
            partners[events[i].socket] = at[to]


class _Flying:
    """Datagrams on their way: found by where they go, whose they are and what they hold, the earliest first."""

    def __init__(self, events):
        self.events, self.taken, self.last = events, set(), {}
        self.to, self.whole, self.cut = defaultdict(list), defaultdict(deque), {}
        self.before = {}        # a send -> the call before it in its thread: what was noted until then has not received it

    def add(self, i, to):
        self.to[to].append(i)
        self._enter(self.whole, i, to, self.events[i].size)

    def _enter(self, index, i, to, size):
        for sender in (port_of(self.events[i].local), ANYONE):
            index[to, sender, size, self.events[i].data[:size]].append(i)

    def find(self, e, to, until):
        """The position of the send, begun before `until`, that `e` received, or received AGAIN; None where there is none."""
        room = next((a for a in e.args[:1] if type(a) is int), None)        # a buffer of the program's own: not known
        found = self._first(self.whole, e, to, until) if room != e.size else None
        if found is not None or room not in (None, e.size):
            return found
        if (to, e.size) not in self.cut:        # it may be the beginning of a longer one
            begins = self.cut[to, e.size] = defaultdict(deque)
            for i in self.to.get(to, ()):
                if self.events[i].size >= e.size:
                    self._enter(begins, i, to, e.size)
        return self._first(self.cut[to, e.size], e, to, until)

    def _first(self, index, e, to, until):
        heads = []
        for sender in (ANYONE,) if e.address is None else (port_of(e.address), None):
            queue = index.get(key := (to, sender, e.size, e.data), ())
            while queue and queue[0] in self.taken:
                self.last[key] = queue.popleft()
            last = [self.last[key]] if until is AGAIN and key in self.last else []
            heads += last if until is AGAIN else [queue[0]] if queue and self.before[queue[0]] < until else []
        return min(heads, default=None)
