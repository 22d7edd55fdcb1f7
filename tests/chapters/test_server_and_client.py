"""Chapter 3: what it promises is there, its questions are asked, and running it leaves nothing behind."""
import contextlib
import io
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from netlab import kernel
from netlab.chapters.server_and_client import predict
from netlab.teach.questions import Question

CHAPTER = Path(__file__).parents[2] / "notebooks" / "03_server_and_client.ipynb"
CELLS = nbformat.read(CHAPTER, as_version=4).cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
QUESTIONS = {name: value for name, value in vars(predict).items() if isinstance(value, Question)}


def printed(cell):
    """What the cell shows as text."""
    parts = []
    for output in cell.outputs:
        parts += [output.get("text", ""), output.get("data", {}).get("text/plain", ""), output.get("ename", "")]
    return "\n".join(parts)


OUTPUT = "\n".join(map(printed, CODE))


def test_what_does_not_hold_is_denied_where_it_is_explained():
    question = predict.families
    assert "There are two types? No. SOCK_SEQPACKET and SOCK_RAW" in question.because
    why = question.judge(question.answer).why
    assert [line.partition("?")[0] in question.answer for line in why if "? No. " in line] == [False, False] and len(why) == 4


@pytest.mark.parametrize("word", [
    "CLOSED", "LISTEN", "ESTABLISHED", "SYN_SENT", "CLOSE_WAIT", "FIN_WAIT_2",          # states
    "EADDRINUSE", "EADDRNOTAVAIL", "ECONNREFUSED", "EINVAL", "ENOTCONN", "EPIPE", "ECONNRESET", "EBADF", "EAGAIN",
    "gaierror", "OverflowError", "TypeError", "AttributeError", "TimeoutError",         # errors
    "2 waiting, limit 1", "not received yet", "the peer ended its sending"])
def test_the_chapter_shows(word):
    pictures = unquote("".join(output.get("data", {}).get("text/html", "") for cell in CODE for output in cell.outputs))
    assert word in OUTPUT + pictures


def test_no_volatile_number_is_stored():
    allowed = {"128", "1024", "9293", "65536"}        # 9293 is an RFC
    found = set(re.findall(r"(?<![\w.'\"])\d{3,}(?![\w.])", OUTPUT))
    assert found <= allowed, found - allowed
    assert "1024" in found


def test_lines_fit_the_page():
    for cell in CODE:
        assert max(map(len, cell.source.splitlines())) <= 97, cell.id
        assert len(cell.source.splitlines()) <= 15, cell.id


def test_running_it_leaves_no_thread_and_no_socket(no_leaks):
    names, before = {}, socket.socket
    for cell in CODE:
        expected = (Exception,) if "raises-exception" in cell.metadata.get("tags", []) else ()
        with contextlib.suppress(*expected), contextlib.redirect_stdout(None):
            exec(cell.source, names)
    assert socket.socket is before
    names.clear()


def test_the_reader_of_a_full_buffer_ends_when_its_peer_does():
    drain = next(cell.source for cell in CODE if cell.id == "drain")
    pieces, shown = [b"four", b""], io.StringIO()
    names = {"big": bytes(10), "conn": type("Peer", (), {"recv": staticmethod(lambda n: pieces.pop(0))}),
             "writer": threading.Thread(target=len, args=("",))}
    names["writer"].start()
    with contextlib.redirect_stdout(shown):
        exec(drain, names)
    assert "all of it: False" in shown.getvalue()


# What the text says of Linux, and no cell shows

@pytest.fixture
def pair():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        conn, _ = listener.accept()
    with client, conn:
        yield client, conn


on_linux = pytest.mark.skipif(not kernel.LINUX, reason="the answers of Linux")


@on_linux
def test_a_program_that_is_killed_ends_like_one_that_closes():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        code = f"import socket; s = socket.create_connection({listener.getsockname()}); s.sendall(b'half a'); s.recv(1)"
        with subprocess.Popen([sys.executable, "-c", code]) as program, listener.accept()[0] as conn:
            conn.settimeout(5)
            assert conn.recv(100) == b"half a"
            program.kill()
            assert conn.recv(100) == b""


@on_linux
@pytest.mark.parametrize("answer", [b"answer", b""])
def test_what_has_arrived_is_read_and_then_the_reset_is_met(pair, answer):
    client, conn = pair
    client.sendall(b"unread")
    kernel.wait_until(lambda: kernel.receive_queue(conn) == 6)
    conn.sendall(answer)
    kernel.wait_until(lambda: kernel.receive_queue(client) == len(answer))
    conn.close()
    kernel.wait_until(lambda: kernel.state(client) == "CLOSED")
    if answer:
        assert client.recv(100) == answer
        with pytest.raises(ConnectionResetError):
            client.recv(100)
    else:
        with pytest.raises(ConnectionResetError):
            client.send(b"first")
        with pytest.raises(BrokenPipeError):
            client.send(b"second")


@on_linux
def test_what_waits_in_the_kernel_of_who_closes_is_lost(pair):
    client, conn = pair
    client.sendall(b"unread")
    kernel.wait_until(lambda: kernel.receive_queue(conn) == 6)
    conn.setblocking(False)
    sent, arrived = conn.send(bytes(3_000_000)), 0
    conn.close()
    client.settimeout(5)
    with pytest.raises(ConnectionResetError):
        while data := client.recv(1_000_000):
            arrived += len(data)
    assert 0 < arrived < sent
