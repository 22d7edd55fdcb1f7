"""The questions of every chapter: each is asked once, and each answer that a reader can give is judged and explained."""

from __future__ import annotations

import importlib
import re

import nbformat
import pytest
from conftest import ROOT

from netlab.teach.questions import Question

CHAPTERS = {path.parent.name: importlib.import_module(f"netlab.chapters.{path.parent.name}.predict")
            for path in sorted((ROOT / "netlab" / "chapters").glob("*/predict.py"))}
ALL = [(chapter, name) for chapter, module in CHAPTERS.items()
       for name, each in vars(module).items() if isinstance(each, Question)]


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
