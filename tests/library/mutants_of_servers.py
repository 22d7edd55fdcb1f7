"""Servers with one mistake each, as people make them: `diagnose` must name it. In many styles, framings and answers.

The first part was there while the rules were written; the second, behind HELD_OUT, was written afterwards.
"""
from __future__ import annotations

import contextlib
import itertools
import select
import socket
import struct

from right_servers import CRLF, LINE, NINE, SHORT, WORDS, Server, backwards, hex_of, recv_exactly, size_of

from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix

MUTANTS: list[Server] = []


def mutant(kind, framing, answer=bytes.upper, messages=None):
    def add(handler):
        MUTANTS.append(Server(handler, framing, answer, kind, messages))
        return handler
    return add


# --- one recv is the message ---
@mutant("message", LINE, backwards)
def recv_1024_is_the_line(conn, address):
    while data := conn.recv(1024):
        conn.sendall(data.rstrip(b"\n")[::-1] + b"\n")


@mutant("message", NINE, backwards)
def recv_9_is_a_record(conn, address):
    while True:
        record = conn.recv(9)
        if len(record) < 9:
            break
        conn.sendall(record[::-1])


@mutant("message", LINE)
def splits_each_recv(conn, address):
    while True:
        data = conn.recv(4096)
        if not data:
            return
        for line in data.split(b"\n"):
            if line:
                conn.sendall(line.upper() + b"\n")


@mutant("message", WORDS, hex_of)
def unpacks_a_whole_recv(conn, address):
    while packet := conn.recv(65536):
        size, = struct.unpack_from("!I", packet)
        message = packet[4:4 + size]
        if size > 65000:
            raise ValueError("too long")
        conn.sendall(struct.pack("!I", 2 * len(message)) + message.hex().encode())


# --- the header ---
@mutant("header", WORDS)
def header_by_one_recv(conn, address):
    while header := conn.recv(4):
        size = int.from_bytes(header, "big")
        if size > 70000:
            break
        try:
            body = recv_exactly(conn, size)
        except ConnectionError:
            break
        conn.sendall(size.to_bytes(4, "big") + body.upper())


@mutant("header", SHORT, backwards)
def header_and_body_by_one_recv_each(conn, address):
    while True:
        head = conn.recv(2)
        if len(head) != 2:
            return
        size, = struct.unpack(">H", head)
        body = conn.recv(size)
        if len(body) != size:
            return
        conn.sendall(head + body[::-1])


@mutant("header", LengthPrefix(4, byteorder="little", max_size=50000), size_of)
def takes_four_bytes_of_what_is_there(conn, address):
    buffer, need = bytearray(), None
    while data := conn.recv(512):
        buffer += data
        while buffer:
            if need is None:
                need = int.from_bytes(buffer[:4], "little")
                del buffer[:4]
            if need > 50000:
                return
            if len(buffer) < need:
                break
            reply = str(need).encode()
            conn.sendall(len(reply).to_bytes(4, "little") + reply)
            del buffer[:need]
            need = None


# --- the body ---
@mutant("body", WORDS, backwards)
def body_by_one_recv(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            size, = struct.unpack("!I", recv_exactly(conn, 4))
            if size > 2 ** 16:
                return
            body = conn.recv(size)
            conn.sendall(struct.pack("!I", len(body)) + body[::-1])


# --- several taken for one ---
@mutant("coalesced", LINE, backwards)
def until_it_ends_with_a_newline(conn, address):
    line = b""
    while len(line) < 5000 and (data := conn.recv(1024)):
        line += data
        if line.endswith(b"\n"):
            conn.sendall(line[-2::-1] + b"\n")
            line = b""


@mutant("coalesced", CRLF, size_of)
def all_that_came_is_the_line(conn, address):
    held = bytearray()
    while True:
        held += conn.recv(100)
        if not held or len(held) > 4000:
            break
        if b"\r\n" in held:
            conn.sendall(str(len(held.replace(b"\r\n", b""))).encode() + b"\r\n")
            held.clear()
        elif not conn.recv(1, socket.MSG_PEEK):
            break


# --- all but the first ---
@mutant("swallowed", LINE)
def answers_the_first_line_and_forgets(conn, address):
    data = b""
    while chunk := conn.recv(2048):
        data += chunk
        if len(data) > 5000:
            return
        if b"\n" in data:
            first = data.splitlines()[0]
            conn.sendall(first.upper() + b"\n")
            data = b""


@mutant("swallowed", SHORT, backwards)
def takes_more_than_the_body(conn, address):
    while True:
        packet = b""
        while len(packet) < 2 or len(packet) < 2 + struct.unpack(">H", packet[:2])[0]:
            data = conn.recv(4096)
            if not data:
                return
            packet += data
        size = struct.unpack(">H", packet[:2])[0]
        conn.sendall(packet[:2] + packet[2:2 + size][::-1])


# --- the beginning of the next ---
@mutant("leftover", LINE, size_of)
def drops_the_unfinished_line(conn, address):
    buffer = b""
    while data := conn.recv(1000):
        buffer += data
        if len(buffer) > 5000:
            break
        if b"\n" in buffer:
            for line in buffer.split(b"\n")[:-1]:
                conn.sendall(b"%d\n" % len(line))
            buffer = b""


@mutant("leftover", NINE)
def drops_what_is_beyond_the_records(conn, address):
    data = bytearray()
    while piece := conn.recv(256):
        data.extend(piece)
        if len(data) >= 9:
            for start in range(0, len(data) - 8, 9):
                conn.sendall(bytes(data[start:start + 9]).upper())
            data = bytearray()


# --- send ---
@mutant("send", LINE)
def sends_once(conn, address):
    with conn.makefile("rb") as lines:
        for line in iter(lambda: lines.readline(6000), b""):
            if not line.endswith(b"\n"):
                break
            conn.send(line.upper())


@mutant("send", WORDS, hex_of)
def sends_the_header_and_then_the_body(conn, address):
    decoder = LengthPrefix(4, max_size=70000)
    try:
        while data := conn.recv(65536):
            for message in decoder.feed(data):
                reply = message.hex().encode()
                conn.send(len(reply).to_bytes(4, "big"))
                conn.send(reply)
    except FramingError:
        pass


# --- decode ---
@mutant("decode", LINE)
def a_text_as_buffer(conn, address):
    text = ""
    while data := conn.recv(4096):
        text += data.decode()
        while "\n" in text:
            line, text = text.split("\n", 1)
            conn.sendall((line.upper() + "\n").encode())
        if len(text) > 5000:
            return


@mutant("decode", WORDS, backwards)
def decodes_pieces_of_the_body(conn, address):
    def text_of(n):
        text, left = "", n
        while left:
            data = conn.recv(left)
            if not data:
                raise EOFError
            left -= len(data)
            text += data.decode("utf-8", errors="replace")
        return text

    try:
        while size := int.from_bytes(recv_exactly(conn, 4), "big"):
            if size > 70000:
                return
            answer = text_of(size).encode()[::-1]
            conn.sendall(struct.pack("!I", len(answer)) + answer)
    except (ConnectionError, EOFError):
        return


# --- an empty recv ---
@mutant("busy", LINE)
def a_loop_until_the_newline(conn, address):
    while True:
        line = b""
        while not line.endswith(b"\n"):
            line += conn.recv(1)
        conn.sendall(line.upper())


@mutant("busy", NINE, backwards)
def counts_on_nine_bytes(conn, address):
    while first := conn.recv(1):
        record = first
        while len(record) < 9:
            record += conn.recv(9 - len(record))
        conn.sendall(record[::-1])


# --- the end ---
@mutant("end", LINE)
def for_line_in_file(conn, address):
    with conn.makefile("rb") as file:
        for line in file:
            conn.sendall(line.rstrip(b"\n").upper() + b"\n")


@mutant("end", WORDS, size_of)
def struct_error_at_the_end(conn, address):
    with conn.makefile("rb") as file:
        while True:
            size, = struct.unpack("!I", file.read(4))
            if size > 70000:
                return
            reply = str(len(file.read(size))).encode()
            conn.sendall(struct.pack("!I", len(reply)) + reply)


# --- no bound ---
@mutant("bound", LINE, backwards)
def a_line_of_any_length(conn, address):
    rest = b""
    while data := conn.recv(4096):
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            conn.sendall(line[::-1] + b"\n")


@mutant("bound", WORDS)
def believes_the_length(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            header = recv_exactly(conn, 4)
            body = recv_exactly(conn, int.from_bytes(header, "big"))
            conn.sendall(header + body.upper())


# --- a timeout ---
@mutant("timeout", NINE)
def tries_the_record_again(conn, address):
    conn.settimeout(1)
    while True:
        try:
            record = recv_exactly(conn, 9)
        except TimeoutError:
            continue
        except ConnectionError:
            break
        conn.sendall(record.upper())


@mutant("timeout", LINE, size_of)
def a_timeout_is_the_end_of_a_line(conn, address):
    conn.settimeout(0.5)
    held = b""
    while True:
        try:
            data = conn.recv(1024)
            if not data or len(held) > 5000:
                return
            held += data
        except TimeoutError:
            if held:
                conn.sendall(b"%d\n" % len(held))
            held = b""
        while b"\n" in held:
            line, held = held.split(b"\n", 1)
            conn.sendall(b"%d\n" % len(line))


# --- the mark ---
@mutant("mark", CRLF)
def looks_for_crlf_in_the_chunk(conn, address):
    chunks = []
    while chunk := conn.recv(1024):
        chunks.append(chunk)
        if sum(map(len, chunks)) > 5000:
            return
        if b"\r\n" in chunk:
            *lines, rest = b"".join(chunks).split(b"\r\n")
            for line in lines:
                conn.sendall(line.upper() + b"\r\n")
            chunks = [rest]


@mutant("mark", Delimiter(b"END", max_size=3000), backwards)
def three_bytes_of_mark(conn, address):
    message = b""
    while len(message) < 4000:
        data = conn.recv(80)
        if not data:
            return
        while b"END" in data:
            head, data = data.split(b"END", 1)
            conn.sendall((message + head)[::-1] + b"END")
            message = b""
        message += data


# --- answers ---
@mutant("framing", WORDS)
def forgets_the_length(conn, address):
    with contextlib.suppress(ConnectionError):
        while size := int.from_bytes(recv_exactly(conn, 4), "big"):
            conn.sendall(recv_exactly(conn, size).upper())


@mutant("framing", LengthPrefix(2), bytes.upper)
def counts_characters(conn, address):
    with contextlib.suppress(ConnectionError):
        while size := int.from_bytes(recv_exactly(conn, 2), "big"):
            text = recv_exactly(conn, size).decode().upper()
            conn.sendall(struct.pack("!H", len(text)) + text.encode())


@mutant("silent", LINE)
def keeps_the_answers(conn, address):
    with conn.makefile("rb") as lines:
        out = bytearray()
        for line in lines:
            out += line.upper()


@mutant("raises", LINE)
def bytes_and_text(conn, address):
    while data := conn.recv(1024):
        conn.sendall(data.decode().upper())


# --- shared ---
_held = b""


@mutant("shared", LINE)
def a_global_buffer(conn, address):
    global _held
    while data := conn.recv(1024):
        _held += data
        while b"\n" in _held:
            line, _held = _held.split(b"\n", 1)
            conn.sendall(line.upper() + b"\n")


@mutant("shared", NINE, backwards)
def a_default_that_grows(conn, address, record=bytearray()):  # noqa: B008
    while data := conn.recv(9 - len(record)):
        record += data
        if len(record) == 9:
            conn.sendall(bytes(record)[::-1])
            record.clear()


HELD_OUT = len(MUTANTS)     # from here on: written when the rules were done
PRICES = [b"3", b"12", b"250"]
STOCK = {b"tea": b"3", b"rice": b"12", b"wine": b"250"}


def doubled(price):
    return b"%d" % (2 * int(price))


def price_of(name):
    return STOCK[name]


@mutant("message", LINE, doubled, PRICES)
def a_number_from_a_recv(conn, address):
    while True:
        data = conn.recv(1024)
        if len(data) == 0:
            break
        conn.sendall(str(int(data) * 2).encode("ascii") + b"\n")


@mutant("message", SHORT, price_of, list(STOCK))
def looks_up_the_packet(conn, address):
    buffer = bytearray(2000)
    while count := conn.recv_into(buffer):
        length = buffer[0] << 8 | buffer[1]
        name = bytes(buffer[2:count])
        if len(name) != length:
            raise ConnectionAbortedError("a bad packet")
        price = STOCK[name]
        conn.sendall(bytes([0, len(price)]) + price)


@mutant("header", WORDS, size_of)
def header_into_an_array(conn, address):
    header = bytearray(4)
    while conn.recv_into(header):
        size, = struct.unpack("!I", header)
        if size > 70000:
            return
        left = size
        while left:
            chunk = conn.recv(min(left, 100))
            if not chunk:
                return
            left -= len(chunk)
        text = str(size)
        conn.sendall(struct.pack("!I", len(text)) + text.encode())


@mutant("body", SHORT)
def body_into_an_array(conn, address):
    file = conn.makefile("rb", buffering=0)
    with file:
        while True:
            high, low = conn.recv(1), conn.recv(1)
            if not low:
                return
            body = bytearray(high[0] * 256 + low[0])
            file.readinto(body)
            conn.sendall(high + low + bytes(body).upper())


@mutant("body", LengthPrefix(1), backwards)
def one_byte_says_how_many(conn, address):
    while (n := conn.recv(1)):
        body = conn.recv(n[0])
        if len(body) < n[0]:
            raise EOFError(f"{n[0]} bytes were said, {len(body)} came")
        conn.sendall(n + body[::-1])


@mutant("coalesced", LINE, doubled, PRICES)
def a_number_from_all_that_came(conn, address):
    digits = b""
    while chunk := conn.recv(64):
        digits += chunk
        if digits[-1:] == b"\n":
            conn.sendall(doubled(digits.replace(b"\n", b"")) + b"\n")
            digits = b""
        elif len(digits) > 5000:
            break


@mutant("coalesced", FixedLength(6), backwards)
def at_least_a_record(conn, address):
    data = b""
    for chunk in iter(lambda: conn.recv(1500), b""):
        data = data + chunk
        if len(data) >= 6:
            conn.sendall(data[::-1])
            data = b""


@mutant("swallowed", LINE)
def a_new_file_for_each_line(conn, address):
    while True:
        with conn.makefile("rb") as file:
            line = file.readline(5001)
        if not line.endswith(b"\n"):
            return
        conn.sendall(line.upper())


@mutant("swallowed", CRLF, price_of, list(STOCK))
def partition_and_forget(conn, address):
    request = b""
    while True:
        while b"\r\n" not in request:
            more = conn.recv(8192)
            if not more or len(request) > 5000:
                return
            request += more
        name, _, request = request.partition(b"\r\n")
        conn.sendall(STOCK[name] + b"\r\n")
        request = request[len(request):]


@mutant("leftover", SHORT, hex_of)
def whole_frames_only(conn, address):
    data = b""
    while piece := conn.recv(3000):
        data += piece
        position = 0
        while position + 2 <= len(data):
            n = int.from_bytes(data[position:position + 2], "big")
            if position + 2 + n > len(data):
                break
            reply = data[position + 2:position + 2 + n].hex().encode()
            conn.sendall(len(reply).to_bytes(2, "big") + reply)
            position += 2 + n
        if position:
            data = b""


@mutant("leftover", CRLF)
def reads_lines_of_a_view(conn, address):
    pending = bytearray()
    while True:
        chunk = conn.recv(700)
        if not chunk or len(pending) > 5000:
            return
        pending += chunk
        if pending.count(b"\r\n") == 0:
            continue
        lines = bytes(pending).split(b"\r\n")
        pending = bytearray()
        while len(lines) > 1:
            conn.sendall(lines.pop(0).upper() + b"\r\n")


@mutant("send", NINE)
def writes_to_a_raw_file(conn, address):
    with conn.makefile("rb") as reader, conn.makefile("wb", buffering=0) as writer:
        while len(record := reader.read(9)) == 9:
            writer.write(record.upper())


@mutant("send", SHORT, backwards)
def gathers_and_sends(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            head = recv_exactly(conn, 2)
            body = recv_exactly(conn, head[0] * 256 + head[1])
            conn.sendmsg([head, body[::-1]])


@mutant("decode", CRLF, size_of)
def ignores_what_it_cannot_decode(conn, address):
    text = ""
    while chunk := conn.recv(1024):
        text += chunk.decode("utf-8", "ignore")
        while (end := text.find("\r\n")) != -1:
            line, text = text[:end], text[end + 2:]
            conn.sendall(f"{len(line.encode())}\r\n".encode())
        if len(text) > 5000:
            raise ConnectionError


@mutant("decode", LINE)
def character_by_character(conn, address):
    line = ""
    while len(line) < 5000:
        try:
            character = conn.recv(1).decode()
        except UnicodeDecodeError:
            character = "?"
        if not character:
            break
        line += character
        if character == "\n":
            conn.sendall(line.upper().encode())
            line = ""


@mutant("busy", LINE, backwards)
def continues_on_nothing(conn, address):
    buffer = b""
    while len(buffer) < 6000:
        data = conn.recv(4096)
        if not data:
            continue
        buffer += data
        while b"\n" in buffer:
            line, buffer = buffer.split(b"\n", 1)
            conn.sendall(line[::-1] + b"\n")


@mutant("busy", WORDS)
def swallows_every_error(conn, address):
    pending = b""
    while True:
        try:
            pending += conn.recv(2000)
            size = int.from_bytes(pending[:4], "big")
            if size > 70000:
                return
            if len(pending) >= 4 and len(pending) >= 4 + size:
                conn.sendall(pending[:4] + pending[4:4 + size].upper())
                pending = pending[4 + size:]
        except OSError:
            pass


@mutant("end", SHORT)
def waitall_gives_less_at_the_end(conn, address):
    while head := conn.recv(2, socket.MSG_WAITALL):
        if len(head) == 2:
            body = conn.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
            conn.sendall(len(body).to_bytes(2, "big") + body.upper())


@mutant("end", CRLF, size_of)
def the_rest_is_a_line_too(conn, address):
    rest = b""
    while len(rest) < 5000 and (data := conn.recv(333)):
        rest += data
        while b"\r\n" in rest:
            line, rest = rest.split(b"\r\n", 1)
            conn.sendall(size_of(line) + b"\r\n")
    if rest:
        conn.sendall(size_of(rest) + b"\r\n")


@mutant("end", NINE, backwards)
def waits_for_nine_with_peek(conn, address):
    while conn.recv(1, socket.MSG_PEEK):
        while len(conn.recv(9, socket.MSG_PEEK)) < 9:
            pass
        conn.sendall(conn.recv(9)[::-1])


@mutant("bound", LINE)
def readline_of_any_length(conn, address):
    with conn.makefile("rb") as file:
        while (line := file.readline()).endswith(b"\n"):
            conn.sendall(line.upper())


@mutant("bound", LengthPrefix(4, byteorder="little"), size_of)
def room_for_all_that_was_said(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            room = memoryview(bytearray(int.from_bytes(recv_exactly(conn, 4), "little")))
            have = 0
            while have < len(room):
                count = conn.recv_into(room[have:])
                if count == 0:
                    return
                have += count
            conn.sendall(b"\x01\x00\x00\x00" + size_of(room))


@mutant("timeout", LINE, backwards)
def a_file_and_a_timeout(conn, address):
    conn.settimeout(2)
    line = b""
    while True:
        try:
            line = b""
            while not line.endswith(b"\n"):
                byte = conn.recv(1)
                if not byte or len(line) > 5000:
                    return
                line += byte
        except TimeoutError:
            continue
        conn.sendall(line[:-1][::-1] + b"\n")


@mutant("timeout", SHORT)
def a_timeout_between_header_and_body(conn, address):
    conn.settimeout(20)
    while True:
        try:
            head = recv_exactly(conn, 2)
            body = recv_exactly(conn, int.from_bytes(head, "big"))
        except TimeoutError:
            print("the client is slow")
        except OSError:
            return
        else:
            conn.sendall(head + body.upper())


@mutant("mark", CRLF, backwards)
def the_chunk_ends_with_it(conn, address):
    message = b""
    while len(message) < 4000:
        chunk = conn.recv(1000)
        if not chunk:
            return
        parts = chunk.split(b"\r\n")
        for part in parts[:-1]:
            conn.sendall((message + part)[::-1] + b"\r\n")
            message = b""
        message += parts[-1]


@mutant("framing", LINE, size_of)
def answers_with_crlf(conn, address):
    with conn.makefile("rb") as lines:
        while (line := lines.readline(5001))[-1:] == b"\n":
            conn.sendall(b"%d\r\n" % len(line[:-1]))


@mutant("framing", WORDS, backwards)
def answers_in_the_other_byte_order(conn, address):
    with contextlib.suppress(ConnectionError):
        while size := struct.unpack("!I", recv_exactly(conn, 4))[0]:
            conn.sendall(struct.pack("I", size) + recv_exactly(conn, size)[::-1])


@mutant("late", LINE)
def a_file_that_is_not_flushed(conn, address):
    with conn.makefile("rb") as lines, conn.makefile("wb") as out:
        while (line := lines.readline(5001)).endswith(b"\n"):
            out.write(line.upper())


@mutant("late", NINE)
def answers_at_the_end(conn, address):
    everything = b""
    while data := conn.recv(65536):
        everything += data
    for start in range(0, len(everything) - 8, 9):
        conn.sendall(everything[start:start + 9].upper())


@mutant("once", WORDS, size_of)
def one_request_and_goodbye(conn, address):
    size = int.from_bytes(recv_exactly(conn, 4), "big")
    reply = size_of(recv_exactly(conn, min(size, 70000)))
    conn.sendall(struct.pack("!I", len(reply)) + reply)


@mutant("raises", LINE, price_of, list(STOCK))
def forgets_to_strip(conn, address):
    with conn.makefile("rb") as lines:
        for line in lines:
            conn.sendall(STOCK[line] + b"\n")


@mutant("silent", SHORT)
def waits_for_more_than_there_is(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            packet = recv_exactly(conn, 1024)
            conn.sendall(packet[:2] + packet[2:].upper())


class Table:
    """A restaurant with one table."""
    buffer = bytearray()

    def serve(self, conn):
        while data := conn.recv(128):
            self.buffer += data
            while (end := self.buffer.find(b"\n")) >= 0:
                conn.sendall(self.buffer[:end + 1].upper())
                del self.buffer[:end + 1]


@mutant("shared", LINE)
def a_buffer_of_the_class(conn, address):
    Table().serve(conn)


_current = None


@mutant("shared", LINE, backwards)
def a_global_connection(conn, address):
    global _current
    _current = conn
    line = b""
    while len(line) < 5000 and (byte := _current.recv(1)):
        line += byte
        if byte == b"\n":
            _current.sendall(line[-2::-1] + b"\n")
            line = b""


@mutant("message", LINE)
def a_short_recv_is_the_end(conn, address):
    while True:
        data = b""
        while True:
            part = conn.recv(1024)
            data += part
            if len(part) < 1024:
                break
        if not data:
            return
        for line in data.splitlines():
            conn.sendall(line.upper() + b"\n")


@mutant("message", NINE, backwards)
def waitall_with_a_timeout(conn, address):
    conn.settimeout(10)
    try:
        while record := conn.recv(9, socket.MSG_WAITALL):
            conn.sendall(record[::-1])
    except TimeoutError:
        pass


@mutant("coalesced", LINE, size_of)
def until_nothing_is_readable(conn, address):
    data = b""
    while len(data) < 5000:
        if data.endswith(b"\n") and not select.select([conn], [], [], 0)[0]:
            conn.sendall(size_of(data[:-1]) + b"\n")
            data = b""
        more = conn.recv(1024)
        if not more:
            if data:
                conn.sendall(size_of(data[:-1]) + b"\n")
            return
        data += more


@mutant("silent", SHORT)
def a_file_and_the_socket(conn, address):
    file = conn.makefile("rb")
    while len(header := file.read(2)) == 2:
        left, body = int.from_bytes(header, "big"), b""
        while len(body) < left:
            more = conn.recv(left - len(body))
            if not more:
                return
            body += more
        conn.sendall(header + body.upper())


@mutant("decode", SHORT, size_of)
def counts_characters_of_what_came(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            size, text = int.from_bytes(recv_exactly(conn, 2), "big"), ""
            while len(text.encode()) < size:
                data = conn.recv(size - len(text.encode()))
                if not data:
                    return
                text += data.decode("utf-8")
            reply = size_of(text.encode())
            conn.sendall(len(reply).to_bytes(2, "big") + reply)


@mutant("timeout", LINE)
def what_came_in_time(conn, address):
    conn.settimeout(0.2)
    while True:
        line = b""
        try:
            while not line.endswith(b"\n"):
                data = conn.recv(1)
                if not data or len(line) > 5000:
                    return
                line += data
        except TimeoutError:
            pass
        if line:
            conn.sendall(line.rstrip(b"\n").upper() + b"\n")


_of_host: dict[str, bytes] = {}


@mutant("shared", CRLF, backwards)
def one_buffer_for_each_host(conn, address):
    host = address[0]
    while data := conn.recv(512):
        held = _of_host.get(host, b"") + data
        *lines, _of_host[host] = held.split(b"\r\n")
        for line in lines:
            conn.sendall(line[::-1] + b"\r\n")


@mutant("bound", Delimiter(b"\0", max_size=3000), size_of)
def a_list_of_bytes(conn, address):
    characters = []
    while data := conn.recv(256):
        for byte in data:
            if byte:
                characters.append(byte)
            else:
                conn.sendall(size_of(characters) + b"\0")
                characters.clear()


@mutant("end", SHORT)
def the_first_byte_of_nothing(conn, address):
    while True:
        size = conn.recv(1)[0] * 256 + conn.recv(1)[0]
        body = recv_exactly(conn, size)
        conn.sendall(size.to_bytes(2, "big") + body.upper())


@mutant("send", LINE, hex_of)
def sends_once_more(conn, address):
    with conn.makefile("rb") as lines:
        while (line := lines.readline(5001)).endswith(b"\n"):
            answer = hex_of(line[:-1]) + b"\n"
            sent = conn.send(answer)
            if sent < len(answer):
                conn.send(answer[sent:])


@mutant("once", LINE)
def hangs_up_when_the_buffer_is_empty(conn, address):
    held = conn.recv(1000)
    while held:
        while b"\n" not in held:
            more = conn.recv(1000)
            if not more or len(held) > 5000:
                return
            held += more
        line, held = held.split(b"\n", 1)
        conn.sendall(line.upper() + b"\n")


# --- what is whole, and waits ---
@mutant("held", LINE)
def splits_when_it_ends_with_a_newline(conn, address):
    held = b""
    while data := conn.recv(4096):
        held += data
        if len(held) > 5000:
            return
        if held.endswith(b"\n"):
            for line in held.splitlines():
                conn.sendall(line.upper() + b"\n")
            held = b""


@mutant("held", CRLF, backwards)
def one_line_for_each_recv(conn, address):
    held = b""
    while data := conn.recv(4096):
        held += data
        if len(held) > 5000:
            return
        if b"\r\n" in held:
            line, held = held.split(b"\r\n", 1)
            conn.sendall(line[::-1] + b"\r\n")


@mutant("held", SHORT, backwards)
def answers_when_nothing_is_left(conn, address):
    decoder, held = LengthPrefix(2), []
    while data := conn.recv(4096):
        held += decoder.feed(data)
        if not decoder.pending:
            for message in held:
                conn.sendall(decoder.encode(message[::-1]))
            held = []


@mutant("held", NINE)
def records_when_the_length_is_right(conn, address):
    held = b""
    while data := conn.recv(900):
        held += data
        if len(held) % 9 == 0:
            for n in range(0, len(held), 9):
                conn.sendall(held[n:n + 9].upper())
            held = b""


@mutant("decode", LINE, backwards)
def waits_until_all_is_text(conn, address):
    held = b""
    while data := conn.recv(4096):
        held += data
        if len(held) > 5000:
            return
        try:
            *lines, rest = held.decode().split("\n")
        except UnicodeDecodeError:
            continue
        held = rest.encode()
        for line in lines:
            conn.sendall(line.encode()[::-1] + b"\n")


# --- answers that nobody asked for ---
@mutant("again", LINE)
def never_empties_the_line(conn, address):
    line = b""
    while True:
        while not line.endswith(b"\n"):
            byte = conn.recv(1)
            if not byte or len(line) > 5000:
                return
            line += byte
        conn.sendall(line.upper())


@mutant("again", SHORT, backwards)
def never_takes_it_out(conn, address):
    held = b""
    while data := conn.recv(4096):
        held += data
        while len(held) >= 2 and len(held) >= 2 + (size := int.from_bytes(held[:2], "big")):
            conn.sendall(held[:2])
            conn.sendall(held[2:2 + size][::-1])


@mutant("again", NINE)
def the_second_again_and_again(conn, address):
    records = []
    while len(record := conn.recv(9, socket.MSG_WAITALL)) == 9:
        records.append(record)
        for each in records[:1] if len(records) == 1 else itertools.cycle(records[1:]):
            conn.sendall(each.upper())


@mutant("empty", LINE)
def the_piece_behind_the_last_newline(conn, address):
    held = b""
    while data := conn.recv(4096):
        held += data
        if len(held) > 5000:
            return
        if held.endswith(b"\n"):
            for line in held.split(b"\n"):
                conn.sendall(line.upper() + b"\n")
            held = b""


@mutant("empty", CRLF, size_of)
def the_size_of_nothing(conn, address):
    for line in (conn.recv(4096) + b"").split(b"\r\n"):
        conn.sendall(size_of(line) + b"\r\n")


@mutant("stream", LINE)
def capitals_as_they_come(conn, address):
    while data := conn.recv(100):
        conn.sendall(data.upper())


# --- behind a length that is refused ---
@mutant("step", WORDS)
def takes_no_more_than_it_may(conn, address):
    with contextlib.suppress(EOFError):
        while True:
            size = min(int.from_bytes(recv_exactly(conn, 4), "big"), 70000)
            conn.sendall(size.to_bytes(4, "big") + recv_exactly(conn, size).upper())


@mutant("step", WORDS, backwards)
def looks_for_the_next_header(conn, address):
    with conn.makefile("rb") as file:
        while len(header := file.read(4)) == 4:
            size = int.from_bytes(header, "big")
            if size > 70000:
                continue
            if len(body := file.read(size)) < size:
                return
            conn.sendall(header + body[::-1])


@mutant("step", WORDS)
def says_so_and_goes_on(conn, address):
    held = b""
    while data := conn.recv(65536):
        held += data
        while len(held) >= 4:
            size = int.from_bytes(held[:4], "big")
            if size > 70000:
                conn.sendall(b"\0\0\0\4long")
                held = held[4:]
                continue
            if len(held) < 4 + size:
                break
            conn.sendall(held[:4] + held[4:4 + size].upper())
            held = held[4 + size:]


@mutant("step", WORDS)
def forgets_what_it_holds(conn, address):
    decoder = LengthPrefix(4, max_size=70000)
    while data := conn.recv(4096):
        try:
            messages = decoder.feed(data)
        except FramingError:
            decoder = LengthPrefix(4, max_size=70000)
            continue
        for message in messages:
            conn.sendall(decoder.encode(message.upper()))


# --- what was answered is kept ---
@mutant("again", LINE)
def the_first_of_all_that_came(conn, address):
    held = b""
    while (data := conn.recv(1024)) and len(held) < 5000:
        held += data
        if b"\n" in held:
            conn.sendall(held.split(b"\n")[0].upper() + b"\n")


@mutant("again", CRLF, backwards)
def all_that_came_once_more(conn, address):
    inbox = bytearray()
    while (data := conn.recv(1024)) and len(inbox) < 5000:
        inbox += data
        for line in bytes(inbox).split(b"\r\n")[:-1]:
            conn.sendall(line[::-1] + b"\r\n")


@mutant("again", WORDS)
def goes_over_the_buffer(conn, address):
    held = b""
    while data := conn.recv(1024):
        held += data
        place = 0
        while len(held) - place >= 4:
            size = int.from_bytes(held[place:place + 4], "big")
            if size > 70000:
                return
            if len(held) - place < 4 + size:
                break
            conn.sendall(held[place:place + 4] + held[place + 4:place + 4 + size].upper())
            place += 4 + size


@mutant("again", WORDS)
def answers_so_far(conn, address):
    answers = []
    with contextlib.suppress(ConnectionError):
        while True:
            size = int.from_bytes(recv_exactly(conn, 4), "big")
            if size > 70000:
                return
            answers.append(size.to_bytes(4, "big") + recv_exactly(conn, size).upper())
            conn.sendall(b"".join(answers))


@mutant("again", NINE, backwards)
def sends_what_it_collects(conn, address):
    held, out = b"", b""
    while data := conn.recv(1024):
        held += data
        while len(held) >= 9:
            out += held[:9][::-1]
            held = held[9:]
            conn.sendall(out)


@mutant("again", LINE, size_of)
def each_answer_twice(conn, address):
    with conn.makefile("rb") as lines:
        while (line := lines.readline(5001)).endswith(b"\n"):
            for _ in range(2):
                conn.sendall(size_of(line[:-1]) + b"\n")


# --- more than a message has to be there ---
@mutant("held", WORDS)
def more_than_the_body(conn, address):
    held = b""
    while data := conn.recv(4096):
        held += data
        while len(held) > 4:
            size = int.from_bytes(held[:4], "big")
            if size > 70000:
                return
            if len(held) <= 4 + size:
                break
            conn.sendall(held[:4] + held[4:4 + size].upper())
            held = held[4 + size:]


@mutant("held", NINE, backwards)
def more_than_a_record(conn, address):
    held = b""
    while data := conn.recv(64):
        held += data
        while len(held) > 9:
            conn.sendall(held[:9][::-1])
            held = held[9:]


@mutant("held", LINE, backwards)
def more_than_two_parts(conn, address):
    held = b""
    while (data := conn.recv(1024)) and len(held) < 5000:
        parts = (held + data).split(b"\n")
        while len(parts) > 2:
            conn.sendall(parts.pop(0)[::-1] + b"\n")
        held = b"\n".join(parts)


# --- how bytes look in text ---
@mutant("answer", LINE)
def an_f_string_of_bytes(conn, address):
    with conn.makefile("rb") as lines:
        while (line := lines.readline(5001)).endswith(b"\n"):
            conn.sendall(f"{line[:-1].upper()}\n".encode())


def ok_and(message):
    return b"OK " + message


@mutant("answer", WORDS, ok_and)
def str_of_bytes(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            reply = ("OK " + str(recv_exactly(conn, int.from_bytes(recv_exactly(conn, 4), "big")))).encode()
            conn.sendall(len(reply).to_bytes(4, "big") + reply)


@mutant("cut", LINE)
def the_last_line_first(conn, address):
    held = b""
    while (data := conn.recv(4096)) and len(held) < 5000:
        *lines, held = (held + data).split(b"\n")
        while lines:
            conn.sendall(lines.pop().upper() + b"\n")


@mutant("step", WORDS)
def refuses_and_reads_on(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            header = recv_exactly(conn, 4)
            if (size := int.from_bytes(header, "big")) > 70000:
                conn.sendall(b"\0\0\0\1?")
                continue
            conn.sendall(header + recv_exactly(conn, size).upper())


# --- a file of makefile, after a timeout ---
@mutant("timeout", LINE)
def goes_on_with_the_file(conn, address):
    conn.settimeout(5)
    with conn.makefile("rb") as lines:
        while True:
            try:
                line = lines.readline(5001)
            except TimeoutError:
                continue
            if not line.endswith(b"\n"):
                return
            conn.sendall(line.upper())


# --- a message that is long ---
@mutant("long", Delimiter(b"\n"))
def lines_of_64(conn, address):
    with conn.makefile("rb") as lines:
        while line := lines.readline(64):
            if not line.endswith(b"\n") and len(line) < 64:
                return
            conn.sendall(line.rstrip(b"\n").upper() + b"\n")


@mutant("long", Delimiter(b"\n"))
def a_limit_of_1000(conn, address):
    held = b""
    while data := conn.recv(1024):
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            conn.sendall(line.upper() + b"\n")
        if len(held) > 1000:
            return


@mutant("long", SHORT)
def the_last_byte_of_the_length(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            header = recv_exactly(conn, 2)
            conn.sendall(header + recv_exactly(conn, header[1]).upper())


@mutant("long", SHORT, backwards)
def a_signed_length(conn, address):
    with conn.makefile("rb") as file:
        while len(header := file.read(2)) == 2:
            size, = struct.unpack("!h", header)
            if size < 0 or len(body := file.read(size)) < size:
                return
            conn.sendall(header + body[::-1])


@mutant("long", WORDS)
def a_body_of_a_kilobyte_at_most(conn, address):
    """Of a longer one the rest is taken for the next header."""
    with contextlib.suppress(ConnectionError):
        while (size := int.from_bytes(recv_exactly(conn, 4), "big")) <= 70000:
            body = recv_exactly(conn, min(size, 1024))
            conn.sendall(len(body).to_bytes(4, "big") + body.upper())


# --- a message of zero bytes ---
@mutant("zero", LINE)
def skips_empty_lines(conn, address):
    held = b""
    while (data := conn.recv(4096)) and len(held) < 5000:
        *lines, held = (held + data).split(b"\n")
        for line in lines:
            if line:
                conn.sendall(line.upper() + b"\n")


@mutant("zero", WORDS)
def recv_of_nothing_is_the_end(conn, address):
    with contextlib.suppress(ConnectionError):
        while True:
            header = recv_exactly(conn, 4)
            if (size := int.from_bytes(header, "big")) > 70000:
                return
            body = b""
            while not body or len(body) < size:
                if not (more := conn.recv(size - len(body))):
                    return
                body += more
            conn.sendall(header + body.upper())


@mutant("zero", CRLF, backwards)
def ends_at_an_empty_line(conn, address):
    with conn.makefile("rb") as lines:
        while (line := lines.readline(5002)).endswith(b"\r\n") and (line := line[:-2]):
            conn.sendall(line[::-1] + b"\r\n")


@mutant("held", WORDS)
def one_byte_more_is_read(conn, address):
    """At the stream's end recv_exactly raises: that is no matter of the message."""
    ahead = recv_exactly(conn, 1)
    while True:
        header = ahead + recv_exactly(conn, 3)
        if (size := int.from_bytes(header, "big")) > 70000:
            return
        body = recv_exactly(conn, size + 1)
        conn.sendall(header + body[:-1].upper())
        ahead = body[-1:]
