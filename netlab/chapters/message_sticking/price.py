"""What each cure of sticking costs, as tables: what can be counted, and what this machine measures.

The cures themselves, and `measure`, which runs one over plain sockets, are in `netlab.teach.cures`.
"""
from netlab import Network
from netlab.style import FRAME, tag
from netlab.teach.cures import CURES, Price, by_cable, by_link, for_a_while, loopback, measure, overhead, rounded

__all__ = ["CURES", "Price", "Table", "counted", "far", "measure", "measured"]

PRICES = (b"3", b"12", b"250")
RTT = 0.02              # seconds there and back
WAITING, FLOWING = 0.5, 0.1     # seconds for which a cure is measured that waits at this round trip, and any other
LINK = "20 ms away is a Link here. It answers each connect itself, so what that costs cannot be measured."


def far(**how):
    """The way to a till that is 20 ms away, there and back: a cable of a network, or where none is to be had, a Link."""
    return by_link(delay=RTT / 2, **how) if Network.why() else by_cable(delay=RTT / 2, **how)


def counted(messages=PRICES) -> "Table":
    """What each cure adds to each of these messages, in bytes, and the round trips that each of them waits."""
    return Table(("", "bytes added to each", "round trips it waits"), [
        (cure, " · ".join(str(overhead(cure, message)) for message in messages), str(way.waits))
        for cure, way in CURES.items()])


def measured(message=b"250") -> "Table":
    """Messages per second by each cure, here and now: on loopback, and 20 ms away. It takes some three seconds."""
    with loopback() as near, far() as there:
        rows = [(cure, *(speed(cure, message, *way) for way in ((0, near), (RTT, there)))) for cure in CURES]
    return Table(("messages per second", "on loopback", "20 ms there and back"), rows, LINK if Network.why() else "")


def speed(cure, message, rtt, way) -> str:
    """Messages per second, by one cure over one way; "-" where that would say something untrue."""
    if rtt and CURES[cure].connections and Network.why():
        return "-"
    till, connect = way
    seconds = WAITING if rtt and CURES[cure].waits else FLOWING
    return rounded(measure(cure, for_a_while(message, seconds), till=till, connect=connect).messages_per_second)


class Table:
    """Rows of texts under their heads, the first column being what they are about; in a cell it shows itself."""

    def __init__(self, head, rows, note=""):
        self.head, self.rows, self.note = head, rows, note

    def __repr__(self) -> str:
        wide = [max(map(len, column)) for column in zip(self.head, *self.rows)]
        lines = [f"{what:<{wide[0]}}  " + "  ".join(f"{each:>{room}}" for each, room in zip(each_of, wide[1:]))
                 for what, *each_of in (self.head, *self.rows)]
        return "\n".join([*map(str.rstrip, lines), *filter(None, [self.note])])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        left, right = (f"padding:3px {after} 3px {before};text-align:{where};border:0;" for before, after, where in
                       (("0", "18px", "left"), ("18px", "0", "right")))
        soft = "color:var(--jp-content-font-color2,#5b6470);"
        first, *others = self.head
        heads = [tag("th", first, scope="col", style=left + soft),
                 *(tag("th", words, scope="col", style=right + soft) for words in others)]
        body = [tag("tr", tag("th", what, scope="row", style=left + "font-weight:normal;white-space:nowrap"),
                    *(tag("td", each, style=right + "white-space:nowrap") for each in cells)) for what, *cells in self.rows]
        table = tag("table", tag("thead", tag("tr", *heads)), tag("tbody", *body),
                    style="border-collapse:collapse;border:0;margin:0;font-size:13px")
        note = [tag("p", self.note, style=soft + "margin:6px 0 0")] if self.note else []
        look = FRAME + "overflow-x:auto;color:var(--jp-content-font-color1,inherit)"
        return {"text/html": str(tag("div", table, *note, style=look)), "text/plain": repr(self)}
