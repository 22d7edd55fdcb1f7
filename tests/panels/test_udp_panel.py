"""UdpPanel, driven by its own buttons: real datagrams over a real link."""
import random
import re
import socket
import time
from contextlib import suppress

import pytest
from hands import Hand, Kernel
from stress_panels import act

from netlab import Link, kernel
from netlab.kernel import wait_until
from netlab.network.fates import Impairment
from netlab.panels.udp import MOST, RECEIVERS, ROW, SENDERS, UdpPanel
from netlab.panels.udp_ends import BIGGEST
from netlab.panels.udp_tcp import LIMIT
from netlab.sockets import PLAIN

NOTHING = "Nothing was done: see beside the field."


class UdpHand(Hand):
    """A Hand with the steps of a talk by datagrams."""

    def sendto(self, **fields):
        """Fill in these fields, and press sendto."""
        for label, value in fields.items():
            self.type(label.replace("_", " "), value)
        self.click("sendto")

    def bad(self, **values):
        for label, value in values.items():
            self.type(label, str(value))
        self.until(f"The link: .*{list(values)[-1].lower()} {list(values.values())[-1]}", "said")

    def do(self, action):
        """Press the button of that action: two of them say recvfrom."""
        wait_until(lambda: self.page().find("button", attrs={"data-do": action, "aria-disabled": None}))
        self.press(self.page().find("button", attrs={"data-do": action}))

    def recv(self, count=1024):
        self.type("At most", str(count))
        self.do("recvfrom")

    def box(self, name):
        wait_until(lambda: self.page().find("button", value=name))
        self.press(self.page().find("button", value=name))

    def of(self, name):
        """The words of one end."""
        return " ".join(self.page("stage").find("div", attrs={"data-key": name}).get_text(" ").split())

    def until_of(self, name, pattern):
        try:
            wait_until(lambda: re.search(pattern, self.of(name)), 10)
        except TimeoutError:
            raise AssertionError(f"{pattern!r} is not in {self.of(name)!r}") from None

    def goal(self, words):
        self.until(f"✓ {words}", "more")


@pytest.fixture
def hand(no_leaks, capfd):
    with UdpPanel() as panel:
        hand = UdpHand(panel)
        hand.until("Receiver 1 is bound to its port")
        hand.type("Message", "hello")
        yield hand
    assert capfd.readouterr().err == ""             # nothing of ours ends as a traceback


def there(peer):
    """What lies in the kernel of a socket: it is taken out."""
    found = []
    PLAIN.setblocking(peer.sock, False)
    with suppress(BlockingIOError):
        while True:
            found.append(PLAIN.recvfrom(peer.sock, 65_535)[0])
    PLAIN.setblocking(peer.sock, True)
    return found


def test_one_datagram_there_and_an_answer_back(hand):
    assert hand.page("controls").find(class_="nl-main").get_text() == "sendto"
    hand.sendto()
    hand.until(r"Sender 1 sent 1 datagram to receiver 1\.", "said")
    hand.until_of("receiver 1", 'port [0-9]+ .*h e l l o|hello 68656c6c6f 1 datagram, not received yet')
    wait_until(lambda: hand.page("controls").find(class_="nl-main")["data-do"] == "recvfrom")
    hand.recv()
    hand.until("Receiver 1 received 5 bytes from sender 1: one datagram, whole.", "said")
    hand.until_of("receiver 1", r'nothing in its kernel recvfrom\(1024\) → b"hello"')
    hand.type("Answer", "yes!")
    hand.do("answer")
    hand.until("Receiver 1 answered sender 1, by the address from recvfrom", "said")
    hand.until_of("sender 1", "yes! 79657321 1 datagram here")
    hand.until("receiver 1 → sender 1 .*receiver → sender, 1 sent: it came through", "stage")
    hand.do("hear")
    hand.until("Sender 1 received 4 bytes from receiver 1", "said")
    hand.click("The whole story")
    hand.until(r"recvfrom\(1024\)", "more")


def test_each_recvfrom_brings_one_datagram_and_the_borders_are_drawn(hand):
    hand.sendto(Message="tea", How_many="3")
    hand.until("Sender 1 sent 3 datagrams to receiver 1", "said")
    hand.until_of("receiver 1", "3 datagrams, not received yet, the next 2 drawn")
    first, second = hand.page("stage").find("div", attrs={"data-key": "receiver 1"}).svg.find_all("path")
    assert first["fill"] != second["fill"] and [path["d"].count("M") for path in (first, second)] == [5, 5]
    for n in (1, 2, 3):
        hand.recv()
        hand.until_of("receiver 1", f'→ b"tea {n}"')
    hand.goal("Send 3 at once")


def test_what_does_not_fit_is_gone(hand):
    hand.sendto(Message="hello", How_many="2")
    hand.until_of("receiver 1", "2 datagrams")
    hand.recv(2)
    hand.until("Receiver 1 received 2 bytes of a datagram of 7 bytes from sender 1. The rest is gone: .*MSG_TRUNC", "said")
    hand.recv(100)
    hand.until_of("receiver 1", r'nothing in its kernel recvfrom\(100\) → b"hello 2"')
    hand.goal("Send tea, and recvfrom 2 bytes")


@pytest.mark.parametrize("message, times", [("", "1"), ("", "3")])
def test_an_empty_datagram_is_a_datagram(hand, message, times):
    hand.sendto(Message=message, How_many=times)
    hand.until_of("receiver 1", f"empty bytes .*{times} datagrams?, not received yet")
    for n in range(int(times)):
        hand.recv()
        hand.until_of("receiver 1", "nothing in its kernel" if n + 1 == int(times) else f"{int(times) - n - 1} datagram")
        hand.until(r"Receiver 1 received an empty datagram from sender 1: a message of 0 bytes\.", "said")
    hand.goal("Send an empty message")


def test_hex_and_hostile_bytes_are_shown_not_obeyed(hand):
    hand.choose("As", "hex")
    hand.sendto(Message="00 ff 3c 62 3e")
    hand.recv()
    hand.until_of("receiver 1", re.escape(r'b"\x00\xff<b>"'))
    hand.choose("As", "text")
    hand.sendto(Message="<script>alert(1)</script><img src=x onerror=alert(1)>")
    hand.recv(2000)
    hand.until_of("receiver 1", "<script>alert")
    hand.click("Show the code")
    hand.until("img src", "head")
    for html in hand.parts().values():
        assert "<script" not in html and "<img" not in html


@pytest.mark.parametrize("size", [1, 1472, 65_506, 65_507])
def test_any_datagram_that_ipv4_can_carry(hand, size):
    hand.sendto(Message="m" * size)
    hand.until_of("receiver 1", "1 datagram, not received yet")
    hand.recv(65_535)
    hand.until(f"Receiver 1 received {size:,} bytes?", "said")
    assert max(map(len, hand.parts().values())) < 90_000
    assert size < 80 or "# the first 40 bytes" in hand.panel.code()


@pytest.mark.parametrize("label, value, act, words", [
    ("Message", "m" * 65_508, "sendto", "That is 65,508 bytes. A datagram over IPv4 carries 65,507 at most."),
    ("How many", "11", "sendto", "11 is out of range. Give how many messages, 1 to 10."),
    ("How many", "some", "sendto", '"some" is not a number. Give how many messages, 1 to 10.'),
    ("At most", "0", "recvfrom", "0 is out of range. Give how many bytes, 1 to 65535."),
    ("Seed", "x", None, '"x" is not a number. Give a seed, 0 to 999999.'),
    ("Loss", "101", None, "101 is out of range. Give loss in %, 0 to 100.")])
def test_a_bad_value_is_told_beside_its_field_and_nothing_else_happens(hand, label, value, act, words):
    code = hand.panel.code()
    hand.type(label, value)
    if act:
        hand.do(act)
    wait_until(lambda: hand.error(label) == words)
    assert hand.panel._sentence == NOTHING and hand.panel.code() == code and not hand.panel.receiver.doing
    assert hand.control(label)["aria-invalid"] == "true" and not hand.panel.bursts


def test_several_messages_have_numbers_which_count(hand):
    hand.sendto(Message="m" * (BIGGEST - 2), How_many="10")
    wait_until(lambda: hand.error("Message") == "That is 65,508 bytes. A datagram over IPv4 carries 65,507 at most.")
    hand.choose("As", "hex")
    hand.sendto(Message="0g", How_many="1")
    wait_until(lambda: '"0g" is not hex' in hand.error("Message"))


def test_the_fates_are_those_of_the_seed_and_a_replay_has_them_again(hand):
    hand.bad(Loss=30, Duplicate=30, Reorder=30)
    hand.sendto(How_many="10")
    hand.until("Sender 1 sent 10 datagrams to receiver 1: 3 were lost, 1 came twice, 2 were overtaken", "said")
    hand.goal("See one lost")
    impairment = Impairment(.3, .3, .3, seed=1)
    lost = [n for n in range(1, 11) if not impairment.fate(n, "client 1 to the server").copies]
    first = hand.panel.bursts[0].fates()
    assert [n for n, (fate, _) in enumerate(first, 1) if fate == "lost"] == lost
    hand.click("Replay")
    hand.until("The same 10 messages, seed 1 from its beginning: the same fates", "said")
    assert hand.panel.bursts[0].fates() == first
    hand.type("Seed", "2")
    hand.until("seed 2", "said")
    hand.click("Replay")
    hand.until("The same 10 messages, seed 2: other fates", "said")
    hand.goal("Replay that")
    assert "link_1.seed = 2\nlink_1.rewind()" in hand.panel.code()


def test_several_bursts_are_replayed_as_they_were(hand):
    hand.bad(Loss=50, Reorder=50)
    hand.sendto(How_many="3")
    hand.until("Sender 1 sent 3 datagrams to receiver 1: ", "said")
    hand.click("Add a sender")
    hand.box("sender 2")
    hand.sendto(How_many="4")
    hand.until("Sender 2 sent 4 datagrams to receiver 1", "said")
    wait_until(lambda: all(burst.over() for burst in hand.panel.bursts))
    before = [burst.fates() for burst in hand.panel.bursts]
    for _ in range(3):
        hand.say_anew()
        hand.click("Replay")
        hand.until("The same 7 messages, seed 1 from its beginning: the same fates", "said")
        assert [burst.fates() for burst in hand.panel.bursts] == before


def test_the_latest_exchange_is_drawn_and_all_of_a_replay(hand):
    for n in (1, 2):
        hand.sendto(Message="abc"[n], How_many=str(n + 1))
        hand.until(f"{n + 1} sent: all came through", "stage")
    hand.click("Replay")
    hand.until("5 sent: all came through", "stage")
    hand.recv()
    hand.until("received", "said")
    hand.do("answer")
    hand.until("receiver 1 → sender 1 .*1 sent: it came through", "stage")
    hand.box("sender 1")
    hand.until("sender 1 → receiver 1 .*5 sent: all came through", "stage")


def test_dice_go_on_from_press_to_press_and_begin_anew_after_many(hand):
    hand.bad(Loss=50)
    numbers = []
    for _ in range(ROW // MOST + 1):
        hand.say_anew()
        hand.sendto(How_many=str(MOST))
        hand.until("Sender 1 sent 10", "said")
        wait_until(lambda: hand.panel.bursts and hand.panel.bursts[-1].over())
        numbers.append(hand.panel.bursts[-1].first)
    assert numbers == [1, 11, 21, 1]


def test_a_slow_link_shows_what_is_on_its_way(hand):
    hand.bad(Delay=300)
    hand.sendto(How_many="2")
    hand.until("Sender 1 sent 2 datagrams to receiver 1: on the way", "said")
    hand.until("2 are on their way|all are on their way", "stage")
    hand.until(r"Sender 1 sent 2 datagrams to receiver 1\.", "said")
    hand.until_of("receiver 1", "2 datagrams")


def test_recvfrom_waits_where_nothing_is_and_a_send_ends_it(hand):
    hand.recv()
    hand.until(r"Receiver 1 waits in recvfrom\(1024\)", "said")
    hand.until_of("receiver 1", r"waits in recvfrom\(1024\)")
    assert "nl-waiting" in hand.page("stage").find("button", value="receiver 1")["class"]
    assert hand.page().find("button", attrs={"data-do": "recvfrom"})["aria-disabled"] == "true"
    assert [call for _, call in hand.panel.timeline.pending()] == ["recvfrom(…)"]
    hand.sendto()
    hand.until("Receiver 1 received 5 bytes from sender 1", "said")
    assert hand.panel.timeline.pending() == []


@pytest.mark.parametrize("who, end", [("recvfrom", "close"), ("recvfrom", "Close all"), ("hear", "Close all")])
def test_close_ends_a_wait(hand, who, end):
    hand.do(who)
    hand.until(r"waits in recvfrom\(1024\)", "said")
    hand.click(end)
    hand.until("close ended the wait" if end == "close" else "Everything is closed", "said")
    assert re.search(r"# \w+.recvfrom\(1024\) waited until close", hand.panel.code())
    assert not [e for e in hand.panel.timeline.events if e.method == "recvfrom"]       # no call was made up


def test_sendto_to_a_closed_receiver_succeeds(hand):
    hand.sendto(How_many="2")
    hand.until_of("receiver 1", "2 datagrams")
    hand.click("close")
    hand.until("Receiver 1 is closed, and 2 datagrams in its kernel are gone", "said")
    hand.sendto(How_many="1")
    hand.until("Sender 1 sent 1 datagram to receiver 1. Nobody has bound that port now, and sendto succeeded", "said")
    hand.goal("Close the receiver")
    hand.until("receiver nobody", "stage")
    port = hand.panel.receiver.address[1]
    hand.click("bind")
    hand.until("Receiver 1 is bound to its port again", "said")
    assert hand.panel.receiver.port == port
    hand.sendto(Message="back")
    hand.recv()
    hand.until_of("receiver 1", 'b"back"')


def test_a_full_buffer_drops_and_it_is_said(hand):
    hand.choose("Buffer", "small")
    hand.until(r"The receive buffer of receiver 1 now holds [\d,]+ bytes", "said")
    hand.sendto(How_many="10")
    if kernel.LINUX:
        hand.until("The buffer of receiver 1 is full: its kernel dropped [1-9] datagrams?", "said")
        hand.until_of("receiver 1", "dropped: buffer full")
    wait_until(lambda: not hand.panel.pending("link"))
    count = len(hand.panel.receiver.here)
    assert there(hand.panel.receiver) == [f"hello {n}".encode() for n in range(1, count + 1)]
    hand.choose("Buffer", "usual")
    wait_until(lambda: not hand.panel.receiver.small)
    wait_until(lambda: not hand.panel.receiver.here)        # there() has taken them
    hand.sendto(How_many="10")
    hand.until_of("receiver 1", "10 datagrams")


def test_four_senders_three_receivers_and_each_hears_its_own(hand):
    for n in range(2, SENDERS + 1):
        hand.click("Add a sender")
        hand.until(f"sender {n}", "stage")
    for n in range(2, RECEIVERS + 1):
        hand.click("Add a receiver")
        hand.until(f"Receiver {n} is bound", "said")
    assert [hand.button(f"Add a {kind}").get("aria-disabled") for kind in ("sender", "receiver")] == ["true", "true"]
    hand.send({"do": "add_sender", "fields": {}})
    for sender, receiver in ((1, 3), (4, 3), (2, 1)):
        hand.box(f"sender {sender}")
        hand.box(f"receiver {receiver}")
        hand.sendto(Message=f"from {sender}")
        hand.until(f"Sender {sender} sent 1 datagram to receiver {receiver}", "said")
        hand.recv()
        hand.until(f"Receiver {receiver} received 6 bytes from sender {sender}", "said")
        hand.do("answer")
        hand.until_of(f"sender {sender}", "1 datagram here")
    assert len(hand.panel.senders) == SENDERS
    hand.box("sender 4")
    hand.do("hear")
    hand.until("Sender 4 received 1 byte from receiver 3", "said")


def test_a_strangers_datagram_is_shown_and_its_answer_goes_to_it(hand):
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.settimeout(5)
        stranger.bind(("127.0.0.1", 0))
        stranger.sendto(b"who?", hand.panel.receiver.link.address)
        hand.until_of("receiver 1", "who\\? .*1 datagram")
        hand.recv()
        hand.until(f"received 4 bytes from port {stranger.getsockname()[1]}", "said")
        hand.do("answer")
        assert stranger.recv(10) == b"3"
        stranger.sendto(b"straight", hand.panel.receiver.address)      # past the link
        hand.until_of("receiver 1", "straight .*1 datagram")
        hand.sendto()
        hand.until_of("receiver 1", "2 datagrams")
        hand.recv()
        hand.until("received 8 bytes from port", "said")
        hand.recv()
        hand.until("received 5 bytes from sender 1", "said")


def test_the_same_over_tcp(hand):
    hand.bad(Loss=30, Reorder=30)
    hand.sendto(How_many="6", Message="tea")
    hand.until("Sender 1 sent 6 datagrams", "said")
    wait_until(lambda: hand.panel.bursts[0].over())
    lost = sum(fate == "lost" for fate, _ in hand.panel.bursts[0].fates())
    assert lost
    hand.click("The same over TCP")
    hand.until("Over TCP all came, once and in order", "said")
    hand.until("tea 1tea 2tea 3tea 4tea 5tea 6", "more")
    hand.until(r"\d+ recvs? \([\d +…]+ bytes\), the last after 0\.\d\d s", "more")
    hand.until(f"{lost} lost, .* of 6 {lost} held back 0.2 s or more", "more")
    assert hand.panel.race.seconds > .2
    hand.sendto(How_many="1")
    wait_until(lambda: "over UDP" not in hand.text("more"))            # the table was of other messages


def test_the_same_over_tcp_comes_to_an_end_where_all_is_lost(hand, monkeypatch):
    monkeypatch.setattr("netlab.panels.udp_tcp.LIMIT", .3)
    hand.bad(Loss=100)
    hand.sendto(How_many="2")
    hand.until("2 were lost", "said")
    hand.click("The same over TCP")
    hand.until("Over TCP not all of it after", "said")
    monkeypatch.setattr("netlab.panels.udp_tcp.LIMIT", LIMIT)
    hand.say_anew()
    hand.click("The same over TCP")
    hand.until("go over TCP, too", "said")
    began = time.monotonic()
    hand.panel.close()
    assert time.monotonic() - began < 2


def test_an_empty_message_is_nothing_in_tcp(hand):
    hand.sendto(Message="", How_many="2")
    hand.until_of("receiver 1", "2 datagrams")
    hand.click("The same over TCP")
    hand.until("arrived empty · empty nothing", "more")


def test_close_all_leaves_the_panel_usable(hand):
    hand.bad(Loss=10)
    hand.sendto(How_many="3")
    hand.until("Sender 1 sent 3", "said")
    hand.click("Close all")
    hand.until("Everything is closed. bind makes a receiver and its link anew", "said")
    assert not any(each.open for each in hand.panel.peers) and hand.panel.receiver.link is None
    hand.sendto()
    hand.until("Receiver 1 has no port yet: bind it first", "said")
    hand.click("bind")
    hand.until("Receiver 1 is bound to its port, and a link leads to it", "said")
    assert hand.panel.receiver.link.loss == .1
    hand.sendto(How_many="2")
    hand.until("Sender 1 sent 2 datagrams", "said")


def test_the_code_is_what_was_done_and_runs(hand):
    hand.bad(Loss=30, Duplicate=30)
    hand.sendto(How_many="5")
    hand.until("Sender 1 sent 5 datagrams", "said")
    wait_until(lambda: hand.panel.bursts[0].over() and hand.panel.receiver.here)
    hand.recv(3)
    hand.until("received 3 bytes", "said")
    hand.do("answer")
    hand.until_of("sender 1", "1 datagram|nothing")
    hand.click("close")
    hand.until("is closed", "said")
    lines = hand.panel.code().splitlines()
    assert lines[:8] == [
        "import socket", "from netlab import Link, Timeline", "", "timeline = Timeline()",
        'receiver_1 = timeline.socket(socket.AF_INET, socket.SOCK_DGRAM, name="receiver 1")',
        "receiver_1.bind(('127.0.0.1', 0))", "receiver_1_address = receiver_1.getsockname()",
        "link_1 = Link(receiver_1_address, seed=1, timeline=timeline)"]
    assert "link_1.loss = 0.3" in lines and "data, receiver_1_heard = receiver_1.recvfrom(3)" in lines
    names = {}
    exec(hand.panel.code(), names)
    with names["sender_1"]:
        link = names["link_1"]
        mine = [(p.fate, p.came) for p in link.passed if p.toward == "server"]
        assert mine == hand.panel.bursts[0].fates()
        link.stop()


def test_what_a_slider_passes_is_one_line_of_the_code(hand):
    for value in ("5", "10", "15"):
        hand.type("Loss", value)
        hand.until(f"The link: loss {value} %, seed 1", "said")
        assert hand.control("Loss")["aria-valuetext"] == f"{value} %"
    assert hand.panel.code().count("link_1.loss = ") == 1
    hand.type("Loss", "0")
    hand.until("The link: whole, seed 1", "said")


def test_what_the_panel_says_is_in_the_kernel(hand):
    """A bad link, and no recvfrom for a while: what is drawn is what is there."""
    hand.bad(Loss=20, Duplicate=40, Reorder=40)
    for n in range(5):
        hand.say_anew()
        hand.sendto(Message=f"m{n}", How_many="7")
        hand.until("Sender 1 sent 7", "said")
        wait_until(lambda: hand.panel.bursts[-1].over())
    hand.panel.see()
    shown = [each.piece.data for each in hand.panel.receiver.here]
    assert shown == there(hand.panel.receiver)


def test_what_is_seen_in_the_kernel_before_the_link_tells_of_it_is_counted_once(hand, monkeypatch):
    late, passed_now = [], Link.passed_now
    monkeypatch.setattr(Link, "passed_now", lambda link: passed_now(link) if late else [])
    hand.sendto()
    hand.until_of("receiver 1", "1 datagram, not received yet")
    late.append(True)
    hand.panel.see()
    assert [(each.piece.send, each.who) for each in hand.panel.receiver.here] == [(0, "sender 1")]
    late.clear()
    hand.sendto(How_many="2")
    hand.recv()
    hand.until("received 5 bytes", "said")
    hand.recv()
    hand.until("received 7 bytes", "said")          # the link has not told of it yet
    late.append(True)
    hand.panel.see()
    assert [(each.piece.send, each.piece.data) for each in hand.panel.receiver.here] == [(2, b"hello 2")]
    assert not hand.panel.receiver.early


def drained(hand):
    """Everything has come to rest: what the panel has of each kernel is what is there."""
    panel = hand.panel

    def at_work():          # all but a recvfrom that waits; "Close all" may be under way, too
        with panel._lock:
            jobs = [job for actor in panel._actors for job in actor.pending]
        return [job for job in jobs if not (job[1] == "recvfrom" and job[0].doing)]

    wait_until(lambda: not at_work(), LIMIT + 2)
    for receiver in panel.receivers:
        if receiver.link is not None:
            receiver.link.still(3)
    panel.see()
    for each in panel.peers:
        if each.open and not each.doing:
            shown = [(here.piece.size, here.piece.data) for here in each.here]
            assert shown == [(len(data), data[:1024]) for data in there(each)], each.name
    panel.see()                                     # nothing is there now


@pytest.mark.parametrize("seed", range(20))
def test_no_sequence_of_actions_leaves_a_thread_a_traceback_or_an_untrue_word(hand, seed, monkeypatch):
    monkeypatch.setattr("netlab.panels.udp_tcp.LIMIT", .5)
    chance = random.Random(seed)
    for _ in range(40):
        act(hand, chance)
        if chance.random() < .1:
            drained(hand)
    drained(hand)
    assert "an error of its own" not in hand.text(), hand.text("said")


@pytest.mark.parametrize("content", [
    None, [], "x", {}, {"do": 5}, {"do": "bind"}, {"do": "press"}, {"do": "sendto", "fields": 7}, {"do": "set", "about": "x"},
    {"do": "sendto", "fields": {"message": "x"}}, {"do": "choose", "about": None}, {"do": "answer"}, {"do": "replay"},
    {"do": "tcp"}, {"do": "buffer", "fields": {"buffer": [None, 0]}}, {"do": "choose", "about": "receiver 9"}])
def test_a_message_that_no_page_sends_does_no_harm(hand, content):
    hand.panel.wire._handle_custom_msg(content, [])
    hand.sendto(Message="hello", How_many="1")
    hand.until_of("receiver 1", "[12] datagrams?, not received yet")


def test_it_closes_while_things_are_on_their_way(no_leaks):
    for _ in range(5):
        with UdpPanel() as panel:
            hand = UdpHand(panel)
            hand.until("is bound")
            hand.bad(Delay=500)
            hand.sendto(How_many="3")
            hand.recv()
            hand.until("waits in recvfrom", "said")
            began = time.monotonic()
        assert time.monotonic() - began < 2


def test_a_port_that_was_taken_meanwhile_is_told(hand):
    hand.click("close")
    hand.until("is closed", "said")
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(hand.panel.receiver.address)
        hand.click("bind")
        hand.until("Receiver 1: bind raised OSError: Address already in use", "said")
    hand.click("bind")
    hand.until("Receiver 1 is bound to its port again", "said")


# --- in a real kernel ---------------------------------------------------------------------------------------------

CELL = "from netlab.panels import UdpPanel\npanel = UdpPanel()\npanel"


def test_in_a_kernel_by_comm_messages():
    process = Kernel()
    try:
        bundle = process.run(CELL)
        assert bundle["text/plain"] == UdpPanel.plain and "not received yet" in bundle["text/html"]
        assert len(process.state) == 2                              # the panel's one widget, and its layout
        hand = process.hand()
        hand.until("is bound to its port")
        hand.type("Message", "<b>from afar</b>")
        hand.click("sendto")
        hand.until("Sender 1 sent 1 datagram")
        hand.press(hand.page().find("button", attrs={"data-do": "recvfrom"}))
        hand.until("received 16 bytes")
        hand.press(hand.page().find("button", attrs={"data-do": "recvfrom"}))
        hand.until(r"waits in recvfrom\(1024\)")
        assert process.run("21 * 2", "c2")["text/plain"] == "42"    # the kernel itself is free
        process.run(CELL)
        assert process.run("import threading\nsum('netlab' in t.name for t in threading.enumerate())", "c3")["text/plain"] in "23"
        assert process.stderr == ""
    finally:
        process.close()
