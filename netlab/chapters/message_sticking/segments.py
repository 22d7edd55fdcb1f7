"""Pictures of part 4 and 5: what was sent, in which segments it left, and who waited for whom."""
from dataclasses import dataclass

from netlab.network.packets import Packets
from netlab.style import NARROW, Picture, picture, tag, text_at
from netlab.words import bytes_of, show_bytes

HELD = 0.02             # seconds: an ACK that took longer was held back; the cable itself takes none


# --- calls and segments -----------------------------------------------------------------------------------------
def carried(rows: dict, title: str = "One stream: the calls, and the segments that carried it.") -> Picture:
    """The same bytes, cut in several ways, one below the other: {"ten sends": [10] * 10, "segments": packets}.

    Packets stand for the sizes of what they carry. Rows whose name has the word "segments" are the kernels' and dashed.
    ValueError where the sums differ.
    """
    rows = {name: [len(each.payload) for each in row if each.payload] if isinstance(row, Packets) else row
            for name, row in rows.items()}
    total = sum(next(iter(rows.values()), ()))
    for name, sizes in rows.items():
        if sum(sizes) != total:
            raise ValueError(f"all rows are the same {bytes_of(total)}, but {name!r} has {sum(sizes)}")
    lines = [f"{name}: {' + '.join(map(str, sizes))}{' bytes' if len(sizes) > 1 or sizes[0] != 1 else ' byte'}"
             for name, sizes in rows.items()]
    wide = [part for n, (name, sizes) in enumerate(rows.items())
            for part in (text_at(200, 37 + 38 * n, name, anchor="end"), *_boxes(name, sizes, 214, 20 + 38 * n, 530))]
    small = [part for n, (name, sizes) in enumerate(rows.items())
             for part in (text_at(14, 26 + 52 * n, name), *_boxes(name, sizes, 14, 34 + 52 * n, NARROW - 28))]
    return picture(30 + 38 * len(rows), wide, "\n".join([title, *lines]), (20 + 52 * len(rows), small))


def _boxes(name, sizes, left, top, width):
    scale, at = width / sum(sizes), 0
    for size in sizes:
        yield tag("rect", x=left + at * scale + 1, y=float(top), width=size * scale - 2, height=26.0, rx=3,
                  class_="w client" if "segments" in name else "p client", stroke_width=1.5)
        yield text_at(left + (at + size / 2) * scale, top + 18, str(size), anchor="middle")
        at += size


# --- who waits for whom -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Step:
    """A segment that counts: with data, or an ACK between two of the asker's. `waited`: who kept it back, "" for nobody."""
    sender: str
    words: str
    waited: str = ""


def steps(packets) -> list[Step]:
    """What an asker and an answerer sent each other, of the packets of one question and its answer."""
    first = {}                          # what a kernel sent again, because the machine was slow, is told once
    for packet in packets:
        if "TCP" in packet:
            again = packet.sender, packet["TCP"]["Sequence Number"], packet.payload
            first.setdefault(again if packet.payload else packet.number, packet)
    packets = list(first.values())
    data = [n for n, packet in enumerate(packets) if packet.payload]
    if not data:
        raise ValueError("no packet carries data: there is no question and no answer")
    asker, found, held = packets[data[0]].sender, [], False
    last = max(n for n in data if packets[n].sender == asker)
    for n, packet in enumerate(packets[:data[-1] + 1]):
        if packet.payload:
            found.append(Step(packet.sender, show_bytes(packet.payload), asker if held and packet.sender == asker else ""))
            held = False
        elif packet.sender != asker and data[0] < n < last:
            came = max(each.arrivals[0] for each in packets[:n] if each.payload and each.sender == asker)
            held = True
            found.append(Step(packet.sender, "ACK", packet.sender if packet.time - came > HELD else ""))
    return found


def waits(exchanges: dict) -> Picture:
    """Questions and their answers beside each other, {"two writes": packets, …}: each with what a kernel kept back."""
    told = {name: steps(packets) for name, packets in exchanges.items()}
    lines = [line for name, those in told.items() for line in (f"{name}:", *map(_line, those))]
    high = max(_height(those) for those in told.values())
    wide = [part for n, (name, those) in enumerate(told.items()) for part in _talk(name, those, 52 + 230 * n, 0)]
    small, top = [], 0
    for name, those in told.items():
        small += _talk(name, those, 60, top)
        top += _height(those)
    return picture(high, wide, "\n".join(["Who waits for whom: one question and its answer.", *lines]), (top, small))


def _line(step):
    how = "for more than 20 ms" if step.words == "ACK" else "until the ACK came"
    why = f", which {step.waited}'s kernel kept back {how}" if step.waited else ""
    return f"  {step.sender} sends {step.words}{why}"


TOP, APART, SLANT, LONG = 62, 26, 16, 74      # of the first segment; to the next; down on its way; while somebody waits


def _places(those):
    """(step, y where it leaves, y where it comes)."""
    at, places = TOP, []
    for n, step in enumerate(those):
        turn = n and those[n - 1].sender != step.sender
        at += LONG if step.words == "ACK" and step.waited else SLANT + 8 if turn else APART if n else 0
        places.append((step, at, at + SLANT))
    return places


def _height(those):
    return _places(those)[-1][2] + 24


def _talk(name, those, x, top):
    """One exchange, 240 wide: the asker's lane on the left, the other's on the right."""
    asker = those[0].sender
    other = next((step.sender for step in those if step.sender != asker), "")
    left, right, places = x + 54, x + 186, _places(those)
    end = top + places[-1][2] + 10
    yield text_at(x + 120, top + 20, name, "h", "middle")
    for lane, words, kind in ((left, asker, "client"), (right, other, "server")):
        yield text_at(lane, top + 42, words, kind, "middle")
        yield tag("path", d=f"M{lane} {top + 48}V{end}", class_="l", stroke="var(--nl-edge)")
    boxes, arrows = [], []
    for n, (step, begin, came) in enumerate(places):
        side, kind = (1, "client") if step.sender == asker else (-1, "server")
        start, to = (left, right)[::side]
        if step.waited:
            since = TOP + 10 if side > 0 else places[n - 1][2] + 4      # when it was written; when its reason came
            boxes += [tag("rect", x=start - 8.0, y=float(top + since), width=16.0, height=float(begin - since), rx=3,
                          class_=f"w {kind}", stroke_width=1.5),
                      text_at(start - 13 * side, top + (since + begin) / 2 + 4, f"{step.words} waits", "s",
                              "end" if side > 0 else "start")]
        arrows += [tag("path", d=f"M{start} {top + begin}L{to} {top + came}m{-9 * side} -6l{9 * side} 6l{-9 * side} 3",
                       class_=f"l {kind}"),
                   text_at((left + right) / 2, top + (begin + came) / 2 - 4, step.words,
                           f"halo {kind}" if step.words == "ACK" else f"m halo {kind}", "middle")]
    yield from boxes + arrows
