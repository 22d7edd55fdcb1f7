"""How things look: one palette, one frame, one card, and HTML and SVG that escape what they are given.

A drawing carries the light look in its attributes: pages that clean SVG take style sheets and classes away, and it is still
a picture. Its sheet says only what changes: dark colours on a dark page, and in a panel the panel's variables, --nl-ink and
so on.
"""
import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

import markupsafe
from markupsafe import Markup

COLOURS = {     # light, dark; as words or lines all but amber and pink, which fill, hold 4.5:1 on the surface
    "surface": ("#ffffff", "#111418"), "raised": ("#f7f7f8", "#1b1f24"), "ink": ("#1f2328", "#e6e8ea"),
    "soft": ("#5b6470", "#a5adb8"), "line": ("#d5d9de", "#3a4048"), "edge": ("#b5bac1", "#59616b"),
    "client": ("#0072b2", "#56b4e9"), "server": ("#b8500b", "#f0a35e"), "good": ("#00734f", "#4fc79a"),
    "error": ("#b3261e", "#ff8a80"), "amber": ("#e69f00", "#e69f00"), "pink": ("#cc79a7", "#cc79a7")}
MESSAGES = ("#0072b2", "#e69f00", "#009e73", "#cc79a7")     # in turn, for messages and the sends that they went with

_SANS, _MONO = "system-ui,Segoe UI,Roboto,sans-serif", "Menlo,Consolas,monospace"
_LOOKS = {      # what the kinds of words and shapes look like; of several the last one counts
    "m": {"font-family": _MONO}, "s": {"font-size": "11.5", "fill": "var(--nl-soft)"},
    "h": {"font-size": "14", "font-weight": "600"}, "e": {"fill": "var(--nl-error)"},
    "client": {"fill": "var(--nl-client)"}, "server": {"fill": "var(--nl-server)"}, "on": {"fill": "var(--nl-surface)"},
    "dark": {"fill": "#111418"}, "ghost": {"stroke": "var(--nl-edge)", "stroke-dasharray": "2 4"},
    "halo": {"paint-order": "stroke", "stroke": "var(--nl-surface)", "stroke-width": "6", "stroke-linejoin": "round"},
    "l": {"fill": "none", "stroke-width": "2"}, "p": {"fill": "var(--nl-surface)"}, "f": {"fill": "var(--nl-surface)"},
    "w": {"fill": "var(--nl-surface)", "stroke-dasharray": "3 2"},
    "d": {"fill": "none", "stroke": "var(--nl-soft)", "stroke-dasharray": "4 3"},
    "x": {"fill": "none", "stroke": "var(--nl-error)", "stroke-width": "2"}}

FRAME = ("box-sizing:border-box;max-width:760px;border:1px solid var(--jp-border-color2,#d5d9de);border-radius:6px;"
         "padding:8px 12px;")       # of what is HTML, as a drawing's

_EMPTY = frozenset({"br", "circle", "img", "input", "path", "rect", "source", "wbr"})       # elements that hold nothing: <br/>
NARROW, NARROW_PAGE = 360, 700      # the width of a narrow drawing, and of the windows that show it


def escape(words) -> Markup:
    """For HTML and XML: no markup, and a sign in the place of each character that XML does not allow."""
    if isinstance(words, Markup):
        return words
    text = str(words)
    if not text.isprintable():          # else nothing of it can be odd
        text = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text)
    return markupsafe.escape(text)


def tag(name: str, *content, **attributes) -> Markup:
    """An element: <name attributes>content</name>. All that is not markup already is escaped.

    `class_` stands for class, and `_` for the - in other names, as in text_anchor; None leaves an attribute out.
    """
    inside = "".join([f' {_written(key)}="{_plain(value)}"' for key, value in attributes.items() if value is not None])
    return Markup(f"<{name}{inside}/>" if name in _EMPTY else f"<{name}{inside}>{''.join(map(escape, content))}</{name}>")


@lru_cache(None)
def _written(key):
    return key.rstrip("_").replace("_", "-")


def _plain(value):
    return f"{value:g}" if isinstance(value, float) else escape(value)


def palette(dark: bool) -> str:
    """The colours as CSS declarations of the variables --nl-…"""
    return ";".join(f"--nl-{name}:{both[dark]}" for name, both in COLOURS.items())


def card(*content, colour: str = "client", **attributes) -> Markup:
    """The course's card in a cell: an edge in one of the COLOURS at the left, and what it holds."""
    light, dark = COLOURS[colour]
    look = (f"border-left:4px solid {light};border-left-color:light-dark({light},{dark});padding:4px 12px;"
            "box-sizing:border-box;max-width:760px;")
    return tag("div", *content, **attributes, style=look + "color:var(--jp-content-font-color1,inherit)")


def marked(text: str) -> Markup:
    """Plain text as markup: what stands between backquotes becomes code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))


def _dressed(markup: str, keep: bool) -> str:
    """Elements with what their classes mean as attributes, and light colours in the place of variables.

    In escaped markup a quotation mark is always an attribute's, so that the pattern finds elements and nothing else.
    """
    def dress(found):
        own = dict(re.findall(r' ([\w:-]+)="([^"]*)"', found[2]))
        kinds, look = own.get("class", "").split(), {}
        for kind in kinds:
            look |= _LOOKS.get(kind, {})
            if kind in ("client", "server") and {"l", "p", "w"} & set(kinds):       # of lines and frames, the stroke
                look |= {"stroke": look["fill"], "fill": _LOOKS[kinds[0]]["fill"]}
        if not keep:
            own["class"] = " ".join(kind for kind in kinds if kind not in _LOOKS)
        return f"<{found[1]}" + "".join(f' {key}="{value}"' for key, value in (look | own).items() if value) + found[3]

    dressed = re.sub(r'<(\w+)((?: [\w:-]+="[^"]*")+)(/?>)', dress, markup)
    return re.sub(r"var\(--nl-(\w+)\)", lambda found: COLOURS[found[1]][0] if found[1] in COLOURS else found[0], dressed)


def drawing(width: float, height: float, *content, label: str, text: str, standalone: bool = True) -> Markup:
    """An <svg> that shrinks with its page; `label` names it, `text` says in words what it shows ("": nothing to add).

    Standing alone it has a surface and a frame, and is dark on dark pages; `standalone=False` is for a panel, which has
    surface, frame and palette.
    """
    ground = rect(.5, .5, width - 1, height - 1, "var(--nl-surface)", "var(--nl-line)") if standalone else ""
    inside = _dressed(tag("g", ground, *content, font_family=_SANS, font_size=12.5, fill="var(--nl-ink)",
                         **{"xml:space": "preserve"}), not standalone)
    used, rules = set(re.findall(r'(fill|stroke)="(#\w+)"', inside)), ""
    for name, (light, dark) in COLOURS.items():
        for where in ("fill", "stroke"):
            if (where, light) in used and (dark != light or not standalone):
                rules += f'.nl [{where}="{light}"]{{{where}:{dark if standalone else f"var(--nl-{name},{light})"}}}'
    sheet = f"@media (prefers-color-scheme:dark){{{rules}}}" if standalone else rules
    about = [tag("title", label), *([tag("desc", text)] if text else [])]
    return tag("svg", *about, tag("style", Markup(sheet)), Markup(inside), xmlns="http://www.w3.org/2000/svg", class_="nl",
               role="img", viewBox=f"0 0 {width:g} {height:g}", width=width, style="max-width:100%;height:auto",
               aria_label=label)


def rect(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> Markup:
    """A box with soft corners."""
    soft = min(6, int(height) // 8 + 1)
    return tag("rect", x=float(x), y=float(y), width=float(width), height=float(height), rx=soft, fill=fill, stroke=stroke)


def text_at(x: float, y: float, words: str, kind: str | None = None, anchor: str | None = None, **more) -> Markup:
    """Words with their base line at (x, y); `kind` names looks, `anchor` is "start", "middle" or "end"."""
    return tag("text", words, x=float(x), y=float(y), class_=kind or None, text_anchor=anchor, **more)


def image(svg: str, alt: str, narrow: str) -> Markup:
    """A drawing as HTML: an <img>, which shrinks, has alternative text, and stays where pages take out <svg> and styles.

    In a narrow window the drawing `narrow` stands in its place, where there is room enlarged to 460.
    """
    def address(drawn, spaces):     # in markup of ours, quotation marks are only around attributes
        return Markup("data:image/svg+xml," + quote(drawn.replace('"', "'"), safe=" "[:spaces] + "'/:;,=()[]{}@!*"))

    shown = tag("img", src=address(str(svg), 1), alt=alt, style="display:block;max-width:100%;height:auto;margin:6px 0")
    return tag("picture", tag("source", media=f"(max-width:{NARROW_PAGE}px)", srcset=address(str(narrow), 0), width=460), shown)


@dataclass(frozen=True)
class Picture:
    """An SVG, the words for it, and its form for narrow windows; shows itself in a cell."""
    svg: str
    text: str
    narrow: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": str(image(self.svg, self.text.partition("\n")[0], self.narrow)), "text/plain": self.text}


def picture(height: int, parts: list, text: str, narrow: tuple[int, list]) -> Picture:
    """A Picture as wide as a cell, 760; the first line of `text` names it; `narrow` is the height and the parts, 360 wide."""
    label = text.partition("\n")[0]
    small = drawing(NARROW, narrow[0], *narrow[1], label=label, text="")
    return Picture(drawing(760, height, *parts, label=label, text=text), text, small)
