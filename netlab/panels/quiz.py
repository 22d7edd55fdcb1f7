"""`ask(question)`: a prediction to answer by mouse or keyboard, before the run.

A question with a picture shows the guess in it as soon as it is chosen, and keeps it for `question.beside(…)`: its verdict
comes with the run. Any other is judged at once.

The controls are a form's own, each with its label, so that Tab, Space, the arrow keys and a screen reader work as in any
form. Enter checks. The verdict is an alert, so it is read out; it goes when the answer changes.
"""
import itertools
import weakref

from markupsafe import Markup

from netlab.panels.base import Panel
from netlab.panels.parts import button, row, tag
from netlab.style import card, marked
from netlab.teach.pictured import Pictured
from netlab.teach.questions import HOW, Question

CHECK, KEEP = "Check my prediction", "Keep my guess"


def ask(question: Question) -> "QuizPanel":
    """The question as a panel; a stored notebook keeps its text, with the answer folded away."""
    if not isinstance(question, Question):
        raise TypeError(f"ask() takes a question of netlab.chapters, not {type(question).__name__}")
    if (before := _asked.get(question)) is not None:    # asked again: the one before would answer nobody
        before.close()
    if isinstance(question, Pictured):
        question.guess.clear()
    made = _asked[question] = QuizPanel(question)
    return made


class QuizPanel(Panel):
    """Shows itself: controls where a kernel runs, else the question as HTML or text."""
    look, kept = "nl-quiz", Panel.kept | {"question"}

    def __init__(self, question: Question):
        self.question, self.plain = question, repr(question)
        self._order, self._verdict, self._judged, self._said = [], None, None, None
        self._answer = f"answer {next(_count)}"     # radio buttons of one name are one group, over the whole page
        self._does = "keep" if isinstance(question, Pictured) else "check"
        super().__init__()

    def stored(self):
        return {"text/html": self.question._repr_html_(), "text/plain": self.plain}

    def reply(self) -> object:
        """What is chosen now, as the question's `judge` wants it."""
        if self.question.kind == "multiple":
            return {choice for n, choice in enumerate(self.question.choices) if self.fields.get(f"choice {n}")}
        if self.question.kind == "order":
            return list(self._order)
        chosen = self.fields.get(self._answer, "")
        if self.question.kind == "number":
            return chosen
        return self.question.choices[int(chosen)] if chosen.isdecimal() and int(chosen) < len(self.question.choices) else None

    # what is shown

    def head(self):
        return []

    def said(self):
        return super().said() if self._sentence else []

    def controls(self):
        kind = self.question.kind
        asked = tag("legend", tag("b", "Predict."), " ", marked(self.question.ask), " ", tag("i", HOW[kind]))
        answers = {"number": self._number, "order": self._steps}.get(kind, self._options)()
        if isinstance(self.question, Pictured):
            return [tag("fieldset", asked, self.question.image(self.reply()), answers), row(button(KEEP, "keep", main=True))]
        return [tag("fieldset", asked, answers), row(button(CHECK, "check", main=True))]

    def more(self):
        if self._said:
            role, words = self._said
            return [card(marked(words), colour="soft", role=role)]
        return [Markup(self._verdict.html())] if self._verdict else []     # itself an alert

    def _options(self):
        several, judged = self.question.kind == "multiple", self._judged or ()
        options = []
        for n, choice in enumerate(self.question.choices):
            chosen = self._verdict and choice in (judged if several else [judged])
            right = chosen and choice in (self.question.answer if several else [self.question.answer])
            mark = tag("b", "✓ " if right else "✗ ", class_="nl-good" if right else "nl-bad") if chosen else ""
            kind, name, value = ("checkbox", f"choice {n}", "on") if several else ("radio", self._answer, n)
            control = tag("input", type=kind, name_=name, value=value, data_put=0, data_input="changed",
                          data_enter=self._does)
            options.append(tag("label", control, tag("span", mark, marked(choice)), class_="nl-option"))
        return Markup("").join(options)

    def _number(self):
        return self.field(self._answer, "Your number", inputmode="numeric", data_input="changed",
                          data_enter=self._does)

    def _steps(self):
        places = [tag("li", button(words, "place", words) if words else "…", class_="nl-step")
                  for words in [*self._order, *[""] * (len(self.question.choices) - len(self._order))]]
        left = [button(choice, "place", choice) for choice in self.question.choices if choice not in self._order]
        hint = "Press the steps in their order. Press a step in the row above to take it back."
        return tag("ol", *places, class_="nl-steps", aria_label="Your order") + row(*left) + tag("div", hint, class_="nl-soft")

    # what the reader does

    def on_changed(self, _):
        still = self._still_kept()
        self._verdict, self._said = None, still and ("status", still)

    def _still_kept(self):
        """What to say of a guess that was kept before the answer changed: the run will stand beside that one."""
        guess = self.question.guess if isinstance(self.question, Pictured) else []
        return "".join(f"Still kept: {self.question.counted(each)}." for each in guess)

    def on_check(self, _):
        """Judge what is chosen now; the verdict comes under the button."""
        self._judged = self.reply()
        self._verdict = self.question.judge(self._judged)

    def on_keep(self, _):
        """Keep what is chosen now for the run; what is no answer is told."""
        try:
            self.question.keep(self.reply())
            self._said = "alert", f"Kept: {self.question.counted(self.reply())}. Run the next cell."
        except ValueError as error:
            self._said = "alert", f"{error} {self._still_kept()}".rstrip()

    def on_place(self, choice):
        """Put a step last, or take it back."""
        self.on_changed(choice)
        if choice in self.question.choices:
            (self._order.remove if choice in self._order else self._order.append)(choice)


_count = itertools.count()
_asked: weakref.WeakValueDictionary[Question, QuizPanel] = weakref.WeakValueDictionary()
