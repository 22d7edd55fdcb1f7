"""Draws what a link did: a band for each way, the datagrams that were sent above, what came out below, a line between.

A simple line is a datagram that came. One that ends in a cross was lost, a fork came more than once, a strong line was
overtaken, a clock came late, and a broken line is still on its way.
"""
import textwrap
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from markupsafe import Markup

from netlab.style import MESSAGES, NARROW, Picture, drawing, picture, tag, text_at
from netlab.words import letter, show_bytes

BANDS, MOST = 6, 24         # ways that are shown, and datagrams of each: the latest
WIDE = 760
BOX, LINES = 22, 50         # height of a datagram, and of the lines between the rows
BAND = 2 * BOX + LINES + 29     # with the numbers above and below it
CHAR, SANS, DIGIT = .6, 5.9, 6.4    # width of a character: monospaced, as a share of its size; of a sentence; of a number
OTHER = {"server": "client", "client": "server"}


@dataclass
class _Way:
    """What passed on one way, and who of it was overtaken: one that was sent later came out before."""
    client: int
    toward: str
    passed: list = field(default_factory=list)
    overtaken: set = field(default_factory=set)         # their numbers
    ends: dict = field(default_factory=lambda: dict(client="client", server="server"))      # what they are called

    def look(self):
        """Find the overtaken."""
        first = float("inf")
        for p in reversed(self.passed):
            if p.fate == "overtaken" or (p.came and p.came[0] > first):
                self.overtaken.add(p.number)
            if p.came and p.came[0] < first:
                first = p.came[0]

    def names(self, alone):
        """(who sends, who receives); a client that is alone needs no number."""
        client, server = self.ends["client"] + f" {self.client}" * (not alone), self.ends["server"]
        return (client, server) if self.toward == "server" else (server, client)

    def shown(self, room, narrowest):
        """The latest datagrams that find room, copies too."""
        digits = len(str(self.passed[-1].number))
        most, shown, copies = min(MOST, int(room / max(narrowest, DIGIT * digits + 3))), [], 0
        for p in reversed(self.passed):
            copies += len(p.came)
            if shown and (len(shown) == most or copies > most):
                break
            shown.append(p)
        return shown[::-1]

    def sentence(self, alone=None):
        """What became of them all; with `alone`, on which way."""
        who = "" if alone is None else f"{' → '.join(self.names(alone))}, "
        return f"{who}{_became([(self, self.passed)], 'sent')}."

    def before(self, shown):
        """What is said of those that are left out."""
        rest = self.passed[:len(self.passed) - len(shown)]
        return f"… {_became([(self, rest)], 'before these')}" if rest else ""


def _became(parts, which):
    """What became of [(a way, what passed there)]: "10 sent: 8 came through, 1 of them twice, 2 overtaken; 2 were lost"."""
    fates = Counter(p.fate for _, passed in parts for p in passed)
    total, lost, flies = fates.total(), fates["lost"], fates["on its way"]
    came, overtaken = total - lost - flies, sum(p.number in way.overtaken for way, passed in parts for p in passed)
    how = [(fates["arrived twice"], "twice"), (overtaken, "overtaken"), (fates["late"], "late")]
    how = [word if many == came else f"{many:,}{'' if n else ' of them'} {word}"
           for n, (many, word) in enumerate(each for each in how if each[0])]
    each = ((came, "came through", "came through"), (lost, "was lost", "were lost"), (flies, "is on its way", "are on their way"))
    said = [f"{'it' if many == total == 1 else 'all' if many == total else f'{many:,}'} {one if many == 1 else more}"
            for many, one, more in each if many]
    if came:
        said[0] = ", ".join([said[0], *how])
    return f"{total:,} {which}: {'; '.join(said)}"


def _ways(passed, ends=None):
    """The ways, those of the first client first, and of each the one to the server."""
    ways = {}
    for p in passed:
        key = p.client, p.toward
        if key not in ways:
            ways[key] = _Way(*key)
        ways[key].passed.append(p)
    for way in ways.values():
        way.look()
        way.ends = ends or way.ends
    alone = len({way.client for way in ways.values()}) == 1
    return sorted(ways.values(), key=lambda way: (way.client, way.toward != "server")), alone


def _rest(ways):
    """What is said of the ways that are left out."""
    size, count = sum(len(way.passed) for way in ways), len(ways)
    return f"… and {count} more way{'' if count == 1 else 's'}, with {size:,} sent." if ways else ""


def fates_text(passed, ends: dict | None = None) -> str:
    """The fates as a table: for each way, what was sent, what became of it, and in which place it came out.

    `passed` are the `Passed` of a Link (or anything that has their attributes), in the order in which they were sent.
    """
    ways, alone = _ways(passed, ends)
    return "\n\n".join([_table(way, alone) for way in ways[:BANDS]] + list(filter(None, [_rest(ways[BANDS:])]))) or _nothing()


def _table(way, alone):
    shown = way.shown(WIDE, 1)
    rows = [("number", "data", "fate", "came out as")]
    for p in shown:
        fate = p.fate + (", overtaken" if p.number in way.overtaken and p.fate != "overtaken" else "")
        rows.append((f"{p.number:>6}", show_bytes(p.data, p.size), fate, " and ".join(map(str, p.came)) or "-"))
    wide = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, wide)).rstrip() for row in rows]
    return "\n".join([way.sentence(alone), *filter(None, [way.before(shown)]), *lines])


def _nothing(name="link"):
    return f"Nothing has passed the {name} yet."


def fates_picture(passed, name: str = "link") -> Picture:
    """The fates of what passed a link as a Picture; `name` says what it passed.

    `passed` are the `Passed` of a Link (or anything that has their attributes), in the order in which they were sent.
    """
    ways, alone = _ways(passed)
    if not ways:
        line = _nothing(name)
        return picture(50, [text_at(14, 30, line, "s")], line, (50, [text_at(10, 30, line, "s")]))
    wide, narrow = (_sheet(ways, alone, width) for width in (WIDE, NARROW))
    words, all_of = fates_text(passed), [(way, way.passed) for way in ways]
    if ways[1:]:
        words = f"{_became(all_of, f'sent on {len(ways)} ways')}.\n\n{words}"
    return picture(*wide, f"{name[:1].upper()}{name[1:]}, {words}", narrow)


def fates_svg(passed, width: int = WIDE, bands: int = BANDS, ends: dict | None = None) -> Markup:
    """The same for a panel, which has the surface and the colours: an <svg> so many pixels wide, of the first so many ways.

    `ends` says what "client" and "server" are called there. One way is at most 150 high, with a line of words for what is
    left out 166.
    """
    ways, alone = _ways(passed, ends)
    if not ways:
        return drawing(width, 24, text_at(0, 16, _nothing(), "s"), label=_nothing(), text="", standalone=False)
    high, parts = _sheet(ways, alone, width, bands, frame=False)
    return drawing(width, high, *parts, label=ways[0].sentence(alone), text=fates_text(passed, ends), standalone=False)


def _sheet(ways, alone, width, bands=BANDS, frame=True):
    """(height, parts): the bands, one below the other."""
    small, edge = width < 600, (14 if width > NARROW else 10) if frame else 1
    y, parts = (edge + 2 if frame else 0), []
    for n, way in enumerate(ways[:bands]):
        if n:
            parts.append(tag("path", d=f"M{edge} {y + 5:g}H{width - edge}", stroke="var(--nl-line)", fill="none"))
            y += 18
        low, drawn = _band(way, alone, width, edge, y, small)
        y, parts = low, parts + drawn
    for line in filter(None, [_rest(ways[bands:])]):
        parts.append(text_at(edge, y + 16, line, "s"))
        y += 20
    return round(y + (edge - 4 if frame else 0)), parts


def _band(way, alone, width, edge, y, small):
    """(where it ends, parts) of one way."""
    sender, receiver = way.names(alone)
    side = OTHER[way.toward]
    left = edge + (60 if small else 80)
    room = width - edge - left
    shown = way.shown(room, 25.4 if small else 26)
    many = max(len(shown), sum(len(p.came) for p in shown))
    close = min(64, room / many)        # what a box may take in the fuller row; that row says how wide the other is
    pitch = close * many / len(shown)
    wide, digits = close - (2 if close < 44 else 8), len(str(shown[-1].number))
    size, letters = _fit(shown, wide)
    above = [left + pitch * (n + .5) for n in range(len(shown))]
    out = sorted((place, n) for n, p in enumerate(shown) for place in p.came)       # what came, in its order
    below = _spread([above[n] for _, n in out], max(wide + 2, DIGIT * digits + 3), left + wide / 2, width - edge - wide / 2)
    top, low = y + 13, y + 13 + BOX + LINES         # of the two rows
    parts = []
    for row, who, does, kind in ((top, sender, "sends", side), (low, receiver, "receives", way.toward)):
        parts += [text_at(edge, row + 9, who, kind, font_weight=600), text_at(edge, row + 23, does, "s")]
    parts += _lines(way, shown, above, out, below, top + BOX, low)
    for p, x in zip(shown, above):
        parts += _datagram(p, x, top, top - 4, wide, size, letters)
    for x, (_, n) in zip(below, out):
        parts += _datagram(shown[n], x, low, low + BOX + 11, wide, size, letters)
    if not out:
        parts.append(text_at(left, low + 16, "nothing yet" if any(p.fate == "on its way" for p in shown) else "nothing", "s"))
    y += BAND
    for words in filter(None, (way.sentence(), way.before(shown))):
        for line in textwrap.wrap(words, int((width - edge - (edge if small else left)) / SANS), break_on_hyphens=False):
            y += 16
            parts.append(text_at(edge if small else left, y, line, "s"))
    return y + 8, parts


def _fit(shown, wide):
    """(font size, letters): the largest size at which all texts are whole, or else one at which four letters have room."""
    sizes = [(size, int((wide - 1.5) / (CHAR * size))) for size in (12.5, 11, 9.5, 9)]
    longest = max(p.size for p in shown)
    return next((each for each in sizes if each[1] >= longest), next((each for each in sizes[1:] if each[1] > 3), sizes[-1]))


def _spread(wanted, apart, least, most):
    """Places for boxes in this order, `apart` from each other and from `least` to `most`, each as near as can be to where it
    is wanted: boxes that get in each other's way become a block, which stands where its boxes are wanted on the average."""
    blocks = []         # [the sum of where its first would stand, how many]
    for n, x in enumerate(wanted):
        blocks.append([x - n * apart, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1] = [blocks[-1][0] + total, blocks[-1][1] + count]
    firsts = [total / count for total, count in blocks for _ in range(count)]
    return [min(max(first, least), most - (len(wanted) - 1) * apart) + n * apart for n, first in enumerate(firsts)]


def _datagram(p, x, y, number_y, wide, size, letters):
    """A box with its text, and its number beside it."""
    colour = MESSAGES[(p.number - 1) % 4]
    words = "".join(map(letter, islice(p.data, letters))) if p.size <= letters else _begin(p, letters)
    yield tag("rect", x=f"{x - wide / 2:.1f}", y=y, width=f"{wide:.1f}", height=BOX, rx=3, fill=colour, fill_opacity=".18",
              stroke=colour, stroke_width=1.5)
    if p.size:
        yield tag("text", words, x=f"{x:.1f}", y=y + 15, class_="m", text_anchor="middle", font_size=size)
    elif wide > 36:
        yield tag("text", "empty", x=f"{x:.1f}", y=y + 15, class_="s", text_anchor="middle", font_size=10)
    yield tag("text", p.number, x=f"{x:.1f}", y=number_y, class_="s", text_anchor="middle", font_size=10)


def _begin(p, letters):
    return "".join(map(letter, islice(p.data, letters - 1))) + "…"


def _lines(way, shown, above, out, below, y, low):
    """What joins the rows, the strong lines last, as they lie above the others."""
    side, ends, middle = OTHER[way.toward], {}, (y + low) / 2
    for x, (_, n) in zip(below, out):
        ends.setdefault(n, []).append(x)
    plain, strong, crosses, waiting, clocks = "", "", "", "", []
    for n, (p, x) in enumerate(zip(shown, above)):
        to = ends.get(n, ())
        if p.fate == "on its way" and not to:
            waiting += f"M{x:.1f} {y + 2}V{middle:g}"
            plain += f"M{x - 4:.1f} {middle + 1:g}l4 5l4 -5"
        elif not to:
            plain += f"M{x:.1f} {y + 1}v14"
            crosses += f"M{x - 4:.1f} {y + 16}l8 8m0 -8l-8 8"
        elif p.number in way.overtaken:
            strong += "".join(f"M{x:.1f} {y + 2}L{end:.1f} {low - 2}" for end in to)
        elif len(to) > 1:
            plain += f"M{x:.1f} {y + 1}V{y + 16}" + "".join(f"M{x:.1f} {y + 16}L{end:.1f} {low - 1}" for end in to)
        else:
            plain += f"M{x:.1f} {y + 1}L{to[0]:.1f} {low - 1}"
        if p.fate == "late" and to:
            clocks.append(((x + to[0]) / 2, middle))
    shapes = [(plain, {"class_": f"l {side}", "stroke_width": 1.4}),
              (strong, {"stroke": "var(--nl-surface)", "stroke_width": 7, "fill": "none"}),
              (strong, {"class_": f"l {side}", "stroke_width": 3.2, "stroke_linecap": "round"}),
              (waiting, {"class_": f"l {side}", "stroke_width": 1.4, "stroke_dasharray": "3 3"}),
              (crosses, {"stroke": "var(--nl-surface)", "stroke_width": 5, "fill": "none"}), (crosses, {"class_": "x"})]
    parts = [tag("path", d=d, **look) for d, look in shapes if d]
    for x, y in clocks:
        parts += [tag("circle", cx=f"{x:.1f}", cy=y, r=6.5, class_=f"p {side}", stroke_width=1.4),
                  tag("path", d=f"M{x:.1f} {y - 4:g}v4h3", class_=f"l {side}", stroke_width=1.4)]
    return parts
