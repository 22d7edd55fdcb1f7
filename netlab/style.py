"""How things look: one palette, one card, and HTML and SVG that escape what they are given.

What is drawn stands on a surface of its own and takes its colours from CSS variables, `--nl-ink` and so on: standing
alone it brings both palettes, for light and for dark pages; inside a panel it takes the panel's.
"""
import re
from dataclasses import dataclass

import markupsafe
from markupsafe import Markup

COLOURS = {     # light, dark; as words or lines all but amber and pink, which fill, hold 4.5:1 on the surface
    "surface": ("#ffffff", "#111418"), "raised": ("#f7f7f8", "#1b1f24"), "ink": ("#1f2328", "#e6e8ea"),
    "soft": ("#5b6470", "#a5adb8"), "line": ("#d5d9de", "#3a4048"), "edge": ("#b5bac1", "#59616b"),
    "client": ("#0072b2", "#56b4e9"), "server": ("#b8500b", "#f0a35e"), "good": ("#00734f", "#4fc79a"),
    "error": ("#b3261e", "#ff8a80"), "amber": ("#e69f00", "#e69f00"), "pink": ("#cc79a7", "#cc79a7")}

_RULES = """
.nl text{font:12.5px system-ui,"Segoe UI",Roboto,sans-serif;fill:var(--nl-ink)}
.nl .m{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace} .nl .s{font-size:11.5px;fill:var(--nl-soft)}
.nl .h{font-size:14px;font-weight:600} .nl .e{fill:var(--nl-error)} .nl .client{fill:var(--nl-client)}
.nl .server{fill:var(--nl-server)} .nl .l{fill:none;stroke-width:2}
.nl .l.client,.nl .p.client,.nl .w.client{stroke:var(--nl-client)}
.nl .l.server,.nl .p.server,.nl .w.server{stroke:var(--nl-server)} .nl .l.ghost{stroke:var(--nl-line);stroke-dasharray:2 4}
.nl .d{fill:none;stroke:var(--nl-soft);stroke-dasharray:4 3} .nl .x{fill:none;stroke:var(--nl-error);stroke-width:2}
.nl .p,.nl .f{fill:var(--nl-surface)} .nl .w{fill:var(--nl-surface);stroke-dasharray:3 2} .nl .on{fill:var(--nl-surface)}
.nl .dark{fill:#111418} .nl .halo{paint-order:stroke;stroke:var(--nl-surface);stroke-width:6px}
""".strip().replace("\n", " ")

_EMPTY = frozenset({"br", "circle", "input", "path", "rect"})      # elements that hold nothing: <br/>


def escape(words) -> Markup:
    """For HTML and XML: no markup, and a sign in the place of each character that XML does not allow."""
    if isinstance(words, Markup):
        return words
    return markupsafe.escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", str(words)))


def tag(name: str, *content, **attributes) -> Markup:
    """An element: <name attributes>content</name>. All that is not markup already is escaped.

    `class_` stands for class, and `_` for the - in other names, as in text_anchor; None leaves an attribute out.
    """
    def plain(value):
        return f"{value:g}" if isinstance(value, float) else escape(value)

    inside = "".join(f' {key.rstrip("_").replace("_", "-")}="{plain(value)}"'
                     for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{inside}/>" if name in _EMPTY else f"<{name}{inside}>{''.join(map(escape, content))}</{name}>")


def palette(dark: bool) -> str:
    """The colours as CSS declarations of the variables --nl-…"""
    return ";".join(f"--nl-{name}:{both[dark]}" for name, both in COLOURS.items())


def card(*content, colour: str = "client", **attributes) -> Markup:
    """The course's card in a cell: an edge in one of the COLOURS at the left, and what it holds."""
    look = f"border-left:4px solid {COLOURS[colour][0]};padding:4px 12px;max-width:860px;"
    return tag("div", *content, **attributes, style=look + "color:var(--jp-content-font-color1,inherit)")


def marked(text: str) -> Markup:
    """Plain text as markup: what stands between backquotes becomes code."""
    return Markup(re.sub(r"`([^`]*)`", r"<code>\1</code>", str(escape(text))))


def drawing(width: float, height: float, *content, label: str, text: str, standalone: bool = True) -> Markup:
    """An <svg> that shrinks with its page; `label` names it, `text` says in words what it shows.

    `standalone=False` leaves out the palettes and the surface, for a page that has them.
    """
    own = f".nl-own{{{palette(False)}}} @media (prefers-color-scheme:dark){{.nl-own{{{palette(True)}}}}} " if standalone else ""
    ground = tag("rect", width=width, height=height, rx=8, style="fill:var(--nl-surface)") if standalone else ""
    return tag("svg", tag("title", label), tag("desc", text), tag("style", Markup(own + _RULES)), ground, *content,
               xmlns="http://www.w3.org/2000/svg", class_="nl nl-own" if standalone else "nl", role="img",
               viewBox=f"0 0 {width:g} {height:g}", width=width, style="max-width:100%;height:auto", aria_label=label)


def rect(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> Markup:
    """A box with soft corners."""
    soft = min(6, int(height) // 8 + 1)
    return tag("rect", x=float(x), y=float(y), width=float(width), height=float(height), rx=soft, fill=fill, stroke=stroke)


def text_at(x: float, y: float, words: str, kind: str | None = None, anchor: str | None = None, **more) -> Markup:
    """Words with their base line at (x, y); `kind` names classes, `anchor` is "start", "middle" or "end"."""
    return tag("text", words, x=float(x), y=float(y), class_=kind or None, text_anchor=anchor, **more)


@dataclass(frozen=True)
class Picture:
    """An SVG and the words for it; shows itself in a cell."""
    svg: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"image/svg+xml": str(self.svg), "text/plain": self.text}


def picture(height: int, parts: list, text: str) -> Picture:
    """A Picture as wide as a cell, 760, on a card of its own; the first line of `text` names it."""
    frame = rect(0.5, 0.5, 759, height - 1, "none", "var(--nl-line)")
    return Picture(drawing(760, height, frame, *parts, label=text.partition("\n")[0], text=text), text)
