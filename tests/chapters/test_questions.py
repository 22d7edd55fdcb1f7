"""The questions of every chapter: each is asked once, and each answer that a reader can give is judged and explained."""

from __future__ import annotations

import importlib
import re

import nbformat
import pytest
from conftest import ROOT

from netlab.chapters.message_sticking.captured import FRAMES
from netlab.network import Packet
from netlab.teach.boxes import LONGEST
from netlab.teach.pictured import Pictured
from netlab.teach.questions import Question

CHAPTERS = {path.parent.name: importlib.import_module(f"netlab.chapters.{path.parent.name}.predict")
            for path in sorted((ROOT / "netlab" / "chapters").glob("*/predict.py"))}
ALL = [(chapter, name) for chapter, module in CHAPTERS.items()
       for name, each in vars(module).items() if isinstance(each, Question)]


PICTURED = [(chapter, name) for chapter, name in ALL if isinstance(vars(CHAPTERS[chapter])[name], Pictured)]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_question_is_asked_once(chapter):
    book, = (ROOT / "notebooks").glob(f"??_{chapter}.ipynb")
    asked = [name for cell in nbformat.read(book, as_version=4).cells if cell.cell_type == "code"
             for name in re.findall(r"ask\(predict\.(\w+)\)", cell.source)]
    assert sorted(asked) == sorted(name for where, name in ALL if where == chapter)


@pytest.mark.parametrize("chapter, name", ALL)
def test_the_answer_is_judged_right_and_each_other_is_explained(chapter, name):
    question = getattr(CHAPTERS[chapter], name)
    assert question.judge(question.answer).right
    for choice in question.choices or (1, 10, 265, 1472, 65535):
        reply = {choice} if question.kind == "multiple" else choice
        judged = question.judge(reply)
        assert judged.why and judged.right == (reply == question.answer)
    assert not question.judge("").right


@pytest.mark.parametrize("chapter, name", PICTURED)
def test_what_comes_is_what_the_question_was_asked_of_each_time(chapter, name, no_leaks):
    question = vars(CHAPTERS[chapter])[name]
    question.guess.clear()
    asked, besides = repr(question), [question.beside(question.run()) for _ in range(2)]
    assert besides[0].as_asked and besides[0].said()[0].endswith("no guess was made")
    assert besides[0]._repr_html_() == besides[1]._repr_html_() and asked.count("?") > question.ask.count("?")
    shown = [question.shown(choice) for choice in question.choices]
    assert len(set(shown)) == len(shown)
    if question.kind == "single":
        parts = [part for choice in question.choices for part in question.parts_of(choice)]
        assert "?" not in parts and max(map(len, parts)) <= LONGEST - 8


@pytest.mark.parametrize("chapter, name", PICTURED)
def test_the_run_stands_right_below_the_question(chapter, name):
    book, = (ROOT / "notebooks").glob(f"??_{chapter}.ipynb")
    cells = [cell for cell in nbformat.read(book, as_version=4).cells if cell.cell_type == "code"]
    places = [n for n, cell in enumerate(cells) if f"predict.{name}.beside(" in cell.source]
    asked, = (n for n, cell in enumerate(cells) if f"ask(predict.{name})" in cell.source)
    assert places and places[0] > asked and not any(cell.get("outputs") for cell in cells[asked + 1:places[0]])
    for n in places:
        stored = "".join(output.data.get("text/html", "") for output in cells[n].outputs if "data" in output)
        assert f'data-question="{vars(CHAPTERS[chapter])[name].name}"' in stored and "no guess was made" in stored


def test_any_frame_can_be_shown_as_an_answer():
    first = CHAPTERS["tcp_ip"].first_header
    first.guess.clear()
    arp = bytes.fromhex("ffffffffffff020000000001080600010800060400010200000000010a0001010000000000000a000102")
    frames = (arp, ["Ethernet", "ARP"]), (FRAMES[3], ["Ethernet", "IPv4", "TCP", "data"]), (arp[:3], ["data"])
    for frame, names in frames:
        packet = Packet(1, 1.0, "alice-bob", "alice", "bob", frame, "arrived", (1.5,))
        shown = repr(first.beside(packet)).splitlines()[1:1 + len(names)]
        assert [line.split()[0].removesuffix(":") for line in shown] == names
