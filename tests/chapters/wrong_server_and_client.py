"""Answers to the exercises of chapter 3, wrong and right, with what the check must say of each."""
import codecs
import contextlib
import errno
import functools
import select
import socket
import threading
import time

from answers import right, wrong

from netlab.chapters.server_and_client import check
from netlab.kernel import LINUX
from netlab.teach.workbench import attempt


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
    for seconds in (None, 0.05):        # the first client may come late
        listener.settimeout(seconds)
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


def ports_by_bind(ports):
    with contextlib.ExitStack() as stack:
        return [port for port in ports
                if isinstance(attempt(stack.enter_context(socket.socket()).bind, ("127.0.0.1", port)), str)]


def ports_for_ever(ports):
    while True:
        pass


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


def upper_tuple(listener, clients):
    for _ in range(clients):
        with listener.accept() as conn:
            until_end(conn)


def never_ends(conn):
    while True:
        conn.sendall(conn.recv(4096).upper())


def same_again(conn):
    data = conn.recv(4096)
    while data:
        conn.sendall(data.upper())


def upper_decodes(conn):
    while data := conn.recv(4096):
        conn.sendall(data.decode().upper().encode())


def upper_ignores(conn):
    while data := conn.recv(4096):
        conn.sendall(data.decode(errors="ignore").upper().encode())


def upper_text(conn):
    while data := conn.recv(4096):
        conn.sendall(str(data).upper())


# right answers

@right(check.shout)
def other_shout(address, text):
    with socket.create_connection(address) as sock, sock.makefile("rw", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        sock.shutdown(socket.SHUT_WR)
        return file.read()


@right(check.recv_exactly)
def other_recv_exactly(sock, n):
    data = sock.recv(n, socket.MSG_WAITALL) if n else b""
    if len(data) < n:
        raise ConnectionAbortedError(len(data))
    return data


@right(check.recv_exactly)
def slow_recv_exactly(sock, n):
    data = b""
    for _ in range(min(n, 100)):
        if not (piece := sock.recv(1)):
            raise ConnectionError
        data += piece
    return data + other_recv_exactly(sock, n - len(data))


@right(check.daytime)
def other_daytime(listener, text):
    conn, _ = listener.accept()
    conn.settimeout(1)
    rest = (text + "\r\n").encode()
    while rest:
        rest = rest[conn.send(rest):]
    conn.shutdown(socket.SHUT_WR)
    conn.close()


@right(check.open_ports)
def other_open_ports(ports):
    found = []
    for port in ports:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
            found += [port]
        except OSError:
            pass
    return found


@right(check.serve_upper)
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

# what was found misleading once

def typo(reach):
    """Breaks off after its first steps."""
    def function(*given):
        with reach(*given) as sock:
            sock.sendal(b"hello")
    return function


def client_typo(address, *given):
    return connected(address)


def server_typo(listener, *given):
    return listener.accept()[0]


def shout_by(send, read):
    """A client that closes on every path."""
    def shout(address, text):
        with connected(address) as sock:
            send(sock, text)
            return read(sock)
    return shout


def all_sent(sock, text):
    sock.sendall(text.encode())
    sock.shutdown(socket.SHUT_WR)


def sent_once(sock, text):
    sock.send(text.encode())
    sock.shutdown(socket.SHUT_WR)


def line_sent(sock, text):
    all_sent(sock, text + "\n")


def both_ends(sock, text):
    sock.sendall(text.encode())
    sock.shutdown(socket.SHUT_RDWR)


def shout_swallows(address, text):
    try:
        return shout_by(all_sent, lambda sock: to_the_end(sock).decode())(address, text)
    except OSError:
        return ""


def exactly_returns_the_error(sock, n):
    data = b""
    while len(data) < n:
        piece = sock.recv(n - len(data))
        if not piece:
            return ConnectionError("too few")
        data += piece
    return data


def exactly_closes(sock, n):
    with sock:
        return other_recv_exactly(sock, n)


def exactly_bytearray(sock, n):
    return bytearray(other_recv_exactly(sock, n))


def exactly_str(sock, n):
    return other_recv_exactly(sock, n).decode("latin-1")


def day_by_send(listener, text):
    conn, _ = listener.accept()
    with conn:
        conn.send(text.encode() + b"\r\n")


def day_tuple(listener, text):
    conn = listener.accept()
    conn.sendall(text.encode() + b"\r\n")


def day_returns(listener, text):
    return text and None


def ports_stop_at_silence(ports):
    found = []
    for port in ports:
        try:
            connected(("127.0.0.1", port), 0.2).close()
            found.append(port)
        except ConnectionRefusedError:
            pass
    return found


def within_untested(address, question, seconds):
    end, answer = time.monotonic() + seconds, b""
    try:
        with connected(address, seconds) as sock:
            sock.sendall(question)
            while True:
                sock.settimeout(end - time.monotonic())
                if not (data := sock.recv(4096)):
                    return answer
                answer += data
    except TimeoutError:
        return None


def within_no_question(address, question, seconds):
    try:
        with connected(address, seconds) as sock:
            return to_the_end(sock)
    except TimeoutError:
        return None


def within_line(address, question, seconds):
    return deadline(address, question + b"\n", seconds)


def upper_sends(conn):
    while data := conn.recv(65536):
        conn.send(data.upper())


def upper_listener(listener, clients):
    for _ in range(clients):
        conn, _ = listener.accept()
        with conn:
            listener.recv(4096)


def upper_returns(listener, clients):
    upper_by(until_end, ConnectionError)(listener, clients)
    return clients


# what the check must say of each

wrong(check.shout, "how does it learn that this was all", "b'hello', and no end: both sides wait")(shout_no_shutdown)
wrong(check.shout, "in pieces", "'H'")(shout_one_recv)
wrong(check.shout, "cut in two", "raised UnicodeDecodeErro")(shout_decode_each)
wrong(check.shout, "text.encode() makes bytes", "raised TypeError: a byte")(shout_str)
wrong(check.shout, ".decode()", "b'HELLO'")(shout_bytes)
wrong(check.shout, "return", "None")(shout_no_return)
wrong(check.shout, "close() ends both directions", "raised OSError: [Errno 9")(shout_close)
wrong(check.shout, "close what you open", "1 still open when the function returned")(shout_left_open)
wrong(check.shout, "nobody connected", "none; the function gave 'HELLO'")(shout_nobody)
wrong(check.shout, "about the code", "raised AttributeError: '")(typo(client_typo))
wrong(check.shout, "sendall", "it heard the first 1,000 of 280,000 bytes")(
    shout_by(sent_once, lambda s: to_the_end(s).decode()))
wrong(check.shout, "too much", "it heard b'hello\\n'")(shout_by(line_sent, lambda s: to_the_end(s).decode()))
wrong(check.shout, "SHUT_WR ends only")(
    shout_by(both_ends, lambda s: to_the_end(s).decode()))
wrong(check.shout, "str() shows", '"b\'HELLO\'"')(shout_by(all_sent, lambda s: str(to_the_end(s))))
wrong(check.shout, "let ConnectionRefusedError out", "''")(shout_swallows)

wrong(check.recv_exactly, "may give fewer", "b'hel'")(exactly_once)
wrong(check.recv_exactly, "too much was taken", "nothing is there")(exactly_greedy)
wrong(check.recv_exactly, "again and again", "no end after")(exactly_no_end)
wrong(check.recv_exactly, "raise ConnectionError", "b'hel'")(exactly_short)
wrong(check.recv_exactly, "too much was taken", "b'hello wo'")(exactly_too_much)
wrong(check.recv_exactly, "still waits", "no end after")(exactly_until_end)
wrong(check.recv_exactly, "nothing may be waited for", "no end after")(exactly_waits_for_nothing)
wrong(check.recv_exactly, "raise ConnectionError", "raised ValueError: too few")(exactly_other_error)
wrong(check.recv_exactly, "about the code", "raised AttributeError: '")(lambda sock, n: sock.recieve(n))
wrong(check.recv_exactly, "write raise in the place of return", "ConnectionError('too few')")(
    exactly_returns_the_error)
wrong(check.recv_exactly, "belongs to the caller", "it is closed")(exactly_closes)
wrong(check.recv_exactly, "give back bytes, not a bytearray", "bytearray(b'hello')")(exactly_bytearray)
wrong(check.recv_exactly, "the bytes as they are", "'hello'")(exactly_str)

wrong(check.daytime, "close the connection", "b'Monday, 09:00\\r\\n', and no end")(day_open)
wrong(check.daytime, "text.encode() makes bytes", "raised TypeError: a byte")(day_str)
wrong(check.daytime, "a listening socket carries no data", "raised BrokenPipeError: ")(day_listener)
wrong(check.daytime, "speak first", "nothing, and no end")(day_waits)
wrong(check.daytime, "ends with \\r\\n", "b'Monday, 09:00'")(day_no_line_end)
wrong(check.daytime, "both characters", "b'Monday, 09:00\\n'")(day_newline)
wrong(check.daytime, "one-shot", "no end after")(day_for_ever)
wrong(check.daytime, "one-shot", "it was given b'noon\\r\\n'")(day_two)
wrong(check.daytime, "belongs to the caller", "it is closed")(day_closes)
wrong(check.daytime, "UTF-8", "b'?? ? Mittag\\r\\n'")(day_ascii)
wrong(check.daytime, "about the code", "raised AttributeError: '")(typo(server_typo))
wrong(check.daytime, "sendall", "the first 1,000 of 240,002 bytes")(day_by_send)
wrong(check.daytime, "two things, in a tuple", "raised AttributeError: 'tuple'")(day_tuple)
wrong(check.daytime, "before a client was served", "nothing, and no end")(day_returns)

wrong(check.open_ports, "the other way round", "[")(ports_by(bool))
wrong(check.open_ports, "refuses is in the list: what did connect do", "[")(ports_by(lambda code: True))
wrong(check.open_ports, "refuses is in the list: what did connect do", "[")(lambda ports: ports)
wrong(check.open_ports, "refuses is in the list: what did connect do", "[")(ports_by_bind)
wrong(check.open_ports, "which loop has no end", "no end after")(ports_for_ever)
wrong(check.open_ports, "does not answer is in the list", "[", here=LINUX)(ports_by(lambda code: code != errno.ECONNREFUSED))
wrong(check.open_ports, "close what you open", "2 still open when the function returned")(
    ports_by(lambda code: code == 0, close=False))
wrong(check.open_ports, "a new socket", "[")(ports_one_socket)
wrong(check.open_ports, "an answer, not an accident", "raised ConnectionRefused")(ports_raise)
wrong(check.open_ports, "a list", "{")(ports_set)
wrong(check.open_ports, "an open port is missing", "[")(ports_first)
wrong(check.open_ports, "about the code", "raised AttributeError: m")(
    lambda ports: [port for port in ports if socket.sock])
wrong(check.open_ports, "in the order of", "[")(ports_sorted)
wrong(check.open_ports, "give back a list", "(")(lambda ports: tuple(ports_by(lambda code: code == 0)(ports)))
wrong(check.open_ports, "how long connect waits", "no end after", here=LINUX)(
    ports_by(lambda code: code == 0, seconds=None))
wrong(check.open_ports, "no reason to stop", "raised TimeoutError: timed out", here=LINUX)(ports_stop_at_silence)

wrong(check.answer_within, "how long recv waits", "no end after")(within_no_limit)
wrong(check.answer_within, "a deadline limits all", "no end after")(within_each)
wrong(check.answer_within, "in pieces", "b't'")(within_one_recv)
wrong(check.answer_within, "part of an answer", "b''")(within_part)
wrong(check.answer_within, "None, not an error", "raised TimeoutError: timed out")(within_raises)
wrong(check.answer_within, "let ConnectionRefusedError out", "None")(within_swallows)
wrong(check.answer_within, "about the code", "raised AttributeError: '")(typo(client_typo))
wrong(check.answer_within, "the time was used up", "raised ValueError: Timeo")(within_untested)
wrong(check.answer_within, "send the question", "it heard b''")(within_no_question)
wrong(check.answer_within, "send the question as it is", "it heard b'time?\\n'")(within_line)
wrong(check.answer_within, "raise", "TimeoutError('late')")(lambda a, q, s: TimeoutError("late"))
wrong(check.answer_within, "connect counts as well", "no end after", here=LINUX)(within_late)

wrong(check.serve_upper, "the loop over clients goes on", "raised ConnectionResetEr")(upper_by(until_end))
wrong(check.serve_upper, "before all clients", "the function returned")(upper_outside)
wrong(check.serve_upper, "more to say", "the end")(upper_by(once, ConnectionError))
wrong(check.serve_upper, "return after the last", "no end after")(upper_for_ever)
wrong(check.serve_upper, "before all clients", "the function returned")(upper_one)
wrong(check.serve_upper, "close each connection", "b'HELLO', and no end")(upper_open)
wrong(check.serve_upper, "in capitals", "b'hello'")(upper_by(upper_echo, ConnectionError))
wrong(check.serve_upper, "belongs to the caller", "it is closed")(upper_closes)
wrong(check.serve_upper, "text.encode() makes bytes", "raised TypeError: a byte")(
    upper_by(upper_text, ConnectionError))
wrong(check.serve_upper, "about the code", "raised AttributeError: '")(typo(server_typo))
wrong(check.serve_upper, "sendall", "the first 1,000 of 40,000 bytes")(upper_by(upper_sends, ConnectionError))
wrong(check.serve_upper, "accept", "raised OSError")(upper_listener)
wrong(check.serve_upper, "nothing is to be given back", "1")(upper_returns)
wrong(check.serve_upper, "two things, in a tuple", "raised TypeError: 'tuple'")(upper_tuple)
wrong(check.serve_upper, "does the loop see b\"\"", "b'HELLO', and no end")(upper_by(never_ends, ConnectionError))
wrong(check.serve_upper, "again and again: does each round of the loop call recv", "b'HELLOHELLO")(
    upper_by(same_again, ConnectionError))
wrong(check.serve_upper, "cut in two", "raised UnicodeDecodeError: ")(upper_by(upper_decodes, ConnectionError))
wrong(check.serve_upper, "cut in two", "b'TEN '")(upper_by(upper_ignores, ConnectionError))


# right answers of other styles

@right(check.shout)
def shout_by_sends(address, text):
    with socket.create_connection(address) as sock:
        rest = text.encode()
        while rest:
            rest = rest[sock.send(rest):]
        sock.shutdown(socket.SHUT_WR)
        return to_the_end(sock).decode()


@right(check.recv_exactly)
def by_single_bytes(sock, n):
    data = b""
    while len(data) < n:
        if not (piece := sock.recv(1)):
            raise ConnectionError
        data += piece
    return data


@right(check.daytime)
def daytime_plain(listener, text):
    conn, _ = listener.accept()
    conn.sendall(f"{text}\r\n".encode())
    conn.close()


right(check.open_ports)(ports_by(lambda code: code == 0))
right(check.answer_within)(deadline)


@right(check.answer_within)
def within_by_select(address, question, seconds):
    end, answer = time.monotonic() + seconds, b""
    try:
        with socket.create_connection(address, timeout=seconds) as sock:
            sock.sendall(question)
            while select.select([sock], [], [], max(0, end - time.monotonic()))[0] and time.monotonic() < end:
                if not (data := sock.recv(100)):
                    return answer
                answer += data
    except TimeoutError:
        pass
    return None


right(check.serve_upper)(upper_by(until_end, ConnectionError))


@right(check.serve_upper)
@functools.partial(upper_by, guard=ConnectionError)
def upper_whole_characters(conn):
    decode = codecs.getincrementaldecoder("utf-8")().decode
    while data := conn.recv(4096):
        conn.sendall(decode(data).upper().encode())
