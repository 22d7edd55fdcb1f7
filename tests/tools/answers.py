"""A chapter's file of wrong answers says which mistake each one makes; tests/chapters/test_wrong_answers.py runs it."""
from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from netlab.teach.check import Exercise


class Answer(NamedTuple):
    """A function for an exercise; `hint` and `came` are parts of what its Result must say, None where it must pass."""

    exercise: Exercise
    function: Callable
    hint: str | None
    came: str


ANSWERS: list[Answer] = []


def wrong(exercise: Exercise, hint: str, came: str = "", *, here: bool = True) -> Callable:
    """Decorator: the function must be refused, with this in the hint and this in what came. `here`: on this system."""
    def add(function):
        if here:
            ANSWERS.append(Answer(exercise, function, hint, came))
        return function
    return add


def right(exercise: Exercise) -> Callable:
    """Decorator: the function must pass."""
    def add(function):
        ANSWERS.append(Answer(exercise, function, None, ""))
        return function
    return add
