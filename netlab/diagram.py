"""Draws a Story, as a sequence diagram in SVG and as a table in plain text; the same story gives the same SVG."""
import re
import textwrap
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from netlab.events import ENDINGS, HELD, RECEIVES, SENDS, Row, Story
from netlab.style import NARROW, drawing, tag, text_at
from netlab.words import bytes_of

WIDTH = 760                             # beside JupyterLab's file browser in a window of 1200
LINE, GAP = 16, 9                       # height of a text line, space between rows
LANES, ROWS = 5, 100                    # more lifelines on a side share the last; more rows are left out
CHAR, SANS, BOLD = 7.55, 6.3, 8.4       # widths of a character: monospaced, not, and of a name


@dataclass(slots=True)
class Fold:
    """Rows that are not shown, because they repeat or are too many."""
    rows: list[Row]
    times: int                  # 0: left out for their number

    @property
    def note(self):
        size = sum(r.event.size for r in self.rows if r.event.method in SENDS and r.phase != "start")
        moved = f", {size:,} bytes sent" if size else ""
        if not self.times:
            return f"{len(self.rows):,} rows are left out here{moved}"
        calls = Counter(r.event.method for r in self.rows[:len(self.rows) // self.times] if r.phase != "finish")
        each = ", ".join(f"{n} {method}" if n > 1 else method for method, n in calls.items())
        return f"the same {self.times:,} times more ({each}){moved}"


def fold(rows: list[Row]) -> list[Row | Fold]:
    """Replace the middle of each repetition by a Fold that says so; past ROWS, leave out the middle of the rest."""
    same = [(r.endpoint.side, r.phase, r.event.method, r.failed) for r in rows]
    shown, i = [], 0
    while i < len(rows):
        hidden = length = more = 0      # rows hidden, length of the pattern, how many times more it stands than is shown
        for size in range(1, 17):
            pattern, times = same[i:i + size], 1
            while same[i + times * size:i + (times + 1) * size] == pattern:
                times += 1
            if (times - 2) * size > hidden and times > 3:
                hidden, length, more = (times - 2) * size, size, times - 2
        first, last = i + length, i + length + hidden
        shown += [*rows[i:first], Fold(rows[first:last], more), *rows[last:last + length]] if hidden else [rows[i]]
        i = last + max(1, length)
    if len(shown) > ROWS:
        middle = shown[ROWS // 2:-ROWS // 2]
        rest = [r for item in middle for r in (item.rows if isinstance(item, Fold) else [item])]
        shown = [*shown[:ROWS // 2], Fold(rest, 0), *shown[-ROWS // 2:]]
    return shown


def text(story: Story) -> str:
    """A numbered line for each row: who, what, what came back, and the line that caused it."""
    shown = fold(story.rows)
    index = {id(row): n for n, row in enumerate(story.rows)}
    number = {index[id(item)]: n for n, item in enumerate(shown, 1) if isinstance(item, Row)}
    wide = max((len(end.name) for end in story.endpoints), default=0)
    lines = [f"({story.dropped:,} older calls are no longer kept)"] * bool(story.dropped)
    for n, item in enumerate(shown, 1):
        if isinstance(item, Fold):
            lines.append(f"{n:3}  … {item.note}")
            continue
        what = {"start": f"{item.call} waits", "finish": f"{item.event.method} →"}.get(item.phase, item.call)
        if item.result and item.phase != "start":
            what += ("" if item.phase == "finish" else " ✗" if item.failed else " →") + f" {item.result}"
        elif item.phase == "finish":
            what += " returns"
        sources = sorted(number[c] for c in item.causes if c in number and item.phase != "start")
        notes = [item.note, f"from {', '.join(map(str, sources))}" if sources else "", "not received" if item.lost else ""]
        tail = "; ".join(filter(None, notes))
        lines.append(f"{n:3}  {item.who:<{wide}}  {what}" + (f"   ({tail})" if tail else ""))
    return "\n".join([*lines, story.caption])


class _Wrapper(textwrap.TextWrapper):
    wordsep_simple_re = re.compile(r"(\s+)|(?<=\()")       # a call may go on in a new line behind its bracket


class _Canvas:
    """Collects shapes in three layers: boxes, lines above them, words above all; each as of the row `at`, for a replay."""

    def __init__(self):
        self.boxes, self.below, self.above, self.pills = [], [], [], []
        self.at = {}            # what the group of the next shapes says: {data_step, data_y} of a row, {data_head}, or nothing

    def put(self, layer, *shapes):
        layer += [(self.at, shape) for shape in shapes]

    def shapes(self):
        for layer in (self.boxes, self.below, self.above):
            for at, same in groupby(layer, itemgetter(0)):
                yield tag("g", *(shape for _, shape in same), **at)

    def words(self, x, y, content, kind="", anchor="start"):
        self.put(self.above, text_at(x, y, content, kind, anchor))

    def line(self, x1, y1, x2, y2, kind):
        self.put(self.below, tag("path", d=f"M{x1:g} {y1:g}L{x2:g} {y2:g}", class_=kind))

    def arrow(self, x1, y1, x2, y2, side, label, inner):
        toward = 1 if x2 > x1 else -1
        self.line(x1 + 2 * toward, y1, x2 - 9 * toward, y2, f"l {side}")
        self.put(self.below, tag("path", d=f"M{x2 - 2 * toward:g} {y2:g}l{-10 * toward} -5v10z", class_=side))
        wide = len(label) * SANS + 14
        least = inner["client"] + wide / 2 + (3 if toward > 0 else 11)       # between the lifelines, clear of the arrow's head
        most = max(least, inner["server"] - wide / 2 - (11 if toward > 0 else 3))
        for share in (.3, .45, .2, .6, .75, .05, .9):        # near the sender, where no other label is; or none: the calls say it
            x = min(max(x1 + (x2 - x1) * share, least), most)
            y = y1 + (y2 - y1) * (x - x1) / (x2 - x1)
            if all(abs(x - a) > (wide + w) / 2 + 2 or abs(y - b) > 19 for a, b, w in self.pills):
                break
        else:
            return
        self.pills.append((x, y, wide))
        self.put(self.above, tag("rect", x=x - wide / 2, y=y - 9, width=wide, height=18, rx=9, class_=f"p {side}"),
                 text_at(x, y + 4, label, None, "middle", font_size=11.5))

    def cross(self, x, y):
        self.put(self.below, tag("path", d=f"M{x - 4:g} {y - 4:g}l8 8m0 -8l-8 8", class_="x"))


def svg(story: Story, standalone: bool = True, waiting=(), width: int = WIDTH, folded: bool = True) -> str:
    """The picture as an <svg> element, with the text form as its description; `width` 360 is for a telephone.

    `waiting` are calls that have not returned yet, as from `Timeline.pending()`: boxes that are open below. What a row
    adds stands in groups with its number, data-step, for a replay; that has all rows, not `folded`.
    """
    shown = fold(story.rows) if folded else story.rows
    plan, canvas, places = _Plan(story, width), _Canvas(), {}
    number = {id(row): n for n, row in enumerate(story.rows, 1)}
    y = plan.top + 24
    for item in shown:
        places[id(item)] = y
        canvas.at = {"data_step": number[id(item)], "data_y": y} if isinstance(item, Row) else {}
        if isinstance(item, Fold):
            lines = textwrap.wrap(f"⋮  {item.note}  ⋮", int((width - 2 * plan.edge) / SANS))
            wide = max(map(len, lines)) * SANS + 16
            canvas.put(canvas.above,
                       tag("rect", x=(width - wide) / 2, y=y - 13, width=wide, height=LINE * len(lines) + 4, class_="f"))
            for n, line in enumerate(lines):
                canvas.words(width / 2, y + n * LINE, line, "s", "middle")
                canvas.pills.append((width / 2, y + n * LINE - 4, wide))        # no label on it
            places.update((id(row), y) for row in item.rows)
            y += LINE * len(lines) + GAP
        else:
            y += _words_of(canvas, item.endpoint.side, item.who, plan.parts(item), plan, y) * LINE + GAP
    open_boxes, canvas.at = [], {}
    for name, call in waiting:
        side = next((side for side, known in plan.lane if known == name), None)
        if side:
            open_boxes.append((plan.lane[side, name], y, side))
            y += _words_of(canvas, side, name, plan.named(side, name) + [(call, "m"), ("waits", "s")], plan, y) * LINE + GAP
    bottom = y - LINE + 4
    for x, top, side in open_boxes:
        canvas.put(canvas.boxes, tag("path", d=f"M{x - 5:g} {bottom + 6:g}V{top - 7:g}h10V{bottom + 6:g}", class_=f"w {side}"))
    visible = {id(item): item for item in shown if isinstance(item, Row)}
    for row in visible.values():
        canvas.at = {"data_step": number[id(row)], "data_y": places[id(row)]}
        _lines_of(canvas, row, story, plan, places, visible, number)
    canvas.at = {}
    lifelines = _lifelines(canvas, story, plan, places, bottom, {x: bottom for x, *_ in open_boxes})
    if story.dropped:
        canvas.words(width / 2, plan.top + 6, f"{story.dropped:,} older calls are no longer kept", "s halo", "middle")
    canvas.at = {"data_step": len(story.rows)} if story.rows else {}       # a caption tells the end
    words = textwrap.wrap(story.caption, int((width - 2 * plan.edge) / 5.9), break_on_hyphens=False)
    for n, line in enumerate(words):
        canvas.words(plan.edge, bottom + 30 + n * LINE, line, "s")
    parts = [*lifelines, *canvas.shapes()]
    parts = [tag("g", *parts, font_size=11.3)] if plan.small else parts
    return drawing(width, bottom + 30 + LINE * len(words), *parts, label=story.caption,
                   text="" if plan.small else text(story), standalone=standalone)


class _Plan:
    """Where things stand. A lifeline keeps its place while the story grows: each new one stands outside the others."""

    def __init__(self, story, width):
        self.width, self.small = width, width <= NARROW
        self.edge, self.beside, lane, middle = (7, 9, 12, 80) if self.small else (14, 14, 16, 208)
        self.char = 6.85 if self.small else CHAR
        self.names = {side: list(dict.fromkeys(end.name for end in story.endpoints if end.side == side)) for side in _ACROSS}
        self.inner = {"client": (width - middle) / 2, "server": (width + middle) / 2}      # the innermost lifelines
        self.lane = {(side, name): self.inner[side] + _OUT[side] * lane * min(n, LANES - 1)
                     for side, names in self.names.items() for n, name in enumerate(names)}
        self.outer = {side: self.inner[side] + _OUT[side] * lane * max(0, min(len(names), LANES) - 1)
                      for side, names in self.names.items()}
        self.room = {side: int((min(x, width - x) - self.edge - self.beside) / self.char) for side, x in self.outer.items()}
        self.top = 14 + LINE * max(1, *(min(len(names), LANES) for names in self.names.values()))
        self.listeners = {row.endpoint.id for row in story.rows if row.event.method == "listen" and not row.failed}
        self.needed = {id(story.rows[c]) for row in story.rows for c in row.causes}

    def size(self, words, kind):
        """How many characters of the monospaced font the words are wide."""
        return len(words) * (1 if kind.startswith("m") else SANS / self.char)

    def named(self, side, name):
        return [(name, f"s {side}")] if len(self.names[side]) > 1 else []

    def parts(self, row):
        """A row's words in pieces that may stand on lines of their own: [(words, kind)]."""
        side, e, mark = row.endpoint.side, row.event, "✗ " if row.failed else "→ "
        result = f"{mark}{row.result}" if row.result and row.phase != "start" else "→ returns" if row.phase == "finish" else ""
        left = not (row.lost or row.failed or id(row) in self.needed or row.phase == "start") and e.method in SENDS and e.size
        pieces = ((row.call if row.phase != "finish" else "", "m"), (result, "m e" if row.failed else "m"), (row.note, "s"),
                  ("waits" if row.phase == "start" else "waited" if _in_vain(row) else "", "s"),
                  ("not received" if row.lost else "", "s e"),
                  ("not received yet" if left and self.names[_ACROSS[side]] else "", "s"))
        return self.named(side, row.who) + [(words, kind) for words, kind in pieces if words]


def _in_vain(row):
    """Did the call wait until its time was over, or until what is no error of a socket (KeyboardInterrupt) came from outside?"""
    return row.failed and (row.event.error == "TimeoutError" or not re.search("[Ee]rror", row.event.error))


_ACROSS, _OUT = {"client": "server", "server": "client"}, {"client": -1, "server": 1}


def _words_of(canvas, side, name, parts, plan, y):
    """Write a row's words beside its side's outermost lifeline, a dot on its own; return how many lines they took."""
    x, room, lines = plan.outer[side] + _OUT[side] * plan.beside, plan.room[side], [[]]
    for words, kind in parts:
        pieces = _Wrapper(int(room * len(words) / plan.size(words, kind)), break_on_hyphens=False).wrap(words) or [words]
        if len(pieces) > 4:
            pieces[3:] = [pieces[3][:-1] + "…"]
        for n, piece in enumerate(pieces):
            if lines[-1] and (n or sum(plan.size(*part) + 1 for part in lines[-1]) + plan.size(piece, kind) > room):
                lines.append([])
            lines[-1].append((piece, kind))
    for n, found in enumerate(lines):
        spans = [tag("tspan", words, class_=kind, dx=6 if i else None) for i, (words, kind) in enumerate(found)]
        canvas.put(canvas.above, tag("text", *spans, x=x, y=y + 4 + n * LINE, text_anchor="end" if side == "client" else None))
    if len(plan.names[side]) > 1:
        canvas.put(canvas.below, tag("circle", cx=plan.lane[side, name], cy=y, r=3.5, class_=side))
    return len(lines)


def _lines_of(canvas, row, story, plan, places, visible, number):
    """Draw what joins a row to others: its wait, the handshake, the bytes, the end."""
    e, side, y = row.event, row.endpoint.side, places[id(row)]
    x, middle, toward = plan.lane[side, row.who], plan.width / 2, -_OUT[side]
    if row.started is not None or _in_vain(row):
        above = y if row.started is None else places[id(story.rows[row.started])]
        canvas.put(canvas.boxes, tag("rect", x=x - 5, y=above - 7, width=10, height=y - above + 14, rx=3, class_=f"w {side}"))
    if row.phase == "start":        # a box of its own while it waits, which that of its end covers
        canvas.put(canvas.boxes, tag("rect", x=x - 5, y=y - 7, width=10, height=14, rx=3, class_=f"w {side}"))
        return
    if e.method in ("connect", "connect_ex") and row.endpoint.kind == "stream":
        if row.failed or e.result:
            canvas.line(x, y, middle - 8 * toward, y, "d")
            canvas.cross(middle, y)
        else:
            whom = [plan.lane[_ACROSS[side], story.rows[c].who] for c in row.causes if story.rows[c].endpoint.side != side]
            canvas.line(x, y, (whom or [plan.inner[_ACROSS[side]]])[0], y, "d")
            canvas.words(middle, y - 7, "handshake" if plan.small else "handshake, done by the kernels", "s halo", "middle")
    for c in row.causes:
        cause = story.rows[c]
        if id(cause) not in visible or cause.endpoint.id == row.endpoint.id:
            continue
        from_x, from_y = plan.lane[cause.endpoint.side, cause.who], places[id(cause)]
        if cause.event.method in SENDS and e.method in RECEIVES:
            sent, size = cause.event, e.size
            if row.endpoint.kind == "stream":       # of a stream, what the two have in common
                size = min(sent.offset + sent.size, e.offset + e.size) - max(sent.offset, e.offset)
            if e.peek:
                canvas.line(from_x, from_y, x, y, "d")      # nothing moved
            elif from_x != x:
                here, canvas.at = canvas.at, {"data_step": number[id(cause)], "data_y": from_y}
                share = 12 / abs(x - from_x)        # it leaves when it is sent, and comes when it is received
                canvas.line(from_x, from_y, from_x + (x - from_x) * share, from_y + (y - from_y) * share,
                            f"l {cause.endpoint.side}")
                canvas.at = here
                canvas.arrow(from_x, from_y, x, y, cause.endpoint.side, bytes_of(size), plan.inner)
        elif cause.event.method in ENDINGS:
            canvas.line(from_x, from_y, x, y, "d")
    if row.lost:
        canvas.line(x, y, middle, y + 8, f"l {side}")
        canvas.cross(middle + 6 * toward, y + 8)
    elif e.method in SENDS and e.size and not row.failed and id(row) not in plan.needed:
        start, size, reach = plan.inner[side], bytes_of(e.size), 12 if plan.small else 44
        canvas.line(x, y, start + reach * toward, y, f"l {side}")
        canvas.words(start + (reach + 5) * toward, y + 4, size, "s halo", "start" if side == "client" else "end")


def _lifelines(canvas, story, plan, places, bottom, lowest):
    """The names, in steps from the middle outwards, and below each its line; a listener's, which carries no bytes, is hollow.

    The line of a connection begins where accept() returned it, and each ends with its last call where that closed it;
    `lowest` has the places of those that go on.
    """
    ends, born, first, drawn = {(end.side, end.name): end for end in story.endpoints}, {}, {}, []
    closed = {row.endpoint.id for row in story.rows if row.event.method == "close" and row.event.result != HELD}
    for n, row in enumerate(story.rows, 1):
        x = plan.lane[row.endpoint.side, row.who]
        first.setdefault(x, (n, places[id(row)]))
        lowest[x] = places[id(row)] if row.endpoint.id in closed and lowest.get(x) != bottom else bottom
        if row.event.made is not None and id(row) in places and row.phase != "start":
            born[row.event.made] = plan.lane[row.endpoint.side, row.who], places[id(row)], n
    for side, names in plan.names.items():
        out = _OUT[side]
        for n, name in enumerate(names[:LANES]):
            x, top = plan.lane[side, name], 22 + n * LINE
            if n == LANES - 1 and len(names) > LANES:
                name = f"{len(names) - n} more"
            room, kind = int((min(x, plan.width - x) - 4) / BOLD), f"h {side}"
            shown = name if len(name) <= room else name[:room - 1] + "…"
            canvas.at = {"data_head": plan.top + 10}
            if len(names) == 1 and 2 * room > len(name):
                canvas.words(x, top, name, kind, "middle")
            else:
                canvas.words(x - 5 * out, top, shown, kind, "end" if out < 0 else "start")
            end = ends.get((side, name))
            came_from, y, made = born.get(end.id, (x, top + 8, 0)) if end else (x, top + 8, 0)
            if came_from == x:
                y = top + 8
            else:
                canvas.at = {"data_step": made, "data_y": y}
                drawn.append(tag("path", d=f"M{x:g} {top + 8}V{y:g}", class_="l ghost"))
                canvas.line(came_from, y, x, y, f"l {side}")
            low = lowest.get(x, bottom)
            line = tag("path", d=f"M{x:g} {y:g}V{low:g}", class_=f"l {side}")
            if end and end.id in plan.listeners:
                line = tag("path", d=f"M{x - 2:g} {y:g}V{low:g}m4 0V{y:g}", class_=f"l {side}", stroke_width=1.2)
            step, at = (made, y) if came_from != x else first.get(x, (None, None))        # in a replay, there from then on
            drawn.append(tag("g", line, data_step=step, data_y=at) if step else line)
        if not names and story.endpoints:
            canvas.at = {"data_head": plan.top + 10}
            canvas.words(plan.inner[side], 22, f"no {side} here", "s", "middle")
            drawn.append(tag("path", d=f"M{plan.inner[side]:g} 30V{bottom:g}", class_="l ghost"))
    return drawn
