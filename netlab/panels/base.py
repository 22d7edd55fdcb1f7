"""What every panel shares: one widget between the kernel and the page, one thread that writes it, threads for what blocks.

A panel is a model with a thin view. Its parts are HTML that Python makes of the model; the page sends back which control
was used, with all fields, and `on_…` of that name reads the fields and hands the work to an `Actor` by `do`. Actors,
servers and recorders, in whatever thread, change the model and call `changed()`. One pump thread per panel then asks for
the parts anew and sends those elements that differ.
"""
import queue
import re
import threading
import time
from collections import deque
from importlib import resources
from itertools import chain

import anywidget
from markupsafe import Markup
from traitlets import Unicode

from netlab.panels import shown_in
from netlab.panels.parts import RUN_ME, button, chip, labelled, options, picture_of, tag, whole
from netlab.panels.stage import stage_picture
from netlab.sockets import event_of
from netlab.style import Picture, palette

PAUSE = 0.05            # seconds between two messages to the page, at least; a click need not wait for them
QUICK = 0.010           # seconds: a call that is done within them is not shown as waiting
CLICK_WAIT = 0.005      # seconds a click may wait for its own effect, which then travels with the kernel's answer
# From top to bottom, as in panel.js, and the names of the elements that each may have.
PARTS = {part: [f"{part}{n}" for n in range(most)]
         for part, most in {"head": 2, "said": 1, "controls": 4, "stage": 16, "more": 3}.items()}


def _file(name):
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


class Wire(anywidget.AnyWidget):
    """The one widget of a panel: its elements on their way to the page, and a message back for each thing done there."""
    _esm = Unicode(_file("panel.js")).tag(sync=True)
    _css = Unicode(f'.nl-panel{{{palette(False)}}}:where([data-jp-theme-light="false"]) .nl-panel{{{palette(True)}}}\n'
                   + _file("panel.css")).tag(sync=True)
    look = Unicode().tag(sync=True)
    vars().update({name: Unicode().tag(sync=True) for name in chain(*PARTS.values())})     # a trait for each

    def __init__(self, **traits):
        super().__init__(**traits)
        if hasattr(self.comm, "_reply_subshell_for"):
            # ipykernel 7.4 takes a widget's messages in the thread from which it was last written, so that one click could
            # overtake another, or wait for a cell that runs. Now all go where the browser sends them.
            self.comm._reply_subshell_for = lambda data, named: named


class Panel:
    """A panel in a cell. Subclasses give `title`, `plain`, the parts, `on_…` for each control, and `release()`.

    It shows itself as the last line of a cell. Running the cell again closes the panel that it made before; so does
    `close()`. A panel that was never shown has no thread and no socket.
    """
    title = "Panel"
    plain = f"A panel. {RUN_ME}"            # fixed text/plain: what a stored notebook shows
    closes = True                           # whether there is anything that "Close all" would close
    look = "nl-plain"                       # CSS classes of its own
    kept = {"plain", "_lock", "_closed", "_wake", "_clicked", "_shown", "_done", "_code"}    # what a closed panel still holds
    timeline = None                         # a recording, whose picture "The whole story" shows
    _wire, _drawn, _newest, _events = None, (None, Markup()), None, []

    def __init__(self):
        self.writes = 0                     # messages to the page so far
        self._closed = False
        self._wake, self._clicked, self._shown, self._done = (threading.Event() for _ in range(4))
        self._lock, self._given = threading.RLock(), 0      # how many jobs were asked for so far
        self._pump_thread = None
        self._actors: list[Actor] = []
        self.fields: dict[str, str] = {}    # what stood in each field at the last click
        self.errors: dict[str, str] = {}    # what is wrong with it, to be said beside it
        self._puts: dict[str, tuple[str, int]] = {}     # what the panel itself put into a field, and how often
        self._code, self._sentence = deque(maxlen=200), ""
        self._opened: set[str] = set()      # "code", "story": what is shown on request
        shown_in.replace(self)

    # for a subclass to give: lists of elements, HTML of the model as it is now; in the pump thread only

    def controls(self) -> list[Markup]:
        """What the reader acts with."""
        return []

    def stage(self) -> list[Markup]:
        """What is drawn. Only those elements that are not as before are sent to be drawn anew."""
        return []

    def more(self) -> list[Markup]:
        """What stands below: goals, the whole story."""
        return []

    def chips(self) -> list[str]:
        """Short words beside the title."""
        return []

    def aside(self) -> str:
        """What holds now, said after the last event in the status."""
        return ""

    def head(self) -> list[Markup]:
        """The title, and what is there for the panel as a whole."""
        tools = [self._opens("code", "Show the code", "Hide the code")]
        if self.timeline is not None:
            tools.append(self._opens("story", "The whole story", "Hide the story"))
        if self.closes:
            tools.append(button("Close all", "close_all"))
        tools = tag("div", *tools, class_="nl-row", data_key="tools")
        bar = tag("div", tag("b", self.title, class_="nl-title"), *map(chip, self.chips()), tools, class_="nl-bar")
        return [bar, tag("pre", self.code(), class_="nl-code")] if "code" in self._opened else [bar]

    def _opens(self, what, words, opened):
        return button(opened if what in self._opened else words, what, aria_expanded=str(what in self._opened).lower())

    def said(self) -> list[Markup]:
        """The status: what happened last. A screen reader reads it out."""
        return [tag("div", " ".join(f"{self._sentence} {self.aside()}".split()), role="status", aria_live="polite")]

    def begin(self) -> None:
        """What is to be done when it is first shown."""

    def release(self) -> None:
        """Close what is open: servers, sockets. Also what "Close all" does. May be called from any thread."""

    def pace(self) -> float | None:
        """After how many seconds to look although nothing was told; None: sleep until `changed()`."""
        return None

    def scene(self) -> list:
        """The stage as rows for `netlab.panels.stage.stage_picture`."""
        return []

    def picture(self, said: str) -> Picture:
        """The panel as it is now, as a Picture."""
        return stage_picture(self.title, said, self.scene(), f"{self.plain}\n{said}")

    def stored(self) -> dict[str, str]:
        """What a page without a kernel shows, by mimetype; the same each time: the panel in use, as `make notebooks` drew it."""
        file = resources.files(__package__).joinpath(f"{type(self).__name__}.html")
        return {"text/plain": self.plain, **({"text/html": file.read_text(encoding="utf-8")} if file.is_file() else {})}

    # for a subclass to use

    def changed(self) -> None:
        """The model has changed: the pump looks soon. Cheap, and safe from any thread."""
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

    def field(self, name: str, label: str, start: str = "", kind: str = "", **attributes) -> Markup:
        """A line of text with its label above and what is wrong with it below; `start` stands in it at first.

        `kind` is a class, such as nl-short; `data_enter` names what the Enter key does, `data_change` what a change does.
        What the reader has typed stays until `put`.
        """
        value, times = self._puts.get(name, (start, 0))
        self.fields.setdefault(name, value)
        error, usual = self.errors.get(name), {"aria_label": label, "autocomplete": "off", "spellcheck": "false"}
        text = tag("input", name_=name, value=value, data_put=times, aria_invalid=error and "true", **{**usual, **attributes})
        return labelled(name, label, text, kind, error)

    def choice(self, name: str, label: str, choices, kind: str = "", **attributes) -> Markup:
        """A labelled list to choose from; `choices` is a tuple of (value, words), self.fields[name] the chosen value."""
        now, times = self.fields.setdefault(name, choices[0][0]), self._puts.get(name, ("", 0))[1]
        chosen = tag("select", options(choices, now), name_=name, data_put=times, aria_label=label, **attributes)
        return labelled(name, label, chosen, kind)

    def put(self, name: str, value: str) -> None:
        """Put `value` into a field, whatever the reader has typed there."""
        self.fields[name] = value
        self._puts[name] = value, self._puts.get(name, ("", 0))[1] + 1
        self.errors.pop(name, None)

    def read(self, name: str, parse=str, *args):
        """parse(what stands in a field, *args); None after a ValueError, whose words then stand under the field."""
        self.errors.pop(name, None)
        try:
            return parse(whole(self.fields.get(name, "")), *args)
        except ValueError as error:
            self.errors[name] = str(error)
            self.say("Nothing was done: see beside the field.")
            return None

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
            self._given += 1
            (behind or free)[0].do(job, args, who, kind)

    def mark(self) -> tuple[int, float]:
        """This moment, for `went_on`."""
        return self._given, time.monotonic()

    def went_on(self, mark: tuple[int, float]) -> bool:
        """Whether what began at `mark` has waited, and something else was asked for meanwhile."""
        given, began = mark
        return self._given != given and time.monotonic() - began > QUICK

    def pending(self, who, *, but=None) -> list[str]:
        """The kinds of jobs of `who` that are not done; `but` names a thread whose jobs do not count."""
        with self._lock:
            return [kind for actor in self._actors if actor.thread is not but for w, kind in actor.pending if w is who]

    # life

    @property
    def wire(self) -> Wire:
        """The panel's widget, made at its first use. RuntimeError for a panel that is closed."""
        with self._lock:
            if self._closed:
                raise RuntimeError("This panel is closed. Run its cell again.")
            if self._wire is None:
                self.begin()
                self._wire = Wire(**self._parts())
                self._wire.on_msg(self._received)
                self._pump_thread = threading.Thread(target=self._pump, name=f"netlab {type(self).__name__}", daemon=True)
                self._pump_thread.start()
                shown_in.live.add(self)
            return self._wire

    def close(self) -> None:
        """End it: sockets, threads, the widget. Safe to call twice, and from any thread."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        for event in (self._wake, self._clicked):
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
            if self._wire is not None:
                self._wire.layout.close()
                self._wire.close()
            for name in set(vars(self)) - self.kept:    # IPython's `Out` keeps the panel as long as the kernel lives
                delattr(self, name)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _pump(self):
        while True:
            self._wake.wait(self.pace())
            clicked = self._clicked.is_set()
            self._clicked.clear()
            while any(actor.pending and time.monotonic() - actor.asked < QUICK for actor in self._actors):
                self._done.wait(QUICK / 4)  # a quick call's end comes with its click
                self._done.clear()
            self._wake.clear()
            if not self._closed:
                self._send(self._parts(clicked))
            if self._closed:                # after the clear, which may have taken close()'s wake-up
                return
            self._shown.set()
            self._clicked.wait(QUICK if clicked else PAUSE)     # what a click has caused is shown soon after it

    def _parts(self, quick=False):
        try:
            made = {name: getattr(self, name)() for name in PARTS}
            if "story" in self._opened and self.timeline is not None:
                made["more"].append(tag("div", self._story(quick)))
            elements = {PARTS[name][n]: str(html) for name, part in made.items() for n, html in enumerate(part)}
            return dict.fromkeys(chain(*PARTS.values()), "") | elements | {"look": self.look}      # "": not there
        except Exception as error:          # a learner must not meet our traceback
            return {} if self._closed else {"said0": str(tag("div", _words_for(error), role="status"))}

    def events(self) -> list:
        """The recording's events, and its marks. Only the new ones are made: a click waits for this."""
        log, fresh = self.timeline.log.copy(), []
        for record in reversed(log):
            if record is self._newest:
                break
            fresh.append(event_of(record))
        if fresh or not log:
            self._newest, self._events = log[-1] if log else None, [*self._events, *reversed(fresh)][-len(log):] if log else []
        return self._events

    def _story(self, quick):
        events = self.events()
        latest = id(self.timeline), len(events) and events[-1].index, self.timeline.pending()
        if self._drawn[0] != latest:
            if quick and self._drawn[0]:    # a click does not wait for what takes long to draw
                self._wake.set()
            else:
                self._drawn = latest, picture_of(self.timeline)
        return self._drawn[1]

    def _send(self, made):
        new = {name: html for name, html in made.items() if getattr(self._wire, name) != html}
        if new and not self._closed:
            self.writes += 1
            with self._wire.hold_sync():
                for name, html in new.items():
                    self._wire.set_trait(name, html)

    def _received(self, _, content, __):
        """What the page sent: {do, about, fields}. It runs in a thread of the kernel's, so it must only enqueue."""
        if self._closed or not isinstance(content, dict):
            return
        fields = content.get("fields")
        for name, field in fields.items() if isinstance(fields, dict) else ():
            if isinstance(field, list) and field[1:] == [self._puts.get(name, ("", 0))[1]]:
                self.fields[name] = _whole(field[0])        # else it was sent before the panel's own text came there
        self._clicked.set()                 # sooner than what it does, which the pump may show at once
        try:
            if act := getattr(self, f"on_{content.get('do')}", None):
                act(_whole(content.get("about", "")))
        except Exception as error:
            self.say(_words_for(error))
        self._shown.clear()
        self._clicked.set()
        self.changed()
        self._shown.wait(CLICK_WAIT)

    def on_code(self, _):
        self._opened ^= {"code"}

    def on_story(self, _):
        self._opened ^= {"story"}

    def on_close_all(self, _):
        self.do(self.release, who=self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        shown = self.stored()
        with self._lock:                    # another thread may close it meanwhile
            if not self._closed:
                shown["application/vnd.jupyter.widget-view+json"] = {
                    "version_major": 2, "version_minor": 0, "model_id": self.wire.model_id}
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
            self._panel._done.set()
            self._panel.changed()


def _whole(text):
    """A message's text. Half an emoji, which a browser can send and no kernel can send back, becomes U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", str(text))


def _words_for(error):
    return f"The panel met an error of its own: {type(error).__name__}: {error}."
