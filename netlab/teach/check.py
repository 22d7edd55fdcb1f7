"""Exercises that check themselves: run a learner's function over cases and say what happened, in words.

A chapter's cases stand in its folder of netlab.chapters; this file knows no exercise. An untouched stub is "not attempted"
and fails nothing. What a learner's code raises becomes part of the Result: no traceback starts in here.
"""
import contextlib
import copy
import dis
import html
import signal
import threading
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

NOT_ATTEMPTED, PASSED, FAILED = "not attempted", "passed", "not yet"
_COLOUR = {NOT_ATTEMPTED: "#5b6470", PASSED: "#00734f", FAILED: "#b3261e"}
_WIDEST = 160  # characters of a value that are shown


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
        rows = [("call", self.call), ("expected", self.expected), ("came", self.came), ("hint", self.hint)]
        return [(label, text) for label, text in rows if text]

    def __repr__(self) -> str:
        lines = [f"{self.exercise}: {self.headline}"]
        return "\n".join(lines + [f"  {label:9} {text}" for label, text in self._rows])

    def _repr_html_(self) -> str:
        ink = "color:var(--jp-content-font-color1,inherit)"
        edge = f"border-left:4px solid {_COLOUR[self.state]};padding:4px 12px;max-width:860px;{ink}"
        head = f"<code>{html.escape(self.exercise)}</code>: {html.escape(self.headline)}"
        left = "text-align:left;vertical-align:top;overflow-wrap:anywhere"
        rows = "".join(
            f'<tr><th scope="row" style="{left};padding:2px 12px 2px 0">{label}</th>'
            f'<td style="{left};padding:2px 0">{_marked(label, text)}</td></tr>'
            for label, text in self._rows)
        table = f'<table style="margin:4px 0 0;border:0">{rows}</table>' if rows else ""
        return f'<div role="status" style="{edge}">{head}{table}</div>'


@dataclass(frozen=True)
class Raises:
    """As what a case expects: this exception, or one derived from it."""

    kind: type[Exception]

    def __repr__(self) -> str:
        return self.kind.__name__


@dataclass(frozen=True)
class Case:
    """One call: the arguments, what must come (a value of just this type, or Raises), the hint if not."""

    args: tuple
    expected: object
    hint: str


class TooLong(BaseException):
    """A learner's code ran past its time. No Exception, so that `except Exception` does not swallow it."""


@dataclass(frozen=True)
class Exercise:
    """Called with the learner's function: a Result.

    `explain(args, expected, came)` may name a mistake from what came, a value or an exception, or give None for
    the hint of the case.
    """

    name: str
    cases: tuple[Case, ...]
    explain: Callable[[tuple, object, object], str | None] = lambda args, expected, came: None
    seconds: float = 3.0

    def __call__(self, function: Callable) -> Result:
        return run_cases(self.name, function, self.cases, self.explain, self.seconds)


def run_cases(name: str, function: Callable, cases: Iterable[Case],
              explain: Callable[[tuple, object, object], str | None] = lambda args, expected, came: None,
              seconds: float = 3.0) -> Result:
    """Call the function once per case; a Result with the first failure and the count. Raises nothing."""
    cases = tuple(cases)
    if not callable(function):
        return Result(name, FAILED, 0, len(cases), name, "a function", show(function),
                      f"give the function itself, without calling it: check.{name}({name})")
    if is_stub(function):
        return Result(name, NOT_ATTEMPTED, 0, len(cases))
    passed, first = 0, None
    for case in cases:
        came = attempt(function, *copy.deepcopy(case.args), seconds=seconds)
        if _right(came, case.expected):
            passed += 1
        elif first is None:
            first = case, came
        if isinstance(came, TooLong):
            break
    if first is None:
        return Result(name, PASSED, passed, len(cases))
    case, came = first
    call = f"{name}({', '.join(show(argument) for argument in case.args)})"
    hint = _common_mistake(case.expected, came) or _safely(explain, case, came) or case.hint
    return Result(name, FAILED, passed, len(cases), call, show(case.expected), show(came, function), hint)


def is_stub(function: object) -> bool:
    """Is the body nothing but `...`, `pass`, `return ...` or a docstring? Nothing is run to find out."""
    code = getattr(function, "__code__", None)
    if code is None:
        return False
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_CONST", "RETURN_CONST"):
            if step.argval is not None and step.argval is not ...:
                return False
        elif step.opname not in ("RESUME", "RETURN_VALUE", "NOP"):
            return False
    return True


def attempt(function: Callable, *args, seconds: float = 3.0) -> object:
    """What the call returned, or the exception that it raised; TooLong where it did not end in time.

    The limit needs Unix and the main thread, as in a cell; elsewhere the learner interrupts the kernel.
    """
    try:
        with time_limit(seconds):
            return function(*args)
    except KeyboardInterrupt:
        return TooLong("you stopped it")
    except TooLong as late:
        return late
    except (Exception, SystemExit) as error:
        return error


@contextlib.contextmanager
def time_limit(seconds: float):
    """Raises TooLong inside the block after that time, also in a blocking call; no limit without SIGALRM."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number, frame):
        raise TooLong(f"no end after {seconds:g} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def show(value: object, function: Callable | None = None) -> str:
    """A value as its repr, an exception as "raised …" with the line of the function; both are cut short."""
    try:
        if isinstance(value, TooLong):
            return str(value)
        if isinstance(value, BaseException):
            text = f"raised {type(value).__name__}"
            text += f": {value}" if str(value) else ""
            line = _line_in(function, value)
            return _cut(text) + (f" (line {line} of your cell)" if line else "")
        return _cut(repr(value))
    except Exception as error:
        return f"a {type(value).__name__} that cannot be shown: its repr raised {type(error).__name__}"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"


def _line_in(function: Callable | None, error: BaseException) -> int | None:
    file = getattr(getattr(function, "__code__", None), "co_filename", None)
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    return lines[-1] if lines else None


def _right(came: object, expected: object) -> bool:
    if isinstance(expected, Raises):
        return isinstance(came, expected.kind)
    try:
        return type(came) is type(expected) and bool(came == expected)
    except Exception:
        return False


def _common_mistake(expected: object, came: object) -> str | None:
    """The mistakes that any exercise can show."""
    wanted = expected.kind.__name__ if isinstance(expected, Raises) else ""
    if isinstance(came, TooLong):
        return "the function did not come back: does each loop come nearer to its end?"
    if came is ...:
        return "the ... of the stub is still there on this path"
    if came is None:
        if wanted:
            return f"None is no answer: raise {wanted} with a sentence that says what is wrong"
        return "None came back: is a return missing on this path?"
    if isinstance(came, Exception) and wanted:
        return f"refused, but by accident: raise {wanted} yourself before {type(came).__name__} happens"
    if isinstance(came, (NameError, AttributeError, TypeError, ImportError, SystemExit)):
        return "this is about the code, not the answer: read the error, then the line that it names"
    if isinstance(came, float) and isinstance(expected, int):
        return "a float came: / divides into fractions, // and >> stay with whole numbers"
    if isinstance(came, (str, bytes)) and isinstance(expected, int):
        return "text came: give back a number"
    if isinstance(expected, str) and not isinstance(came, (str, BaseException)):
        return f"{type(came).__name__} came: give back a text (str)"
    if type(expected) is bool and not isinstance(came, (bool, BaseException)):
        return "give back True or False"
    return None


def _safely(explain: Callable, case: Case, came: object) -> str | None:
    try:
        return explain(case.args, case.expected, came)
    except Exception:  # what came may be of any type: then the case's own hint must do
        return None


def _marked(label: str, text: str) -> str:
    return html.escape(text) if label == "hint" else f"<code>{html.escape(text)}</code>"
