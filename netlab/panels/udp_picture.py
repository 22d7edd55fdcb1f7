"""What UdpPanel draws: the fates of what passed a link, and, for a page without a kernel, the panel in use."""
import re
from functools import lru_cache

from markupsafe import Markup

from netlab.network.link_picture import fates_svg
from netlab.style import NARROW, Picture, picture, rect, tag, text_at
from netlab.teach.strip import MONO, byte_shapes

ENDS, EDGE = {"client": "sender", "server": "receiver"}, 3


@lru_cache(8)                           # mostly it is as it was; few, since it holds what passed
def fates(passed: tuple, width: int, nobody: bool = False) -> Markup:
    """What became of what passed, so wide. `nobody`: what came through found nobody there."""
    inside = width - 2 * EDGE
    drawn = str(fates_svg(passed, inside, 1, ENDS)).replace('font-weight="600"', 'font-weight="600" font-size="11.5"')
    head, _, rest = drawn.partition("<g ")
    if nobody:
        rest = re.sub(r'(class="s"[^>]*>)receives<', r"\1nobody<", rest)
    head = head.replace(f'width="{inside}"', f'width="{width}"').replace(f'"0 0 {inside} ', f'"0 0 {width} ')
    return Markup(f'{head}<g transform="translate({EDGE} 0)" {rest}')


def stage(title: str, said: str, sender, receiver, passed: list, text: str) -> Picture:
    """The panel in use: both ends, what passed between them, and what lies in the receiver's kernel."""
    wide, narrow = (_sheet(title, said, sender, receiver, passed, width) for width in (760, NARROW))
    return picture(*wide, text, narrow)


def _sheet(title, said, sender, receiver, passed, width):
    small = width == NARROW
    drawn, middle = fates(tuple(passed), width - 20 if small else 370), 10 if small else 126
    parts = [text_at(12, 25, title, "h"), tag("path", d=f"M1 36H{width - 1}", stroke="var(--nl-line)")]
    y = 56
    for line in re.findall(r".{1,52}(?: |$)" if small else r".+", said):
        parts.append(text_at(12, y, line))
        y += 18
    for end, x in ((sender, 10), (receiver, width - 116)):
        parts.append(rect(x, y, 106, 30, "none", f"var(--nl-{end.side})"))
        parts.append(text_at(x + 8, y + 20, end.name, end.side, font_weight=600))
    top = y + (40 if small else 0)
    parts.append(tag("g", Markup(re.search(r"</style>(.*)</svg>$", drawn, re.S)[1]), transform=f"translate({middle} {top})"))
    bottom = top + 158
    y = bottom if small else top + 40                   # beside what passed, or below it
    for line in (f"in the kernel of {receiver.name}:", receiver.note()):
        parts.append(text_at(width - 12, y + 10, line, "s", "end"))
        y += 16
    wide, shapes = byte_shapes(receiver.drawn(), True)
    scale = min(1, (width - 24) / (wide + 1))
    place = f"translate({width - 12 - (wide + 1) * scale:g} {y}) scale({scale:g})"
    parts.append(tag("g", *shapes, text_anchor="middle", fill="var(--nl-ink)", transform=place, font_family=MONO))
    return max(bottom, y + 44), parts
