"""What a stage is made of: the ends of a conversation as boxes, and what lies in the kernels between them."""
from markupsafe import Markup

from netlab import kernel
from netlab.events import RECEIVES, SENDS
from netlab.panels.parts import chip, soft
from netlab.strip import Piece, bytes_strip, counted, lying, size_of
from netlab.style import tag
from netlab.words import bytes_of


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


def end_of(name: str, side: str, state: str, *, do: str, about: str, chosen: bool, waits: str = "") -> Markup:
    """One end as a box to press: its name, its state, and the calls that it waits in, for as long as it does."""
    return tag("button", tag("b", name, class_=f"nl-{side}"), chip(state), tag("span", f"waits in {waits}", class_="nl-waits")
               if waits else "", type="button", data_do=do, value=about, aria_pressed=str(chosen).lower(),
               class_=f"nl-end nl-of-{side}" + (" nl-waiting" if waits else ""))


def way(arrow: str, words: str, content, note: str, *, kind: str = "") -> Markup:
    """One way between two ends: where it leads, what lies on it (a strip, or nothing), and how much that is."""
    drawn = tag("span", content, class_="nl-strip") if content else tag("span", class_="nl-wire")
    return tag("div", tag("span", arrow, " ", words, class_="nl-soft"), drawn, soft(note), class_=f"nl-way {kind}".strip())


def bytes_way(arrow: str, words: str, pieces: list[Piece], borders: bool = False) -> Markup:
    """A way with its bytes, or with its datagrams where there are `borders`."""
    size = size_of(pieces)
    strip = bytes_strip(tuple(pieces), borders) if pieces else ""
    return way(arrow, words, strip, f"{bytes_of(size)}, not received yet" if pieces else "nothing")


def taken_together(events, receiver, sender) -> int:
    """How many sends the last recv of `receiver` took bytes of."""
    took = [e for e in events if e.socket == receiver.number and e.method in RECEIVES and e.size and not e.peek][-1:]
    return sum(e.socket == sender.number and e.method in SENDS and e.offset < last.offset + last.size
               and last.offset < e.offset + e.size for last in took for e in events)
