"""Draws a Ladder: the calls outside, a kernel's line on each side, the packets between them, in the colours of their calls.

The shapes of each row stand in groups that have its number, from 1, so that a replay can go from row to row. What goes on
for several rows, a call that waits and a packet that others cross, has its beginning in one group and all of it in another.
"""
import re
import textwrap
from collections import Counter
from itertools import groupby

from netlab.events import RECEIVES, SENDS
from netlab.network.ladder import Ladder, words_of
from netlab.network.tracing import CONNECTS, sized
from netlab.style import MESSAGES, NARROW, Picture, drawing, tag, text_at

LINE = 16                               # height of a line of words
MOST_JOINED = 3                         # packets that are joined to one call by lines
SLOPE = 15                              # how much lower a packet comes than it left
OUT = {"client": -1, "server": 1}


def picture_of(ladder: Ladder) -> Picture:
    """The ladder as a Picture, 760 and 360 wide."""
    wide, narrow = (_Sheet(ladder, width).svg() for width in (760, NARROW))
    return Picture(wide, "\n".join([f"Ladder of packets and calls. {ladder.caption}", ladder.text()]), narrow)


class _Sheet:
    """One drawing: where things stand, and what has been drawn so far."""

    def __init__(self, ladder, width):
        self.ladder, self.width, self.small = ladder, width, width <= NARROW
        self.shown = ladder.shown()
        half, gutter, self.char, self.beside = (82, 18, 6.4, 11) if self.small else (160, 46, 7.45, 12)
        self.life = {"client": width / 2 - half, "server": width / 2 + half}
        self.kernel = {side: x - OUT[side] * gutter for side, x in self.life.items()} | {"": width / 2}
        self.room = int((self.life["client"] - self.beside - 8) / self.char)
        self.mono = 10.6 if self.small else 12.3
        self.step, self.height = 0, [0.0]       # the row that is drawn, from 1; and of each row its y
        self.lines, self.words = [], []         # [(step, shape)]: words lie above all lines
        self.free = {"client": 0.0, "server": 0.0}      # below this, words may stand there
        self.below = 0.0                # and below this the next packet may leave, so that its label is clear of the last
        self.steep = SLOPE / abs(self.kernel["client"] - self.kernel["server"])
        self.at = {}                    # step -> its y: (kind, id of event or packet)
        self.colours, self.folds = {key: MESSAGES[n % 4] for key, n in ladder.numbers().items()}, []

    def svg(self):
        """The drawing."""
        y = top = 62
        before = None
        for number, row in enumerate(self.shown, 1):
            self.step = number
            y = self.place(before, row, y)
            first = {"packet": ("left", id(row.drawn)), "fold": ("fold", id(row))}.get(row.kind)       # the highest of it
            self.height.append(self.at.get(first, y))
            before = row
        bottom = max(y, *self.free.values()) + 8
        self.gutters()
        self.step = 0
        caption = textwrap.wrap(self.ladder.caption, int((self.width - 28) / 5.9), break_on_hyphens=False)
        size = 11.3 if self.small else 12.5
        said = [text_at(self.width / 2, bottom + 26 + n * LINE, line, None, "middle", font_size=size)
                for n, line in enumerate(caption)]
        parts = [*self.heads(top, bottom), *self.grouped(), tag("g", *said, data_step=len(self.shown))]      # true at the end
        label = f"Ladder of packets and calls. {self.ladder.caption}"
        text = "" if self.small else self.ladder.text()
        return drawing(self.width, bottom + 26 + LINE * len(caption), *parts, label=label, text=text)

    def draw(self, *shapes):
        """What belongs to this step."""
        self.lines += [(self.step, shape) for shape in shapes]

    def write(self, *words):
        """Words of this step, above all lines."""
        self.words += [(self.step, each) for each in words]

    def grouped(self):
        """All shapes, from the lowest up, with those of a step in groups; each step has one."""
        for shapes in (self.lines, self.words):
            for step, group in groupby(shapes, key=lambda each: each[0]):
                drawn = [shape for _, shape in group]
                yield from [self.group(step, *drawn)] if step else drawn
        seen = {step for step, _ in self.lines + self.words}
        yield from (self.group(step) for step in range(1, len(self.height)) if step not in seen)

    def group(self, step, *shapes):
        return tag("g", *shapes, data_step=step, data_y=float(self.height[step]))

    def heads(self, top, bottom):
        """The names, and the four lines that go down."""
        names, lines = [], []
        for side in ("client", "server"):
            name, address = self.ladder.names[side], self.ladder.addresses[side]
            x, k = self.life[side], self.kernel[side]
            anchor = "end" if side == "client" else "start"
            names.append(text_at(x, 24, name, f"h {side}", anchor))
            names.append(text_at(x, 40, address, "s m", anchor, font_size=10.5) if not self.small else "")
            names.append(text_at(k, 50, "kernel", "s", "middle", font_size=10.5) if not self.small else "")
            lines.append(tag("path", d=f"M{x:g} {top - 16}V{bottom:g}", class_=f"l {side}"))
            lines.append(tag("path", d=f"M{k:g} {top - 6}V{bottom:g}", stroke="var(--nl-line)", fill="none"))
        names.append(text_at(self.width / 2, 24, self.ladder.cable, None, "middle", font_weight=600))
        return [tag("g", *names, data_head=34 if self.small else top - 6), *lines]

    # --- rows, from top to bottom ---
    def place(self, before, row, y):
        """Draw a row below the one before; its y."""
        if row.kind == "fold":
            return self.fold(row, y)
        if row.event:
            return self.call(before, row, y)
        each = row.drawn
        if row.kind == "arrival" and ("left", id(each)) in self.at:
            # something came between: two arrows cross, and each has its label near its sender
            left = self.at["left", id(each)]
            self.at["came", id(each)] = y = max(y + 5, left + 2.6 * SLOPE)
            self.arrow(each, left, y, .22, self.at["step", id(each)])
            self.below = y + 4
            return y
        crosses = before is not None and before.kind == "departure" and before.side != row.side
        y = max(y + 5, 0 if crosses else self.below + 2 * self.gap(each))
        if each.again and each.journey.segment and row.side:
            y = self.again(each, row.side, y)
        self.at["left", id(each)] = y
        if row.kind == "departure":
            self.at["step", id(each)] = self.step
            self.below = y + 8
            return y
        if each.lost:
            return self.lost(each, y)
        self.at["came", id(each)] = y + SLOPE
        self.arrow(each, y, y + SLOPE, .5)
        self.below = y + SLOPE + 3
        return y + SLOPE

    def gap(self, each):
        """How much lower a sloping line is at the end of its label than at its middle."""
        return len(self.said(each)) * (2.9 if self.small else 3.3) * self.steep

    def said(self, each):
        """The label of a packet; a datagram that is too long for its line has its size there."""
        tail = " again" * each.again + (f" ({each.note})" if each.note else "")
        words = each.label + tail
        if each.label.startswith('b"') and len(words) > (21 if self.small else 33):
            words = sized(each.journey.size) + tail
        return words.removeprefix("bytes ") if self.small and len(words) > 21 else words

    def call(self, before, row, y):
        """The words of a call beside its line; a packet goes out from the middle of its first line of words."""
        side = row.side
        parts = self.parts(row)
        near = before is not None and before.drawn and row.event and any(
            self.ladder.rows[c].drawn is before.drawn for c in row.causes)
        place = above = y
        if row.kind == "start" and row.event.method not in CONNECTS:        # it waits from when its program came so far
            place = y - SLOPE - 12
        y = max(place + (3 if near else 12), self.free[side])
        if row.kind != "finish":        # where its bytes come from, too
            self.at["begin", id(row.event)], self.at["step", id(row.event)] = y, self.step
        if row.kind != "start":
            self.at["end", id(row.event)] = y
        for n, line in enumerate(parts):
            spans = [tag("tspan", words, fill="var(--nl-soft)") if kind == "soft" else tag("tspan", words, class_=kind)
                     for words, kind in line]
            self.write(tag("text", *spans, x=self.life[side] + OUT[side] * self.beside, y=y + 4 + n * LINE, class_="m",
                           font_size=self.mono, text_anchor="end" if side == "client" else None))
        if parts:
            self.free[side] = y + LINE * len(parts) + 4
        return max(y, above)

    def parts(self, row):
        """[[(words, kind), …] of each line]"""
        e = row.event
        failed = bool(e.error)
        pieces = [(row.call, "m")] if row.kind != "finish" else []
        if row.kind == "start" and e.method not in CONNECTS:
            pieces.append(("waits", "soft"))
        if row.result and row.kind != "start" and (failed or e.method not in SENDS):
            pieces.append((("✗ " if failed else "→ ") + row.result, "m e" if failed else "m"))
        if row.note:
            pieces.append((row.note, "soft"))
        lines, left = [], 0
        for words, kind in pieces:
            if lines and len(words) + 1 <= left:
                lines[-1].append((" " + words.lstrip(), kind))
                left -= len(words) + 1
                continue
            for line in _wrapped(words.strip(), self.room):
                lines.append([(line, kind)])
                left = self.room - len(line)
        return lines

    def again(self, each, side, y):
        """Why a kernel sends once more, beside its own line, and its wait."""
        others = [row.drawn for row in self.shown if row.drawn and row.drawn is not each and row.drawn.side == side]
        gone = [self.at["left", id(other)] for other in others if ("left", id(other)) in self.at
                and other.label.split(",")[0] == each.label.split(",")[0]]
        begin = (max(gone) if gone else y) + 7
        y = max(y + 14, begin + 22, self.free[side] + 2)
        self.draw(tag("rect", x=self.kernel[side] - 5, y=begin, width=10, height=y - begin - 4, rx=3, class_=f"w {side}"))
        words = ["(kernel) no ACK", "came: again"] if self.room < 24 else ["(kernel) no ACK came: again"]
        for n, line in enumerate(words):
            self.write(text_at(self.life[side] + OUT[side] * self.beside, y - 2 + n * LINE, line, "s",
                               "end" if side == "client" else None, font_size=10 if self.small else 11.5))
        self.free[side] = y + LINE * len(words)
        return y

    def fold(self, row, y):
        self.at["fold", id(row)] = y = max(y, *self.free.values()) + 20
        lines = textwrap.wrap(f"⋮  {words_of(row, self.ladder)}  ⋮", int((self.width - 40) / 6.3))
        high = LINE * len(lines) + 8
        self.write(tag("rect", x=12, y=y - 15, width=self.width - 24, height=high, class_="f"))
        for n, line in enumerate(lines):
            self.write(text_at(self.width / 2, y + n * LINE, line, "s", "middle"))
        y += high - 10
        self.folds.append(y)
        self.free = dict.fromkeys(self.free, y + 8)
        self.below = y + 8
        return y

    # --- packets ---
    def stroke(self, each):
        """[colour] of the calls whose bytes it carries; none: the kernel's own."""
        return [self.colours[id(e)] for e in each.calls if id(e) in self.colours][:4] if each.first else []

    def path(self, x1, y1, x2, y2, colours, head=True):
        """An arrow; with the bytes of several calls it has several strokes."""
        toward = 1 if x2 > x1 else -1
        tip = x2 - 7 * toward * head
        if not colours:
            self.draw(tag("path", d=f"M{x1:g} {y1:g}L{tip:g} {y2 - .5 * head:g}", class_="d", stroke_width=1.2))
        for n, colour in enumerate(colours):
            shift = 3 * (n - (len(colours) - 1) / 2)
            self.draw(tag("path", d=f"M{x1:g} {y1 + shift:g}L{tip:g} {y2 - .5 * head + shift:g}",
                          stroke=colour, stroke_width=2, fill="none"))
        if head:
            colour = colours[-1] if colours else "var(--nl-soft)"
            self.draw(tag("path", d=f"M{x2:g} {y2:g}l{-9 * toward} -5l{toward} 9z", fill=colour))

    def arrow(self, each, y1, y2, share, left=None):
        """A packet that came, with its label above the line; `left` is the step where it left, if that is another."""
        x1, x2 = self.kernel[each.side], self.kernel[each.to]
        self.path(x1, y1, x2, y2, self.stroke(each))
        now, self.step = self.step, left or self.step
        if left:
            self.path(x1, y1, x1 + .4 * (x2 - x1), y1 + .4 * (y2 - y1), self.stroke(each), head=False)
        words, fall = self.said(each), (y2 - y1) / abs(x2 - x1)
        half = len(words) * (2.9 if self.small else 3.3)
        low, high = self.kernel["client"] + half + 4, self.kernel["server"] - half - 4
        x = max(low, min(x1 + (x2 - x1) * share, high)) if low < high else self.width / 2       # clear of the kernels' lines
        middle = min(abs(x - x1), abs(x2 - x1)) * (1 if (x - x1) * (x2 - x1) > 0 else 0)
        self.label(x, y1 + max(0, middle - half) * fall - 3 - 1.5 * max(1, len(self.stroke(each))), words)
        self.step = now

    def lost(self, each, y):
        """A packet that did not come: it ends at a cross, with the reason behind."""
        x1 = self.kernel.get(each.side, self.width / 2)       # from a node between: from the middle
        toward = -OUT[each.side] if each.side else OUT[each.to]
        span = abs(self.kernel["client"] - self.kernel["server"])
        x2, y2 = x1 + toward * span * .42, y + SLOPE * .42
        self.path(x1, y, x2, y2, self.stroke(each), head=False)
        self.draw(tag("path", d=f"M{x2 - 5:g} {y2 - 5:g}l10 10m0 -10l-10 10", class_="x"))
        words = self.said(each)
        half = len(words) * (2.9 if self.small else 3.3)
        self.label(x1 + toward * max(half + 9, abs(x2 - x1) / 2), y - 4, words)
        lines = textwrap.wrap(each.lost, int((span * .58 - 14) / (5 if self.small else 5.6)))
        for n, line in enumerate(lines):
            self.write(text_at(x2 + toward * 10, y2 + 4 + n * 13, line, "s e", "start" if toward > 0 else "end",
                               font_size=10 if self.small else 11.3))
        self.below = y2 + 13 * len(lines) + 3
        return y2 + 4

    def label(self, x, y, words):
        size = 9.6 if self.small else 11
        self.write(text_at(x, y, words, "s m", "middle", font_size=size))

    # --- what joins calls and packets ---
    def gutters(self):
        """From each call to the first packets that carry its bytes, and from the last packets that brought what a call took to
        that; what waits is a box."""
        joined = Counter()
        for number, row in enumerate(self.shown, 1):
            self.step = number
            begin = self.at.get(("begin", id(row.event)))
            if row.kind == "finish" and begin is not None:
                box = {"x": self.life[row.side] - 5, "y": begin - 6, "width": 10, "rx": 3, "class_": f"w {row.side}"}
                high = self.at["end", id(row.event)] - begin + 12
                self.step = self.at["step", id(row.event)]
                self.draw(tag("rect", **box, height=min(high, 20)))         # it waits; the whole box hides this
                self.step = number
                self.draw(tag("rect", **box, height=high))
            if row.drawn and row.kind != "arrival" and not row.drawn.again:
                each, y = row.drawn, self.at["left", id(row.drawn)]
                for e, colour in zip(each.calls, self.stroke(each)):
                    begin = self.at.get(("begin", id(e)))
                    joined[id(e)] += 1
                    if begin is not None and begin > self.folded_at(y) and joined[id(e)] <= MOST_JOINED:
                        self.join(self.life[each.side], begin, self.kernel[each.side], y, colour)
            if row.event and row.kind != "start":
                y = self.at["end", id(row.event)]
                for each, colour in self.brought(row)[-MOST_JOINED:]:
                    came = self.at.get(("came", id(each)))
                    if came is not None and came > self.folded_at(y):
                        self.join(self.kernel[row.side], came, self.life[row.side], y, colour)

    def folded_at(self, y):
        """Where the last fold above y is."""
        return max((at for at in self.folds if at < y), default=0)

    def brought(self, row):
        """[(packet, colour)] of those that brought what a call took."""
        e, found = row.event, []
        if e.method not in RECEIVES or not e.size:
            return found
        needed = {id(self.ladder.rows[c].drawn) for c in row.causes}
        for other in self.shown:
            each = other.drawn
            if each and other.kind != "departure" and each.came is not None and each.to == row.side and each.first:
                stream = each.journey.segment is not None
                mine = each.stream == self.ladder.stream_to(e.socket) if stream else id(each) in needed
                for call, colour in zip(each.calls, self.stroke(each)):
                    begin = max(each.first - 1, call.offset, e.offset)
                    if mine and (not stream or begin < min(each.last, call.offset + call.size, e.offset + e.size)):
                        found.append((each, colour))
        return found

    def join(self, x1, y1, x2, y2, colour):
        self.draw(tag("path", d=f"M{x1:g} {y1:g}L{x2:g} {y2:g}", stroke=colour, stroke_width=2, fill="none"))


class _Wrapper(textwrap.TextWrapper):
    wordsep_simple_re = re.compile(r"(\s+)|(?<=\()")       # a call may go on in a new line behind its bracket


def _wrapped(words, room):
    pieces = _Wrapper(room, break_on_hyphens=False).wrap(words) or [words]
    return pieces if len(pieces) < 5 else [*pieces[:3], pieces[3][:-1] + "…"]
