"""netlab.network.map: every word is there and lies on nothing; the same bytes each time; the sentence is the routing tables'."""
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from conftest import ROOT, need

from netlab.kernel import wait_until
from netlab.network import Network
from netlab.network.map import Line, impairment, network_map, of, panel_map, values, waiting, way

SVG = "{http://www.w3.org/2000/svg}"


def host(name, *addresses):
    return name, False, addresses


def star(count, **words):
    """So many hosts round a router; `words` says what the cable of a host does, None that it is cut."""
    cables = []
    for n in range(1, count + 1):
        does = words.get(f"h{n}", "")
        cables.append((f"h{n}", "router", does or "", does is None, (), (f"10.0.{n}.2", f"10.0.{n}.1")))
    return [*(host(f"h{n}", f"10.0.{n}.2") for n in range(1, count + 1)), ("router", True)], cables


ENDS = [("10.0.1.2", "10.0.1.1"), ("10.0.2.1", "10.0.2.2"), ("10.0.3.1", "10.0.3.2"), ("10.0.4.2", "10.0.4.1"),
        ("10.0.5.1", "10.0.5.2")]
TWO_WAYS = [host("alice", "10.0.1.2", "10.0.4.2"), host("bob", "10.0.3.2", "10.0.5.2"),
            *((name, True) for name in ("north", "east", "south"))]
BOTH = [("alice", "north", "", False, [("SYN", "alice", "")]),
        ("north", "east", "delay 10 ms, loss 20 %", False, [("bytes 1-5", "north", ""), ("ACK", "east", "")]),
        ("east", "bob", "", False, [("hello", "east", "lost")]), ("alice", "south", "delay 200 ms"), ("south", "bob", "", True)]
CHAIN = ["alice", "r1", "r2", "r3", "bob"]
MAPS = {
    "two": ([host("alice", "10.0.1.1"), host("bob", "10.0.1.2")], [("alice", "bob", "delay 10 ms, loss 20 %")]),
    "cut": ([host("alice", "10.0.1.1"), host("bob", "10.0.1.2")], [("alice", "bob", "", True)]),
    "a router": ([host("alice", "10.0.1.2"), host("bob", "10.0.2.2"), ("router", True)],
                 [Line("alice", "router", addresses=ENDS[0]), Line("bob", "router", "loss 10 %", addresses=ENDS[3])]),
    "two ways": (TWO_WAYS, [Line(*line, addresses=ends) for line, ends in zip(BOTH, ENDS)]),
    "chain": ([host("alice", "10.0.1.2"), *((name, True) for name in CHAIN[1:-1]), host("bob", "10.0.4.2")],
              [(a, b, "delay 10 ms, loss 20 %") for a, b in pairwise(CHAIN)]),
    "star of 6": star(6, h1="delay 10 ms, loss 20 %", h3="loss 5 %", h5=None),
    "20 round a router": star(20, h4="loss 5 %", h13=None),
    "no cable": ([host("alice"), host("bob"), host("carol")], []),
    "two networks": ([host("alice", "10.0.1.1"), host("bob", "10.0.1.2"), host("carol"), ("lone", True)], [("alice", "bob")]),
    "two cables": ([host("alice", "10.0.1.1", "10.0.2.1"), host("bob", "10.0.1.2", "10.0.2.2")],
                   [("alice", "bob", "loss 5 %"), ("alice", "bob", "", True)]),
    "each with each": ([host(name, "10.0.1.1") for name in "abcd"], [(a, b) for a in "abcd" for b in "abcd" if a < b]),
    "nobody": ([], []),
}


def boxes(svg):
    """The drawing's words with the room they take, all points of its lines, its circles and boxes."""
    words, points, frames = [], [], []
    scale = float((re.search(r"scale\(([\d.]+)\)", str(svg)) or [0, 1])[1])
    for node in ET.fromstring(svg).iter():
        kind, at = node.tag.removeprefix(SVG), {key: value for key, value in node.attrib.items()}
        if kind == "text":
            x, y, size = float(at["x"]), float(at["y"]), float(at.get("font-size", 12.5))
            wide = len(node.text) * size * (.6 if "Menlo" in at.get("font-family", "") else .5)
            words.append((node.text, (x - wide / 2, y - size * .8, x + wide / 2, y + 2)))
        elif kind == "path" and at["fill"] == "none":
            legs = re.findall(r"M([\d.-]+) ([\d.-]+)L([\d.-]+) ([\d.-]+)", at["d"])
            points += [(a + (c - a) * n / 200, b + (d - b) * n / 200) for a, b, c, d in (map(float, leg) for leg in legs)
                       for n in range(201)]
        elif kind == "circle":
            x, y, r = (float(at[name]) for name in ("cx", "cy", "r"))
            frames.append((x - r, y - r, x + r, y + r))
        elif kind == "rect":
            x, y, w, h = (float(at[name]) for name in ("x", "y", "width", "height"))
            frames.append((x, y, x + w, y + h))
    return words, points, frames, scale


def meet(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@pytest.mark.parametrize("name", MAPS)
@pytest.mark.parametrize("form", ["svg", "narrow"])
def test_no_word_lies_on_a_line_or_on_another_and_nothing_is_cut_off(name, form):
    words, points, (paper, *frames), scale = boxes(getattr(network_map(*MAPS[name], "A sentence."), form))
    for n, (word, box) in enumerate(words):
        assert 0 < box[0] and box[2] < paper[2] / scale and 0 < box[1] and box[3] < paper[3] / scale, word
        assert not [p for p in points if box[0] < p[0] < box[2] and box[1] < p[1] < box[3]], word
        assert not [other for other, its in words[n + 1:] if meet(box, its)], word
        for frame in frames:
            within = frame[0] <= box[0] and box[2] <= frame[2] and frame[1] <= box[1] and box[3] <= frame[3]
            assert within or not meet(box, frame), word
    for n, frame in enumerate(frames):
        assert not [each for each in frames[n + 1:] if meet(frame, each)]
        inside = [p for p in points if frame[0] + 1 < p[0] < frame[2] - 1 and frame[1] + 1 < p[1] < frame[3] - 1]
        assert not [p for p in inside if frame[2] - frame[0] != 52], f"a line through the box {frame}"    # circles are not square


@pytest.mark.parametrize("name", MAPS)
def test_every_node_cut_mark_and_impairment_is_said_in_each_form(name):
    nodes, cables = MAPS[name]
    picture = network_map(nodes, cables, "A sentence.")
    for drawn in (picture.svg, picture.narrow):
        said = " ".join(node.text for node in ET.fromstring(drawn).iter(f"{SVG}text"))
        assert "A sentence." in said and all(node[0] in said for node in nodes)
        for a, b, *more in cables:
            line = Line(a, b, *more)
            assert all(word in said for word in line.words.split(", ")) and all(mark[0] in said for mark in line.marks)
        assert said.count("cut") == sum(Line(*cable).is_cut for cable in cables)
    for a, b, *more in cables:
        assert f"{a}-{b}: {'cut' if Line(a, b, *more).is_cut else more[0] if more and more[0] else 'whole'}" in picture.text
    assert picture.text.startswith("A sentence.\n" if nodes else "A sentence.")


RUN = """import test_map, hashlib
for each in test_map.MAPS.values():
    picture = test_map.network_map(*each)
    print(hashlib.sha256((picture.svg + picture.narrow + picture.text).encode()).hexdigest())"""


def test_the_same_bytes_each_time_also_in_another_process():
    path = f"{ROOT}:{ROOT}/tests:{ROOT}/tests/tools:{ROOT}/tests/network"
    runs = {subprocess.run([sys.executable, "-c", RUN], capture_output=True, text=True, check=True,
                           env={"PYTHONPATH": path, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")}
    assert len(runs) == 1 and runs.pop().count("\n") == len(MAPS)


def test_the_first_host_is_the_client_the_last_the_server_and_a_cut_cable_has_a_gap():
    svg = network_map(*MAPS["cut"]).svg
    colours = {node.text: node.get("fill") for node in ET.fromstring(svg).iter(f"{SVG}text")}
    assert colours["alice"] == "#0072b2" and colours["bob"] == "#b8500b" and colours["cut"] == "#b3261e"
    _, points, _, _ = boxes(svg)
    assert max(b[0] - a[0] for a, b in pairwise(points)) > 20
    _, points, _, _ = boxes(network_map(*MAPS["two"]).svg)
    assert max(b[0] - a[0] for a, b in pairwise(points)) < 3


def test_hostile_names_are_only_words():
    picture = network_map([("<b>&", False, ("</svg>",)), ("b", False)], [("<b>&", "b", '"><script>')], "<script>")
    assert "<script" not in picture.svg and ET.fromstring(picture.svg) is not None


def test_in_a_panel_it_has_the_panels_colours_and_no_paper():
    drawn = panel_map(*MAPS["two ways"])
    assert "var(--nl-client," in drawn and "prefers-color-scheme" not in drawn
    assert 'width="360"' in panel_map(*MAPS["two ways"], narrow=True) and 'width="760"' in drawn


# --- of a Network

@pytest.fixture
def net(no_leaks):
    need(not Network.why(), Network.why())
    with Network() as made:
        alice, bob, north, east, south = made.host("alice"), made.host("bob"), *map(made.router, ("north", "east", "south"))
        for a, b in ((alice, north), (north, east), (east, bob), (alice, south), (south, bob)):
            made.cable(a, b)
        yield made


def test_the_sentence_says_what_is_cut_and_which_way_packets_go(net):
    def said():
        return of(net).text.partition("\n")[0]
    assert said() == "Packets from alice to bob go by south." and way(net, "bob", "alice")[0] == "bob"
    net.cables[4].cut()
    assert said() == "south-bob is cut: packets go by north and east."
    assert way(net, "alice", "bob") == ["alice", "north", "east", "bob"]
    net.cables[1].cut()
    assert said() == "north-east and south-bob are cut: no way leads from alice to bob."
    net.cables[4].mend()
    assert said() == "north-east is cut: packets go by south."
    net.hosts["south"].remove_route("10.0.3.0/24")          # the tables are believed, not the cables
    assert way(net, "alice", "bob") == ["alice", "south"]


def test_impairments_and_addresses_are_the_cables_own(net):
    cable = net.cables[1]
    cable.loss, cable.delay, cable.reorder = .2, .01, .125
    assert impairment(cable) == "delay 10 ms, loss 20 %, reorder 12.5 %"
    cable.through = bytes
    nodes, cables = values(net)
    assert cables[1] == Line("north", "east", "delay 10 ms, loss 20 %, reorder 12.5 %, a function",
                             addresses=("10.0.2.1", "10.0.2.2"))
    assert [node.name for node in nodes if node.is_router] == ["north", "east", "south"] and len(nodes) == 5
    assert "10.0.4.2" in of(net).text


def test_a_packet_on_its_way_is_a_mark(net):
    net.cables[3].delay = 30
    with net.hosts["alice"].socket(type=2) as sock:
        sock.sendto(b"x", (net.hosts["south"].addresses[0], 9))
        wait_until(lambda: waiting(net))
        assert values(net, waiting(net))[1][3].marks == (("ARP", "alice", ""),)
        assert "alice-south: delay 30000 ms; ARP from alice" in of(net).text


def test_of_a_closed_network_the_map_is_still_there(net):
    net.cables[0].cut()
    net.close()
    said = of(net).text
    assert said.startswith("This network is closed.\nalice, host: 10.0.1.2, 10.0.4.2") and "alice-north: cut" in said


@pytest.mark.parametrize("hosts, said", [((), "No host yet."), (("alice",), "alice is the only host."),
                                         (("alice", "bob"), "No way leads from alice to bob.")])
def test_a_network_that_is_not_finished(no_leaks, hosts, said):
    need(not Network.why(), Network.why())
    with Network() as made:
        for name in hosts:
            made.host(name)
        assert of(made).text.partition("\n")[0] == said
