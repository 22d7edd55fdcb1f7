"""The steps of a recorded conversation: for each row of its story, who is there, in which state, and what lies where."""
import re
from operator import attrgetter

from netlab.events import DATA, HELD, RECEIVES, SENDS, Row, Story
from netlab.replay.ends import End, News
from netlab.replay.kernels import Kernels
from netlab.replay.values import Place, Scene, Step, Way
from netlab.words import bytes_of, count_of, listed, number_of, shortened

SHOWN = 2                   # scenes; of more, only those that go on at the moment
ROLES = ("client", "server", "connection")
# what a socket that is not TCP's is in, where TCP would be in …
WORDS = {"": "", "CLOSED": "not connected", "LISTEN": "listening", "SYN_SENT": "connecting", "ESTABLISHED": "connected",
         "FIN_WAIT_2": "half closed", "CLOSE_WAIT": "half closed by its peer", "TIME_WAIT": "closed by both"}
AT_FIRST = ("CLOSED", "not connected", "not bound")         # a socket is so when it is made
UNKNOWN = "unknown"


def steps_of(story: Story, where=None, *, lossy: bool = False) -> list[Step]:
    """A Step for each row of `story`: how things are just after it.

    `where` tells the lines of code to light: {an event's index: (number of the Block, line)}. `lossy`: see `Kernels`.
    Pure: the same story gives the same steps. What did not change from one step to the next is the same object.
    """
    first, stage = Kernels(story, lossy), Kernels(story, lossy)
    for row in story.rows:          # once to see who will meet whom: the layout is the same from the first step to the last
        first.tell(row)
    scenes, lit = _Scenes(first, stage), _lines(story.rows, where or {})
    steps, states = [], {end: _state(end) for end in stage.everyone()}
    for row, (line, lines) in zip(story.rows, lit):
        stage.tell(row)
        steps.append(Step(_says(row, stage, states), scenes.after(stage.touched), line, lines))
    return steps


# --- who stands where ------------------------------------------------------------------------------------------
class _Talk:
    """What one scene is of: two ends that talk, or one alone."""

    def __init__(self, left: End | None, right: End | None, directions, unseen: bool):
        self.left, self.right, self.unseen = left, right, unseen
        self.directions = directions            # [(receiver, sender)] of those that ever carry something
        self.number, self.scene = 0, None

    def look(self):
        """Bring the scene up to date."""
        ways = tuple(Way(f"to {_the(shortened(receiver.name, 15))}", receiver.lies(sender), receiver.kind == "datagram")
                     for receiver, sender in self.directions if receiver.hears(sender))
        nobody = Place("other end", "", UNKNOWN) if self.unseen else None
        left, right = (_place(end) if end else nobody for end in (self.left, self.right))
        if (scene := Scene(left, ways, right)) != self.scene:
            self.scene = scene

    def goes_on(self) -> bool:
        """Whether it has begun and is not over."""
        ends = [end for end in (self.left, self.right) if end]
        alive = [end.there and not end.closed for end in ends]
        many = all if ends[0].kind == "datagram" else any       # a datagram socket may talk to others as well
        return many(alive) or any(receiver.lies(sender) for receiver, sender in self.directions)


class _Scenes:
    """All scenes of a story, each made again only when one of its ends was touched."""

    def __init__(self, first: Kernels, stage: Kernels):
        """`first` has played the whole story, `stage` none of it."""
        theirs = dict(zip(first.everyone(), stage.everyone()))
        order = {end: n for n, end in enumerate(_by_appearance(first))}
        carried = {(theirs[sender], theirs[receiver]) for sender, receiver in first.carried}
        talks, paired = [], set()
        for pair in first.pairs:
            left, right = sorted(pair, key=lambda end: (end.side == "server", order[end]))
            alone = left is right                       # it sends datagrams to itself
            talks.append((min(order[left], order[right]), None if alone else theirs[left], theirs[right], False))
            paired |= {left, right}
        for end in first.ends.values():
            if end not in paired:
                sides = (theirs[end], None) if end.side == "client" else (None, theirs[end])
                talks.append((order[end], *sides, end.met))
        self.talks, self.of = [], {}
        for _, left, right, unseen in sorted(talks, key=lambda talk: talk[0]):
            ways = ((right, left), (left, right)) if left and right else ((right, right),)
            directions = [(to, by) for to, by in ways if (by, to) in carried]
            self.talks.append(_Talk(left, right, directions, unseen))
            for end in filter(None, (left, right)):
                self.of.setdefault(end, []).append(self.talks[-1])
        for number, talk in enumerate(self.talks):
            talk.number = number
            talk.look()
        self.scenes = [talk.scene for talk in self.talks]
        self.datagrams = {end: [talk.number for talk in talks] for end, talks in self.of.items() if end.kind == "datagram"}
        self.live = {talk.number for talk in self.talks if talk.goes_on()}     # those that have begun and are not over

    def after(self, touched) -> tuple[Scene, ...]:
        """The scenes as they are, after something happened to some ends."""
        now = {talk: None for end in touched for talk in self.of.get(end, ())}
        for talk in now:
            talk.look()
            self.scenes[talk.number] = talk.scene
            (self.live.add if talk.goes_on() else self.live.discard)(talk.number)
        if len(self.talks) <= SHOWN:
            return tuple(self.scenes)
        shown = self.live.union(talk.number for talk in now if self._moves(talk, touched))
        for end, numbers in self.datagrams.items():
            if end.there and not end.closed and shown.isdisjoint(numbers):
                shown.add(numbers[0])
        return tuple(map(self.scenes.__getitem__, sorted(shown)))

    def _moves(self, talk, touched):
        """Whether what happened is of this conversation, and not of others that one of its ends has."""
        ends = [end for end in (talk.left, talk.right) if end]
        return all(end in touched for end in ends) or any(end in touched and len(self.of[end]) == 1 for end in ends)


def _by_appearance(stage):
    """All ends, those first of which the first rows tell."""
    seen = {stage.ends[row.endpoint.id]: None for row in stage.story.rows}
    return [*seen, *(end for end in stage.everyone() if end not in seen)]


def _place(end: End) -> Place:
    queued = end.there and not end.accepted and end.state != "CLOSED"
    doing = end.waits_in() or (f"the queue of {_the(end.listener.name)}" if queued else "")
    made = end.endpoint is not None and end.endpoint.parent is None         # by the program, nobody knows when
    return Place(end.name, end.side, _state(end) or ("no call yet" if made else "not there yet"), doing,
                 tuple(map(attrgetter("name"), end.queue)) if end.state == "LISTEN" else None)


def _state(end: End) -> str:
    """As the kernel would name it, in TCP; else in words."""
    if not end.there:
        return ""
    if end.tcp:
        return end.state
    if end.closed:
        return "closed"
    if end.kind == "stream":
        over = end.state == "CLOSED" and end.peer is not None
        return "reset" if over and not end.shut_write else "closed by both" if over else (
            "bound" if end.state == "CLOSED" and end.address else WORDS[end.state])
    if end.peer is not None or end.target is not None:
        return "connected"
    return "bound" if end.address else "not bound"


def _in(end: End) -> str:
    """The state as it stands behind "is"."""
    return ("in " if end.tcp else "") + _state(end)


def _the(name: str) -> str:
    return f"the {name}" if name in ROLES else name


# --- what is said ----------------------------------------------------------------------------------------------
def _says(row: Row, stage: Kernels, states: dict[End, str]) -> str:
    """What the row did, and what that changed; `states` are as they were, and then as they are."""
    states.update((news.end, _state(news.end)) for news in stage.news if news.what in ("queued", "accepted"))
    changes, calls = ([_told(news, row, stage.lossy) for news in stage.news if (news.what == "call") is call]
                      for call in (False, True))
    said = [_call(row, stage), *changes, _moved(stage, states), *calls]
    return " ".join(_sentence(words) for words in said if words)


def _sentence(words: str) -> str:
    start = re.match(r"(the|its?|they|this|there|both|now|nobody|how|(client|server|connection) \d|\d|one|two|nothing)\b", words)
    return f"{words[0].upper() if start else words[0]}{words[1:]}."


def _call(row: Row, stage: Kernels) -> str:
    """Who called what, and what came back."""
    who = _the(row.who)
    if row.phase == "start":
        return f"{who} calls {row.call}{' and waits' if stage.ends[row.endpoint.id].waits_in() else ''}"
    made = stage.ends.get(row.event.made)
    result = _the(made.name) if made else row.result
    if row.event.result == HELD:
        return f"{who} calls {row.call}, but {HELD}"
    note = "" if row.note in ("", "a client came") else f": {row.note}"
    if row.phase == "finish":
        verb = f"raises {result}" if row.failed else f"returns {result}" if result else "returns"
        return f"{row.call} of {who} {verb}{note}"
    if row.failed:
        return f"{who} calls {row.call}, which raises {result}{note}"
    if made or row.event.method in RECEIVES:
        return f"{who} calls {row.call} and gets {result}{note}"
    whole = row.event.method in SENDS and DATA in row.event.args           # all that it was given
    return f"{who} calls {row.call}{f', which returns {result}' if result and not whole else ''}{note}"


def _told(news: News, row: Row, relayed: bool) -> str:
    """What one change is, in words. Of a stream that a relay passes on, what is not received may still be with the relay."""
    end, many, datagrams = news.end, news.count, news.end.kind == "datagram"
    lie, stay, place = ("lies", "stays", "in the kernel") if many == 1 else ("lie", "stay", "in the kernel")
    if relayed and not datagrams:
        lie, place = "is" if many == 1 else "are", "on the way"
        stay = f"{lie} still"
    if news.what == "lies":
        if datagrams:
            behind = f", behind {count_of(many - 1, 'other')}" if many > 1 else ""
            return f"it lies in the receive queue of {_the(end.name)}{behind}"
        until = "not received yet" if end.accepted else f"and {_the(end.listener.name)} has not accepted the connection yet"
        return f"{'now ' if many > row.event.size else ''}{bytes_of(many)} {lie} {place}, {until}"
    if news.what == "travels":
        return f"it is on its way to {_the(end.name)}"
    if news.what == "took":
        where = "in its receive queue" if datagrams else place
        left = number_of(many, "datagram") if datagrams else bytes_of(many)
        return f"{left} {stay} {where}" if many else f"nothing is left {where}"
    if news.what == "gone":
        left = number_of(many, "datagram") if datagrams else bytes_of(many)
        return f"the kernel throws away {left} that nobody received"
    if news.what == "unseen":
        return f"the recording does not tell who receives {'them' if many > 1 and not datagrams else 'it'}"
    if news.what == "lost":
        return f"nobody receives it: {_the(end.name)} is closed" if datagrams else (
            f"nobody receives {'it' if many == 1 else 'them'} any more")
    if news.what == "missing":
        return "it is lost: nobody ever receives it"
    if news.what == "deaf":
        return f"the kernel throws it away: {_the(end.name)} is connected, and hears only its peer"
    if news.what == "unsure":
        return "how much of it went out is not known"
    if news.what == "reset":
        return "the kernel resets the connection"
    if news.what in ("fin", "again", "over"):
        return _ended(news.what, end)
    if news.what == "call":
        return f"{news.call} of {_the(end.name)} can return now"
    if news.what == "queued":
        return f"it is {_in(end)} and waits in the queue of {_the(end.peer.listener.name)}"
    there = f"{bytes_of(many)} {lie} {'on the way' if relayed else 'there'} already" if many else ""
    return ", and ".join(filter(None, [there, end.state != "ESTABLISHED" and f"it is {_in(end)} already"]))


def _ended(what: str, end: End) -> str:
    """What becomes of a connection that an end closes."""
    peer = _the(end.peer.name) if end.peer else "the other end"
    if what == "over":
        return "there is no connection any more"
    if what == "again":
        if end.state == "FIN_WAIT_2":
            return f"{'its FIN went before' if end.tcp else 'its sending ended before'}; {peer} has not ended yet"
        return "both ends have ended already" + (": the kernel keeps TIME_WAIT for a while" if end.tcp
                                                 and end.state == "TIME_WAIT" else "")
    goes = f"its FIN goes to {peer}" if end.tcp else f"this ends what it sends to {peer}"
    if end.state == "CLOSED":
        return f"{goes}, and both ends have ended" if end.tcp else "both ends have ended"
    if end.peer is None or end.peer.closed or end.peer.shut_read:
        return goes
    return goes + ("" if end.peer.able else ': a recv() there gives b"" when all is read')


def _moved(stage: Kernels, states) -> str:
    """Whose state changed, and to what."""
    into = {}
    for end in stage.touched:
        before, states[end] = states[end], _state(end)
        if end.accepted and states[end] != before and (before or states[end] not in AT_FIRST):
            into.setdefault(_in(end) + " for a while" * (end.tcp and end.state == "TIME_WAIT"), []).append(_the(end.name))
    return ", ".join(f"{listed(names)} {('is' if len(names) == 1 else 'are') + ' now ' if not n else ''}{state}"
                     for n, (state, names) in enumerate(into.items()))


# --- lines of code ---------------------------------------------------------------------------------------------
def _lines(rows, where):
    """For each row its own line, if it is known, and those at which the other threads stand; no thread that is done."""
    last = {id(row.event.thread): n for n, row in enumerate(rows)}
    at, lit = {}, []
    for n, row in enumerate(rows):
        thread, own = id(row.event.thread), where.get(row.event.index)
        at.pop(thread, None)
        lit.append((own, tuple(line for line in dict.fromkeys(reversed(at.values())) if line != own)[::-1]))
        if own and last[thread] != n:
            at[thread] = own
    return lit
