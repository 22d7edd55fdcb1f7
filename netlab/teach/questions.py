"""Predictions: a question before the run, and an explanation for each answer; netlab.panels.quiz asks them.

The questions of a chapter stand in its folder of netlab.chapters, so that the answers are not in the cell that asks.
Four kinds: one of several (`single`), all that hold (`multiple`), a `number`, steps in their `order`.

A question is data: `rules` say what to tell each answer, and two judges read them, `Question.judge` here and question.js on
a page where no Python runs. In a cell a question shows itself as text with a folded answer; where question.js is loaded,
as a form.
"""
import json
import re
from dataclasses import dataclass
from importlib import resources

from markupsafe import Markup

from netlab.style import card, marked, tag
from netlab.words import quoted

HOW = {"single": "Choose one.", "multiple": "Choose all that hold.", "number": "Give a whole number.",
       "order": "Put these in order, first to last."}
PLACES = "First Second Third Fourth Fifth Sixth Seventh Eighth".split()
SPACE = " \t\r\n\u00a0\u202f"           # the last two group digits in some languages


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


@dataclass(frozen=True, eq=False)
class Question:
    """Made by `single`, `multiple`, `number`, `order`. Shows itself as question, choices, folded answer."""
    kind: str
    ask: str
    choices: tuple[str, ...]
    answer: object
    because: str
    rules: dict         # what question.js judges by as well: choices by their places, numbers as text

    @property
    def solution(self) -> str:
        """The right answer as text."""
        return self.said(self.answer)

    def said(self, reply: object) -> str:
        """An answer as text."""
        if self.kind == "multiple":
            return "; ".join(choice for choice in self.choices if choice in reply) or "none of them"
        return ", ".join(reply) if self.kind == "order" else str(reply).strip(SPACE)

    def unfit(self, reply: object) -> str:
        """Why this is no answer to the question: a sentence; "" for one that is, be it right or wrong."""
        if self.kind == "single" and reply not in self.choices:
            return "Choose one of the answers first."
        if self.kind == "order" and sorted(reply) != sorted(self.choices):
            return "Use each step once."
        if self.kind == "number":
            if not str(reply).strip(SPACE):
                return "Type a number first."
            if read_number(str(reply)) is None:
                return f"{quoted(str(reply))} is not a whole number. Give one in decimal, or in hex after 0x."
        return ""

    def judge(self, reply: object) -> Verdict:
        """What to say of a reply: the words of a choice, a set of them, a list of them, or what was typed as a number."""
        if unfit := self.unfit(reply):
            return Verdict(False, (unfit,))
        rules, choices = self.rules, list(self.choices)
        if self.kind == "single":
            place = choices.index(reply)
            return Verdict(place == rules["right"], (rules["says"][place],))
        if self.kind == "multiple":
            chosen = {n for n, choice in enumerate(choices) if choice in set(reply)}
            said = [rules["says"][n] for n in sorted(chosen - set(rules["right"]))]
            if missed := len(set(rules["right"]) - chosen):
                said.append(f"{missed} more {'holds' if missed == 1 else 'hold'}.")
            return Verdict(not said, tuple(said or rules["says"]))
        if self.kind == "number":
            value, right = read_number(str(reply)), int(rules["right"])
            wrong = rules["wrong"].get(str(value), f"Too {'small' if value < right else 'large'}.")
            return Verdict(value == right, (rules["because"] if value == right else wrong,))
        given = [choices.index(step) for step in reply]
        if given == rules["right"]:
            return Verdict(True, (rules["because"],))
        for early, late, why in rules["wrong"]:
            if given.index(early) < given.index(late):
                return Verdict(False, (why,))
        place = next(n for n, step in enumerate(given) if step != rules["right"][n])
        return Verdict(False, (f"The {PLACES[place].lower()} step is another one.",))

    def data(self) -> dict:
        """All that question.js needs."""
        return {"kind": self.kind, "ask": self.ask, "how": HOW[self.kind], "choices": list(self.choices), **self.rules}

    def __repr__(self) -> str:
        lines = [f"Predict: {self.ask}", *(f"  - {choice}" for choice in self.choices), HOW[self.kind]]
        return "\n".join(lines).replace("`", "")

    def question_html(self) -> str:
        """The question and how to answer, without the choices."""
        return tag("b", "Predict.") + " " + marked(self.ask) + " " + tag("i", HOW[self.kind])

    def card_html(self, *shown: Markup) -> Markup:
        """Question, what is `shown` with it, choices, and the answer folded: what a page without scripts has."""
        choices = [tag("ul", *(tag("li", marked(choice)) for choice in self.choices))] if self.choices else []
        why = [part for line in self.because.split("\n") for part in (tag("br"), marked(line))]
        folded = tag("details", tag("summary", "Answer", style="margin-top:8px"), tag("b", marked(self.solution)), *why)
        return card(self.question_html(), *shown, *choices, folded)

    def _repr_html_(self) -> str:
        return str(tag("netlab-question", self.card_html(), json_script(self.data())))


def json_script(data: dict) -> Markup:
    """Data in a page, for a script: no text in it can end the element, and it is well-formed as XML too."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    safe = re.sub("[<>&\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", text)
    return tag("script", Markup(safe), type="application/json")


def script() -> str:
    """question.js, to be loaded once in a page without Python: it makes forms of the questions there."""
    return resources.files(__package__).joinpath("question.js").read_text(encoding="utf-8")


def read_number(text: str) -> int | None:
    """The whole number that somebody typed, in decimal, in groups or not, or in hex after 0x; None for anything else."""
    digits = re.sub(r"([0-9])[ ,_\u00a0\u202f](?=[0-9])", r"\1", text.strip(SPACE))
    if not re.fullmatch(r"-?[0-9]{1,60}|0[xX][0-9a-fA-F]{1,40}", digits):
        return None
    return int(digits, 16) if digits[:2].lower() == "0x" else int(digits)


def single(ask: str, choices: dict[str, str], answer: str) -> Question:
    """One of `choices`, each with what to say when it is chosen. Raises ValueError."""
    _need(answer in choices, f"the answer {answer!r} is none of the choices")
    rules = {"right": list(choices).index(answer), "says": list(choices.values())}
    return Question("single", ask, tuple(choices), answer, choices[answer], rules)


def multiple(ask: str, choices: dict[str, str], answer: set[str]) -> Question:
    """All of `choices` that hold, each with what to say of it. Raises ValueError."""
    _need(answer <= choices.keys(), "an answer is none of the choices")
    lines = [f"{choice}{':' if choice in answer else '? No.'} {why}" for choice, why in choices.items()]
    rules = {"right": [n for n, choice in enumerate(choices) if choice in answer], "says": lines}
    return Question("multiple", ask, tuple(choices), frozenset(answer), "\n".join(lines), rules)


def number(ask: str, answer: int, because: str, wrong: dict[int, str]) -> Question:
    """A whole number; `wrong` says what leads to a likely wrong one. Digits may be grouped. Raises ValueError."""
    _need(answer not in wrong, "the answer stands among the wrong numbers")
    rules = {"right": str(answer), "because": because, "wrong": {str(value): why for value, why in wrong.items()}}
    return Question("number", ask, (), answer, because, rules)


def order(ask: str, answer: list[str], because: str, wrong: dict[tuple[str, str], str]) -> Question:
    """Steps in their order, offered by the alphabet; `wrong[(a, b)]` says why a may not stand before b. Raises ValueError."""
    for pair in wrong:
        _need(pair[0] in answer and pair[1] in answer, f"{pair} names no step")
        _need(answer.index(pair[0]) > answer.index(pair[1]), f"{pair} is in the right order")
    choices = sorted(answer)
    rules = {"right": [choices.index(step) for step in answer], "because": because,
             "wrong": [[choices.index(early), choices.index(late), why] for (early, late), why in wrong.items()]}
    return Question("order", ask, tuple(choices), tuple(answer), because, rules)


def _need(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValueError(sentence)
