"""Exercises that check themselves: run a learner's function through trials and say what happened, in words.

A chapter's exercises stand in its folder of netlab.chapters; this file knows none. An untouched stub is "not attempted"
and fails nothing. What a learner's code raises becomes part of the Result: no traceback starts in here.
"""
import contextlib
import copy
import dis
import errno
import os
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from netlab.style import card, marked, tag

LIMIT = 3.0             # seconds that a call may take, and that a peer waits for the next sign of life
NOT_ATTEMPTED, PASSED, FAILED = "not attempted", "passed", "not yet"
_COLOUR = {NOT_ATTEMPTED: "soft", PASSED: "good", FAILED: "error"}
ABOUT_CODE = "this is about the code, not the answer: read the error, then the line that it names"
_WIDEST = 160           # characters of a value that are shown


@dataclass(frozen=True)
class Result:
    """What a check found. `state` is "not attempted", "passed" or "not yet"; shows itself in a cell.

    Of a failure: `call` as the learner would type it, what was `expected`, what `came`, and one `hint`.
    """
    exercise: str
    state: str
    passed: int = 0
    total: int = 0
    call: str = ""
    expected: str = ""
    came: str = ""
    hint: str = ""

    @property
    def ok(self) -> bool:
        """True where every case passed."""
        return self.state == PASSED

    @property
    def headline(self) -> str:
        """The Result in one sentence."""
        if self.state == NOT_ATTEMPTED:
            return "not attempted. Replace the ... and run the cell again."
        if self.state == PASSED:
            return f"passed, all {self.total} cases."
        return f"not yet: {self.passed} of {self.total} cases pass. The first that does not:"

    @property
    def _rows(self) -> list[tuple[str, str]]:
        return [(label, text) for label in ("call", "expected", "came", "hint") if (text := getattr(self, label))]

    def __repr__(self) -> str:
        return "\n".join([f"{self.exercise}: {self.headline}", *(f"  {label:9} {text}" for label, text in self._rows)])

    def _repr_html_(self) -> str:
        return str(rows_card(self.exercise, self.headline, self._rows, _COLOUR[self.state]))


def rows_card(name: str, sentence: str, rows: list[tuple[str, str]], colour: str) -> Markup:
    """What was found, as a card: one sentence, then rows of a label and a text. A hint and what was seen are words with code
    in backquotes, the others are code."""
    left = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;"
    shown = [tag("tr", tag("th", label, scope="row", style=left + "white-space:nowrap"),
                 tag("td", marked(text) if label in ("hint", "seen") else tag("code", text),
                     style=left + "overflow-wrap:anywhere"))
             for label, text in rows]
    table = [tag("table", *shown, style="margin:4px 0 0;border:0")] if rows else []
    return card(tag("code", name), ": ", marked(sentence), *table, colour=colour, role="status")


@dataclass(eq=False)
class Miss(Exception):
    """A trial went wrong: what was expected, what came, one hint, the call after the function's name: "(7)".

    `last` where it waited in vain: the trials after it would too, and are left out.
    """
    expected: str
    came: str
    hint: str
    call: str = ""
    last: bool = False


@dataclass(frozen=True)
class Exercise:
    """A function to write. Called with the learner's function, it gives a Result.

    A trial is anything that is called with the learner's function and gives (or raises) a Miss, or None when all
    went well: a `Case` compares one value, `netlab.teach.peers.Peer` plays the other end of a connection, and a
    plain function may do what it likes, say try fifty seeds. Put the easy ones first: a learner sees the first Miss.
    """
    name: str
    trials: tuple[Callable[[Callable], Miss | None], ...]

    def __call__(self, function: Callable) -> Result:
        passed, total, first = 0, len(self.trials), None
        if not callable(function):
            return Result(self.name, FAILED, 0, total, self.name, "a function", show(function),
                          f"give the function itself, without calling it: check.{self.name}({self.name})")
        if is_stub(function):
            return Result(self.name, NOT_ATTEMPTED, 0, total)
        for trial in self.trials:
            try:
                miss = trial(function)
            except Miss as raised:
                miss = raised
            passed += miss is None
            first = first or miss
            if miss and miss.last:
                break
        if first is None:
            return Result(self.name, PASSED, passed, total)
        return Result(self.name, FAILED, passed, total, self.name + first.call, first.expected, first.came, first.hint)


@dataclass(frozen=True)
class Raises:
    """As what is expected: this exception, or one derived from it."""
    kind: type[Exception]

    def __repr__(self) -> str:
        return self.kind.__name__


class TooLong(BaseException):
    """A learner's code ran past its time. No Exception, so that `except Exception` does not swallow it."""


@dataclass(frozen=True)
class Outcome:
    """How a call of the learner's function ended: what it `raised` (TooLong: it did not end), or else its `value`."""
    function: Callable
    value: object = None
    raised: BaseException | None = None

    @property
    def late(self) -> bool:
        """Did it not come to an end?"""
        return isinstance(self.raised, TooLong)

    @property
    def by_raise(self) -> bool:
        """Did a `raise` in the learner's own cells raise it, and not a call that failed?"""
        step = getattr(self.raised, "__traceback__", None)
        while step and step.tb_next:
            step = step.tb_next
        if step is None or os.path.dirname(step.tb_frame.f_code.co_filename) != os.path.dirname(_file(self.function)):
            return False
        return step.tb_frame.f_code.co_code[step.tb_lasti] == dis.opmap["RAISE_VARARGS"]

    def meets(self, expected: object) -> bool:
        """Is it what was expected: Raises, or an equal value of just that type?"""
        if self.raised is not None or isinstance(expected, Raises):
            return isinstance(expected, Raises) and isinstance(self.raised, expected.kind)
        try:
            return type(self.value) is type(expected) and bool(self.value == expected)
        except Exception:
            return False

    def __str__(self) -> str:
        """The value as its repr; "raised …" with the line of the cell. Cut short."""
        if self.raised is None:
            return show(self.value)
        text = ""
        with contextlib.suppress(Exception):
            text = str(self.raised)
        if self.late:
            return text
        lines = [frame.lineno for frame in traceback.extract_tb(self.raised.__traceback__)
                 if frame.filename == _file(self.function)]
        where = f" (line {lines[-1]} of your cell)" if lines else ""
        return _cut(f"raised {type(self.raised).__name__}" + (f": {text}" if text else "")) + where


def call(function: Callable, *args) -> Outcome:
    """How the function's call ended. Raises nothing.

    The limit of time needs Unix and the main thread, as in a cell; elsewhere the learner interrupts the kernel.
    """
    try:
        with time_limit(LIMIT):
            return Outcome(function, function(*args))
    except KeyboardInterrupt:
        return Outcome(function, raised=TooLong("you stopped it"))
    except BaseException as error:
        return Outcome(function, raised=error)


def judge(outcome: Outcome, expected: object, hint: str,
          explain: Callable[[Outcome], str | None] = lambda outcome: None) -> Miss | None:
    """None where the outcome is as expected. Else a Miss with the hint that says most: what `explain` makes of the
    outcome, a mistake that any exercise can show, `hint`."""
    if outcome.meets(expected):
        return None
    said = None
    with contextlib.suppress(Exception):    # what came may be of any type
        said = explain(outcome)
    return Miss(show(expected), str(outcome), said or common_mistake(expected, outcome) or hint, last=outcome.late)


@dataclass(frozen=True)
class Case:
    """A trial: one call, and what must come of it, a value of just this type or Raises.

    `explain(args, expected, outcome)` may name a mistake, or give None for the common ones and then `hint`.
    `form` writes an argument as the learner would.
    """
    args: tuple
    expected: object
    hint: str
    explain: Callable[[tuple, object, Outcome], str | None] = lambda args, expected, outcome: None
    form: Callable[[object], str] | None = None

    def __call__(self, function: Callable) -> Miss | None:
        outcome = call(function, *copy.deepcopy(self.args))
        miss = judge(outcome, self.expected, self.hint, lambda outcome: self.explain(self.args, self.expected, outcome))
        if miss:
            miss.call = f"({', '.join(map(self.form or show, self.args))})"
        return miss


def is_stub(function: object) -> bool:
    """Is the body nothing but `...`, `pass`, `return ...` or a docstring? Nothing is run to find out."""
    code = getattr(function, "__code__", None)
    return code is not None and all(
        step.argval in (None, ...) if step.opname in ("LOAD_CONST", "RETURN_CONST")
        else step.opname in ("RESUME", "RETURN_VALUE", "NOP") for step in dis.get_instructions(code))


@contextlib.contextmanager
def time_limit(seconds: float):
    """Raises TooLong inside the block after that time, also in a blocking call; no limit without SIGALRM."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    before, rest, runs = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL), False

    def ring(number, frame):
        if runs:
            raise TooLong(f"no end after {seconds:g} seconds")
        if callable(before):            # the limit of the cell around it (netlab.teach.cells), just before or after ours
            before(number, frame)

    try:
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        runs = True
        yield
    finally:
        runs = False                    # first: an interrupt below leaves a `ring` that does no harm
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_REAL, *rest)


def show(value: object) -> str:
    """A value as its repr, cut short; for one that has no repr, what happened."""
    try:
        return _cut(repr(value))
    except Exception as error:
        return f"a {type(value).__name__} that cannot be shown: its repr raised {type(error).__name__}"


def common_mistake(expected: object, outcome: Outcome) -> str | None:
    """What to say of an outcome that any exercise can have: first of what was raised, then of the value."""
    wanted, came, error = isinstance(expected, Raises), outcome.value, outcome.raised
    if outcome.late:
        return "the function did not come back: which loop has no end, or which call waits, and for what?"
    if error is not None:
        return _error_mistake(expected, outcome)
    if isinstance(came, BaseException) or (isinstance(came, type) and issubclass(came, BaseException)):
        return "the error was given back as a value: write raise in the place of return"
    if came is ...:
        return "the ... of the stub is still there on this path"
    if came is None and wanted:
        return f"None is no answer: raise {expected!r} with a sentence that says what is wrong"
    if wanted or type(came) is type(expected):
        return None
    if came is None:
        return "None came back: is a return missing on this path?"
    if expected is None:
        return "nothing is to be given back here: the other end gets it all"
    if isinstance(expected, bool):
        return f"give back True or False, not {_a(came)}"
    if isinstance(came, float) and isinstance(expected, int):
        return "a float came: / divides into fractions, // and >> stay with whole numbers"
    if isinstance(came, str) and isinstance(expected, bytes):
        return "text came: give back the bytes as they are"
    return f"give back {_a(expected)}, not {_a(came)}"


def _error_mistake(expected: object, outcome: Outcome) -> str:
    error, text = outcome.raised, str(outcome.raised)
    if isinstance(error, TypeError) and "bytes" in text and "str" in text:
        return "bytes and text were mixed: text.encode() makes bytes of a text, data.decode() a text of bytes"
    if isinstance(error, (NameError, AttributeError, TypeError, ImportError, SystemExit)):
        return ABOUT_CODE
    if isinstance(error, OSError) and error.errno == errno.EBADF:
        return "that socket was closed before: after close(), or the end of its `with`, it carries nothing"
    if isinstance(error, OSError) and error.errno == errno.ENOTCONN:
        return "that socket is not connected: connect() connects a client's, and accept() returns a server's"
    if isinstance(expected, Raises):
        return (f"another error is due here: raise {expected!r}" if outcome.by_raise else
                f"refused, but by accident: raise {expected!r} yourself before {type(error).__name__} happens")
    if outcome.by_raise:
        return "your code refuses this at that line, and it is allowed: look at the condition of that raise"
    return "the system refused the call on that line: the error says why" if isinstance(error, OSError) else ABOUT_CODE


def _a(value: object) -> str:
    return {str: "a text (str)", int: "a number (int)", bytes: "bytes"}.get(type(value), f"a {type(value).__name__}")


def _file(function: object) -> str:
    return getattr(getattr(function, "__code__", None), "co_filename", "")


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
