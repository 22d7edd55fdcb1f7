"""Predictions: a question before the run, and an explanation for each answer; netlab.panels.quiz asks them.

The questions of a chapter stand in its folder of netlab.chapters, so that the answers are not in the cell that asks.
Four kinds: one of several (`single`), all that hold (`multiple`), a `number`, steps in their `order`.
"""
import re
from collections.abc import Callable
from dataclasses import dataclass

from netlab.style import card, marked, tag
from netlab.teach.check import show

HOW = {"single": "Choose one.", "multiple": "Choose all that hold.", "number": "Give a whole number.",
       "order": "Put these in order, first to last."}
PLACES = "First Second Third Fourth Fifth Sixth Seventh Eighth".split()


@dataclass(frozen=True)
class Verdict:
    """Was the answer right, and why: one or more sentences, `code` between backquotes."""
    right: bool
    why: tuple[str, ...]

    def html(self) -> str:
        """The Verdict to be read out by a screen reader when it appears."""
        word, colour = ("Right.", "good") if self.right else ("Not yet.", "error")
        why = [part for sentence in self.why for part in (tag("br"), marked(sentence))]
        return card(tag("b", word), *why, colour=colour, role="alert")


@dataclass(frozen=True)
class Question:
    """Made by `single`, `multiple`, `number`, `order`. Shows itself as question, choices, folded answer."""
    kind: str
    ask: str
    choices: tuple[str, ...]
    answer: object
    because: str
    judge: Callable[[object], Verdict]

    @property
    def solution(self) -> str:
        """The right answer as text."""
        if self.kind == "multiple":
            return "; ".join(choice for choice in self.choices if choice in self.answer) or "none of them"
        return ", ".join(self.answer) if self.kind == "order" else str(self.answer)

    def __repr__(self) -> str:
        lines = [f"Predict: {self.ask}", *(f"  - {choice}" for choice in self.choices), HOW[self.kind]]
        return "\n".join(lines).replace("`", "")

    def question_html(self) -> str:
        """The question and how to answer, without the choices."""
        return tag("b", "Predict.") + " " + marked(self.ask) + " " + tag("i", HOW[self.kind])

    def _repr_html_(self) -> str:
        choices = [tag("ul", *(tag("li", marked(choice)) for choice in self.choices))] if self.choices else []
        why = [part for line in self.because.split("\n") for part in (tag("br"), marked(line))]
        folded = tag("details", tag("summary", "Answer", style="margin-top:8px"), tag("b", marked(self.solution)), *why)
        return str(card(self.question_html(), *choices, folded))


def single(ask: str, choices: dict[str, str], answer: str) -> Question:
    """One of `choices`, each with what to say when it is chosen. Raises ValueError."""
    _need(answer in choices, f"the answer {answer!r} is none of the choices")

    def judge(reply: object) -> Verdict:
        return Verdict(reply == answer, (choices.get(reply, "Choose one of the answers first."),))

    return Question("single", ask, tuple(choices), answer, choices[answer], judge)


def multiple(ask: str, choices: dict[str, str], answer: set[str]) -> Question:
    """All of `choices` that hold, each with what to say of it. Raises ValueError."""
    _need(answer <= choices.keys(), "an answer is none of the choices")

    def judge(reply: object) -> Verdict:
        chosen = set(reply)
        said = [line for choice, line in lines.items() if choice in chosen - answer]
        if missed := len(answer - chosen):
            said.append(f"{missed} more {'holds' if missed == 1 else 'hold'}.")
        return Verdict(not said, tuple(said or lines.values()))

    lines = {choice: f"{choice}{':' if choice in answer else '? No.'} {why}" for choice, why in choices.items()}
    return Question("multiple", ask, tuple(choices), frozenset(answer), "\n".join(lines.values()), judge)


def number(ask: str, answer: int, because: str, wrong: dict[int, str]) -> Question:
    """A whole number; `wrong` says what leads to a likely wrong one. Digits may be grouped."""
    _need(answer not in wrong, "the answer stands among the wrong numbers")

    def judge(reply: object) -> Verdict:
        digits = re.sub(r"(?<=\d)[ ,_](?=\d)", "", str(reply).strip())
        if not digits:
            return Verdict(False, ("Type a number first.",))
        if not re.fullmatch(r"-?[0-9]{1,60}|0[xX][0-9a-fA-F]{1,40}", digits):
            return Verdict(False, (f"{show(str(reply))} is not a whole number. Give one in decimal, or in hex after 0x.",))
        value = int(digits, 16) if digits[:2].lower() == "0x" else int(digits)
        if value == answer:
            return Verdict(True, (because,))
        return Verdict(False, (wrong.get(value, f"Too {'small' if value < answer else 'large'}."),))

    return Question("number", ask, (), answer, because, judge)


def order(ask: str, answer: list[str], because: str, wrong: dict[tuple[str, str], str]) -> Question:
    """Steps in their order, offered by the alphabet; `wrong[(a, b)]` says why a may not stand before b."""
    for pair in wrong:
        _need(pair[0] in answer and pair[1] in answer, f"{pair} names no step")
        _need(answer.index(pair[0]) > answer.index(pair[1]), f"{pair} is in the right order")

    def judge(reply: object) -> Verdict:
        given = list(reply)
        if sorted(given) != sorted(answer):
            return Verdict(False, ("Use each step once.",))
        if given == answer:
            return Verdict(True, (because,))
        for (early, late), why in wrong.items():
            if given.index(early) < given.index(late):
                return Verdict(False, (why,))
        place = next(i for i, step in enumerate(given) if step != answer[i])
        return Verdict(False, (f"The {PLACES[place].lower()} step is another one.",))

    return Question("order", ask, tuple(sorted(answer)), tuple(answer), because, judge)


def _need(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)
