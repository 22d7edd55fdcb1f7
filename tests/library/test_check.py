"""netlab.teach.check: every way that a learner's code can end becomes a Result, in words and escaped."""
import dataclasses
import re
import signal
import sys
import threading
from random import Random

import pytest

from netlab.teach import check
from netlab.teach.check import (
    FAILED,
    NOT_ATTEMPTED,
    PASSED,
    Case,
    Exercise,
    Miss,
    Outcome,
    Raises,
    Result,
    TooLong,
    call as outcome_of,
    is_stub,
    show,
)

CASES = (Case((1,), 2, "add one"), Case((2,), 3, "add one"), Case((-1,), Raises(ValueError), "refuse what is negative"))


def run_cases(name, function, cases):
    return Exercise(name, tuple(cases))(function)


def add_one(n):
    if n < 0:
        raise ValueError("negative")
    return n + 1


def test_passed():
    result = run_cases("add_one", add_one, CASES)
    assert result == Result("add_one", PASSED, 3, 3) and result.ok
    assert repr(result) == "add_one: passed, all 3 cases."
    assert "passed, all 3 cases" in result._repr_html_()


def stub_ellipsis(n):
    ...


def stub_return(n):
    """With a docstring."""
    return ...


def stub_pass(n):
    """A docstring alone."""


@pytest.mark.parametrize("function", [stub_ellipsis, stub_return, stub_pass, lambda n: ..., lambda n: None])
def test_not_attempted_is_told_without_running(function):
    assert is_stub(function)
    result = run_cases("add_one", function, CASES)
    assert result.state == NOT_ATTEMPTED and not result.ok
    assert repr(result) == "add_one: not attempted. Replace the ... and run the cell again."


@pytest.mark.parametrize("function", [add_one, lambda n: 5, lambda n: n, print, int, dataclasses.field,
object()])
def test_what_is_no_stub(function):
    assert not is_stub(function)


def test_failure_shows_input_expected_came_and_hint():
    result = run_cases("add_one", lambda n: n + 2, CASES)
    assert dataclasses.astuple(result) == ("add_one", FAILED, 0, 3, "add_one(1)", "2", "3", "add one")
    assert repr(result).splitlines() == [
        "add_one: not yet: 0 of 3 cases pass. The first that does not:",
        "  call      add_one(1)", "  expected  2", "  came      3", "  hint      add one"]


def test_later_cases_count_too():
    result = run_cases("add_one", lambda n: n + 1, CASES)
    assert (result.passed, result.call, result.expected) == (2, "add_one(-1)", "ValueError")
    assert result.hint == "refuse what is negative"


def reads_past_the_end(n):
    return [n][n + 1]


def exits(n):
    sys.exit(3)


def misspelt(n):
    numbr = n  # noqa: F841
    return number + 1  # noqa: F821


@pytest.mark.parametrize("function, came, hint", [
    (reads_past_the_end, "raised IndexError: list index out of range (line ", "about the code"),
    (exits, "raised SystemExit: 3 (line ", "about the code"),
    (misspelt, "raised NameError: name 'number' is not defined", "about the code"),
    (lambda: 1, "raised TypeError: ", "about the code"),
    (lambda n: n / 1, "1.0", "a float came"),
    (lambda n: str(n), "'1'", "give back a number"),
    (lambda n: print(end=""), "None", "is a return missing"),
    (lambda n: ... if n < 9 else 1, "Ellipsis", "the ... of the stub"),
    (lambda n: add_one, "<function add_one", "give back a number (int), not a function"),
])
def test_whatever_comes_is_told(function, came, hint):
    result = run_cases("add_one", function, CASES)
    assert result.state == FAILED and result.came.startswith(came) and hint in result.hint, result


def test_wrong_exception_and_no_exception_where_one_is_due():
    by_accident = run_cases("f", lambda n: {1: 2, 2: 3}[n], CASES)
    assert "raise ValueError yourself before KeyError" in by_accident.hint
    none = run_cases("f", lambda n: n + 1 if n > 0 else None, CASES)
    assert "raise ValueError" in none.hint


def test_type_counts():
    """1 is not True, 2.0 is not 2: a check that lets them through teaches the wrong thing."""
    assert run_cases("f", lambda n: 1, [Case((0,), True, "")]).hint.startswith("give back True or False")
    assert not run_cases("f", lambda n: n + 1.0, [Case((1,), 2, "")]).ok


class Rude:
    def __repr__(self):
        raise RuntimeError

    def __eq__(self, other):
        raise RuntimeError


def test_values_that_cannot_be_shown_or_compared():
    result = run_cases("f", lambda n: Rude(), [Case((1,), "a", "h"), Case((1,), Raises(OSError), "h")])
    assert result.came == "a Rude that cannot be shown: its repr raised RuntimeError"
    assert len(show("x" * 10_000)) < 200


def test_a_function_must_be_given():
    result = run_cases("add_one", 2, CASES)
    assert "without calling it: check.add_one(add_one)" in result.hint


def test_the_learner_cannot_spoil_the_next_case():
    cases = [Case(([3, 1, 2],), [1, 2, 3], ""), Case(([2, 1],), [1, 2], "")]

    def sorts_in_place(values):
        values.sort()
        return values

    for _ in range(2):
        assert run_cases("f", sorts_in_place, cases).ok


def test_explain_names_the_mistake_and_may_fail():
    def half(*cases):
        return Exercise("half", cases)

    named = half(Case((4,), 2, "the case's own hint", lambda args, expected, outcome:
                      "twice" if outcome.value == 8 else None))
    assert named(lambda n: n * 2).hint == "twice"
    assert named(lambda n: n + 1).hint == "the case's own hint"
    assert half(Case((4,), "y", "own", lambda *given: 1 / 0))(lambda n: "x").hint == "own"


def test_returned_is_not_raised():
    """X1: an error given back does not count as raised, nor a raised value as given back."""
    result = run_cases("f", lambda n: ValueError("bad"), [Case((-1,), Raises(ValueError), "")])
    assert result.passed == 0 and result.came == "ValueError('bad')" and "raise in the place of return" in result.hint
    raised = Outcome(len, raised=ValueError())
    assert raised.meets(Raises(ValueError)) and not raised.meets(None)


def refuses(n):
    if n > 1:
        raise ValueError("refused")
    return int("x" * n or n)


def test_a_refusal_of_ones_own_is_told_from_an_accident():
    own, accident = (run_cases("f", refuses, [Case((n,), 7, "")]) for n in (2, 1))
    assert own.hint.startswith("your code refuses this") and accident.hint == check.ABOUT_CODE
    assert own.came.endswith("of your cell)") and accident.came.endswith("of your cell)")


def test_a_trial_may_be_any_function():
    """One that tries seeds: it gives or raises a Miss, and says whether the trials after it are worth while."""
    def seeds(function):
        for seed in range(50):
            if function(seed) != seed % 7:
                return Miss(str(seed % 7), show(function(seed)), "the rest of a division by 7", f"({seed})")
        return None

    def raises(function):
        raise Miss("an end", "none", "it waits", last=True)

    assert Exercise("rest", (seeds,))(lambda n: n % 7) == Result("rest", PASSED, 1, 1)
    failed = Exercise("rest", (seeds, raises, seeds))(lambda n: n % 8)
    assert (failed.call, failed.expected, failed.came, failed.passed, failed.total) == ("rest(7)", "0", "7", 0, 3)
    assert Exercise("rest", (raises, seeds))(lambda n: n % 7).passed == 0     # the second was left out
    assert Exercise("rest", (seeds, raises))(lambda n: n % 7).passed == 1


def test_a_label_stays_whole_however_narrow_the_window():
    page = run_cases("f", lambda n: "x" * 99, [Case((7,), 8, "a hint")])._repr_html_()
    labels = re.findall(r'<th[^>]*style="([^"]*)"[^>]*>\w+</th>', page)
    assert len(labels) == 4 and all("nowrap" in style for style in labels)


def test_text_is_escaped():
    page = run_cases("f", lambda n: "<script>alert(1)</script>", [Case(("<b>",), "&", "<i>")])._repr_html_()
    assert not any(tag in page for tag in ("<script", "<b>", "<i>")) and "&lt;script&gt;" in page


def endless(n):
    while True:
        pass


def waits(n):
    threading.Event().wait()


def swallows(n):
    try:
        endless(n)
    except Exception:
        return 2


@pytest.mark.parametrize("function", [endless, waits, swallows])
def test_code_that_does_not_end(function, need, monkeypatch):
    need(hasattr(signal, "setitimer"), "no interval timer here: a learner interrupts the kernel")
    before = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(check, "LIMIT", 0.05)
    result = run_cases("add_one", function, CASES)
    assert result.came == "no end after 0.05 seconds" and "did not come back" in result.hint
    assert signal.getsignal(signal.SIGALRM) is before and signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_an_interrupt_is_a_result():
    def interrupted(n):
        raise KeyboardInterrupt

    assert "you stopped it" in repr(run_cases("f", interrupted, CASES))


def test_a_check_works_in_any_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(run_cases("add_one", add_one, CASES)))
    thread.start()
    thread.join()
    assert found[0].ok
    assert isinstance(outcome_of(lambda: 1 / 0).raised, ZeroDivisionError) and not issubclass(TooLong, Exception)


def test_a_quick_call_leaves_no_alarm_behind(need):
    need(hasattr(signal, "setitimer"), "no interval timer here")
    assert outcome_of(lambda: 7).value == 7
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_the_limit_of_the_cell_around_may_ring_at_any_point(need):
    """It is never taken for the limit of the call, and stays in its place."""
    need(hasattr(signal, "setitimer"), "no interval timer here")

    class Rung(BaseException):
        pass

    def ring(number, frame):
        rung.append(number)
        if inside:
            raise Rung

    rung, inside, dice = [], False, Random(5)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        for _ in range(20_000):
            outcome = None
            try:
                inside = True
                signal.setitimer(signal.ITIMER_REAL, dice.uniform(1e-6, 4e-5), 10)
                outcome = outcome_of(add_one, 1)
                inside = False
            except Rung:
                inside = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            assert outcome is None or outcome.meets(2) or isinstance(outcome.raised, Rung)
            if (found := signal.getsignal(signal.SIGALRM)) is not ring:     # it was interrupted while it put ours back
                count = len(rung)
                found(signal.SIGALRM, None)
                assert len(rung) == count + 1
                signal.signal(signal.SIGALRM, ring)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(rung) > 1000


def test_results_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Result("f", PASSED).state = FAILED
