"""The museum of chapter 06: each exhibit is broken and said why, wrong mends get a hint that fits, right ones pass."""
import socket
import threading
from pathlib import Path

import nbformat
import pytest
from conftest import left_behind, open_files

from netlab.chapters.message_sticking import museum
from netlab.chapters.message_sticking.museum import confirmed, recv_exactly
from netlab.framing import Delimiter, FramingError, LengthPrefix
from netlab.teach.check import Exercise

BOOKS = Path(__file__).parents[2] / "notebooks"
NAMES = ("one_recv", "joined", "half_header", "swallower", "decoded", "in_the_data", "deaf", "part_sent", "patient", "trusting")
KINDS = {"one_recv": "message", "joined": "coalesced", "half_header": "header", "decoded": "decode", "deaf": "busy",
         "part_sent": "send", "patient": "timeout", "trusting": "bound"}
WRONG, RIGHT = [], []


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left():
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert not left_behind(threads, files)


def wrong(name, hint):
    return lambda function: WRONG.append(pytest.param(name, function, hint, id=f"{name}-{function.__name__}")) or function


def right(name):
    return lambda function: RIGHT.append(pytest.param(name, function, id=f"{name}-{function.__name__}")) or function


def code(path):
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"}


def functions(path, prefix):
    """The exhibits, or the mended ones, as the notebook has them."""
    names = {"confirmed": confirmed, "recv_exactly": recv_exactly, "LengthPrefix": LengthPrefix, "Delimiter": Delimiter,
             "museum": museum, "socket": socket}
    for cell, source in code(path).items():
        if cell.startswith(prefix):
            exec(source, names)
    return names


def test_the_chapter_shows_ten_and_the_solutions_mend_them():
    cells = code(BOOKS / "06_message_sticking.ipynb")
    shown = functions(BOOKS / "06_message_sticking.ipynb", "exhibit-")
    mended = functions(BOOKS / "solutions" / "06_message_sticking.ipynb", "mended-")
    here = functions(BOOKS / "06_message_sticking.ipynb", "mend-")
    for name in NAMES:
        assert 2 <= len(cells[f"exhibit-{name.replace('_', '-')}"].splitlines()) <= 12
        found = getattr(museum, name)(shown[name])
        assert not found.ok and getattr(found, "kind", None) == KINDS.get(name)
        mend = {"one_recv": here["whole_orders"], "decoded": here["framed_first"]}.get(name) or mended[name]
        assert getattr(museum, name)(mend).ok, name


def test_the_museum_has_ten():
    assert [exhibit.name for exhibit in museum.EXHIBITS] == list(NAMES)
    assert sum(isinstance(exhibit, Exercise) for exhibit in museum.EXHIBITS) == 2


@pytest.mark.parametrize("name, function, hint", WRONG)
def test_a_wrong_mend_gets_a_hint_that_fits(name, function, hint):
    found = getattr(museum, name)(function)
    assert not found.ok and hint in found.hint, found


@pytest.mark.parametrize("name, function", RIGHT)
def test_a_right_mend_passes(name, function):
    found = getattr(museum, name)(function)
    assert found.ok and ("mended" in repr(found) or "passed" in repr(found)), found


def test_each_has_wrong_and_right_mends():
    assert all(sum(param.values[0] == name for param in WRONG) >= 2 for name in NAMES)
    assert all(sum(param.values[0] == name for param in RIGHT) >= 1 for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_function_and_what_is_empty(name):
    def stub(*given):
        ...

    exhibit = getattr(museum, name)
    assert not exhibit(None).ok and f"museum.{name}({name})" in repr(exhibit(None)).replace("check.", "museum.")
    assert not exhibit(stub).ok and "give the function itself" not in repr(exhibit(stub))
    assert not exhibit(lambda *given: 1 / 0).ok and "ZeroDivisionError" in repr(exhibit(lambda *given: 1 / 0))


def test_no_clock_is_needed_to_see_an_answer_without_end():
    found = museum.patient(keeps_what_it_has_confirmed)
    assert found.kind == "again" and "answers the same message again and again" in repr(found)
    assert "seconds" not in repr(found) and "once" in dict(found._rows)["expected"]


def test_what_is_told_of_a_whole_order_that_waits():
    found = museum.joined(the_end_of_what_came)
    assert found.kind == "held" and found.pieces == (b"tea 3\nr", b"ice 12\n") and "was answered before" not in repr(found)


def test_what_is_read_on_behind_a_refused_length():
    for mend in takes_less, goes_on:
        found = museum.trusting(mend)
        assert found.kind == "step" and found.pieces[0] == b"\1\0\0\0" and found.expected == b""


def test_the_card_shows_the_four_bytes_and_the_pause():
    exhibits = functions(BOOKS / "06_message_sticking.ipynb", "exhibit-")
    assert "b'\\x01\\x00\\x00\\x00'" in museum.trusting(exhibits["trusting"]).said
    patient = museum.patient(exhibits["patient"])
    assert "b't' | (a pause) | b'ea 3\\n'" in repr(patient) and "the peer was silent" in str(patient.picture._repr_mimebundle_())


def test_the_headers_are_underlined():
    exhibits = functions(BOOKS / "06_message_sticking.ipynb", "exhibit-")
    found = museum.half_header(exhibits["half_header"])
    assert found.framing >= {0, 1} and 2 not in found.framing


# --- 1 ---
@wrong("one_recv", "a part of a message, one, or more")
def a_larger_recv(conn, address):
    while order := conn.recv(65536):
        conn.sendall(confirmed(order.rstrip()) + b"\n")


@wrong("one_recv", "what is not whole is no message")
def a_file_and_no_look_at_the_newline(conn, address):
    with conn.makefile("rb") as file:
        for order in file:
            conn.sendall(confirmed(order.rstrip(b"\n")) + b"\n")


@wrong("one_recv", "belongs to the next")
def the_rest_is_lost(conn, address):
    held = b""
    while data := conn.recv(1024):
        held += data
        for order in held.split(b"\n")[:-1]:
            conn.sendall(confirmed(order) + b"\n")
            held = b""


@right("one_recv")
def a_file(conn, address):
    with conn.makefile("rb") as file:
        for order in file:
            if order.endswith(b"\n"):
                conn.sendall(confirmed(order))


# --- 2 ---
@wrong("joined", "whatever stands behind it")
def the_end_of_what_came(conn, address):
    order = b""
    while data := conn.recv(1024):
        order += data
        if order.endswith(b"\n"):
            for each in order.split(b"\n")[:-1]:
                conn.sendall(confirmed(each) + b"\n")
            order = b""


@wrong("joined", "whatever stands behind it")
def all_lines_of_what_came(conn, address):
    order = b""
    while data := conn.recv(1024):
        order += data
        if order.endswith(b"\n"):
            for each in order.splitlines(keepends=True):
                conn.sendall(confirmed(each))
            order = b""


@wrong("joined", "look again before the next `recv`")
def one_for_each_recv(conn, address):
    held = b""
    while data := conn.recv(1024):
        held += data
        if b"\n" in held:
            order, _, held = held.partition(b"\n")
            conn.sendall(confirmed(order) + b"\n")


@wrong("joined", "the last piece of a `split` is no message")
def the_empty_piece_too(conn, address):
    order = b""
    while data := conn.recv(1024):
        order += data
        if order.endswith(b"\n"):
            for each in order.split(b"\n"):
                conn.sendall(confirmed(each) + b"\n")
            order = b""


@wrong("joined", "what came behind the first was thrown away")
def the_first_of_several(conn, address):
    held = b""
    while data := conn.recv(1024):
        held += data
        if b"\n" in held:
            conn.sendall(confirmed(held.split(b"\n")[0]) + b"\n")
            held = b""


@wrong("joined", "belongs to the next")
def all_but_the_rest(conn, address):
    held = b""
    while data := conn.recv(1024):
        held += data
        if b"\n" in held:
            for order in held.split(b"\n")[:-1]:
                conn.sendall(confirmed(order) + b"\n")
            held = b""


@right("joined")
@right("deaf")
def by_partition(conn, address):
    held = b""
    while data := conn.recv(1024):
        held += data
        while b"\n" in held:
            order, _, held = held.partition(b"\n")
            conn.sendall(confirmed(order) + b"\n")


# --- 3 ---
@wrong("half_header", "which length does it believe")
def a_header_of_three(conn, address):
    while header := conn.recv(1):
        order = recv_exactly(conn, int.from_bytes(header + conn.recv(2), "big"))
        conn.sendall(LengthPrefix(2).encode(confirmed(order)))


@wrong("half_header", "what is not whole is no message")
def waits_for_all_and_takes_less(conn, address):
    while header := conn.recv(2, socket.MSG_WAITALL):
        order = conn.recv(int.from_bytes(header, "big"), socket.MSG_WAITALL)
        conn.sendall(LengthPrefix(2).encode(confirmed(order)))


@wrong("half_header", "until all n are there")
def the_body_by_one_recv(conn, address):
    while len(header := conn.recv(2, socket.MSG_WAITALL)) == 2:
        order = conn.recv(int.from_bytes(header, "big"))
        conn.sendall(LengthPrefix(2).encode(confirmed(order)))


@right("half_header")
def an_error_at_the_end(conn, address):
    while True:
        order = recv_exactly(conn, int.from_bytes(recv_exactly(conn, 2), "big"))
        conn.sendall(LengthPrefix(2).encode(confirmed(order)))


@right("half_header")
def with_the_library(conn, address):
    decoder = LengthPrefix(2)
    while data := conn.recv(1024):
        for order in decoder.feed(data):
            conn.sendall(decoder.encode(confirmed(order)))


# --- 4 ---
@wrong("swallower", "give the reply without it")
def with_the_newline(conn):
    reply = b""
    while not reply.endswith(b"\n"):
        reply += recv_exactly(conn, 1)
    return reply


@wrong("swallower", "outlives the call")
def a_file_for_each_call(conn):
    with conn.makefile("rb") as file:
        return file.readline().rstrip(b"\n")


@wrong("swallower", "at `b\"\"` raise ConnectionError")
def does_not_look_at_the_end(conn):
    reply = b""
    while not reply.endswith(b"\n"):
        reply += conn.recv(1)
    return reply[:-1]


@wrong("swallower", "by accident")
def raises_by_accident_at_the_end(conn):
    reply = b""
    while not reply.endswith(b"\n"):
        reply += bytes([conn.recv(1)[0]])
    return reply[:-1]


@wrong("swallower", "given back as a value")
def gives_the_error_back(conn):
    reply = b""
    while not reply.endswith(b"\n"):
        more = conn.recv(1)
        if not more:
            return ConnectionError("the till is gone")
        reply += more
    return reply[:-1]


@wrong("swallower", "one call gives one reply")
def all_that_came(conn):
    return conn.recv(1024).rstrip(b"\n")


@wrong("swallower", "give back bytes")
def gives_them_all(conn):
    return recv_exactly(conn, 9).split(b"\n")


REST = bytearray()


@wrong("swallower", "two connections share")
def a_buffer_for_all(conn):
    while b"\n" not in REST:
        more = conn.recv(1024)
        if not more:
            REST.clear()
            raise ConnectionError
        REST.extend(more)
    reply, _, rest = bytes(REST).partition(b"\n")
    REST[:] = rest
    return reply


@right("swallower")
def a_buffer_for_each(conn, held={}):  # noqa: B006
    data = held.pop(conn, b"")
    while b"\n" not in data:
        more = conn.recv(1024)
        if not more:
            raise ConnectionError
        data += more
    reply, _, held[conn] = data.partition(b"\n")
    return reply


@right("swallower")
def one_by_one(conn):
    reply = b""
    while (byte := recv_exactly(conn, 1)) != b"\n":
        reply += byte
    return reply


# --- 5 ---
@wrong("decoded", "first frame, then `decode`")
def ignores(conn, address):
    text = ""
    while data := conn.recv(1024):
        text += data.decode(errors="ignore")
        *orders, text = text.split("\n")
        for order in orders:
            conn.sendall(f"ok {order}\n".encode())


@wrong("decoded", "first frame, then `decode`")
def replaces(conn, address):
    text = ""
    while data := conn.recv(1):
        text += data.decode(errors="replace")
        *orders, text = text.split("\n")
        for order in orders:
            conn.sendall(f"ok {order}\n".encode())


@wrong("decoded", "first frame, then `decode`")
def waits_until_all_of_it_is_text(conn, address):
    held = b""
    while data := conn.recv(1024):
        held += data
        try:
            *orders, rest = held.decode().split("\n")
        except UnicodeDecodeError:
            continue
        held = rest.encode()
        for order in orders:
            conn.sendall(f"ok {order}\n".encode())


@right("decoded")
def a_decoder_that_keeps(conn, address):
    import codecs
    text, decode = "", codecs.getincrementaldecoder("utf-8")().decode
    while data := conn.recv(1024):
        *orders, text = (text + decode(data)).split("\n")
        for order in orders:
            conn.sendall(f"ok {order}\n".encode())


# --- 6 ---
@wrong("in_the_data", "Where both ends escape")
def escaped(orders):
    return b"".join(order.replace(b"%", b"%25").replace(b"\n", b"%0A") + b"\n" for order in orders)


@wrong("in_the_data", "would take it for two")
def nothing_is_done(orders):
    return b"".join(order + b"\n" for order in orders)


@wrong("in_the_data", "refuse it with ValueError")
def a_space_for_it(orders):
    return b"".join(order.replace(b"\n", b" ") + b"\n" for order in orders)


@wrong("in_the_data", "raise ValueError")
def another_error(orders):
    assert not any(b"\n" in order for order in orders)
    return b"".join(order + b"\n" for order in orders)


@wrong("in_the_data", "a newline at the end is one too many")
def not_at_the_end(orders):
    if any(b"\n" in order[:-1] for order in orders):
        raise ValueError
    return b"".join(order + b"\n" for order in orders)


@right("in_the_data")
def the_library_refuses(orders):
    return b"".join(map(Delimiter(b"\n").encode, orders))


# --- 7 ---
@wrong("deaf", "is the end of the stream")
def continues(conn, address):
    held = b""
    while True:
        data = conn.recv(1024)
        if data == b"":
            continue
        *whole, held = (held + data).split(b"\n")
        for order in whole:
            conn.sendall(confirmed(order) + b"\n")


@wrong("deaf", "one connection carries many messages")
def ends_when_nothing_is_held(conn, address):
    held = b""
    while True:
        held += conn.recv(1024)
        *whole, held = held.split(b"\n")
        for order in whole:
            conn.sendall(confirmed(order) + b"\n")
        if not held:
            break


# --- 8 ---
@wrong("part_sent", "may take a part")
def sends_twice(conn, address):
    for order in iter(lambda: recv_line(conn), b""):
        answer = confirmed(order)
        conn.send(answer[conn.send(answer):])


def recv_line(conn):
    line = b""
    while (byte := conn.recv(1)) and not line.endswith(b"\n"):
        line += byte
        if byte == b"\n":
            return line
    return b""


@wrong("part_sent", "may take a part")
def a_file_without_a_buffer(conn, address):
    with conn.makefile("wb", buffering=0) as file:
        while line := recv_line(conn):
            file.write(confirmed(line))


@right("part_sent")
def sends_the_rest(conn, address):
    while line := recv_line(conn):
        left = confirmed(line)
        while left:
            left = left[conn.send(left):]


# --- 9 ---
@wrong("patient", "either hang up, or keep")
def a_longer_time(conn, address):
    conn.settimeout(3600)
    while True:
        try:
            line = recv_line(conn)
        except TimeoutError:
            continue
        if not line:
            return
        conn.sendall(confirmed(line))


@wrong("patient", "either hang up, or keep")
def what_has_come_is_the_order(conn, address):
    conn.settimeout(5)
    order = b""
    while True:
        try:
            byte = conn.recv(1)
        except TimeoutError:
            byte = b"\n" if order else b"?"
        if byte == b"":
            return
        order += byte.strip(b"?")
        if byte == b"\n":
            conn.sendall(confirmed(order))
            order = b""


@wrong("patient", "what was answered is still kept")
def keeps_what_it_has_confirmed(conn, address):
    conn.settimeout(5)
    order = b""
    while True:
        try:
            while not order.endswith(b"\n"):
                order += recv_exactly(conn, 1)
            conn.sendall(confirmed(order))
        except TimeoutError:
            continue
        except ConnectionError:
            return


@right("patient")
def hangs_up(conn, address):
    conn.settimeout(5)
    try:
        while line := recv_line(conn):
            conn.sendall(confirmed(line))
    except TimeoutError:
        return


@right("patient")
def says_so_and_hangs_up(conn, address):
    conn.settimeout(5)
    try:
        while line := recv_line(conn):
            conn.sendall(confirmed(line))
    except TimeoutError:
        conn.sendall(b"too slow\n")


# --- 10 ---
@wrong("trusting", "before the bytes come")
def looks_too_late(conn, address):
    with conn.makefile("rb") as file:
        while len(header := file.read(4)) == 4:
            size = int.from_bytes(header, "big")
            if len(order := file.read(size)) < size or size > 1000:
                return
            conn.sendall(LengthPrefix(4).encode(confirmed(order)))


@wrong("trusting", "before the bytes come")
def a_limit_that_is_none(conn, address):
    while True:
        try:
            size = int.from_bytes(recv_exactly(conn, 4), "big")
            if size > 10 ** 9:
                return
            conn.sendall(LengthPrefix(4).encode(confirmed(recv_exactly(conn, size))))
        except ConnectionError:
            return


@wrong("trusting", "is `max_size` large enough")
def a_limit_that_is_too_low(conn, address):
    decoder = LengthPrefix(4, max_size=6)
    while data := conn.recv(1024):
        for order in decoder.feed(data):
            conn.sendall(LengthPrefix(4).encode(confirmed(order)))


@wrong("trusting", "hang up")
def takes_less(conn, address):
    with conn.makefile("rb") as file:
        while len(header := file.read(4)) == 4:
            size = min(int.from_bytes(header, "big"), 1000)
            if len(order := file.read(size)) < size:
                return
            conn.sendall(LengthPrefix(4).encode(confirmed(order)))


@wrong("trusting", "hang up")
def goes_on(conn, address):
    with conn.makefile("rb") as file:
        while len(header := file.read(4)) == 4:
            size = int.from_bytes(header, "big")
            if size > 1000:
                continue
            if len(order := file.read(size)) < size:
                return
            conn.sendall(LengthPrefix(4).encode(confirmed(order)))


@right("trusting")
def says_so(conn, address):
    with conn.makefile("rb") as file:
        while len(header := file.read(4)) == 4:
            size = int.from_bytes(header, "big")
            if size > 1000:
                conn.sendall(LengthPrefix(4).encode(b"too long"))
                return
            if len(order := file.read(size)) < size:
                return
            conn.sendall(LengthPrefix(4).encode(confirmed(order)))


@right("trusting")
def the_library_looks(conn, address):
    decoder = LengthPrefix(4, max_size=1000)
    try:
        while data := conn.recv(1024):
            for order in decoder.feed(data):
                conn.sendall(decoder.encode(confirmed(order)))
    except FramingError:
        return
