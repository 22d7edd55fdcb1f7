"""MethodPanel: any method, any arguments, any order, and nothing hangs or stays behind."""
import copy
import os
import random
import socket
import sys
import threading
import time

import pytest
from conftest import ROOT, need
from hands import Hand, html

from netlab.kernel import LINUX, receive_queue, wait_until
from netlab.panels import MethodPanel, method as module
from netlab.panels.method import MAX_CALLS, METHODS


@pytest.fixture
def panel():
    with MethodPanel() as made:
        made.wire
        wait_until(lambda: made.sockets)
        yield made


def run(panel, name, method, typed="", wait=5.0):
    call = panel.call(name, method, typed)
    assert call is not None, panel.errors.get("args", "")
    call.done.wait(wait)
    return call


def waiting(panel, name, method, typed=""):
    """A call that waits in the kernel."""
    call = panel.call(name, method, typed)
    wait_until(lambda: call.handle is not None)
    assert not call.done.wait(0.05)
    return call


def box(hand, name):
    """A socket's box on the stage, as soon as it is there."""
    return wait_until(lambda: hand.page("stage").find("button", value=name))


# Calls and their results

@pytest.mark.parametrize("name, method, typed, result", [
    ("client", "send", 'b"hello"', "5"),
    ("client", "sendall", 'b"hello"', "None"),
    ("client", "sendto", 'b"x", server.address', "1"),
    ("client", "gettimeout", "", "None"),
    ("client", "getblocking", "", "True"),
    ("client", "setsockopt", "IPPROTO_TCP, TCP_NODELAY, 1", "None"),
    ("client", "setsockopt", "socket.SOL_SOCKET, socket.SO_KEEPALIVE, True", "None"),
    ("client", "recv", "5, MSG_PEEK | MSG_DONTWAIT", "BlockingIOError EAGAIN: Resource temporarily unavailable"),
    ("client", "connect", "server.address", "OSError EISCONN: Transport endpoint is already connected"),
    ("client", "makefile", '"x"', "ValueError: invalid mode 'x' (only r, w, b allowed)"),
    ("client", "settimeout", "-1", "ValueError: Timeout value out of range"),
    ("client", "recv", "", "TypeError: recv() missing 1 required positional argument: 'bufsize'"),
    ("listener", "recv", "5", "OSError ENOTCONN: Transport endpoint is not connected"),
    ("listener", "fileno", "99", "TypeError: socket.fileno() takes no arguments (1 given)"),
    ("fresh", "bind", '("192.0.2.77", 0)', "OSError EADDRNOTAVAIL: Cannot assign requested address"),
    ("fresh", "bind", '("127.0.0.1", 65536)', "OverflowError: bind(): port must be 0-65535."),
    ("fresh", "getsockname", "", "('0.0.0.0', 0)"),
    ("fresh", "connect_ex", "server.address", "0"),
    ("udp", "connect", "udp.address", "None"),
    ("udp", "listen", "", "OSError EOPNOTSUPP: Operation not supported"),
    ("unix", "connect", "path", "FileNotFoundError ENOENT: No such file or directory"),
    ("unix", "bind", "path", "None"),
    ("unix", "sendmsg", '[b"a", b"b"]', "2"),
])
@pytest.mark.skipif(not LINUX, reason="the words of Linux")
def test_a_call_and_what_came(panel, name, method, typed, result):
    call = run(panel, name, method, typed)
    assert call.result.startswith(result) and call.failed == ("Error" in result)
    wait_until(lambda: call.done.is_set())


def test_the_kernel_before_and_after(panel):
    run(panel, "client", "send", 'b"hello"')
    wait_until(lambda: receive_queue(panel.sockets["connection"]) == 5)
    call = run(panel, "connection", "recv", "3")
    assert call.result == "b'hel'"
    assert (call.before["receive"], call.after["receive"]) == ("5 bytes", "2 bytes")
    assert run(panel, "connection", "close").after["fileno"] == "-1, closed"
    wait_until(lambda: "nl-changed" in html(panel, "stage"))


def test_what_comes_from_a_socket_is_escaped(panel):
    panel.on_story("")
    run(panel, "client", "send", 'b"<script>alert(1)</script>"')
    run(panel, "connection", "recv", "100")
    wait_until(lambda: "recv(100)" in html(panel, "stage") and all("&lt;script&gt;" in html(panel, p) for p in ("stage", "more")))
    assert not any("<script" in html for html in Hand(panel).parts().values())


def words_of(panel, key):
    page = copy.copy(Hand(panel).page("stage"))
    for title in page.find_all("title"):
        title.decompose()
    found = page.find("div", attrs={"data-key": key})
    return " ".join(found.get_text(" ").split()) if found else ""


def test_the_stage_shows_what_lies_in_the_kernels(panel):
    need(LINUX, "the size of the next datagram is told on Linux")
    run(panel, "client", "send", 'b"hello"')
    run(panel, "connection", "recv", "3")
    wait_until(lambda: "to connection lo 6c6f 2 bytes , not received yet ← to client nothing" in words_of(panel, "connection"))
    run(panel, "unix_peer", "sendall", 'b"hi"')
    wait_until(lambda: "to unix hi 6869 2 bytes" in words_of(panel, "unix_peer"))
    run(panel, "fresh", "connect", "server.address")
    wait_until(lambda: "to the queue fresh waits 1 client waits" in words_of(panel, "listener"))
    run(panel, "listener", "accept")
    wait_until(lambda: "to the queue nothing" in words_of(panel, "listener"))
    for data in ('b"one"', 'b""', 'b"two"'):
        run(panel, "udp", "sendto", f"{data}, udp.address")
    wait_until(lambda: "one 6f6e65 empty bytes two 74776f 6 bytes" in words_of(panel, "udp"))
    run(panel, "udp", "recv", "2")                      # the rest of that datagram is gone
    wait_until(lambda: "n 6e" not in words_of(panel, "udp"))


def test_waiting_is_drawn_while_it_lasts(panel):
    call = waiting(panel, "unix", "recv", "9")
    wait_until(lambda: "waits in recv(9)" in words_of(panel, "unix_peer"))
    panel.cancel(call)
    wait_until(lambda: "waits" not in words_of(panel, "unix_peer"))


def test_goals(panel):
    hand = Hand(panel)
    run(panel, "fresh", "connect", "server.address")
    hand.until("✓ Let fresh connect", "more")
    call = waiting(panel, "unix", "recv", "9")
    run(panel, "unix", "close")
    hand.until("✓ recv on unix, then close", "more")
    panel.cancel(call)
    run(panel, "connection", "makefile", '"rb"')
    run(panel, "connection", "close")
    hand.until("✓ makefile on connection", "more")
    panel.on_again("")
    hand.until("New sockets")
    assert hand.text("more").count("○") == 1
    call = waiting(panel, "client", "sendall", 'b"x" * 8000000')
    while not call.done.wait(0):
        run(panel, "connection", "recv", "1000000")
    hand.until("✓ sendall b", "more")


def test_show_the_code_can_be_run(panel):
    for step in ("client", "sendall", 'b"hello"'), ("connection", "recv", "1024, MSG_PEEK"), ("client", "dup", ""), \
            ("udp", "sendto", 'b"x", udp.address'), ("listener", "listen", "7"), ("client", "makefile", '"rb"'):
        run(panel, *step)
    wait_until(lambda: len(panel._code) == 6)
    space = {}
    exec(panel.code(), space)
    assert space["connection"].recv(9) == b"hello"
    assert "socket.MSG_PEEK" in panel.code() and "udp.getsockname()" in panel.code()
    for value in space.values():
        if isinstance(value, (socket.socket, module.Workbench)) or hasattr(value, "readline"):
            value.close()


def test_the_code_keeps_the_order_of_the_clicks(panel):
    """Else what receives could stand before what sends, and wait for ever."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for n in range(100):
            run(panel, "client", "send", str(b"%d" % n))
            run(panel, "connection", "recv", "9")
    finally:
        sys.setswitchinterval(before)
    wait_until(lambda: len(panel._code) == 200)
    assert [line.split("(")[0] for line in panel._code] == ["client.send", "connection.recv"] * 100


def test_accept_gives_a_socket_to_call_on(panel):
    accept = waiting(panel, "listener", "accept")
    run(panel, "fresh", "connect", "server.address")
    assert accept.done.wait(5) and accept.result.startswith("(connection_2, ")
    box(Hand(panel), "connection_2")
    assert run(panel, "connection_2", "getpeername").result == run(panel, "fresh", "getsockname").result


# What waits can be cancelled

@pytest.mark.parametrize("name, method, typed, before", [
    ("listener", "accept", "", []),
    ("client", "recv", "5", []),
    ("client", "recv", "5, MSG_WAITALL", []),
    ("client", "recv_into", "bytearray(5)", []),
    ("client", "recv", "5", [("client", "settimeout", "3600")]),
    ("udp", "recvfrom", "5", []),
    ("udp", "recv", "5", [("udp", "connect", "udp.address")]),
    ("unix", "recvmsg", "5", []),
    ("client", "sendall", 'b"x" * 8000000', []),
    ("unix", "sendall", 'b"x" * 8000000', []),
    ("unix", "send", 'b"x" * 8000000', []),
])
def test_a_call_that_waits_is_cancelled(panel, name, method, typed, before, no_leaks):
    for step in before:
        run(panel, *step)
    call = waiting(panel, name, method, typed)
    hand = Hand(panel)
    hand.press(box(hand, name))
    wait_until(lambda: f"Cancel {call.shown.partition('(')[0]}" in hand.buttons())
    hand.click(f"Cancel {call.shown.partition('(')[0]}")
    assert call.done.wait(5)
    wait_until(lambda: "was cancelled" in html(panel, "said"))
    panel.close()


def test_connect_to_a_full_backlog_is_cancelled(panel, no_leaks):
    need(LINUX, "other systems refuse at once")
    run(panel, "listener", "listen", "0")
    assert run(panel, "fresh", "connect", "server.address").result == "None"
    with socket.socket() as one:
        panel.sockets = {**panel.sockets, "one": one}
        call = waiting(panel, "one", "connect", "server.address")
        panel.cancel(call)
        assert call.done.wait(5) and call.failed
    panel.close()


@pytest.mark.parametrize("meanwhile", ["close", "detach", "shutdown"])
@pytest.mark.parametrize("name, method, typed", [("listener", "accept", ""), ("client", "recv", "5"),
                                                 ("unix", "sendall", 'b"x" * 8000000'), ("udp", "recv", "5")])
def test_a_socket_may_go_while_a_call_waits_on_it(panel, meanwhile, name, method, typed, no_leaks):
    call = waiting(panel, name, method, typed)
    run(panel, name, meanwhile, "SHUT_RDWR" if meanwhile == "shutdown" else "")
    if meanwhile == "close" and LINUX:
        assert not call.done.is_set()               # close wakes nobody
    panel.cancel(call)
    assert call.done.wait(5)
    panel.close()


def test_calls_go_on_beside_one_that_waits(panel):
    recv = waiting(panel, "client", "recv", "5")
    assert run(panel, "client", "getblocking").result == "True"
    assert run(panel, "connection", "send", 'b"hello"').result == "5"
    assert recv.done.wait(5) and recv.result == "b'hello'" and not recv.cancelled


def test_calls_keep_the_order_of_the_clicks(panel):
    calls = [panel.call("client", "send", f'b"{n}"') for n in range(MAX_CALLS)]
    wait_until(lambda: all(call.done.is_set() for call in calls))
    assert run(panel, "connection", "recv", "99").result == repr("".join(map(str, range(MAX_CALLS))).encode())


def test_too_many_that_wait_are_refused_in_words(panel):
    for _ in range(MAX_CALLS):
        waiting(panel, "client", "recv", "5")
    assert panel.call("client", "recv", "5") is None
    wait_until(lambda: f"{MAX_CALLS} calls wait already" in html(panel, "said"))


@pytest.mark.parametrize("end", ["close", "again", "close all"])
def test_the_end_wakes_everybody(end, no_leaks):
    with MethodPanel() as panel:
        panel.wire
        wait_until(lambda: panel.sockets)
        first = list(panel.sockets.values())
        calls = [waiting(panel, *step) for step in (("listener", "accept"), ("client", "recv", "5"), ("udp", "recvfrom", "5"),
                                                    ("unix", "sendall", 'b"x" * 8000000'))]
        run(panel, "connection", "makefile", '"rb"')
        run(panel, "unix_peer", "detach")
        run(panel, "unix", "close")
        {"close": panel.close, "again": lambda: panel.on_again(""), "close all": lambda: panel.on_close_all("")}[end]()
        wait_until(lambda: all(call.done.is_set() for call in calls))
        wait_until(lambda: all(sock.fileno() == -1 for sock in first))
        if end == "again":
            wait_until(lambda: "fresh" in panel.sockets and panel.sockets["fresh"] not in first)
            assert run(panel, "client", "send", 'b"x"').result == "1"


def test_start_again_has_a_picture_of_its_own(panel):
    run(panel, "client", "send", 'b"hello"')
    panel.on_again("")
    panel.on_story("")
    wait_until(lambda: html(panel, "said") and panel.timeline.events and "send" not in {e.method for e in panel.timeline.events})
    wait_until(lambda: "bind" in html(panel, "more") and "hello" not in html(panel, "more"))
    assert "no longer kept" not in html(panel, "more") and "send" not in panel.code()


# What is typed is read, never run

@pytest.mark.parametrize("typed, words", [
    ("(", "cannot be read"), ("1)(2", "not allowed"), ("1); print(2", "cannot be read"), ("\0", "cannot be read"),
    ("((" * 150, "cannot be read"), ("x" * 500, "too long"), ("x", "no name known"), ("path.x", "no name known"),
    ("__import__('os')", "not allowed"), ("open('/etc/passwd')", "not allowed"), ("().__class__", "no name known"),
    ("[x for x in 'ab']", "not allowed"), ("lambda: 1", "not allowed"), ("*[1]", "not allowed"), ("**{}", "not allowed"),
    ("f'{1}'", "not allowed"), ("...", "not allowed"), ("1j", "not allowed"), ("{1: 2}", "not allowed"),
    ("10 ** 10", "not allowed"), ("b'x' * 99999999", "at most 8,000,000"), ("b'x' * b'x'", "by a number"),
    ("b'x' * 2 * 9999999999", "at most 8,000,000"), ("bytearray(99999999)", "at most 1,048,576"), ("9999999999", "at most"),
    ("socket.socket", "no name known"), ("MSG_NONSENSE", "no name known"), ("CAPI", "no name known"),
    ("a := 5", "not allowed"), ("await x", "not allowed"), ("yield", "cannot be read"),
])
def test_bad_arguments_are_told_beside_the_field(panel, typed, words):
    hand = Hand(panel)
    hand.choose("Method", "recv")
    wait_until(lambda: hand.value("Arguments") == "1024")
    hand.type("Arguments", typed)
    hand.enter("Arguments")
    wait_until(lambda: words in hand.error("Arguments") and hand.control("Arguments")["aria-invalid"] == "true")
    hand.until("client.recv was not called", "said")
    assert hand.value("Arguments") == typed and "recv" not in {event.method for event in panel.timeline.events}


@pytest.mark.parametrize("name, method, typed, words", [
    ("fresh", "connect", '("example.com", 80)', "looked up"), ("udp", "sendto", 'b"x", ("localhost", 9)', "looked up"),
    ("fresh", "connect", '(b"example.com", 80)', "looked up"), ("fresh", "connect_ex", '("192.0.2.1", 80)', "this machine"),
    ("udp", "sendto", 'b"x", 0, ("192.0.2.1", 80)', "this machine"), ("udp", "connect", '("255.255.255.255", 9)', "this machine"),
    ("unix", "bind", '"/tmp/door"', "path"), ("unix", "connect", '"/run/docker.sock"', "path"),
    ("unix", "connect", '"\\0abstract"', "path"), ("unix", "sendto", 'b"x", "/run/x"', "path"),
    ("client", "setsockopt", 'SOL_SOCKET, SO_LINGER, b"\\1\\0\\0\\0\\x10\\0\\0\\0"', "SO_LINGER"),
    ("unix", "sendmsg", '[b"x"], [(SOL_SOCKET, 1, b"\\1\\0\\0\\0")]', "one argument"),
])
def test_what_could_hang_or_leave_the_machine_is_refused(panel, name, method, typed, words):
    assert panel.call(name, method, typed) is None and words in panel.errors.get("args", "")


def test_bound_to_all_is_said(panel):
    run(panel, "fresh", "bind", '("0.0.0.0", 0)')
    wait_until(lambda: "reachable from other machines" in html(panel, "head"))


def test_listening_without_bind_says_who_can_connect(panel):
    run(panel, "fresh", "listen", "5")
    port = panel.sockets["fresh"].getsockname()[1]
    wait_until(lambda: f"It listens on all interfaces, port {port}: other machines can connect." in html(panel, "said"))
    wait_until(lambda: "reachable from other machines" in html(panel, "head"))
    run(panel, "listener", "listen", "5")           # bound to loopback
    wait_until(lambda: "listener.listen(5) returned None.</div>" in html(panel, "said"))


def test_an_error_with_a_line_break_is_one_line_of_the_code(panel):
    run(panel, "client", "makefile", '"r", encoding="x\\nimport os"')
    wait_until(lambda: "raised LookupError" in panel.code())
    assert panel.code().splitlines()[-1].startswith('# client.makefile("r", encoding="x\\nimport os") raised LookupError')


def test_a_new_socket_leaves_the_choice_where_it_is(panel):
    hand = Hand(panel)
    hand.press(box(hand, "udp"))
    run(panel, "client", "dup")
    box(hand, "client_copy_2")
    assert box(hand, "udp")["aria-pressed"] == "true" and "udp.recv(" in hand.text("controls")


def test_the_error_goes_when_another_method_is_chosen(panel):
    hand = Hand(panel)
    panel.call("client", "recv", "x")
    hand.choose("Method", "send")
    wait_until(lambda: hand.value("Arguments") == 'b"hello"')
    assert not hand.error("Arguments")


def test_every_method_has_a_line_and_begins_with_arguments_that_can_be_read(panel):
    for method, (signature, about, _) in METHODS.items():
        assert signature.startswith(f"{method}(") and about.endswith(".") and callable(getattr(socket.socket, method))
        for name in panel.sockets:
            panel._read(panel._example(name, method))


# Silly sequences

ARGUMENTS = ["", "5", "0", "-1", "1024", "None", "True", "0.01", "1e300", "99, 99", 'b""', 'b"hello"', '"text"', "SHUT_RD",
             "SHUT_WR", "SHUT_RDWR", 'b"x" * 300000', 'b"x" * 8000000', "server.address", "udp.address", "client.address", "path",
             '("127.0.0.1", 0)', '("127.0.0.1", 65536)', '("127.0.0.1", "x")', '("::1", 0)', '("192.0.2.77", 0)', "5, MSG_PEEK",
             "5, MSG_WAITALL", "5, 2 ** 70", "5, -1", "9, 99999999999999999999", "bytearray(9)", 'b"hello", udp.address',
             'b"hello", server.address', "[b'a', b'b']", '"rb"', '"w"', '"rwb", 0', "SOL_SOCKET, SO_RCVBUF",
             "SOL_SOCKET, SO_RCVBUF, 1", "SOL_SOCKET, SO_LINGER, b'\\1\\0\\0\\0\\0\\0\\0\\0'",
             "SOL_SOCKET, SO_LINGER, b'\\1\\0\\0\\0\\1\\0\\0\\0'", "IPPROTO_TCP, TCP_NODELAY, 1", "SOL_SOCKET, SO_LINGER, 8",
             "SOL_SOCKET, SO_REUSEADDR, b'x'", "IPPROTO_TCP, TCP_CORK, 1", "(", "x", "()", "((), ())", "[]", '"\\0"', '"\\ud800"']
PASSIVE = ("listener", "client", "connection", "fresh", "udp", "unix", "unix_peer", "connection_2", "client_copy_2")


def silly(seed, faults):
    draw = random.Random(seed)
    with MethodPanel() as panel:
        panel.wire
        wait_until(lambda: panel.sockets)
        for _ in range(20):
            dice = draw.random()
            if dice < 0.04:
                panel.on_again("")
            elif dice < 0.06:
                panel.do(panel.release, who=panel)
            elif dice < 0.16:
                panel.on_cancel("")
            else:
                method = draw.choice(list(METHODS))
                name = draw.choice(PASSIVE)
                example = panel._example(name, method)
                call = panel.call(name, method, example if draw.random() < 0.5 else draw.choice(ARGUMENTS))
                if call is not None:
                    call.done.wait(0.005)
        if "error of its own" in panel._sentence + html(panel, "said"):
            faults.append((seed, panel._sentence))
        if "error of its own" in str(panel._parts()):
            faults.append((seed, str(panel._parts())))
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("netlab")]
    if left:
        faults.append((seed, left))


def test_300_silly_sequences_leave_nothing(monkeypatch, capfd, no_leaks):
    monkeypatch.setattr(module, "GATE", 0.001)
    unseen = []
    monkeypatch.setattr(sys, "unraisablehook", lambda what: unseen.append(what.exc_value))
    monkeypatch.setattr(threading, "excepthook", lambda what: unseen.append(what.exc_value))
    faults = []
    for seed in range(300):
        silly(seed, faults)
    assert not faults and not unseen
    out, err = capfd.readouterr()
    assert "Traceback" not in out + err
    assert socket.getdefaulttimeout() is None


def test_a_thread_that_stays_is_noticed(monkeypatch):
    monkeypatch.setattr(module, "WAITS", set())         # no handle: nothing can wake the call
    monkeypatch.setattr(module, "PATIENCE", 0.1)
    faults = []
    panel = MethodPanel()
    panel.wire
    wait_until(lambda: panel.sockets)
    listener = panel.sockets["listener"]
    handle = listener.dup()
    panel.call("listener", "accept", "")
    time.sleep(0)
    wait_until(lambda: panel._running and panel._running[0].started)
    wait_until(lambda: panel.timeline.pending())
    panel.close()
    faults += [thread for thread in threading.enumerate() if thread.name.startswith("netlab hand")]
    handle.shutdown(socket.SHUT_RDWR)
    handle.close()
    assert faults
    for thread in faults:
        thread.join(5)


# How it shows itself

def test_a_panel_that_was_never_shown_has_nothing(no_leaks):
    assert MethodPanel().sockets == {}


# --- in a real kernel -------------------------------------------------------------------------

def test_silly_sequences_in_a_real_kernel():
    manager = pytest.importorskip("jupyter_client.manager")
    folders = [str(ROOT / each) for each in ("", "tests", "tests/tools")]
    kernel, client = manager.start_new_kernel(kernel_name="python3", cwd=str(ROOT / "tests/panels"),
                                                    env={**os.environ, "PYTHONPATH": os.pathsep.join(folders)})
    try:
        said = []
        client.execute_interactive(
            "import threading\nfrom test_method_panel import silly\n"
            "before, faults = threading.active_count(), []\n"
            "for seed in range(1000, 1030):\n    silly(seed, faults)\n"
            "print(faults, threading.active_count() - before)",
            timeout=60, output_hook=lambda message: said.append(message["content"].get("text") or str(message["content"])
                                                                if message["msg_type"] in ("stream", "error") else ""))
        assert "".join(said) == "[] 0\n"
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)
