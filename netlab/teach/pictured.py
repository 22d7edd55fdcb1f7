"""Predict in the picture: a question whose picture has its key piece blank, and whose answer stands there after the run.

`pictured(question, run, blank)` makes one of a question of netlab.teach.questions: `run` records what the picture shows, and
`blank` (netlab.teach.blanks has the usual ones) says which piece is left out, and what a recording says of it.

    ask(predict.stays)                  # the picture with a dashed box, and the form; "Keep my guess"
    …                                   # the learner's own run, in the next cell, and as its last line:
    predict.stays.beside(timeline)      # the picture of that run: what came, and the guess beside it
"""
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from functools import cached_property

from markupsafe import Markup

from netlab.style import Picture, card, image, marked, tag
from netlab.teach.boxes import CAME, GUESS, LONGEST, filled, room_for
from netlab.teach.questions import Question, json_script, read_number
from netlab.words import shortened

NO_GUESS = "no guess"
PARTS = " · "       # between the parts of an answer, where a picture has more than one blank


@dataclass(frozen=True)
class Blank:
    """The piece of a picture that is asked for.

    `truth(recorded)` is what came, as the question's `judge` takes it, or None where the recording has no such piece.
    `draw(recorded, words)` is the picture with `words` in the place of that piece, `asked(recorded, words)` the same without
    all that would tell it, for the question (None: `draw` tells nothing). A picture without the words gets them at its foot,
    behind `label`. `unit` is what a number counts: "byte". `missing` is said of a recording that has no such piece, and so is a
    ValueError of these functions; of a value that is of none of the types in `takes` it is said that it is not.
    """
    draw: Callable[[object, str], Picture]
    truth: Callable[[object], object]
    asked: Callable[[object, str], Picture] | None = None
    chosen: Callable[[object, str, str], Picture] | None = None
    parts: int = 1
    label: str = "The answer:"
    unit: str = ""
    missing: str = "What the question asks for did not happen in this run."
    takes: tuple[type, ...] = (object,)


@dataclass(frozen=True, eq=False)
class Pictured(Question):
    """A Question with a picture; made by `pictured`. It remembers the guess that was kept, for `beside`."""
    run: Callable[[], object]
    blank: Blank
    guess: list = field(default_factory=list)           # of the reply that was kept, if any

    @property
    def name(self) -> str:
        """By what the question's picture and the run's find each other on a page."""
        return hashlib.sha256(f"{self.kind} {self.ask}".encode()).hexdigest()[:10]

    @cached_property
    def _asked(self):
        """The picture before there are words in its boxes, and what it is for each choice."""
        recorded, words = self.run(), self._words(lambda n: room_for(self._size(n), GUESS, n))
        shown = (self.blank.asked or self.blank.draw)(recorded, words)
        return shown, [self.blank.chosen(recorded, words, choice) for choice in self.choices] if self.blank.chosen else []

    def _words(self, of):
        """What a picture is drawn with: the words for its blank, or a list of the words for each."""
        return of(0) if self.blank.parts == 1 else [of(n) for n in range(self.blank.parts)]

    def foot(self, came: list[str] = ()) -> str:
        """The line for a picture that has no place for the boxes; with what `came`, for two of each."""
        boxes = [room_for(len(each), CAME, n, LONGEST) for n, each in enumerate(came)]
        boxes += [room_for(self._size(n) + 7 * bool(came), GUESS, n, LONGEST) for n in range(self.blank.parts)]
        return " ".join([self.blank.label, *boxes])

    def _size(self, part):
        """How many characters a box needs."""
        if self.kind == "number":
            return max(5, len(str(self.answer)) + 2)
        replies = self.choices if self.kind == "single" else [self.choices]
        return max(len(self.parts_of(reply)[part]) for reply in replies)

    def parts_of(self, reply: object) -> list[str]:
        """A reply as it stands in the boxes of the picture."""
        shown = self.shown(reply)
        parts = shown.split(PARTS) if self.blank.parts > 1 else [shown]
        return [*parts, *["?"] * self.blank.parts][:self.blank.parts]

    def shown(self, reply: object) -> str:
        """A reply as it stands in the picture."""
        if self.kind == "number":
            value = read_number(str(reply))
            return "?" if value is None else str(value)
        return self.said(reply).replace("`", "")

    def counted(self, reply: object) -> str:
        """A reply for a sentence: "3 bytes"; code in backquotes."""
        if self.kind == "number" and self.blank.unit and read_number(str(reply)) is not None:
            many = "es" if self.blank.unit.endswith("s") else "s"
            return f"{read_number(str(reply)):,} {self.blank.unit}{many * (read_number(str(reply)) != 1)}"
        return self.shown(reply) if self.kind == "number" else self.said(reply)

    def picture(self, reply: object = None) -> Picture:
        """The picture that asks, with a reply in its box; "?" as long as there is none."""
        shown, chosen = self._asked
        now = self.choices.index(reply) if chosen and reply in self.choices else None
        return filled(shown, {"guess": self._guessed(reply)}, self.foot(), chosen, now)

    def image(self, reply: object = None) -> Markup:
        """The same as HTML."""
        shown = self.picture(reply)
        return image(shown.svg, f"{_first_line(shown.text)} Your guess: {PARTS.join(self._guessed(reply))}", shown.narrow)

    def _guessed(self, reply):
        return ["?"] * self.blank.parts if reply is None or self.unfit(reply) else self.parts_of(reply)

    def keep(self, reply: object) -> None:
        """Remember a guess. ValueError with a sentence for what is no answer."""
        if unfit := self.unfit(reply):
            raise ValueError(unfit)
        self.guess[:] = [reply]

    def beside(self, recorded: object) -> "Beside":
        """The picture of a run with what came in the blank's place, and beside it the guess that was kept."""
        return Beside(self, recorded)

    def data(self) -> dict:
        return {**super().data(), "name": self.name, "unit": self.blank.unit, "parts": self.blank.parts}

    def __repr__(self) -> str:
        return f"{super().__repr__()}\n{self.picture().text}"

    def _repr_html_(self) -> str:
        return str(tag("netlab-question", self.card_html(self.image()), json_script(self.data()), data_name=self.name))


def pictured(question: Question, run: Callable[[], object], blank: Blank) -> Pictured:
    """A question with a picture of `run()`, called when it is first shown: quick, the same each time, and nothing stays open."""
    return Pictured(**{each.name: getattr(question, each.name) for each in fields(Question)}, run=run, blank=blank)


class Beside:
    """A run's picture with what came and what was guessed; shows itself in a cell."""

    def __init__(self, question: Pictured, recorded: object):
        self.question, self.guess = question, question.guess[0] if question.guess else None
        self.came = self.picture = None
        self.missing = self._read(recorded)

    def _read(self, recorded):
        """Why there is no picture of what was recorded; else "", and it is read and drawn."""
        question, takes = self.question, self.question.blank.takes
        if not isinstance(recorded, takes):
            names = " or ".join(each.__name__ for each in takes)
            return f"`beside` takes what the run has recorded: {names}. It was given {type(recorded).__name__}."
        try:
            if (came := question.blank.truth(recorded)) is None:
                return question.blank.missing
            self._draw(recorded, came)
        except ValueError as error:
            self.came = self.picture = None
            return f"There is no such picture of this run: {error}."
        return ""

    def _draw(self, recorded, came):
        question, self.came = self.question, self._as_choice(came)
        self.as_asked = question.judge(self.came).right
        self.right = self.guess is not None and question.shown(self.guess) == question.shown(self.came)
        came = question.parts_of(self.came)
        words = question._words(lambda n: f"{room_for(len(came[n]), CAME, n)} {room_for(question._size(n) + 7, GUESS, n)}")
        drawn = question.blank.draw(recorded, words)
        self.picture = filled(drawn, {"came": came, "guess": self._boxed()}, question.foot(came))

    def _as_choice(self, came):
        """What came in the words of the question's choice, where it is one of them."""
        if self.question.kind != "single":
            return came
        return next((choice for choice in self.question.choices if choice.replace("`", "") == str(came).replace("`", "")), came)

    def _boxed(self):
        """The words in the boxes for the guess."""
        if self.guess is None:
            return [NO_GUESS] * self.question.blank.parts
        both = zip(self.question.parts_of(self.guess), self.question.parts_of(self.came))
        return [f"you: {shortened(guess, LONGEST - 8)} {'✓' if guess == came else '✗'}" for guess, came in both]

    @property
    def otherwise(self) -> str:
        """What to say where this run gave something else than the one that the question was asked of; else ""."""
        if self.as_asked:
            return ""
        question = self.question
        return (f"This run gave {question.counted(self.came)}. The question was asked of one that gives "
                f"{question.counted(question.answer)}: the code is another one now, or this system does otherwise.")

    def said(self) -> list[str]:
        """Sentences: the guess and what came, and why."""
        question = self.question
        if self.came is None:
            return [self.missing]
        if self.guess is None:
            why = [self.otherwise] if self.otherwise else question.because.split("\n")
            return [f"came: {question.counted(self.came)} · no guess was made", *why]
        first = f"you: {question.counted(self.guess)} · came: {question.counted(self.came)}"
        if self.otherwise:
            return [first, *["Your guess is what came."] * self.right, self.otherwise]
        return [first, *question.judge(self.guess).why]

    def __repr__(self) -> str:
        return "\n".join([*([self.picture.text] if self.picture else []), *self.said()]).replace("`", "")

    def _repr_html_(self) -> str:
        head, *why = self.said()
        lines = [part for sentence in why for part in (tag("br"), marked(sentence))]
        colour = "soft" if self.guess is None or self.came is None else "good" if self.right else "error"
        said = card(tag("b", marked(head)), *lines, colour=colour, role="status", slot="said")
        if self.picture is None:
            return str(said)
        guess = "No guess." if self.guess is None else f"You: {self.question.shown(self.guess)}."
        first = _first_line(self.picture.text)
        for boxed in self._boxed():             # said behind it, where question.js changes it
            first = first.replace(f" ({boxed})", "")
        alt = f"{first} Came: {self.question.shown(self.came)}. {guess}"
        data = {"name": self.question.name, "came": self.question.shown(self.came), "counted": self.question.counted(self.came),
                "otherwise": self.otherwise}
        return str(tag("netlab-beside", image(self.picture.svg, alt, self.picture.narrow), said, json_script(data),
                       data_question=self.question.name))


def _first_line(text):
    return text.partition("\n")[0]
