"""What every panel shares: one thread that writes widgets, actors for what blocks, fields with their errors.

A panel is a model with a thin view. Buttons change nothing themselves: their handlers read the fields, and hand the
work to an `Actor` by `do`. Actors, servers and recorders, in whatever thread, change the model and call `changed()`. One pump
thread per panel then calls `render()`, which alone writes widgets, through `put`.
"""
from __future__ import annotations

import atexit
import queue
import threading
import time
import weakref
from collections import deque
from html import escape
from importlib import resources
from math import log2

import ipywidgets as widgets

from netlab.words import as_hex, as_text, bytes_of, quoted, shortened


class Words:
    """All words of this file, in one place for a translator."""
    show_code, hide_code, close_all = "Show the code", "Hide the code", "Close all"
    no_code = "# nothing done yet"
    broken = "The panel met an error of its own: {}."
    run_me = "Run this cell to use the panel."
    not_a_number = "{} is not a number. Give {}, {} to {}."
    out_of_range = "{} is out of range. Give {}, {} to {}."
    empty = "There is nothing to send. Type at least one character."
    bad_hex = "{} is not hex. Give pairs of 0-9 and a-f, such as 68 69 0a."
    unknown = "not known here"
    open_list = "Space opens the list"      # the closed list's arrow keys belong to JupyterLab


PAUSE = 0.05            # seconds between two rounds of writing, at least
GATHER = 0.010          # seconds: a call that takes no longer than this is not shown as waiting
RIDE = 0.005            # seconds a click may wait for its own effect, which then travels with the kernel's answer
SETTLE = 0.05           # seconds between the Enter key and what it does
LATER = 0.003           # seconds: how much later large things are written
PER_SECOND, BURST = 12, 8      # widgets per second when events do not stop, and how many at once; a click may go on


class Panel:
    """A panel in a cell. Subclasses give `title` and `plain`, and `build()`, `render()`, `release()`.

    It shows itself as the last line of a cell. Running the cell again closes the panel that it made before; so does
    `close()`. A panel that was never shown has no thread and no socket.
    """
    title = "Panel"
    plain = "A panel. " + Words.run_me      # fixed text/plain: what a stored notebook shows
    closes = True                           # whether there is anything that "Close all" would close
    sketch = ((), ())                       # two columns of words for the static picture: client side, server side

    def __init__(self):
        self.writes = 0                     # widgets written so far
        self._closed = False
        self._wake, self._clicked, self._shown, self._ended = (threading.Event() for _ in range(4))
        self._budget = float(BURST)         # widgets that may still be written at once
        self._lock = threading.RLock()
        self._root = self._pump_thread = None
        self._actors: list[Actor] = []
        self._fields: list[Field] = []
        self._code, self._code_shown, self._sentence = deque(maxlen=200), False, ""
        _replace_in_cell(self)

    # for a subclass to give

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, once, at the first showing; return the parts of the body from top to bottom."""
        return []

    def render(self) -> None:
        """Bring the widgets up to date by `put`. Runs in the pump thread only."""

    def render_large(self) -> None:
        """The same for what takes a browser long, such as a picture: a moment later, so that it holds up nothing."""

    def release(self) -> None:
        """Close what is open: servers, sockets. Also what "Close all" does. May be called from any thread."""

    def pace(self) -> float | None:
        """After how many seconds to render although nothing was told; None: sleep until `changed()`."""
        return None

    def chips(self) -> list[str]:
        """Short words beside the title."""
        return []

    def aside(self) -> str:
        """What holds now, said after the last event at the foot."""
        return ""

    # for a subclass to use

    def changed(self) -> None:
        """The model has changed: the pump renders soon. Cheap, and safe from any thread."""
        self._wake.set()

    def say(self, sentence: str) -> None:
        """Put what happened last, as one sentence, at the foot."""
        self._sentence = sentence
        self._wake.set()

    def typed(self, *lines: str) -> None:
        """Add lines to "Show the code": what the learner could type for what was done."""
        self._code.extend(lines)

    def code(self) -> str:
        """The lines behind "Show the code"."""
        return "\n".join(self._code) or Words.no_code

    def put(self, widget, **traits) -> None:
        """Write those traits of `widget` that differ: one message to the browser, or none."""
        new = {name: value for name, value in traits.items() if getattr(widget, name) != value}
        if new:
            self.writes += 1
            with widget.hold_sync():
                for name, value in new.items():
                    setattr(widget, name, value)

    def button(self, label: str, action, *classes: str) -> widgets.Button:
        """A button whose click calls action() in a thread of the kernel's: it must only enqueue."""
        made = in_order(widgets.Button(description=label))
        made.add_class("nl-button")
        for name in classes:
            made.add_class(name)
        made.on_click(lambda _: self._guarded(action))
        return made

    def field(self, label: str, value: str = "", *classes: str, enter=None) -> Field:
        """A labelled line of text with room for an error under it; `enter` is called on the Enter key.

        Its text comes when it is done (Enter, or the focus goes elsewhere), so that a click never overtakes it. For
        text as it is typed: `field.text.continuous_update = True`, and observe its value.
        """
        made = Field(label, value, classes)
        if enter:
            made.text.on_msg(lambda _, content, __: content.get("event") == "submit" and self._entered(enter))
        self._fields.append(made)
        return made

    def choice(self, label: str, options) -> widgets.Dropdown:
        """A labelled list to choose from; `options` are (words, value) pairs."""
        made = in_order(widgets.Dropdown(description=label, options=options, tooltip=Words.open_list))
        made.add_class("nl-choice")
        return made

    def drop(self, part, fields) -> None:
        """Close the widgets of a part that is no longer shown, with its fields. In the pump thread."""
        self._fields = [field for field in self._fields if field not in fields]
        _close_widgets(part)

    def do(self, job, *args, who=None, kind: str = "work", passes=()) -> None:
        """Enqueue job(*args) for a thread of the panel's own; what blocks there does not block the kernel.

        Jobs of one `who` keep their order, but for those whose kind is in `passes`: them a job may overtake. As long as
        nothing blocks, one thread does all jobs, in the order of the clicks. Kind "end" runs in a closed panel too.
        """
        with self._lock:
            behind = [a for a in self._actors if any(w is who and k not in passes for w, k in a.pending)] if who else []
            free = [a for a in self._actors if not a.pending]
            if not (behind or free):
                free = [Actor(self, len(self._actors) + 1)]
                self._actors += free
            (behind or free)[0].do(job, args, who, kind)

    def pending(self, who, *, but=None) -> list[str]:
        """The kinds of jobs of `who` that are not done; `but` names a thread whose jobs do not count."""
        return [k for a in self._actors if but is None or a.thread is not but for w, k in list(a.pending) if w is who]

    # life

    @property
    def view(self) -> widgets.Widget:
        """The panel's widget, made at its first use."""
        with self._lock:
            if self._root is None:
                self._build()
        return self._root

    def close(self) -> None:
        """End it: sockets, threads, widgets. Safe to call twice, and from any thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for event in (self._wake, self._clicked, self._ended):
            event.set()
        try:
            self.release()
        finally:
            for actor in self._actors:
                actor.end()
            for thread in [self._pump_thread, *(actor.thread for actor in self._actors)]:
                if thread is not None and thread is not threading.current_thread():
                    thread.join(2)
            if self._root is not None:
                _close_widgets(self._root)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _build(self):
        self._title, self._foot, self._listing = html(), html("", "nl-foot-html"), html()
        self._code_button = self.button(Words.show_code, self._toggle_code)
        close = [self.button(Words.close_all, self._close_all)] if self.closes else []
        bar = box([self._title, self._code_button, *close], "nl-bar")
        self._root = box([html(f"<style>{CSS}</style>", "nl-style"), bar, *self.build(), self._listing, self._foot],
                         "nl-panel")
        self._render()
        self._pump_thread = threading.Thread(target=self._pump, name=f"netlab {type(self).__name__}", daemon=True)
        self._pump_thread.start()
        _live.add(self)

    def _pump(self):
        then = time.monotonic()
        while True:
            self._wake.wait(self.pace())
            self._clicked.clear()
            self._gather()
            self._wake.clear()
            if self._closed:                # after the clear, which may have taken close()'s wake-up
                return
            before = self.writes
            self._render()
            now, cost = time.monotonic(), self.writes - before
            self._budget = min(BURST, self._budget + (now - then) * PER_SECOND) - cost
            then = now
            if cost:                        # events wait for the next round; a click need not
                self._clicked.wait(max(PAUSE, (min(cost, BURST / 2) - self._budget) / PER_SECOND))

    def _gather(self):
        """Give a call that has been asked for a moment ago the time to be done."""
        while any(actor.pending and time.monotonic() - actor.asked < GATHER for actor in self._actors):
            time.sleep(0.0003)

    def _render(self):
        before = self.writes
        for part in (self._render_frame, self.render, self.render_large):
            if self._closed:
                return
            if part == self.render_large and before != self.writes:
                self._ended.wait(LATER)
            try:
                part()
            except Exception as error:      # a learner must not meet our traceback
                if not self._closed:
                    self._sentence = _words_for(error)
                    self._put_foot(self._sentence)

    def _render_frame(self):
        self._put_foot(f"{self._sentence} {self.aside()}".strip())     # first: it tells that a click was heard
        self._shown.set()
        for field in list(self._fields):
            self.put(field.note, value=f'<span role="alert">{escape(field.error)}</span>' if field.error else "")
            self.put(field.text, _dom_classes=("nl-input", *field.classes, *(("nl-bad",) if field.error else ())))
        self.put(self._code_button, description=Words.hide_code if self._code_shown else Words.show_code)
        self.put(self._listing, value=f'<pre class="nl-code">{escape(self.code())}</pre>' if self._code_shown else "")
        chips = "".join(chip(words) for words in self.chips())
        self.put(self._title, value=f'<b class="nl-title">{escape(self.title)}</b>{chips}')

    def _put_foot(self, sentence):
        self.put(self._foot, value=f'<div class="nl-foot" role="status" aria-live="polite">{escape(sentence)}</div>')

    def _guarded(self, action):
        if self._closed:
            return
        try:
            action()
        except Exception as error:
            self.say(_words_for(error))
        self._budget = BURST
        self._shown.clear()
        self._clicked.set()
        self.changed()
        self._shown.wait(RIDE)

    def _entered(self, action):
        """Act on the Enter key a little later: the browser sends the text right after it."""
        timer = threading.Timer(SETTLE, self._guarded, (action,))
        timer.daemon = True
        timer.start()

    def _toggle_code(self):
        self._code_shown = not self._code_shown

    def _close_all(self):
        self.do(self.release, who=self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = {"text/plain": self.plain, "image/svg+xml": static_svg(self.title, *self.sketch)}
        if not self._closed:
            shown["application/vnd.jupyter.widget-view+json"] = {
                "version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        return shown

    def __repr__(self):
        return self.plain


class Actor:
    """One thread that does jobs in their order. `pending` holds (who, kind) of those not done, the one at work first."""

    def __init__(self, panel: Panel, number: int):
        self.pending, self.asked = deque(), 0.0
        self._panel, self._jobs = panel, queue.SimpleQueue()
        self.thread = threading.Thread(target=self._work, name=f"netlab hand {number}", daemon=True)
        self.thread.group = id(panel)           # all hands of a panel belong together: see Timeline.joined
        self.thread.start()

    def do(self, job, args, who, kind):
        self.asked = time.monotonic()
        self.pending.append((who, kind))
        self._jobs.put((job, args, kind))

    def end(self) -> None:
        """Let the thread end after the jobs it has."""
        self._jobs.put(None)

    def _work(self):
        while (item := self._jobs.get()) is not None:
            job, args, kind = item
            try:
                if not self._panel._closed or kind == "end":
                    job(*args)
            except Exception as error:
                self._panel.say(_words_for(error))
            self.pending.popleft()
            self._panel.changed()


class Field:
    """A line of text with its label above and, in `error`, what is wrong with it below."""

    def __init__(self, label, value, classes):
        self.error, self.classes = "", tuple(classes)
        self.text = in_order(widgets.Text(value=value, description=label, continuous_update=False))
        self.note = html("", "nl-error")
        self.text._dom_classes = ("nl-input", *self.classes)

    def read(self, parse, *args):
        """parse(text, *args), or None after a ValueError, whose words then stand under the field."""
        try:
            value, self.error = parse(self.text.value, *args), ""
        except ValueError as error:
            value, self.error = None, str(error)
        return value


def in_order(widget):
    """`widget`, whose messages from the browser are now taken in the order in which they were sent.

    ipykernel 7.4 takes them in the thread from which the widget was last written: in the main thread for one, in a
    subshell for another, so that a click could overtake the text typed before it, or wait for a cell that runs. Here
    all go where the browser sends them: one thread for all widgets (JupyterLab's setting "comms over subshells").
    """
    if hasattr(widget.comm, "_reply_subshell_for"):     # no public way there; other versions have nothing to undo
        widget.comm._reply_subshell_for = lambda data, named: named
    return widget


# --- what a learner may type -------------------------------------------------------------------------------------

def read_number(text: str, low: int, high: int, what: str) -> int:
    """The whole number in `text`; ValueError with the words that help where it is none or out of range."""
    stripped = text.strip()
    digits = stripped.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise ValueError(Words.not_a_number.format(quoted(stripped), what, low, high))
    if len(digits) > 20 or not low <= int(stripped) <= high:
        raise ValueError(Words.out_of_range.format(shortened(stripped), what, low, high))
    return int(stripped)


def read_bytes(text: str, as_hex: bool = False) -> bytes:
    """The bytes that `text` means: UTF-8, or pairs of hex digits; ValueError when there is nothing or no hex."""
    if not text.strip() if as_hex else not text:
        raise ValueError(Words.empty)
    if not as_hex:
        return text.encode("utf-8", "surrogatepass")
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(Words.bad_hex.format(quoted(text))) from None


def _words_for(error):
    return Words.broken.format(f"{type(error).__name__}: {error}")


# --- pieces of HTML: whatever comes in is escaped here -----------------------------------------------------------

def html(value: str = "", *classes: str) -> widgets.HTML:
    made = widgets.HTML(value)
    made._dom_classes = ("nl-html", *classes)
    return made


def box(children, *classes: str) -> widgets.Box:
    made = widgets.Box(children)
    made._dom_classes = ("nl-box", *classes)
    return made


def chip(words: str) -> str:
    return f'<span class="nl-chip">{escape(words)}</span>'


def name_of_end(words: str, side: str, *chips: str, waits: str = "") -> str:
    """The head of a side: a dot in its colour ("client" or "server"), its name, its states, and what it waits in."""
    return (f'<div class="nl-name"><span class="nl-dot nl-{side}"></span><b>{escape(words)}</b>{"".join(map(chip, chips))}'
            + (f'<span class="nl-chip nl-waits">{escape(waits)}</span>' if waits else "") + '</div>')


def gauge(label: str, size: int | None, side: str, hint: str = "") -> str:
    """A queue as a bar, longer by one step for each doubling, with its bytes as a number."""
    width = 0 if not size else min(100, round(100 * log2(1 + size) / 22))      # 4 MB fill it
    return (f'<div class="nl-gauge" title="{escape(hint)}"><span>{escape(label)}</span>'
            f'<span class="nl-track"><i class="nl-{side}" style="width:{width}%"></i></span>'
            f'<code>{Words.unknown if size is None else bytes_of(size)}</code></div>')


def transfer(who: str, data: bytes, size: int) -> str:
    """One line of a log: who, the bytes as text, how many, the bytes as hex; `data` may be the beginning only."""
    return (f'<div class="nl-line"><b>{escape(who)}</b> <span class="nl-text">{escape(as_text(data, size))}</span> '
            f'<span class="nl-soft">· {bytes_of(size)} · {escape(as_hex(data, size))}</span></div>')


def static_svg(title: str, left=(), right=()) -> str:
    """What a page without a kernel shows: the two sides in words, on a surface of its own."""
    columns = [(20, "c", left), (390, "s", right)]
    texts = "".join(
        f'<text x="{x}" y="{66 + 22 * n}" class="{css if n == 0 else "t"}">{escape(words)}</text>'
        for x, css, lines in columns for n, words in enumerate(lines))
    height = 84 + 22 * max(len(left), len(right), 1)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {height}" width="760" role="img" '
            f'style="max-width:100%;height:auto"><title>{escape(title)}</title><style>{_STATIC_CSS}</style>'
            f'<rect x=".5" y=".5" width="759" height="{height - 1}" rx="8" class="p"/>'
            f'<path d="M1 38H759M370 38V{height - 34}M1 {height - 34}H759" class="l"/>'
            f'<text x="20" y="25" class="h">{escape(title)}</text>{texts}'
            f'<text x="20" y="{height - 12}" class="t">{escape(Words.run_me)}</text></svg>')


_STATIC_CSS = (
    "text{font:13px system-ui,'Segoe UI',Roboto,sans-serif}.p{fill:#fff;stroke:#d5d9de}.l{stroke:#d5d9de}"
    ".h{fill:#1f2328;font-weight:600}.t{fill:#5b6470}.c{fill:#0072b2;font-weight:600}.s{fill:#b8500b;font-weight:600}"
    "@media(prefers-color-scheme:dark){.p{fill:#111418;stroke:#3a4048}.l{stroke:#3a4048}.h{fill:#e6e8ea}"
    ".t{fill:#a5adb8}.c{fill:#56b4e9}.s{fill:#f0a35e}}")
CSS = resources.files(__package__).joinpath("panel.css").read_text(encoding="utf-8")


# --- which panels there are --------------------------------------------------------------------------------------

_live: weakref.WeakSet[Panel] = weakref.WeakSet()               # shown and not closed
_cells: dict[str, tuple[str, list[weakref.ref]]] = {}           # cell -> (which run of it, its panels)


def _replace_in_cell(panel):
    """Close what an earlier run of this cell made; remember `panel` as made by this one."""
    try:
        from IPython import get_ipython
        message = get_ipython().kernel.get_parent()
        cell = message["metadata"].get("cellId") or message["content"]["code"]
        run = message["header"]["msg_id"]
    except (ImportError, AttributeError, KeyError):             # no notebook, or no cell: nothing to replace
        return
    before, panels = _cells.get(cell, ("", []))
    if before != run:
        for old in panels:
            if (made := old()) is not None:
                made.close()
        panels = []
    _cells[cell] = run, [*panels, weakref.ref(panel)]


def _close_widgets(widget):
    for child in getattr(widget, "children", ()):
        _close_widgets(child)
    for part in (getattr(widget, "style", None), widget.layout, widget):
        if part is not None:
            part.close()


@atexit.register
def _close_panels():
    for panel in list(_live):
        try:
            panel.close()
        except Exception:                                       # the connection to the browser may be gone
            pass
