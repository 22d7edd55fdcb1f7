"""netlab.network.link_picture: each fate is drawn and told; in the frame, the same bytes each time, 10,000 in no time."""
import os
import re
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from itertools import pairwise
from random import Random

import pytest
from conftest import ROOT

import netlab
from netlab.network.link_picture import BANDS, MOST, _spread, fates_picture, fates_svg, fates_text

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [b"</text><script>alert(1)</script>", b"\x00\xff\x1b[31m\r\n", b"", b"&amp;\"' onload=x", "žluť 漢".encode(), b"  "]


@dataclass(frozen=True)
class Passed:
    """As netlab.Link tells it."""
    client: int
    toward: str
    number: int
    data: bytes
    size: int
    fate: str
    came: tuple


def way(fates, client=1, toward="server", start=1, datas=(b"tea", b"salt", b"rice")):
    """A way on which this happened: a (arrived), l (lost), t (twice), o (overtaken by the next), w (on its way), s (late)."""
    words = {"a": "arrived", "l": "lost", "t": "arrived twice", "o": "overtaken", "w": "on its way", "s": "late"}
    out, held, came = [], [], {}
    for n, fate in enumerate(fates):
        if fate == "o":
            held.append(n)
        elif fate in "ats":
            out += [n] * (1 + (fate == "t")) + held
            held = []
    for place, n in enumerate(out + held, 1):
        came[n] = (*came.get(n, ()), place)
    return [Passed(client, toward, start + n, data := datas[n % len(datas)], len(data), words[fate], came.get(n, ()))
            for n, fate in enumerate(fates)]


def any_way(seed):
    dice = Random(seed)
    letters = "".join(dice.choices("alto", [5, 2, 2, 2], k=dice.randint(1, 60)))
    return way(letters, dice.randint(1, 3), dice.choice(["server", "client"]), dice.choice([1, 9980, 123456]), HOSTILE)


MANY = [p for client in range(1, 6) for toward in ("server", "client") for p in way("alotalota" * 4, client, toward)]
ALL = {"one": way("a"), "one, lost": way("l"), "ten": way("aloaataala"), "nothing": [], "tcp": way("asaasw"),
       "all twice": way("t" * 30), "two ways": way("aal") + way("ta", toward="client"), "more ways than shown": MANY,
       "hostile": way("atlao" * 4, datas=HOSTILE), "long numbers": way("aaloa" * 8, start=123456),
       "late ones overtake": way("oooa" * 6), **{f"any {n}": any_way(n) for n in range(30)}}


def words_of(svg):
    return [node.text or "" for node in (svg if isinstance(svg, ET.Element) else ET.fromstring(svg)).iter(f"{SVG}text")]


@pytest.mark.parametrize("case", ALL)
def test_in_the_frame_named_and_the_same_each_time(case):
    picture = fates_picture(ALL[case])
    assert picture == fates_picture(list(ALL[case])) and "script" not in picture.svg.lower().replace("&lt;script", "")
    forms = {760: picture.svg, 360: picture.narrow, 700: fates_svg(ALL[case], 700), 340: fates_svg(ALL[case], 340)}
    for wide, svg in forms.items():
        root = ET.fromstring(svg)
        width, height = map(float, root.get("viewBox").split()[2:])
        assert width == wide and root.get("role") == "img" and root.find(f"{SVG}title").text
        for x, y in points_of(root):
            assert 0 <= x <= width and 0 <= y <= height, (case, wide, x, y)
        check_words(root, width, height)


def points_of(root):
    """All corners of boxes, and where the lines begin, bend and end."""
    for node in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(node.get(name, 0)) for name in ("x", "y", "width", "height"))
        yield from ((x, y), (x + w, y + h))
    for node in root.iter(f"{SVG}path"):
        x = y = 0.0
        for step, numbers in re.findall("([MLVHvhlm])([^MLVHvhlm]*)", node.get("d")):
            at = [float(n) for n in numbers.split()]
            dx, dy = {"v": (0, at[0]), "h": (at[0], 0)}.get(step, at if step in "lm" else (0, 0))
            x, y = {"V": (x, at[0]), "H": (at[0], y), "M": at, "L": at}.get(step, (x + dx, y + dy))
            yield x, y


def check_words(root, width, height):
    """No word lies on another or beyond the frame, by the widths of a common font, and no line ends or bends on one."""
    boxes = []
    for node in root.iter(f"{SVG}text"):
        mono = node.get("font-family") is not None
        size = float(node.get("font-size") or 12.5)
        wide = len(node.text or "") * size * (.6 if mono else .63 if node.get("text-anchor") else .51)
        left = float(node.get("x")) - (wide / 2 if node.get("text-anchor") == "middle" else 0)
        y = float(node.get("y"))
        assert -1 <= left and left + wide <= width + 2 and size * .8 < y < height, (node.text, left, wide)
        boxes.append((left, y - size * .7, left + wide, y, node.text))
    for n, (x, y, r, b, text) in enumerate(boxes):
        assert not [t for a, c, d, e, t in boxes[n + 1:] if x < d - 1 and a < r - 1 and y < e and c < b], text


def test_each_fate_in_the_table():
    text = fates_text(way("altoaw"))
    assert text.splitlines() == [
        "client → server, 6 sent: 4 came through, 1 of them twice, 1 overtaken; 1 was lost; 1 is on its way.",
        "number  data     fate           came out as",
        '     1  b"tea"   arrived        1',
        '     2  b"salt"  lost           -',
        '     3  b"rice"  arrived twice  2 and 3',
        '     4  b"tea"   overtaken      5',
        '     5  b"salt"  arrived        4',
        '     6  b"rice"  on its way     -']
    assert repr(fates_picture(way("altoaw"), "cable")) == f"Cable, {text}"


@pytest.mark.parametrize(("fates", "said"), [
    ("a", "1 sent: it came through."), ("l", "1 sent: it was lost."), ("w", "1 sent: it is on its way."),
    ("t", "1 sent: it came through, twice."),
    ("aaa", "3 sent: all came through."), ("lll", "3 sent: all were lost."), ("tt", "2 sent: all came through, twice."),
    ("aal", "3 sent: 2 came through; 1 was lost."), ("asas", "4 sent: all came through, 2 of them late."),
    ("oal", "3 sent: 2 came through, 1 of them overtaken; 1 was lost."), ("all", "3 sent: 1 came through; 2 were lost.")])
def test_the_sentence(fates, said):
    assert said in fates_text(way(fates)).splitlines()[0]
    picture = fates_picture(way(fates))
    for svg in (picture.svg, picture.narrow):
        assert said in " ".join(words_of(svg))


def test_the_rows_have_what_was_sent_and_what_came_out_in_their_order():
    passed = way("altoa")
    for svg in (fates_picture(passed).svg, fates_picture(passed).narrow):
        root, rows = ET.fromstring(svg), {}
        for node in root.iter(f"{SVG}text"):
            if node.get("text-anchor") == "middle":
                rows.setdefault(float(node.get("y")), []).append((float(node.get("x")), node.text))
        numbers, sent, came, places = ([text for _, text in sorted(rows[y])] for y in sorted(rows))
        assert numbers == ["1", "2", "3", "4", "5"] and sent == ["tea", "salt", "rice", "tea", "salt"]
        assert places == ["1", "3", "3", "5", "4"] and came == ["tea", "rice", "rice", "salt", "tea"]


def test_one_that_comes_simply_has_an_upright_line_and_a_lost_one_leaves_a_gap():
    root = ET.fromstring(fates_picture(way("alalaalla")).svg)
    xs = {}
    for node in root.iter(f"{SVG}text"):
        if node.get("text-anchor") == "middle" and node.text.isdigit():
            xs.setdefault(int(node.text), []).append(float(node.get("x")))
    assert {n for n, at in xs.items() if len(at) == 2} == {1, 3, 5, 6, 9} and all(len(set(at)) == 1 for at in xs.values())


def test_who_was_overtaken_is_seen_from_the_places_also_for_one_that_came_twice():
    passed = [Passed(1, "server", 1, b"a", 1, "arrived twice", (2, 3)), Passed(1, "server", 2, b"b", 1, "arrived", (1,))]
    assert "2 sent: all came through, 1 of them twice, 1 overtaken." in fates_text(passed)
    assert "arrived twice, overtaken  2 and 3" in fates_text(passed)


def test_one_that_came_more_often_than_there_is_room_is_drawn_all_the_same():
    for many in (23, 24, 30):
        svg = fates_picture([*way("aaa"), Passed(1, "server", 4, b"x", 1, "arrived twice", tuple(range(4, 4 + many)))]).svg
        assert words_of(svg).count("4") == 1 + many


def test_what_is_left_out_is_said():
    picture = fates_picture(MANY)
    assert picture.text.startswith("Link, 360 sent on 10 ways: ")
    for svg in (picture.svg, picture.narrow):
        said = words_of(svg)
        assert said.count("sends") == BANDS and "… and 4 more ways, with 144 sent." in said
        assert sum(word.startswith("… ") and "before these: " in word for word in said) == BANDS
        assert max(len([word for word in said if word == str(n)]) for n in range(1, 37)) <= 3 * BANDS
    lost = fates_picture(way("l" * 10_000))
    for form, svg in (("wide", lost.svg), ("narrow", lost.narrow)):
        numbers = [int(word) for word in words_of(svg) if word.isdigit()]
        assert numbers == list(range(10_001 - len(numbers), 10_001)) and 6 <= len(numbers) <= MOST, form
        assert f"10,000 sent: all were lost. … {10_000 - len(numbers):,} before these: all were lost" in " ".join(words_of(svg))
    assert "nothing" in words_of(lost.svg) and "9976 before" not in lost.text


def test_bytes_are_data():
    picture = fates_picture(way("atlao" * 4, datas=HOSTILE))
    for svg in (picture.svg, picture.narrow, fates_svg(ALL["hostile"], 700)):
        assert "<script" not in svg and "\x00" not in svg and "\x1b" not in svg
        assert {node.tag for node in ET.fromstring(svg).iter()} <= {SVG + name for name in (
            "svg", "title", "desc", "style", "g", "rect", "path", "text", "circle")}
    assert "empty" in words_of(fates_picture(way("a", datas=HOSTILE[2:])).svg)
    assert r'b"\x00\xff\x1b[31m\r\n"' in picture.text and "\x00" not in picture.text


def test_nothing_passed_yet():
    picture = fates_picture([], "cable")
    assert picture.text == "Nothing has passed the cable yet." == words_of(picture.svg)[0]
    assert fates_text([]) == words_of(fates_svg([]))[0] == "Nothing has passed the link yet."


def test_one_way_of_ten_is_low_enough_for_a_panel():
    for width in (700, 560, 340):
        height = float(ET.fromstring(fates_svg(ALL["ten"], width)).get("viewBox").split()[3])
        assert height <= (150 if width > 340 else 166), width
    root = ET.fromstring(fates_svg(MANY, 700, bands=1))
    assert "var(--nl-surface" in root.find(f"{SVG}style").text
    assert "… and 9 more ways, with 324 sent." in words_of(root)


@pytest.mark.parametrize("fates", ["l", "a", "t", "alto"])
def test_ten_thousand_are_drawn_soon(fates):
    passed = way((fates * 10_000)[:10_000])
    times = []
    for _ in range(3):
        begun = time.process_time()
        fates_picture(passed)._repr_mimebundle_()
        times.append(time.process_time() - begun)
    assert min(times) < .5      # 0.01 to 0.03 here


def test_another_process_draws_the_same_bytes():
    code = ("import hashlib, test_link_picture as t; p = t.fates_picture(t.MANY + t.any_way(7));"
            "print(hashlib.sha256((p.svg + p.narrow + p.text).encode()).hexdigest())")
    path = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests/tools")))
    where = {"cwd": ROOT / "tests/network", "env": {**os.environ, "PYTHONPATH": path}}
    said = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, **where).stdout
            for _ in range(2)}
    assert len(said) == 1 and len(said.pop()) == 65


def test_boxes_stand_as_near_as_can_be_to_where_they_are_wanted():
    assert _spread([10, 20, 30], 10, 0, 100) == [10, 20, 30]
    assert _spread([10, 20, 40, 50, 30, 60], 10, 0, 100) == [10, 20, 30, 40, 50, 60]
    assert _spread([0, 0], 10, 0, 100) == [0, 10] and _spread([100, 100], 10, 0, 100) == [90, 100]
    dice = Random(1)
    for _ in range(300):
        wanted = [dice.randint(0, 100) for _ in range(dice.randint(0, 10))]
        found = _spread(wanted, 10, 0, 100)
        assert all(b - a > 9.99 for a, b in pairwise(found)) and all(-.01 <= x <= 100.01 for x in found)


def test_a_real_link_is_drawn_and_its_timeline_tells_the_same_fates(no_leaks):
    words, timeline = [b"%d" % n for n in range(40)], netlab.Timeline()
    with netlab.serve_udp(lambda data, address: None, timeline=timeline) as server, \
            netlab.Link(server, loss=.2, duplicate=.2, reorder=.2, seed=5) as link:
        with timeline.socket(type=socket.SOCK_DGRAM) as client:
            for word in words:
                client.sendto(word, link.address)
            passed = link.passed
            assert netlab.kernel.wait_until(lambda: server_took(timeline) == sum(len(p.came) for p in passed))
        assert fates_text(passed) == link.text() and 'src="data:image/svg+xml' in link._repr_mimebundle_()["text/html"]
    rows = timeline.rows()
    lost = [row.event.data for row in rows if row.lost]
    twice = [row.event.data for row in rows if row.note == "came again"]
    assert lost == [p.data for p in passed if not p.came] and len(lost) > 1
    assert sorted(twice) == sorted(p.data for p in passed if len(p.came) > 1) and twice
    took = [row.event.data for row in rows if row.event.method == "recvfrom" and row.event.data and row.phase != "start"]
    assert took == [data for _, data in sorted((place, p.data) for p in passed for place in p.came)]


def server_took(timeline):
    return sum(e.method == "recvfrom" and not e.error and e.size > 0 for e in timeline.events)
