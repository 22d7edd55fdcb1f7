"""What every panel shares: one thread that writes widgets, and threads for what blocks.

A panel is a model with a thin view. Buttons change nothing themselves: their handlers read the fields, and hand the
work to an `Actor` by `do`. Actors, servers and recorders, in whatever thread, change the model and call `changed()`.
One pump thread per panel then calls `render()`, which alone writes widgets, through `write`.
"""
import atexit
import queue
import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from importlib import resources

import ipywidgets as widgets
from markupsafe import Markup

from netlab.panels.parts import RUN_ME, Field, box, chip, close_widgets, html, in_sending_order, static_picture
from netlab.style import palette, tag

PAUSE = 0.05            # seconds between two rounds of writing, at least
QUICK = 0.010           # seconds: a call that is done within them is not shown as waiting
CLICK_WAIT = 0.005      # seconds a click may wait for its own effect, which then travels with the kernel's answer
ENTER_DELAY = 0.05      # seconds between the Enter key and what it does: the browser sends the text after the key
LARGE_DELAY = 0.003     # seconds: how much later large things are written
PER_SECOND, BURST = 12, 8      # widgets per second when events do not stop, and how many at once; a click may go on

STYLE = tag("style", Markup(
    f'.nl-panel{{{palette(False)}}}:where([data-jp-theme-light="false"]) .nl-panel{{{palette(True)}}}\n'
    + resources.files(__package__).joinpath("panel.css").read_text(encoding="utf-8")))


class Panel:
    """A panel in a cell. Subclasses give `title` and `plain`, and `build()`, `render()`, `release()`.

    It shows itself as the last line of a cell. Running the cell again closes the panel that it made before; so does
    `close()`. A panel that was never shown has no thread and no socket.
    """
    title = "Panel"
    plain = f"A panel. {RUN_ME}"            # fixed text/plain: what a stored notebook shows
    closes = True                           # whether there is anything that "Close all" would close
    framed, css_class = True, "nl-panel"    # not framed: no title and no code, only what `build` gives, and the status
    sketch = ((), ())                       # two columns of words for the static picture: client side, server side
    kept = {"plain", "_lock", "_closed", "_wake", "_clicked", "_shown", "_code"}    # what a closed panel still holds
    _root = None

    def __init__(self):
        self.writes = 0                     # widgets written so far
        self._closed = False
        self._wake, self._clicked, self._shown, self._ended = (threading.Event() for _ in range(4))
        self._budget = float(BURST)         # widgets that may still be written at once
        self._lock = threading.RLock()
        self._pump_thread = None
        self._actors: list[Actor] = []
        self._fields: list[Field] = []
        self._code, self._code_shown, self._sentence = deque(maxlen=200), False, ""
        _replace_in_cell(self)

    # for a subclass to give

    def build(self) -> list[widgets.Widget]:
        """Make the widgets, once, at the first showing; return the parts of the body from top to bottom."""
        return []

    def render(self) -> None:
        """Bring the widgets up to date by `write`. Runs in the pump thread only."""

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
        """What holds now, said after the last event in the status."""
        return ""

    def status(self, sentence: str) -> str:
        """The status as HTML: what happened last."""
        return tag("div", sentence, class_="nl-foot", role="status", aria_live="polite")

    def stored(self) -> dict[str, str]:
        """What a page without a kernel shows, by mimetype; the same each time."""
        return {"text/plain": self.plain, "image/svg+xml": str(static_picture(self.title, *self.sketch))}

    # for a subclass to use

    def changed(self) -> None:
        """The model has changed: the pump renders soon. Cheap, and safe from any thread."""
        self._wake.set()

    def say(self, sentence: str) -> None:
        """Put what happened last, as one sentence, into the status."""
        self._sentence = sentence
        self.changed()

    def typed(self, *lines: str) -> None:
        """Add lines to "Show the code": what the learner could type for what was done."""
        self._code.extend(" ".join(line.splitlines()) for line in lines)    # an error's words may hold a line break

    def code(self) -> str:
        """The lines behind "Show the code"."""
        return "\n".join(self._code) or "# nothing done yet"

    def write(self, widget, **traits) -> None:
        """Write those traits of `widget` that differ: one message to the browser, or none."""
        new = {name: value for name, value in traits.items() if getattr(widget, name) != value}
        if new:
            self.writes += 1
            with widget.hold_sync():
                for name, value in new.items():
                    setattr(widget, name, value)

    def button(self, label: str, action, *classes: str) -> widgets.Button:
        """A button whose click calls action() in a thread of the kernel's: it must only enqueue."""
        made = in_sending_order(widgets.Button(description=label, _dom_classes=("nl-button", *classes)))
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

    def choice(self, label: str, options, *classes: str) -> widgets.Dropdown:
        """A labelled list to choose from; `options` are (words, value) pairs."""
        return in_sending_order(widgets.Dropdown(       # the closed list's arrow keys belong to JupyterLab
            description=label, options=options, tooltip="Space opens the list", _dom_classes=("nl-choice", *classes)))

    def drop(self, part, fields) -> None:
        """Close the widgets of a part that is no longer shown, with its fields. In the pump thread."""
        self._fields = [field for field in self._fields if field not in fields]
        close_widgets(part)

    def do(self, job, *args, who=None, kind: str = "work", passes=()) -> None:
        """Enqueue job(*args) for a thread of the panel's own; what blocks there does not block the kernel.

        Jobs of one `who` keep their order, but for those whose kind is in `passes`: them a job may overtake. As long as
        nothing blocks, one thread does all jobs, in the order of the clicks. Kind "end" runs in a closed panel too;
        kind "look up" may be stuck in the system's resolver, which nothing can end: closing does not wait for it.
        """
        with self._lock:
            if self._closed:
                return
            behind = [a for a in self._actors if any(w is who and k not in passes for w, k in a.pending)] if who else []
            free = [a for a in self._actors if not a.pending]
            if not (behind or free):
                free = [Actor(self, len(self._actors) + 1)]
                self._actors += free
            (behind or free)[0].do(job, args, who, kind)

    def pending(self, who, *, but=None) -> list[str]:
        """The kinds of jobs of `who` that are not done; `but` names a thread whose jobs do not count."""
        with self._lock:
            return [kind for actor in self._actors if actor.thread is not but for w, kind in actor.pending if w is who]

    # life

    @property
    def view(self) -> widgets.Widget:
        """The panel's widget, made at its first use. RuntimeError for a panel that is closed."""
        with self._lock:
            if self._closed:
                raise RuntimeError("This panel is closed. Run its cell again.")
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
            with self._lock:
                ending = [a.thread for a in self._actors if not any(kind == "look up" for _, kind in a.pending)]
            for thread in {self._pump_thread, *ending} - {None, threading.current_thread()}:
                thread.join(2)
            if self._root is not None:
                close_widgets(self._root)
            for name in set(vars(self)) - self.kept:    # IPython's `Out` keeps the panel as long as the kernel lives
                delattr(self, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _build(self):
        self._foot = html("", "nl-foot-html")
        if self.framed:
            self._title, self._listing = html(), html()
            self._code_button = self.button("Show the code", self._toggle_code)
            close = [self.button("Close all", lambda: self.do(self.release, who=self))] if self.closes else []
            bar = box([self._title, self._code_button, *close], "nl-bar")
            self._root = box([html(STYLE, "nl-style"), bar, *self.build(), self._listing, self._foot], self.css_class)
        else:
            self._root = box([*self.build(), self._foot], self.css_class)
        self._render()
        self._pump_thread = threading.Thread(target=self._pump, name=f"netlab {type(self).__name__}", daemon=True)
        self._pump_thread.start()
        _live.add(self)

    def _pump(self):
        then = time.monotonic()
        while True:
            self._wake.wait(self.pace())
            self._clicked.clear()
            self._let_quick_calls_end()
            self._wake.clear()
            if self._closed:                # after the clear, which may have taken close()'s wake-up
                return
            before = self.writes
            self._render()
            if self._closed:
                return
            now, cost = time.monotonic(), self.writes - before
            self._budget = min(BURST, self._budget + (now - then) * PER_SECOND) - cost
            then = now
            if cost:                        # events wait for the next round; a click need not
                self._clicked.wait(max(PAUSE, (min(cost, BURST / 2) - self._budget) / PER_SECOND))

    def _let_quick_calls_end(self):
        while any(actor.pending and time.monotonic() - actor.asked < QUICK for actor in self._actors):
            time.sleep(0.0003)

    def _render(self):
        before = self.writes
        for part in (self._render_frame, self.render, self.render_large):
            if self._closed:
                return
            if part == self.render_large and before != self.writes:
                self._ended.wait(LARGE_DELAY)
            try:
                part()
            except Exception as error:      # a learner must not meet our traceback
                if not self._closed:
                    self._sentence = _words_for(error)
                    self.write(self._foot, value=Panel.status(self, self._sentence))

    def _render_frame(self):
        told = f"{self._sentence} {self.aside()}".strip()
        self.write(self._foot, value=self.status(told))     # first: it tells that a click was heard
        self._shown.set()
        for field in list(self._fields):
            self.write(field.note, value=tag("span", field.error, role="alert") if field.error else "")
            self.write(field.text, _dom_classes=("nl-input", *field.classes, *(("nl-bad",) if field.error else ())))
        if self.framed:
            shown = self._code_shown
            self.write(self._code_button, description="Hide the code" if shown else "Show the code")
            self.write(self._listing, value=tag("pre", self.code(), class_="nl-code") if shown else "")
            self.write(self._title, value=tag("b", self.title, class_="nl-title") + Markup("").join(map(chip, self.chips())))

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
        self._shown.wait(CLICK_WAIT)

    def _entered(self, action):
        timer = threading.Timer(ENTER_DELAY, self._guarded, (action,))
        timer.daemon = True
        timer.start()

    def _toggle_code(self):
        self._code_shown = not self._code_shown

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = self.stored()
        with self._lock:                    # another thread may close it meanwhile
            if not self._closed:
                shown["application/vnd.jupyter.widget-view+json"] = {
                    "version_major": 2, "version_minor": 0, "model_id": self.view.model_id}
        return shown

    def __repr__(self):
        return self.plain


class Actor:
    """One thread that does jobs in their order. `pending` holds (who, kind) of those not done, the one at work first;
    it is changed and read with the panel's lock: a deque that changes cannot be gone through.
    """

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

    def end(self):                              # after the jobs it has
        self._jobs.put(None)

    def _work(self):
        while (item := self._jobs.get()) is not None:
            job, args, kind = item
            try:
                if kind == "end" or not self._panel._closed:
                    job(*args)
            except Exception as error:
                self._panel.say(_words_for(error))
            with self._panel._lock:
                self.pending.popleft()
            self._panel.changed()


def _words_for(error):
    return f"The panel met an error of its own: {type(error).__name__}: {error}."


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


@atexit.register
def _close_panels():
    for panel in list(_live):
        with suppress(Exception):                               # the connection to the browser may be gone
            panel.close()
