"""Draws a Story, as a sequence diagram in SVG and as a table in plain text; the same story gives the same SVG."""
import textwrap
from collections import Counter
from dataclasses import dataclass

from netlab.events import ENDINGS, RECEIVES, SENDS, Row, Story
from netlab.style import drawing, tag, text_at
from netlab.words import bytes_of

WIDTH, MIDDLE = 760, 216                # at most: beside JupyterLab's file browser in a window of 1200; between the lifelines
LINE, GAP, LANE = 16, 9, 13             # height of a text line, space between rows, space between lifelines
EDGE, BESIDE, SHORT = 12, 14, 12        # margin of the picture, of a lifeline; characters that each side has at least
LANES, ROWS = 5, 100                    # more lifelines on a side share the last; more rows are left out
CHAR, NARROW = 7.55, 6.3                # widths of a character, monospaced and not


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

    @property
    def wide(self):
        return len(self.note) * NARROW + 40


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


class _Canvas:
    """Collects shapes in three layers: boxes, lines above them, words above all."""

    def __init__(self):
        self.boxes, self.below, self.above, self.pills = [], [], [], []

    def words(self, x, y, content, kind="", anchor="start"):
        self.above.append(text_at(x, y, content, kind, anchor))

    def line(self, x1, y1, x2, y2, kind):
        self.below.append(tag("path", d=f"M{x1:g} {y1:g}L{x2:g} {y2:g}", class_=kind))

    def arrow(self, x1, y1, x2, y2, side, label):
        toward = 1 if x2 > x1 else -1
        self.line(x1 + 2 * toward, y1, x2 - 9 * toward, y2, f"l {side}")
        self.below.append(tag("path", d=f"M{x2 - 2 * toward:g} {y2:g}l{-10 * toward} -5v10z", class_=side))
        wide = len(label) * NARROW + 16
        for share in (.5, .36, .64, .24, .76):          # the first place on the arrow where no other label is
            x, y = x1 + (x2 - x1) * share, y1 + (y2 - y1) * share
            if all(abs(x - a) > (wide + w) / 2 + 2 or abs(y - b) > 20 for a, b, w in self.pills):
                break
        self.pills.append((x, y, wide))
        self.above += [tag("rect", x=x - wide / 2, y=y - 9, width=wide, height=18, rx=9, class_=f"p {side}"),
                       text_at(x, y + 4, label, None, "middle", style="font-size:11.5px")]

    def cross(self, x, y):
        self.below.append(tag("path", d=f"M{x - 4:g} {y - 4:g}l8 8m0 -8l-8 8", class_="x"))


def svg(story: Story, standalone: bool = True) -> str:
    """The picture as an <svg> element, as wide as its words and at most 760, with the text form as its description."""
    shown = fold(story.rows)
    plan = _Plan(shown, story.endpoints)
    width, canvas, places, y = plan.width, _Canvas(), {}, 52
    needed = {id(story.rows[c]) for row in story.rows for c in row.causes}
    for item in shown:
        places[id(item)] = y
        if isinstance(item, Fold):
            canvas.above.append(tag("rect", x=(width - item.wide) / 2, y=y - 13, width=item.wide, height=18, class_="f"))
            canvas.words(width / 2, y, f"⋮  {item.note}  ⋮", "s", "middle")
            places.update((id(row), y) for row in item.rows)
            y += LINE + GAP
        else:
            y += _words_of(canvas, item, plan, y) * LINE + GAP
    bottom = y - LINE + 4
    visible = {id(item): item for item in shown if isinstance(item, Row)}
    for row in visible.values():
        _lines_of(canvas, row, story, plan, places, needed, visible)
    lifelines = _lifelines(canvas, plan, bottom)
    if story.dropped:
        canvas.words(width / 2, 36, f"{story.dropped:,} older calls are no longer kept", "s", "middle")
    words = textwrap.wrap(story.caption, int((width - 2 * EDGE) / 5.9), break_on_hyphens=False)
    for n, line in enumerate(words):
        canvas.words(EDGE, bottom + 30 + n * LINE, line, "s")
    height = bottom + 24 + LINE * len(words) + 6
    return drawing(width, height, *lifelines, *canvas.boxes, *canvas.below, *canvas.above,
                   label=story.caption, text=text(story), standalone=standalone)


class _Plan:
    """Where things stand: the lifelines, and how many characters each side has for its words."""

    def __init__(self, shown, endpoints):
        self.names = {side: list(dict.fromkeys(end.name for end in endpoints if end.side == side)) for side in _ACROSS}
        extra = {side: LANE * (max(1, min(len(names), LANES)) - 1) for side, names in self.names.items()}
        need = dict.fromkeys(_ACROSS, SHORT)
        for row in (item for item in shown if isinstance(item, Row)):
            side = row.endpoint.side
            need[side] = max(need[side], round(sum(_size(*part) + 1 for part in self.parts(row)) + .5))
        both = int((WIDTH - MIDDLE - 2 * (EDGE + BESIDE) - sum(extra.values())) / CHAR)
        self.room = {side: min(need[side], max(both // 2, both - need[other])) for side, other in _ACROSS.items()}
        short = max((item.wide + 2 * EDGE for item in shown if isinstance(item, Fold)), default=0)
        left = EDGE + self.room["client"] * CHAR + BESIDE + extra["client"]
        right = left + MIDDLE
        self.inner = {"client": left, "server": right}      # the innermost lifelines
        self.width = round(max(right + extra["server"] + BESIDE + self.room["server"] * CHAR + EDGE, short))
        self.lane = {}                  # (side, name) -> x; from the middle outwards
        for side, x, step in (("client", left, -LANE), ("server", right, LANE)):
            names = self.names[side]
            for n, name in enumerate(reversed(names) if side == "client" else names):
                self.lane[side, name] = x + step * min(n, LANES - 1)

    def outer(self, side):
        return {"client": min, "server": max}[side]([x for (s, _), x in self.lane.items() if s == side] or [self.inner[side]])

    def parts(self, row):
        """A row's words in pieces that may stand on lines of their own: [(words, class)]."""
        side, mark = row.endpoint.side, "✗ " if row.failed else "→ "
        result = f"{mark}{row.result}" if row.result and row.phase != "start" else "→ returns" if row.phase == "finish" else ""
        pieces = ((row.who if len(self.names[side]) > 1 else "", f"s {side}"), (row.call if row.phase != "finish" else "", "m"),
                  (result, "m e" if row.failed else "m"), (row.note, "s"), ("waits" if row.phase == "start" else "", "s"),
                  ("not received" if row.lost else "", "s e"))
        return [(words, kind) for words, kind in pieces if words]


_ACROSS = {"client": "server", "server": "client"}


def _size(words, kind):
    """How many characters of the monospaced font the words are wide."""
    return len(words) * (1 if kind.startswith("m") else NARROW / CHAR)


def _words_of(canvas, row, plan, y):
    """Write a row's words beside its side's outermost lifeline; return how many lines they took."""
    side, left = row.endpoint.side, row.endpoint.side == "client"
    x, room, lines = plan.outer(side) + (-BESIDE if left else BESIDE), plan.room[side], [[]]
    for words, kind in plan.parts(row):
        if lines[-1] and sum(_size(*part) + 1 for part in lines[-1]) + _size(words, kind) > room:
            lines.append([])
        lines[-1].append((words if _size(words, kind) <= room else words[:room - 1] + "…", kind))
    for n, parts in enumerate(lines):
        spans = [tag("tspan", words, class_=kind, dx=6 if i else None) for i, (words, kind) in enumerate(parts)]
        canvas.above.append(tag("text", *spans, x=x, y=y + 4 + n * LINE, text_anchor="end" if left else "start",
                                **{"xml:space": "preserve"}))
    return len(lines)


def _lines_of(canvas, row, story, plan, places, needed, visible):
    """Draw what joins a row to others: its wait, the handshake, the bytes, the end."""
    e, side, y = row.event, row.endpoint.side, places[id(row)]
    x, middle, toward = plan.lane[side, row.who], sum(plan.inner.values()) / 2, 1 if side == "client" else -1
    if row.started is not None:
        above = places[id(story.rows[row.started])]
        canvas.boxes.append(tag("rect", x=x - 5, y=above - 7, width=10, height=y - above + 14, rx=3, class_=f"w {side}"))
    if row.phase == "start":
        return
    if e.method in ("connect", "connect_ex") and row.endpoint.kind == "stream":
        if row.failed or e.result:
            canvas.line(x, y, middle - 8 * toward, y, "d")
            canvas.cross(middle, y)
        else:
            canvas.line(x, y, plan.inner[_ACROSS[side]], y, "d")
            canvas.words(middle, y - 5, "handshake, done by the kernels", "s", "middle")
    for c in row.causes:
        cause = story.rows[c]
        if id(cause) not in visible or cause.endpoint.id == row.endpoint.id:
            continue
        from_x, from_y = plan.lane[cause.endpoint.side, cause.who], places[id(cause)]
        if cause.event.method in SENDS and e.method in RECEIVES and e.size:
            sent, size = cause.event, e.size
            if row.endpoint.kind == "stream":       # of a stream, what the two have in common
                size = min(sent.offset + sent.size, e.offset + e.size) - max(sent.offset, e.offset)
            if e.peek:
                canvas.line(from_x, from_y, x, y, "d")      # nothing moved
            elif from_x != x:
                canvas.arrow(from_x, from_y, x, y, cause.endpoint.side, bytes_of(size))
        elif cause.event.method in ENDINGS:
            canvas.line(from_x, from_y, x, y, "d")
    if row.lost:
        canvas.line(x, y, middle, y + 8, f"l {side}")
        canvas.cross(middle + 6 * toward, y + 8)
    elif e.method in SENDS and e.size and not row.failed and id(row) not in needed:
        canvas.line(x, y, x + 50 * toward, y + 4, f"l {side}")
        later = ", not received yet" if plan.names[_ACROSS[side]] else ""
        canvas.words(x + 56 * toward, y + 8, bytes_of(e.size) + later, "s", "start" if side == "client" else "end")


def _lifelines(canvas, plan, bottom):
    drawn = []
    for side, anchor in (("client", "end"), ("server", "start")):
        names, places = plan.names[side], sorted({plan.lane[side, name] for name in plan.names[side]})
        if len(names) == 1:
            canvas.words(places[0], 22, names[0], f"h {side}", "middle")
        elif names:
            together = " · ".join(names)
            if len(together) * 8.6 > plan.room[side] * CHAR + BESIDE:
                together = f"{len(names)} {'clients' if side == 'client' else 'sockets'}"
            canvas.words(plan.outer(side) + (8 if side == "client" else -8), 22, together, f"h {side}", anchor)
        elif plan.lane:
            canvas.words(plan.inner[side], 22, "the other end, not recorded", "s", "middle")
        drawn += [tag("path", d=f"M{x:g} 32V{bottom:g}", class_=f"l {side if names else 'ghost'}")
                  for x in (places or [plan.inner[side]])]
    return drawn
