"""TcpPanel, driven by its own buttons: in this process, and in a real kernel over comm messages."""
import random
import re
import socket
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from conftest import ROOT
from hands import Kernel, text, walk

from netlab import serve, upper
from netlab.kernel import wait_until
from netlab.panels.tcp import MAX_CLIENTS, TcpPanel


class Hand:
    """Types and clicks as a learner would, and reads what stands there."""

    def __init__(self, panel):
        self.panel = panel
        panel.view

    def client(self, n=1):
        wait_until(lambda: len(self.panel.clients) >= n and self.panel.clients[n - 1].box is not None)
        return self.panel.clients[n - 1]

    def button(self, label, n=None):
        part = self.panel.view if n is None else self.client(n).box
        return next(b for b in walk(part) if getattr(b, "description", "") == label and hasattr(b, "click"))

    def click(self, label, n=None):
        self.button(label, n).click()

    def until(self, pattern, where=None):
        where = where or self.panel.view
        try:
            return wait_until(lambda: re.search(pattern, text(where), re.S), 10)
        except TimeoutError:
            raise AssertionError(f"{pattern!r} is not in {text(where)!r}") from None

    def start(self, does="echo", **fields):
        self.panel._does.value = does
        for name, value in fields.items():
            getattr(self.panel, f"_{name}").text.value = value
        self.click("Start")
        self.until("The server listens")

    def connect(self, n=1):
        self.click("connect", n)
        self.until(f"Client {n} is connected")
        return self.client(n)

    def send(self, message, n=1, hex=False):
        self.client(n)._message.text.value = message
        self.client(n)._kind.value = hex
        self.click("sendall", n)

    def recv(self, count, n=1):
        self.client(n)._count.text.value = str(count)
        self.click("recv", n)


@pytest.fixture
def hand(no_leaks, capfd):
    with TcpPanel() as panel:
        yield Hand(panel)
    assert capfd.readouterr().err == ""             # nothing of ours ends as a traceback


def test_a_conversation_by_hand(hand):
    hand.start("upper")
    client = hand.connect()
    hand.until("LISTEN.*1 client .*backlog 0/128")
    hand.until("ESTABLISHED", client.box)
    hand.send("hello, 世界")
    hand.until(r"Client 1 sent 13 bytes\. 13 bytes wait in Client 1's receive queue\.")
    hand.until("receive queue +13 bytes", client.box)
    hand.recv(5)
    hand.until("← *HELLO · 5 bytes · 48 45 4c 4c 4f", client.box)
    hand.until("receive queue +8 bytes", client.box)
    hand.recv(100)
    hand.until(r"← *, 世界 · 8 bytes", client.box)
    hand.click("shutdown(WR)", 1)
    hand.until("Client 1 ended its sending; it can still receive")
    hand.until("Client 1 +ended its sending")
    hand.recv(10)
    hand.until('Client 1 received b"": the peer has ended its sending.')
    hand.click("close", 1)
    hand.until("Client 1 is closed")
    hand.until("CLOSED|TIME_WAIT", client.box)
    hand.click("Stop")
    hand.until("The server is stopped")
    assert "bind" in hand.panel._picture.value and "<svg" in hand.panel._picture.value


def test_the_code_is_what_was_done_and_runs(hand):
    hand.start("upper")
    hand.connect()
    hand.send("hello")
    hand.until("5 bytes wait")
    hand.recv(1024)
    hand.until("received 5 bytes")
    hand.click("close", 1)
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
    client = hand.connect()
    hand.recv(1024)
    hand.until(r"waits in recv\(1024\)", client.box)
    assert hand.button("recv", 1).disabled
    hand.click("Add a client")
    hand.connect(2)
    hand.send("for two", 2)
    hand.until("Client 2 sent 7 bytes")
    hand.click("close", 1)
    hand.until(r"Client 1 was waiting in recv\(1024\); close ended the wait")
    assert "# client_1.recv(1024) waited until close" in hand.panel.code()


def test_one_can_send_while_recv_waits(hand):
    hand.start("echo")
    client = hand.connect()
    hand.recv(1024)
    hand.until(r"waits in recv\(1024\)", client.box)
    hand.send("ping")
    hand.until("← ping", client.box)
    wait_until(lambda: "waits" not in client._head.value)


def test_sendall_waits_when_nobody_reads_and_recv_goes_on(hand):
    hand.start("idle")
    client = hand.connect()
    hand.send("x" * 8_000_000)
    hand.until(r"waits in sendall\(", client.box)
    hand.until(r"send queue +[\d,]{7,} bytes", client.box)
    hand.recv(1)
    hand.until(r"waits in sendall\(.*\) \+ recv\(1\)", client.box)
    hand.click("Close all")
    hand.until("Everything is closed")


def test_a_megabyte_in_one_go(hand):
    hand.start("quiet")
    hand.connect()
    hand.send("m" * 1_000_000)
    hand.until("Client 1 sent 1,000,000 bytes")
    wait_until(lambda: hand.panel._links and hand.panel._links[0].conn.received == 1_000_000)
    assert "# the first 40 of 1,000,000 bytes" in hand.panel.code()
    assert max(len(w.value) for w in walk(hand.panel.view) if type(w).__name__ == "HTML") < 40_000


@pytest.mark.parametrize("message, as_hex, shown", [
    ("<script>alert(1)</script><img src=x onerror=alert(1)>", False, "&lt;script&gt;"),
    ("00 01 00", True, r"\x00\x01\x00"), ("ff fe c3 28", True, r"\xff\xfe\xc3("), ("a\u202eb", False, r"a\u202eb")])
def test_hostile_bytes_are_shown_not_obeyed(hand, message, as_hex, shown):
    hand.start("echo")
    client = hand.connect()
    hand.send(message, hex=as_hex)
    hand.until("wait in Client 1's receive queue")
    hand.recv(65536)
    hand.until("Client 1 received")
    wait_until(lambda: client._facts.value.count(shown) == 2 and hand.panel._facts.value.count(shown) == 2)
    for widget in walk(hand.panel.view):
        assert type(widget).__name__ != "HTML" or ("<script" not in widget.value and "<img" not in widget.value)


@pytest.mark.parametrize("port", ["abc", "70000", "-1", ""])
def test_a_bad_port_is_told_and_nothing_else_happens(hand, port):
    hand.panel._port.text.value = port
    hand.click("Start")
    hand.until("(is not a number|is out of range). Give a port, 0 to 65535. 0 lets the kernel choose a free one.")
    assert hand.panel.server is None and hand.panel._sentence == "" and not hand.panel._code


def test_a_used_port_a_bad_host_and_a_foreign_address_are_told(hand):
    with socket.create_server(("127.0.0.1", 0)) as other:
        hand.panel._port.text.value = str(other.getsockname()[1])
        hand.click("Start")
        hand.until(r"Port \d+ is in use by another socket", hand.panel._port.note)
    hand.panel._port.text.value = "0"
    for host, words in (("no-such-host.invalid", '"no-such-host.invalid" is no name or address'), ("", "Give a host"),
                        ("192.0.2.77", "192.0.2.77 is not an address of this machine"), ("a" * 300, "is no name"),
                        ("nul\0host", "is no name")):
        hand.panel._host.text.value = host
        hand.click("Start")
        hand.until(words, hand.panel._host.note)
        assert hand.panel.server is None
    hand.start(host="127.0.0.1")
    wait_until(lambda: hand.panel._host.note.value == "")


def test_bad_input_of_a_client_is_told(hand):
    client = hand.client()
    for field, value, label, words in (
            ("_port", "", "connect", '"" is not a number. Give a port, 1 to 65535.'),
            ("_count", "0", "recv", "0 is out of range. Give how many bytes, 1 to 65536."),
            ("_count", "abc", "recv", '"abc" is not a number. Give how many bytes, 1 to 65536.'),
            ("_message", "", "sendall", "There is nothing to send.")):
        getattr(client, field).text.value = value
        hand.click(label, 1)
        hand.until(re.escape(words), getattr(client, field).note)
    hand.send("0g", hex=True)
    hand.until('"0g" is not hex', client._message.note)
    assert client.sock is None and not hand.panel._code


def test_a_click_that_is_faster_than_the_fields_finds_the_server(hand, monkeypatch):
    for does in ("echo", "upper"):
        monkeypatch.setattr(hand.client(), "render", lambda: None)      # the fields stay as they are
        hand.start(does)
        hand.connect()
        monkeypatch.undo()
        hand.click("Stop")
        hand.until("The server is stopped")
        hand.click("close", 1)
        hand.until("Client 1 is closed")


def test_nobody_listens_and_no_such_host(hand):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))                # bound and not listening: connect is refused
        client = hand.client()
        client._port.text.value = str(probe.getsockname()[1])
        hand.click("connect", 1)
        hand.until(r"Nobody listens on 127\.0\.0\.1 port \d+", client._port.note)
    client._host.text.value = "no-such-host.invalid"
    hand.click("connect", 1)
    hand.until('"no-such-host.invalid" is no name', client._host.note)


def test_calls_in_a_silly_order_show_the_real_errors(hand):
    hand.send("too early")
    hand.until("Client 1: sendall raised BrokenPipeError")
    hand.recv(10)
    hand.until("Client 1: recv raised OSError: .*not connected")
    hand.click("shutdown(WR)", 1)
    hand.until("Client 1: shutdown raised OSError")
    hand.start()
    hand.connect()
    hand.click("connect", 1)
    hand.until("connected already; close it first")
    hand.click("close", 1)
    hand.until("is closed")
    hand.send("too late")
    hand.until("this socket is closed; connect makes a new one")
    hand.connect()


def test_a_client_that_vanishes_mid_message(hand):
    hand.start("echo")
    with socket.create_connection(hand.panel.server.address) as stranger:
        stranger.sendall(b"half a mess")
        hand.until(r"port \d+ ← *half a mess · 11 bytes")
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))      # close sends RST
    hand.until(r"port \d+ +vanished: ConnectionResetError")
    hand.connect()                                  # and the server goes on
    hand.send("still here?")
    hand.until("11 bytes wait")


def test_a_handler_that_raises_is_a_sentence(no_leaks, capfd):
    def picky(conn, address):
        raise ValueError(f"I do not like <b>{conn.recv(10)!r}</b>")

    with TcpPanel(picky) as panel:
        hand = Hand(panel)
        assert panel._does.value == "picky"
        hand.start("picky")
        hand.connect()
        hand.send("<i>")
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
    hand.click("recv", 1)
    wait_until(lambda: "The handler" not in panel._foot.value)


def test_closing_waits_for_no_look_up_and_says_so(no_leaks, monkeypatch):
    answered, asked = threading.Event(), threading.Event()

    def connect(self, address):                     # as with a resolver that does not answer: nothing ends it
        asked.set()
        answered.wait(20)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    panel = TcpPanel()
    hand = Hand(panel)
    monkeypatch.setattr(type(panel.timeline.socket()), "connect", connect)
    client = hand.client()
    client._host.text.value, client._port.text.value = "name.example", "80"
    try:
        hand.click("connect", 1)
        assert asked.wait(5)
        hand.click("close", 1)
        hand.until("Client 1 is closed. The look-up of its host goes on: nothing can end it.")
        began = time.monotonic()
        panel.close()
        assert time.monotonic() - began < 0.8
    finally:
        answered.set()


def test_a_lambda_is_a_handler_with_a_name():
    with TcpPanel(lambda conn, address: None) as panel:
        hand = Hand(panel)
        hand.start("handler")
        assert "server = serve(handler, timeline=timeline)" in panel.code()


def test_a_handler_must_be_a_function():
    with pytest.raises(TypeError, match="handler must be a function"):
        TcpPanel(handler="echo")


def test_who_can_reach_the_server_is_told(hand):
    assert hand.panel.chips() == []
    hand.start(host="0.0.0.0")
    hand.until("whoever can reach this machine over a network can connect")
    hand.until("reachable from other machines")
    client = hand.connect()
    assert client._host.text.value == "127.0.0.1"
    assert 'server = serve(echo, host=\'0.0.0.0\', timeline=timeline)' in hand.panel.code()
    hand.click("Stop")
    hand.until("is stopped")
    hand.start(host="127.0.0.1")
    hand.until("127.0.0.1 only")


def test_clients_are_bounded_and_can_be_removed(hand):
    for n in range(2, MAX_CLIENTS + 1):
        hand.click("Add a client")
        hand.client(n)
    hand.click("Add a client")
    hand.until(f"{MAX_CLIENTS} clients are as many as this panel shows")
    hand.start()
    hand.connect(2)
    hand.click("close", 2)
    wait_until(lambda: hand.client(2)._close.description == "remove")
    hand.click("remove", 2)
    wait_until(lambda: len(hand.panel.clients) == MAX_CLIENTS - 1)
    assert [c.name for c in hand.panel.clients][:2] == ["Client 1", "Client 3"]
    hand.click("Add a client")
    wait_until(lambda: hand.panel.clients[-1].name == f"Client {MAX_CLIENTS + 1}")


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
    hand.start("upper", port=str(port))
    hand.click("close", 1)
    hand.until("is closed")
    hand.connect()


def test_a_flood_stays_bounded(hand):
    hand.start("quiet")
    wait_until(lambda: "LISTEN" in hand.panel._head.value)
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
    assert all(len(str(getattr(w, "value", ""))) < 40_000 for w in walk(hand.panel.view))


@pytest.mark.parametrize("seed", range(20))
def test_no_sequence_of_clicks_leaves_a_thread_or_a_traceback(hand, seed):
    chance = random.Random(seed)
    for _ in range(25):
        buttons = [w for w in walk(hand.panel.view) if type(w).__name__ == "Button"]
        fields = [w for w in walk(hand.panel.view) if type(w).__name__ == "Text" and not w.disabled]
        if chance.random() < 0.2:
            chance.choice(fields).value = chance.choice(["", "0", "7", "1024", "70000", "abc", "127.0.0.1", "::1", "00 ff"])
        else:
            chance.choice(buttons).click()
        if chance.random() < 0.3:               # now and then, let the others come first
            with suppress(TimeoutError):
                wait_until(lambda: not any(kind != "recv" for c in hand.panel.clients for kind in hand.panel.pending(c)), 0.2)
    assert "an error of its own" not in text(hand.panel.view)


# --- in a real kernel ---------------------------------------------------------------------------------------------

@pytest.fixture
def kernel():
    made = Kernel()
    yield made
    made.close()


CELL = "from netlab.panels import TcpPanel\npanel = TcpPanel()\npanel"


def test_in_a_kernel_by_comm_messages(kernel):
    bundle = kernel.run(CELL)
    assert bundle["text/plain"] == TcpPanel.plain and "image/svg+xml" in bundle
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] in kernel.state
    kernel.begin()
    kernel.type("Message", "<b>from afar</b>")
    kernel.click("sendall")
    kernel.widget(value="16 bytes wait in Client 1")
    kernel.click("recv")
    kernel.widget(value="&lt;B&gt;FROM AFAR&lt;/B&gt; *</span>")
    kernel.click("recv")
    kernel.widget(value=r"waits in recv\(1024\)")
    assert not any("transfers more" in str(state.get("value")) for state in kernel.state.values())      # all are shown
    assert kernel.run("21 * 2", "c2")["text/plain"] == "42"        # the kernel itself is free
    kernel.click("Add a client")
    kernel.widget(value="Client 2")
    kernel.click("Close all")
    kernel.widget(value="Everything is closed")
    assert kernel.stderr == ""


def test_what_was_typed_first_is_there_when_the_click_comes(kernel):
    kernel.use_subshell()
    kernel.run(CELL)
    kernel.begin()
    for number in range(100):
        kernel.type("Message", f"{number:02}")
        kernel.click("sendall")
    sent = kernel.run("import re\nfrom netlab.kernel import wait_until\n"
                      "wait_until(lambda: panel.code().count('sendall') == 100, 20)\n"
                      "re.findall(r\"sendall.b'(..)'\", panel.code())", "c2")["text/plain"]
    assert re.findall(r"\d\d", sent) == [f"{number:02}" for number in range(100)]
    assert kernel.stderr == ""


def test_the_panel_answers_while_a_cell_runs(kernel):
    kernel.use_subshell()
    kernel.run("from netlab.kernel import wait_until\n" + CELL)
    cell = kernel.start("wait_until(lambda: 'sendall' in panel.code(), 20); 42", "c2")
    kernel.begin()
    kernel.type("Message", "meanwhile")
    kernel.click("sendall")
    kernel.widget(value="9 bytes wait in Client 1")
    assert kernel.result(cell)["text/plain"] == "42"
    assert kernel.stderr == ""


def test_every_control_of_every_panel_keeps_that_order(kernel):
    left_out = kernel.run(
        "import ipywidgets as w\nfrom ipywidgets.widgets.widget import _instances\nfrom netlab.panels import *\n"
        "from netlab.panels.quiz import ask\n"
        "from netlab.chapters.server_and_client import predict as questions\nfrom netlab.teach.questions import Question\n"
        "asked = [each for each in vars(questions).values() if isinstance(each, Question)]\n"
        "shown = [TcpPanel(), AddressPanel(), MethodPanel(), *map(ask, asked)]\n"
        "for panel in shown: panel._repr_mimebundle_()\n"
        "controls = [each for each in _instances.values() if isinstance(each, (w.Button, w.Text, w.Dropdown, w.Checkbox, "
        "w.RadioButtons))]\n"
        "len({q.kind for q in asked}) >= 3, len(controls) > 50, "
        "[each for each in controls if '_reply_subshell_for' not in vars(each.comm)]")
    assert left_out["text/plain"] == "(True, True, [])"


def test_running_the_cell_again_replaces_the_panel(kernel):
    kernel.run(CELL)
    kernel.click("Start")
    kernel.widget(value="The server listens")
    kernel.run("first = panel; import threading; count = threading.active_count()", "c2")
    before = len(kernel.state)
    kernel.run(CELL)
    assert kernel.run("first._closed, first.server, panel._closed", "c2")["text/plain"] == "(True, None, False)"
    assert len(kernel.state) == before
    kernel.run("TcpPanel()", "c3")                  # another cell: both stay
    assert kernel.run("panel._closed", "c2")["text/plain"] == "False"
    kernel.run("panel.close(); one = TcpPanel(); two = TcpPanel(); one.view; two.view; 0", "c4")
    assert kernel.run("one._closed, two._closed", "c2")["text/plain"] == "(False, False)"
    assert kernel.run("one.close(); two.close(); import gc; "
                      "[t.name for t in threading.enumerate() if 'netlab' in t.name or 'server' in t.name]",
                      "c5")["text/plain"] == "['netlab TcpPanel']"                 # the one of cell c3
    assert kernel.stderr == ""


def test_a_process_with_an_open_panel_ends_without_a_word():
    code = ("from netlab.panels import TcpPanel\nfrom netlab.kernel import wait_until\npanel = TcpPanel()\npanel.view\n"
            "panel._start.click()\nwait_until(lambda: panel.server)\npanel.clients[0].follow(panel.server.address)\n"
            "print('done')")
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
            hand = threading.Thread(target=panel._after_earlier_clicks, args=(lambda: (job(), done.set()),))
            hand.group = id(panel)
            hand.start()
            assert done.wait(5)
            hand.join()
    calls = [row.call for row in panel.timeline.rows() if row.who == "client 1"]
    assert calls.index('sendall(b"hello")') < calls.index("recv(9)")
