"""Servers that are right, in many styles: `diagnose` may find nothing wrong with them.

Each answers with bytes.upper, or with what `@right(answer=…)` says.
"""
from __future__ import annotations

import contextlib
import io
import queue
import re
import select
import selectors
import socket
import struct
import threading
from collections.abc import Callable
from typing import NamedTuple

from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix


class Server(NamedTuple):
    """A handler, how its messages are framed, what it answers to which, and the mistake that it makes ("" for none)."""
    handler: Callable
    framing: object
    answer: Callable
    kind: str
    messages: list[bytes] | None = None


RIGHT: list[Server] = []
LINE = Delimiter(b"\n", max_size=5000)
CRLF = Delimiter(b"\r\n", max_size=5000)
WORDS = LengthPrefix(4, max_size=70000)
SHORT = LengthPrefix(2)
NINE = FixedLength(9)


def backwards(message):
    return message[::-1]


def size_of(message):
    return str(len(message)).encode()


def hex_of(message):
    return message.hex().encode()


def right(framing, answer=bytes.upper):
    def add(handler):
        RIGHT.append(Server(handler, framing, answer, ""))
        return handler
    return add


@right(Delimiter(b"\n", max_size=1000), backwards)
def byte_by_byte(conn, address):
    line = b""
    while byte := conn.recv(1):
        if byte == b"\n":
            conn.sendall(line[::-1] + b"\n")
            line = b""
        elif len(line) == 1000:
            return
        else:
            line += byte


@right(LINE)
def a_bytearray(conn, address):
    held = bytearray()
    while data := conn.recv(4096):
        held += data
        while (end := held.find(b"\n")) >= 0:
            conn.sendall(bytes(held[:end]).upper() + b"\n")
            del held[:end + 1]
        if len(held) > 5000:
            raise ConnectionError("a line that never ends")


@right(LINE)
def makefile_and_readline(conn, address):
    with conn.makefile("rb") as lines:
        while (line := lines.readline(5001)).endswith(b"\n"):
            conn.sendall(line.upper())


@right(WORDS, hex_of)
def makefile_and_read(conn, address):
    with conn.makefile("rwb") as file:
        while len(head := file.read(4)) == 4:
            size, = struct.unpack("!I", head)
            if size > 70000 or len(body := file.read(size)) < size:
                break
            reply = body.hex().encode()
            file.write(struct.pack("!I", len(reply)) + reply)
            file.flush()


def recv_exactly(conn, n):
    data = b""
    while len(data) < n:
        if not (piece := conn.recv(n - len(data))):
            raise ConnectionError(f"the stream ended {n - len(data)} bytes early")
        data += piece
    return data


@right(SHORT, backwards)
def in_steps(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            body = recv_exactly(conn, int.from_bytes(recv_exactly(conn, 2), "big"))
            conn.sendall(len(body).to_bytes(2, "big") + body[::-1])


@right(WORDS)
def the_kernels_loop(conn, address):
    while len(head := conn.recv(4, socket.MSG_WAITALL)) == 4:
        size = int.from_bytes(head, "big")
        if size > 2 ** 16:
            return
        body = conn.recv(size, socket.MSG_WAITALL)
        if len(body) != size:
            return
        conn.sendall(head)
        conn.sendall(body.upper())


@right(CRLF, size_of)
def with_the_library(conn, address):
    decoder = Delimiter(b"\r\n", max_size=3000)
    with contextlib.suppress(FramingError):
        while data := conn.recv(65536):
            for message in decoder.feed(data):
                conn.sendall(decoder.encode(size_of(message)))


@right(LINE, hex_of)
def a_loop_of_select(conn, address):
    conn.setblocking(False)
    coming, going = b"", b""
    while True:
        readable, writable, _ = select.select([conn], [conn] if going else [], [], 10)
        if readable:
            data = conn.recv(1000)
            if not data:
                conn.setblocking(True)
                conn.sendall(going)
                return
            *lines, coming = (coming + data).split(b"\n")
            going += b"".join(line.hex().encode() + b"\n" for line in lines)
            if len(coming) > 5000:
                return
        if writable:
            going = going[conn.send(going):]


@right(NINE)
def into_a_view(conn, address):
    record = bytearray(9)
    view, have = memoryview(record), 0
    while size := conn.recv_into(view[have:]):
        have += size
        if have == 9:
            conn.sendall(record.upper())
            have = 0


def messages_of(conn):
    held = b""
    while True:
        while len(held) < 4 or len(held) < 4 + int.from_bytes(held[:4], "little"):
            if len(held) >= 4 and int.from_bytes(held[:4], "little") > 50000:
                return
            data = conn.recv(100)
            if not data:
                return
            held += data
        size = int.from_bytes(held[:4], "little")
        yield held[4:4 + size]
        held = held[4 + size:]


@right(LengthPrefix(4, byteorder="little", max_size=50000), backwards)
def a_generator(conn, address):
    for message in messages_of(conn):
        conn.sendall(struct.pack("<I", len(message)) + message[::-1])


@right(LINE, size_of)
def a_timeout_that_keeps_the_beginning(conn, address):
    conn.settimeout(30)
    held = b""
    while True:
        try:
            data = conn.recv(500)
        except TimeoutError:
            continue
        if not data:
            return
        held += data
        if len(held) > 6000:
            return
        while b"\n" in held:
            line, _, held = held.partition(b"\n")
            conn.sendall(b"%d\n" % len(line))


@right(WORDS)
def a_timeout_that_hangs_up(conn, address):
    conn.settimeout(5)
    try:
        while head := recv_exactly(conn, 4):
            if (size := int.from_bytes(head, "big")) > 65536:
                return
            conn.sendall(head + recv_exactly(conn, size).upper())
    except (TimeoutError, ConnectionError):
        pass


@right(Delimiter(b"\n", max_size=2000), size_of)
def text_after_framing(conn, address):
    reader = io.TextIOWrapper(conn.makefile("rb"), encoding="utf-8", newline="\n")
    with reader:
        while (line := reader.readline(2001)).endswith("\n"):
            conn.sendall(f"{len(line[:-1].encode())}\n".encode())


@right(Delimiter(b"--", max_size=3000))
def by_a_pattern(conn, address):
    held = b""
    while len(held) < 4000 and (data := conn.recv(64)):
        held += data
        while found := re.match(rb"(?s)(.*?)--", held):
            for part in (found[1].upper(), b"--"):
                conn.sendall(part)
            held = held[found.end():]


class Conversation:
    """A server as an object, one for each connection."""

    def __init__(self, conn):
        self.conn, self.held, self.need, self.step = conn, b"", 2, self.head

    def head(self, data):
        self.need, self.step = int.from_bytes(data, "big"), self.body

    def body(self, data):
        self.conn.sendall(len(data).to_bytes(2, "big") + data.upper())
        self.need, self.step = 2, self.head

    def run(self):
        while data := self.conn.recv(32):
            self.held += data
            while len(self.held) >= self.need:
                data, self.held = self.held[:self.need], self.held[self.need:]
                self.step(data)


@right(SHORT)
def an_object(conn, address):
    Conversation(conn).run()


@right(WORDS, backwards)
def peeks_first(conn, address):
    while len(head := conn.recv(4, socket.MSG_PEEK)) == 4 or head:
        if len(head) < 4:
            conn.recv(1, socket.MSG_PEEK)
            if len(again := conn.recv(4, socket.MSG_PEEK)) == len(head):
                return
            if len(again) < 4:
                continue
            head = again
        size = int.from_bytes(head, "big")
        if size > 70000:
            return
        try:
            body = recv_exactly(conn, 4 + size)[4:]
        except ConnectionError:
            return
        conn.sendall(head + body[::-1])


@right(LINE)
def selectors_and_drain(conn, address):
    conn.setblocking(False)
    held = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(conn, selectors.EVENT_READ)
        while selector.select():
            try:
                while data := conn.recv(7):
                    held += data
                    if len(held) > 9000:
                        return
                ended = True
            except BlockingIOError:
                ended = False
            *lines, rest = bytes(held).split(b"\n")
            held[:] = rest
            for line in lines:
                conn.sendall(line.upper() + b"\n")
            if ended:
                return


@right(NINE, backwards)
def a_file_without_buffer(conn, address):
    with conn.makefile("rb", buffering=0) as file:
        record = b""
        while data := file.read(9 - len(record)):
            record += data
            if len(record) == 9:
                left = record[::-1]
                while left:
                    left = left[conn.send(left):]
                record = b""


@right(SHORT, hex_of)
def a_thread_reads(conn, address):
    messages = queue.Queue()

    def read():
        with contextlib.suppress(OSError):
            while True:
                messages.put(recv_exactly(conn, int.from_bytes(recv_exactly(conn, 2), "big")))
        messages.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while (message := messages.get()) is not None:
        conn.sendall(struct.pack("!H", 2 * len(message)) + message.hex().encode())
    reader.join()


@right(LINE, backwards)
def a_thread_writes(conn, address):
    answers = queue.Queue()

    def write():
        with contextlib.suppress(OSError):
            for answer in iter(answers.get, None):
                conn.sendall(answer)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        rest = b""
        while len(rest) < 5000 and (data := conn.recv(200)):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                answers.put(line[::-1] + b"\n")
    finally:
        answers.put(None)
        writer.join()


@right(LINE, size_of)
def refuses_and_goes_on(conn, address):
    """Not of one mind with a stranger, and yet right: a line that is too long is answered, then thrown away up to its end."""
    line, skipping = b"", False
    while data := conn.recv(4096):
        for piece in data.splitlines(keepends=True):
            if not skipping:
                line += piece
            if line.endswith(b"\n"):
                conn.sendall(size_of(line[:-1]) + b"\n")
                line = b""
            elif skipping and piece.endswith(b"\n"):
                skipping = False
            elif len(line) > 5000:
                conn.sendall(b"too long\n")
                line, skipping = b"", True


# --- refused: said or not, and then the end ---
@right(WORDS)
def too_long_is_said(conn, address):
    with conn.makefile("rb") as file:
        while len(header := file.read(4)) == 4:
            size = int.from_bytes(header, "big")
            if size > 70000:
                conn.sendall(b"\0\0\0\x08too long")
                return
            if len(body := file.read(size)) < size:
                return
            conn.sendall(header + body.upper())


@right(WORDS, backwards)
def too_long_is_said_later(conn, address):
    """It says so when a piece of the body has come, too."""
    decoder = LengthPrefix(4, max_size=70000)
    while data := conn.recv(4096):
        try:
            messages = decoder.feed(data)
        except FramingError as error:
            conn.recv(4096)
            conn.sendall(decoder.encode(str(error).encode()))
            return
        for message in messages:
            conn.sendall(decoder.encode(message[::-1]))


@right(LINE)
def a_letter_for_each_send(conn, address):
    held = b""
    while data := conn.recv(4096):
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            for n in range(len(line)):
                conn.sendall(line[n:n + 1].upper())
            conn.sendall(b"\n")
        if len(held) > 5000:
            return


@right(LINE, size_of)
def answers_in_a_thread(conn, address):
    """The lines go through a queue: the answer may come a moment after the next recv was called."""
    lines = queue.Queue()

    def answer():
        with contextlib.suppress(OSError):
            while (line := lines.get()) is not None:
                conn.sendall(size_of(line) + b"\n")

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        held = b""
        while (data := conn.recv(4096)) and len(held) < 5000:
            *whole, held = (held + data).split(b"\n")
            for line in whole:
                lines.put(line)
    finally:
        lines.put(None)
        thread.join()


@right(LINE)
def reads_by_a_duplicate(conn, address):
    with conn.dup() as twin, twin.makefile("rb") as lines:
        while (line := lines.readline(5001)).endswith(b"\n"):
            conn.sendall(line.upper())
