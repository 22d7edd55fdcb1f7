"""netlab.panels.base: the pump, the threads for what blocks, what a learner may type, what is shown of bytes."""
import gc
import importlib.util
import sys
import threading
import time
import tracemalloc
import weakref
import xml.etree.ElementTree as ET
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from hands import Hand, html
from ipywidgets.widgets.widget import _instances

import netlab.panels
from netlab.kernel import wait_until
from netlab.network import Network
from netlab.panels import AddressPanel, FramingPanel, MethodPanel, NetworkPanel, TcpPanel, UdpPanel, ask
from netlab.panels.base import Panel
from netlab.panels.parts import button, read_bytes, read_number, whole
from netlab.style import tag
from netlab.teach.questions import single
from netlab.words import as_text

_spec = importlib.util.spec_from_file_location("notebooks", ROOT / ".ci" / "notebooks.py")
books = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(books)
QUESTION = single("Which end?", {"client": "It connects.", "server": "It waits."}, "client")
EACH = [TcpPanel, MethodPanel, AddressPanel, NetworkPanel, UdpPanel, FramingPanel, lambda: ask(QUESTION)]


class Counter(Panel):
    """The smallest panel: a number and a button."""
    title, plain = "Counter", "Counter: a test."

    def __init__(self):
        super().__init__()
        self.count, self.rounds, self.released = 0, 0, 0

    def controls(self):
        self.rounds += 1
        return [tag("output", self.count), self.field("number", "Number", "1"), button("more", "add")]

    def on_add(self, _):
        if (step := self.read("number", read_number, 1, 9, "a step")) is not None:
            self.do(self.work, step)

    def work(self, step):
        self.count += step
        self.say(f"The count is {self.count}.")

    def release(self):
        self.released += 1


@pytest.fixture
def counter(no_leaks):
    panel = Counter()
    panel.wire
    yield panel
    panel.close()


@pytest.fixture
def hand(counter):
    return Hand(counter)


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


def test_the_faces_in_one_bundle(counter):
    bundle = counter._repr_mimebundle_()
    assert bundle["text/plain"] == "Counter: a test."
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == counter.wire.model_id


def test_a_closed_panel_is_words_only():
    panel = Counter()
    panel.close()
    assert set(panel._repr_mimebundle_()) == {"text/plain"}


def test_close_ends_threads_and_widgets_and_may_come_twice(no_leaks):
    widgets = set(_instances)
    released = []
    with Counter() as panel:
        panel.release = lambda: released.append(panel.count)
        hand = Hand(panel)
        hand.click("more")
        hand.until("The count is 1")
        wire = panel.wire
        assert len(set(_instances) - widgets) == 2              # one widget, and its layout
    assert set(_instances) == widgets
    panel.close()
    panel._received(wire, {"do": "add", "fields": {}}, [])      # a late click from the browser does nothing
    panel.do(released.append, "late")
    assert released == [1]
    with pytest.raises(RuntimeError, match="is closed. Run its cell again"):
        panel.wire


def test_close_is_never_missed_by_the_pump(no_leaks):
    for _ in range(300):
        with Counter() as panel:
            panel.wire
            panel.changed()
            pump = panel._pump_thread
        assert not pump.is_alive()


def test_a_panel_with_nothing_to_close_has_no_button_for_it():
    class Plain(Counter):
        closes = False
    for kind, has in ((Counter, True), (Plain, False)):
        with kind() as panel:
            assert ("Close all" in Hand(panel).buttons()) is has


def test_close_works_from_a_thread_of_the_panel_itself(no_leaks):
    panel = Counter()
    panel.wire
    released = []
    panel.release = lambda: released.append(True)
    panel.do(panel.close, kind="end")
    wait_until(lambda: released)


# --- the pump ---

def test_a_click_shows_its_effect(hand):
    hand.click("more")
    hand.until("The count is 1. 1 Number", None)


def test_only_the_pump_writes(counter, hand):
    writers = set()
    counter.wire.observe(lambda _: writers.add(threading.current_thread().name))
    hand.click("more")
    hand.until("The count is 1")
    hand.click("Show the code")
    hand.until("nothing done yet")
    assert writers == {"netlab Counter"}


def test_what_changes_while_a_click_is_shown_is_shown_too(counter, hand):
    def stage():
        if counter.count == 1:                                  # just after the number was written
            counter.count = 2
            counter.changed()
        return []
    counter.stage = stage
    hand.click("more")
    hand.until("^.*2 Number", None)


def test_a_round_is_one_message_and_only_what_changed(counter, hand, monkeypatch):
    sent = []
    monkeypatch.setattr(counter.wire.comm, "send", lambda data=None, **_: sent.append(set(data["state"])))
    hand.click("more")
    hand.until("The count is 1")
    assert sent == [{"said0", "controls0"}]


def test_a_flood_of_changes_is_few_writes(counter, hand):
    wait_until(lambda: counter.rounds)
    began, writes, rounds = time.monotonic(), counter.writes, counter.rounds
    for _ in range(10_000):
        counter.count += 1
        counter.changed()
        if counter.count % 10 == 0:
            time.sleep(0.001)
    hand.until("10000")
    seconds = time.monotonic() - began
    assert 2 <= counter.rounds - rounds <= 20 * seconds + 2
    assert counter.writes - writes <= 20 * seconds + 2


def test_nothing_is_written_when_nothing_changed(counter):
    wait_until(lambda: counter.rounds)
    writes, rounds = counter.writes, counter.rounds
    counter.changed()
    wait_until(lambda: counter.rounds > rounds)
    assert counter.writes == writes and counter.pace() is None


@pytest.mark.parametrize("where", ["controls", "aside", "work", "on_add"])
def test_an_error_of_ours_is_a_sentence(counter, hand, capsys, where):
    click = {"do": "add", "fields": hand.fields()}
    def fail(*_):
        raise RuntimeError("<oh>")
    setattr(counter, where, fail)
    hand.send(click)
    wait_until(lambda: "an error of its own: RuntimeError: &lt;oh&gt;." in html(counter, "said"))
    assert capsys.readouterr().err == ""


def test_too_many_elements_are_such_an_error(counter, hand):
    counter.stage = lambda: [tag("p", n) for n in range(17)]
    counter.changed()
    hand.until("an error of its own: IndexError", "said")


def test_show_the_code(counter, hand):
    counter.typed("a = 1 < 2")
    hand.click("Show the code")
    wait_until(lambda: "a = 1 &lt; 2" in html(counter, "head"))
    hand.click("Hide the code")
    wait_until(lambda: "a = 1" not in html(counter, "head"))


# --- the fields ---

def test_what_is_typed_stays_until_the_panel_puts_its_own(counter, hand):
    hand.type("Number", "5")
    hand.click("more")
    hand.until("The count is 5")
    assert hand.value("Number") == "5"
    counter.put("number", "7")
    counter.changed()
    wait_until(lambda: hand.value("Number") == "7")
    hand.click("more")
    hand.until("The count is 12")


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


def test_an_error_stands_under_its_field_until_it_is_mended(counter, hand):
    hand.type("Number", "ten")
    hand.click("more")
    wait_until(lambda: "is not a number" in hand.error("Number") and hand.control("Number")["aria-invalid"] == "true")
    assert counter.count == 0 and hand.value("Number") == "ten"
    hand.type("Number", "3")
    hand.click("more")
    hand.until("The count is 3")
    assert not hand.error("Number") and not hand.control("Number").has_attr("aria-invalid")


# --- bytes on the page ---

@pytest.mark.parametrize("data, text", [
    (b"hello", "hello"), ("世界".encode(), "世界"), (b"a\0b\r\n", "a\\x00b\\r\\n"), (b"\xff\xfeA", "\\xff\\xfeA"),
    ("a\u202eb".encode(), "a\\u202eb"), (b"\xe4\xb8", "\\xe4\\xb8"), (b"", "")])
def test_bytes_as_text(data, text):
    assert as_text(data) == text


def test_long_bytes_are_cut_between_characters():
    assert as_text("x世".encode() * 20, limit=6) == "x世x…"
    assert as_text(b"abc", size=10_000, limit=3) == "abc…"


def test_half_an_emoji_is_told_beside_its_field_and_sent_back_to_nobody(counter, hand):
    hand.type("Number", "\ud83d")
    hand.click("more")
    wait_until(lambda: "Of one character only a half has come" in hand.error("Number"))
    str(hand.parts()).encode()                      # as the connection does: half an emoji has no UTF-8
    assert counter.count == 0 and counter.fields["number"] == "\ufffd"
    with pytest.raises(ValueError, match="Type it again"):
        whole("a\ufffd")


def test_the_stored_pictures_are_what_a_real_use_draws(no_leaks):
    drawn = books.draw_panels()
    assert {path.stem for path in drawn} == (
        {"FramingPanel", "MethodPanel", "TcpPanel", "UdpPanel"} | ({"NetworkPanel"} if not Network.why() else set()))
    for path, html_now in drawn.items():
        assert path.read_text(encoding="utf-8") == html_now, "run make notebooks"
        image = BeautifulSoup(html_now, "html.parser").img
        svg = ET.fromstring(unquote(image["src"]).partition(",")[2])
        words = "".join(svg.itertext())
        expected = {"NetworkPanel": ["bytes 1-5", "cut"], "UdpPanel": ["1 was lost", "not received yet"],
                    "FramingPanel": ["312250", "4 bytes not yet received"]}.get(path.stem, ["ESTABLISHED", "not received yet"])
        assert "Run this cell" in image["alt"] and all(each in words for each in expected)


@pytest.mark.parametrize("make", EACH)
def test_every_part_is_well_formed_and_every_control_has_a_name(make):
    with make() as panel:
        hand = Hand(panel)
        for html in hand.parts().values():
            ET.fromstring(f"<div>{html}</div>")
        for control in hand.page().find_all(["input", "select", "button"]):
            named = control.get("aria-label") or control.get_text() or control.find_parent("label").get_text()
            assert named.strip(), control
        keys = [[child.get("data-key") for child in each.find_all(True, recursive=False)] for each in hand.page().find_all(True)]
        assert all(len(set(row) - {None}) == len([key for key in row if key]) for row in keys)      # no key twice in one place


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


@pytest.mark.parametrize("make", EACH)
def test_what_ipython_keeps_of_closed_panels_is_small(make, no_leaks):
    """`Out` keeps each panel that a cell has shown: it must keep no widget, no recording, no picture with it."""
    def shown():
        panel = make()
        panel._repr_mimebundle_()
        parts = [panel._wire, *([panel.timeline] if panel.timeline else [])]
        seen = [weakref.ref(part) for part in parts]
        panel.close()
        return panel, seen

    shown()
    gc.collect()
    tracemalloc.start()
    try:
        before, widgets, out = tracemalloc.get_traced_memory()[0], set(_instances), []
        for _ in range(5 if make is NetworkPanel else 20):          # a network takes its time
            out.append(shown())
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert set(_instances) == widgets and [ref() for _, seen in out for ref in seen if ref() is not None] == []
    assert grown / len(out) < 30_000 and all(panel._repr_mimebundle_() for panel, _ in out)
