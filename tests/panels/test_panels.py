"""netlab.panels.base: the pump, the threads for what blocks, what a learner may type, what is shown of bytes."""
import gc
import sys
import threading
import time
import tracemalloc
import weakref
import xml.etree.ElementTree as ET

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

import netlab.panels
from netlab.kernel import wait_until
from netlab.panels import AddressPanel, MethodPanel, TcpPanel, ask
from netlab.panels.base import Panel
from netlab.panels.parts import RUN_ME, Text, read_bytes, read_number, static_picture, transfer, whole
from netlab.teach.questions import single
from netlab.words import as_hex, as_text

QUESTION = single("Which end?", {"client": "It connects.", "server": "It waits."}, "client")


class Counter(Panel):
    """The smallest panel: a number and a button."""
    title, plain = "Counter", "Counter: a test."

    def __init__(self):
        super().__init__()
        self.count, self.rounds, self.released = 0, 0, 0

    def build(self):
        self.shown = ipywidgets.HTML()
        self.number = self.field("Number", "1")
        self.more = self.button("more", self.add)
        return [self.shown, self.number.text, self.number.note, self.more]

    def add(self):
        if (step := self.number.read(read_number, 1, 9, "a step")) is not None:
            self.do(self.work, step)

    def work(self, step):
        self.count += step
        self.say(f"The count is {self.count}.")

    def render(self):
        self.rounds += 1
        self.write(self.shown, value=str(self.count))

    def release(self):
        self.released += 1


@pytest.fixture
def counter(no_leaks):
    panel = Counter()
    panel.view
    yield panel
    panel.close()


# --- life ---

def test_panels_are_found_by_name():
    assert "TcpPanel" in netlab.panels.__all__ and "TcpPanel" in dir(netlab.panels)
    assert issubclass(netlab.panels.TcpPanel, Panel)
    with pytest.raises(AttributeError, match="netlab.panels has no NoPanel; it has .*TcpPanel"):
        netlab.panels.NoPanel


def test_a_panel_never_shown_has_no_thread_and_no_widget(no_leaks):
    widgets = set(_instances)
    panel = Counter()
    assert set(_instances) == widgets and panel.rounds == 0
    assert repr(panel) == "Counter: a test."


def test_three_faces_in_one_bundle(counter):
    bundle = counter._repr_mimebundle_()
    assert bundle["text/plain"] == "Counter: a test."
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == counter.view.model_id
    with Counter() as another:
        assert bundle["image/svg+xml"] == another._repr_mimebundle_()["image/svg+xml"]
    assert ET.fromstring(bundle["image/svg+xml"]).tag == "{http://www.w3.org/2000/svg}svg"


def test_a_closed_panel_is_a_picture_only():
    panel = Counter()
    panel.close()
    assert set(panel._repr_mimebundle_()) == {"text/plain", "image/svg+xml"}


def test_close_ends_threads_and_widgets_and_may_come_twice(no_leaks):
    widgets = set(_instances)
    released = []
    with Counter() as panel:
        panel.release = lambda: released.append(panel.count)
        panel.view
        panel.add()
        wait_until(lambda: panel.shown.value == "1")
        more = panel.more
    assert set(_instances) == widgets
    panel.close()
    more.click()                                    # a late click from the browser does nothing
    panel.do(released.append, "late")
    assert released == [1]
    with pytest.raises(RuntimeError, match="is closed. Run its cell again"):
        panel.view


def test_close_is_never_missed_by_the_pump(no_leaks):
    for _ in range(300):
        with Counter() as panel:
            panel.view
            panel.changed()
            pump = panel._pump_thread
        assert not pump.is_alive()


def test_a_panel_with_nothing_to_close_has_no_button_for_it():
    class Plain(Counter):
        closes = False
    for kind, has in ((Counter, True), (Plain, False)):
        with kind() as panel:
            bar = panel.view.children[1]
            assert ("Close all" in [getattr(part, "description", "") for part in bar.children]) is has


def test_close_works_from_a_thread_of_the_panel_itself(no_leaks):
    panel = Counter()
    panel.view
    released = []
    panel.release = lambda: released.append(True)
    panel.do(panel.close, kind="end")
    wait_until(lambda: released)


# --- the pump ---

def test_a_click_shows_its_effect(counter):
    counter.more.click()
    wait_until(lambda: counter.shown.value == "1" and "The count is 1." in counter._foot.value)


def test_only_the_pump_writes(counter, monkeypatch):
    writers = set()
    counter.shown.observe(lambda _: writers.add(threading.current_thread().name), "value")
    counter.more.click()
    wait_until(lambda: counter.shown.value == "1")
    assert writers == {"netlab Counter"}


def test_a_flood_of_changes_is_few_writes(counter):
    wait_until(lambda: counter.rounds)
    began, writes, rounds = time.monotonic(), counter.writes, counter.rounds
    for _ in range(10_000):
        counter.count += 1
        counter.changed()
        if counter.count % 10 == 0:
            time.sleep(0.001)
    wait_until(lambda: counter.shown.value == "10000")
    seconds = time.monotonic() - began
    assert 2 <= counter.rounds - rounds <= 20 * seconds + 2
    assert counter.writes - writes <= 20 * max(1, seconds)


def test_nothing_is_written_when_nothing_changed(counter):
    wait_until(lambda: counter.rounds)
    writes, rounds = counter.writes, counter.rounds
    counter.changed()
    wait_until(lambda: counter.rounds > rounds)
    assert counter.writes == writes and counter.pace() is None


@pytest.mark.parametrize("where", ["render", "aside", "work", "add"])
def test_an_error_of_ours_is_a_sentence(counter, capsys, where):
    def fail(*_):
        raise RuntimeError("<oh>")
    setattr(counter, where, fail)
    counter._guarded(lambda: counter.add())
    wait_until(lambda: "an error of its own: RuntimeError: &lt;oh&gt;." in counter._foot.value)
    assert capsys.readouterr().err == ""


def test_show_the_code(counter):
    counter.typed("a = 1 < 2")
    counter._code_button.click()
    wait_until(lambda: "a = 1 &lt; 2" in counter._listing.value)
    assert counter._code_button.description == "Hide the code"
    counter._code_button.click()
    wait_until(lambda: not counter._listing.value)


# --- threads for what blocks ---

def test_jobs_of_one_keep_their_order_and_one_thread_does_them(counter):
    done = []
    for n in range(50):
        counter.do(lambda n=n: done.append((n, threading.current_thread())), who=counter)
    wait_until(lambda: len(done) == 50)
    assert [n for n, _ in done] == list(range(50)) and len({t for _, t in done}) == 1


def test_what_blocks_holds_up_only_those_that_must_not_overtake(counter):
    gate, done, me, other = threading.Event(), [], object(), object()
    counter.do(gate.wait, 5, who=me, kind="recv")
    counter.do(done.append, "send", who=me, kind="send", passes={"recv"})
    counter.do(done.append, "other", who=other)
    counter.do(done.append, "behind", who=me, kind="recv")
    wait_until(lambda: {"send", "other"} <= set(done) and counter.pending(me) == ["recv", "recv"])
    assert "behind" not in done
    gate.set()
    wait_until(lambda: "behind" in done)
    wait_until(lambda: counter.pending(me) == [])


# --- what a learner may type ---

@pytest.mark.parametrize("text, words", [
    ("abc", '"abc" is not a number. Give a port, 0 to 65535.'),
    ("", '"" is not a number. Give a port, 0 to 65535.'),
    ("70000", "70000 is out of range. Give a port, 0 to 65535."),
    ("-1", "-1 is out of range. Give a port, 0 to 65535."),
    ("1.5", '"1.5" is not a number. Give a port, 0 to 65535.'),
    ("1_000", '"1_000" is not a number. Give a port, 0 to 65535.'),
    ("٣", '"٣" is not a number. Give a port, 0 to 65535.'),
    ("9" * 5000, f"{'9' * 24}… is out of range. Give a port, 0 to 65535."),
])
def test_a_bad_number_is_told(text, words):
    with pytest.raises(ValueError) as caught:
        read_number(text, 0, 65535, "a port")
    assert str(caught.value) == words


def test_good_input():
    assert read_number(" 80 ", 0, 65535, "a port") == 80
    assert read_bytes("hé") == b"h\xc3\xa9" and read_bytes("68 69\t0A", True) == b"hi\n"
    assert read_bytes(" ") == b" "


@pytest.mark.parametrize("text, as_hex", [("", False), ("", True), (" ", True), ("xyz", True), ("123", True)])
def test_a_bad_message_is_told(text, as_hex):
    with pytest.raises(ValueError, match="nothing to send|is not hex"):
        read_bytes(text, as_hex)


def test_an_error_stands_under_its_field_until_it_is_mended(counter):
    counter.number.text.value = "ten"
    counter.more.click()
    wait_until(lambda: "is not a number" in counter.number.note.value and "nl-bad" in counter.number.text._dom_classes)
    assert counter.count == 0
    counter.number.text.value = "3"
    counter.more.click()
    wait_until(lambda: counter.number.note.value == "" and counter.shown.value == "3")


# --- bytes on the page ---

@pytest.mark.parametrize("data, text", [
    (b"hello", "hello"), ("世界".encode(), "世界"), (b"a\0b\r\n", "a\\x00b\\r\\n"), (b"\xff\xfeA", "\\xff\\xfeA"),
    ("a\u202eb".encode(), "a\\u202eb"), (b"\xe4\xb8", "\\xe4\\xb8"), (b"", "")])
def test_bytes_as_text(data, text):
    assert as_text(data) == text


def test_long_bytes_are_cut_between_characters():
    assert as_text("x世".encode() * 20, limit=6) == "x世x…"
    assert as_text(b"abc", size=10_000, limit=3) == "abc…"
    assert as_hex(b"abcd", limit=2) == "61 62 …" and as_hex(b"ab") == "61 62"


def test_a_transfer_is_never_markup():
    line = transfer("<i>who</i>", b'<script>alert("x")</script>&amp;', 31)
    assert "<script" not in line and "&lt;script&gt;" in line and "<i>" not in line and "&amp;amp;" in line
    ET.fromstring(line)


def test_the_static_picture_escapes_and_stands_alone():
    svg = static_picture("<b>", ("a & b",), ())
    assert ET.fromstring(svg) is not None and "--nl-ink:#" in svg and RUN_ME in svg


def test_half_an_emoji_is_told_beside_its_field_and_sent_back_to_nobody(counter, monkeypatch):
    sent = []
    monkeypatch.setattr(Text, "_send", lambda self, msg, buffers=None: sent.append(msg))
    counter.number.text.set_state({"value": "\ud83d"})
    assert "\ud83d" not in str(sent) and counter.number.text.value == "\ufffd"
    str(sent).encode()                              # as the connection does: half an emoji has no UTF-8
    counter.more.click()
    wait_until(lambda: "Of one character only a half has come" in counter.number.note.value)
    assert counter.count == 0
    with pytest.raises(ValueError, match="Type it again"):
        whole("a\ufffd")


def test_a_line_break_in_an_errors_words_stays_in_its_line_of_the_code(counter):
    counter.typed("# f() raised LookupError: unknown encoding: x\nimport os", "g()")
    assert counter.code().splitlines() == ["# f() raised LookupError: unknown encoding: x import os", "g()"]


def test_jobs_may_be_enqueued_while_others_are_done(counter):
    interval = sys.getswitchinterval()
    done, me, failed = [], object(), []

    def enqueue():
        try:
            for _ in range(300):
                counter.do(done.append, 1, who=me)
                counter.pending(me)
        except RuntimeError as error:
            failed.append(error)

    sys.setswitchinterval(1e-6)
    try:
        for _ in range(10):
            threads = [threading.Thread(target=enqueue) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(interval)
    wait_until(lambda: len(done) == 9000 - 300 * len(failed))
    assert not failed


@pytest.mark.parametrize("make", [TcpPanel, MethodPanel, AddressPanel, lambda: ask(QUESTION)])
def test_what_ipython_keeps_of_closed_panels_is_small(make, no_leaks):
    """`Out` keeps each panel that a cell has shown: it must keep no widget, no recording, no picture with it."""
    def shown():
        panel = make()
        panel._repr_mimebundle_()
        parts = [panel._root, panel._foot, *(getattr(panel, name) for name in ("timeline",) if hasattr(panel, name))]
        seen = [weakref.ref(part) for part in parts]
        panel.close()
        return panel, seen

    shown()
    gc.collect()
    tracemalloc.start()
    try:
        before, widgets, out = tracemalloc.get_traced_memory()[0], set(_instances), []
        for _ in range(20):
            out.append(shown())
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert set(_instances) == widgets and [ref() for _, seen in out for ref in seen if ref() is not None] == []
    assert grown / len(out) < 30_000 and all(panel._repr_mimebundle_() for panel, _ in out)
