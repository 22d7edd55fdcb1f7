"""What a stage is made of: the ends of a conversation as boxes, and what lies in the kernels between them."""
from functools import lru_cache

from markupsafe import Markup

from netlab import kernel
from netlab.events import RECEIVES, SENDS
from netlab.panels.parts import chip, soft, tag
from netlab.strip import End, Piece, Way, counted, lying, size_of


def between(events, sender, receiver, sending: bool = False) -> list[Piece]:
    """What lies on the way between two recorded sockets of a stream: as recorded, and as the kernels count it.

    `sending` says that a call that sends has not returned: then only the kernels know how much of it they hold.
    """
    pieces = lying(events, sender.number, receiver.received)
    known = size_of(pieces)
    sent, there = kernel.send_queue(sender) or 0, kernel.receive_queue(receiver)
    if there is None:                           # this end is closed, or the system does not tell
        total = 0 if receiver.fileno() < 0 else known
    else:                                       # what is acknowledged late stands in both counts: the recording knows better
        total = there + sent if sending else min(max(known, there), there + sent)
    return counted(pieces, total)


def end_html(end: End, *, do: str, about: str, chosen: bool) -> Markup:
    """One end as a box to press."""
    waits = tag("span", f"waits in {end.waits}", class_="nl-waits") if end.waits else ""
    return tag("button", tag("b", end.name, class_=f"nl-{end.side}"), chip(end.state), waits, type="button", data_do=do,
               value=about, aria_pressed=str(chosen).lower(), class_=f"nl-end nl-of-{end.side}" + " nl-waiting" * bool(waits))


@lru_cache(16)          # most ways are as they were; few, since a way holds its bytes
def way_html(way: Way) -> Markup:
    """One way between two ends: where it leads, what lies on it, and how much that is."""
    drawn = tag("span", way.strip(), class_="nl-strip") if way.pieces else tag("span", class_="nl-wire")
    size, comma, rest = way.note.partition(", ")            # in a narrow panel only how much
    note = soft(size, tag("span", comma, rest)) if rest else soft(size)
    return tag("div", tag("span", way.arrow, " ", way.words, class_="nl-soft"), drawn, note, class_="nl-way", data_key=way.words)


def taken_together(events, receiver, sender) -> int:
    """How many sends the last recv of `receiver` took bytes of."""
    took = [e for e in events if e.socket == receiver.number and e.method in RECEIVES and e.size and not e.peek][-1:]
    return sum(e.socket == sender.number and e.method in SENDS and e.offset < last.offset + last.size
               and last.offset < e.offset + e.size for last in took for e in events)
