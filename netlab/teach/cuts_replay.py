"""The replay of a stream: one call after another, and where its bytes are meanwhile."""
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import groupby

from netlab.replay.player import Replay, replay_or_picture
from netlab.replay.values import Block, Place, Scene, Step, Way, size_of
from netlab.style import Picture
from netlab.teach.stream import Fed, Stream, not_received, numbers, stop, whose
from netlab.words import bytes_of, listed, number_of, show_bytes

END = "end", 0                          # the recvs that found the end are one step
NO_ROOM = "the picture has no room for them one by one"
FITS = 65536                            # bytes that surely have room in the kernels
MESSAGES = 3                            # that are shown beside a decoder, the latest ones


@dataclass(frozen=True)
class Plan:
    """Which calls are one step: each for itself, but those that a drawing has no room for together."""
    steps: tuple[tuple[tuple[str, int], ...], ...]      # ("send", 0), ("recv", 0), END
    number: dict[tuple[str, int], int]                  # of the step of each call, from 1; of a frame, where it became whole
    fed: bool
    never: int | None                                   # the frame that did not

    @property
    def sent(self) -> int:
        """The step after which all that is sent has been sent."""
        return max((n for (word, _), n in self.number.items() if word == "send"), default=0)

    def box(self, run) -> tuple[int | None, int | None]:
        """(the step that brings the bytes of a run, the step that takes them)."""
        if run.hides:
            return min(self.number[call] for call in run.hides), None
        sent, took = self.number.get(("send", run.piece.send)), self.number["recv", run.recv.send] if run.recv else None
        if self.fed:
            return took, None if run.piece.send == self.never else sent
        return sent, took

    def hidden(self, run) -> list[int]:
        """The steps of the calls that a box stands for."""
        return sorted({self.number[call] for call in run.hides})


def planned(stream: Stream, drawings: Iterable) -> Plan:
    """The steps of a stream that is drawn in these rows of runs, each drawing in its own."""
    shown = [{call for row in rows for run in row
              for call in (("send", run.piece.send), ("recv", run.recv.send if run.recv else None))} for rows in drawings]
    steps = []
    for visible, calls in groupby(_order(stream), key=set.intersection(*shown).__contains__):
        calls = tuple(calls)
        steps += [(call,) for call in calls] if visible else [calls]
    steps += [(END,)] * bool(stream.ends)
    number = {call: n for n, calls in enumerate(steps, 1) for call in calls}
    if stream.fed:
        starts = [recv.start for recv in stream.recvs]
        number |= {("send", n): number["recv", bisect_right(starts, stop(frame) - 1) - 1]
                   for n, frame in enumerate(stream.sends)}
    return Plan(tuple(steps), number, stream.fed, len(stream.sends) - 1 if stream.open_end else None)


def _order(stream):
    """The calls that moved bytes, as they happened."""
    recvs = [("recv", recv.send) for recv in stream.recvs]
    if stream.fed:
        return recvs
    calls = stream.order or [*(("send", send.send) for send in stream.sends), *recvs]
    return [(word, n) for word, n in calls if word == "recv" or stream.sends[n].size]


@dataclass(frozen=True, repr=False)
class Cuts(Picture):
    """The picture of a stream; in a cell it can be stepped through, from a bar below it."""
    stream: Stream = field(compare=False)
    plan: Plan = field(compare=False)
    names: tuple[str, str] = field(compare=False)
    code: tuple[Block, ...] = field(compare=False)
    lines: dict[tuple[str, int], tuple[int, int] | None] = field(compare=False)     # where in the code each call stands

    @property
    def steps(self) -> list[Step]:
        """What happens in each step, and where the bytes are after it."""
        teller = _Teller(self.stream, self.names)
        return [replace(teller.step(calls), line=self.lines.get(calls[-1])) for calls in self.plan.steps]

    def replay(self) -> Replay:
        """The same, opened at its first step. ValueError where no byte was moved."""
        if not self.plan.steps:
            raise ValueError("no byte was moved here: there is nothing to step through")
        return self._replay(opened=True)

    def _replay(self, opened):
        picture = Picture(self.svg, self.text, self.narrow)
        return replay_or_picture(picture, lambda: Replay(picture, self.steps, self.code, opened=opened))

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        if not self.plan.steps:
            return super()._repr_mimebundle_(include, exclude)
        return self._replay(opened=False)._repr_mimebundle_(include, exclude)


class _Teller:
    """Tells the steps in their order: it knows what has been sent and taken so far."""

    def __init__(self, stream, names):
        self.stream = stream
        self.names = "sender" if names[0] == "sent" else names[0], "receiver" if names[1] == "received" else names[1]
        self.sends = self.recvs = 0                     # calls so far
        self.sent = self.taken = self.come = self.begin = stream.sends[0].start if stream.sends else 0

    def step(self, calls) -> Step:
        """What these calls do. It is called once for each step, in their order."""
        stream, (word, n) = self.stream, calls[0]
        before, came, began = self.taken, self.recvs, self.sends
        for kind, last in calls:
            if kind == "send":
                self.sends, self.sent = last + 1, stop(stream.sends[last])
            elif kind == "recv":
                self.recvs, self.taken, self.come = last + 1, stop(stream.recvs[last]), stream.come(last)
        if stream.fed:
            said = self._end() if word == "end" else self._feeds(came)
            return Step(said + self._given(came), (self._decoder(word == "end"),))
        if word == "end":
            said = self._end()
        elif len(calls) > 1:
            said = self._many(calls)
        elif word == "send":
            send = stream.sends[n]
            said = f"Send {n + 1:,} puts {bytes_of(send.size)} in: {show_bytes(send.data, send.size)}. {self._lie()}"
            if not any(each.size for each in stream.sends[self.sends:]):
                self.sends = len(stream.sends)          # empty ones behind the last that is a step
        else:
            said = self._recv(n, before)
        return Step(said + self._empty(stream.sends[began:self.sends]) + self._given(came), (self._scene(word == "end"),))

    def _empty(self, sends):
        found = [f"send {send.send + 1:,}" for send in sends if not send.size]
        return f" ({listed(found).capitalize()}, of no bytes, left nothing in the stream.)" if found else ""

    @property
    def _where(self):
        """A send of more than the kernels have room for waits with the rest in its program."""
        return "on the way" if self.stream.edges else "in the kernels" if self.sent - self.taken <= FITS else "not received yet"

    def _lie(self):
        lie, where = self.sent - self.come if self.stream.edges else self.sent - self.taken, self._where
        if not lie:
            return "Nothing stays."
        return f"Now {bytes_of(lie)} {_verb(lie, 'lie' if where == 'in the kernels' else 'be')} {where}."

    def _recv(self, n, before):
        recv, asked = self.stream.recvs[n], self.stream.asked[n] if n < len(self.stream.asked) else None
        asks = "" if asked is None else f"asks for at most {bytes_of(asked)} and "
        known = bool(self.stream.edges)
        lay, way = (self.come - before, self.sent - self.come) if known else (self.sent - before, 0)
        stays = lay - recv.size
        all_of = "all that has come" if known else "all there is"
        of = f"{recv.size:,} of the {bytes_of(lay)}{' that have come' * known}" if stays else f"{all_of}, {bytes_of(lay)}"
        left = [f"{bytes_of(stays)} {_verb(stays, 'stay')}"] if stays else []
        left += [f"{bytes_of(way)} {_verb(way, 'be')} on the way"] if way else []
        return (f"Recv {n + 1:,} {asks}takes {of}: {show_bytes(recv.data, recv.size)}, "
                f"{whose(self.stream, recv.start, stop(recv))}. {listed(left) or 'Nothing stays'}.")

    def _many(self, calls):
        """Calls that the drawings have no room for."""
        said = []
        for word, does in ("send", "put {} in"), ("recv", "take {} out"):
            found = [n for kind, n in calls if kind == word]
            pieces = self.stream.sends if word == "send" else self.stream.recvs
            size = bytes_of(sum(pieces[n].size for n in found))
            said += [f"{numbers(word, found[0] + 1, found[-1] + 1)} {does.format(size)}"] if found else []
        return f"{listed(said).capitalize()}; {NO_ROOM}. {self._lie()}"

    def _end(self):
        if self.stream.fed:
            kept = self._now.kept
            return "The stream ends." + (f" {bytes_of(kept)} pending: the last message is not whole." if kept else "")
        recvs, lost = len(self.stream.recvs), self.sent - self.taken
        gets = "gets" if self.stream.ends == 1 else "get"
        said = f"{numbers('Recv', recvs + 1, recvs + self.stream.ends)} {gets} b\"\": the sender has ended the stream."
        return said + (f" {bytes_of(lost)} {not_received(self.stream)}." if lost else "")

    # --- a decoder ---
    @property
    def _now(self):
        """The decoder after the recvs so far."""
        return self.stream.decoder[self.recvs - 1] if self.stream.decoder and self.recvs else Fed()

    def _feeds(self, came):
        pieces = self.stream.recvs[came:self.recvs]
        if len(pieces) > 1:
            return f"{numbers('Feed', came + 1, self.recvs)} bring {bytes_of(size_of(pieces))}; {NO_ROOM}."
        return f"Feed {self.recvs:,} brings {bytes_of(pieces[0].size)}: {show_bytes(pieces[0].data, pieces[0].size)}."

    def _given(self, came):
        """What the decoder made of what the recvs since `came` brought."""
        if not self.stream.decoder or came == self.recvs:
            return ""
        before, now = self.stream.decoder[came - 1] if came else Fed(), self._now
        new = now.messages[len(before.messages):]
        given = _shown(new) or "nothing yet"
        if before.fault:
            return " The decoder has given the stream up."
        if now.fault:
            gave = f"gives {given} and then gives" if new else "gives"
            return f" The decoder {gave} the stream up: {now.fault}."
        keeps = f"keeps {bytes_of(now.kept)}" if now.kept else "keeps nothing"
        return f" The decoder gives {given} and {keeps}."

    def _pending(self):
        label = "given up" if self._now.fault else "pending in the decoder"
        return Way(label, tuple(self.stream.between(self.taken - self._now.kept, self.taken)))

    def _messages(self):
        messages = self._now.messages
        if not messages:
            return "no message yet"
        more = ", the latest" * (len(messages) > MESSAGES)
        return f"{number_of(len(messages), 'message')}{more}: {', '.join(map(show_bytes, messages[-MESSAGES:]))}"

    # --- where the bytes are ---
    def _scene(self, ended):
        sent = f"sent {bytes_of(self.sent - self.begin)} in {number_of(self.sends, 'send')}" if self.sends else "sent nothing"
        took = f"received {bytes_of(self.taken - self.begin)} in {number_of(self.recvs, 'recv')}"
        took = took if self.recvs else "received nothing"
        ways = [Way(self._where, tuple(self.stream.between(self.come if self.stream.edges else self.taken, self.sent)))]
        if self.stream.edges:
            ways.append(Way("in the kernel", tuple(self.stream.between(self.taken, self.come))))
        if self.stream.decoder:
            ways.append(self._pending())
            took += f"; {self._messages()}"
        (sender, receiver), (left, right) = self.names, self.stream.sides
        return Scene(Place(sender, left, sent + ", and ended" * ended), tuple(ways), Place(receiver, right, took))

    def _decoder(self, ended):
        fed = f"{number_of(self.recvs, 'piece')}, {bytes_of(self.taken)}{', and the end' * ended}"
        return Scene(Place("fed", "", fed), (self._pending(),), Place("given", "", self._messages()))


def _verb(count, verb):
    """"lies", "lie"; of "be" "is", "are"."""
    one, more = ("is", "are") if verb == "be" else (verb + "s", verb)
    return one if count == 1 else more


def _shown(messages):
    """Messages for a sentence."""
    found = list(map(show_bytes, messages[:MESSAGES]))
    return listed(found + [f"{len(messages) - MESSAGES:,} more"] * (len(messages) > MESSAGES))
