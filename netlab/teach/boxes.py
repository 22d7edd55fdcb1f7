"""Boxes in a drawing for what is asked: the reader's guess, dashed, and what came, with a solid edge.

A function that draws gets words made of stand-ins, one for each character that a box has room for, and puts them where such words
stand: so the layout is its own, with its wrapping. `filled` then puts boxes in their place. Their words are for the reader to
choose, and question.js changes them on a page as `filled` does here.
"""
import re
from collections.abc import Sequence
from dataclasses import replace
from html import unescape

from markupsafe import Markup

from netlab.style import NARROW, Picture, escape, tag, text_at
from netlab.words import shortened

GUESS, CAME = "\ue000", "\ue100"        # of the private use area, in no text of a learner's: a box's number is added
MOST = 16                               # characters in a box; a narrow drawing has room for no more beside a lifeline
LONGEST = 2 * MOST                      # characters of words that are squeezed into it
MONO = .604                             # how wide a character is, of its size; of a font that is not monospaced by its kind
SANS = {"ijlI|'": .28, "ftr.,:;()[]! ": .36, "mwMW@%": .9, "ABCDEGHKNOPQRSUVXYZ→": .7}      # of the wide ones that are usual
LOOKS = {"guess": {"fill": "#fdf1d6", "stroke": "#1f2328", "stroke_dasharray": "4 3"},
         "came": {"fill": "#ffffff", "stroke": "#1f2328"}}
DARK = Markup(".nl [data-box] rect{stroke:#e6e8ea}.nl [data-box] text{fill:#e6e8ea}"
              '.nl [data-box="guess"] rect{fill:#3d3115}.nl [data-box="came"] rect{fill:#111418}')
SHAPE = re.compile(r"<(?:path|rect|circle)\b[^>]*/>|<text\b[^>]*>.*?</text>|<g\b[^>]*>|</g>", re.DOTALL)
LINE = re.compile(r'<path\b((?=[^>]*fill="none")(?![^>]*stroke-dasharray)(?![^>]*z")) ')      # open, and not filled
MARGIN, EDGE = 3, 6                     # between a box and the words beside it; and the edge of the drawing
RUN = re.compile(r"([\ue000-\ue1ff])\1*")     # stand-ins of one box
FOOT = 34                               # height of a line for a drawing without a place for the box


def room_for(size: int, kind: str = GUESS, number: int = 0, most: int = MOST) -> str:
    """Stand-ins for box number `number` of a kind, which holds `size` characters."""
    return chr(ord(kind) + number) * max(3, min(most, size))


def filled(shown: Picture, words: dict[str, list[str]], foot: str, chosen: Sequence[Picture] = (),
           now: int | None = None) -> Picture:
    """The picture with boxes in the places of the stand-ins, and `words` in them: {"guess": ["?"], "came": ["5"]}.

    Where a drawing has no stand-ins, it gets the line `foot`, which has them. `chosen` are the same picture as it is
    for each choice: what one of them has more, such as an arrow, is drawn broken, and is seen for the choice number `now`.
    """
    if not RUN.search(shown.svg):
        shown = Picture(_footed(shown.svg, foot), f"{shown.text}\n{foot}", _footed(shown.narrow, foot))
    sizes = {found[1]: len(found[0]) for found in RUN.finditer(shown.text)}
    wide, narrow = (_boxed(_with_choices(_whole(svg, sizes), others, now), words) for svg, others in (
        (shown.svg, [_whole(each.svg, sizes) for each in chosen]),
        (shown.narrow, [_whole(each.narrow, sizes) for each in chosen])))
    return replace(shown, svg=wide, narrow=narrow, text=_in_words(shown.text, words))


def _whole(svg, sizes):
    """A drawing without the rest of a box where its lines were too short for one: it stands in the first of them, squeezed."""
    begun = dict.fromkeys(sizes, 0)

    def piece(found):
        sign, before = found[1], begun.get(found[1], 0)
        total = before + len(found[0])
        begun[sign] = total if total < sizes.get(sign, 0) else 0
        return "" if before else found[0]

    return RUN.sub(piece, str(svg))


def _with_choices(svg, others, now):
    """A drawing with what each of the others has more in a group of its own; what they lack names them in `data-without`."""
    if not others:
        return str(svg)
    here, there = _shapes(svg), [_shapes(other) for other in others]
    known, made, end = {shape for _, _, shape in here}, [], 0
    for start, stop, shape in here:
        lacking = [n for n, shapes in enumerate(there) if all(shape != each for *_, each in shapes)]
        if lacking:
            hidden = ' display="none"' if now in lacking else ""
            without = f' data-without="{" ".join(map(str, lacking))}"{hidden} '
            made += [str(svg)[end:start], shape[1].replace(" ", without, 1)]
            end = stop
    groups = []
    for n, shapes in enumerate(there):
        more = dict.fromkeys(shape for *_, shape in shapes if shape not in known)
        broken = (around + LINE.sub(r'<path\1 stroke-dasharray="6 4" ', shape) + "</g>" * around.count("<g")
                  for around, shape in more)
        groups.append(tag("g", Markup("".join(broken)), data_choice=n, display=None if n == now else "none"))
    return ("".join(made) + str(svg)[end:]).removesuffix("</g></svg>") + "".join(groups) + "</g></svg>"


def _shapes(svg):
    """[(where it begins, where it ends, (the groups around it, the shape))]: what moves or colours a group is a part of it."""
    around, found = [], []
    for match in SHAPE.finditer(str(svg)):
        if match[0] == "</g>":
            around.pop()
        elif match[0].startswith("<g"):
            look = re.sub(' (?:data-[a-z]+|class)="[^"]*"', "", match[0])
            around.append(look if around and look != "<g>" else "")        # the outermost is around the choices, too
        else:
            found.append((*match.span(), ("".join(around), match[0])))
    return found


def _of(sign):
    """(kind, number) of the box that a stand-in is for."""
    return ("guess" if sign < CAME else "came"), ord(sign) & 0xff


def _in_words(text, words):
    """Stand-ins replaced by what they stand for; a guess beside what came is in brackets."""
    def said(found):
        kind, number = _of(found[1])
        return f"({words[kind][number]})" if kind == "guess" and "came" in words else words[kind][number]

    return RUN.sub(said, text)


def _boxed(svg, words):
    usual = 11.3 if '<g font-size="11.3"' in svg else 12.5      # of the letters that have no size of their own

    width = float(re.search(r'viewBox="0 0 ([\d.]+) ', svg)[1])

    def placed(found):
        return _laid_out(found[1], found[2], words, usual, width) if RUN.search(found[2]) else found[0]

    svg = re.sub(r"<text((?: [\w:-]+=\"[^\"]*\")*)>((?:(?!</text>).)*)</text>", placed, svg, flags=re.DOTALL)
    svg = _in_words(svg, {kind: list(map(escape, texts)) for kind, texts in words.items()})     # what is left is its description
    return svg.replace("</style>", f"@media (prefers-color-scheme:dark){{{DARK}}}</style>", 1)


def _laid_out(attributes, content, words, usual, width):
    """A <text> element as pieces that stand where it stood, and boxes between them."""
    own = dict(re.findall(r' ([\w:-]+)="([^"]*)"', attributes))
    spans = re.findall(r"<tspan((?: [\w:-]+=\"[^\"]*\")*)>([^<]*)</tspan>", content) or [("", content)]
    pieces, total = [], 0.0                             # (where it begins, its width, a character's, attributes, words)
    for span, said in spans:
        look = own | dict(re.findall(r' ([\w:-]+)="([^"]*)"', span))
        size = float(look.get("font-size", usual))
        mono = "monospace" in look.get("font-family", "")
        total += float(dict(re.findall(r' (dx)="([^"]*)"', span)).get("dx", 0))
        for found in re.finditer(rf"{RUN.pattern}|[^\ue000-\ue1ff]+", unescape(said)):
            part = found[0]
            wide = len(part) * size * MONO + 2 * MARGIN if found[1] else _width(part, size, mono)
            pieces.append((total, wide, mono, size, re.sub(' dx="[^"]*"', "", span), part))
            total += wide
    anchor, x = own.get("text-anchor", "start"), float(own["x"])
    room = {"start": width - EDGE - x, "middle": 2 * min(x - EDGE, width - EDGE - x), "end": x - EDGE}[anchor]
    boxes = sum(wide for _, wide, *_, part in pieces if RUN.match(part))
    narrower, shift = min(1, max(.4, 1 - (total - room) / boxes)), 0.0          # where there is no room for the boxes
    for n, (at, wide, mono, size, span, part) in enumerate(pieces):
        fit = wide * narrower if RUN.match(part) else wide
        pieces[n] = at - shift, fit, mono, size, span, part
        shift += wide - fit
    total -= shift
    begin = x - {"start": 0, "middle": total / 2, "end": total}[anchor]
    rest = re.sub(' (?:x|text-anchor)="[^"]*"', "", attributes)
    made = []
    for at, wide, mono, size, span, part in pieces:
        x = begin + at
        if RUN.match(part):
            kind, number = _of(part[0])
            made.append(_box(x + MARGIN, float(own["y"]), wide - 2 * MARGIN, size, kind, number, words[kind][number]))
        elif part.strip():
            lead = wide - _width(part.lstrip(), size, mono)
            tail = wide - _width(part.rstrip(), size, mono)
            place, side = (x + wide - tail, "end") if anchor == "end" else (x + lead, "start")
            made.append(f'<text x="{place:g}" text-anchor="{side}"{rest}><tspan{span}>{escape(part.strip())}</tspan></text>')
    return "".join(made)


def _width(words, size, mono):
    if mono:
        return len(words) * size * MONO
    return size * sum(next((share for letters, share in SANS.items() if letter in letters), .61) for letter in words)


def _box(x, y, wide, size, kind, number, words):
    char = size * MONO
    fit = {"textLength": f"{wide - 8:g}", "lengthAdjust": "spacingAndGlyphs"} if len(words) * char > wide - 6 else {}
    style = {"font_style": "italic"} if kind == "guess" else {"font_weight": "600"}
    return tag("g", tag("rect", x=x, y=y - size + .5, width=wide, height=size + 3.5, rx=3, stroke_width="1.5", **LOOKS[kind]),
               tag("text", shortened(words, LONGEST), x=x + wide / 2, y=float(y), text_anchor="middle", font_size=size,
                   fill="#1f2328", font_family="Menlo,Consolas,monospace", **style, **fit),
               data_box=kind, data_part=number, data_wide=f"{wide:g}", data_char=f"{char:g}")


def _footed(svg, words):
    """A drawing with one more line at its foot."""
    svg = str(svg)
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups())
    taller = svg.replace(f'viewBox="0 0 {width:g} {height:g}"', f'viewBox="0 0 {width:g} {height + FOOT:g}"', 1)
    taller = taller.replace(f'height="{height - 1:g}"', f'height="{height - 1 + FOOT:g}"', 1)
    line = text_at(15, height + FOOT - 16, words, None, None, font_size=12.5 if width > NARROW else 11.3)
    return taller.removesuffix("</g></svg>") + str(line) + "</g></svg>"
