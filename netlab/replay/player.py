"""The player: a picture that can be stepped through, in a notebook, on a page made of it, and with nothing running.

What a cell shows is the picture as before, beside it the steps as JSON, and a script. Pages that take scripts out keep
the picture; elsewhere the script, a custom element, shows it row by row. It asks nobody for anything.
"""
import json
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib import resources

from markupsafe import Markup

from netlab.replay.values import Block, Piece, Step, Way, words_of
from netlab.style import COLOURS, MESSAGES, Picture, image, palette, tag
from netlab.words import error_text, letter

MOST = 1000             # steps; more would be slow to load, and nobody would walk through them
FORM = 1                # of what `Replay.data` gives: another number in replay.js wherever it changes
BYTES, PIECES = 24, 8   # of a strip: how many bytes have a box of their own, and how many sends or datagrams


class Replay:
    """A picture and its steps. In a cell it shows the picture with a bar below; `opened`, the first step.

    `picture` is a Picture whose narrow drawing has what belongs to step n in groups with data-step="n", from 1; `film` is
    such a drawing where the picture's own leaves rows out. `code` is what the steps' `lines` speak of.
    """

    def __init__(self, picture: Picture, steps: list[Step], code: list[Block] = (), film: str = "", opened: bool = True):
        self.picture, self.steps, self.code, self.film, self.opened = picture, list(steps), list(code), film, opened

    def text(self) -> str:
        """A numbered line for each step, to be read aloud."""
        return "\n".join(f"{n:3}  {step.says}" for n, step in enumerate(self.steps, 1))

    def __repr__(self) -> str:
        return self.text() if self.opened and self.steps else self.picture.text

    def html(self) -> Markup:
        """The picture, what its steps hold, and the script."""
        shown = image(self.picture.svg, self.picture.text.partition("\n")[0], self.picture.narrow)
        if not 0 < len(self.steps) <= MOST:
            return shown
        data = Markup(json.dumps(self.data(), ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))
        return tag("netlab-replay", shown, tag("script", data, type="application/json"), tag("script", Markup(script())),
                   opened="" if self.opened else None)

    def data(self) -> dict:
        """The steps as JSON can hold them: what comes again in several of them is there once, and has a number."""
        places, ways, scenes, steps = {}, {}, {}, []
        for step in self.steps:
            shown = []
            for scene in step.scenes:
                ends = [-1 if place is None else places.setdefault(place, len(places)) for place in (scene.left, scene.right)]
                between = tuple(ways.setdefault(way, len(ways)) for way in scene.ways)
                shown.append(scenes.setdefault((ends[0], between, ends[1]), len(scenes)))
            steps.append([step.says, shown, step.line, step.lines])
        return {"form": FORM, "steps": steps, "scenes": list(scenes), "ways": list(map(_way, ways)), "film": self.film,
                "places": [[p.name, p.side, p.state, p.doing, p.queue] for p in places],
                "code": [[block.title, block.lines] for block in self.code]}

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {"text/html": str(self.html()), "text/plain": repr(self)}


def replay_or_picture(picture: Picture, made: Callable[[], Replay]) -> Replay:
    """What `made()` returns; where it fails, by a mistake of netlab's, the picture alone, with a warning."""
    try:
        return made()
    except Exception as error:
        warnings.warn(f"netlab could not make the steps of this picture: {error_text(error)}", stacklevel=2)
        return Replay(picture, [])


def _way(way: Way) -> list:
    """Its label, whether its pieces stand apart, the pieces, how much is not shown, and all of it in words."""
    shown, left = [], BYTES
    for piece in way.pieces[:PIECES]:
        share = min(len(piece.data), max(left, 0))
        shown.append(_piece(piece, share))
        left -= share
    rest = len(way.pieces) - len(shown)
    return [way.label, int(way.borders), shown, rest, f"{way.label}: {words_of(way.pieces, way.borders, note='')}"]


def _piece(piece: Piece, count: int) -> list:
    """[colour, letters, hex, how many bytes more]"""
    data = piece.data[:count]
    colour = None if piece.send is None else piece.send % len(MESSAGES)
    return [colour, "".join(map(letter, data)), data.hex(), piece.size - count]


@lru_cache(None)
def script() -> str:
    """The JavaScript of the element, with its style sheet and the colours in it."""
    def read(name):
        return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")

    names = palette(False) + "".join(f";--nl-send{n}:{colour}" for n, colour in enumerate(MESSAGES))
    both = "".join(f"--nl-{name}:light-dark({light},{dark});" for name, (light, dark) in COLOURS.items())
    drawn = "".join(f'svg [{where}="{light}"]{{{where}:var(--nl-{name})}}'
                    for name, (light, dark) in COLOURS.items() for where in ("fill", "stroke") if light != dark)
    sheet = f":host{{{names}}}\n@supports (color:light-dark(red,red)){{:host{{{both}}}}}\n{drawn}\n{read('replay.css')}"
    return read("replay.js").replace("SHEET", sheet)
