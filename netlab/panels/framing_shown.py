"""What FramingPanel draws: the stream with its marks, what the till understood, and the table of the cures."""
import re
from dataclasses import dataclass
from functools import lru_cache

from markupsafe import Markup

from netlab.panels.framing_cures import CURES, listed, total_of
from netlab.panels.parts import soft, tag
from netlab.style import NARROW, Picture, picture, text_at
from netlab.teach import cures
from netlab.teach.cuts import cuts_svg
from netlab.words import bytes_of, show_bytes

WIDTHS = {850: ("nl-wide-one", 2), 560: ("nl-middle-one", 3), NARROW - 20: ("nl-narrow-one", 4)}      # of the strip; its rows
ROOM = 27                               # letters of what was understood, in the table
NAMES = "customer", "till"


@dataclass(frozen=True)
class Tried:
    """What became of a cure: a row of the table."""
    understood: str
    judged: str
    added: str = ""
    how: str = ""


@lru_cache(16)                          # a click draws again only what it changed
def strip(sends: tuple, recvs: tuple, framing: frozenset, apart: bool, width: int) -> Markup:
    """The stream, so wide."""
    return cuts_svg(sends, recvs, width, names=NAMES, framing=framing, emptied=True, rows=WIDTHS[width][1], apart=apart)


def drawn(talk) -> tuple:
    """What `strip` needs of a run."""
    with talk.lock:
        recvs = [came.data for came in talk.recvs if came.data]         # between connections, an end is no end of all
        recvs += [b""] * (talk.over and not talk.cure.connects)
        return tuple(sent.wire for sent in talk.sends), tuple(recvs), talk.framing(), talk.cure.connects


def stream(talk, past: bool = False) -> list[Markup]:
    """Which framing it is and where the bytes are now, the strip in each width, and what the till has understood; `past`:
    what stands in the fields by now could not be sent, and this is the run before."""
    if talk is None or not (talk.sends or talk.recvs):
        return [tag("div", soft("Nothing has been sent yet. Here the bytes will stand, in the colours of their messages."))]
    with talk.lock:
        sent, received, arrived, understood = talk.size, talk.received, talk.arrived, list(talk.understood)
        talk.shown, pending, prices = arrived, talk.reader.pending, total_of(talk.messages) is not None
    where = [f"{bytes_of(sent - arrived)} on the way"] * (sent > arrived)
    where += [f"{bytes_of(arrived - received)} in the till's kernel"] * (arrived > received)
    where += [f"{bytes_of(received)} received"] * bool(received)
    held = [soft(" and then ", show_bytes(pending), ", not whole yet")] if pending else []
    total = total_of(understood) if prices and understood else None
    sums = [soft(f" · total {total:,}")] if total is not None else []
    strips = [tag("div", strip(*drawn(talk), width), class_=f"nl-bytes {kind}") for width, (kind, _) in WIDTHS.items()]
    named = tag("span", "The run before, " * past, "framing: " if past else "Framing: ", tag("b", talk.cure.name))
    now = [] if past else [soft("now: ", ", ".join(where) or "no byte in the stream")]
    found = tag("div", soft("The till understood: "), tag("code", listed(understood)), *held, *sums, class_="nl-understood")
    return [tag("div", named, *now, class_="nl-named"), tag("div", *strips, found, class_="nl-past" if past else None)]


def rows(tried: dict[str, Tried], talk, rates: dict, delay: int) -> list[tuple]:
    """(key, name, Tried or None, its prices) of each cure; of the one that is under way, what is understood so far."""
    found = []
    for key, cure in CURES.items():
        row = tried.get(key)
        if talk is not None and talk.cure is cure and talk.recvs and not talk.complete:
            row = Tried(listed(talk.understood, ROOM), "so far")
        found.append((key, cure.name, row, [cures.rounded(rates.get((key, each))) for each in sorted({0, delay})]))
    return found


def titles(delay: int) -> list[str]:
    """Those of the table."""
    return ["framing", "understood as", "the till is", "adds", "a second"] + [f"at {2 * delay} ms"] * bool(delay)


def table(found: list[tuple], delay: int) -> Markup:
    """What the till understood by each cure, and what that cost."""
    kinds = ["", "", "", "nl-adds", "nl-price nl-near" if delay else "nl-price", "nl-price"]
    head = tag("tr", *(tag("th", words, scope="col", class_=kind or None) for words, kind in zip(titles(delay), kinds)))
    return tag("table", head, *(_row(*each) for each in found), class_="nl-cures",
               aria_label="What the till understood, and the price")


def _row(key, name, row, prices):
    cells = [tag("td", soft("not tried yet")), tag("td"), tag("td", class_="nl-adds")]
    if row is not None:
        good, bad = row.judged.startswith("right"), row.judged.startswith("wrong")
        sign = tag("span", "✓ " * good + "✗ " * bad, row.judged, class_="nl-good" if good else "nl-bad" if bad else "nl-soft")
        cells = [tag("td", tag("code", row.understood)), tag("td", sign), tag("td", row.added, class_="nl-adds")]
    how = [tag("span", f" {row.how}", class_="nl-how")] if row is not None and row.how else []
    near = " nl-near" * (len(prices) > 1)           # the first to go where there is no room
    paid = [tag("td", words, class_="nl-price" + near * (n == 0)) for n, words in enumerate(prices)]
    return tag("tr", tag("th", name, *how, scope="row"), *cells, *paid, data_key=key)


# --- for a page without a kernel ----------------------------------------------------------------------------------

def stored(title: str, said: str, talk, found: list[tuple], text: str) -> Picture:
    """The panel in use: what was said last, the stream, and the table but for the prices, which another machine has not."""
    wide, narrow = (_sheet(title, said, talk, found, width) for width in (760, NARROW))
    return picture(*wide, text, narrow)


def _sheet(title, said, talk, found, width):
    small = width == NARROW
    parts, y = [text_at(12, 25, title, "h"), tag("path", d=f"M1 36H{width - 1}", stroke="var(--nl-line)")], 56
    for line in re.findall(r".{1,52}(?: |$)" if small else r".+", said):
        parts.append(text_at(12, y, line))
        y += 18
    parts.append(text_at(12, y + 4, f"Framing: {talk.cure.name}"))
    y += 16
    shown = str(strip(*drawn(talk), NARROW - 20 if small else 850))
    parts.append(tag("g", Markup(re.search(r"</style>(.*)</svg>$", shown, re.S)[1]), transform=f"translate(0 {y - 10})"))
    y += int(re.search(r'viewBox="0 0 \d+ (\d+)', shown)[1]) + 10
    places = (12, None, 140, None) if small else (12, 210, 470, 640)
    for row in [titles(0), *([name, row.understood, row.judged, row.added] for _, name, row, _ in found if row is not None)]:
        looks = ["s"] * 4 if row == titles(0) else [None, "m", "e" if row[2].startswith("wrong") else None, None]
        parts += [text_at(x, y, words, look) for x, words, look in zip(places, row, looks) if x and words]
        y += 20
    return y, parts

