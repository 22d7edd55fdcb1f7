"""How things look: the colours of the course, and pieces of SVG and HTML that escape what they are given."""
from __future__ import annotations

import html
import re
from dataclasses import dataclass

COLOURS = {     # light, dark; all of them hold 4.5:1 on their surface
    "surface": ("#ffffff", "#111418"), "raised": ("#f7f7f8", "#1b1f24"), "ink": ("#1f2328", "#e6e8ea"),
    "soft": ("#5b6470", "#a5adb8"), "line": ("#d5d9de", "#3a4048"), "client": ("#0072b2", "#56b4e9"),
    "server": ("#b8500b", "#f0a35e"), "error": ("#b3261e", "#ff8a80")}


def escape(words: str) -> str:
    """For XML: no markup, and a sign in the place of each character that XML does not allow."""
    return html.escape(re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", words))


def palette(dark: bool) -> str:
    """The colours as CSS declarations of the variables --nl-…"""
    return ";".join(f"--nl-{name}:{both[dark]}" for name, both in COLOURS.items())


def wrap(words, room):
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) > room:
            lines.append("")
        lines[-1] += f"{word} "
    return [line.strip() for line in lines]


# --- pictures made from numbers alone ----------------------------------------------------------------------------

PICTURE_STYLE = """\
.nlp{font:13px system-ui,"Segoe UI",Roboto,sans-serif;--card:#fff;--ink:#1f2328;--soft:#5b6470;
--line:#c9ced5;--a:#0072B2;--b:#B8500B;--c:#E69F00;--e:#CC79A7;--on:#fff}
@media (prefers-color-scheme:dark){.nlp{--card:#111418;--ink:#e6e8ea;--soft:#a5adb8;--line:#3a4048;
--a:#56B4E9;--b:#F0A35E;--on:#111418}}
.nlp text{fill:var(--ink)}.nlp .soft{fill:var(--soft)}.nlp .on{fill:var(--on)}.nlp .dark{fill:#111418}
.nlp .halo{paint-order:stroke;stroke:var(--card);stroke-width:6px}
.nlp .m{font-family:ui-monospace,Menlo,Consolas,monospace}"""


@dataclass(frozen=True)
class Picture:
    """An SVG and the words for it; shows itself in a cell."""

    svg: str
    text: str

    def __repr__(self) -> str:
        return self.text

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"image/svg+xml": self.svg, "text/plain": self.text}


def rect(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    return (f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{min(6, height // 8 + 1)}" '
            f'fill="{fill}" stroke="{stroke}"/>')


def text_at(x: float, y: float, words: str, kind: str = "", anchor: str = "start", more: str = "") -> str:
    attributes = [f'x="{x:g}" y="{y:g}"', f'class="{kind}"' if kind else "", more,
                  f'text-anchor="{anchor}"' if anchor != "start" else ""]
    return f"<text {' '.join(filter(None, attributes))}>{html.escape(words)}</text>"


def picture(height: int, parts: list[str], text: str) -> Picture:
    label = html.escape(text.replace("\n", "; "), quote=True)
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" class="nlp" viewBox="0 0 760 {height}" width="760" '
            f'role="img" aria-label="{label}"><style>{PICTURE_STYLE}</style>')
    card = rect(0.5, 0.5, 759, height - 1, "var(--card)", "var(--line)")
    return Picture("\n".join([head, card, *parts, "</svg>"]), text)
