"""Chapter 06: its demonstrations give the same each time, its cures hold at every cut, and what its prose says is so."""
import contextlib
import functools
import io
import itertools
import os
import select
import struct
from pathlib import Path

import nbformat
import pytest

from netlab import kernel
from netlab.chapters.message_sticking import tools
from netlab.chapters.message_sticking.tools import connection, wait_for

CHAPTER = Path(__file__).parents[2] / "notebooks" / "06_message_sticking.ipynb"
CELLS = {cell.id: cell for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code"}
TIMES = int(os.environ.get("STICKING_TIMES", 100))      # how often each demonstration is run
DEMONSTRATIONS = ["two-sends", "total", "queued", "split", "at-will", "reply", "reply-long", "fixed-cut", "exactly", "too-long",
                  "delimiter", "inside", "cut-mark", "prefix", "makefile", "one-each", "killed", "bigger",
                  "flush", "possible", "separated", "pipe"]
NASTY = [b"sparkling water 250", b"no milk\nno sugar", b"%0A", b"", b"100%\n", b"\0\0\0\5"]


@pytest.fixture(scope="module")
def names():
    """What the reader has after the first code cell, and after the cells that only define."""
    made = {}
    for name in "imports", "total-of", "fixed", "exactly", "delimiter", "escape", "prefix":
        if name == "exactly":
            exec(CELLS["fixed-cut"].source, made)
        with contextlib.redirect_stdout(io.StringIO()):
            exec(CELLS[name].source, made)
    return made


@pytest.mark.parametrize("name", DEMONSTRATIONS)
def test_a_demonstration_gives_the_same_each_time(name, names):
    """The cell's own code. Sticking and splitting are made by the order of the calls, not by luck."""
    stored = "".join(output.text for output in CELLS[name].outputs if output.output_type == "stream")
    code = compile(CELLS[name].source, name, "exec")
    assert stored
    for _ in range(TIMES):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert printed.getvalue() == stored


# The cures of part 6 as the chapter writes them, at every cut

def received(read, stream, sizes):
    """What `read(till)` gives when the stream comes in pieces of these sizes."""
    with connection() as (customer, till):
        at = 0
        for size in sizes:
            customer.sendall(stream[at:at + size])
            at += size
        customer.close()
        return read(till)


class Pieces:
    """A connection whose recv brings these pieces, one after the other, and never more than it is asked for."""

    def __init__(self, pieces):
        self.pieces = [piece for piece in pieces if piece]

    def recv(self, size):
        piece = self.pieces.pop(0) if self.pieces else b""
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]


def cut_in_three(stream):
    for a, b in itertools.combinations_with_replacement(range(len(stream) + 1), 2):
        yield Pieces([stream[:a], stream[a:b], stream[b:]])


@pytest.mark.parametrize("mark", [b"\n", b"\r\n"])
def test_a_delimiter_with_escaping_holds_at_every_cut(names, mark):
    stream = b"".join(names["escape"](message) + mark for message in NASTY)
    for conn in cut_in_three(stream):
        assert [names["unescape"](line) for line in names["read_lines"](conn, mark)] == NASTY


def test_a_length_prefix_holds_at_every_cut(names):
    stream = b"".join(struct.pack("!I", len(message)) + message for message in NASTY)
    for conn in cut_in_three(stream):
        assert [names["recv_message"](conn) for _ in NASTY] == NASTY


def test_fixed_length_holds_at_every_cut(names):
    stream = b"".join(message.ljust(16) for message in names["ORDERS"])
    for conn in cut_in_three(stream):
        assert [names["recv_exactly"](conn, 16) for _ in range(3)] == [stream[:16], stream[16:32], stream[32:]]


def test_escaping_brings_back_every_message(names):
    for size in range(6):
        for message in map(bytes, itertools.product(b"%0A25\n", repeat=size)):
            line = names["escape"](message)
            assert b"\n" not in line and names["unescape"](line) == message


@pytest.mark.parametrize("stream", [b"tea 3", b"tea 3\nwine 2"])
def test_an_end_in_the_middle_is_an_error(names, stream):
    with pytest.raises(ConnectionError, match="in the middle"):
        list(names["read_lines"](Pieces([stream])))
    with pytest.raises(ConnectionError, match="the end came after"):
        names["recv_exactly"](Pieces([stream]), 100)


# What the prose says, and no cell shows

def test_a_message_longer_than_recv_asks_for_is_split():
    assert received(lambda till: [till.recv(1024), till.recv(1024)], b"x" * 1025, [1025]) == [b"x" * 1024, b"x"]


def test_the_sizes_that_the_reader_is_asked_to_find():
    def total(*sizes):
        with connection() as (customer, till):
            for message in (b"3", b"12", b"250"):
                customer.sendall(message)
            wait_for(till, 6)
            return [till.recv(size) for size in sizes]
    assert total(6) == [b"312250"] and total(1, 2, 3) == [b"3", b"12", b"250"]
    assert total(1, 2, 1, 1, 1) == [b"3", b"12", b"2", b"5", b"0"]


def test_a_program_that_ends_looks_like_one_that_is_done_unless_it_left_bytes_unread():
    with connection() as (customer, till):
        customer.sendall(b"wine 2")
        customer.close()
        assert [till.recv(1024), till.recv(1024)] == [b"wine 2", b""]
    if kernel.LINUX:
        with connection() as (customer, till):
            till.sendall(b"ok")
            wait_for(customer, 2)
            customer.close()
            with pytest.raises(ConnectionResetError):
                till.recv(1024)


def test_a_message_that_ends_in_a_space_does_not_survive_padding():
    assert b"tea ".ljust(16).rstrip() == b"tea"


def test_select_does_not_see_what_the_file_has_read_ahead():
    with connection() as (customer, till), till.makefile("rb") as file:
        customer.sendall(b"tea 3\nwine 250\n")
        wait_for(till, 15)
        assert file.readline() == b"tea 3\n" and select.select([till], [], [], 0) == ([], [], [])
        assert file.readline() == b"wine 250\n"


def test_a_timeout_loses_what_the_functions_hold(names):
    with connection(seconds=0.01) as (customer, till):
        lines = names["read_lines"](till)
        for half, read in ((b"tea", lambda: next(lines, "over")), (b"wine", lambda: names["recv_exactly"](till, 8))):
            customer.sendall(half)
            with pytest.raises(TimeoutError):
                read()
        customer.sendall(b" 3\n")
        wait_for(till, 3)
        assert next(lines, "over") == "over" and till.recv(1024) == b" 3\n"


def test_a_file_gives_less_at_the_end_and_says_nothing():
    with connection() as (customer, till), till.makefile("rb") as file:
        customer.sendall(b"sal")
        customer.close()
        assert [file.readline(), file.readline(), file.read(4)] == [b"sal", b"", b""]


@pytest.mark.skipif(not kernel.LINUX, reason="pipe(2), O_DIRECT")
def test_a_pipe_keeps_borders_where_it_is_asked_to():
    r, w = os.pipe2(os.O_DIRECT)
    os.write(w, b"3")
    os.write(w, b"12")
    assert os.read(r, 1024) == b"3"
    os.close(r)
    os.close(w)


def test_wait_for_takes_nothing():
    with connection() as (customer, till):
        customer.sendall(b"312")
        wait_for(till, 3)
        assert till.recv(1024) == b"312"


def test_wait_for_tells_how_many_bytes_are_there(monkeypatch):
    monkeypatch.setattr(tools, "wait_until", functools.partial(kernel.wait_until, timeout=0.05))
    with connection() as (customer, till):
        customer.sendall(b"312")
        wait_for(till, 3)
        with pytest.raises(TimeoutError, match="^7 bytes were awaited, and 3 are there$"):
            wait_for(till, 7)


def test_a_connection_closes_both_ends_and_waits_no_longer_than_it_says():
    with connection(seconds=0.05) as (customer, till):
        for sock in customer, till:
            with pytest.raises(TimeoutError):
                sock.recv(1)
    assert customer.fileno() == till.fileno() == -1
