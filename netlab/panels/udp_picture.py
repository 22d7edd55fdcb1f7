"""What UdpPanel draws: the fates of what passed a link, and, for a page without a kernel, the panel in use."""
import re
from functools import lru_cache

from markupsafe import Markup

from netlab.network.link_picture import fates_svg
from netlab.strip import bytes_strip
from netlab.style import NARROW, Picture, picture, rect, tag, text_at

ENDS, EDGE = {"client": "sender", "server": "receiver"}, 3


@lru_cache(8)                           # mostly it is as it was; few, since it holds what passed
def fates(passed: tuple, width: int, nobody: bool = False) -> Markup:
    """What became of what passed, so wide. A link calls its two ends client and server; in the panel they have other names.
    `nobody`: what came out found nobody there."""
    inside = width - 2 * EDGE
    head, _, rest = re.sub(r'(font-weight="600"[^>]*)>(client|server)<',
                           lambda found: f'{found[1]} font-size="11.5">{ENDS[found[2]]}<',
                           fates_svg(passed, inside, 1)).partition("<g ")
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
    strip = bytes_strip(receiver.drawn(), True)
    wide = int(re.search(r'width="(\d+)"', strip)[1])
    scale = min(1, (width - 24) / wide)
    parts.append(tag("g", Markup(re.search(r"</title>(.*)</svg>$", strip, re.S)[1]), text_anchor="middle", fill="var(--nl-ink)",
                     transform=f"translate({width - 12 - wide * scale:g} {y}) scale({scale:g})",
                     font_family="ui-monospace,Menlo,Consolas,monospace"))
    return max(bottom, y + 44), parts
