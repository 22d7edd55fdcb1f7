"""Draws a Ladder: the calls outside, a kernel's line on each side, the packets between them, in the colours of their calls."""
import textwrap

from netlab.network.ladder import Ladder, goal_of, words_of
from netlab.network.tracing import ACROSS
from netlab.strip import MESSAGES
from netlab.style import NARROW, Picture, drawing, tag, text_at

LINE = 16                               # height of a line of words
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
        half, gutter, self.char, self.beside = (84, 20, 6.5, 7) if self.small else (160, 46, 7.4, 12)
        self.life = {"client": width / 2 - half, "server": width / 2 + half}
        self.kernel = {side: x - OUT[side] * gutter for side, x in self.life.items()} | {"": width / 2}
        self.room = int((self.life["client"] - self.beside - 8) / self.char)
        self.mono = 10.6 if self.small else 12.3
        self.lines, self.words = [], []
        self.free = {"client": 0.0, "server": 0.0}      # below this, words may stand there
        self.labels = 0.0               # and here a label between the kernels
        self.at = {}                    # step -> its y: (kind, id of event or packet)
        self.colours = {}
        for row in ladder.rows:
            for e in row.drawn.calls if row.drawn else ():
                self.colours.setdefault(id(e), MESSAGES[len(self.colours) % 4])

    def svg(self):
        """The drawing."""
        y = top = 62
        before = None
        for row in self.shown:
            y = self.place(before, row, y)
            before = row
        bottom = max(y, *self.free.values()) + 8
        self.gutters()
        caption = textwrap.wrap(self.ladder.caption, int((self.width - 28) / 5.9), break_on_hyphens=False)
        for n, line in enumerate(caption):
            self.words.append(text_at(self.width / 2, bottom + 26 + n * LINE, line, None, "middle", font_size=11.3 if self.small else 12.5))
        parts = [*self.heads(top, bottom), *self.lines, *self.words]
        label = f"Ladder of packets and calls. {self.ladder.caption}"
        return drawing(self.width, bottom + 26 + LINE * len(caption), *parts, label=label, text="" if self.small else self.ladder.text())

    def heads(self, top, bottom):
        """The names, and the four lines that go down."""
        parts = []
        for side in ("client", "server"):
            name, address = self.ladder.names[side], self.ladder.addresses[side]
            x, k = self.life[side], self.kernel[side]
            anchor = "end" if side == "client" else "start"
            parts.append(text_at(x, 24, name, f"h {side}", anchor))
            parts.append(text_at(x, 40, address, "s m", anchor, font_size=10.5) if not self.small else "")
            parts.append(text_at(k, 50, "kernel", "s", "middle", font_size=10.5) if not self.small else "")
            parts.append(tag("path", d=f"M{x:g} {top - 16}V{bottom:g}", class_=f"l {side}"))
            parts.append(tag("path", d=f"M{k:g} {top - 6}V{bottom:g}", stroke="var(--nl-line)", fill="none"))
        parts.append(text_at(self.width / 2, 24, self.ladder.cable, None, "middle", font_weight=600))
        return parts

    # --- rows, from top to bottom ---
    def place(self, before, row, y):
        """Draw a row below the one before; its y."""
        if row.kind == "fold":
            return self.fold(row, y)
        if row.event:
            return self.call(before, row, y)
        each = row.drawn
        step = 5 if before is None or before.event and before.side == row.side and row.kind != "arrival" else 7
        if row.kind == "arrival":
            self.at["came", id(each)] = y = max(y + 6, self.at["left", id(each)] + SLOPE)
            self.arrow(each, self.at["left", id(each)], y, .3)
            return y
        y = max(y + step, self.labels)
        if each.again and each.journey.segment and row.side:
            y = self.again(each, row.side, y)
        self.at["left", id(each)] = y
        if row.kind == "departure":
            self.labels = y + 17
            return y
        end = y + SLOPE
        self.at["came", id(each)] = end
        if each.lost:
            return self.lost(each, y)
        self.arrow(each, y, end, .5)
        return end

    def call(self, before, row, y):
        """The words of a call beside its line; a packet goes out from the middle of its first line of words."""
        side = row.side
        parts = self.parts(row)
        near = before is not None and before.drawn and row.event and any(
            self.ladder.rows[c].drawn is before.drawn for c in row.causes)
        y = max(y + (3 if near else 12), self.free[side])
        if row.kind != "finish":
            self.at["begin", id(row.event)] = y
        if row.kind != "start":
            self.at["end", id(row.event)] = y
        for n, line in enumerate(parts):
            spans = [tag("tspan", words, class_=kind) for words, kind in line]
            self.words.append(tag("text", *spans, x=self.life[side] + OUT[side] * self.beside, y=y + 4 + n * LINE, class_="m",
                                  font_size=self.mono, text_anchor="end" if side == "client" else None))
        if parts:
            self.free[side] = y + LINE * len(parts) + 4
        return y

    def parts(self, row):
        """[[(words, kind), …] of each line]"""
        e = row.event
        failed = bool(e.error)
        pieces = [(row.call, "m")] if row.kind != "finish" else []
        if row.kind == "start" and e.method not in ("connect", "connect_ex"):
            pieces.append((" waits", "s"))
        if row.result and row.kind != "start":
            pieces.append((("✗ " if failed else "→ ") + row.result, "m e" if failed else "m"))
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
        gone = [self.at["left", id(row.drawn)] for row in self.shown if row.drawn and row.drawn is not each and row.drawn.side == side
                and ("left", id(row.drawn)) in self.at and row.drawn.label.split(",")[0] == each.label.split(",")[0]]
        begin = (max(gone) if gone else y) + 7
        y = max(y + 14, begin + 22, self.free[side] + 2)
        self.lines.append(tag("rect", x=self.kernel[side] - 5, y=begin, width=10, height=y - begin - 4, rx=3, class_=f"w {side}"))
        words = ["(kernel) no ACK", "came: again"] if self.room < 24 else ["(kernel) no ACK came: again"]
        for n, line in enumerate(words):
            self.words.append(text_at(self.life[side] + OUT[side] * self.beside, y - 2 + n * LINE, line, "s",
                                      "end" if side == "client" else None, font_size=10 if self.small else 11.5))
        self.free[side] = y + LINE * len(words)
        return y

    def fold(self, row, y):
        y = max(y, *self.free.values()) + 16
        lines = textwrap.wrap(f"⋮  {words_of(row, self.ladder)}  ⋮", int((self.width - 40) / 6.3))
        high = LINE * len(lines) + 8
        self.words.append(tag("rect", x=12, y=y - 15, width=self.width - 24, height=high, class_="f"))
        for n, line in enumerate(lines):
            self.words.append(text_at(self.width / 2, y + n * LINE, line, "s", "middle"))
        y += high - 10
        self.free = dict.fromkeys(self.free, y + 8)
        self.labels = y + 16
        for each in row.folded:
            for key in ([("begin", id(each.event)), ("end", id(each.event))] if each.event else
                        [("left", id(each.drawn)), ("came", id(each.drawn))]):
                self.at.setdefault(key, None)
        return y

    # --- packets ---
    def stroke(self, each):
        """[colour] of the calls whose bytes it carries; none: the kernel's own."""
        return [self.colours[id(e)] for e in each.calls if id(e) in self.colours][:4] if each.first else []

    def path(self, x1, y1, x2, y2, colours, head=True):
        """An arrow; with the bytes of several calls it has several strokes."""
        toward = 1 if x2 > x1 else -1
        if not colours:
            self.lines.append(tag("path", d=f"M{x1:g} {y1:g}L{x2 - 7 * toward * head:g} {y2 - .5 * head:g}", class_="d", stroke_width=1.2))
        for n, colour in enumerate(colours):
            shift = 3 * (n - (len(colours) - 1) / 2)
            self.lines.append(tag("path", d=f"M{x1:g} {y1 + shift:g}L{x2 - 7 * toward * head:g} {y2 - .5 * head + shift:g}",
                                  stroke=colour, stroke_width=2, fill="none"))
        if head:
            self.lines.append(tag("path", d=f"M{x2:g} {y2:g}l{-9 * toward} -5l{toward} 9z", fill=colours[-1] if colours else "var(--nl-soft)"))

    def arrow(self, each, y1, y2, share):
        """A packet that came, with its label above the line."""
        x1, x2 = self.kernel[each.side], self.kernel[each.to]
        if not each.side:
            x1, x2 = self.width / 2, self.kernel[each.to]
        self.path(x1, y1, x2, y2, self.stroke(each))
        label = each.label + (" again" if each.again else "") + (f" ({each.note})" if each.note else "")
        if not each.side:
            label = f"{label}"
        x = x1 + (x2 - x1) * share
        y = y1 + (y2 - y1) * share - 6
        if not each.side:
            x, y = self.width / 2, y1 - 6
        self.label(x, y, label)
        self.labels = max(self.labels, y2 + (17 if share == .5 else 22) - SLOPE + 3)

    def lost(self, each, y):
        """A packet that did not come: it ends at a cross, with the reason behind."""
        x1 = self.kernel[each.side]
        toward = -OUT[each.side]
        span = abs(self.kernel["client"] - self.kernel["server"])
        x2, y2 = x1 + toward * span * .42, y + SLOPE * .42
        self.path(x1, y, x2, y2, self.stroke(each), head=False)
        self.lines.append(tag("path", d=f"M{x2 - 5:g} {y2 - 5:g}l10 10m0 -10l-10 10", class_="x"))
        self.label((x1 + x2) / 2, y - 4, each.label + (" again" if each.again else ""))
        room = int((span * .58 - 14) / 5.4)
        for n, line in enumerate(textwrap.wrap(each.lost, room) or [""]):
            self.words.append(text_at(x2 + toward * 10, y2 + 4 + n * 13, line, "s e", "start" if toward > 0 else "end",
                                      font_size=10 if self.small else 11.3))
        self.labels = y2 + 24
        return y2 + 4

    def label(self, x, y, words):
        size = 9.6 if self.small else 11
        self.words.append(text_at(x, y, words, "s m halo", "middle", font_size=size))

    # --- what joins calls and packets ---
    def gutters(self):
        """From each call to the packets that carry its bytes, and from a packet to the call that took them; waits as boxes."""
        for row in self.shown:
            if row.event and row.kind != "start" and (begin := self.at.get(("begin", id(row.event)))) is not None and row.kind == "finish":
                x, y = self.life[row.side], self.at["end", id(row.event)]
                self.lines.append(tag("rect", x=x - 5, y=begin - 6, width=10, height=y - begin + 12, rx=3, class_=f"w {row.side}"))
            if row.drawn and row.kind != "arrival":
                each, y = row.drawn, self.at["left", id(row.drawn)]
                for e, colour in zip(each.calls, self.stroke(each)):
                    begin = self.at.get(("begin", id(e)))
                    if begin is None:
                        begin = self.at.get(("end", id(e)))
                    if begin is not None and not each.again:
                        self.join(self.life[each.side], begin, self.kernel[each.side], y, colour)
            if row.event and row.kind != "start":
                y = self.at["end", id(row.event)]
                for each, colour in self.brought(row):
                    if (came := self.at.get(("came", id(each)))) is not None:
                        self.join(self.kernel[row.side], came, self.life[row.side], y, colour)

    def brought(self, row):
        """[(packet, colour)] of those that brought what a call took."""
        e, found = row.event, []
        if not e.size:
            return found
        for other in self.shown:
            each = other.drawn
            if each and other.kind != "departure" and each.came is not None and each.to == row.side and each.first:
                if each.journey.segment is None:
                    hit = any(self.ladder.rows[c].drawn is each for c in row.causes)
                else:
                    hit = each.stream == self.ladder.stream_to(e.socket) and each.first <= e.offset + e.size and each.last > e.offset
                for call, colour in zip(each.calls, self.stroke(each)):
                    over = each.journey.segment is None or (call.offset < e.offset + e.size and call.offset + call.size > e.offset)
                    if hit and over:
                        found.append((each, colour))
        return found

    def join(self, x1, y1, x2, y2, colour):
        self.lines.append(tag("path", d=f"M{x1:g} {y1:g}L{x2:g} {y2:g}", stroke=colour, stroke_width=2, fill="none"))


def _wrapped(words, room):
    pieces = textwrap.wrap(words.replace("(", "(\u200b", 1) if len(words) > room else words, room, break_on_hyphens=False) or [words]
    pieces = [piece.replace("\u200b", "") for piece in pieces]
    return pieces if len(pieces) < 5 else [*pieces[:3], pieces[3][:-1] + "…"]


__all__ = ["ACROSS", "goal_of", "picture_of"]
