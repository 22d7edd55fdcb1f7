"""FramingPanel, driven by its own buttons: real messages over a real connection, and what a till makes of them."""
import random
import socket
import time

import pytest
from hands import Hand, Kernel
from stress_panels import act

from netlab import kernel
from netlab.framing import FramingError
from netlab.kernel import wait_until
from netlab.network import Network
from netlab.panels.framing import STREAMS, FramingPanel
from netlab.panels.framing_cures import (
    CURES,
    LONGEST,
    Reader,
    judged,
    listed,
    made,
    own_part,
    read_mark,
    read_messages,
    unescaped,
)
from netlab.panels.framing_wire import SPACINGS
from netlab.sockets import PLAIN

NOTHING = "Nothing was done: see beside the field."
WORDS = "tea 3 | café 12 | 5 €"


class FramingHand(Hand):
    """A Hand with the steps of a run."""

    def give(self, cure=None, **fields):
        """Choose a framing, and fill in these fields."""
        if cure:
            self.choose("Framing", cure)
        for label, value in fields.items():
            self.type({"Messages": "Messages, | between", "At_most": "At most"}.get(label, label), str(value))

    @property
    def talk(self):
        return self.panel.talk

    def sendall(self, times=1):
        """Press it, and see that a message has gone."""
        for _ in range(times):
            talk, sent = self.talk, len(self.talk.sends) if self.talk else 0
            self.click("sendall")
            wait_until(lambda: self.talk and (self.talk is not talk or len(self.talk.sends) > sent) and self.talk.sends)

    def recv(self, size=None, times=1):
        """Press it when all that was sent has come out of the link, as the stage shows, and see that it has returned."""
        if size is not None:
            self.give(At_most=size)
        for _ in range(times):
            took = len(self.talk.recvs)
            wait_until(lambda: self.talk.arrived == self.talk.size)
            self.click("recv")
            wait_until(lambda: len(self.talk.recvs) > took)

    def run(self, button="Run"):
        """Press it, and wait until all of it is over."""
        self.click(button)
        wait_until(lambda: not self.panel._running, 60)

    def row(self, key):
        """The words of one row of the table: understood as, the till is, adds, prices."""
        cells = self.page("stage").find("tr", attrs={"data-key": key}).find_all("td")
        return [" ".join(each.get_text(" ").split()) for each in cells]

    def until_row(self, key, column, words):
        try:
            wait_until(lambda: words in self.row(key)[column], 10)
        except TimeoutError:
            raise AssertionError(f"{words!r} is not in {self.row(key)!r}") from None

    def goal(self, words):
        self.until(f"✓ {words}", "more")


@pytest.fixture
def hand(no_leaks, capfd):
    with FramingPanel() as panel:
        hand = FramingHand(panel)
        hand.until("Press sendall")
        yield hand
    assert capfd.readouterr().err == ""             # nothing of ours ends as a traceback


# --- step by step -------------------------------------------------------------------------------------------------

def test_two_sends_and_one_recv_and_a_total_that_is_wrong_without_an_error(hand):
    hand.sendall(2)
    hand.until(r'The customer sent message 2 of 3, b"12"\.', "said")
    hand.until("now: 3 bytes in the till's kernel", "stage")
    hand.recv()
    hand.until(r'recv\(4096\) brought b"312": bytes of two sends', "said")
    hand.until("Framing: none now: 3 bytes received", "stage")
    hand.until('The till understood: "312" · total 312', "stage")
    assert hand.row("none")[:2] == ['"312"', "so far"]
    hand.goal("No framing: two messages by one recv")
    hand.sendall()
    hand.until("message 3 of 3, .* It was the last: shutdown tells the till so", "said")
    hand.click("sendall")
    hand.until("All messages are sent. recv takes them; when all has come, sendall begins anew", "said")
    hand.recv(2)
    hand.until(r'recv\(2\) brought b"25": a part of send 3', "said")
    hand.goal("No framing: one message cut in two")
    hand.recv(2)
    hand.until("All has come. The till is wrong: 337, not 265, and no error", "said")
    hand.until_row("none", 1, "✗ wrong: 337, not 265")
    hand.goal("Make the total wrong")
    hand.recv()
    hand.until(r'recv\(2\) gave b"": the end of the stream', "said")
    assert hand.button("recv")["aria-disabled"] == "true"
    assert hand.page("controls").find(class_="nl-main").get_text() == "sendall"


def test_the_strip_shows_sends_recvs_and_what_is_framing(hand):
    hand.give("prefix")
    hand.until("Before each message stands its length", "said")
    hand.sendall(3)
    hand.recv(7, times=2)
    hand.until(r'understood: "3" "12" and then b"\\x00\\x00\\x00", not whole yet', "stage")
    for words in ("send 1", "send 3", "recv 1", "recv 2", "not yet", "Underlined: framing, 12 bytes"):
        drawn = [each.get_text().startswith(words) for each in hand.page("stage").find_all("text")]
        assert sum(drawn) >= 3, words                           # once in each width, or in two rows
    hand.recv(7)
    hand.until("All has come. The till is right: 265", "said")
    assert hand.row("prefix") == ['"3" "12" "250"', "✓ right: 265", "12 bytes", "–"]


@pytest.mark.parametrize("cure, right, wire, adds", [
    ("none", False, b"tea 3caf\xc3\xa9 125 \xe2\x82\xac", "0 bytes"),
    ("fixed", True, b"tea 3   caf\xc3\xa9 125 \xe2\x82\xac   ", "6 bytes"),
    ("delimiter", True, b"tea 3\ncaf\xc3\xa9 12\n5 \xe2\x82\xac\n", "3 bytes"),
    ("prefix", True, b"\0\0\0\x05tea 3\0\0\0\x08caf\xc3\xa9 12\0\0\0\x055 \xe2\x82\xac", "12 bytes"),
    ("connection", True, b"tea 3caf\xc3\xa9 125 \xe2\x82\xac", "3 connects")])
def test_each_framing_step_by_step_a_byte_at_a_time(hand, cure, right, wire, adds):
    hand.give(cure, Messages=WORDS)
    hand.sendall(3)
    hand.give(At_most=1)
    while not hand.talk.complete:
        hand.recv()
    assert b"".join(came.data for came in hand.talk.recvs) == wire
    words = "✓ right" if right else f"✗ wrong: {len(wire)} messages"
    hand.until_row(cure, 1, words)
    assert hand.row(cure)[2] == adds
    if right:
        assert hand.talk.understood == [each.encode() for each in WORDS.split(" | ")]


def test_a_reply_for_each_recv_is_waited_for(hand):
    hand.give("reply")
    hand.sendall()
    hand.until(r'sent message 1 of 3, b"3"\. The customer waits for the reply, in recv\(2\)', "said")
    assert hand.button("sendall")["aria-disabled"] == "true"
    hand.recv()
    hand.until("The reply has come", "said")
    hand.sendall()
    hand.recv()
    hand.sendall()
    hand.recv(1)
    hand.until("It was the last: shutdown", "said")             # though two bytes are still there
    hand.recv(1, times=2)
    hand.until_row("reply", 1, "✗ wrong: 22, not 265")
    assert hand.row("reply")[0] == '"3" "12" "2" "5" "0"' and hand.row("reply")[2] == "3 replies"


def test_recv_waits_where_nothing_is_and_a_send_ends_it(hand):
    hand.click("recv")
    hand.until(r"The till waits in recv\(4096\)", "said")
    assert hand.button("recv")["aria-disabled"] == "true"
    hand.sendall()
    hand.until(r'recv\(4096\) brought b"3": all of send 1', "said")
    hand.give("connection")
    hand.sendall()
    hand.recv(times=2)
    hand.until(r'gave b"": the end of this connection, and so of its message', "said")
    hand.click("recv")
    hand.until("The till waits for a connection", "said")
    hand.sendall()
    hand.until("all of send 2", "said")


def test_recv_and_sendall_at_once_are_of_one_run(hand):
    fields = hand.fields()
    for action in ("recv", "sendall"):
        hand.send({"do": action, "fields": fields})
    hand.until('brought b"3": all of send 1', "said")


@pytest.mark.parametrize("cure, waits", [("none", "till"), ("connection", "till"), ("reply", "customer")])
@pytest.mark.parametrize("end", ["Close all", "close", "another run"])
def test_the_end_of_a_run_ends_what_waits(hand, cure, waits, end):
    hand.give(cure)
    hand.click("recv" if waits == "till" else "sendall")
    hand.until(f"The {waits} waits", "said")
    talk = hand.talk
    if end == "close":
        began = time.monotonic()
        hand.panel.close()
        assert time.monotonic() - began < 2
    elif end == "Close all":
        hand.click("Close all")
        hand.until("Everything is closed. sendall or Run begins anew", "said")
        hand.sendall()
    else:
        hand.give("prefix")
        hand.run()
        hand.until("Length prefix: three sends, .* The till is right", "said")
    assert talk.halt.is_set() and talk.till.fileno() < 0


def test_other_messages_or_another_framing_begin_anew(hand):
    hand.sendall(2)
    first = hand.talk
    hand.give(Messages="4 | 5")
    hand.sendall()
    assert hand.talk is not first and hand.talk.messages == [b"4", b"5"]
    hand.give("delimiter")
    hand.sendall()
    hand.give(Mark=";")
    hand.sendall(2)
    hand.recv()
    hand.until_row("delimiter", 1, "✓ right: 9")
    hand.sendall()                                          # all has come: it begins again
    assert len(hand.talk.sends) == 1 and hand.talk.mark == b";"


# --- the link -----------------------------------------------------------------------------------------------------

def test_a_slow_link_shows_what_is_on_the_way(hand):
    hand.give(Delay=100)
    hand.until("The link: 100 ms each way, a round trip of 200 ms", "said")
    hand.sendall(2)
    hand.until("now: 3 bytes on the way", "stage")
    hand.until("now: 3 bytes in the till's kernel", "stage")
    hand.recv()
    hand.until('brought b"312"', "said")


def test_a_link_that_cuts_cuts_by_its_seed(hand):
    cuts = set()
    hand.give(Cuts=2)
    hand.until("cuts into pieces of 1 to 2 bytes, by the seed 1", "said")
    for seed in (1, 1, 2, 3):
        hand.give(Seed=seed)
        hand.give(Messages="abcdefgh")
        hand.run()
        hand.until_row("none", 1, "right")                     # all at once: they have come together
        link = hand.talk.link
        cuts.add((seed, tuple(p.size for p in link.passed_now())))
        assert max(p.size for p in link.passed_now()) <= 2
    assert len(cuts) == 3                                       # the same seed, the same cuts


# --- what is typed ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("label, value, button, words", [
    ("At most", "0", "recv", "0 is out of range. Give how many bytes, 1 to 65536."),
    ("At most", "abc", "Run", '"abc" is not a number. Give how many bytes, 1 to 65536.'),
    ("Seed", "x", None, '"x" is not a number. Give a seed, 0 to 999999.'),
    ("Delay", "10000", None, "10000 is out of range. Give delay, in ms, 0 to 100."),
    ("Messages, | between", "|".join("1234567890123"), "sendall", "Those are 13 messages. Give 12 at most."),
    ("Messages, | between", "m" * 201, "sendall", "That is 201 bytes. Give 200 at most, all messages together."),
    ("Messages, | between", "a\\x", "Run each", r"\x is none of \n, \r, \t, \0 and \\."),
    ("Messages, | between", "\ud83d", "sendall", "Of one character only a half has come, shown as \ufffd. Type it again."),
    ("Mark", "", "sendall", r"A mark has 1 to 8 bytes, such as \n.")])
def test_a_bad_value_is_told_beside_its_field_and_nothing_else_happens(hand, label, value, button, words):
    hand.choose("Framing", "delimiter")
    hand.until("ends with a mark", "said")
    hand.type(label, value)
    if button:
        hand.click(button)
    wait_until(lambda: hand.error(label) == words)
    assert hand.panel._sentence == NOTHING and hand.talk is None and hand.control(label)["aria-invalid"] == "true"


def test_a_message_that_holds_the_mark_is_refused_before_a_byte_is_sent(hand):
    hand.give("delimiter", Messages="tea | 2,50", Mark=",")
    hand.click("sendall")
    hand.until("Nothing was sent: see beside the field", "said")
    assert hand.error("Messages, | between").startswith('Message 2, "2,50": the mark b\',\' begins in this message, at byte 1')
    assert hand.talk is None and hand.row("delimiter")[1] == "✗ wrong: it cannot carry them"
    hand.goal("Let a message hold the delimiter")
    hand.give("prefix")
    hand.run()
    assert hand.row("prefix")[1] == "✓ right" and not hand.error("Messages, | between")


@pytest.mark.parametrize("label, value, mend", [
    ("Messages, | between", "tea\\n3", "tea 3"), ("Messages, | between", "m" * 201, "tea"), ("Mark", "", ";")])
def test_after_a_refusal_the_strip_is_named_as_the_run_before(hand, label, value, mend):
    hand.give("delimiter")
    hand.run()
    hand.until("Framing: delimiter now: 9 bytes received", "stage")
    assert not hand.page("stage").find(class_="nl-past")
    hand.type(label, value)
    hand.click("Run")
    hand.until("The run before, framing: delimiter", "stage")
    assert hand.page("stage").find(class_="nl-past").find("svg") and "now:" not in hand.text("stage")
    hand.type(label, mend)
    hand.run()
    hand.until("Framing: delimiter now", "stage")
    assert not hand.page("stage").find(class_="nl-past")


def test_a_run_that_goes_on_after_a_refusal_is_not_of_before(hand):
    hand.sendall(2)
    hand.type("Messages, | between", "a\\x")
    hand.click("sendall")
    hand.until("The run before, framing: none", "stage")
    hand.recv()
    hand.until("Framing: none now: 3 bytes received", "stage")


def test_empty_messages(hand):
    for cure, words in (("none", "✗ wrong: 2 messages"), ("fixed", "✓ right"), ("delimiter", "✓ right"), ("prefix", "✓ right"),
                        ("connection", "✓ right")):
        hand.give(cure, Messages="a || b", At_most=1)
        hand.run()
        hand.until_row(cure, 1, words)
    hand.give("none", Messages="")
    hand.run()
    hand.until_row("none", 1, "✗ wrong: 0 messages")
    hand.give("reply", Messages="a || b")
    hand.click("sendall")
    wait_until(lambda: "Message 2 is empty" in hand.error("Messages, | between"))
    hand.give("connection", Messages="||")
    hand.sendall(3)
    hand.recv(times=3)
    hand.until_row("connection", 1, "✓ right")


def test_half_a_character_is_shown_as_the_bytes_that_it_is(hand):
    hand.give(Messages="5 € 🙂", At_most=1)
    hand.run()
    hand.until(r'understood: "5" " " "\\xe2" "\\x82" "\\xac"', "stage")
    hand.until_row("none", 1, "✗ wrong: 10 messages")


def test_hostile_messages_are_shown_not_obeyed(hand):
    hand.give(Messages="<script>alert(1)</script> | <img src=x onerror=alert(1)>")
    hand.run("Run each")
    hand.click("Show the code")
    hand.until("img src", "head")
    for html in hand.parts().values():
        assert "<script" not in html and "<img" not in html


def test_the_longest_messages_stay_small_in_the_page(hand):
    hand.give(Messages=" | ".join(["m" * (LONGEST // 12)] * 12), At_most=1, Cuts=1)
    hand.choose("Spacing", "turns")
    hand.run("Run each")
    hand.until("right with 4 of 6", "said")
    assert max(map(len, hand.parts().values())) < 120_000


# --- at once ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("spacing", [key for key, _ in SPACINGS])
def test_a_run_with_an_empty_message_comes_to_its_end(hand, spacing):
    hand.give(Messages="a || b")
    hand.choose("Spacing", spacing)
    hand.run()
    hand.until("None: three sends, .* All has come", "said")
    assert b"".join(rerun(hand)) == b"ab"


def test_a_run_that_cannot_end_is_ended(hand, monkeypatch):
    monkeypatch.setattr("netlab.panels.framing_wire.LIMIT", .2)
    monkeypatch.setattr("netlab.panels.framing_wire.Talk.send", lambda talk: talk.halt.wait(.01))       # nothing goes out
    hand.click("Run")
    hand.until(r"Not all has come within 0.2 seconds", "said")
    wait_until(lambda: not hand.panel._running)
    assert hand.talk.halt.is_set()


@pytest.mark.parametrize("spacing", [key for key, _ in SPACINGS])
@pytest.mark.parametrize("size, cuts", [(4096, 0), (1, 0), (2, 2)])
def test_framing_is_right_however_it_is_sent_cut_and_received(hand, spacing, size, cuts):
    hand.panel.rates = {(key, 0): 1.0 for key in CURES}     # nothing is measured here
    hand.give(Messages=WORDS, At_most=size, Cuts=cuts)
    hand.choose("Spacing", spacing)
    hand.run("Run each")
    hand.until(rf"Each was tried with recv\({size}\): the till is right with [4-6] of 6", "said")
    wait_until(lambda: all(hand.row(key)[1] == "✓ right" for key in (*STREAMS, "connection"))
               and hand.row("none")[1].startswith(("✓", "✗")))
    assert hand.row("none")[1].startswith("✗") or (spacing != "all" and size == 4096)
    if size == 1:
        hand.goal(r"Run each, recv\(1\): what does each add")


@pytest.mark.parametrize("chosen", CURES)
def test_after_run_each_the_strip_is_of_the_framing_that_is_chosen(hand, chosen):
    hand.panel.rates = {(key, 0): 1.0 for key in CURES}
    hand.give(chosen, At_most=1)
    hand.run("Run each")
    assert hand.talk.cure.key == chosen and all(hand.panel.tried[key].how == "recv(1)" for key in CURES)
    hand.until(f"Framing: {CURES[chosen].name} now: [0-9]+ bytes received", "stage")
    apart = "At a broken line a connection ends." in hand.text("stage")
    assert apart == (chosen == "connection")


def test_a_pause_is_right_till_the_till_is_slow(hand):
    hand.panel.rates = {("none", 0): 1.0}
    hand.give("none", At_most=4096)
    hand.choose("Spacing", "slow")
    hand.run()
    assert any(len(hand.talk.touched(came)) > 1 for came in hand.talk.recvs)
    hand.until_row("none", 1, "✗ wrong")


def test_all_at_once_comes_with_one_recv_and_one_by_one_does_not(hand):
    for _ in range(20):
        hand.choose("Spacing", "all")
        hand.run()
        assert [came.data for came in hand.talk.recvs] == [b"312250", b""]
    hand.choose("Spacing", "turns")
    hand.run()
    assert [came.data for came in hand.talk.recvs] == [b"3", b"12", b"250", b""]
    hand.until_row("none", 1, "✓ right: 265")


def test_a_connection_per_message_keeps_their_order_over_a_link_that_cuts(hand):
    hand.panel.rates = {("connection", 0): 1.0}
    hand.give("connection", Messages="a long one | b | c | d", Cuts=3)
    for seed in range(10):
        hand.give(Seed=seed)
        hand.run()
        assert hand.talk.understood == hand.talk.messages


def test_what_it_costs_is_measured_and_waiting_costs_a_round_trip(hand):
    hand.give(Delay=10)
    hand.run("Run each")
    prices = {key: hand.row(key)[3:] for key in CURES}
    assert prices["none"] == ["–", "–"] and all(near == "–" for near, _ in prices.values())
    far = {key: float(price[1].replace(",", "")) for key, price in prices.items() if price[1] != "–"}
    assert set(far) >= {"reply", *STREAMS} and ("connection" in far) == (not Network.why())
    assert far["reply"] <= 50                               # no faster than the delay allows
    hand.goal("Run each, 10 ms")
    hand.give("reply", Delay=0)
    hand.run()
    hand.until(r"Measured: [0-9,]+ messages a second\.", "said")
    assert hand.row("reply")[3] != "–" and hand.row("reply")[4] == prices["reply"][1]


def test_while_it_runs_nothing_else_can_be_begun(hand):
    hand.give("reply", Delay=100)
    hand.click("Run")
    wait_until(lambda: hand.talk is not None)
    talk = hand.talk
    for _ in range(3):
        for action in ("sendall", "recv", "run", "run_each"):
            hand.send({"do": action, "fields": hand.fields()})
    assert [hand.button(each)["aria-disabled"] for each in ("sendall", "recv", "Run", "Run each")] == ["true"] * 4
    assert not hand.page("controls").find(class_="nl-main")
    wait_until(lambda: not hand.panel._running, 20)
    assert hand.talk is talk


@pytest.mark.parametrize("when", ["run", "price"])
@pytest.mark.parametrize("end", ["Close all", "close"])
def test_it_can_be_ended_in_the_middle_of_a_run(hand, when, end):
    hand.give("reply" if when == "run" or Network.why() else "connection", Delay=100)   # that one is priced by a Network
    hand.click("Run")
    if when == "price":
        hand.until("Measuring its price", "said")
    else:
        wait_until(lambda: hand.talk and hand.talk.sends)
    if end == "close":
        began = time.monotonic()
        hand.panel.close()
        assert time.monotonic() - began < 4
        return
    hand.click("Close all")
    hand.until("Everything is closed", "said")
    wait_until(lambda: not hand.panel._running)
    assert hand.talk is None and "Everything is closed" in hand.text("said")
    hand.give(Delay=0)
    hand.run()
    hand.until("All has come", "said")


# --- the code -----------------------------------------------------------------------------------------------------

def rerun(hand):
    """What the lines behind "Show the code" understand."""
    names = {}
    exec(hand.panel.code(), names)
    for name in ("customer", "conn", "till"):
        if name in names:
            names[name].close()
    names["link"].stop()
    return names["understood"]


@pytest.mark.parametrize("cure", CURES)
def test_the_code_of_single_steps_runs(hand, cure):
    hand.give(cure, At_most=2)
    waits = cure == "reply"
    hand.sendall(1 if waits else 2)
    while not hand.talk.complete:
        hand.recv()
        if hand.talk.left:
            hand.sendall()
    wait_until(lambda: hand.panel.code().count("shutdown") or cure == "connection")
    assert rerun(hand) == hand.talk.understood


@pytest.mark.parametrize("spacing", [key for key, _ in SPACINGS])
@pytest.mark.parametrize("cure", CURES)
def test_the_code_of_a_run_runs(hand, cure, spacing):
    hand.panel.rates = {(cure, 0): 1.0}
    hand.give(cure, Messages=WORDS, Cuts=3)
    hand.choose("Spacing", spacing)
    hand.run()
    hand.until("All has come", "said")
    found = rerun(hand)
    assert b"".join(found) == b"".join(hand.talk.messages)
    if cure in (*STREAMS, "connection") or (spacing == "all" and cure == "none"):
        assert found == hand.talk.understood


def test_the_code_says_what_was_measured_and_closed(hand):
    hand.give("delimiter", Delay=5)
    hand.until("The link: 5 ms", "said")
    hand.run()
    assert "with cures.by_link(delay=0.005) as (far_till, connect):" in hand.panel.code()
    hand.click("Close all")
    hand.until("Everything is closed", "said")
    code = hand.panel.code()
    assert code.endswith("customer.close()\nconn.close()\ntill.close()\nlink.stop()")
    exec(code, {})
    for value in (10, 15, 20):
        hand.give(Delay=value)
    hand.sendall()
    for value in (10, 15, 20):
        hand.give(Delay=value)
        hand.until(f"The link: {value} ms", "said")
    assert hand.panel.code().count("link.delay = ") == 1


# --- the values behind it -----------------------------------------------------------------------------------------

def test_what_a_reader_may_type():
    assert [read_messages(text) for text in ("3 | 12|250", "", "|")] == [[b"3", b"12", b"250"], [b""], [b"", b""]]
    assert unescaped(r"a\n\\n\0") == "a\n\\n\0" and read_mark(r"\r\n") == b"\r\n"
    for text in ("\\", "\\q"):
        with pytest.raises(ValueError, match="is none of"):
            unescaped(text)


@pytest.mark.parametrize("cure", [CURES[key] for key in (*STREAMS, "connection")], ids=lambda cure: cure.key)
def test_every_cut_is_understood(cure):
    messages = [b"3", b"", b"12 x", "5 €".encode()]
    wires = made(cure, messages, b"\n")
    assert [wire[own_part(cure, message, wire).start:own_part(cure, message, wire).stop] for message, wire in zip(messages, wires)
            ] == messages
    streams = [[wire] for wire in wires] if cure.connects else [wires]
    for size in range(1, sum(map(len, wires)) + 1):
        reader, found = Reader(cure, messages, b"\n"), []
        for stream in streams:
            data = b"".join(stream)
            for at in range(0, len(data), size):
                found += reader.take(data[at:at + size])
            found += reader.take(b"") if cure.connects else []
        assert found == messages and reader.pending == b""


def test_what_cannot_be_carried():
    with pytest.raises(FramingError, match="Message 2 is empty"):
        made(CURES["reply"], [b"a", b""], b"\n")
    with pytest.raises(FramingError, match=r'Message 1, "a;": the mark'):
        made(CURES["delimiter"], [b"a;"], b";")


@pytest.mark.parametrize("messages, understood, words", [
    ([b"3", b"12"], [b"3", b"12"], "right: 15"), ([b"3", b"12"], [b"312"], "wrong: 312, not 15"),
    ([b"3", b"12"], [b"3", b"\n12x"], "wrong: ValueError"), ([b"3", b"12"], [b"12", b"3"], "wrong: others"),
    ([b"a"], [b"a"], "right"), ([b"a", b"b"], [b"ab"], "wrong: 1 message"), ([b"a", b"b"], [b"b", b"a"], "wrong: others"),
    ([b"1", b"0"], [b"1"], "wrong: 1 message")])
def test_right_and_wrong_in_words(messages, understood, words):
    assert judged(messages, understood) == words


def test_a_list_of_messages_has_its_room():
    assert listed([]) == "nothing" and listed([b"a", b""]) == '"a" ""'
    for room in range(10, 60):
        assert len(listed([b"m" * 60] * 3, room)) <= max(room, 13)
        assert len(listed([b"m"] * 30, room)) <= max(room, 13)


# --- what is true, and hostile readers -----------------------------------------------------------------------------

def test_what_the_panel_says_is_in_the_kernel(hand):
    hand.give("prefix", Cuts=4, Delay=5)
    hand.sendall(3)
    hand.recv(5, times=2)
    wait_until(lambda: hand.talk.arrived == hand.talk.size)
    there = PLAIN.recv(hand.talk.conn, 1000, socket.MSG_PEEK)
    hand.until(f"now: {len(there)} bytes in the till's kernel, {18 - len(there)} bytes received", "stage")
    assert len(there) == hand.talk.size - hand.talk.received
    if (queue := kernel.receive_queue(hand.talk.conn)) is not None:
        assert queue == len(there)


@pytest.mark.parametrize("seed", range(6))
def test_hostile_readers_leave_nothing(seed, hand, monkeypatch):
    monkeypatch.setattr("netlab.panels.framing_wire.LIMIT", 1)
    chance = random.Random(seed)
    for _ in range(50):
        act(hand, chance)
    assert "an error of its own" not in hand.text("said")
    hand.give(cure="fixed", Messages="3 | 12", At_most="9", Delay="0", Cuts="0", Seed="1")
    hand.click("Close all")
    wait_until(lambda: not hand.panel._running, 20)
    hand.give(At_most="9")
    hand.run()
    hand.until_row("fixed", 1, "✓ right: 15")


# --- in a real kernel ---------------------------------------------------------------------------------------------

CELL = "from netlab.panels import FramingPanel\npanel = FramingPanel()\npanel"


def test_in_a_kernel_by_comm_messages():
    process = Kernel()
    try:
        bundle = process.run(CELL)
        assert bundle["text/plain"] == FramingPanel.plain and "wrong: 312,250" in bundle["text/html"]
        assert len(process.state) == 2                              # the panel's one widget, and its layout
        hand = process.hand()
        hand.until("Press sendall")
        hand.type("Messages, | between", "<b>1 | 2")
        hand.click("sendall")
        hand.until("message 1 of 2")
        hand.click("recv")
        hand.until("brought b\"<b>1\"")
        hand.click("recv")
        hand.until(r"The till waits in recv\(4096\)")
        assert process.run("21 * 2", "c2")["text/plain"] == "42"    # the kernel itself is free
        process.run(CELL)
        count = "import threading\nsum(any(word in t.name for word in ('netlab', 'link')) for t in threading.enumerate())"
        assert process.run(count, "c3")["text/plain"] in "12"       # of the new one: no link is left
        assert process.stderr == ""
    finally:
        process.close()
