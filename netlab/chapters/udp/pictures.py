"""The same messages by UDP and by TCP, side by side (chapter 5): a picture of the packets, and a table of what they cost.

Both are told from packets alone, of one cable between two hosts, one of which sends and the other receives. Time is counted
in steps: a packet leaves one step after the last one that came to its sender, and comes a step later. So it is the same in
each run that did the same, and two steps are one round trip.
"""
import textwrap
from dataclasses import dataclass
from itertools import groupby

from netlab.network.packets import Packet, Packets
from netlab.network.segments import follow
from netlab.style import FRAME, MESSAGES, Picture, picture, tag, text_at
from netlab.words import count_of, listed


@dataclass
class Sent:
    """One packet: which messages it carries, when it left and came, in steps, and where it is drawn."""
    packet: Packet
    forward: bool               # from the sender of the messages
    left: int
    came: int | None            # None: lost
    messages: tuple[int, ...]   # their numbers, from 1
    label: str                  # of one that carries none: "SYN ACK"
    again: bool = False
    y: float = 0
    y2: float = 0


class Talk:
    """What passed, told step by step: `sent`, and when which message was `given` to the program that receives."""

    def __init__(self, packets, messages=None):
        if not len(packets):
            raise ValueError("there is nothing to compare: no packet passed")
        self.name = "TCP" if "TCP" in packets[0] else "UDP"
        self.client, self.server = packets[0].sender, packets[0].receiver
        self.messages = messages or [packet.payload for packet in packets if packet.sender == self.client]
        ends = [sum(map(len, self.messages[:n + 1])) for n in range(len(self.messages))]
        parts, seen, self.sent = {id(part.packet): part for part in follow(packets)}, 0, []
        last, arrivals = {self.client: 0, self.server: 0}, {self.client: [], self.server: []}
        for packet in packets:
            left = max([last[packet.sender], *(step for when, step in arrivals[packet.sender] if when <= packet.time)])
            last[packet.sender] = left
            if packet.arrivals:
                arrivals[packet.receiver].append((packet.arrivals[0], left + 1))
            forward, again, part = packet.sender == self.client, False, parts.get(id(packet))
            numbers = ()
            if forward and packet.payload and part:
                first, again, seen = part.seq - 1, part.seq <= seen, max(seen, part.seq - 1 + part.length)
                numbers = tuple(n for n, end in enumerate(ends, 1)
                                if first < end and end - len(self.messages[n - 1]) < first + part.length)
            elif forward and not part:
                seen += 1
                numbers = (seen,)
            label = " ".join(flag for flag in part.flags if flag != "PSH") if part else ""
            self.sent.append(Sent(packet, forward, left, left + 1 if packet.arrivals else None, numbers, label, again))
        if seen != (ends[-1] if parts else len(ends)):
            raise ValueError(f"both must carry the same messages: {sum(map(len, self.messages)):,} bytes by UDP, {seen:,} by TCP")
        self.given = self._given(ends, parts)

    def _given(self, ends, parts):
        """[(message, the packet that brought it, the one on which it waited)], as the program gets them."""
        brought, given, there, waits = {}, [], set(), 0
        for each in sorted((one for one in self.sent if one.messages and one.came), key=lambda one: one.came):
            for n in each.messages:
                brought.setdefault(n, each)
            if self.name == "UDP":
                given += [(n, each, each) for n in each.messages]
                continue
            part = parts[id(each.packet)]
            there |= set(range(part.seq - 1, part.seq - 1 + part.length))
            while waits < len(ends) and there.issuperset(range(ends[waits])):
                waits += 1
                given.append((waits, brought[waits], each))
        return given

    @property
    def lost(self) -> list[int]:
        """The numbers of the messages in packets that were lost."""
        return [n for each in self.sent if each.came is None for n in each.messages]

    @property
    def late(self) -> list[int]:
        """Those that were there, and had to wait for one before them."""
        return [n for n, brought, by in self.given if brought is not by]

    def words(self) -> list[str]:
        """What came of it, a sentence or two."""
        total, came = len(self.messages), [n for n, *_ in self.given]
        missing = [n for n in range(1, total + 1) if n not in came]
        lines = [f"{len(came)} of {total} messages came" + (", in order." if came == sorted(came) and not missing else ".")]
        if missing:
            lines.append(f"{_list(missing)} never came, and no kernel says so.")
        if self.late:
            lines.append(f"{_list(self.late)} waited for {_list([n for n in self.lost if n in came])}.")
        return lines


def side_by_side(udp: Packets, tcp: Packets) -> Picture:
    """The same messages by UDP and by TCP: packets of one cable each, without ARP. The numbers are the messages.

    Raises ValueError where there are no packets.
    """
    one, other = _both(udp, tcp)
    title = f"{count_of(len(one.messages), 'message').capitalize()} over the same bad cable: by UDP and by TCP."
    text = [title]
    for talk in (one, other):
        text.append(f"{talk.name}, {talk.client} to {talk.server}:")
        for step, group in groupby(talk.sent, key=lambda each: (each.left, each.forward)):
            names = [f"{each.messages[0] if len(each.messages) == 1 else _list(each.messages)}{' again' * each.again}"
                     f"{' (lost)' * (each.came is None)}" if each.messages else each.label for each in group]
            runs = [(name, len(list(those))) for name, those in groupby(names)]
            sender = talk.client if step[1] else talk.server
            text.append(f"  step {step[0]}: {sender} sends {', '.join(name if n == 1 else f'{n} x {name}' for name, n in runs)}")
        text += [f"  {talk.server}'s program gets {' '.join(str(n) for n, *_ in talk.given)}", f"  {' '.join(talk.words())}"]
    tall = [_place(talk) for talk in (one, other)]
    below = 66 + max(tall)
    wide = [part for x, talk, high in zip((10, 390), (one, other), tall)
            for part in _panel(talk, x, 0, below, 66 + high)]
    heights = [66 + high for high in tall]
    foot = [16 * len(_lines(talk)) + 16 for talk in (one, other)]
    narrow = [*_panel(one, 0, 0, heights[0], heights[0]),
              *_panel(other, 0, heights[0] + foot[0] + 8, heights[1], heights[1])]
    return picture(int(below + max(foot)), wide, "\n".join(text), (int(sum(heights) + sum(foot) + 8), narrow))


def _both(udp, tcp):
    one = Talk(udp)
    return one, Talk(tcp, one.messages)


def _list(numbers):
    return listed([str(n) for n in numbers])


# --- the drawing: each half is 360 wide -------------------------------------------------------------------------
LEFT, RIGHT, GETS = 74, 222, 258        # the two hosts' lines, and what the program gets
FALL, STEP, CLOSE = 28, 12, 4           # how much lower a packet comes; between two that have a label each, or not


def _runs(those):
    """Packets that leave one after the other, by label: those without a message share one."""
    return [list(run) for _, run in groupby(those, key=lambda each: (each.messages or each.label, each.again))]


def _place(talk):
    """Give each packet its place, from 0; how far down it goes."""
    cursor = {True: 0.0, False: 0.0}
    for step in range(max(each.left for each in talk.sent) + 1):
        for forward in (True, False):
            those = [each for each in talk.sent if each.left == step and each.forward == forward]
            came = [each.y2 for each in talk.sent if each.forward != forward and each.came and each.came <= step]
            y = max(cursor[forward], max(came, default=-STEP) + (STEP if forward else 6))
            for run in _runs(those):
                for each in run:
                    each.y, each.y2 = y, y + FALL
                    y += CLOSE
                y += STEP - CLOSE
            cursor[forward] = y
    return max(each.y2 for each in talk.sent)


def _lines(talk):
    """The words below a half, wrapped."""
    return [line for words in talk.words() for line in textwrap.wrap(words, 52)]


def _panel(talk, x, y, bottom, end):
    """One half: `bottom` is where its lines end, `end` where its last packet came; both from the half's top."""
    left, right, top = x + LEFT, x + RIGHT, y + 60
    parts = [text_at((left + right) / 2, y + 26, talk.name, "h", "middle"),
             text_at(left, y + 46, talk.client, "client", "middle", font_weight=600),
             text_at(right, y + 46, talk.server, "server", "middle", font_weight=600),
             text_at(x + GETS, y + 46, "program gets", "s")]
    for at, side in ((left, "client"), (right, "server")):
        parts.append(tag("path", d=f"M{at:g} {y + 54:g}V{y + bottom:g}", class_=f"l {side}"))
    packets, words = [], []
    for each in talk.sent:
        packets += _arrow(each, left, right, top)
    for forward in (True, False):
        for _, group in groupby((each for each in talk.sent if each.forward == forward), key=lambda each: each.left):
            for run in _runs(group):
                words.append(_label(run, left - 9, top))
    words += _program(talk, right, top)
    lines = [text_at(x + 180, y + bottom + 22 + 16 * n, line, None, "middle") for n, line in enumerate(_lines(talk))]
    if bottom > end + 60:
        lines.append(text_at((left + right) / 2, y + end + 40, "nothing more is sent", "s halo", "middle"))
    return [*parts, *packets, *words, *lines]


def _arrow(each, left, right, top):
    """A packet: in the colour of its message, or faint; what is lost ends in a cross."""
    x1, x2, toward = (left, right, 1) if each.forward else (right, left, -1)
    y1, y2 = top + each.y, top + each.y2
    colour = MESSAGES[(each.messages[0] - 1) % len(MESSAGES)] if each.messages else ""
    if each.came is None:
        x2, y2 = x1 + (x2 - x1) * .45, y1 + (y2 - y1) * .45
    tip = x2 - 7 * toward * (each.came is not None)
    shape = f"M{x1:g} {y1:g}L{tip:g} {y2 - (1.3 if each.came is not None else 0):g}"
    if colour:
        parts = [tag("path", d=shape, stroke=colour, stroke_width=2, fill="none")]
    else:
        parts = [tag("path", d=shape, class_="d", stroke_width=1)]
    if each.came is None:
        return [*parts, tag("path", d=f"M{x2 - 4.5:g} {y2 - 4.5:g}l9 9m0 -9l-9 9", class_="x")]
    return [*parts, tag("path", d=f"M{x2:g} {y2:g}l{-8 * toward:g} -5.5l{.6 * toward:g} 8.2z", fill=colour or "var(--nl-soft)")]


def _label(run, x, top):
    """What left, or came, at the sender's line: one label for a run."""
    middle = sum(each.y if each.forward else each.y2 for each in run) / len(run)
    first = run[0]
    if first.messages:
        words = _list(first.messages) + " again" * first.again + " lost" * (first.came is None)
        return text_at(x, top + middle + 4, words, "e" if first.came is None else None, "end", font_size=11.5)
    words = first.label if len(run) == 1 else f"{len(run)} × {first.label}"
    return text_at(x, top + middle + 4, words, "s", "end", font_size=10.5)


def _program(talk, right, top):
    """What the program gets and when; what waits for it stands in a dashed box, which is the kernel's."""
    x, parts = right + GETS - RIGHT, []
    waiting = [(n, brought.y2, by.y2) for n, brought, by in talk.given if brought is not by]
    if waiting:
        begin, end = min(came for _, came, _ in waiting) - 9, max(given for *_, given in waiting) + 7
        parts.append(tag("rect", x=right + 7, y=top + begin, width=22, height=end - begin, rx=3, class_="w server"))
        parts += [text_at(right + 18, top + came + 4, str(n), "s", "middle", font_size=11.5) for n, came, _ in waiting]
        middle = top + sum(came for _, came, _ in waiting) / len(waiting)
        parts += [text_at(x, middle, "wait in", "s", font_size=11),
                  text_at(x, middle + 14, f"{talk.server}'s kernel", "s", font_size=11)]
    for _, group in groupby(talk.given, key=lambda one: id(one[2])):
        those = list(group)
        words = " ".join(str(n) for n, *_ in those)
        parts.append(text_at(x, top + those[0][2].y2 + 4, words, font_size=11.5, font_weight=600))
    return parts


# --- the table --------------------------------------------------------------------------------------------------
class Costs:
    """What both cost, as rows (what, by UDP, by TCP); in a cell it shows itself as a table."""

    def __init__(self, udp, tcp):
        both = _both(udp, tcp)
        self.rows = [(what, *(show(talk) for talk in both)) for what, show in _COUNTED.items()]

    def __repr__(self) -> str:
        rows = [("", "UDP", "TCP"), *self.rows]
        wide = [max(len(row[column]) for row in rows) for column in range(3)]
        return "\n".join(f"{what:<{wide[0]}}  {one:>{wide[1]}}  {other:>{wide[2]}}".rstrip() for what, one, other in rows)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        cell, number = (f"padding:3px {right} 3px {left};text-align:{where};border:0;"
                        for right, left, where in (("18px", "0", "left"), ("0", "18px", "right")))
        number += "white-space:nowrap;"
        soft = "color:var(--jp-content-font-color2,#5b6470);font-weight:600"
        names = [tag("th", name, scope="col", style=number + soft) for name in ("UDP", "TCP")]
        body = [tag("tr", tag("th", what, scope="row", style=cell + "font-weight:normal"),
                    *(tag("td", each, style=number) for each in counted)) for what, *counted in self.rows]
        table = tag("table", tag("thead", tag("tr", tag("td", "", style=cell), *names)), tag("tbody", *body),
                    style="border-collapse:collapse;border:0;margin:0;font-size:13px")
        look = FRAME + "overflow-x:auto;color:var(--jp-content-font-color1,inherit)"
        return {"text/html": str(tag("div", table, style=look)), "text/plain": repr(self)}


def costs(udp: Packets, tcp: Packets) -> Costs:
    """What the same messages cost by UDP and by TCP, counted from the packets of both."""
    return Costs(udp, tcp)


def _headers(talk):
    return sum(each.packet["IP"]["Total Length"] - len(each.packet.payload) for each in talk.sent)


def _trips(steps):
    whole, half = divmod(steps, 2)
    return f"{whole or '' if half else whole}{'½' * half}"


_COUNTED = {
    "packets": lambda talk: str(len(talk.sent)),
    "… of these without data": lambda talk: str(sum(not each.packet.payload for each in talk.sent)),
    "… of these sent again": lambda talk: str(sum(each.again for each in talk.sent)),
    "bytes of messages": lambda talk: f"{sum(map(len, talk.messages)):,}",
    "bytes of headers (IP, and UDP or TCP)": lambda talk: f"{_headers(talk):,}",
    "round trips before the first message leaves": lambda talk: _trips(min(each.left for each in talk.sent if each.messages)),
    "round trips until the last message is there": lambda talk: _trips(max((by.came for *_, by in talk.given), default=0)),
    "messages that came": lambda talk: f"{len(talk.given)} of {len(talk.messages)}",
}
