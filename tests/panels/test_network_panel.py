"""NetworkPanel, driven by its own buttons: real packets over a real network of one's own."""
import random
import re
import socket
import threading
import time
from dataclasses import replace

import pytest
from conftest import need
from hands import Hand
from stress_panels import agree_on_the_network, hostile

from netlab.kernel import wait_until
from netlab.network import Network, Packets
from netlab.panels import NetworkPanel, exchange
from netlab.panels.exchange import checksum, echo_request

NOTHING = "Nothing was done: see beside the field."


class NetworkHand(Hand):
    """A Hand that sends, and that chooses cables."""

    def talk(self, by="TCP", message="hello", times=1, *, again=False, **ends):
        """Send, and wait for what came of it. On a busy machine a kernel may send again what was not lost: only where the
        test is about that is it in the answer."""
        self.begin(by, message, times, **ends)
        self.until_done()
        said = self.text("said")
        return said if again else re.sub(r" after \d+ segments? w\w+ sent again", "", said)

    def begin(self, by="TCP", message="hello", times=1, **ends):
        for label, value in {**{end.capitalize(): name for end, name in ends.items()}, "By": by}.items():
            self.choose(label, value)
        self.type("Message", message)
        self.type("Times", str(times))
        number = self.panel._count
        self.until_ready()
        self.click("Send")
        wait_until(lambda: self.panel.exchange is not None and self.panel.exchange.number == number + 1)

    def until_ready(self):
        wait_until(lambda: self.button("Send").get("aria-disabled") is None, 10)

    def until_done(self):
        wait_until(lambda: self.panel.exchange.done and self.panel._sentence and self.panel._sentence in self.text("said"), 10)
        self.until_ready()

    def cable(self, name, **values):
        """Choose a cable, and change it."""
        self.click(name)
        wait_until(lambda: self.page("controls").find(class_="nl-cable").get_text() == name)
        for label, value in values.items():
            self.type({"loss": "Loss %", "duplicate": "Duplicate %", "reorder": "Reorder %", "delay": "Delay ms"}[label], value)

    def rows(self):
        """The rows of the ladder that are in view: (number, who, what, "before", "now" or "later")."""
        return [(*(each.get_text() for each in row.find_all(["span", "b", "code"])), row["class"][0].removeprefix("nl-"))
                for row in self.page("stage").find_all("li") if row.get("aria-hidden") is None]

    def marks(self):
        """What the map says of each cable."""
        text = self.page("stage").find("desc").get_text()
        return dict(line.split(": ", 1) for line in text.splitlines() if "-" in line.partition(":")[0])


@pytest.fixture
def why():
    need(not Network.why(), Network.why())


@pytest.fixture
def hand(why, no_leaks, capfd):
    with NetworkPanel() as panel:
        yield NetworkHand(panel)
    assert capfd.readouterr().err == ""             # nothing of ours ends as a traceback


@pytest.fixture
def short(monkeypatch):
    """What waits in vain does so for a third of a second."""
    monkeypatch.setattr(exchange, "LIMIT", 1 / 3)


@pytest.fixture
def net(why, no_leaks):
    """alice and bob, and one cable."""
    with Network() as made:
        made.cable(made.host("alice"), made.host("bob"))
        yield made


@pytest.fixture
def pair(net, capfd):
    """A panel for that."""
    with NetworkPanel(net) as panel:
        yield NetworkHand(panel)
    assert capfd.readouterr().err == ""


def with_payload(data, keep=None):
    """A function for a cable that takes out the frames with this in them: the first `keep` of them, or all."""
    left = [keep]

    def through(frame):
        if data not in frame or left[0] == 0:
            return frame
        if left[0]:
            left[0] -= 1
        return None
    return through


def test_each_protocol_by_hand(hand):
    hand.until("Choose who sends what to whom", "said")
    assert hand.talk() == "bob answered. The data went by south."
    hand.click("Show the code")
    hand.until(r"sock\.sendall\(b'hello'\).*server\.stop\(\)", "head")
    assert hand.talk("UDP", times=3) == "bob answered all 3 datagrams. The data went by south."
    assert [each.payload for each in hand.panel.exchange.packets if each.sender == "alice" and each.payload] == [
        b"hello 1", b"hello 2", b"hello 3"]
    said = hand.talk("ping", **{"from": "bob", "to": "east"})
    assert said.startswith("east answered in ") and said.endswith("ms. The data went directly.")
    assert not [each for each in hand.panel.exchange.packets if "TCP" in each or "UDP" in each]


def test_the_code_does_the_same(hand):
    hand.talk()
    hand.talk("UDP")
    hand.talk("ping")
    hand.cable("north-east", loss="20", delay="1.5")
    hand.until("delay 1.5 ms, loss 20 %")
    hand.click("Cut")
    hand.until("north-east is cut")
    names = {}
    exec(hand.panel.code(), names)
    with names["net"] as made:
        passed = made.packets
        assert made.cables[1].is_cut and made.cables[1].loss == 0.2 and made.cables[1].delay == 0.0015
        assert {b"hello"} == {each.payload for each in passed} - {b""} and passed.of("UDP") and passed.of("ICMP")


def test_the_cable_at_the_start_is_the_last_one_that_packets_take(hand):
    def chosen():
        return hand.page("controls").find(class_="nl-cable").get_text()

    wait_until(lambda: chosen() == "south-bob")
    hand.choose("From", "bob")
    wait_until(lambda: chosen() == "alice-south")
    hand.panel.network.cables[3].cut()              # as from another cell
    wait_until(lambda: chosen() == "alice-north", 5)
    hand.click("Cut")                               # from now on it is the reader's
    hand.until("alice-north and alice-south are cut", "said")
    hand.panel.network.cables[3].mend()
    hand.until("alice-south: whole", "stage")
    assert chosen() == "alice-north" and "Mend" in hand.buttons()


def test_cut_and_mend(hand):
    hand.talk()
    hand.talk()
    hand.cable("south-bob")
    hand.click("Cut")
    hand.until("south-bob is cut: packets go by north and east.", "said")
    assert hand.marks()["south-bob"] == "cut" and hand.text("more").count("✓") == 0
    assert hand.talk() == "bob answered. The data went by north and east."
    hand.until("✓ Send by the short way, cut it, .*Each router has a table", "more")
    hand.click("Mend")
    hand.until("south-bob is whole again. Packets from alice to bob go by south.", "said")
    assert hand.talk() == "bob answered. The data went by south." and "Cut" in hand.buttons()


def test_without_a_way(hand, short):
    for name in ("south-bob", "north-east"):
        hand.cable(name)
        hand.click("Cut")
        hand.until(f"{name}.* cut: ", "said")
    hand.until("north-east and south-bob are cut: no way leads from alice to bob.", "said")
    assert "Network is unreachable" in hand.talk("TCP")
    assert "# sock.connect((bob.address, 7)) raised OSError" in hand.panel.code() and "sendall" not in hand.panel.code()
    assert "north sent word by ICMP, network unreachable" in hand.talk("UDP")


def test_a_segment_is_lost_and_sent_again(net, pair):
    net.cables[0].through = with_payload(b"hello", 1)
    assert pair.talk(again=True) == "bob answered after 1 segment was sent again. The data went directly."
    assert "sock.recv(1024)" in pair.panel.code() and "raised" not in pair.panel.code()
    pair.until(f"✓ Let TCP lose a segment .*gives up after {exchange.LIMIT} seconds", "more")
    assert any(row[1:3] == ("alice’s kernel", "bytes 1-5 to bob, again: no ACK came") for row in everything(pair))


def test_a_datagram_is_lost_and_nobody_sends_it_again(net, pair, short):
    net.cables[0].through = with_payload(b"hello")
    assert "Nothing came back in" in (said := pair.talk("UDP"))
    assert said.endswith("seconds: the datagram was stopped by the function on alice-bob.")
    pair.until("✓ Send once, then lose a datagram of UDP", "more")
    net.cables[0].through = None
    pair.cable("alice-bob", loss="100")
    pair.until("loss 100 %", "said")
    assert pair.talk("UDP").endswith("seconds: the datagram was lost on alice-bob.")
    assert any("lost on" in row[2] for row in everything(pair))


@pytest.mark.parametrize("by, call", [("UDP", "connect(bob, 7)"), ("ping", "connect(bob, 0)")])
def test_what_is_lost_half_way_was_for_bob(hand, short, by, call):
    hand.talk()                                     # ARP is over
    hand.cable("south-bob", loss="100")
    hand.until("loss 100 %", "said")
    hand.talk(by)
    assert "; " in hand.marks()["south-bob"] and hand.marks()["south-bob"].endswith("from south, lost")
    rows = [row[1:3] for row in everything(hand)]
    assert ("alice", call) in rows
    assert any(who == "alice’s kernel" and words.endswith(" to bob, lost on south-bob") for who, words in rows)
    assert by == "ping" or ("bob", "bind(bob, 7)") in rows


@pytest.mark.parametrize("by, what", [("UDP", "datagram"), ("TCP", "segment")])
def test_what_no_arp_found_an_address_for_never_left(hand, short, by, what):
    hand.cable("south-bob", loss="100")
    hand.until("loss 100 %", "said")
    assert hand.talk(by).endswith(f" seconds: the ARP question was lost on south-bob, so the {what} never left south.")
    assert "✓" not in hand.text("more") and "Send once, then lose a datagram of UDP." in hand.text("more")


def test_where_arp_is_lost_in_words(hand, short):
    hand.talk("UDP")
    exchange = hand.panel.exchange
    question, answer = exchange.packets.of("ARP").where(lambda packet: packet.cable == "south-bob")
    lost, late = replace(question, fate="lost", arrivals=()), replace(answer, fate="cut", arrivals=())
    said = []
    for packets in ([lost] * 3, [late], [lost, late], [replace(lost, sender="bob", receiver="south")]):
        exchange.packets = Packets(packets)
        said.append(exchange._why())
    assert said == ["3 ARP questions were lost on south-bob, so the datagram never left south",
                    "the ARP answer was lost at the cut in south-bob, so the datagram never left south",
                    "the ARP question was lost on south-bob, and the ARP answer was lost at the cut in south-bob, "
                    "so the datagram never left south",
                    "the ARP question was lost on south-bob, so the answer never left bob"]


def test_what_an_earlier_exchange_still_sends_is_not_of_this_one(net, pair, short):
    handshake = iter("123")
    net.cables[0].through = lambda frame: None if b"other" in frame or (frame[23] == 6 and not next(handshake, "")) else frame
    assert pair.talk("TCP").startswith("Nothing came back")
    first = pair.panel.exchange.packets[-1].number
    pair.talk("UDP", "other")                       # no answer either: meanwhile the segment goes once more
    wait_until(lambda: net.packets_now().where(lambda packet: packet.number > first).of("TCP"))
    pair.panel.exchange.look()
    assert pair.panel.exchange.packets.of("UDP") and not pair.panel.exchange.packets.of("TCP")


def test_an_answer_is_lost(net, pair, short):
    net.cables[0].through = lambda frame: None if frame.sender == "bob" and b"hello" in frame else frame
    assert pair.talk("UDP").endswith("the answer was stopped by the function on alice-bob.")
    assert pair.talk("ping", times=2).endswith("2 packets were stopped by the function on alice-bob.")


def test_datagrams_overtake_each_other(pair):
    pair.cable("alice-bob", reorder="50")
    pair.until("reorder 50 %", "said")
    assert " overtook hello " in pair.talk("UDP", times=9)
    pair.until("✓ Send several datagrams", "more")


def test_the_cable_that_is_chosen_already_leaves_what_the_reader_types(pair):
    pair.cable("alice-bob")
    puts = dict(pair.panel._puts)
    pair.panel._by_hand = False
    pair.panel._choose_on_the_way("alice", "bob")
    assert pair.panel._puts == puts


def test_a_datagram_comes_twice_and_is_one_answer(pair):
    pair.cable("alice-bob", duplicate="100")
    pair.until("duplicate 100 %", "said")
    assert pair.talk("UDP", times=2) == "bob answered all 2 datagrams. hello 1 came twice on alice-bob."
    assert pair.talk("TCP") == "bob answered. hello came twice on alice-bob."      # and the program has it once


def everything(hand):
    """All rows of the ladder, gone through from the first to the last."""
    hand.click("First")
    wait_until(lambda: hand.panel.step == 1)
    hand.until("step 1 of ", "stage")
    rows = [hand.rows()[0]]
    while hand.button("Next").get("aria-disabled") is None:
        before = hand.text("stage")
        hand.click("Next")
        wait_until(lambda: hand.text("stage") != before)
        rows.append(next(row for row in hand.rows() if row[-1] == "now"))
    return rows


def test_step_by_step_through_the_ladder(hand):
    hand.talk()
    whole = {"alice-south": "whole; bytes 1-5 from alice", "south-bob": "whole; bytes 1-5 from south"}
    assert whole.items() <= hand.marks().items()        # what is seen first is the way of the message
    rows = everything(hand)
    assert [int(row[0]) for row in rows] == list(range(1, len(rows) + 1))
    assert ("alice", 'sendall(b"hello")') in [row[1:3] for row in rows]
    assert [row[-1] for row in hand.rows()] == ["before"] * 4 + ["now"]
    hand.click("First")
    wait_until(lambda: [row[-1] for row in hand.rows()] == ["now", *["later"] * 4])
    assert all(hand.button(name).get("aria-disabled") == "true" for name in ("First", "Previous"))
    sent = next(int(row[0]) for row in rows if row[1:3] == ("alice’s kernel", "bytes 1-5 to bob"))
    for _ in range(sent - 1):
        hand.click("Next")
    hand.until(f"step {sent} of", "stage")
    assert hand.marks() == dict.fromkeys(("alice-north", "north-east", "east-bob"), "whole") | whole
    hand.click("Last")
    hand.until(f"step {len(rows)} of", "stage")
    hand.click("The ladder")
    wait_until(lambda: hand.page("more").find("img"))
    assert hand.page("more").img["alt"].startswith("Ladder of packets and calls")
    hand.click("Hide the ladder")
    wait_until(lambda: not hand.page("more").find("img"))


def test_the_packets_of_a_ping_stand_between_its_calls(hand):
    hand.talk("ping")
    words = [row[2].partition("(")[0] for row in everything(hand)]
    assert words == ["settimeout", "connect", "send", "ICMP echo request to bob", "ICMP echo reply to alice", "recv", "close"]


def test_while_it_waits(net, pair):
    net.cables[0].through = with_payload(b"hello")
    pair.begin("UDP")
    pair.until("alice waits in recv", "said")
    assert pair.button("Send")["aria-disabled"] == "true"
    pair.panel.on_send("")                      # as from a page that has not heard of it yet
    pair.until("alice still waits. Send again when", "said")
    pair.cable("alice-bob", delay="20")         # meanwhile cables can be changed
    pair.until("delay 20 ms", "stage")
    assert ("alice’s kernel", 'b"hello" to bob, lost on the cable') in [row[1:3] for row in pair.rows()]


@pytest.mark.parametrize("label, text, words", [
    ("Message", "", "There is nothing to send"), ("Message", "é" * 101, "at most 200"), ("Times", "abc", '"abc" is not a number'),
    ("Times", "10", "1 to 9"), ("Times", "0", "1 to 9")])
def test_what_cannot_be_sent_is_told_beside_its_field(hand, label, text, words):
    hand.type(label, text)
    hand.click("Send")
    wait_until(lambda: words in hand.error(label))
    assert hand.text("said") == NOTHING and hand.panel.exchange is None and hand.panel._count == 0


@pytest.mark.parametrize("label, text", [("Loss %", "101"), ("Loss %", "-1"), ("Delay ms", "2001"), ("Reorder %", "abc"),
                                         ("Duplicate %", "1e1"), ("Loss %", ""), ("Loss %", "nan"), ("Loss %", "٣")])
def test_what_a_cable_cannot_do_is_told_beside_its_field(hand, label, text):
    hand.cable("south-bob")                         # else the panel may choose one just now, with its own values
    hand.type(label, text)
    wait_until(lambda: "is not allowed. Give" in hand.error(label))
    assert hand.text("said") == NOTHING
    assert all(value == "whole" for value in hand.marks().values())


def test_a_cable_that_another_cell_changes_is_seen(net, pair):
    assert pair.value("Loss %") == "0"
    net.cables[0].loss = 0.125
    wait_until(lambda: pair.value("Loss %") == "12.5", 5)
    pair.until("loss 12.5 %", "stage")
    net.cables[0].cut()
    wait_until(lambda: "Mend" in pair.buttons(), 5)


def test_what_a_function_on_a_cable_raises_is_told(net, pair, short):
    def broken(frame):
        raise KeyError("mine")
    net.cables[0].through = broken
    pair.begin("UDP")
    pair.until("The function on a cable raised KeyError: 'mine'", "said")


def test_bytes_are_data_and_never_markup(hand):
    hand.talk("UDP", message="<script>&")
    assert "<script" not in "".join(hand.parts().values()) and "<script>&" in hand.panel.code()
    everything(hand)
    assert "<script" not in "".join(hand.parts().values())


def test_close_all_and_begin_anew(hand):
    hand.cable("south-bob", loss="30")
    hand.until("loss 30 %", "said")
    helper = hand.panel.network._process.child
    hand.click("Close all")
    hand.until("Everything is closed; Send makes a new network.", "said")
    assert helper.poll() is not None and not [each for each in threading.enumerate() if each.name.startswith("server")]
    hand.click("Cut")                               # of a network that is gone
    assert hand.talk() == "bob answered. The data went by south." and hand.value("Loss %") == "0"


@pytest.mark.parametrize("by", ["TCP", "UDP", "ping"])
def test_closing_ends_what_waits(why, no_leaks, by):
    with Network() as net:
        net.cable(net.host("alice"), net.host("bob")).through = with_payload(b"hello")
        with NetworkPanel(net) as panel:
            hand = NetworkHand(panel)
            hand.begin(by)
            hand.until("alice waits in recv", "said")
            began = time.monotonic()
        assert time.monotonic() - began < 1.5
        with net.hosts["alice"].socket(type=socket.SOCK_DGRAM) as sock:     # a network of the reader's goes on
            assert sock.sendto(b"x", (net.hosts["bob"].address, 9)) == 1


def test_a_network_of_the_readers_that_is_closed(net, pair):
    net.close()
    assert pair.talk() == "This network is closed."
    pair.click("Cut")
    pair.type("Loss %", "7")
    pair.until("This network is closed.", "said")


def test_another_network_as_it_is(why, no_leaks):
    with Network() as net, NetworkPanel(net) as panel:
        hand = NetworkHand(panel)
        hand.until("Choose who", "said")
        assert hand.buttons()[:2] == ["Show the code", "Close all"] and "Send" not in hand.buttons()     # nobody is there
        net.router("r"), net.host("lambda"), net.host("me")
        wait_until(lambda: "Send" in hand.buttons(), 5)
        assert (hand.value("From"), hand.value("To")) == ("lambda", "me")       # hosts before routers
        hand.choose("From", "me")
        wait_until(lambda: hand.value("To") == "lambda")
        hand.click("Send")
        hand.until("Nothing was done: me has no cable, and so no address.", "said")
        net.cable(net.hosts["me"], net.hosts["r"])
        net.cable(net.hosts["r"], net.hosts["lambda"])
        wait_until(lambda: "r-lambda" in hand.buttons(), 5)
        assert hand.talk(**{"from": "me", "to": "lambda"}) == "lambda answered. The data went by r."
        assert "with net.hosts['lambda']:" in panel.code() and "me = net.hosts['me']" in panel.code()
    with pytest.raises(TypeError, match=r"network must be a netlab\.network\.Network, not 7"):
        NetworkPanel(7)


def test_where_there_is_no_network_it_says_why_and_shows_itself_in_use(no_leaks, monkeypatch):
    monkeypatch.setattr(Network, "why", staticmethod(lambda: "A network of your own needs Linux; this is Plan 9."))
    with NetworkPanel() as panel:
        hand = Hand(panel)
        assert hand.text("said") == "A network of your own needs Linux; this is Plan 9."
        assert not hand.labels() and "Send" not in hand.buttons() and hand.page("stage").img["alt"]
        assert hand.text("controls") == hand.text("more") == "" and not hand.buttons() and panel.network is None


@pytest.mark.parametrize("seed", range(3))
def test_a_hostile_reader(hand, monkeypatch, seed):
    monkeypatch.setattr(exchange, "LIMIT", 0.1)
    hostile(hand, random.Random(seed), 25, agree_on_the_network)


def test_an_echo_request_is_what_rfc_792_says():
    message = echo_request(0x1234, 7, b"abc")
    assert message[:2] == b"\x08\x00" and message[4:] == b"\x12\x34\x00\x07abc"
    assert checksum(message) == 0 and checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2     # RFC 1071, 3
