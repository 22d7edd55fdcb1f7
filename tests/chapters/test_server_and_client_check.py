"""Chapter 3's exercises: every worked solution passes, typical wrong answers fail, and the hint names the mistake."""
import socket
import threading
import time
from pathlib import Path

import nbformat
import pytest

from netlab.teach.check import FAILED, NOT_ATTEMPTED
from netlab.chapters.server_and_client import check
from netlab.kernel import LINUX

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
CHAPTER = "03_server_and_client.ipynb"
EXERCISES = {exercise.name: exercise for exercise in check.EXERCISES}

pytestmark = pytest.mark.usefixtures("no_leaks")


def code(notebook):
    cells = nbformat.read(NOTEBOOKS / notebook, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


def connected(address, timeout=None):
    sock = socket.socket()
    sock.settimeout(timeout)
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    return sock


def to_the_end(sock):
    data = b""
    while piece := sock.recv(4096):
        data += piece
    return data


# 1 shout

def shout_no_shutdown(address, text):
    with connected(address) as sock:
        sock.sendall(text.encode())
        return to_the_end(sock).decode()


def shout_one_recv(address, text):
    with connected(address) as sock:
        sock.sendall(text.encode())
        sock.shutdown(socket.SHUT_WR)
        return sock.recv(4096).decode()


def shout_decode_each(address, text):
    with connected(address) as sock:
        sock.sendall(text.encode())
        sock.shutdown(socket.SHUT_WR)
        answer = ""
        while data := sock.recv(4096):
            answer += data.decode()
        return answer


def shout_str(address, text):
    with connected(address) as sock:
        sock.sendall(text)


def shout_bytes(address, text):
    with connected(address) as sock:
        sock.sendall(text.encode())
        sock.shutdown(socket.SHUT_WR)
        return to_the_end(sock)


def shout_no_return(address, text):
    with connected(address) as sock:
        sock.sendall(text.encode())
        sock.shutdown(socket.SHUT_WR)
        to_the_end(sock).decode()


def shout_close(address, text):
    sock = connected(address)
    sock.sendall(text.encode())
    sock.close()
    return to_the_end(sock).decode()


def shout_left_open(address, text):
    sock = connected(address)
    sock.sendall(text.encode())
    sock.shutdown(socket.SHUT_WR)
    return to_the_end(sock).decode()


def shout_nobody(address, text):
    return text.upper()


# 2 recv_exactly

def exactly_once(sock, n):
    return sock.recv(n)


def exactly_greedy(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(1024)
        if not piece:
            raise ConnectionError
        data += piece
    return data[:n]


def exactly_no_end(sock, n):
    data = b""
    while len(data) < n:
        data += sock.recv(n - len(data))
    return data


def exactly_short(sock, n):
    data = b""
    while len(data) < n and (piece := sock.recv(n - len(data))):
        data += piece
    return data


def exactly_too_much(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(n)
        if not piece:
            raise ConnectionError
        data += piece
    return data


def exactly_until_end(sock, n):
    data = to_the_end(sock)
    if len(data) < n:
        raise ConnectionError
    return data[:n]


def exactly_waits_for_nothing(sock, n):
    data = sock.recv(n or 1)
    return data + exactly_no_end(sock, n - len(data))


def exactly_other_error(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(n - len(data))
        if not piece:
            raise ValueError("too few")
        data += piece
    return data


# 3 daytime

def day_open(listener, text):
    conn, _ = listener.accept()
    conn.sendall(text.encode() + b"\r\n")


def day_str(listener, text):
    conn, _ = listener.accept()
    with conn:
        conn.sendall(text + "\r\n")


def day_listener(listener, text):
    conn, _ = listener.accept()
    with conn:
        listener.sendall(text.encode() + b"\r\n")


def day_waits(listener, text):
    conn, _ = listener.accept()
    with conn:
        conn.recv(1024)
        conn.sendall(text.encode() + b"\r\n")


def day_no_line_end(listener, text):
    conn, _ = listener.accept()
    with conn:
        conn.sendall(text.encode())


def day_newline(listener, text):
    conn, _ = listener.accept()
    with conn:
        conn.sendall(text.encode() + b"\n")


def day_for_ever(listener, text):
    while True:
        conn, _ = listener.accept()
        with conn:
            conn.sendall(text.encode() + b"\r\n")


def day_two(listener, text):
    for _ in range(2):
        listener.settimeout(0.05)
        try:
            conn, _ = listener.accept()
        except TimeoutError:
            return
        with conn:
            conn.sendall(text.encode() + b"\r\n")


def day_closes(listener, text):
    with listener:
        conn, _ = listener.accept()
        with conn:
            conn.sendall(text.encode() + b"\r\n")


def day_ascii(listener, text):
    conn, _ = listener.accept()
    with conn:
        conn.sendall(text.encode("ascii", "replace") + b"\r\n")


# 4 open_ports

def ports_by(test, seconds=0.2, close=True):
    def open_ports(ports):
        found = []
        for port in ports:
            sock = socket.socket()
            sock.settimeout(seconds)
            if test(sock.connect_ex(("127.0.0.1", port))):
                found.append(port)
            if close:
                sock.close()
        return found
    return open_ports


def ports_one_socket(ports):
    with socket.socket() as sock:
        sock.settimeout(0.2)
        return [port for port in ports if sock.connect_ex(("127.0.0.1", port)) == 0]


def ports_raise(ports):
    for port in ports:
        connected(("127.0.0.1", port), 0.2).close()
    return list(ports)


def ports_set(ports):
    return set(ports_by(lambda code: code == 0)(ports))


def ports_sorted(ports):
    return sorted(ports_by(lambda code: code == 0)(ports), reverse=sorted(ports) == list(ports))


def ports_first(ports):
    return ports_by(lambda code: code == 0)(ports)[:1]


# 5 answer_within

def within_no_limit(address, question, seconds):
    with connected(address) as sock:
        sock.sendall(question)
        return to_the_end(sock)


def within_each(address, question, seconds):
    try:
        with connected(address, seconds) as sock:
            sock.sendall(question)
            return to_the_end(sock)
    except TimeoutError:
        return None


def within_one_recv(address, question, seconds):
    try:
        with connected(address, seconds) as sock:
            sock.sendall(question)
            return sock.recv(4096)
    except TimeoutError:
        return None


def deadline(address, question, seconds, *, part=False, raises=False, swallow=(TimeoutError,)):
    end, answer = time.monotonic() + seconds, b""
    try:
        with connected(address, seconds) as sock:
            sock.sendall(question)
            while (left := end - time.monotonic()) > 0:
                sock.settimeout(left)
                if not (data := sock.recv(4096)):
                    return answer
                answer += data
            raise TimeoutError
    except swallow:
        if raises:
            raise
        return answer if part else None


def within_part(address, question, seconds):
    return deadline(address, question, seconds, part=True)


def within_raises(address, question, seconds):
    return deadline(address, question, seconds, raises=True)


def within_swallows(address, question, seconds):
    return deadline(address, question, seconds, swallow=(OSError,))


def within_late(address, question, seconds):
    with connected(address) as sock:
        sock.settimeout(seconds)
        sock.sendall(question)
        end, answer = time.monotonic() + seconds, b""
        try:
            while time.monotonic() < end and (data := sock.recv(4096)):
                answer += data
        except TimeoutError:
            return None
        return answer if time.monotonic() < end else None


# 6 serve_upper

def upper_by(talk, guard=()):
    def serve_upper(listener, clients):
        for _ in range(clients):
            conn, _ = listener.accept()
            with conn:
                try:
                    talk(conn)
                except guard:
                    pass
    return serve_upper


def until_end(conn):
    while data := conn.recv(4096):
        conn.sendall(data.upper())


def once(conn):
    conn.sendall(conn.recv(4096).upper())


def upper_outside(listener, clients):
    try:
        upper_by(until_end)(listener, clients)
    except ConnectionError:
        pass


def upper_for_ever(listener, clients):
    while True:
        upper_by(until_end, ConnectionError)(listener, 1)


def upper_one(listener, clients):
    upper_by(until_end, ConnectionError)(listener, 1)


def upper_open(listener, clients):
    for _ in range(clients):
        conn, _ = listener.accept()
        try:
            until_end(conn)
        except ConnectionError:
            conn.close()


def upper_echo(conn):
    while data := conn.recv(4096):
        conn.sendall(data)


def upper_closes(listener, clients):
    with listener:
        upper_by(until_end, ConnectionError)(listener, clients)


def upper_text(conn):
    while data := conn.recv(4096):
        conn.sendall(str(data).upper())


WRONG = [
    ("shout", shout_no_shutdown, "shutdown(SHUT_WR)"),
    ("shout", shout_one_recv, "in pieces"),
    ("shout", shout_decode_each, "cut in two"),
    ("shout", shout_str, "text.encode()"),
    ("shout", shout_bytes, ".decode()"),
    ("shout", shout_no_return, "return"),
    ("shout", shout_close, "after close()"),
    ("shout", shout_left_open, "close what you open"),
    ("shout", shout_nobody, "nobody connected"),
    ("recv_exactly", exactly_once, "may give fewer"),
    ("recv_exactly", exactly_greedy, "too much was taken"),
    ("recv_exactly", exactly_no_end, "again and again"),
    ("recv_exactly", exactly_short, "raise ConnectionError"),
    ("recv_exactly", exactly_too_much, "too much was taken"),
    ("recv_exactly", exactly_until_end, "still waits"),
    ("recv_exactly", exactly_waits_for_nothing, "nothing may be waited for"),
    ("recv_exactly", exactly_other_error, "raise ConnectionError"),
    ("daytime", day_open, "close the connection"),
    ("daytime", day_str, "text.encode()"),
    ("daytime", day_listener, "a listening socket carries no data"),
    ("daytime", day_waits, "speak first"),
    ("daytime", day_no_line_end, "ends with \\r\\n"),
    ("daytime", day_newline, "both characters"),
    ("daytime", day_for_ever, "one-shot"),
    ("daytime", day_two, "one-shot"),
    ("daytime", day_closes, "belongs to the caller"),
    ("daytime", day_ascii, "UTF-8"),
    ("open_ports", ports_by(bool), "the other way round"),
    ("open_ports", ports_by(lambda code: True), "only 0 is success"),
    ("open_ports", ports_by(lambda code: code == 0, close=False), "close what you open"),
    ("open_ports", ports_one_socket, "a socket of its own"),
    ("open_ports", ports_raise, "connect_ex"),
    ("open_ports", ports_set, "a list"),
    ("open_ports", ports_first, "an open port is missing"),
    ("answer_within", within_no_limit, "settimeout before recv"),
    ("answer_within", within_each, "a deadline limits all"),
    ("answer_within", within_one_recv, "in pieces"),
    ("answer_within", within_part, "part of an answer"),
    ("answer_within", within_raises, "catch TimeoutError"),
    ("answer_within", within_swallows, "let ConnectionRefusedError out"),
    ("serve_upper", upper_by(until_end), "inside the loop"),
    ("serve_upper", upper_outside, "before all clients"),
    ("serve_upper", upper_by(once, ConnectionError), "more to say"),
    ("serve_upper", upper_for_ever, "return after the last"),
    ("serve_upper", upper_one, "before all clients"),
    ("serve_upper", upper_open, "close each connection"),
    ("serve_upper", upper_by(upper_echo, ConnectionError), "in capitals"),
    ("serve_upper", upper_closes, "belongs to the caller"),
    ("serve_upper", upper_by(upper_text, ConnectionError), "text.encode()"),
] + [  # elsewhere a full queue may refuse, or hold more
    ("open_ports", ports_by(lambda code: code == 0, seconds=None), "settimeout(0.2)"),
    ("answer_within", within_late, "connect counts as well"),
] * LINUX


@pytest.mark.parametrize("name, function, words", WRONG, ids=[f"{row[0]}-{i}" for i, row in enumerate(WRONG)])
def test_wrong_answers_are_named(name, function, words, monkeypatch):
    monkeypatch.setattr(check, "LIMIT", 1.0)        # what waits for ever need not wait long
    result = EXERCISES[name](function)
    assert result.state == FAILED
    assert words in result.hint, result
    assert result.call and result.expected and result.came
    assert 0 <= result.passed < result.total


# Other right answers

def other_shout(address, text):
    with socket.create_connection(address) as sock, sock.makefile("rw", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        sock.shutdown(socket.SHUT_WR)
        return file.read()


def other_recv_exactly(sock, n):
    data = sock.recv(n, socket.MSG_WAITALL) if n else b""
    if len(data) < n:
        raise ConnectionAbortedError(len(data))
    return data


def slow_recv_exactly(sock, n):
    data = b""
    for _ in range(min(n, 100)):
        if not (piece := sock.recv(1)):
            raise ConnectionError
        data += piece
    return data + other_recv_exactly(sock, n - len(data))


def other_daytime(listener, text):
    conn, _ = listener.accept()
    conn.settimeout(1)
    rest = (text + "\r\n").encode()
    while rest:
        rest = rest[conn.send(rest):]
    conn.shutdown(socket.SHUT_WR)
    conn.close()


def other_open_ports(ports):
    found = []
    for port in ports:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            found += [port]
        except OSError:
            pass
    return found


def threaded_serve_upper(listener, clients):
    threads = []
    for _ in range(clients):
        conn, _ = listener.accept()

        def talk(conn=conn):
            with conn:
                try:
                    until_end(conn)
                except OSError:
                    pass
        threads.append(threading.Thread(target=talk))
        threads[-1].start()
    for thread in threads:
        thread.join()


RIGHT = [other_shout, other_recv_exactly, slow_recv_exactly, other_daytime, other_open_ports, threaded_serve_upper]


@pytest.mark.parametrize("function", RIGHT)
def test_other_right_answers_pass(function):
    (name,) = [name for name in EXERCISES if function.__name__.endswith(name)]
    result = EXERCISES[name](function)
    assert result.ok, result


@pytest.mark.parametrize("name", EXERCISES)
def test_enough_wrong_answers(name):
    assert sum(row[0] == name for row in WRONG) >= 4
    assert len(EXERCISES[name].cases) >= 5


def code_of_solutions():
    names = {}
    for source in code(f"solutions/{CHAPTER}"):
        exec(source, names)
    return names


@pytest.fixture(scope="module")
def solutions():
    return code_of_solutions()


@pytest.mark.parametrize("name", EXERCISES)
def test_the_worked_solution_passes(name, solutions):
    result = EXERCISES[name](solutions[name])
    assert result.ok, result


@pytest.mark.parametrize("name", EXERCISES)
def test_the_chapter_has_a_stub_that_is_not_attempted(name):
    (source,) = [source for source in code(CHAPTER) if f"def {name}(" in source]
    assert f"check.{name}({name})" in source
    names = {"check": check}
    exec(source, names)
    assert EXERCISES[name](names[name]).state == NOT_ATTEMPTED


def test_the_socket_class_is_given_back():
    before = socket.socket
    EXERCISES["shout"](shout_str)
    assert socket.socket is before


def test_not_a_function():
    result = EXERCISES["recv_exactly"](b"hello")
    assert result.state == FAILED and "the function itself" in result.hint


@pytest.mark.parametrize("stubborn", ["spins", "swallows", "waits"])
def test_what_never_ends_is_stopped(stubborn, monkeypatch):
    monkeypatch.setattr(check, "LIMIT", 0.3)

    def recv_exactly(sock, n):
        while stubborn == "spins":
            pass
        while stubborn == "swallows":
            try:
                sock.recv(n)
            except OSError:
                continue
        while True:
            threading.Event().wait(0.01)

    result = EXERCISES["recv_exactly"](recv_exactly)
    assert result.came.startswith("no end")     # and no_leaks sees that its thread is gone
