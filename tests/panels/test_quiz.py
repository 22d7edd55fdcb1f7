"""Predictions: what each kind says to each answer, what a stored notebook keeps, the widget's controls."""
import importlib
import json
import pkgutil
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest
from hands import Hand
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
    (COUNT, "", False, "Type a number first."),
    (COUNT, "abc", False, '"abc" is not a whole number.'),
    (COUNT, "10.5", False, '"10.5" is not a whole number.'),
    (COUNT, "9" * 5000, False, "not a whole number"),
    (COUNT, "<b>", False, '"<b>" is not'),
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
    before, folded = page.partition("<script")[0].split("<details>")
    assert json.loads(ET.fromstring(page.replace("<br>", "<br/>")).find("script").text) == question.data()
    for line in question.because.split("\n"):           # of several, a line for each
        assert f"<br/>{marked(line)}<" in folded and marked(line) not in before


def test_text_is_escaped():
    question = single("<script>", {"<b>": "<i>", "a": "&"}, "<b>")
    page = question._repr_html_() + str(question.judge("<b>").html()) + str(COUNT.judge("<img>").html())
    assert not any(tag in page.replace("<script type", "") for tag in ("<script", "<b><", "<i>&", "<img"))
    assert page.count("</script>") == 1


# The panel

def choose(hand, reply):
    """As a learner would, control by control."""
    question = hand.panel.question
    if question.kind == "order":
        for step in [*hand.panel._order, *reply]:       # first take back what was pressed before
            hand.click(step)
            wait_until(lambda: len(hand.page().find_all("li")) == len(question.choices))
    elif question.kind == "number":
        hand.type("Your number", reply)
    elif question.kind == "single":
        hand.tick(reply.replace("`", ""))
    else:
        for choice in question.choices:
            hand.tick(choice, "on" if choice in reply else "")


@pytest.fixture
def asked(no_leaks):
    quizzes = []

    def show(question):
        quizzes.append(ask(question))
        return Hand(quizzes[-1])
    yield show
    for quiz in quizzes:
        quiz.close()


@pytest.mark.parametrize("question, wrong, right", [
    (ONE, "server", "`client`"), (SOME, {"b"}, {"a", "c"}), (COUNT, "3", "1024"),
    (STEPS, ["accept", "listen", "bind"], ["bind", "listen", "accept"])])
def test_it_judges_what_its_controls_say_and_a_stale_verdict_goes(asked, question, wrong, right):
    hand = asked(question)
    for reply, word in [(wrong, "Not yet."), (right, "Right.")]:
        choose(hand, reply)
        wait_until(lambda: not hand.text("more"))
        hand.click(CHECK)
        hand.until(word, "more")
        assert hand.page("more").find(role="alert")


@pytest.mark.parametrize("question", KINDS)
def test_nothing_is_chosen_at_first_and_that_is_said(asked, question):
    hand = asked(question)
    assert not hand.text("more")
    hand.click(CHECK)
    hand.until("Not yet.", "more")


def test_enter_checks(asked):
    hand = asked(COUNT)
    hand.type("Your number", "1024")
    hand.enter("Your number")
    hand.until("Right.", "more")
    controls = [control for question in (ONE, SOME) for control in asked(question).page().find_all("input")]
    assert {control["data-enter"] for control in controls} == {"check"}


def test_each_chosen_option_is_marked_right_or_wrong(asked):
    hand = asked(SOME)
    choose(hand, {"a", "b"})
    hand.click(CHECK)
    hand.until("✓ a.*✗ b")
    assert "✓ c" not in hand.text() and "✗ c" not in hand.text()
    choose(hand, {"a", "c"})
    wait_until(lambda: "✓" not in hand.text("controls"))


def test_the_options_of_a_single_choice_are_one_group(asked):
    page, other = asked(ONE).page(), asked(single("Another?", {"a": "yes", "b": "no"}, "a")).page()
    names = {control["name"] for control in page.find_all("input")}
    assert len(names) == 1 and page.fieldset.legend and names.isdisjoint(control["name"] for control in other.find_all("input"))
    assert page.label.code.get_text() == "client"


def test_steps_stand_in_a_sequence_and_can_be_taken_back(asked):
    hand = asked(STEPS)
    choose(hand, ["listen", "bind"])
    wait_until(lambda: [step.get_text() for step in hand.page().find_all("li")] == ["listen", "bind", "…"])
    assert [b for b in hand.buttons() if b != CHECK] == ["listen", "bind", "accept"]
    choose(hand, [])
    wait_until(lambda: [step.get_text() for step in hand.page().find_all("li")] == ["…"] * 3)


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
    wire = first.wire
    second = ask(ONE)
    assert first._wire is None and wire.comm is None
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
    assert question.ask.count("`") % 2 == 0 and len(Question.__repr__(question)) < 1000
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


def test_a_quiz_is_a_panel(no_leaks):
    with ask(ONE) as quiz:
        assert isinstance(quiz, QuizPanel) and isinstance(quiz, Panel)
    assert repr(quiz) == repr(ONE) and set(quiz._repr_mimebundle_()) == {"text/plain", "text/html"}
