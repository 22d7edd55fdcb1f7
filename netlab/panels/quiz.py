"""`ask(question)`: a prediction to answer by mouse or keyboard, before the run.

Native controls of ipywidgets only (radio buttons, checkboxes, a text field, buttons), each with its label, so
keyboard (Tab, Space) and screen reader work as in any form; the verdict is an alert, so it is read out.
JupyterLab keeps the arrow keys to itself: so no lists to choose from, and each radio button is its own group.
jupyterquiz was tried: stored outputs keep its random ids, it asks for no order and has its own JavaScript.
"""
import ipywidgets as widgets

from netlab.panels.base import in_order
from netlab.teach.questions import Question

CHECK, NUMBER = "Check my prediction", "Your number"
HOW_TO_ORDER = "Press the steps in their order. Press one again to take it back."
WIDE, FITTING = {"width": "auto"}, {"width": "max-content"}
STYLE = "<style>.nl-quiz label{height:auto;line-height:1.4;white-space:normal;margin-bottom:4px}</style>"


def ask(question: Question) -> "QuizPanel":
    """The question as a panel; a stored notebook keeps its text, with the answer folded away."""
    if not isinstance(question, Question):
        raise TypeError(f"ask() takes a question of netlab.chapters, not {type(question).__name__}")
    if question in _asked:  # asked again: the one before would answer nobody
        _asked[question].close()
    _asked[question] = QuizPanel(question)
    return _asked[question]


class QuizPanel:
    """Shows itself: the widget where a kernel runs, else the question as HTML or text."""

    def __init__(self, question: Question):
        self.question = question
        self._root: widgets.Widget | None = None

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        self.close()
        self._root = self._build()
        live = self._root._repr_mimebundle_() or {}
        return {**live, "text/html": self.question._repr_html_(), "text/plain": repr(self.question)}

    def __repr__(self) -> str:
        return repr(self.question)

    def close(self) -> None:
        """Remove the widget; the next showing makes another."""
        if self._root is not None:
            for widget in (*self._root.children, self._root):
                for part in (widget.layout, getattr(widget, "style", None), widget):
                    if part is not None:
                        part.close()
            self._root = None

    def reply(self) -> object:
        """What is chosen now, as the question's `judge` wants it."""
        if self.question.kind == "order":
            return list(self._order)
        values = [control.value for control in self._controls]
        if self.question.kind == "multiple":
            return {choice for choice, value in zip(self.question.choices, values) if value}
        return next((value for value in values if value is not None), None)

    def answer(self, *_) -> None:
        """Judge what is chosen now, and say so under the button."""
        self._said.value = self.question.judge(self.reply()).html()

    def _build(self) -> widgets.Widget:
        self._controls = [in_order(control) for control in self._make_controls()]
        self._said = widgets.HTML()
        button = in_order(widgets.Button(description=CHECK, layout=FITTING))
        button.on_click(self.answer)
        how = f"<br>{HOW_TO_ORDER}" if self.question.kind == "order" else ""
        ask = widgets.HTML(STYLE + self.question.question_html() + how)
        root = widgets.VBox([ask, *self._controls, button, self._said], layout={"max_width": "880px"})
        root.add_class("nl-quiz")
        return root

    def _make_controls(self) -> list[widgets.Widget]:
        choices, kind = self.question.choices, self.question.kind
        if kind == "number":
            return [widgets.Text(description=NUMBER, style={"description_width": "initial"})]
        if kind == "multiple":
            return [widgets.Checkbox(description=plain(each), indent=False, layout=WIDE) for each in choices]
        if kind == "single":
            made = [widgets.RadioButtons(options=[(plain(choice), choice)], value=None, layout=WIDE)
                    for choice in choices]
            for control in made:
                control.observe(self._only_one, "value")
            return made
        self._order: list[str] = []
        made = [widgets.Button(description=plain(choice), layout=FITTING) for choice in choices]
        for control, choice in zip(made, choices):
            control.on_click(lambda _, choice=choice: self._place(choice))
        return made

    def _only_one(self, change) -> None:
        if change["new"] is not None:
            for control in self._controls:
                if control is not change["owner"]:
                    control.value = None

    def _place(self, choice: str) -> None:
        """Put a step last, or take it back; its label says its place."""
        (self._order.remove if choice in self._order else self._order.append)(choice)
        for control, each in zip(self._controls, self.question.choices):
            place = f"{self._order.index(each) + 1}: " if each in self._order else ""
            control.description = place + plain(each)


def plain(text: str) -> str:
    """Without the backquotes: the labels of native controls show text only."""
    return text.replace("`", "")


_asked: dict[Question, QuizPanel] = {}
