"""`ask(question)`: a prediction to answer by mouse or keyboard, before the run.

Native controls of ipywidgets only, each with its label, so keyboard (Tab, Space) and screen reader work as in any
form; the verdict is an alert, so it is read out. JupyterLab keeps the arrow keys to itself: so no lists to choose
from, and each radio button is its own group.
"""
import weakref

import ipywidgets as widgets
from markupsafe import Markup

from netlab.panels.base import Panel
from netlab.panels.parts import Text, html, in_sending_order
from netlab.style import tag
from netlab.teach.questions import Question

CHECK = "Check my prediction"
LOOK = tag("style", Markup(
    ".nl-quiz{flex-direction:column;max-width:880px}.nl-quiz .nl-button{width:max-content}.nl-quiz .widget-checkbox,"
    ".nl-quiz .widget-radio{width:auto}.nl-quiz label{height:auto;line-height:1.4;white-space:normal;margin-bottom:4px}"))


def ask(question: Question) -> "QuizPanel":
    """The question as a panel; a stored notebook keeps its text, with the answer folded away."""
    if not isinstance(question, Question):
        raise TypeError(f"ask() takes a question of netlab.chapters, not {type(question).__name__}")
    if (before := _asked.get(question)) is not None:    # asked again: the one before would answer nobody
        before.close()
    made = _asked[question] = QuizPanel(question)
    return made


class QuizPanel(Panel):
    """Shows itself: controls where a kernel runs, else the question as HTML or text."""
    framed, css_class = False, "nl-quiz"
    kept = Panel.kept | {"question"}

    def __init__(self, question: Question):
        self.question, self.plain = question, repr(question)
        self._choice, self._order, self._verdict = None, [], None
        super().__init__()

    def stored(self):
        return {"text/html": self.question._repr_html_(), "text/plain": self.plain}

    def status(self, sentence):
        return self._verdict.html() if self._verdict else super().status(sentence)

    def reply(self) -> object:
        """What is chosen now, as the question's `judge` wants it."""
        if self.question.kind == "multiple":
            return {choice for choice, control in zip(self.question.choices, self._controls) if control.value}
        if self.question.kind == "number":
            return self._controls[0].value
        return list(self._order) if self.question.kind == "order" else self._choice

    def answer(self) -> None:
        """Judge what is chosen now; the verdict comes under the button."""
        self._verdict = self.question.judge(self.reply())
        self.changed()

    def build(self):
        self._controls, shown = self._make_controls(), LOOK + self.question.question_html()
        if self.question.kind == "order":
            shown += tag("br") + "Press the steps in their order. Press one again to take it back."
        return [html(shown), *self._controls, self.button(CHECK, self.answer)]

    def _make_controls(self) -> list[widgets.Widget]:
        choices, kind = self.question.choices, self.question.kind
        if kind == "number":
            return [in_sending_order(Text(description="Your number", style={"description_width": "initial"}))]
        if kind == "order":
            return [self.button(plain(choice), lambda choice=choice: self._place(choice)) for choice in choices]
        if kind == "multiple":
            return [in_sending_order(widgets.Checkbox(description=plain(each), indent=False)) for each in choices]
        made = [in_sending_order(widgets.RadioButtons(options=[(plain(each), each)], value=None)) for each in choices]
        for control in made:
            control.observe(self._chosen, "value")
        return made

    def _chosen(self, change) -> None:
        if change["new"] is not None:           # None: taken back, since another was chosen
            self._choice = change["new"]
            self.changed()

    def _place(self, choice):                   # puts a step last, or takes it back
        (self._order.remove if choice in self._order else self._order.append)(choice)

    def render(self):
        order = list(self._order)
        for control, each in zip(self._controls, self.question.choices):
            if self.question.kind == "single":
                self.write(control, value=each if each == self._choice else None)
            elif self.question.kind == "order":
                place = f"{order.index(each) + 1}: " if each in order else ""
                self.write(control, description=place + plain(each))


def plain(text: str) -> str:
    """Without the backquotes: the labels of native controls show text only."""
    return text.replace("`", "")


_asked: weakref.WeakValueDictionary[Question, QuizPanel] = weakref.WeakValueDictionary()
