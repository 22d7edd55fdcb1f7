"""TcpPanel, driven by its own buttons: in this process, and in a real kernel over comm messages."""
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT
from hands import Hand, Kernel
from stress_panels import hostile

from netlab import kernel, serve, upper
from netlab.kernel import wait_until
from netlab.panels.tcp import MAX_CLIENTS, TcpPanel

NOTHING = "Nothing was done: see beside the field."


class TcpHand(Hand):
    """A Hand with the steps of a TCP conversation."""

    def start(self, does="echo", **fields):
        self.choose("Server does", does)
        for label, value in fields.items():
            self.type(label, value)
        self.click("Start")
        self.until("The server listens")

    def client(self, n=1):
        wait_until(lambda: self.row(n))             # a page cannot choose sooner
        self.press(self.row(n).button)
        return next(client for client in self.panel.clients if client.key == str(n))

    def connect(self, n=1):
        client = self.client(n)
        self.click("connect")
        self.until(f"Client {n} is connected")
        return client

    def send_message(self, message, n=1, hex=False):
        self.client(n)
        self.type("Message", message)
        self.choose("As", "hex" if hex else "text")
        self.click("sendall")

    def recv(self, count, n=1):
        self.client(n)
        self.type("At most", str(count))
        self.click("recv")

    def row(self, n=1):
        """What is drawn of a client: its box, what lies between, its last call."""
        return self.page("stage").find("div", attrs={"data-key": str(n)})

    def until_row(self, pattern, n=1):
        def words():
            return " ".join(self.row(n).get_text(" ").split())
        try:
            wait_until(lambda: re.search(pattern, words(), re.S), 10)
        except TimeoutError:
            raise AssertionError(f"{pattern!r} is not in {words()!r}") from None


@pytest.fixture
def hand(no_leaks, capfd):
    with TcpPanel() as panel:
        yield TcpHand(panel)
    assert capfd.readouterr().err == ""             # nothing of ours ends as a traceback


def test_a_conversation_by_hand(hand):
    hand.start("upper")
    hand.connect()
    hand.until("LISTEN port [0-9]+ · 1 client · backlog 0/128", "stage")
    hand.until_row("ESTABLISHED → to the server nothing ← to the client nothing")
    hand.send_message("hello, 世界")
    hand.until(r"Client 1 sent 13 bytes\. 13 bytes from the server wait in the kernel of client 1\.")
    hand.until_row("to the client .*HELLO,␣······ 48454c4c4f2c20e4b896e7958c .*13 bytes , not received yet")
    hand.recv(5)
    hand.until_row(r'to the client .*,␣.* 2c20e4.*8 bytes , not received yet .*recv\(5\) → b"HELLO"')
    assert "4f2c" not in hand.row().find("svg").get_text()
    hand.recv(100)
    hand.until_row("to the client nothing")
    hand.click("shutdown(WR)")
    hand.until("Client 1 ended its sending; it can still receive")
    hand.until("client 1 ended its sending", "stage")
    hand.recv(10)
    hand.until('Client 1 received b"": the peer has ended its sending.')
    hand.click("close")
    hand.until("Client 1 is closed")
    hand.until_row("client 1 closed no connection")
    hand.click("Stop")
    hand.until("The server is stopped")
    hand.click("The whole story")
    hand.until("bind", "more")
    hand.click("Hide the story")
    wait_until(lambda: hand.page("more").svg is None)


def test_sends_stick_and_the_strip_shows_it(hand):
    hand.start("echo")
    hand.connect()
    for message, total in (("one", 3), ("two", 6), ("three", 11)):
        hand.send_message(message)
        hand.until(f"{total} bytes from the server wait")       # else the server could echo two of them in one
    hand.recv(4)
    hand.until_row("7 bytes, not received yet")
    first, second = hand.row().svg.find_all("path")
    assert first["fill"] != second["fill"] and [path["d"].count("M") for path in (first, second)] == [2, 5]
    hand.until_row(r'recv\(4\) → b"onet" · bytes of two sends')
    hand.recv(100)
    hand.until_row("bytes of two sends")


@pytest.mark.parametrize("end", ["sendall", "Stop", "other"])
def test_a_call_that_waited_is_told_but_not_typed_as_a_line_that_would_wait_for_ever(hand, end):
    hand.start("upper")
    hand.connect()
    hand.recv(1024)
    wait_until(lambda: hand.row().find(class_="nl-waits"))
    if end == "other":
        hand.click("Add a client")
        hand.connect(2)
        hand.send_message("from two", 2)
        hand.until("Client 2 sent")
    hand.client(1)
    hand.click("Stop" if end == "Stop" else "sendall")
    hand.until_row("recv.1024. →")
    names = {}
    wait_until(lambda: "# client_1.recv(1024) waited while the rest went on" in hand.panel.code())
    exec(hand.panel.code(), names)          # comes to its end
    names["client_1"].close()
    names["server"].stop()


def test_what_stop_ended_is_not_told_as_the_clients_end_and_a_new_server_begins_a_new_log(hand):
    hand.start("upper")
    hand.connect()
    hand.send_message("hello")
    hand.until("from client 1 hello", "stage")
    hand.click("Stop")
    hand.until("The server is stopped")
    assert "ended its sending" not in hand.text("stage") and "from client 1 hello" in hand.text("stage")
    hand.click("Start")
    hand.until("LISTEN", "stage")
    assert "from client 1" not in hand.text("stage") and hand.control("Server does").has_attr("disabled")


def test_goals_tick_themselves_off_and_say_what_was_seen(hand):
    assert hand.text("more").count("○") == 4 and "no border" not in hand.text()
    hand.start("upper")
    hand.connect()
    hand.send_message("hello")
    hand.until("5 bytes from the server wait")
    hand.recv(3)
    hand.until("✓ Send hello", "more")
    hand.recv(3)
    hand.until_row("to the client nothing")
    for n in (5, 10, 15):
        hand.send_message("again")
        hand.until(f" {n} bytes from the server wait")      # else the server may take two at once
    hand.recv(1024)
    hand.until("✓ With nothing left, send three messages.*and no border between", "more")
    hand.recv(9)
    hand.until_row(r"waits in recv\(9\)")
    hand.click("Add a client")
    hand.connect(2)
    hand.send_message("meanwhile", 2)
    hand.until("✓ Press recv where nothing", "more")
    hand.click("shutdown(WR)")
    hand.until("ended its sending;")
    hand.recv(100, 2)
    hand.until("Client 2 received 9 bytes")
    hand.recv(100, 2)
    hand.until("✓ shutdown", "more")
    assert "○" not in hand.text("more")


def test_the_next_sensible_step_is_the_main_button(hand):
    def main():
        return [button.get_text() for button in hand.page("controls").find_all("button", class_="nl-main")]
    assert main() == ["Start"]
    hand.start("upper")
    assert main() == ["connect"]
    hand.connect()
    assert main() == ["sendall"]
    hand.send_message("hello")
    wait_until(lambda: main() == ["recv"])
    hand.recv(100)
    wait_until(lambda: main() == ["sendall"])
    hand.recv(9)
    wait_until(lambda: main() == ["Add a client"])          # it waits: let another one go on
    hand.click("Stop")
    wait_until(lambda: main() == ["close"])
    hand.start()
    hand.click("close")
    wait_until(lambda: main() == ["connect"])
    hand.connect()
    hand.click("Stop")
    hand.until("The server is stopped")
    assert main() == ["recv"]                               # the end has not been heard yet
    hand.recv(9)
    wait_until(lambda: main() == ["close"])


def test_a_client_whose_server_has_closed_still_shows_what_came(hand):
    hand.start("upper")
    hand.connect()
    hand.send_message("hello")
    hand.until("5 bytes from the server wait")
    hand.click("shutdown(WR)")
    hand.until("ended its sending;")
    wait_until(lambda: hand.panel._links[0].conn.fileno() < 0)
    hand.until_row("to the client .*5 bytes, not received yet")
    hand.recv(2)
    hand.until_row('3 bytes , not received yet .*b"HE"')


def test_after_close_has_ended_a_wait_each_call_is_told_again(hand):
    hand.start("upper")
    hand.connect()
    hand.recv(9)
    hand.until_row("waits in")
    hand.click("close")
    hand.until("close ended the wait")
    hand.send_message("too late")
    hand.until("this socket is closed; connect makes a new one")


def test_a_send_before_connect_is_no_bytes_of_the_story(hand):
    hand.send_message("early")
    hand.until("BrokenPipeError")
    hand.start("upper")
    hand.connect()
    hand.send_message("hello")
    hand.until("5 bytes from the server wait")
    hand.recv(9)
    hand.until('b"HELLO"')
    rows = hand.panel.timeline.rows()
    assert [row.call for row in rows if row.failed] == ['sendall(b"early")']
    heard = next(row for row in rows if row.who.startswith("connection") and row.call.startswith("recv") and row.result)
    assert [rows[cause].call for cause in heard.causes if rows[cause].event.size] == ['sendall(b"hello")']
    assert not [row for row in rows if row.who == "client 1" and row.phase == "start"]      # no recv waited: the bytes were there


def test_the_code_is_what_was_done_and_runs(hand):
    hand.start("upper")
    hand.connect()
    hand.send_message("hello")
    hand.until("5 bytes from the server wait")
    hand.recv(1024)
    hand.until("received 5 bytes")
    hand.click("close")
    hand.until("is closed")
    hand.click("Stop")
    hand.until("is stopped")
    assert hand.panel.code().splitlines() == [
        "import socket", "from netlab import Timeline, serve, upper", "", "timeline = Timeline()",
        "server = serve(upper, timeline=timeline)", 'client_1 = timeline.socket(name="client 1")',
        "client_1.connect(server.address)", "client_1.sendall(b'hello')", "client_1.recv(1024)", "client_1.close()",
        "server.stop()"]
    names = {}
    exec(hand.panel.code(), names)
    assert [row.call for row in names["timeline"].rows() if row.who == "client 1" and row.phase != "start"] == [
        row.call for row in hand.panel.timeline.rows() if row.who == "client 1" and row.phase != "start"]


def test_recv_waits_holds_nobody_up_and_ends_with_close(hand):
    hand.start("echo")
    hand.connect()
    hand.recv(1024)
    hand.until_row(r"waits in recv\(1024\)")
    assert "nl-waiting" in hand.row().button["class"] and hand.button("recv")["aria-disabled"] == "true"
    hand.click("Add a client")
    hand.connect(2)
    hand.send_message("for two", 2)
    hand.until("Client 2 sent 7 bytes")
    hand.client(1)
    hand.click("close")
    hand.until(r"Client 1 was waiting in recv\(1024\); close ended the wait")
    assert "# client_1.recv(1024) waited until close" in hand.panel.code()


def test_one_can_send_while_recv_waits(hand):
    hand.start("echo")
    hand.connect()
    hand.recv(1024)
    hand.until_row(r"waits in recv\(1024\)")
    hand.send_message("ping")
    hand.until_row(r'recv\(1024\) → b"ping"')
    wait_until(lambda: "waits" not in hand.row().get_text())


def test_sendall_waits_when_nobody_reads_and_recv_goes_on(hand):
    hand.start("idle")
    hand.connect()
    hand.send_message("x" * 8_000_000)
    hand.until_row(r"waits in sendall\(")
    hand.until_row(r"to the server .*[\d,]{7,} bytes, not received yet")
    hand.recv(1)
    hand.until_row(r"waits in sendall\(.*\) \+ recv\(1\)")
    hand.click("Close all")
    hand.until("Everything is closed")


def test_a_megabyte_in_one_go(hand):
    hand.start("quiet")
    hand.connect()
    hand.send_message("m" * 1_000_000)
    hand.until("Client 1 sent 1,000,000 bytes")
    wait_until(lambda: hand.panel._links and hand.panel._links[0].conn.received == 1_000_000)
    assert "# the first 40 of 1,000,000 bytes" in hand.panel.code()
    assert max(map(len, hand.parts().values())) < 40_000


@pytest.mark.parametrize("message, as_hex, shown", [
    ("<script>alert(1)</script><img src=x onerror=alert(1)>", False, "&lt;script&gt;"),
    ("00 01 00", True, r"\x00\x01\x00"), ("ff fe c3 28", True, r"\xff\xfe\xc3("), ("a\u202eb", False, r"a\u202eb")])
def test_hostile_bytes_are_shown_not_obeyed(hand, message, as_hex, shown):
    hand.start("echo")
    hand.connect()
    hand.send_message(message, hex=as_hex)
    hand.until("wait in the kernel of client 1")
    wait_until(lambda: hand.parts()["stage"].count(shown) >= 2)        # received and answered
    hand.recv(65536)
    hand.until_row(r"recv\(65536\) →")
    for html in hand.parts().values():
        assert "<script" not in html and "<img" not in html


@pytest.mark.parametrize("port", ["abc", "70000", "-1", ""])
def test_a_bad_port_is_told_and_nothing_else_happens(hand, port):
    hand.type("Port", port)
    hand.click("Start")
    hand.until("(is not a number|is out of range). Give a port, 0 to 65535. 0 lets the kernel choose a free one.")
    assert hand.control("Port")["aria-invalid"] == "true" and hand.value("Port") == port
    assert hand.panel.server is None and hand.panel._sentence == NOTHING and not hand.panel._code


def test_a_used_port_a_bad_host_and_a_foreign_address_are_told(hand):
    with socket.create_server(("127.0.0.1", 0)) as other:
        hand.type("Port", str(other.getsockname()[1]))
        hand.click("Start")
        wait_until(lambda: "is in use by another socket" in hand.error("Port"))
    hand.type("Port", "0")
    for host, words in (("no-such-host.invalid", '"no-such-host.invalid" is no name or address'), ("", "Give a host"),
                        ("192.0.2.77", "192.0.2.77 is not an address of this machine"), ("a" * 300, "is no name"),
                        ("nul\0host", "is no name")):
        hand.type("Host", host)
        hand.click("Start")
        wait_until(lambda: words in hand.error("Host"))
        assert hand.panel.server is None
    hand.start(Host="127.0.0.1")
    wait_until(lambda: not hand.error("Host") and not hand.error("Port"))


def test_bad_input_of_a_client_is_told(hand):
    hand.panel.fields["to_port"] = ""
    for label, value, button, words in (
            ("At most", "0", "recv", "0 is out of range. Give how many bytes, 1 to 65536."),
            ("At most", "abc", "recv", '"abc" is not a number. Give how many bytes, 1 to 65536.'),
            ("Message", "", "sendall", "There is nothing to send.")):
        hand.type(label, value)
        hand.click(button)
        wait_until(lambda: words in hand.error(label))
        assert hand.value(label) == value
    hand.click("connect")
    wait_until(lambda: "Nobody listens yet. Start the server" in hand.error("Connect to port"))
    hand.send_message("0g", hex=True)
    wait_until(lambda: '"0g" is not hex' in hand.error("Message"))
    assert hand.panel.clients[0].sock is None and not hand.panel._code


def test_the_fields_have_the_servers_port_when_it_is_said_that_it_listens(hand):
    for does in ("echo", "upper"):
        hand.start(does)
        fields = hand.fields()
        assert fields["to_port"][0] == fields["port"][0] == str(hand.panel.server.port)
        hand.connect()
        hand.click("Stop")
        hand.until("The server is stopped")
        assert hand.value("Port") == "0"                # as it was asked
        hand.click("close")
        hand.until("Client 1 is closed")


def test_what_was_sent_before_the_panels_own_text_came_there_is_not_taken(hand):
    stale = hand.fields()
    hand.start()
    port = hand.panel.fields["to_port"]
    hand.send({"do": "nothing", "fields": stale})
    assert hand.panel.fields["to_port"] == port != stale["to_port"][0]


def test_nobody_listens_and_no_such_host(hand):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))                # bound and not listening: connect is refused
        hand.type("Connect to port", str(probe.getsockname()[1]))
        hand.click("connect")
        wait_until(lambda: re.match(r"Nobody listens on 127\.0\.0\.1 port \d+", hand.error("Connect to port")))
        hand.until_row("client 1 CLOSED no connection .*ConnectionRefusedError")
    hand.start()
    wait_until(lambda: not hand.error("Connect to port"))
    hand.type("Connect to", "no-such-host.invalid")
    hand.click("connect")
    wait_until(lambda: '"no-such-host.invalid" is no name' in hand.error("Connect to"))


def test_calls_in_a_silly_order_show_the_real_errors(hand):
    hand.send_message("too early")
    hand.until("Client 1: sendall raised BrokenPipeError")
    hand.recv(10)
    hand.until("Client 1: recv raised OSError: .*not connected")
    hand.click("shutdown(WR)")
    hand.until("Client 1: shutdown raised OSError")
    hand.start()
    hand.connect()
    hand.click("connect")
    hand.until("connected already; close it first")
    hand.click("close")
    hand.until("is closed")
    hand.send_message("too late")
    hand.until("this socket is closed; connect makes a new one")
    hand.until_row("sendall.* ✗ OSError")
    hand.connect()


def test_a_client_that_vanishes_mid_message(hand):
    hand.start("echo")
    with socket.create_connection(hand.panel.server.address) as stranger:
        stranger.sendall(b"half a mess")
        hand.until(r"port \d+ half a mess 11 bytes", "stage")
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))      # close sends RST
    hand.until(r"port \d+ recv raised ConnectionResetError", "stage")
    hand.connect()                                  # and the server goes on
    hand.send_message("still here?")
    hand.until("11 bytes from the server wait")


def test_a_send_that_failed_is_not_listed_as_sent(no_leaks):
    def late(conn, address):
        conn.recv(1)
        kernel.wait_until(lambda: kernel.state(conn) != "ESTABLISHED")
        conn.sendall(b"never")
        conn.sendall(b"arrives")

    with TcpPanel(late) as panel:
        hand = TcpHand(panel)
        hand.start("late")
        with socket.create_connection(panel.server.address) as stranger:
            stranger.sendall(b"x")
            hand.until("from port [0-9]+ x 1 byte", "stage")
            stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        hand.until("sendall raised", "stage")
        assert "arrives" not in hand.text("stage") and "never" not in hand.text("stage")


def test_a_client_of_another_server_shows_what_its_own_kernel_says(hand):
    with socket.create_server(("127.0.0.1", 0)) as other:
        hand.type("Connect to port", str(other.getsockname()[1]))
        hand.click("connect")
        hand.until("Client 1 is connected")
        conn, _ = other.accept()
        with conn:
            conn.sendall(b"hello")
            hand.until_row("to the client .*5 bytes, not received yet")
            hand.recv(2)
            hand.until_row('3 bytes, not received yet .*b"he"')
    hand.client(1)
    hand.click("close")
    hand.until("Client 1 is closed")


def test_a_handler_that_raises_is_a_sentence(no_leaks, capfd):
    def picky(conn, address):
        raise ValueError(f"I do not like <b>{conn.recv(10)!r}</b>")

    with TcpPanel(picky) as panel:
        hand = TcpHand(panel)
        assert hand.value("Server does") == "picky"
        hand.start("picky")
        hand.connect()
        hand.send_message("<i>")
        hand.until(r"The handler raised ValueError: I do not like <b>b'<i>'</b>\. Its connection is closed\.")
        hand.recv(10)
        hand.until('received b""')
        hand.click("Stop")
        hand.until("The server is stopped")
        assert "from netlab import Timeline, serve\n" in panel.code()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("first", ["handler", "client"])
def test_how_a_handler_failed_stays_beside_the_sentence_of_the_client(hand, first):
    panel = hand.panel
    said = {"handler": lambda: setattr(panel, "_failure", "The handler raised ValueError: no."),
            "client": lambda: panel.say("Client 1 sent 3 bytes.")}
    for who in sorted(said, key=lambda who: who != first):
        said[who]()
    hand.until(r"Client 1 sent 3 bytes\. The handler raised ValueError: no\.")
    hand.click("recv")
    wait_until(lambda: "The handler" not in hand.text("said"))


def test_closing_waits_for_no_look_up_and_says_so(no_leaks, monkeypatch):
    answered, asked = threading.Event(), threading.Event()

    def connect(self, address):                     # as with a resolver that does not answer: nothing ends it
        asked.set()
        answered.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    panel = TcpPanel()
    hand = TcpHand(panel)
    monkeypatch.setattr(type(panel.timeline.socket()), "connect", connect)
    hand.type("Connect to", "name.example")
    hand.type("Connect to port", "80")
    try:
        hand.click("connect")
        assert asked.wait(5)
        hand.click("close")
        hand.until("Client 1 is closed. The look-up of its host goes on: nothing can end it.")
        began = time.monotonic()
        panel.close()
        assert time.monotonic() - began < 0.8
    finally:
        answered.set()


def test_a_lambda_is_a_handler_with_a_name():
    with TcpPanel(lambda conn, address: None) as panel:
        TcpHand(panel).start("handler")
        assert "server = serve(handler, timeline=timeline)" in panel.code()


def test_a_handler_must_be_a_function():
    with pytest.raises(TypeError, match="handler must be a function"):
        TcpPanel(handler="echo")


def test_who_can_reach_the_server_is_told(hand):
    assert hand.panel.chips() == []
    hand.start(Host="0.0.0.0")
    hand.until("whoever can reach this machine over a network can connect")
    hand.until("reachable from other machines", "head")
    hand.connect()
    assert hand.value("Connect to") == "127.0.0.1"
    assert 'server = serve(echo, host=\'0.0.0.0\', timeline=timeline)' in hand.panel.code()
    hand.click("Stop")
    hand.until("is stopped")
    hand.start(Host="127.0.0.1")
    hand.until("127.0.0.1 only", "head")


def test_clients_are_bounded_and_can_be_removed(hand):
    for n in range(2, MAX_CLIENTS + 1):
        hand.click("Add a client")
        hand.client(n)
    hand.click("Add a client")
    hand.until(f"{MAX_CLIENTS} clients are as many as this panel shows")
    hand.start()
    hand.connect(2)
    hand.click("close")
    wait_until(lambda: "remove" in hand.buttons())
    hand.click("remove")
    wait_until(lambda: len(hand.panel.clients) == MAX_CLIENTS - 1)
    assert [c.name for c in hand.panel.clients][:2] == ["client 1", "client 3"]
    hand.click("Add a client")
    wait_until(lambda: hand.panel.clients[-1].name == f"client {MAX_CLIENTS + 1}")


def test_a_box_chooses_its_client_and_a_click_right_after_it_is_for_that_one(hand):
    hand.start()
    hand.connect()
    hand.click("Add a client")
    wait_until(lambda: hand.row(2))
    old = hand.fields()
    hand.press(hand.row(1).button)
    hand.send({"do": "sendall", "fields": old})         # before the page knows of the choice
    hand.until("Client 1 sent 5 bytes")
    assert hand.row(1).button["aria-pressed"] == "true" and "client 1 Connect to" in hand.text("controls")


def test_close_all_leaves_the_panel_usable(hand):
    hand.start()
    hand.connect()
    hand.recv(10)
    hand.until("waits in recv")
    hand.click("Close all")
    hand.until("Everything is closed")
    assert hand.panel.server is None and not hand.client().open
    hand.start()
    hand.connect()


def test_the_server_can_be_started_again_on_its_port(hand):
    hand.start()
    port = hand.panel.server.port
    hand.connect()
    hand.click("Stop")
    hand.until("is stopped")
    hand.start("upper", Port=str(port))
    hand.client(1)
    hand.click("close")
    hand.until("is closed")
    hand.connect()


def test_a_flood_stays_bounded(hand):
    hand.start("quiet")
    hand.until("LISTEN")
    began, writes = time.monotonic(), hand.panel.writes
    with socket.create_connection(hand.panel.server.address) as stranger:
        for _ in range(10_000):
            stranger.sendall(b"a message of twenty-five.")
        wait_until(lambda: hand.panel._links and hand.panel._links[0].conn.received == 250_000)
        hand.click("Add a client")                  # still usable
        hand.client(2)
    seconds = time.monotonic() - began
    assert hand.panel.writes - writes <= 20 * max(1, seconds) + 10         # a click may add one round
    assert len(hand.panel.timeline.events) <= 300 and len(hand.panel._log) <= 10
    assert max(map(len, hand.parts().values())) < 40_000


@pytest.mark.parametrize("seed", range(20))
def test_no_sequence_of_actions_leaves_a_thread_a_traceback_or_an_untrue_word(hand, seed):
    hostile(hand, random.Random(seed), 25)


@pytest.mark.parametrize("content", [
    None, [], "x", {}, {"do": 5}, {"do": "connect"}, {"do": "_pump"}, {"do": "sendall", "fields": 7},
    {"do": "sendall", "fields": {"message": "x"}}, {"do": "choose", "about": None},
    {"do": "recv", "fields": {"count": [None, 0]}}, {"do": "choose", "about": "99"}])
def test_a_message_that_no_page_sends_does_no_harm(hand, content):
    hand.send(content)
    hand.panel.fields = {**hand.panel.fields, "message": "hello"}
    hand.start()
    hand.connect()


# --- in a real kernel ---------------------------------------------------------------------------------------------

@pytest.fixture
def kernel_process():
    made = Kernel()
    yield made
    made.close()


CELL = "from netlab.panels import TcpPanel\npanel = TcpPanel()\npanel"


def begin(kernel):
    hand = kernel.hand()
    hand.click("Start")
    hand.until("The server listens")
    hand.click("connect")
    hand.until("Client 1 is connected")
    return hand


def test_in_a_kernel_by_comm_messages(kernel_process):
    bundle = kernel_process.run(CELL)
    assert bundle["text/plain"] == TcpPanel.plain
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] in kernel_process.state
    assert len(kernel_process.state) == 2                           # the panel's one widget, and its layout
    hand = begin(kernel_process)
    hand.type("Message", "<b>from afar</b>")
    hand.click("sendall")
    hand.until("16 bytes from the server wait in the kernel of client 1")
    hand.click("recv")
    hand.until("<B>FROM AFAR</B>")
    assert "&lt;B&gt;FROM AFAR&lt;/B&gt;" in hand.parts()["stage"]
    hand.click("recv")
    hand.until(r"waits in recv\(1024\)")
    assert "transfers more" not in hand.text()                      # all are shown
    assert kernel_process.run("21 * 2", "c2")["text/plain"] == "42"        # the kernel itself is free
    hand.click("Add a client")
    hand.until("client 2")
    hand.click("Close all")
    hand.until("Everything is closed")
    assert kernel_process.stderr == ""


def test_what_was_typed_goes_with_the_click(kernel_process):
    kernel_process.use_subshell()
    kernel_process.run(CELL)
    hand = begin(kernel_process)
    for number in range(100):
        hand.type("Message", f"{number:02}")
        hand.click("sendall")
    sent = kernel_process.run("import re\nfrom netlab.kernel import wait_until\n"
                              "wait_until(lambda: panel.code().count('sendall') == 100, 20)\n"
                              "re.findall(r\"sendall.b'(..)'\", panel.code())", "c2")["text/plain"]
    assert re.findall(r"\d\d", sent) == [f"{number:02}" for number in range(100)]
    assert kernel_process.stderr == ""


def test_the_panel_answers_while_a_cell_runs(kernel_process):
    kernel_process.use_subshell()
    kernel_process.run("from netlab.kernel import wait_until\n" + CELL)
    cell = kernel_process.start("wait_until(lambda: 'sendall' in panel.code(), 20); 42", "c2")
    hand = begin(kernel_process)
    hand.type("Message", "meanwhile")
    hand.click("sendall")
    hand.until("9 bytes from the server wait in the kernel of client 1")
    assert kernel_process.result(cell)["text/plain"] == "42"
    assert kernel_process.stderr == ""


def test_running_the_cell_again_replaces_the_panel(kernel_process):
    kernel_process.run(CELL)
    hand = kernel_process.hand()
    hand.click("Start")
    hand.until("The server listens")
    kernel_process.run("first = panel; import threading; count = threading.active_count()", "c2")
    before = len(kernel_process.state)
    kernel_process.run(CELL)
    assert kernel_process.run("first._closed, first.server, panel._closed", "c2")["text/plain"] == "(True, None, False)"
    assert len(kernel_process.state) == before
    kernel_process.run("TcpPanel()", "c3")                  # another cell: both stay
    assert kernel_process.run("panel._closed", "c2")["text/plain"] == "False"
    kernel_process.run("panel.close(); one = TcpPanel(); two = TcpPanel(); one.wire; two.wire; 0", "c4")
    assert kernel_process.run("one._closed, two._closed", "c2")["text/plain"] == "(False, False)"
    assert kernel_process.run("one.close(); two.close(); import gc; "
                              "[t.name for t in threading.enumerate() if 'netlab' in t.name or 'server' in t.name]",
                              "c5")["text/plain"] == "['netlab TcpPanel']"                 # the one of cell c3
    assert kernel_process.stderr == ""


def test_a_process_with_an_open_panel_ends_without_a_word():
    code = ("from netlab.panels import TcpPanel\nfrom netlab.kernel import wait_until\npanel = TcpPanel()\npanel.wire\n"
            "panel.on_start('')\nwait_until(lambda: panel.server)\npanel.clients[0].connect(*panel.server.address)\n"
            "wait_until(lambda: panel.clients[0].known)\nprint('done')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")


def test_the_picture_keeps_the_order_of_the_clicks(hand):
    # Two hands did it, one each: without a word on their order, the recv would be told as waiting before the send.
    panel = hand.panel
    panel.server = serve(upper, timeline=panel.timeline)
    with panel.timeline.socket(name="client 1") as sock:
        sock.connect(panel.server.address)
        for job in (lambda: sock.sendall(b"hello"), lambda: sock.recv(9)):
            done = threading.Event()
            worker = threading.Thread(target=panel._after_earlier_clicks, args=(lambda: (job(), done.set()),))
            worker.group = id(panel)
            worker.start()
            assert done.wait(5)
            worker.join()
    calls = [row.call for row in panel.timeline.rows() if row.who == "client 1"]
    assert calls.index('sendall(b"hello")') < calls.index("recv(9)")


def test_the_whole_number_of_bytes_is_in_view(hand):
    """What follows the number is left out for want of room."""
    hand.start("echo")
    hand.connect()
    hand.type("Message", "m" * 3984)
    hand.click("sendall")
    note = wait_until(lambda: hand.page("stage").find(string="3,984 bytes"))
    assert note.parent.name == "span" and note.parent["class"] == ["nl-soft"]


def test_a_click_does_not_wait_for_the_story_which_follows_it(hand, monkeypatch):
    hand.start("quiet")
    hand.connect()
    hand.click("The whole story")
    hand.until("connect", "more")
    sent = []
    monkeypatch.setattr(hand.panel.wire.comm, "send", lambda data=None, **_: sent.append(set(data["state"])))
    hand.click("sendall")
    wait_until(lambda: sent and "more1" in sent[-1])
    assert "said0" in sent[0] and "more1" not in sent[0]
    hand.until("sendall", "more")
