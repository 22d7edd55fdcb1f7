"""Predictions: what each kind says to each answer, what a stored notebook keeps, the widget's controls."""
import importlib
import pkgutil
import re
import threading
import xml.etree.ElementTree as ET
from pathlib import Path

import ipywidgets as widgets
import nbformat
import pytest
from ipywidgets.widgets.widget import _instances

import netlab.chapters
from netlab.kernel import wait_until
from netlab.panels.base import Panel
from netlab.panels.quiz import CHECK, QuizPanel, ask
from netlab.style import marked
from netlab.teach.questions import Question, multiple, number, order, single

ONE = single("Which `end`?", {"`client`": "It connects.", "server": "It waits & <listens>."}, "`client`")
SOME = multiple("Which?", {"a": "yes, a", "b": "no, b", "c": "yes, c"}, {"a", "c"})
COUNT = number("How many?", 1024, "ten bits", {1000: "that is decimal"})
STEPS = order("In which order?", ["bind", "listen", "accept"], "a place, a queue, a client",
              {("listen", "bind"): "listen needs an address", ("accept", "listen"): "accept needs a queue"})
KINDS = [ONE, SOME, COUNT, STEPS]
MODULES = [importlib.import_module(f"netlab.chapters.{chapter.name}.predict")
           for chapter in pkgutil.iter_modules(netlab.chapters.__path__)]
QUESTIONS = [(f"{module.__name__}.{name}", value) for module in MODULES
             for name, value in vars(module).items() if isinstance(value, Question)]
NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("question, reply, right, words", [
    (ONE, "`client`", True, "It connects."),
    (ONE, "server", False, "It waits"),
    (ONE, None, False, "Choose one"),
    (SOME, {"a", "c"}, True, "yes, a"),
    (SOME, {"a", "b", "c"}, False, "no, b"),
    (SOME, {"a"}, False, "1 more holds."),
    (SOME, set(), False, "2 more hold."),
    (COUNT, "1024", True, "ten bits"),
    (COUNT, " 1,024 ", True, "ten bits"),
    (COUNT, "0x400", True, "ten bits"),
    (COUNT, "1000", False, "that is decimal"),
    (COUNT, "7", False, "Too small."),
    (COUNT, "9999999", False, "Too large."),
    (COUNT, "-1", False, "Too small."),
    (COUNT, "", False, "Nothing is a whole number."),
    (COUNT, "abc", False, "'abc' is not a whole number."),
    (COUNT, "10.5", False, "'10.5' is not a whole number."),
    (COUNT, "9" * 5000, False, "not a whole number"),
    (COUNT, "<b>", False, "'<b>' is not"),
    (STEPS, ["bind", "listen", "accept"], True, "a place, a queue"),
    (STEPS, ["listen", "bind", "accept"], False, "listen needs an address"),
    (STEPS, ["bind", "accept", "listen"], False, "accept needs a queue"),
    (STEPS, ["bind", "bind", "accept"], False, "Use each step once."),
    (STEPS, ["", "", ""], False, "Use each step once."),
])
def test_each_answer_is_explained(question, reply, right, words):
    verdict = question.judge(reply)
    assert verdict.right is right and any(words in sentence for sentence in verdict.why), verdict


def test_an_order_with_no_word_for_it_names_the_place():
    plain = order("?", ["a", "b", "c"], "", {})
    assert plain.judge(["a", "c", "b"]).why == ("The second step is another one.",)


@pytest.mark.parametrize("make", [
    lambda: single("?", {"a": ""}, "b"),
    lambda: multiple("?", {"a": ""}, {"b"}),
    lambda: number("?", 1, "", {1: ""}),
    lambda: order("?", ["a"], "", {("a", "x"): ""}),
    lambda: order("?", ["a", "b"], "", {("a", "b"): ""}),
])
def test_a_question_that_contradicts_itself_is_refused(make):
    with pytest.raises(ValueError):
        make()


@pytest.mark.parametrize("question", KINDS)
def test_the_text_asks_and_does_not_answer(question):
    said = repr(question)
    assert said.startswith("Predict: ") and "`" not in said
    for choice in question.choices:
        assert choice.replace("`", "") in said
    assert question.because not in said


@pytest.mark.parametrize("question", KINDS)
def test_the_page_folds_the_answer_and_is_well_formed(question):
    page = question._repr_html_()
    ET.fromstring(page.replace("<br>", "<br/>"))
    before, folded = page.split("<details>")
    assert marked(question.because) in folded and marked(question.because) not in before


def test_text_is_escaped():
    question = single("<script>", {"<b>": "<i>", "a": "&"}, "<b>")
    page = question._repr_html_() + question.judge("<b>").html() + COUNT.judge("<img>").html()
    assert not any(tag in page for tag in ("<script", "<b><", "<i>&", "<img"))


# The widget

def choose(quiz, reply):
    """As a learner would, control by control."""
    controls = dict(zip(quiz.question.choices, quiz._controls))
    if quiz.question.kind == "order":
        for step in [*quiz._order, *reply]:  # first take back what was pressed before
            controls[step].click()
    elif quiz.question.kind == "number":
        quiz._controls[0].value = reply
    elif quiz.question.kind == "single":
        controls[reply].value = reply
    else:
        for choice, control in controls.items():
            control.value = choice in reply


@pytest.mark.parametrize("question, wrong, right", [
    (ONE, "server", "`client`"), (SOME, {"b"}, {"a", "c"}), (COUNT, "3", "1024"),
    (STEPS, ["accept", "listen", "bind"], ["bind", "listen", "accept"])])
def test_the_widget_judges_what_its_controls_say(question, wrong, right):
    quiz = ask(question)
    quiz._repr_mimebundle_()
    button = next(child for child in quiz._root.children if getattr(child, "description", "") == CHECK)
    for reply, word in [(wrong, "Not yet."), (right, "Right.")]:
        choose(quiz, reply)
        button.click()
        wait_until(lambda: word in quiz._foot.value and 'role="alert"' in quiz._foot.value)
    quiz.close()


@pytest.mark.parametrize("question", KINDS)
def test_nothing_is_chosen_at_first(question):
    quiz = ask(question)
    quiz._repr_mimebundle_()
    quiz.answer()
    wait_until(lambda: "Not yet." in quiz._foot.value)
    quiz.close()


@pytest.mark.parametrize("question", KINDS)
def test_every_control_is_native_and_has_words(question):
    quiz = ask(question)
    quiz._repr_mimebundle_()
    for control in quiz._controls:
        # JupyterLab takes the arrow keys: a list, or radio buttons in a group, could not be used by keyboard.
        assert isinstance(control, (widgets.RadioButtons, widgets.Checkbox, widgets.Text, widgets.Button))
        assert control.description or len(control.options) == 1
    quiz.close()


def test_one_choice_at_a_time():
    quiz = ask(ONE)
    quiz._repr_mimebundle_()
    for choice in ONE.choices:
        choose(quiz, choice)
        assert quiz.reply() == choice
        wait_until(lambda: [control.value for control in quiz._controls if control.value] == [choice])
    quiz.close()


def test_steps_say_their_place_and_can_be_taken_back():
    quiz = ask(STEPS)
    quiz._repr_mimebundle_()
    choose(quiz, ["listen", "bind"])
    wait_until(lambda: [control.description for control in quiz._controls] == ["accept", "2: bind", "1: listen"])
    choose(quiz, [])
    wait_until(lambda: [control.description for control in quiz._controls] == list(STEPS.choices))
    quiz.close()


def test_bundle_is_the_same_each_time_but_for_the_widget():
    bundles = [ask(ONE)._repr_mimebundle_() for _ in range(2)]
    kept = [{kind: data for kind, data in bundle.items() if "widget-view" not in kind} for bundle in bundles]
    assert kept[0] == kept[1] and set(kept[0]) == {"text/plain", "text/html"}
    assert any("widget-view" in kind for kind in bundles[0])


def test_asked_again_closes_the_one_before_and_close_leaves_no_widget():
    ask(ONE).close()
    before = set(_instances)
    first = ask(ONE)
    first._repr_mimebundle_()
    root = first._root
    second = ask(ONE)
    assert first._root is None and root.comm is None
    second._repr_mimebundle_()
    second._repr_mimebundle_()
    second.close()
    second.close()
    assert set(_instances) == before


def test_ask_wants_a_question():
    with pytest.raises(TypeError, match="netlab.chapters"):
        ask("How many?")


# The chapters' questions

@pytest.mark.parametrize("name, question", QUESTIONS, ids=[name for name, _ in QUESTIONS])
def test_the_chapters_questions_are_whole(name, question):
    right = {"single": question.answer, "multiple": question.answer, "number": str(question.answer),
             "order": question.answer}[question.kind]
    assert question.judge(right).right
    assert question.ask.count("`") % 2 == 0 and len(repr(question)) < 1000
    if question.kind == "single":
        said = [question.judge(choice).why for choice in question.choices]
        assert len(said) > 1 and len(set(said)) == len(said) and all(why[0] for why in said)
    if question.kind == "multiple":
        assert 0 < len(question.answer) < len(question.choices)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_asks_each_of_its_questions_in_a_cell_that_does_not_answer(path):
    cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    asked = [source for source in cells if re.search(r"\bask\(", source)]
    assert all(re.fullmatch(r"ask\(predict\.\w+\)", source) for source in asked), asked
    topics = re.findall(r"from netlab.chapters.(\w+) import (?:\w+, )*predict", "\n".join(cells))
    assert len(topics) == bool(asked)
    for name, _ in QUESTIONS:
        module, _, question = name.rpartition(".")
        if module == f"netlab.chapters.{''.join(topics)}.predict":
            assert f"ask(predict.{question})" in asked, name


def test_a_quiz_is_a_panel_whose_pump_alone_writes(no_leaks):
    with ask(ONE) as quiz:
        assert isinstance(quiz, QuizPanel) and isinstance(quiz, Panel)
        quiz._repr_mimebundle_()
        writers = set()
        quiz._foot.observe(lambda _: writers.add(threading.current_thread().name), "value")
        choose(quiz, "server")
        quiz.answer()
        wait_until(lambda: "Not yet." in quiz._foot.value)
        assert writers == {"netlab QuizPanel"} and quiz._root._dom_classes == ("nl-box", "nl-quiz")
    assert repr(quiz) == repr(ONE) and set(quiz._repr_mimebundle_()) == {"text/plain", "text/html"}
