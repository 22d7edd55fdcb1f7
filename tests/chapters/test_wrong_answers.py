"""Each chapter's wrong answers are refused, and the hint names the mistake; its right ones and its solutions pass."""
import importlib
import threading
from pathlib import Path

import nbformat
import pytest
from answers import ANSWERS
from conftest import left_behind, open_files

from netlab.teach import check as engine
from netlab.teach.check import FAILED, NOT_ATTEMPTED

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CHAPTERS = sorted(path.stem.removeprefix("wrong_") for path in Path(__file__).parent.glob("wrong_*.py"))
CHECKS = {chapter: importlib.import_module(f"netlab.chapters.{chapter}.check") for chapter in CHAPTERS}
for name in CHAPTERS:
    importlib.import_module(f"wrong_{name}")
EXERCISES = [pytest.param(chapter, exercise, id=exercise.name) for chapter in CHAPTERS
             for exercise in CHECKS[chapter].EXERCISES]
WRONG = [answer for answer in ANSWERS if answer.hint is not None]
RIGHT = [answer for answer in ANSWERS if answer.hint is None]



@pytest.fixture(scope="module", autouse=True)
def nothing_is_left():
    """As no_leaks, once for the file: a look at all that lives takes longer than most of the checks."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert not left_behind(threads, files)


def identity(answer):
    return f"{answer.exercise.name}-{answer.function.__name__.strip('<>')}-{ANSWERS.index(answer)}"


def code(chapter, folder=""):
    (path,) = (NOTEBOOKS / folder).glob(f"[0-9]*_{chapter}.ipynb")
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("answer", WRONG, ids=identity)
def test_a_wrong_answer_is_refused_and_the_mistake_named(answer, monkeypatch):
    monkeypatch.setattr(engine, "LIMIT", 0.6)       # what waits in vain need not wait long
    result = answer.exercise(answer.function)
    assert result.state == FAILED and 0 <= result.passed < result.total, result
    assert answer.hint in result.hint, result
    assert answer.came in result.came and result.came and result.expected, result
    assert result.call.startswith(f"{answer.exercise.name}("), result


@pytest.mark.parametrize("answer", RIGHT, ids=identity)
def test_a_right_answer_of_another_style_passes(answer):
    result = answer.exercise(answer.function)
    assert result.ok, result


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_enough_answers(chapter, exercise):
    assert sum(answer.exercise is exercise for answer in WRONG) >= 8
    assert sum(answer.exercise is exercise for answer in RIGHT) >= 2


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
@pytest.mark.parametrize("error, hint", [
    (AttributeError("no such thing"), "about the code"), (NameError("no such name"), "about the code"),
    (RuntimeError("no such luck"), "your code refuses this"), (SystemExit(3), "about the code")])
def test_what_the_function_raises_comes_first(chapter, exercise, error, hint):
    def function(*given):
        raise error

    line = function.__code__.co_firstlineno + 1
    result = exercise(function)
    assert result.came == f"raised {type(error).__name__}: {error} (line {line} of your cell)"
    assert hint in result.hint and result.passed in (0, *range(1, result.total))


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_an_error_given_back_is_not_raised(chapter, exercise):
    kinds = {kind: exercise(lambda *given, kind=kind: kind("bad")) for kind in (ValueError, ConnectionError)}
    for kind, result in kinds.items():
        assert result.passed == 0, result
        assert result.came == f"{kind.__name__}('bad')" or "nothing" in result.came or "none" in result.came, result


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_what_is_no_function(chapter, exercise):
    result = exercise(b"hello")
    assert result.state == FAILED and f"check.{exercise.name}({exercise.name})" in result.hint


@pytest.fixture(scope="module")
def solutions():
    names = {chapter: {} for chapter in CHAPTERS}
    for chapter in CHAPTERS:
        for source in code(chapter, "solutions"):
            exec(source, names[chapter])
    return names


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_the_worked_solution_passes(chapter, exercise, solutions):
    result = exercise(solutions[chapter][exercise.name])
    assert result.ok, result


@pytest.mark.parametrize("chapter, exercise", EXERCISES)
def test_the_chapter_has_a_stub_that_is_not_attempted(chapter, exercise):
    (source,) = [source for source in code(chapter) if f"def {exercise.name}(" in source]
    assert f"check.{exercise.name}({exercise.name})" in source
    names = {"check": CHECKS[chapter]}
    exec(source, names)
    assert exercise(names[exercise.name]).state == NOT_ATTEMPTED
