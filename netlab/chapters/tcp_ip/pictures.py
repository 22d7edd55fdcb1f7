"""Pictures of chapter 1 with a blank: which header comes first, whom alice asks by ARP, what bob's kernel answers.

Each is drawn from a packet, a Network or a Ladder of the reader's own run; for the question, from values and captured frames.
"""
import threading
from copy import copy
from itertools import pairwise

from netlab.events import ADDRESS, DATA, Endpoint, Event
from netlab.network import Network, Packet, Packets
from netlab.network.ladder import Ladder, climb
from netlab.network.ladder_picture import picture_of
from netlab.network.map import Line, Node, network_map, values
from netlab.style import MESSAGES, NARROW, Picture, picture, tag, text_at
from netlab.teach.pictured import Blank
from netlab.words import bytes_of

NOTHING = "nothing"                     # comes back
_A, _B = ("10.0.1.1", 0xdd62), ("10.0.1.2", 80)         # as in the frames below

# What `send` in part 1, and `ack` in part 8, put on the cable: captured on Linux 6.18
_DATAGRAM = ("020000000002020000000001080045000026761540004011aeaf0a0001010a0001020fa013880012f2dc"
             "68656c6c6f2c20626f62")
_ORDER = (
    "02000000000202000000000108004500003cd607400040064eb20a0001010a000102dd620050c2ced56800000000a002faf0f0db0000020405b40402"
    "080a64696bda000000000103030a",
    "02000000000102000000000208004500003c00004000400624ba0a0001020a0001010050dd622afcd268c2ced569a012fe888ad70000020405b40402"
    "080a11df531764696bda0103030a",
    "020000000002020000000001080045000034d608400040064eb90a0001010a000102dd620050c2ced5692afcd2698010003fb7f000000101080a6469"
    "6bda11df5317",
    "020000000002020000000001080045000049d609400040064ea30a0001010a000102dd620050c2ced5692afcd2698018003ffb1b00000101080a6469"
    "6bda11df5317706c6561736520706179203520746f206361726f6c",
    "02000000000102000000000208004500003488aa400040069c170a0001020a0001010050dd622afcd269c2ced57e80100040b7da00000101080a11df"
    "531764696bda")


def _packet(number, text):
    frame = bytes.fromhex(text)
    ends = ("alice", "bob") if frame[11] == 1 else ("bob", "alice")     # the hardware address that it comes from
    return Packet(number, float(number), "alice-bob", *ends, frame, "arrived", (number + .5,))


# --- a frame as a bar: its headers, and the message ---
_COLOURS = {"Ethernet": MESSAGES[3], "IPv4": MESSAGES[0], "UDP": MESSAGES[1], "data": MESSAGES[2]}
OTHER = "#7d8590"                       # of what is not told, and of headers that the question does not name


def datagram() -> Packet:
    """A message of ten bytes from alice to bob, over UDP."""
    return _packet(1, _DATAGRAM)


def frame_picture(packet: Packet, first: str = "", told: bool = True) -> Picture:
    """The headers of a packet and its message, one behind the other; `first` stands in place of the first one's name. With
    `told` their names and their sizes, else boxes that are all alike."""
    parts = [(layer.name, layer.end - layer.start) for layer in packet.layers]
    names = [first or parts[0][0], *(name if told or name == "data" else "header" for name, _ in parts[1:])]
    said = [f"{name}: {bytes_of(size)}" if told else name for name, (_, size) in zip(names, parts)]
    size = f" of {bytes_of(len(packet.data))}" * told
    text = "\n".join([f"A frame{size}, its beginning on the left", *map("  {}".format, said)])
    return picture(*_bar(packet, names, parts, told, 760), text, _bar(packet, names, parts, told, NARROW))


def _bar(packet, names, parts, told, width):
    small, margin = width <= NARROW, 8 if width <= NARROW else 16
    room = width - 2 * margin
    title = f"The frame{f': {bytes_of(len(packet.data))}' * told}. Its beginning is on the left."
    shapes, x = [text_at(margin, 26, title, font_size=12.5)], margin
    for n, (name, (layer, size)) in enumerate(zip(names, parts)):
        colour = _COLOURS.get(layer if told or layer == "data" else "", OTHER)
        wide = room * (size / len(packet.data) if told else 1 / len(parts))
        shapes.append(tag("rect", x=x + 1, y=40, width=wide - 2, height=44, rx=4, fill=colour, fill_opacity=".18", stroke=colour,
                          stroke_width=1.5))
        words = packet.payload.decode("ascii", "replace") if layer == "data" else name
        if n or not small:
            shapes.append(text_at(x + wide / 2, 66, words, None, "middle", font_size=11 if small else 12.5))
        if told:
            shapes.append(text_at(x + wide / 2, 102, str(size) if small else bytes_of(size), "s", "middle"))
        x += wide
    if small:           # a narrow box has no room for two answers
        shapes.append(text_at(margin, 112 + 18 * told, f"First: {names[0]}", font_size=12.5))
    return (146 if small else 98) + 18 * told, shapes


FIRST = Blank(draw=frame_picture, truth=lambda packet: packet.layers[0].name if packet.layers else None,
              asked=lambda packet, words: frame_picture(packet, words, told=False), takes=(Packet,))


# --- the map with questions of ARP on it ---
def chain() -> tuple[list, list]:
    """The hosts of part 3 and their cables, when alice's message has come to bob: on each cable a question."""
    names = ("alice", "north", "east", "bob")
    own = {"alice": ("10.0.1.2",), "north": ("10.0.1.1", "10.0.2.1"), "east": ("10.0.2.2", "10.0.3.1"), "bob": ("10.0.3.2",)}
    nodes = [Node(name, name in names[1:3], own[name]) for name in names]
    return nodes, [Line(a, b, marks=(("ARP", a, ""),)) for a, b in pairwise(names)]


def _asks(made):
    """(nodes, cables with the questions of ARP that passed) of a Network; what `chain` gives stays as it is."""
    if isinstance(made, tuple):
        return made
    names = {cable.name: n for n, cable in enumerate(made.cables)}
    marks = {}
    for packet in made.packets.of("ARP"):
        if packet["ARP"]["Opcode"] == 1:
            marks.setdefault(names[packet.cable], []).append(("ARP", packet.sender, ""))
    return values(made, marks)


def _whom(made):
    """The node at the other end of the cable on which alice asked."""
    _, cables = _asks(made)
    return next((cable.b if cable.a == "alice" else cable.a for cable in cables
                 for _, sender, _ in cable.marks if sender == "alice"), None)


def _asked_map(made, words, to=""):
    """The map without its questions, but for one of alice's that goes as far as the node `to`."""
    nodes, cables = _asks(made)
    names = [node.name for node in nodes]
    far = names.index(to) if to in names else 0
    return _map(nodes, [cable._replace(marks=(("ARP", cable.a, ""),) * (n < far)) for n, cable in enumerate(cables)], words)


def _map(nodes, cables, words):
    """Without the addresses of the cables' ends, which would make way for a question."""
    plain = [cable._replace(addresses=("", "")) for cable in cables]
    return network_map(nodes, plain, f"alice asks for the hardware address of  {words}")


WHOM = Blank(draw=lambda made, words: _map(*_asks(made), words), truth=_whom, asked=_asked_map,
             chosen=lambda made, words, choice: _asked_map(made, words, choice), takes=(Network, tuple))


# --- a ladder, and what comes back ---
def order() -> Ladder:
    """alice's order to bob, whose program has not called accept()."""
    here, there = threading.current_thread(), threading.Thread(name="bob")
    calls = [Event(0, 1, there, "bind", (ADDRESS,), address=_B, local=_B), Event(1, 1, there, "listen", local=_B),
             Event(2, 0, here, "connect", (ADDRESS,), address=_B, local=_A),
             Event(3, 0, here, "sendall", (DATA,), data=b"please pay 5 to carol", size=21, local=_A)]
    ends = [Endpoint(0, "stream", side="client"), Endpoint(1, "stream", side="server")]
    return climb(Packets([_packet(n, text) for n, text in enumerate(_ORDER, 1)]), calls, ends)


def _answer(made):
    """The row of what came back after alice's bytes; how many rows there are, where nothing did."""
    sent = next((n for n, row in enumerate(made.rows) if row.drawn and row.side == "client" and row.drawn.first), len(made.rows))
    return next((n for n, row in enumerate(made.rows) if n > sent and row.drawn and row.side == "server"), len(made.rows))


def _came_back(made):
    n = _answer(made)
    return made.rows[n].drawn.label if n < len(made.rows) else NOTHING


def _until_then(made, words):
    """The ladder before the answer."""
    return _says(made, made.rows[:_answer(made)], words)


def _says(made, rows, words):
    changed = copy(made)
    changed.rows, changed.caption = rows, f"bob's kernel says:  {words}"
    return picture_of(changed)


BACK = Blank(draw=lambda made, words: _says(made, made.rows, words), truth=_came_back, asked=_until_then,
             takes=(Ladder,))
