"""Answers to the exercises of chapter 6, wrong and right, with what the check must say of each."""
import io
import itertools
import json
import math
import re
import select
import socket
import statistics
import struct
import sys
import threading
from collections import deque

from answers import right, wrong

from netlab.chapters.message_sticking import check
from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix

# 1 take_lines


def lines_forgets_the_rest(data):
    return data.split(b"\n")[:-1], b""


def lines_gives_all(data):
    return data.split(b"\n"), b""


def lines_rest_as_message(data):
    *messages, rest = data.split(b"\n")
    return messages + [rest] * bool(rest), rest


def lines_splitlines(data):
    if data.endswith(b"\n"):
        return data.splitlines(), b""
    *messages, rest = data.splitlines() or [b""]
    return messages, rest


def lines_only_first(data):
    message, mark, rest = data.partition(b"\n")
    return ([message], rest) if mark else ([], data)


def lines_strips(data):
    *messages, rest = data.split(b"\n")
    return [message.strip() for message in messages], rest


def lines_strips_the_rest(data):
    *messages, rest = data.split(b"\n")
    return messages, rest.strip()


def lines_no_empty_ones(data):
    *messages, rest = data.split(b"\n")
    return [message for message in messages if message], rest


def lines_with_mark(data):
    *messages, rest = data.split(b"\n")
    return [message + b"\n" for message in messages], rest


def lines_as_text(data):
    *messages, rest = data.decode().split("\n")
    return messages, rest.encode()


def lines_text_that_replaces(data):
    *messages, rest = data.decode(errors="replace").split("\n")
    return [message.encode() for message in messages], rest.encode()


def lines_keeps_all(data):
    return data.split(b"\n")[:-1], data


def lines_rest_none(data):
    *messages, rest = data.split(b"\n")
    return messages, rest or None


def lines_swapped(data):
    *messages, rest = data.split(b"\n")
    return rest, messages


def lines_list(data):
    *messages, rest = data.split(b"\n")
    return [messages, rest]


def lines_only_messages(data):
    return data.split(b"\n")[:-1]


def lines_index(data):
    messages = []
    while data:
        end = data.index(b"\n")
        messages.append(data[:end])
        data = data[end + 1:]
    return messages, data


def lines_for_ever(data):
    messages = []
    while b"\n" in data:
        messages.append(data.partition(b"\n")[0])
    return messages, data


def lines_adds(data):
    messages = []
    while b"\n" in data:
        message, _, data = data.partition(b"\n")
        messages += message
    return messages, data


def lines_one_bytes(data):
    whole, _, rest = data.rpartition(b"\n")
    return whole, rest


def lines_bytearrays(data):
    *messages, rest = bytearray(data).split(b"\n")
    return messages, rest


def lines_typo(data):
    return data.splitt(b"\n")


def lines_no_return(data):
    data.split(b"\n")


def lines_rindex_of_text(data):
    return data.split("\n")[:-1], b""


def lines_unpacks(data):
    messages = []
    while b"\n" in data:
        message, data = data.split(b"\n")
        messages.append(message)
    return messages, data


def lines_rfind(data):
    end = data.rfind(b"\n")
    return data[:end].split(b"\n"), data[end + 1:]


def lines_global(data, seen=[]):    # noqa: B006
    *messages, rest = data.split(b"\n")
    seen += messages
    return seen, rest


wrong(check.take_lines, "is left over, and it was dropped", "([b'3'], b'')")(lines_forgets_the_rest)
wrong(check.take_lines, "an empty rest, and no empty message", "([b'3', b''], b'')")(lines_gives_all)
wrong(check.take_lines, "is not whole yet", "([b'3', b'12'], b'12')")(lines_rest_as_message)
wrong(check.take_lines, "splitlines() also splits", "b' 5 '")(lines_splitlines)
wrong(check.take_lines, "that is a loop", "([b'3'], b'12\\n250\\n')")(lines_only_first)
wrong(check.take_lines, "nothing is stripped", "b'5'")(lines_strips)
wrong(check.take_lines, "may begin or end with a space", "b'7'")(lines_strips_the_rest)
wrong(check.take_lines, "an empty message is a message", "([b'3', b'12'], b'')")(lines_no_empty_ones)
wrong(check.take_lines, "is no part of it", "([b'3\\n'], b'')")(lines_with_mark)
wrong(check.take_lines, "messages are bytes", "['3']")(lines_as_text)
wrong(check.take_lines, "messages are bytes", "\\xef\\xbf\\xbd")(lines_text_that_replaces)
wrong(check.take_lines, "would be taken again", "([b'3'], b'3\\n')")(lines_keeps_all)
wrong(check.take_lines, "that is b\"\"", "([b'3'], None)")(lines_rest_none)
wrong(check.take_lines, "the messages stand first", "(b'', [b'3'])")(lines_swapped)
wrong(check.take_lines, "in a tuple", "[[b'3'], b'']")(lines_list)
wrong(check.take_lines, "in a tuple", "[b'3']")(lines_only_messages)
wrong(check.take_lines, "find() gives -1", "raised ValueError: subsection not found (line ")(lines_index)
wrong(check.take_lines, "which loop has no end", "no end after")(lines_for_ever)
wrong(check.take_lines, "list.append", "([51], b'')")(lines_adds)
wrong(check.take_lines, "is a list", "(b'3', b'')")(lines_one_bytes)
wrong(check.take_lines, "bytes(…)", "bytearray(b'3')")(lines_bytearrays)
wrong(check.take_lines, "about the code", "raised AttributeError")(lines_typo)
wrong(check.take_lines, "return missing", "None")(lines_no_return)
wrong(check.take_lines, "bytes and text were mixed", "raised TypeError")(lines_rindex_of_text)
wrong(check.take_lines, "partition", "raised ValueError: too many values to unpack")(lines_unpacks)
wrong(check.take_lines, "rfind() give -1", "([b'2'], b'25')")(lines_rfind)
wrong(check.take_lines, "is made only once", "[b'3', b'3', b'12', b'250'")(lines_global)


@right(check.take_lines)
def lines_split(data):
    *messages, rest = data.split(b"\n")
    return messages, rest


@right(check.take_lines)
def lines_find(data):
    messages, begin = [], 0
    while (end := data.find(b"\n", begin)) >= 0:
        messages.append(data[begin:end])
        begin = end + 1
    return messages, data[begin:]


@right(check.take_lines)
def lines_regex(data):
    return re.findall(rb"([^\n]*)\n", data), re.search(rb"[^\n]*\Z", data)[0]


@right(check.take_lines)
def lines_readline(data):
    whole = io.BytesIO(data).readlines()
    rest = whole.pop() if whole and not whole[-1].endswith(b"\n") else b""
    return [each[:-1] for each in whole], rest


# 2 lengths


def sized(size=2, order="big", whole=lambda buffer, size, length: len(buffer) >= size + length, header=True, most=9999,
          skip=0, cut=0, keep=True, empty=True, signed=False, give=bytes, early=False):
    """A `lengths` with one thing done in another way."""
    def lengths():
        buffer = bytearray()

        def feed(data):
            if not keep:
                buffer.clear()
            buffer.extend(data)
            messages = []
            while len(buffer) >= (size if header else 1) and len(messages) < most:
                length = int.from_bytes(buffer[:size], order, signed=signed) - skip
                if not whole(buffer, size, length):
                    break
                if length or empty:
                    messages.append(give(buffer[cut:size + length][size if not cut and cut is not None else 0:]))
                del buffer[:size + length]
            return messages
        return feed
    return lengths


def lengths_one_shot():
    def feed(data):
        length, = struct.unpack("!H", data[:2])
        return [data[2:2 + length]]
    return feed


def lengths_unpacks():
    buffer = b""

    def feed(data):
        nonlocal buffer
        buffer += data
        messages = []
        while buffer:
            length, = struct.unpack("!H", buffer[:2])
            if len(buffer) < 2 + length:
                break
            messages.append(buffer[2:2 + length])
            buffer = buffer[2 + length:]
        return messages
    return feed


def lengths_no_nonlocal():
    buffer = b""

    def feed(data):
        buffer += data      # noqa: F823, F841
        return []
    return feed


shared_buffer = bytearray()


def lengths_shared():
    """One buffer for all: what one client left, the next one finds."""
    def feed(data):
        shared_buffer.extend(data)
        messages = []
        while len(shared_buffer) >= 2 and len(shared_buffer) >= 2 + (size := int.from_bytes(shared_buffer[:2], "big")):
            messages.append(bytes(shared_buffer[2:2 + size]))
            del shared_buffer[:2 + size]
        return messages
    return feed


class Shared:
    """Its buffer is the class's."""
    buffer = bytearray()

    def __init__(self):
        self.buffer.clear()

    def feed(self, data):
        self.buffer.extend(data)
        messages = []
        while len(self.buffer) >= 2 and len(self.buffer) >= 2 + (size := int.from_bytes(self.buffer[:2], "big")):
            messages.append(bytes(self.buffer[2:2 + size]))
            del self.buffer[:2 + size]
        return messages


def lengths_again():
    feed, messages = sized()(), []

    def feed_and_keep(data):
        messages.extend(feed(data))
        return messages
    return feed_and_keep


def lengths_never_takes_out():
    buffer = b""

    def feed(data):
        nonlocal buffer
        buffer += data
        return sized()()(buffer)
    return feed


def lengths_generator():
    buffer = bytearray()

    def feed(data):
        buffer.extend(data)
        while len(buffer) >= 2 and len(buffer) >= 2 + (size := int.from_bytes(buffer[:2], "big")):
            yield bytes(buffer[2:2 + size])
            del buffer[:2 + size]
    return feed


def lengths_for_ever():
    buffer = bytearray()

    def feed(data):
        buffer.extend(data)
        messages = []
        while len(buffer) >= 2 and len(buffer) >= 2 + (size := int.from_bytes(buffer[:2], "big")):
            messages = [bytes(buffer[2:2 + size])]
        return messages
    return feed


def lengths_part(whole=None):
    """Gives what has come of a message, whole or not."""
    return sized(whole=lambda buffer, size, length: True)


def lengths_late():
    """Wants one byte more than the message has."""
    return sized(whole=lambda buffer, size, length: len(buffer) > size + length)()


def lengths_typo():
    buffer = bytearray()

    def feed(data):
        buffer.extend(dat)      # noqa: F821
    return feed


def lengths_no_return():
    def feed(data):
        sized()()(data)
    return feed


def lengths_none():
    sized()()


def lengths_text():
    feed = sized()()
    return lambda data: [message.decode() for message in feed(data)]


def lengths_decodes():
    """Text first, then frames."""
    feed, half = sized()(), []

    def decoding(data):
        half.append(data.decode())
        return feed(data)
    return decoding


def lengths_joined():
    feed = sized()()
    return lambda data: b"".join(feed(data))


wrong(check.lengths, "behind it before you look", "[], then []")(sized(keep=False))
wrong(check.lengths, "that is a loop", "[b'12']")(sized(most=1))
wrong(check.lengths, "network byte order", "[]")(sized(order="little"))
wrong(check.lengths, "the length has two bytes", "[b'', b'3']")(sized(size=1))
wrong(check.lengths, "the message alone", "[]")(
    sized(skip=2, whole=lambda buffer, size, length: 0 <= length <= len(buffer) - size))
wrong(check.lengths, "stands behind its two bytes", "[b'\\x00\\x013']")(sized(cut=None))
wrong(check.lengths, "without a sign", "[]")(
    sized(signed=True, whole=lambda buffer, size, length: 0 <= length <= len(buffer) - size))
wrong(check.lengths, "an empty message", "[]")(sized(empty=False))
wrong(check.lengths, "no byte more than it has", "[]")(lengths_late)
wrong(check.lengths, "as many bytes behind the length", "[b'3', b'te']")(lengths_part())
wrong(check.lengths, "the length may be cut as well", "[b'']")(
    sized(header=False, whole=lambda buffer, size, length: len(buffer) >= min(size + length, 2 + length) - (len(buffer) < 2)))
wrong(check.lengths, "with fewer than two bytes of it there", "raised error: unpack requires")(lengths_unpacks)
wrong(check.lengths, "that is a loop", "[b'12']")(lengths_one_shot)
wrong(check.lengths, "nonlocal", "raised UnboundLocalError")(lengths_no_nonlocal)
wrong(check.lengths, "a buffer of its own", "")(lengths_shared)
wrong(check.lengths, "a buffer of its own", "")(Shared)
wrong(check.lengths, "came again", "[b''], then [b'']")(lengths_never_takes_out)
wrong(check.lengths, "came again", "")(lengths_again)
wrong(check.lengths, "a generator came", "<generator")(lengths_generator)
wrong(check.lengths, "which loop has no end", "no end after")(lengths_for_ever)
wrong(check.lengths, "about the code", "raised NameError: name 'dat' is not defined (line ")(lengths_typo)
wrong(check.lengths, "return missing", "None")(lengths_no_return)
wrong(check.lengths, "return missing", "None")(lengths_none)
wrong(check.lengths, "messages are bytes", "['3']")(lengths_text)
wrong(check.lengths, "messages are bytes", "raised UnicodeDecodeError")(lengths_decodes)
wrong(check.lengths, "give back a list", "b'3'")(lengths_joined)
wrong(check.lengths, "bytes(…)", "bytearray(b'3')")(sized(give=bytearray))
wrong(check.lengths, "give back a function feed", "[]")(list)
wrong(check.lengths, "about the code", "raised TypeError")(lambda data: sized()()(data))

right(check.lengths)(sized())


@right(check.lengths)
class Lengths:
    def __init__(self):
        self.rest = b""

    def feed(self, data):
        self.rest += data
        found, view = [], self.rest
        while len(view) >= 2:
            size, = struct.unpack_from("!H", view)
            if len(view) - 2 < size:
                break
            found, view = [*found, view[2:size + 2]], view[size + 2:]
        self.rest = view
        return found


@right(check.lengths)
def lengths_by_coroutine():
    """A state machine that is fed byte by byte."""
    def machine():
        found = None
        while True:
            size = 0
            for _ in range(2):
                size = size << 8 | (yield found)
                found = None
            message = bytearray()
            while len(message) < size:
                message.append((yield None))
            found = bytes(message)

    running = machine()
    next(running)
    left = deque()

    def feed(data):
        messages = []
        left.extend(data)
        nonlocal running
        while left:
            # a message is known one byte late by the machine, so an own count is kept beside it
            if len(left) < 2 or len(left) < 2 + (size := left[0] << 8 | left[1]):
                break
            messages.append(bytes(itertools.islice(left, 2, 2 + size)))
            for _ in range(2 + size):
                left.popleft()
        return messages
    return feed


right(check.lengths)(lambda: LengthPrefix(2, max_size=65535))


@right(check.lengths)
class Generating:
    """Its feed takes out of a generator."""
    def __init__(self):
        self.buffer = bytearray()

    def messages(self):
        while len(self.buffer) > 1 and len(self.buffer) - 2 >= (size := self.buffer[0] * 256 + self.buffer[1]):
            yield bytes(memoryview(self.buffer)[2:2 + size])
            self.buffer = self.buffer[2 + size:]

    def feed(self, data):
        self.buffer += data
        return [*self.messages()]


# 3 netstrings


def nets(digits=bytes.isdigit, longest=3, zeros=True, comma=True, most=999, data_needed=1, once=False, endless=True,
         colon=lambda buffer: buffer.partition(b":"), give=lambda rest, size: rest[:size], keep=True, empty=True):
    """A `netstrings` with one thing done in another way."""
    def netstrings():
        buffer = b""

        def feed(data):
            nonlocal buffer
            buffer = buffer + data if keep else data
            messages = []
            while buffer:
                number, sign, rest = colon(buffer)
                if endless and len(number) > longest:
                    raise ValueError("too long")
                if not sign and not (number and not digits(number)):
                    break
                if not digits(number):
                    raise ValueError("no length")
                if zeros and number.startswith(b"0") and number != b"0":
                    raise ValueError("zeros in front")
                size = int(number)
                if size > most:
                    raise ValueError("too long")
                if len(rest) < size + data_needed:
                    break
                if comma and rest[size:size + 1] != b",":
                    raise ValueError("no comma")
                if size or empty:
                    messages.append(give(rest, size))
                buffer = rest[size + 1:]
                if once:
                    break
            return messages
        return feed
    return netstrings


def nets_by_int(buffer=b""):
    def is_number(number):
        try:
            return int(number) >= 0 or True
        except ValueError:
            return False
    return nets(digits=is_number, longest=30)()


def nets_index():
    buffer = b""

    def feed(data):
        nonlocal buffer
        buffer += data
        messages = []
        while buffer:
            place = buffer.index(b":")
            size = int(buffer[:place])
            if len(buffer) < place + size + 2:
                break
            messages.append(buffer[place + 1:place + 1 + size])
            buffer = buffer[place + size + 2:]
        return messages
    return feed


def nets_split():
    buffer = b""

    def feed(data):
        nonlocal buffer
        *parts, buffer = (buffer + data).split(b",")
        return [part.partition(b":")[2] for part in parts]
    return feed


def nets_refuses_what_is_cut():
    good = nets()()
    held = b""

    def feed(data):
        nonlocal held
        held += data
        if not held.endswith(b","):
            raise ValueError("not whole")
        return good(data)
    return feed


def nets_none_for_bad():
    good = nets()()

    def feed(data):
        try:
            return good(data)
        except ValueError:
            return None
    return feed


def nets_drops_bad():
    good = nets()()

    def feed(data):
        try:
            return good(data)
        except ValueError:
            return []
    return feed


def nets_gives_error():
    good = nets()()

    def feed(data):
        try:
            return good(data)
        except ValueError as error:
            return error
    return feed


class Broken(Exception):
    pass


def nets_other_error():
    good = nets()()

    def feed(data):
        try:
            return good(data)
        except ValueError as error:
            raise Broken("bad netstring") from error
    return feed


def nets_asserts():
    good = nets()()

    def feed(data):
        try:
            return good(data)
        except ValueError:
            assert not data, "zeros"
    return feed


def nets_looks_at_first_byte():
    good = nets()()
    held = b""

    def feed(data):
        nonlocal held
        held += data
        if held[0] == 48 and held[1] != 58:
            raise ValueError("zeros in front")
        return good(data)
    return feed


wrong(check.netstrings, "behind it before you look", "")(nets(keep=False))
wrong(check.netstrings, "that is a loop", "[b'3']")(nets(once=True))
wrong(check.netstrings, "when the comma has come", "[b'tea']")(nets(data_needed=0, comma=False))
wrong(check.netstrings, "behind the message stands a comma", "[b'tea']")(nets(comma=False))
wrong(check.netstrings, "no zeros in front", "[b'tea']")(nets(zeros=False))
wrong(check.netstrings, "digits 0 to 9", "")(nets_by_int)
wrong(check.netstrings, "before they have come", "[]")(nets(longest=4, most=99999))
wrong(check.netstrings, "no length up to 999 has a fourth digit", "[]")(nets(endless=False))
wrong(check.netstrings, "an empty message", "[]")(nets(empty=False))
wrong(check.netstrings, "is not part of it", "[b'tea,']")(nets(give=lambda rest, size: rest[:size + 1]))
wrong(check.netstrings, "the length alone says", "[b'a'")(nets_split)
wrong(check.netstrings, "index() raises", "raised ValueError: subsection not found (line ")(nets_index)
wrong(check.netstrings, "no fault", "raised ValueError: not whole")(nets_refuses_what_is_cut)
wrong(check.netstrings, "raise ValueError", "None")(nets_none_for_bad)
wrong(check.netstrings, "stands a comma", "[]")(nets_drops_bad)
wrong(check.netstrings, "write raise", "ValueError('no comma')")(nets_gives_error)
wrong(check.netstrings, "another error is due", "raised Broken: bad netstring")(nets_other_error)
wrong(check.netstrings, "another error is due", "raised AssertionError: zeros")(nets_asserts)
wrong(check.netstrings, "the piece ends there", "raised IndexError")(nets_looks_at_first_byte)
wrong(check.netstrings, "your code refuses", "raised ValueError: too long")(
    nets(longest=1))
wrong(check.netstrings, "stands a comma", "[b'tea']")(nets(comma=False, data_needed=1))
wrong(check.netstrings, "give back a function feed", "b''")(bytes)
wrong(check.netstrings, "which loop has no end", "no end after")(lambda: lambda data: [None for _ in iter(int, 1)])

wrong(check.netstrings, "with an empty message", "raised ValueError: no length")(
    nets(digits=lambda number: number.isdigit() and not number.startswith(b"0")))
wrong(check.netstrings, "not the next comma, and not the last", "[b'3,2:12'")(
    nets(give=lambda rest, size: rest.rpartition(b",")[0]))
wrong(check.lengths, "nothing was given", "[]")(lambda: lambda data: [])

right(check.netstrings)(nets())


@right(check.netstrings)
class Netstrings:
    """By a regular expression, with its own name of what it keeps."""
    LENGTH = re.compile(rb"(0|[1-9][0-9]{0,2}):")
    BEGUN = re.compile(rb"(0|[1-9][0-9]{0,2})?")

    def __init__(self):
        self.pending = bytearray()

    def feed(self, data):
        self.pending += data
        messages = []
        while True:
            found = self.LENGTH.match(self.pending)
            if not found:
                if not self.BEGUN.fullmatch(self.pending):
                    raise ValueError(f"no netstring begins with {bytes(self.pending[:5])!r}")
                return messages
            end = found.end() + int(found[1])
            if len(self.pending) <= end:
                return messages
            if self.pending[end] != ord(","):
                raise ValueError("a comma is missing")
            messages.append(bytes(self.pending[found.end():end]))
            del self.pending[:end + 1]


@right(check.netstrings)
def netstrings_by_state():
    """One byte after the other."""
    digits, left, message = b"", None, bytearray()

    def feed(data):
        nonlocal digits, left
        messages = []
        for byte in data:
            if left is None and byte in b"0123456789" and digits != b"0" and len(digits) < 3:
                digits += bytes([byte])
            elif left is None and byte == ord(":") and digits:
                left, digits = int(digits), b""
            elif left is None:
                raise ValueError("no length")
            elif left:
                message.append(byte)
                left -= 1
            elif byte == ord(","):
                messages.append(bytes(message))
                message.clear()
                left = None
            else:
                raise ValueError("no comma")
        return messages
    return feed


# 4 prime_time

only_one = threading.Lock()


def is_prime(number):
    return isinstance(number, int) and number > 1 and all(number % n for n in range(2, math.isqrt(number) + 1))


def answered(line, *, kinds=(int, float), field=True, method=True, dictionary=True, errors=ValueError, load=json.loads,
             prime=is_prime, dump=json.dumps, number=lambda request: request["number"], exact=True):
    """The answer to a line, or None where it is malformed; with one thing done in another way."""
    try:
        request = load(line)
    except errors:
        return None
    if dictionary and not isinstance(request, dict):
        return None
    if method and request.get("method") != "isPrime":
        return None
    if field and "number" not in request:
        return None
    value = number(request)
    if not (type(value) in kinds if exact else isinstance(value, kinds)):
        return None
    return dump({"method": "isPrime", "prime": prime(value)}).encode()


def primes(answer=answered, malformed=b"{}\n", mark=b"\n", hang_up=True, limit=4096, bad=None, send=None, end=None,
           size=4096, lines=None, **how):
    """A `prime_time` with one thing done in another way."""
    def prime_time(conn, address):
        carry = send or (lambda conn, data: conn.sendall(data))
        buffer = b""
        while data := conn.recv(size):
            *found, buffer = (buffer + data).split(b"\n")
            for line in found:
                came = answer(line, **how)
                if came is None:
                    carry(conn, malformed)
                    if hang_up:
                        return
                else:
                    carry(conn, came + mark)
            if limit and len(buffer) >= limit:
                carry(conn, malformed)
                return
        if end:
            end(conn, buffer)
    return prime_time


def prime_one_recv(conn, address):
    """What recv gives is the request."""
    while data := conn.recv(4096):
        conn.sendall((answered(data) or b"{}") + b"\n")


def prime_one_recv_raises(conn, address):
    while data := conn.recv(4096):
        conn.sendall(answered(data, errors=()) + b"\n")


def prime_lines_of_a_recv(conn, address):
    """Splits, but forgets what is left over."""
    while data := conn.recv(4096):
        for line in data.split(b"\n")[:-1]:
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


def prime_first_line(conn, address):
    """One line of each recv."""
    buffer = b""
    while data := conn.recv(4096):
        buffer += data
        if b"\n" in buffer:
            line, _, buffer = buffer.partition(b"\n")
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


def prime_text(conn, address):
    """Decodes each piece."""
    buffer = ""
    while data := conn.recv(4096):
        buffer += data.decode()
        *lines, buffer = buffer.split("\n")
        for line in lines:
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


def prime_text_that_ignores(conn, address):
    buffer = ""
    while data := conn.recv(4096):
        buffer += data.decode(errors="ignore")
        *lines, buffer = buffer.split("\n")
        for line in lines:
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


def prime_one_request(conn, address):
    """Answers, and hangs up."""
    buffer = b""
    while b"\n" not in buffer:
        buffer += conn.recv(4096)
    conn.sendall((answered(buffer.partition(b"\n")[0]) or b"{}") + b"\n")


def prime_at_the_end(conn, address):
    """Answers when the client has ended."""
    whole = b""
    while data := conn.recv(4096):
        whole += data
    for line in whole.split(b"\n")[:-1]:
        conn.sendall((answered(line) or b"{}") + b"\n")


def prime_file_unflushed(conn, address):
    with conn.makefile("rwb") as file:
        for line in file:
            file.write((answered(line) or b"{}") + b"\n")


def prime_file_no_limit(conn, address):
    with conn.makefile("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


def prime_file_partial(conn, address):
    """A file gives what has no line end, too."""
    with conn.makefile("rb") as file:
        while line := file.readline(4096):
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


def prime_busy(conn, address):
    """b"" is not looked for."""
    buffer = b""
    while True:
        buffer += conn.recv(4096)
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


kept_by_all = bytearray()


def prime_global(conn, address):
    """One buffer for all clients."""
    while data := conn.recv(4096):
        kept_by_all.extend(data)
        while b"\n" in kept_by_all:
            line, _, rest = bytes(kept_by_all).partition(b"\n")
            kept_by_all[:] = rest
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


def prime_long_loop(number):
    return isinstance(number, int) and number > 1 and all(number % n for n in range(2, number))


def prime_raises(conn, address):
    def refuse(line):
        came = answered(line)
        if came is None:
            conn.sendall(b"{}\n")
            raise ValueError("malformed")
        return came
    return primes(refuse)(conn, address)


def prime_returns(conn, address):
    primes()(conn, address)
    return True


def prime_returns_error(conn, address):
    try:
        prime_raises(conn, address)
    except ValueError as error:
        return error


def prime_typo(conn, address):
    conn.receive(4096)


def prime_tuple(conn, address):
    conn, _ = conn
    return conn.recv(10)


def sends_text(conn, data):
    conn.send(data.decode())


wrong(check.prime_time, "cut out lines", "{}")(prime_one_recv)
wrong(check.prime_time, "cut out lines", "raised JSONDecodeError: ")(prime_one_recv_raises)
wrong(check.prime_time, "cut out lines", "{}")(prime_lines_of_a_recv)
wrong(check.prime_time, "that is a loop", "true}\\n'")(prime_first_line)
wrong(check.prime_time, "within a character", "raised UnicodeDecodeError: ")(prime_text)
wrong(check.prime_time, "more to say", "hung up")(prime_one_request)
wrong(check.prime_time, "answer before you ask", "nothing")(prime_at_the_end)
wrong(check.prime_time, "no file keep the answer", "nothing")(prime_file_unflushed)
wrong(check.prime_time, "fills your memory", "waits in recv")(prime_file_no_limit)
wrong(check.prime_time, "when the client ends is no request", "{}")(prime_file_partial)
wrong(check.prime_time, "it ends your loop", "a busy loop")(prime_busy)
wrong(check.prime_time, "a buffer of its own", "client 2")(prime_global)
wrong(check.prime_time, "up to its square root", "no end after")(primes(prime=prime_long_loop))
wrong(check.prime_time, "to hang up, return", "raised ValueError: malformed")(prime_raises)
wrong(check.prime_time, "a handler gives nothing back", "True")(prime_returns)
wrong(check.prime_time, "a handler gives nothing back", "Error(")(prime_returns_error)
wrong(check.prime_time, "about the code", "raised AttributeError: ")(prime_typo)
wrong(check.prime_time, "about the code", "raised TypeError: ")(prime_tuple)
wrong(check.prime_time, "bytes and text were mixed", "raised TypeError: ")(primes(send=sends_text))
wrong(check.prime_time, "b\"\\n\" ends it", "true}'")(primes(mark=b""))
wrong(check.prime_time, "one \\n ends an answer", "\\n\\n")(primes(mark=b"\n\n"))
wrong(check.prime_time, "json.dumps writes it", "True}")(primes(dump=str))
wrong(check.prime_time, "in quotes", "\\\\\"prime")(primes(dump=lambda found: json.dumps(json.dumps(found))))
wrong(check.prime_time, "a JSON boolean", "\"true\"")(primes(prime=lambda number: str(is_prime(number)).lower()))
wrong(check.prime_time, "an answer has two fields", "")(primes(dump=lambda found: json.dumps({"prime": found["prime"]})))
wrong(check.prime_time, "b\"\\n\" ends it", "{}'")(primes(malformed=b"{}"))
wrong(check.prime_time, "one malformed answer", "")(primes(malformed=b""))
wrong(check.prime_time, "no JSON is malformed", "true}")(primes(malformed=b'{"method":"isPrime","prime":false}\n'))
wrong(check.prime_time, "what stands behind it is not answered", "")(primes(hang_up=False))
wrong(check.prime_time, "tells it by a ValueError", "raised JSONDecodeError")(primes(errors=KeyError))
wrong(check.prime_time, "another ValueError than", "raised UnicodeDecodeError")(primes(errors=json.JSONDecodeError))
wrong(check.prime_time, "must both be there", "raised KeyError: 'number'")(primes(field=False))
wrong(check.prime_time, "must both be there", "")(primes(method=False))
wrong(check.prime_time, "a JSON object", "raised AttributeError")(primes(dictionary=False))
wrong(check.prime_time, "a text is none", "")(primes(kinds=(int, float, str)))
wrong(check.prime_time, "it is not prime", "")(primes(number=lambda request: int(request["number"])))
wrong(check.prime_time, "a bool is an int", "")(primes(exact=False))
wrong(check.prime_time, "is a number: it is not prime", "{}")(primes(kinds=(int,)))
wrong(check.prime_time, "no primes", "")(primes(prime=lambda number: all(number % n for n in range(2, int(number)))))
wrong(check.prime_time, "needs no int()", "raised OverflowError")(
    primes(prime=lambda number: is_prime(int(number)) and number % 1 == 0))
wrong(check.prime_time, "fills your memory", "waits in recv")(primes(limit=None))
wrong(check.prime_time, "may have 4,096 bytes", "{}")(primes(limit=1024))
wrong(check.prime_time, "gets no answer", "")(primes(end=lambda conn, rest: rest and conn.sendall(b"{}\n")))
wrong(check.prime_time, "gets no answer", "")(
    primes(end=lambda conn, rest: answered(rest) and conn.sendall(answered(rest) + b"\n")))
wrong(check.prime_time, "sendall goes on", "")(primes(send=lambda conn, data: conn.send(data)))

def prime_one_at_a_time(conn, address):
    with only_one:
        primes()(conn, address)


wrong(check.prime_time, "which call waits for another client", "no end")(prime_one_at_a_time)

right(check.prime_time)(primes())
right(check.prime_time)(primes(size=1))
right(check.prime_time)(primes(malformed=b"malformed\n", mark=b"\r\n"))


@right(check.prime_time)
def prime_by_file(conn, address):
    with conn.makefile("rb") as requests, conn.makefile("wb") as answers:
        while (line := requests.readline(4097)) and (line.endswith(b"\n") or len(line) > 4096):
            came = answered(line) if line.endswith(b"\n") else None
            answers.write(came + b"\n" if came else b"malformed\n")
            answers.flush()
            if not came:
                return


# Until 3.12 a text file for both ways forgets, when it writes, what it has read ahead; 3.13 keeps it.
@(right(check.prime_time) if sys.version_info >= (3, 13) else
  wrong(check.prime_time, "forgets what it has read ahead", "true}\\n'"))
def prime_by_one_text_file(conn, address):
    """One file for both directions."""
    prime_by_text_file(conn, address, conn.makefile("rw", encoding="utf-8", errors="surrogateescape", newline="\n"))


@right(check.prime_time)
def prime_by_text_file(conn, address, both=None):
    """Text, line by line."""
    file = both or conn.makefile("r", encoding="utf-8", errors="surrogateescape", newline="\n")
    answers = both or conn.makefile("w", encoding="utf-8", newline="\n")
    with file, answers:
        while line := file.readline(4097):
            if not line.endswith("\n") and len(line) < 4097:
                return
            came = answered(line) if line.endswith("\n") and "\udc80" not in line else None
            answers.write(came.decode() + "\n" if came else "{}\n")
            answers.flush()
            if not came:
                return


@right(check.prime_time)
def prime_by_framing(conn, address):
    """What the library has. A line with its mark has 4,096 bytes."""
    decoder, whole = Delimiter(b"\n", max_size=4095), True
    while whole and (data := conn.recv(65536)):
        try:
            lines = decoder.feed(data)
        except FramingError as fault:
            lines, whole = [*fault.messages, b""], False
        for line in lines:
            came = answered(line)
            conn.sendall((came or b"{}") + b"\n")
            if not came:
                return


@right(check.prime_time)
def prime_by_select(conn, address):
    """Non-blocking, both ways."""
    conn.setblocking(False)
    buffer, out, open_ = b"", b"", True
    while out or open_:
        readable, writable, _ = select.select([conn] * open_, [conn] * bool(out), [])
        if writable:
            out = out[conn.send(out):]
        if readable:
            data = conn.recv(100)
            open_ = bool(data)
            *lines, buffer = (buffer + data).split(b"\n")
            for came in map(answered, lines + [b""] * (len(buffer) >= 4096)):
                out += (came or b"{}") + b"\n"
                if not came:
                    open_ = False
                    break


@right(check.prime_time)
def prime_closes_itself(conn, address):
    """With a time limit, and it ends the connection by its own calls."""
    conn.settimeout(60)
    with conn:
        primes()(conn, address)
        conn.shutdown(socket.SHUT_WR)


@right(check.prime_time)
def prime_by_bytearray(conn, address):
    buffer, chunk = bytearray(), bytearray(100)
    while size := conn.recv_into(chunk):
        buffer += chunk[:size]
        while (end := buffer.find(b"\n")) >= 0 or len(buffer) >= 4096:
            came = answered(bytes(buffer[:end])) if end >= 0 else None
            answer = memoryview((came or b"?") + b"\n")
            while answer:
                answer = answer[conn.send(answer):]
            if not came:
                return
            del buffer[:end + 1]


# 5 means_to_an_end


def mean_of(prices):
    return sum(prices) // len(prices) if prices else 0


def means(form="!cii", pack=lambda mean: struct.pack("!i", mean), mean=mean_of,
          inside=lambda begin, time, end: begin <= time <= end,
          swap=False, unknown=lambda conn: True, send=None, size=4096, once=False, insert=None, keep=True, end=None, both=False):
    """A `means_to_an_end` with one thing done in another way."""
    def means_to_an_end(conn, address):
        carry = send or (lambda conn, data: conn.sendall(data))
        prices, buffer = [], b""
        while data := conn.recv(size):
            buffer = buffer + data if keep else data
            while len(buffer) >= 9:
                kind, first, second = struct.unpack(form, buffer[:9])
                buffer = buffer[9:]
                if kind == b"I":
                    prices.append((second, first) if swap else (first, second))
                    if insert:
                        carry(conn, insert)
                elif kind == b"Q":
                    carry(conn, pack(mean([price for time, price in prices if inside(first, time, second)])))
                elif unknown(conn):
                    return
                if once:
                    break
        if end and buffer:
            end(conn)
    return means_to_an_end


def mean_recv_nine(conn, address):
    prices = []
    while record := conn.recv(9):
        kind, first, second = struct.unpack("!cii", record)
        if kind == b"I":
            prices.append((first, second))
        elif kind == b"Q":
            conn.sendall(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))
        else:
            return


def mean_recv_nine_skips(conn, address):
    """Drops what has not nine bytes."""
    prices = []
    while record := conn.recv(9):
        if len(record) < 9:
            continue
        kind, first, second = struct.unpack("!cii", record)
        if kind == b"I":
            prices.append((first, second))
        elif kind == b"Q":
            conn.sendall(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))
        else:
            return


def mean_one_recv(conn, address):
    """All that a recv brings is whole records."""
    prices = []
    while data := conn.recv(4096):
        for kind, first, second in struct.iter_unpack("!cii", data):
            if kind == b"I":
                prices.append((first, second))
            elif kind == b"Q":
                conn.sendall(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))
            else:
                return


def mean_lines(conn, address):
    """A file of lines, for what has no lines."""
    prices = []
    with conn.makefile("rb") as file:
        for record in file:
            kind, first, second = struct.unpack("!cii", record)
            if kind == b"I":
                prices.append((first, second))
            else:
                conn.sendall(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))


def mean_unflushed(conn, address):
    prices = []
    with conn.makefile("rwb") as file:
        while len(record := file.read(9)) == 9:
            kind, first, second = struct.unpack("!cii", record)
            if kind == b"I":
                prices.append((first, second))
            elif kind == b"Q":
                file.write(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))
            else:
                return


prices_of_all = []


def mean_shared(conn, address):
    """One store for all clients."""
    buffer = b""
    while data := conn.recv(4096):
        buffer += data
        while len(buffer) >= 9:
            kind, first, second = struct.unpack("!cii", buffer[:9])
            buffer = buffer[9:]
            if kind == b"I":
                prices_of_all.append((first, second))
            elif kind == b"Q":
                conn.sendall(struct.pack("!i", mean_of([price for time, price in prices_of_all if first <= time <= second])))
            else:
                return


def mean_decodes(conn, address):
    buffer = ""
    while data := conn.recv(4096):
        buffer += data.decode()


def mean_last_price_of_a_time(conn, address):
    """A dict by price: equal prices count once."""
    seen, buffer = {}, b""
    while data := conn.recv(4096):
        buffer += data
        while len(buffer) >= 9:
            kind, first, second = struct.unpack("!cii", buffer[:9])
            buffer = buffer[9:]
            if kind == b"I":
                seen[second] = first
            elif kind == b"Q":
                conn.sendall(struct.pack("!i", mean_of([price for price, time in seen.items() if first <= time <= second])))
            else:
                return


def mean_busy(conn, address):
    buffer = b""
    while True:
        buffer += conn.recv(4096)
        while len(buffer) >= 9:
            kind, _, _ = struct.unpack("!cii", buffer[:9])
            buffer = buffer[9:]
            if kind == b"Q":
                conn.sendall(struct.pack("!i", 250))


def mean_for_ever(conn, address):
    buffer = conn.recv(4096)
    while len(buffer) >= 9:
        pass


def mean_typo(conn, address):
    print(end=dat)      # noqa: F821


def mean_text_letter(conn, address):
    records, prices = FixedLength(9), []
    while data := conn.recv(4096):
        for record in records.feed(data):
            kind, first, second = struct.unpack("!cii", record)
            if kind == "I":
                prices.append((first, second))
            elif kind == "Q":
                conn.sendall(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))
            else:
                return


def mean_text_letter_breaks(conn, address):
    records, prices = FixedLength(9), []
    while data := conn.recv(4096):
        for record in records.feed(data):
            kind, first, second = struct.unpack("!cii", record)
            if kind == "I":
                prices.append((first, second))
            elif kind == "Q":
                conn.sendall(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))
            else:
                break


def mean_one_query(conn, address):
    """Hangs up behind the first answer."""
    buffer, prices = b"", []
    while data := conn.recv(4096):
        buffer += data
        while len(buffer) >= 9:
            kind, first, second = struct.unpack("!cii", buffer[:9])
            buffer = buffer[9:]
            if kind == b"I":
                prices.append((first, second))
            else:
                conn.sendall(struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second])))
                return


def refuse(conn):
    raise ValueError("unknown type")


wrong(check.means_to_an_end, "as long as there are nine", "raised error: unpack requires")(mean_recv_nine)
wrong(check.means_to_an_end, "as long as there are nine", "")(mean_recv_nine_skips)
wrong(check.means_to_an_end, "as long as there are nine", "raised error: iterative unpacking")(mean_one_recv)
wrong(check.means_to_an_end, "as long as there are nine", "raised error: unpack requires")(mean_lines)
wrong(check.means_to_an_end, "as long as there are nine", "")(means(keep=False))
wrong(check.means_to_an_end, "also the second and the last one", "")(means(once=True))
wrong(check.means_to_an_end, "which no text \"I\" is equal to", "the server hung up")(mean_text_letter)
wrong(check.means_to_an_end, "which no text \"Q\" is equal to", "nothing")(mean_text_letter_breaks)
wrong(check.means_to_an_end, "no file keep the answer", "nothing")(mean_unflushed)
wrong(check.means_to_an_end, "of its own", "")(mean_shared)
wrong(check.means_to_an_end, "no text", "raised UnicodeDecodeError")(mean_decodes)
wrong(check.means_to_an_end, "both of them count", "15: ")(mean_last_price_of_a_time)
wrong(check.means_to_an_end, "it ends your loop", "a busy loop")(mean_busy)
wrong(check.means_to_an_end, "did not come back", "no end after")(mean_for_ever)
wrong(check.means_to_an_end, "about the code", "raised NameError: name 'dat' is not defined (line ")(mean_typo)
wrong(check.means_to_an_end, "more to say", "hung up")(mean_one_query)
wrong(check.means_to_an_end, "not digits", "b'250'")(means(pack=lambda mean: str(mean).encode()))
wrong(check.means_to_an_end, "network byte order", "")(means(pack=lambda mean: struct.pack("<i", mean)))
wrong(check.means_to_an_end, "network byte order", "")(means(form="<cii", pack=lambda mean: struct.pack("<i", mean)))
wrong(check.means_to_an_end, "network byte order", "-100663296: ")(means(form="<cii"))
wrong(check.means_to_an_end, "\"!q\" has eight", "")(means(pack=lambda mean: struct.pack("!q", mean)))
wrong(check.means_to_an_end, "round the mean", "raised error: required argument is not an integer")(
    means(mean=lambda prices: sum(prices) / len(prices)))
wrong(check.means_to_an_end, "the answer is 0", "raised ZeroDivisionError")(means(mean=lambda prices: sum(prices) // len(prices)))
wrong(check.means_to_an_end, "the answer is 0", "raised StatisticsError")(means(mean=lambda prices: int(statistics.mean(prices))))
wrong(check.means_to_an_end, "the answer is 0", "-1")(means(mean=lambda prices: mean_of(prices) if prices else -1))
wrong(check.means_to_an_end, "<= on both sides", "")(means(inside=lambda begin, time, end: begin <= time < end))
wrong(check.means_to_an_end, "<= on both sides", "")(means(inside=lambda begin, time, end: begin < time <= end))
wrong(check.means_to_an_end, "in the range count", "")(means(inside=lambda begin, time, end: True))
wrong(check.means_to_an_end, "is the first of an insert its timestamp", "0: ")(means(swap=True))
wrong(check.means_to_an_end, "the answer is 0", "7: ")(
    means(inside=lambda begin, time, end: min(begin, end) <= time <= max(begin, end)))
wrong(check.means_to_an_end, "that is the sum", "")(means(mean=sum))
wrong(check.means_to_an_end, "that is the median", "")(means(mean=lambda prices: int(statistics.median(prices or [0]))))
wrong(check.means_to_an_end, "that is the last price", "")(means(mean=lambda prices: prices[-1] if prices else 0))
wrong(check.means_to_an_end, "sign", "")(means(form="!cII", pack=lambda mean: struct.pack("!I", mean)))
wrong(check.means_to_an_end, "sign", "raised error: ")(means(form="!cII"))
wrong(check.means_to_an_end, "sign", "raised OverflowError")(means(pack=lambda mean: mean.to_bytes(4, "big")))
wrong(check.means_to_an_end, "neither I nor Q", "")(means(unknown=lambda conn: False))
wrong(check.means_to_an_end, "neither I nor Q", "")(means(unknown=lambda conn: conn.sendall(b"\0\0\0\0") or True))
wrong(check.means_to_an_end, "to hang up, return", "raised ValueError: unknown type")(means(unknown=refuse))
wrong(check.means_to_an_end, "an insert gets no answer", "")(means(insert=b"\0\0\0\0"))
wrong(check.means_to_an_end, "sendall goes on", "")(means(send=lambda conn, data: conn.send(data)))
wrong(check.means_to_an_end, "gets no answer", "")(means(end=lambda conn: conn.sendall(b"\0\0\0\0")))
wrong(check.means_to_an_end, "bytes and text were mixed", "raised TypeError: ")(means(pack=str))

wrong(check.means_to_an_end, "as C does", "raised error: unpack requires a buffer of 12 bytes")(means(form="cii"))

right(check.means_to_an_end)(means())
right(check.means_to_an_end)(means(size=1))
right(check.means_to_an_end)(means(mean=lambda prices: round(statistics.fmean(prices)) if prices else 0))
right(check.means_to_an_end)(means(mean=lambda prices: int(sum(prices) / max(1, len(prices)))))


@right(check.means_to_an_end)
def mean_by_file(conn, address):
    prices = []
    with conn.makefile("rb") as file:
        while len(record := file.read(9)) == 9:
            if record[:1] not in b"IQ":
                return
            first, second = (int.from_bytes(record[place:place + 4], "big", signed=True) for place in (1, 5))
            if record[0] == ord("I"):
                prices.append((first, second))
            else:
                found = [price for time, price in prices if first <= time <= second]
                conn.sendall(int(statistics.fmean(found or [0])).to_bytes(4, "big", signed=True))


@right(check.means_to_an_end)
def mean_by_iter_unpack(conn, address):
    buffer, prices = bytearray(), []
    while data := conn.recv(100):
        buffer += data
        whole = len(buffer) // 9 * 9
        answers = bytearray()
        for kind, first, second in struct.iter_unpack("!Bii", bytes(buffer[:whole])):
            if kind == ord("I"):
                prices.append((first, second))
            elif kind == ord("Q"):
                answers += struct.pack("!i", mean_of([price for time, price in prices if first <= time <= second]))
            else:
                conn.sendall(answers)
                return
        del buffer[:whole]
        conn.sendall(answers)


@right(check.means_to_an_end)
def mean_by_waitall(conn, address):
    prices = []
    while len(record := conn.recv(9, socket.MSG_WAITALL)) == 9:
        kind, first, second = struct.unpack(">sll", record)
        if kind not in (b"I", b"Q"):
            return conn.shutdown(socket.SHUT_RDWR)
        if kind == b"I":
            prices.append((first, second))
        else:
            found = [price for time, price in prices if first <= time <= second]
            conn.sendall(struct.pack(">l", round(sum(found) / len(found)) if found else 0))


@right(check.means_to_an_end)
def mean_by_framing(conn, address):
    records, prices = FixedLength(9), {}
    while data := conn.recv(65536):
        for record in records.feed(data):
            kind, first, second = struct.unpack("!cii", record)
            if kind == b"I":
                prices[first] = second
            elif kind == b"Q":
                conn.sendall(struct.pack("!i", mean_of([prices[time] for time in prices if first <= time <= second])))
            else:
                return


@right(check.means_to_an_end)
def mean_by_recv_exactly(conn, address):
    def exactly(size):
        got = b""
        while len(got) < size and (data := conn.recv(size - len(got))):
            got += data
        return got

    prices = {}
    while len(record := exactly(9)) == 9:
        match record[:1]:
            case b"I":
                prices.setdefault(record[1:5], []).append(struct.unpack("!i", record[5:])[0])
            case b"Q":
                begin, end = struct.unpack("!2i", record[1:])
                found = [price for time, row in prices.items() for price in row if begin <= struct.unpack("!i", time)[0] <= end]
                conn.sendall(struct.pack("!i", mean_of(found)))
            case _:
                return


def forget():
    """Empty what these answers keep between their runs: else the next judge would find what the last one left."""
    for kept in (shared_buffer, kept_by_all, prices_of_all, Shared.buffer, lines_global.__defaults__[0]):
        kept.clear()
