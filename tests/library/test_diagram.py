"""The picture: well-formed for any bytes and names, inside its width, with a complete text form."""

from __future__ import annotations

import re
import socket
import xml.etree.ElementTree as ET

import pytest

import netlab
from netlab import diagram, style

NAMES = ["client", "<script>alert(1)</script>", 'a"b\'c&d', "\x00\x1b]0;x\x07", "ü" * 80]
DATA = [b"<b>not markup</b>", b"\x00\x01\xff\n\r\t", b"]]>&amp;", "héllo 世界".encode(), b"x" * 1_000_000]
SVG = "{http://www.w3.org/2000/svg}"


def story_of(rounds, name=None, data=b"ping", clients=1):
    timeline = netlab.Timeline(100_000)
    with netlab.serve(netlab.echo, timeline=timeline) as server:
        ends = [timeline.socket(name=name) for _ in range(clients)]
        for end in ends:
            end.connect(server.address)
        for _ in range(rounds):
            for end in ends:
                end.sendall(data)
                end.recv(len(data), socket.MSG_WAITALL)
        for end in ends:
            end.close()
    return timeline.story()


def check(story):
    picture = diagram.svg(story)
    root = ET.fromstring(picture)
    assert int(root.get("width")) <= 900 and not list(root.iter(f"{SVG}script"))
    assert root.find(f"{SVG}desc").text == re.sub(r"[\x00-\x08\x0b-\x1f]", "\ufffd", diagram.text(story))
    for element in root.iter(f"{SVG}text"):
        words = "".join(element.itertext())
        narrow = "m" not in {part.get("class") for part in element.iter()}
        wide = len(words) * (diagram.NARROW - .5 if narrow else diagram.CHAR)
        x, anchor = float(element.get("x")), element.get("text-anchor")
        left = {"start": x, "middle": x - wide / 2, "end": x - wide, None: x}[anchor]
        assert left > -12 and left + wide < 912, words
    return root


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", DATA, ids=range(len(DATA)))
@pytest.mark.usefixtures("no_leaks")
def test_hostile_names_and_bytes_are_words(name, data):
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    timeline.name(a, name)
    with a, b:
        a.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 22)
        a.setblocking(False)
        a.send(data)
        b.recv(100)
    check(timeline.story())


@pytest.mark.parametrize("rounds, clients", [(1, 1), (125, 1), (20, 7), (2500, 1), (3, 60)])
def test_any_length_fits_and_the_folding_says_how_often(rounds, clients):
    story = story_of(rounds, clients=clients)
    root = check(story)
    words = ["".join(e.itertext()) for e in root.iter(f"{SVG}text")]
    assert len(words) < 350 and float(root.get("viewBox").split()[3]) < 6000
    if rounds > 4 or clients > 4:
        assert any(re.search(r"the same [\d,]+ times more|rows are left out here", w) for w in words)
    shown = diagram.fold(story.rows)
    flat = [row for item in shown for row in (item.rows if isinstance(item, diagram.Fold) else [item])]
    assert flat == story.rows                   # nothing is lost, and nothing told twice


def test_the_same_story_gives_the_same_picture_and_a_panel_brings_its_own_colours():
    story = story_of(2)
    assert diagram.svg(story) == diagram.svg(story)
    alone, inside = diagram.svg(story), diagram.svg(story, standalone=False)
    assert all(f"--nl-{name}:" in alone for name in style.COLOURS) and "prefers-color-scheme:dark" in alone
    assert not re.search(r"--nl-\w+:", inside)
    ET.fromstring(inside)


def test_nothing_recorded_is_an_empty_picture():
    story = netlab.Timeline().story()
    check(story)
    assert diagram.text(story) == "No bytes moved."


def test_colours_hold_on_their_surface():
    def light(colour):
        parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= .04045 else ((c + .055) / 1.055) ** 2.4 for c in parts)
        return .2126 * r + .7152 * g + .0722 * b

    for mode in (0, 1):
        ground = light(style.COLOURS["surface"][mode])
        for name in ("ink", "soft", "client", "server", "good", "error"):
            a, b = sorted((ground, light(style.COLOURS[name][mode])))
            assert (b + .05) / (a + .05) >= 4.5, (name, mode)
