"""What a picture can leave blank: the result of a call, a call, where an arrow goes, bytes that were taken or stay, a packet.

Each function gives a `Blank` for `netlab.teach.pictured.pictured`. Which call is meant is said by its method, its number among
those of that method, from 1 (or from -1, the last one, where a cell that is run again goes on with its Timeline), and where it
matters by the name of its socket. What the picture tells later is left out of the question's.
"""
import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace

from netlab import diagram
from netlab.events import RECEIVES, SENDS, Row, Story
from netlab.network.ladder import Ladder
from netlab.network.ladder_picture import picture_of
from netlab.style import NARROW, Picture
from netlab.teach.cuts import cuts
from netlab.teach.pictured import PARTS, Blank
from netlab.timeline import Timeline
from netlab.words import listed, show_bytes

LEFT_OUT = "Something is left out here: say what it is."
NO_RECV = "none of them"


def _counting(words):
    """What is counted stands behind the number, and before the guess that is beside it."""
    first, gap, guess = words.partition(" ")
    return f"{first} bytes{gap}{guess}"


# --- of a Timeline ------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Call:
    """One call of a recording."""
    method: str
    number: int
    who: str

    def place(self, story: Story) -> int | None:
        """Its row; None where there is none."""
        rows = [n for n, row in enumerate(story.rows) if row.event.method == self.method and row.phase != "start"
                and self.who in ("", row.who)]
        place = self.number - (self.number > 0)
        return rows[place] if -len(rows) <= place < len(rows) else None

    @property
    def missing(self) -> str:
        """What to say of a recording without it."""
        which = f" number {self.number}" if self.number > 0 else ""
        return f"No {self.method}{which}{f' of {self.who}' if self.who else ''} has ended in this run."


def result_of(method: str, number: int = 1, who: str = "", *, read: Callable[[Row], str] = lambda row: row.result,
              at_start: bool = False) -> Blank:
    """What a call gave back: "recv(1024) → ?". A Timeline shows it. What came is written as the picture writes it, `b"312"`
    or `ConnectionRefusedError`; `read(row)` may say it in other words, those of the question's choices. With `at_start` the
    question's picture ends where the call begins, so that it does not tell whether it waits.
    """
    return _of_row(Call(method, number, who), read, lambda row, words: replace(row, result=words), at_start)


def size_of(method: str, number: int = 1, who: str = "") -> Blank:
    """How many bytes a call moved: "recv(1024) → ? bytes". A Timeline shows it."""
    blank = _of_row(Call(method, number, who), lambda row: row.event.size,
                    lambda row, words: replace(row, result=_counting(words)))
    return replace(blank, unit="byte")


def argument_of(method: str, number: int = 1, who: str = "") -> Blank:
    """What a call was given: "sendall(?)". A Timeline shows it. What came is what stands in its brackets."""
    return _of_row(Call(method, number, who), lambda row: row.call.partition("(")[2].removesuffix(")"),
                   lambda row, words: replace(row, call=f"{row.event.method}({words})"))


def results_of(*calls: tuple, read: Callable[[Row], str] = lambda row: row.result) -> Blank:
    """What several calls gave back, each (method, number) or (method, number, who), in the picture's order. What came has a
    part for each, with " · " between: `b"tea"` · `b"salt"`; a call that was not made is "-"."""
    wanted = [Call(method, number, *who or ("",)) for method, number, *who in calls]

    def places(story):
        return [call.place(story) for call in wanted]

    def truth(timeline):
        rows, found = (story := timeline.story()).rows, places(story)
        return PARTS.join("-" if n is None else read(rows[n]) for n in found) if any(n is not None for n in found) else None

    def draw(timeline, words):
        rows, found = [*(story := timeline.story()).rows], places(story)
        for n, said in zip(found, words):
            if n is not None:
                rows[n] = replace(rows[n], result=said)
        return _drawn(replace(story, rows=rows))

    def asked(timeline, words):
        rows, found = [*(story := timeline.story()).rows], places(story)
        for n, said in zip(found, words):
            rows[n] = _unknown(replace(rows[n], result=said))
        return _untold(rows[:max(found) + 1], story)

    return Blank(draw, truth, asked, parts=len(wanted), missing=wanted[0].missing, takes=(Timeline,))


def _of_row(call, read, put, at_start=False):
    def truth(timeline):
        story = timeline.story()
        return None if (n := call.place(story)) is None else read(story.rows[n])

    def draw(timeline, words):
        story = timeline.story()
        n = call.place(story)
        return _drawn(replace(story, rows=[*story.rows[:n], put(story.rows[n], words), *story.rows[n + 1:]]))

    def asked(timeline, words):
        story = timeline.story()
        n = call.place(story)
        row = story.rows[n]
        if at_start and row.started is not None:
            n, row = row.started, replace(row, phase="call", started=None)
        return _untold([*story.rows[:n], _unknown(put(replace(row, result=""), words))], story)

    return Blank(draw, truth, asked, missing=call.missing, takes=(Timeline,))


def taker_of(method: str, number: int = 1, who: str = "", *, by_name: bool = False) -> Blank:
    """Which recv takes the bytes of that send: an arrow that is missing. A Timeline shows it.

    The recvs of all other sockets are numbered in the picture's order. The choices of the question are "recv 1", "recv 2" and
    so on, and if wanted "none of them"; a broken arrow goes to the one that is chosen. With `by_name` the choices are the names
    of sockets, as the picture has them: "friend".
    """
    call = Call(method, number, who)

    def recvs(story):
        """{what it is called: its row}"""
        own = story.rows[call.place(story)].endpoint.id
        rows = [n for n, row in enumerate(story.rows) if row.event.method in RECEIVES and row.phase != "start"
                and row.endpoint.id != own and not row.event.peek]
        return {story.rows[n].who: n for n in reversed(rows)} if by_name else {f"recv {k}": n for k, n in enumerate(rows, 1)}

    def noted(story, words, rows):
        rows, send = [*rows], call.place(story)
        rows[send] = replace(rows[send], result=f"to {words}")
        for name, n in ({} if by_name else recvs(story)).items():
            rows[n] = replace(rows[n], note="; ".join(filter(None, [name, rows[n].note])))
        return rows

    def truth(timeline):
        story = timeline.story()
        if (send := call.place(story)) is None:
            return None
        return listed([name for name, n in recvs(story).items() if send in story.rows[n].causes]) or NO_RECV

    def draw(timeline, words):
        story = timeline.story()
        return _drawn(replace(story, rows=noted(story, words, story.rows)))

    def chosen(timeline, words, choice):
        story = timeline.story()
        rows, send = [*story.rows], call.place(story)
        sent, goes_to = rows[send].event, recvs(story)
        for n in [n for n, row in enumerate(rows) if row.event.method in RECEIVES and row.phase != "start"]:
            event = replace(rows[n].event, offset=sent.offset, size=sent.size)
            rows[n] = replace(rows[n], result="", note="", failed=False, event=event, causes=[send] * (goes_to.get(choice) == n))
        rows[send] = replace(rows[send], lost=False)
        return _untold(noted(story, words, rows), story)

    return Blank(draw, truth, lambda timeline, words: chosen(timeline, words, ""), chosen, missing=call.missing,
                 takes=(Timeline,))


def _unknown(row):
    """The row without all that the picture would draw for what came of it: a handshake, a cross, a new socket, bytes."""
    method = "" if row.event.method in ("connect", "connect_ex") else row.event.method      # a handshake is drawn for these
    event = replace(row.event, method=method, size=0, made=None)
    return replace(row, event=event, note="", failed=False, lost=False, causes=[])


def _untold(rows, story):
    """The picture of these rows. Of sends whose bytes no row of them takes it does not say that they wait."""
    taken = {cause for row in rows for cause in row.causes}
    rows = [replace(row, event=replace(row.event, size=0), lost=False) if row.event.method in SENDS and n not in taken else row
            for n, row in enumerate(rows)]
    acted = {row.endpoint.id for row in rows}
    return _drawn(Story(rows, [end for end in story.endpoints if end.id in acted], LEFT_OUT))


def _drawn(story):
    text = f"Sequence diagram. {story.caption}\n{diagram.text(story)}"
    return Picture(diagram.svg(story), text, diagram.svg(story, width=NARROW))


# --- of a strip ---------------------------------------------------------------------------------------------------
def taken_by(number: int, sender: str = "client") -> Blank:
    """How many bytes the recv of that number takes of what `sender` sent. A Timeline shows it, or a tuple of two lists of bytes:
    (sends, recvs)."""
    def draw(recorded, words):
        sends, recvs = _stream(recorded, sender)
        return cuts(sends, recvs, note=f"recv {number} takes {_counting(words)}.")

    return _of_strip(number, sender, draw, lambda sends, recvs: len(recvs[-1]), "recv {} takes {}.")


def brings(number: int, sender: str = "client") -> Blank:
    """What the recv of that number brings of what `sender` sent, shown as for `taken_by`: bytes, as `b"31"`."""
    def draw(recorded, words):
        sends, recvs = _stream(recorded, sender)
        return cuts(sends, recvs, note=f"recv {number} brings {words}.")

    blank = _of_strip(number, sender, draw, lambda sends, recvs: show_bytes(recvs[-1]), "recv {} brings {}.", str)
    return replace(blank, unit="")


def left_after(number: int, sender: str = "client") -> Blank:
    """How many bytes of what `sender` sent stay in the kernel after the recv of that number. Shown as for `taken_by`."""
    def draw(recorded, words):
        sends, recvs = _stream(recorded, sender)
        return cuts(sends, recvs[:number], note=f"After recv {number}, {_counting(words)} stay.")

    return _of_strip(number, sender, draw, lambda sends, recvs: sum(map(len, sends)) - sum(map(len, recvs)),
                     "After recv {}, {} stay.")


def sizes_of_recvs(sender: str = "client") -> Blank:
    """Where the recvs cut what `sender` sent. Shown as for `taken_by`. What came, and each choice, are the sizes of the recvs in
    their order: "2, 2, 2"; the brackets of the choice are drawn broken."""
    def sized(recorded, words, sizes):
        sends, _ = _stream(recorded, sender)
        stream, pieces = b"".join(sends), []
        for size in sizes:
            pieces.append(stream[:size])
            stream = stream[size:]
        return cuts(sends, list(filter(None, pieces)), note=f"The recvs take {_counting(words)}.")

    def truth(recorded):
        return ", ".join(str(len(data)) for data in _stream(recorded, sender)[1]) or None

    return Blank(lambda recorded, words: sized(recorded, words, map(len, _stream(recorded, sender)[1])), truth,
                 lambda recorded, words: sized(recorded, words, []),
                 lambda recorded, words, choice: sized(recorded, words, map(int, re.findall("[0-9]+", choice))),
                 missing=f"No recv takes bytes of {sender} in this run.", takes=(Timeline, tuple))


def _of_strip(number, sender, draw, measure, sentence, counting=_counting):
    def asked(recorded, words):
        sends, recvs = _stream(recorded, sender)
        return cuts(sends, recvs[:number - 1], note=sentence.format(number, counting(words)))

    def truth(recorded):
        sends, recvs = _stream(recorded, sender)
        return measure(sends, recvs[:number]) if number <= len(recvs) else None

    return Blank(draw, truth, asked, unit="byte", missing=f"No recv number {number} takes bytes of {sender} in this run.",
                 takes=(Timeline, tuple))


def _stream(recorded, sender):
    """(sends, recvs) of one direction, as lists of bytes; ValueError where they are not."""
    if isinstance(recorded, tuple):
        if len(recorded) != 2 or not all(isinstance(data, bytes) for calls in recorded for data in calls):
            raise ValueError("it takes two lists of bytes, the sends and the recvs")
        return recorded
    story = recorded.story()
    if (many := sum(end.kind == "stream" and end.name == sender for end in story.endpoints)) > 1:
        raise ValueError(f"{many} ends of TCP connections are named {sender} in it")
    rows = story.rows
    moved = [row for row in rows if row.phase != "start" and row.event.size and not row.event.peek]
    sends = [row.event for row in moved if row.who == sender and row.event.method in SENDS]
    recvs = [row.event for row in moved
             if row.event.method in RECEIVES and any(rows[cause].who == sender for cause in row.causes)]
    return tuple([event.data for event in sorted(events, key=lambda event: event.offset)] for events in (sends, recvs))


# --- of a ladder --------------------------------------------------------------------------------------------------
def packet(number: int) -> Blank:
    """Which packet comes there: "?" over its arrow. A Ladder shows it. What came is written as the ladder writes it: "SYN ACK",
    "bytes 1-10", "ACK 12"."""
    def place(made):
        rows = [n for n, row in enumerate(made.rows) if row.drawn and row.kind != "arrival"]
        return rows[number - 1] if number <= len(rows) else None

    def drawn(made, rows, caption):
        changed = copy(made)
        changed.rows, changed.caption = rows, caption
        return picture_of(changed)

    def draw(made, words):
        n = place(made)
        row = replace(made.rows[n], drawn=replace(made.rows[n].drawn, label=words))
        return drawn(made, [*made.rows[:n], row, *made.rows[n + 1:]], made.caption)

    def asked(made, words):
        n = place(made)
        unknown = replace(made.rows[n].drawn, label=words, first=0, last=0, again=False, calls=[], lost="")
        return drawn(made, [*made.rows[:n], replace(made.rows[n], drawn=unknown, kind="packet", causes=[])], LEFT_OUT)

    def truth(made):
        return None if (n := place(made)) is None else made.rows[n].drawn.label

    return Blank(draw, truth, asked, missing=f"There is no packet {number} in this run.", takes=(Ladder,))
