"""The player's half in Python: what the page is given. What the page does with it: tests/browser/test_replay_in_browser.py."""

from __future__ import annotations

import json
import re

import bench_story
import pytest
from bs4 import BeautifulSoup

import netlab
from netlab.network.ladder import ladder
from netlab.replay.player import BYTES, MOST, PIECES, Replay, script
from netlab.replay.values import Block, Piece, Place, Scene, Step, Way
from netlab.style import COLOURS, MESSAGES, picture
from netlab.teach.cuts import cuts

PICTURE = picture(40, [], "Two programs.\nThey talk.", (40, []))
ANN, BOB = Place("ann", "client", "ESTABLISHED"), Place("bob", "server", "LISTEN", queue=("ann",))


def way(*pieces, borders=False):
    return Way("to bob", pieces, borders)


def read(replay):
    """What the page reads: the parsed HTML, and the steps' JSON."""
    page = BeautifulSoup(str(replay.html()), "html.parser")
    return page, json.loads(page.find("script", type="application/json").string)


def test_a_cell_shows_the_picture_its_steps_and_the_script():
    page, data = read(Replay(PICTURE, [Step("one"), Step("two")], opened=False))
    element = page.find("netlab-replay")
    assert [child.name for child in element.children] == ["picture", "script", "script"] and "opened" not in element.attrs
    assert element.img["alt"] == "Two programs." and element.find_all("script")[1].string == script()
    assert [says for says, *_ in data["steps"]] == ["one", "two"]
    assert read(Replay(PICTURE, [Step("one")]))[0].find("netlab-replay")["opened"] == ""


def test_its_text_is_the_picture_s_or_when_opened_that_of_the_steps():
    steps = [Step("ann asks."), Step("bob answers.")]
    assert repr(Replay(PICTURE, steps, opened=False)) == "Two programs.\nThey talk."
    opened = Replay(PICTURE, steps)
    assert opened.text() == repr(opened) == opened._repr_mimebundle_()["text/plain"] == "  1  ann asks.\n  2  bob answers."


def test_what_comes_again_is_there_once():
    scene, other = Scene(ANN, (way(Piece(b"hi", 2, 0)),), BOB), Scene(ANN, (way(),), BOB)
    _, data = read(Replay(PICTURE, [Step("a", (scene,)), Step("b", (other, scene)), Step("c", (scene,))]))
    assert [shown for _, shown, *_ in data["steps"]] == [[0], [1, 0], [0]]
    assert data["scenes"] == [[0, [0], 1], [0, [1], 1]]
    assert data["places"] == [["ann", "client", "ESTABLISHED", "", None], ["bob", "server", "LISTEN", "", ["ann"]]]
    alone = read(Replay(PICTURE, [Step("a", (Scene(None, (), BOB),))]))[1]
    assert alone["scenes"] == [[-1, [], 0]]


def test_a_strip_tells_each_byte_and_how_many_it_leaves_out():
    shown = Scene(None, (way(Piece(b"a b\n", 2000, 5), Piece(b"", 0, None), borders=True),), BOB)
    [(label, borders, pieces, rest, words)] = read(Replay(PICTURE, [Step("a", (shown,))]))[1]["ways"]
    assert (label, borders, rest) == ("to bob", 1, 0) and words.startswith("to bob: 2 datagrams: ")
    assert pieces == [[5 % len(MESSAGES), "a␣b·", "6120620a", 1996], [None, "", "", 0]]
    many = way(*[Piece(b"abcd", 4, n) for n in range(PIECES + 3)])
    [(*_, pieces, rest, words)] = read(Replay(PICTURE, [Step("a", (Scene(None, (many,), BOB),))]))[1]["ways"]
    assert rest == 3 and words.startswith("to bob: 44 bytes: ")
    assert sum(len(letters) for _, letters, *_ in pieces) == BYTES
    assert sum(len(letters) + more for _, letters, _, more in pieces) == 4 * PIECES


EVIL = '</script><img src=x onerror="alert(1)">\u2028&amp;'


def test_no_word_of_a_conversation_becomes_markup():
    scene = Scene(Place(EVIL, "client", EVIL, EVIL), (Way(EVIL, (Piece(EVIL.encode(), 99, 0),)),), None)
    page, data = read(Replay(PICTURE, [Step(EVIL, (scene,), (0, 1), ((0, 2),))], [Block(EVIL, (EVIL,))], film=EVIL))
    assert data["steps"][0] == [EVIL, [0], [0, 1], [[0, 2]]] and data["code"] == [[EVIL, [EVIL]]] and data["film"] == EVIL
    assert len(page.find_all("img")) == 1 and len(page.find_all("script")) == 2
    assert "innerHTML" not in script() and "insertAdjacentHTML" not in script()


@pytest.mark.parametrize("count", [0, MOST + 1])
def test_without_steps_or_with_too_many_it_is_a_picture(count):
    html = str(Replay(PICTURE, [Step("a")] * count).html())
    assert html.startswith("<picture>") and "script" not in html


def test_the_script_knows_the_colours_and_asks_nobody():
    assert "SHEET" not in script() and all(light in script() and dark in script() for light, dark in COLOURS.values())
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|import\(|</", script())


def talk(times):
    timeline = netlab.Timeline()
    with netlab.serve(netlab.upper, timeline=timeline) as server, timeline.socket() as client:
        client.connect(server.address)
        for n in range(times):
            client.sendall(b"hello %d" % n)
            client.recv(1024)
    return timeline


@pytest.mark.parametrize("times", [1, 40])
def test_each_row_of_a_timeline_has_a_step_and_its_shapes_in_the_film(times):
    timeline = talk(times)
    rows, replay = timeline.rows(), timeline.replay()
    film = BeautifulSoup(replay.film or replay.picture.narrow, "html.parser")
    assert bool(replay.film) == (times == 40) and len(replay.steps) == len(rows)
    assert {int(group["data-step"]) for group in film.select("[data-step]")} == set(range(1, len(rows) + 1))
    at = [float(film.select_one(f'[data-step="{n}"]')["data-y"]) for n in range(1, len(rows) + 1)]
    assert at == sorted(set(at)) and at[0] > float(film.select_one("[data-head]")["data-head"])
    text = {n: " ".join(group.get_text() for group in film.select(f'[data-step="{n}"]')) for n in range(1, len(rows) + 1)}
    assert all(row.event.method in text[n] or row.phase == "finish" for n, row in enumerate(rows, 1))
    assert [n for n in text if timeline.caption()[:20] in text[n]] == [len(rows)], "what is told at the end is true then"


def test_a_timeline_shows_the_same_closed():
    timeline = talk(1)
    shown = timeline._repr_mimebundle_()
    assert shown["text/plain"] == timeline.text() and shown["text/html"] == str(timeline.replay(opened=False).html())
    assert "<netlab-replay>" in shown["text/html"] and '<netlab-replay opened="">' in str(timeline.replay().html())


def test_too_many_calls_are_the_plain_picture_and_cost_no_more():
    def costs(calls):
        timeline = netlab.Timeline()
        one, two = timeline.socketpair()
        with one, two:
            for _ in range(calls // 2):
                one.sendall(b"x")
                two.recv(1)
        return bench_story.lines_run(timeline.story), bench_story.lines_run(timeline._repr_mimebundle_)

    story, shown = costs(MOST + 2)
    assert shown < 1.8 * story, (story, shown)
    (_, few), (_, twice) = costs(MOST // 8), costs(MOST // 4)
    assert twice / few < 2.4


def broken(*_, **__):
    raise KeyError("oh")


@pytest.mark.parametrize("shown, broken_part", [
    (talk, "netlab.timeline.steps_of"), (talk, "netlab.timeline.blocks_of"),
    (lambda _: cuts([b"ab"], [b"ab"]), "netlab.teach.cuts_replay._Teller.step"),
    (lambda times: ladder([], talk(times)), "netlab.network.ladder_replay.steps_of")])
def test_the_picture_is_there_though_its_steps_fail(shown, broken_part, monkeypatch):
    shown = shown(1)
    text = shown._repr_mimebundle_()["text/plain"]
    monkeypatch.setattr(broken_part, broken)
    with pytest.warns(UserWarning, match="steps of this picture: KeyError"):
        bundle = shown._repr_mimebundle_()
    assert bundle["text/html"].startswith("<picture>") and bundle["text/plain"] == text
    with pytest.warns(UserWarning):
        assert text.splitlines()[-1] in repr(shown.replay())


def test_any_name_can_be_sent_to_a_browser():
    timeline = netlab.Timeline()
    one, two = timeline.socketpair()
    with one, two:
        timeline.name(one, "\ud800 \x00 \u202e \u05d0")
        one.sendall(b"\x00\xff")
    for shown in (timeline, timeline.replay()):
        assert json.loads(json.dumps(shown._repr_mimebundle_(), ensure_ascii=False).encode())
    assert timeline.replay().steps[0].says.startswith("? ")
