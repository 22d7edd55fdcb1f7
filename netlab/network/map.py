"""The map of a network: hosts as boxes, routers as circles, cables as lines, and what is on its way.

`network_map` draws plain values, `of` a Network. `places` says where the nodes stand. Words get a place where they lie on
nothing; what finds none is told below the drawing.
"""
import textwrap
from ipaddress import ip_address, ip_network
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup

from netlab.network.network import Router
from netlab.network.places import NARROW, WIDE, places
from netlab.network.process import HelperEnded
from netlab.style import Picture, drawing, picture, tag, text_at
from netlab.words import listed

CIRCLE = 26         # a router's radius
SAYS = {"delay": "delay {:g} ms", "loss": "loss {:g} %", "duplicate": "duplicate {:g} %", "reorder": "reorder {:g} %"}


class Node(NamedTuple):
    """A host, or a router."""
    name: str
    is_router: bool
    addresses: tuple[str, ...] = ()


class Line(NamedTuple):
    """A cable between two nodes: what it does, in words; the marks of packets on it; the addresses of its ends."""
    a: str
    b: str
    words: str = ""
    is_cut: bool = False
    marks: tuple = ()               # each (its word, the node that sent it, "" or what became of it: "lost", "cut")
    addresses: tuple = ("", "")

    @property
    def name(self) -> str:
        return f"{self.a}-{self.b}"


# --- the map of a Network --------------------------------------------------------------------------------------------

def of(network, marks: dict | None = None) -> Picture:
    """The map of a Network as it is now; `marks` has those of each cable, by its number: else what is on its way there."""
    try:
        marks, said = waiting(network) if marks is None else marks, sentence(network)
    except HelperEnded as error:
        marks, said = {}, str(error)
    return network_map(*values(network, marks), said)


def values(network, marks: dict | None = None) -> tuple[list[Node], list[Line]]:
    """A Network as `network_map` wants it."""
    hosts = network.hosts
    nodes = [Node(name, isinstance(host, Router), host.addresses) for name, host in hosts.items()]
    cables = []
    for number, cable in enumerate(network.cables):
        ends, wire = [end.name for end in cable.ends], cable._wire
        own = tuple(wire.addresses[n][0].partition("/")[0] for n in (0, 1))
        cables.append(Line(*ends, impairment(cable), cable.is_cut, tuple((marks or {}).get(number, ())), own))
    return nodes, cables


def impairment(cable) -> str:
    """What a cable does to its frames: "delay 10 ms, loss 20 %"."""
    scales = {"delay": 1000}
    words = [says.format(getattr(cable, name) * scales.get(name, 100)) for name, says in SAYS.items() if getattr(cable, name)]
    return ", ".join(words + ["a function"] * (cable.through is not None))


def waiting(network) -> dict[int, list]:
    """The packets that are on their way, as marks of their cables."""
    names = {cable.name: cable.number for cable in network.cables}
    found = {}
    for packet in network.packets_now():
        if packet.fate == "on its way" and packet.cable in names:
            found.setdefault(names[packet.cable], []).append((packet.summary.partition(" ")[0], packet.sender, ""))
    return found


def way(network, a: str, b: str) -> list[str]:
    """The nodes that a packet from `a` to the first address of `b` passes, both with them, as the routing tables have it.

    It ends early where a table has no route, where a cable is cut, or where it would go in a circle.
    """
    hosts, target = network.hosts, ip_address(network.hosts[b].address)
    owner = {own: name for name, host in hosts.items() for own in host.addresses}
    passed = [a]
    while passed[-1] != b:
        fits = [(ip_network(to), via) for to, via, _ in hosts[passed[-1]].routes if target in ip_network(to)]
        _, via = max(fits, key=lambda route: route[0].prefixlen, default=(None, ""))
        following = owner.get(via or str(target)) if fits else None
        joined = any({end.name for end in cable.ends} == {passed[-1], following} for cable in network.cables if not cable.is_cut)
        if not joined or following in passed:
            break
        passed.append(following)
    return passed


def sentence(network) -> str:
    """What matters on the map now: what is cut, and which way packets go from the first host to the last."""
    hosts = [name for name, host in network.hosts.items() if not isinstance(host, Router)]
    cut = [cable.name for cable in network.cables if cable.is_cut]
    before = f"{listed(cut)} {'is' if len(cut) == 1 else 'are'} cut: " if cut else ""
    if len(hosts) < 2:
        return f"{hosts[0]} is the only host." if hosts else "No host yet."
    a, b = hosts[0], hosts[-1]
    passed = way(network, a, b) if network.hosts[b].addresses else [a]
    if passed[-1] != b:
        after = f"no way leads from {a} to {b}."
    elif len(passed) == 2:
        after = f"packets go from {a} to {b} directly."
    else:
        after = f"packets{'' if cut else f' from {a} to {b}'} go by {listed(passed[1:-1])}."
    return before + after if cut else after[0].upper() + after[1:]


# --- the picture -----------------------------------------------------------------------------------------------------

def network_map(nodes, cables, said: str = "") -> Picture:
    """The map as a Picture; `said` is the sentence below it. Nodes and cables may be plain tuples, see Node and Line."""
    (high, parts), narrow = shapes(nodes, cables, said), shapes(nodes, cables, said, narrow=True)
    return picture(high, parts, in_words(nodes, cables, said), narrow)


def panel_map(nodes, cables, narrow: bool = False) -> Markup:
    """The map alone, for a panel, which has the surface and the colours."""
    high, parts = shapes(nodes, cables, "", narrow)
    first, *rest = in_words(nodes, cables, "The network").split("\n")
    return drawing(NARROW if narrow else WIDE, high, *parts, label=first, text="\n".join(rest), standalone=False)


def in_words(nodes, cables, said: str) -> str:
    """The same as text, a line for each node and each cable."""
    nodes, cables, lines = [Node(*each) for each in nodes], [Line(*each) for each in cables], [said or "A network"]
    lines += [f"{node.name}, {'router' if node.is_router else 'host'}: {', '.join(node.addresses) or 'no address yet'}"
              for node in nodes]
    for cable in cables:
        there = [f"{word} from {sender}" + (f", {fate}" if fate else "") for word, sender, fate in cable.marks]
        state = ", ".join(filter(None, ["cut" if cable.is_cut else "", cable.words])) or "whole"
        lines.append(f"{cable.name}: {state}" + ("; " + "; ".join(there) if there else ""))
    return "\n".join(lines)


def shapes(nodes, cables, said: str, narrow: bool = False) -> tuple[int, list]:
    """(height, shapes) of the map in its wide or its narrow form."""
    return _Drawing([Node(*each) for each in nodes], [Line(*each) for each in cables], narrow).shapes(said)


class _Drawing:
    """One form of the map: places for the nodes, lines for the cables, then places for words."""

    def __init__(self, nodes, cables, narrow):
        self.nodes, self.cables, self.narrow, self.width = nodes, cables, narrow, NARROW if narrow else WIDE
        hosts = [node.name for node in nodes if not node.is_router]
        self.side = {hosts[-1]: "server", hosts[0]: "client"} if hosts else {}
        self.half = {node.name: _half(node) for node in nodes}      # half of each node's width and height
        self.spots, self.upright, self.natural = places(nodes, [cable[:2] for cable in cables], self.half, narrow)
        self.boxes = [(x - w, y - h, x + w, y + h) for (x, y), (w, h) in
                      ((self.spots[name], self.half[name]) for name in self.half)]      # what no word may lie on
        self.paths, seen = [], set()
        for cable in cables:
            self.paths.append(self._path(cable, frozenset(cable[:2]) in seen))
            seen.add(frozenset(cable[:2]))

    # lines

    def _path(self, cable, again):
        """The points of a cable's line, with a bend where it would pass through a node, or lie on the cable before it."""
        (ax, ay), (bx, by) = self.spots[cable.a], self.spots[cable.b]
        others = [box for node, box in zip(self.nodes, self.boxes) if node.name not in cable[:2]]
        long = max(1, ((bx - ax) ** 2 + (by - ay) ** 2) ** .5)
        straight = [self._border(cable.a, (bx, by)), self._border(cable.b, (ax, ay))]
        for bend in (0, *(sign * far for far in (44, 72, 100, 150, 210) for sign in (1, -1))):
            dx, dy = -bend * (by - ay) / long, bend * (bx - ax) / long
            over = [(x + dx, y + dy) for x, y in (_along((ax, ay), (bx, by), part) for part in (.25, .75))]
            points = [self._border(cable.a, over[0]), *over, self._border(cable.b, over[1])] if bend else straight
            inside = all(6 < x < self.natural - 6 and y > 6 for x, y in points)
            free = not any(_crosses(_grown(box, 4), *leg) for box in others for leg in pairwise(points))
            if inside and free and (bend or not again) and points[1:-1] not in [path[1:-1] for path in self.paths if bend]:
                return points
        return straight

    def _border(self, name, towards):
        """Where a line to `towards` leaves a node: a circle anywhere, a box in the middle of a side."""
        (x, y), (w, h), (tx, ty) = self.spots[name], self.half[name], towards
        dx, dy = tx - x, ty - y
        if w == h == CIRCLE:
            long = max(1, (dx * dx + dy * dy) ** .5)
            return x + dx * w / long, y + dy * w / long
        beside = abs(dx) > w + 8 and (name not in self.upright or abs(dy) <= h)
        return (x + (w if dx > 0 else -w), y) if beside else (x, y + (h if dy > 0 else -h))

    def _lines(self):
        parts, self.legs = [], []
        for cable, points in zip(self.cables, self.paths):
            legs = list(pairwise(points))
            self.legs += legs
            if cable.is_cut:
                n = max(range(len(legs)), key=lambda n: _length(*legs[n]))
                (x, y), part = _along(*legs[n], .5), min(.3, 15 / max(1, _length(*legs[n])))
                legs[n:n + 1] = [(legs[n][0], _along(*legs[n], .5 - part)), (_along(*legs[n], .5 + part), legs[n][1])]
                parts.append(_cross(x, y))
                self.boxes.append((x - 8, y - 8, x + 8, y + 8))
            d = "".join(f"M{_point(a)}L{_point(b)}" for a, b in legs)
            parts.append(tag("path", d=d, fill="none", stroke="var(--nl-soft)", stroke_width=2))
        return parts

    # nodes

    def _node(self, node):
        (x, y), (w, h), side = self.spots[node.name], self.half[node.name], self.side.get(node.name)
        stroke = f"var(--nl-{side or 'soft'})"
        if node.is_router:
            shape = tag("circle", cx=float(x), cy=float(y), r=w, fill="none", stroke=stroke, stroke_width=2)
            return [shape, text_at(x, y + 4, node.name, None, "middle", font_weight=600, font_size=_fitting(node.name))]
        top = y - 8 * len(node.addresses[:3]) + 5
        words = [text_at(x, top, node.name, side, "middle", font_weight=600)]
        words += [text_at(x, top + 16 * n, address, "m s", "middle") for n, address in enumerate(_shown(node.addresses), 1)]
        frame = tag("rect", x=x - w, y=y - h, width=2 * w, height=2 * h, rx=6, fill="none", stroke=stroke, stroke_width=2)
        return [frame, *words]

    # words and marks

    def _marks(self):
        """Packets on their way as arrows, or as a cross where one ended; their words stand beside them."""
        parts, wanted = [], []
        for cable, points in zip(self.cables, self.paths):
            leg = max(pairwise(points), key=lambda leg: _length(*leg))
            shown = cable.marks[:3]
            for n, (word, sender, fate) in enumerate(shown, 1):
                forth = sender == cable.a
                at = n / (len(shown) + 1) if len(shown) > 1 or not cable.is_cut else .25 if forth else .75
                start, end = leg if forth else leg[::-1]
                (x, y), long = _along(*leg, at), max(1, _length(*leg))
                turn = ((end[0] - start[0]) / long, (end[1] - start[1]) / long)
                parts.append(_cross(x, y) if fate else _arrow(x, y, *turn))
                self.boxes.append((x - 9, y - 9, x + 9, y + 9))
                wanted.append((cable.name, " ".join(filter(None, (word, fate))), "e" if fate else "", (x, y)))
            if more := len(cable.marks) - len(shown):
                wanted.append((cable.name, f"+{more} more", "", _along(*leg, .85)))
        return parts, wanted

    def _place(self, words, kind, points, own, mono=False):
        """A text at the first of these points beside which it lies on nothing, and nearer to `own` than to any other line;
        None where there is none."""
        lines = words.split("\n")
        w, h = max(map(len, lines)) * (6.6 if mono else 6.1) + 4, 15 * len(lines)
        for x, y in points:
            for ax, ay in ((0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1), (1, 0), (-1, 0)):
                left, top = x + ax * (w / 2 + 6) - w / 2, y + ay * (h / 2 + 5) - h / 2
                box = left, top, left + w, top + h
                if 4 < left and left + w < self.natural - 4 and 4 < top and not any(_overlap(box, each) for each in self.boxes) \
                        and not any(_crosses(_grown(box, 2 if leg in own else 7), *leg) for leg in self.legs):
                    self.boxes.append((left - 5, top, left + w + 5, top + h))
                    return [text_at(left + w / 2, top + 11.5 + 15 * n, line, kind, "middle") for n, line in enumerate(lines)]
        return None

    def _words(self, wanted):
        """All words as shapes, and in words those that found no place."""
        parts, below, routers = [], [], {node.name for node in self.nodes if node.is_router}
        for cable, points in zip(self.cables, self.paths):
            legs = list(pairwise(points))
            along = [_along(*max(legs, key=lambda leg: _length(*leg)), at) for at in (.5, .4, .6, .3, .7)]
            x, y = along[0]
            along += [(x, y + 6), (x, y - 6)]       # past a mark
            asked = [(word, f"s {kind}".strip(), [(px, py - 4), (px, py + 4), (px + 4, py), (px - 4, py)])
                     for name, word, kind, (px, py) in wanted if name == cable.name]
            asked += [("cut", "s e", [(x, y - 4), (x, y + 4), (x + 4, y), (x - 4, y)])] * cable.is_cut
            asked += [(cable.words, "s", along)] * bool(cable.words)
            for words, kind, where in asked:
                found = self._place(words, kind, where, legs) or self._place(words.replace(", ", "\n"), kind, where, legs)
                parts += found or []
                below += [] if found else [f"{cable.name}: {words}"]
        for cable, points in zip(self.cables, self.paths):          # addresses last: where there is room
            for name, address, (start, following) in zip(cable[:2], cable.addresses, (points[:2], points[:-3:-1])):
                if name in routers and address:
                    near = [_along(start, following, far / max(1, _length(start, following))) for far in (36, 28, 20, 46)]
                    parts += self._place(address, "m s", near, list(pairwise(points)), mono=True) or []
        return parts, below

    def shapes(self, said):
        lines = self._lines()
        marks, wanted = self._marks()
        words, below = self._words(wanted)
        inside = [*lines, *(part for node in self.nodes for part in self._node(node)), *marks, *words]
        high = max([y for _, _, _, y in self.boxes] + [y for points in self.paths for _, y in points] + [20]) + 10
        scale = self.width / self.natural
        parts, high = ([tag("g", *inside, transform=f"scale({scale:.4f})")] if scale < 1 else inside), high * scale
        for words, kind in [*((each, "s") for each in below), (said, None)]:
            for line in textwrap.wrap(words, self.width // 7):
                high += 18
                parts.append(text_at(self.width / 2, high - 4, line, kind, "middle"))
        return round(high + 8), parts


def _half(node):
    if node.is_router:
        return CIRCLE, CIRCLE
    widest = max([7.4 * len(node.name), *(6.9 * len(address) for address in _shown(node.addresses))])
    return max(34, round(widest / 2 + 9)), 15 + 8 * len(_shown(node.addresses))


def _shown(addresses):
    return addresses if len(addresses) <= 3 else (*addresses[:2], f"+{len(addresses) - 2} more")


def _fitting(name):
    """A size of letters with which a router's name is inside its circle."""
    return max(6.5, min(12.5, 2 * CIRCLE * .92 / (.6 * max(1, len(name)))))


def _cross(x, y):
    return tag("path", d=f"M{_point((x - 7, y - 7))}l14 14m0 -14l-14 14", fill="none", stroke="var(--nl-error)", stroke_width=2)


def _arrow(x, y, dx, dy):
    """A packet: a small arrow that points where it goes."""
    points = ((-9, -5), (4, -5), (9, 0), (4, 5), (-9, 5))
    d = "M" + "L".join(_point((x + u * dx - v * dy, y + u * dy + v * dx)) for u, v in points) + "z"
    return tag("path", d=d, fill="var(--nl-client)", stroke="var(--nl-surface)", stroke_width=1.5)


def _point(point):
    return "{:g} {:g}".format(*(round(value, 1) + 0 for value in point))


def _along(a, b, part):
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def _length(a, b):
    return ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** .5


def _grown(box, by):
    return box[0] - by, box[1] - by, box[2] + by, box[3] + by


def _overlap(one, other):
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _crosses(box, a, b):
    """Whether the line from a to b passes through a box: whether a part of it, from `first` to `last`, is between its left and
    right side and between its top and bottom as well."""
    first, last = 0, 1
    for n in (0, 1):
        step, near, far = b[n] - a[n], box[n] - a[n], box[n + 2] - a[n]
        if step:
            enter, leave = sorted((near / step, far / step))
            first, last = max(first, enter), min(last, leave)
        elif not near < 0 < far:
            return False
    return first < last
