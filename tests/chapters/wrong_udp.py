"""Answers to the exercises of chapter 5, wrong and right, with what the check must say of each."""
import heapq
import itertools
import os
import re
import select
import socket
import struct
import time

from answers import right, wrong

from netlab.chapters.udp import check

# 1 in_order


def ordered(number=lambda data: int.from_bytes(data[:4], "big"), payload=lambda data: data[4:], short=4, first=0, old=True,
            row=True, true=False):
    """An `in_order` with one thing done in another way."""
    def in_order(datagrams):
        waiting, due = {}, first
        for data in datagrams:
            if len(data) < short or (old and number(data) < due):
                continue
            waiting[number(data)] = payload(data)
            while due in waiting and (waiting[due] or not true):
                yield waiting[due]
                due += 1
                if not row:
                    break
    return in_order


def order_as_they_come(datagrams):
    for data in datagrams:
        if len(data) > 3:
            yield data[4:]


def order_sorted(datagrams):
    return [data[4:] for data in sorted(datagrams)]


def order_sorted_set(datagrams):
    return [data[4:] for data in sorted(set(datagrams)) if len(data) > 3]


def order_by_payload(datagrams):
    seen = []
    for payload in ordered()(datagrams):
        if payload not in seen:
            seen.append(payload)
            yield payload


def order_drops_what_is_early(datagrams):
    due = 0
    for data in datagrams:
        if int.from_bytes(data[:4], "big") == due:
            yield data[4:]
            due += 1


def order_jumps(datagrams):
    """Gives what is newer than all before, and drops the rest."""
    last = -1
    for data in datagrams:
        if len(data) > 3 and int.from_bytes(data[:4], "big") > last:
            last = int.from_bytes(data[:4], "big")
            yield data[4:]


def order_in_a_list(datagrams):
    return list(ordered()(datagrams))


def order_one_of_a_row(datagrams):
    waiting, due = {}, 0
    for data in datagrams:
        if len(data) > 3 and int.from_bytes(data[:4], "big") >= due:
            waiting[int.from_bytes(data[:4], "big")] = data[4:]
            if due in waiting:
                yield waiting.pop(due)
                due += 1


def order_gives_the_rest(datagrams):
    found = {}
    for data in datagrams:
        if len(data) > 3:
            found[int.from_bytes(data[:4], "big")] = data[4:]
    for number in sorted(found):
        yield found[number]


def order_unpacks(datagrams):
    waiting, due = {}, 0
    for data in datagrams:
        number, = struct.unpack("!I", data[:4])
        waiting[number] = data[4:]
        while due in waiting:
            yield waiting[due]
            due += 1


def order_next(datagrams):
    while True:
        yield next(datagrams)[4:]


def order_gives_twice(datagrams):
    waiting, due = {}, 0
    for data in datagrams:
        if len(data) < 4:
            continue
        waiting[int.from_bytes(data[:4], "big")] = data[4:]
        if int.from_bytes(data[:4], "big") < due:
            yield data[4:]
        while due in waiting:
            yield waiting[due]
            due += 1


wrong(check.in_order, "has to wait", "b'each', b'and', b'once'")(order_as_they_come)
wrong(check.in_order, "datagram came twice", "b'each', b'each'")(order_sorted)
wrong(check.in_order, "a hole was jumped", "b'in', b'the'")(order_sorted_set)
wrong(check.in_order, "a hole was jumped", "b'in', b'the'")(order_gives_the_rest)
wrong(check.in_order, "datagram 2 came before 1: keep it", "[b'each', b'once']")(order_drops_what_is_early)
wrong(check.in_order, "keep what came too early", "[b'each', b'and']")(order_jumps)
wrong(check.in_order, "2 goes out at once", "[b'each', b'once']")(order_one_of_a_row)
wrong(check.in_order, "what was given before is dropped", "b'once']")(order_gives_twice)
wrong(check.in_order, "yield a payload as soon as", "b'each' after 4")(order_in_a_list)
wrong(check.in_order, "only the number tells", "[b'ha', b'!']")(order_by_payload)
wrong(check.in_order, "stands behind its four bytes", "\\x00\\x00each")(ordered(payload=lambda data: data))
wrong(check.in_order, "numbers begin with 0", "[b'once', b'and']")(ordered(first=1))
wrong(check.in_order, "the most significant first", "[b'each']")(ordered(number=lambda data: int.from_bytes(data[:4], "little")))
wrong(check.in_order, "all of the first four bytes")(ordered(number=lambda data: data[3]))
wrong(check.in_order, "fewer bytes than you look for", "[b'', b'once']")(ordered(short=0))
wrong(check.in_order, "fewer bytes than you look for", "raised error: unpack")(order_unpacks)
wrong(check.in_order, "an empty payload is a payload", "[b'a']")(ordered(true=True))
wrong(check.in_order, "StopIteration", "raised RuntimeError: generator raised StopIteration")(order_next)
wrong(check.in_order, "payloads alone", "(0, b'each')")(ordered(payload=lambda data: (data[3], data[4:])))
wrong(check.in_order, "return missing", "None")(lambda datagrams: print(end=""))
wrong(check.in_order, "give back a list", "b'eachonce")(lambda datagrams: b"".join(ordered()(datagrams)))


@right(check.in_order)
def order_by_heap(datagrams):
    heap, due = [], 0
    for data in datagrams:
        if len(data) >= 4:
            heapq.heappush(heap, data)
        while heap and heap[0][:4] <= struct.pack("!I", due):
            first = heapq.heappop(heap)
            if first[:4] == struct.pack("!I", due):
                due += 1
                yield first[4:]


@right(check.in_order)
class Ordered:
    """An iterator of one's own."""
    def __init__(self, datagrams):
        self.datagrams, self.kept, self.due = datagrams, {}, itertools.count()
        self.next = next(self.due)

    def __iter__(self):
        return self

    def __next__(self):
        while self.next not in self.kept:
            data = next(self.datagrams)
            if len(data) > 3:
                self.kept.setdefault(struct.unpack_from("!I", data)[0], data[4:])
        found = self.kept[self.next]
        self.next = next(self.due)
        return found


# 2 database


def base(split=lambda data: data.partition(b"="), insert=None, found=lambda key, value: key + b"=" + value,
         unknown=lambda key: None, fixed=True, longest=999, version=b"version=1", strip=lambda key: key,
         known=lambda stored, key: key in stored, per=None):
    """A `database` with one thing done in another way."""
    def database():
        stores = {}

        def handler(data, address):
            stored = stores.setdefault(per and per(address), {})
            if len(data) > longest:
                return None
            key, sign, value = split(data)
            key = strip(key)
            if key == b"version" and fixed:
                return insert if sign else version
            if sign:
                stored[key] = strip(value)
                return insert
            return found(key, stored[key]) if known(stored, key) else unknown(key)
        return handler
    return database


def base_of_text():
    stored = {}

    def handler(data, address):
        key, sign, value = data.decode().partition("=")
        if key == "version":
            return None if sign else b"version=1"
        if sign:
            stored[key] = value
        elif key in stored:
            return f"{key}={stored[key]}".encode()
    return handler


def base_shared(stored={}):     # noqa: B006
    def handler(data, address):
        key, sign, value = data.partition(b"=")
        if sign:
            stored[key] = value
        elif key in stored:
            return key + b"=" + stored[key]
    return handler


def base_first_wins():
    stored = {}

    def handler(data, address):
        key, sign, value = data.partition(b"=")
        if sign:
            stored.setdefault(key, value)
        elif key in stored:
            return key + b"=" + stored[key]
    return handler


def base_no_doubles():
    """Takes the same datagram for the same insert, as if it could come twice only by accident."""
    stored, seen = {}, set()

    def handler(data, address):
        key, sign, value = data.partition(b"=")
        if sign and data in seen:
            return None
        seen.add(data)
        if sign:
            stored[key] = value
        elif key in stored:
            return key + b"=" + stored[key]
    return handler


def base_not_last():
    """Drops an insert that is the same as the last one but one: a bad idea against doubles."""
    stored, seen = {}, []

    def handler(data, address):
        key, sign, value = data.partition(b"=")
        if key == b"version" or len(data) > 999:
            return None if sign or key != b"version" else b"version=1"
        if sign:
            if data not in seen[-2:-1]:
                stored[key] = value
            seen.append(data)
        elif key in stored:
            return key + b"=" + stored[key]
    return handler


def base_splits():
    stored = {}

    def handler(data, address):
        if b"=" in data:
            key, value = data.split(b"=")
            stored[key] = value
        elif data in stored:
            return data + b"=" + stored[data]
    return handler


def base_looks_at_first():
    stored = {}

    def handler(data, address):
        if data[0] == ord("="):
            return None
        key, sign, value = data.partition(b"=")
        if sign:
            stored[key] = value
        elif key in stored:
            return key + b"=" + stored[key]
    return handler


def base_itself(data, address):
    return data


def base_typo():
    def handler(data, address):
        return dat      # noqa: F821
    return handler


def rsplit(data):
    key, sign, value = data.rpartition(b"=")
    return (key, sign, value) if sign else (value, b"", b"")


wrong(check.database, "key in front", "b'3'")(base(found=lambda key, value: value))
wrong(check.database, "key=value", "b'tea 3'")(base(found=lambda key, value: key + b" " + value))
wrong(check.database, "the first = ends the key", "raised ValueError: too many values")(base_splits)
wrong(check.database, "the first = ends the key", "None")(base(split=rsplit))
wrong(check.database, "sent, as an empty datagram", "b''")(base(insert=b""))
wrong(check.database, "an insert is not answered", "b'OK'")(base(insert=b"OK"))
wrong(check.database, "the last insert that arrived wins", "b'tea=3'")(base_first_wins)
wrong(check.database, "the last insert that arrived wins", "b'tea=4'")(base_no_doubles)
wrong(check.database, "makes an empty one", "b'tea=3'")(base_shared)
wrong(check.database, "never inserted", "raised KeyError: b'tea'")(base(known=lambda stored, key: True))
wrong(check.database, "no answer, or the key", "b'unknown'")(base(unknown=lambda key: b"unknown"))
wrong(check.database, "a datagram may be empty", "raised IndexError")(base_looks_at_first)
wrong(check.database, "from the beginning", "None")(base(fixed=False))
wrong(check.database, "from the beginning", "b'1'")(base(version=b"1"))
wrong(check.database, "nothing is stripped", "b'version=1'")(base(strip=bytes.strip))
wrong(check.database, "are bytes, not text", "raised UnicodeDecodeError")(base_of_text)
wrong(check.database, "1000 bytes are no request", "b'k=v")(base(longest=65535))
wrong(check.database, "all 999 bytes", "None")(base(longest=512))
wrong(check.database, "every client sees", "None")(base(per=lambda address: address[0]))
wrong(check.database, "last insert", "b'tea=")(base_not_last)
wrong(check.database, "about the code", "raised TypeError")(base_itself)
wrong(check.database, "about the code", "raised NameError: name 'dat' is not defined")(base_typo)
wrong(check.database, "handler, a function of its own", "{}")(dict)
wrong(check.database, "return missing", "None")(lambda: print(end=""))
wrong(check.database, "text came", "'tea=3'")(base(found=lambda key, value: f"{key.decode()}={value.decode()}"))

right(check.database)(base())
right(check.database)(base(unknown=lambda key: key + b"=", version=b"version=Ken's Key-Value Store 1.0"))


@right(check.database)
class Store(dict):
    def __call__(self, data, address):
        if len(data) >= 1000:
            return
        match = re.fullmatch(rb"(?s)([^=]*)=(.*)", data)
        if match is None:
            return data + b"=" + (b"1" if data == b"version" else self.get(data, b""))
        if match[1] != b"version":
            self[match[1]] = match[2]


# 3 get_price


def request_of(number, question):
    return number.to_bytes(2, "big") + question


def asker(request=request_of, tries=lambda tries: tries, waits=lambda timeout, count: timeout * 2 ** count, deadline=True,
          who=True, same=lambda data, number: data[:2] == number.to_bytes(2, "big"), answer=lambda data: data[2:], junk=True,
          error=TimeoutError):
    """An `ask` with one thing done in another way. `junk`: what is no answer is dropped, and the waiting goes on."""
    def ask(sock, number, question, address, timeout, tries_):
        for count in range(tries(tries_)):
            sock.sendto(request(number, question), address)
            end = time.monotonic() + waits(timeout, count)
            sock.settimeout(waits(timeout, count))
            while True:
                try:
                    if deadline:
                        if (left := end - time.monotonic()) <= 0:
                            break
                        sock.settimeout(left)
                    data, sender = sock.recvfrom(2048)
                except TimeoutError:
                    break
                if (sender == address or not who) and same(data, number):
                    return answer(data)
                if not junk:
                    break
        if error is None:
            return None
        raise error("nobody answers")
    return ask


def ask_once(sock, number, question, address, timeout, tries):
    sock.sendto(request_of(number, question), address)
    sock.settimeout(timeout)
    return sock.recvfrom(2048)[0][2:]


def ask_and_wait(sock, number, question, address, timeout, tries):
    sock.sendto(request_of(number, question), address)
    while True:
        data, sender = sock.recvfrom(2048)
        if sender == address and data[:2] == number.to_bytes(2, "big"):
            return data[2:]


def ask_in_vain(sock, number, question, address, timeout, tries):
    while True:
        try:
            return asker(tries=lambda tries: 1)(sock, number, question, address, timeout, 1)
        except TimeoutError:
            pass


def ask_swallows(sock, number, question, address, timeout, tries):
    while True:
        try:
            return ask_and_wait(sock, number, question, address, timeout, tries)
        except:     # noqa: E722
            pass


def ask_and_close(sock, number, question, address, timeout, tries):
    with sock:
        return asker()(sock, number, question, address, timeout, tries)


def ask_nobody(sock, number, question, address, timeout, tries):
    sock.settimeout(timeout)
    return sock.recv(2048)


def ask_elsewhere(sock, number, question, address, timeout, tries):
    sock.sendto(request_of(number, question), (address[0], 9))
    sock.settimeout(0.01)
    return sock.recv(2048)


def ask_unpacks(sock, number, question, address, timeout, tries):
    for count in range(tries):
        sock.sendto(request_of(number, question), address)
        sock.settimeout(timeout * 2 ** count)
        try:
            while True:
                data, sender = sock.recvfrom(2048)
                if sender == address and struct.unpack("!H", data[:2])[0] == number:
                    return data[2:]
        except TimeoutError:
            pass
    raise TimeoutError("no answer")


def ask_truth(sock, number, question, address, timeout, tries):
    """Takes an empty answer for none."""
    for count in range(tries):
        sock.sendto(request_of(number, question), address)
        sock.settimeout(timeout * 2 ** count)
        try:
            data, _ = sock.recvfrom(2048)
        except TimeoutError:
            continue
        if data[2:]:
            return data[2:]
    raise TimeoutError("no answer")


def ask_new_numbers(sock, number, question, address, timeout, tries):
    for count in range(tries):
        try:
            return asker(tries=lambda tries: 1)(sock, number + count, question, address, timeout * 2 ** count, 1)
        except TimeoutError:
            pass
    raise TimeoutError


def ask_text(sock, number, question, address, timeout, tries):
    sock.sendto(f"{number}{question}", address)


def price_after_the_end(sock, number, name, address, timeout, tries):
    with sock:
        sock.sendto(request_of(number, name), address)
    return sock.recv(2048)[2:]


def price_by_another_socket(sock, number, name, address, timeout, tries):
    with socket.socket(type=socket.SOCK_DGRAM) as another:
        return asker()(another, number, name, address, timeout, tries)


def price_without_a_last_wait(sock, number, name, address, timeout, tries):
    for count in range(tries - 1):
        try:
            return asker(tries=lambda tries: 1)(sock, number, name, address, timeout * 2 ** count, 1)
        except TimeoutError:
            pass
    sock.sendto(request_of(number, name), address)
    raise TimeoutError("nobody answers")


wrong(check.get_price, "closed before", "raised OSError")(price_after_the_end)
wrong(check.get_price, "another socket was used", "nothing came to it")(price_by_another_socket)
wrong(check.get_price, "the last request has its time, too", "seconds")(price_without_a_last_wait)
wrong(check.get_price, "number stands in front", "b'tea'")(asker(request=lambda number, question: question))
wrong(check.get_price, "network byte order", "b'\\x01\\x00tea'")(
    asker(lambda number, question: number.to_bytes(2, "little") + question))
wrong(check.get_price, "not the digits", "b'1tea'")(asker(request=lambda number, question: str(number).encode() + question))
wrong(check.get_price, "the name follows at once", "b'1 tea'")(
    asker(lambda number, question: f"{number} {question.decode()}".encode(), same=lambda data, number: True))
wrong(check.get_price, "the number has two", "\\x01tea'")(asker(lambda number, question: struct.pack("!I", number) + question))
wrong(check.get_price, "the number in front is 2", "x02tea")(asker(lambda number, question: request_of(number + 1, question)))
wrong(check.get_price, "then the question as it is", "tea\\n'")(
    asker(lambda number, question: request_of(number, question) + b"\n"))
wrong(check.get_price, "the number is for you", "b'\\x00\\x013'")(asker(answer=lambda data: data))
wrong(check.get_price, "no reason to stop", "raised TimeoutError after 1. What happened: request 7: lost → time is up")(ask_once)
wrong(check.get_price, "what limits how long", "no end: recvfrom waits")(ask_and_wait)
wrong(check.get_price, "what limits how long", "no end: recvfrom waits")(ask_swallows)
wrong(check.get_price, "answers another question", "b'9'")(asker(same=lambda data, number: len(data) > 1))
wrong(check.get_price, "from a stranger", "b'0'")(asker(who=False))
wrong(check.get_price, "no reason to ask again", "seconds")(asker(junk=False))
wrong(check.get_price, "see its length", "raised error: unpack")(ask_unpacks)
wrong(check.get_price, "see its length", "raised IndexError")(
    asker(same=lambda data, number: data[1] == number % 256 and data[0] == number // 256))
wrong(check.get_price, "twice as long", "seconds")(asker(waits=lambda timeout, count: timeout))
wrong(check.get_price, "twice as long", "seconds")(asker(waits=lambda timeout, count: timeout * (1 + count / 4)))
wrong(check.get_price, "before `timeout` was up", "seconds")(asker(waits=lambda timeout, count: timeout / 4))
wrong(check.get_price, "tries is 3", "raised TimeoutError after 2")(asker(tries=lambda tries: tries - 1))
wrong(check.get_price, "tries is 3", "raised TimeoutError after 4")(asker(tries=lambda tries: tries + 1))
wrong(check.get_price, "raise TimeoutError", "None")(asker(error=None))
wrong(check.get_price, "another error is due", "raised ConnectionError: nobody answers")(asker(error=ConnectionError))
wrong(check.get_price, "a deadline limits all", "no end after")(asker(deadline=False))
wrong(check.get_price, "of them raise TimeoutError", "no end after")(ask_in_vain)
wrong(check.get_price, "an empty answer is an answer", "seconds")(ask_truth)
wrong(check.get_price, "carries the same number", "b'\\x00\\x08tea'")(ask_new_numbers)
wrong(check.get_price, "belongs to the caller", "it is closed")(ask_and_close)
wrong(check.get_price, "nothing was sent", "nothing came to it")(ask_nobody)
wrong(check.get_price, "where to", "nothing came to it", here=os.name == "posix")(ask_elsewhere)
wrong(check.get_price, "bytes and text were mixed", "raised TypeError")(ask_text)
wrong(check.get_price, "give back the answer alone", "(b'3', (")(asker(answer=lambda data: (data[2:], ("127.0.0.1", 7))))
wrong(check.get_price, "text came", "'3'")(asker(answer=lambda data: data[2:].decode()))
wrong(check.get_price, "ask for more", "b''")(lambda sock, number, question, address, timeout, tries: (
    sock.settimeout(timeout), sock.sendto(request_of(number, question), address), sock.recv(2)[2:])[2])

right(check.get_price)(asker())


@right(check.get_price)
def ask_by_select(sock, number, question, address, timeout, tries):
    sock.setblocking(False)
    for _ in range(tries):
        sock.sendto(request_of(number, question), address)
        end = time.monotonic() + timeout
        while select.select([sock], [], [], max(0, end - time.monotonic()))[0]:
            buffer = bytearray(512)
            size, sender = sock.recvfrom_into(buffer)
            if sender == address and size >= 2 and struct.unpack_from("!H", buffer) == (number,):
                return bytes(buffer[2:size])
        timeout *= 2
    raise TimeoutError("in vain")


@right(check.get_price)
def ask_asleep(sock, number, question, address, timeout, tries):
    """Slow, and right: sleeps, then looks at all that has come."""
    sock.setblocking(False)
    for count in range(tries):
        sock.sendto(request_of(number, question), address)
        time.sleep(timeout * 2 ** count)
        while True:
            try:
                data, sender = sock.recvfrom(2048)
            except BlockingIOError:
                break
            if sender == address and data[:2] == number.to_bytes(2, "big"):
                return data[2:]
    raise TimeoutError("nobody")


@wrong(check.get_price, "caller's: leave it unconnected", "getpeername() gives")
def ask_connected(sock, number, question, address, timeout, tries):
    """The kernel keeps strangers away from a connected socket: also from the caller, who may ask another server next."""
    sock.connect(address)
    for _ in range(tries):
        sock.send(request_of(number, question))
        end = time.monotonic() + timeout
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            try:
                data = sock.recv(1500)
            except TimeoutError:
                break
            if data.startswith(number.to_bytes(2, "big")):
                return data[2:]
        timeout *= 2
    raise TimeoutError


@right(check.get_price)
def ask_again_and_again(sock, number, question, address, timeout, tries):
    """By calling itself, and a little too patient."""
    if not tries:
        raise TimeoutError("no more tries")
    begin = time.time()
    sock.sendto(request_of(number, question), address)
    while time.time() < begin + timeout * 1.1:
        sock.settimeout(max(0.001, begin + timeout * 1.1 - time.time()))
        try:
            data, (host, port) = sock.recvfrom(65535)
        except TimeoutError:
            break
        if (host, port) == address and data[:2] == request_of(number, b""):
            return data[2:]
    return ask_again_and_again(sock, number, question, address, 2 * timeout, tries - 1)


# 4 ping

KEYS = ("sent", "received", "lost", "duplicates", "min", "avg", "max")


def pinger(request=lambda number: number.to_bytes(2, "big"), waits=lambda timeout: timeout, deadline=True, who=True, dups=True,
           late=True, again=False, known=True, short=True, scale=1.0, none=None, change=lambda found: found, last=False,
           greedy=False, whole=False, exact=lambda data: len(data) == 2, ends=lambda data, ours: True):
    """A `ping` with one thing done in another way."""
    def ping(sock, address, count, timeout):
        left, times, doubles, received = {}, {}, 0, 0
        for number in range(count):
            left[number] = begin = time.perf_counter()
            sock.sendto(request(number), address)
            sock.settimeout(waits(timeout))
            answered = False
            while whole or not answered:
                try:
                    if deadline:
                        if (rest := begin + waits(timeout) - time.perf_counter()) <= 0:
                            break
                        sock.settimeout(rest)
                    data, sender = sock.recvfrom(2048)
                except TimeoutError:
                    if again:
                        raise
                    break
                if (who and sender != address) or (short and not exact(data)):
                    continue
                came = struct.unpack("!H", data)[0] if not short else int.from_bytes(data, "big")
                if known and came not in left:
                    continue
                if not late and came != number:
                    doubles += came in times
                    continue
                received += 1
                if came in times and dups:
                    doubles += 1
                    received -= 1
                else:
                    times[came] = time.perf_counter() - (left[came] if not last else begin)
                answered = (came == number or greedy) and ends(data, sender == address)
        seconds = [each * scale for each in times.values()]
        three = (min(seconds), sum(seconds) / len(seconds), max(seconds)) if seconds else (none,) * 3
        return change(dict(zip(KEYS, (count, received, count - received, doubles, *three), strict=True)))
    return ping


def ping_no_time_limit(sock, address, count, timeout):
    times = []
    for number in range(count):
        begin = time.perf_counter()
        sock.sendto(number.to_bytes(2, "big"), address)
        sock.recvfrom(100)
        times.append(time.perf_counter() - begin)
    return dict(zip(KEYS, (count, count, 0, 0, min(times), sum(times) / count, max(times)), strict=True))


def ping_divides(sock, address, count, timeout):
    found = pinger()(sock, address, count, timeout)
    return found | {"avg": sum([found["avg"] or 0] * found["received"]) / found["received"]}


def ping_min(sock, address, count, timeout):
    found = pinger()(sock, address, count, timeout)
    return found | {"min": min([found["min"]] * found["received"])}


def ping_swallows(sock, address, count, timeout):
    """Asks again for what was lost, for ever, and `except` alone swallows what stops it as well."""
    sock.settimeout(timeout)
    for number in range(count):
        answered = False
        while not answered:
            try:
                sock.sendto(number.to_bytes(2, "big"), address)
                answered = sock.recv(2) == number.to_bytes(2, "big")
            except:     # noqa: E722
                pass
    return dict(zip(KEYS, (count, count, 0, 0, 0.0, 0.0, 0.0), strict=True))


def ping_stops(sock, address, count, timeout):
    return pinger()(sock, address, min(2, count), timeout)


def ping_floods(sock, address, count, timeout):
    """All requests, and then as many answers."""
    for number in range(count):
        sock.sendto(number.to_bytes(2, "big"), address)
    sock.settimeout(timeout)
    came = []
    for _ in range(count):
        try:
            came.append(sock.recv(2))
        except TimeoutError:
            break
    return dict(zip(KEYS, (count, len(came), count - len(came), 0, 0.0, 0.0, 0.0), strict=True))


def ping_tuple(sock, address, count, timeout):
    return tuple(pinger()(sock, address, count, timeout).values())


def ping_and_close(sock, address, count, timeout):
    with sock:
        return pinger()(sock, address, count, timeout)


def ping_elsewhere(sock, address, count, timeout):
    return pinger()(sock, (address[0], 9), count, timeout)


def ping_mute(sock, address, count, timeout):
    return dict(zip(KEYS, (count, 0, count, 0, None, None, None), strict=True))


def ping_typo(sock, address, count, timeout):
    sock.sendto(numbr, address)     # noqa: F821


def set_to(**values):
    return lambda found: {**found, **values}


def ping_of_a_byte(sock, address, count, timeout):
    """Takes one byte of two."""
    class Short:
        def __getattr__(self, name):
            return getattr(sock, name)

        def recvfrom(self, size):
            return sock.recvfrom(1)

    return pinger()(Short(), address, count, timeout)


def ping_by_another_socket(sock, address, count, timeout):
    with socket.socket(type=socket.SOCK_DGRAM) as another:
        return pinger()(another, address, count, timeout)


wrong(check.ping, "another socket was used", "[]")(ping_by_another_socket)
wrong(check.ping, "takes n bytes of a datagram", "'received': 0")(ping_of_a_byte)
wrong(check.ping, "is no end", "raised TimeoutError: timed out")(pinger(again=True))
wrong(check.ping, "what limits how long", "no end: recvfrom waits")(ping_no_time_limit)
wrong(check.ping, "'sent' is missing", "{}")(pinger(change=lambda found: {}))
wrong(check.ping, "a dict is due", "(3, 3, 0, 0, ")(ping_tuple)
wrong(check.ping, "begin with 0", "x03")(pinger(request=lambda number: (number + 1).to_bytes(2, "big")))
wrong(check.ping, "most significant byte", "x02\\x00")(pinger(request=lambda number: number.to_bytes(2, "little")))
wrong(check.ping, "its number as two bytes", "b'0'")(pinger(request=lambda number: str(number).encode()))
wrong(check.ping, "not before", "seconds")(pinger(waits=lambda timeout: timeout / 3))
wrong(check.ping, "not before", "seconds")(ping_floods)
wrong(check.ping, "received once, and one duplicate", "'duplicates': 0")(pinger(dups=False))
wrong(check.ping, "what came was no answer to this request", "seconds")(pinger(greedy=True))
wrong(check.ping, "received all the same", "'received': ")(pinger(late=False))
wrong(check.ping, "from a stranger", "What happened: request 0 → recvfrom gives b'\\x00\\x00' of a stranger")(pinger(who=False))
wrong(check.ping, "from a stranger", "recvfrom gives b'\\x00\\x01' of a stranger")(
    pinger(who=False, ends=lambda data, ours: ours))
wrong(check.ping, "too short for a number", "of a stranger → recvfrom gives b''")(pinger(exact=lambda data: True))
wrong(check.ping, "too short for a number", "of a stranger → recvfrom gives b'' → recvfrom gives b'\\x00'")(
    pinger(exact=lambda data: data))
wrong(check.ping, "too short for a number", "'duplicates': 6")(
    pinger(exact=lambda data: True, ends=lambda data, ours: len(data) == 2))
wrong(check.ping, "was never sent", "raised KeyError: 999")(pinger(known=False))
wrong(check.ping, "see its length", "raised error: unpack")(pinger(short=False))
wrong(check.ping, "there is no mean", "raised ZeroDivisionError")(ping_divides)
wrong(check.ping, "avg and max are None", "0.0")(pinger(none=0.0))
wrong(check.ping, "not in milliseconds")(pinger(scale=1000))
wrong(check.ping, "note the time of each", "0.0")(pinger(last=True))
wrong(check.ping, "avg is the sum", "'avg'")(
    pinger(change=lambda found: found | {"avg": found["avg"] and found["avg"] * found["received"]}))
wrong(check.ping, "'lost' is missing", "'min'")(
    pinger(change=lambda found: {key: found[key] for key in KEYS if key != "lost"}))
wrong(check.ping, "lost is what was sent and never answered", "'lost': 0")(pinger(change=set_to(lost=0)))
wrong(check.ping, "sent is how many", "'sent': 2")(pinger(change=lambda found: found | {"sent": found["sent"] - 1}))
wrong(check.ping, "whole number", "3.0")(pinger(change=lambda found: found | {"received": float(found["received"])}))
wrong(check.ping, "the second answer to a request", "'duplicates': 0")(pinger(change=set_to(duplicates=0)))
wrong(check.ping, "a deadline limits all", "no end after")(pinger(deadline=False))
wrong(check.ping, "belongs to the caller", "it is closed")(ping_and_close)
wrong(check.ping, "where to", "[]", here=os.name == "posix")(ping_elsewhere)
wrong(check.ping, "nothing was sent", "[]")(ping_mute)
wrong(check.ping, "about the code", "raised NameError")(ping_typo)
wrong(check.ping, "3 requests, each with its number", "[b'\\x00\\x00', b'\\x00\\x01']")(ping_stops)
wrong(check.ping, "asks nothing again", "b'\\x00\\x00', b'\\x00\\x00'")(ping_swallows)
wrong(check.ping, "None came back", "None")(pinger(change=lambda found: None))

right(check.ping)(pinger())
right(check.ping)(pinger(whole=True))


@right(check.ping)
def ping_by_select(sock, address, count, timeout):
    """Polls, keeps a list of all that came, and counts at the end; listens on behind the last answer."""
    sent, came = [], []

    def listen(until):
        while (left := until - time.monotonic()) > 0:
            if select.select([sock], [], [], left)[0]:
                data, sender = sock.recvfrom(100)
                if sender == address and len(data) == 2 and (number := data[0] * 256 + data[1]) < len(sent):
                    came.append((number, time.monotonic()))
                    if number == len(sent) - 1:
                        return

    for number in range(count):
        sock.sendto(struct.pack("!H", number), address)
        sent.append(time.monotonic())
        listen(sent[-1] + timeout)
    listen(time.monotonic() + 0.002)
    first = {}
    for number, when in came:
        first.setdefault(number, when - sent[number])
    times = sorted(first.values()) or [None]
    return {"min": times[0], "max": times[-1], "avg": sum(times) / len(times) if first else None, "sent": count,
            "lost": count - len(first), "received": len(first), "duplicates": len(came) - len(first)}


# 5 dns_question


def questioner(end=b"\0", flags=0x0100, counts=(1, 0, 0, 0), most=63, whole=255, tail="!2H", behind=(1, 1), order="!6H",
               dot=True, empty=True, encoding="ascii", length=lambda label: bytes([len(label)]), error=ValueError,
               number=True):
    """A `question` with one thing done in another way."""
    def question(name, ident):
        if dot:
            name = name.removesuffix(".")
        wire = b""
        for label in name.split("."):
            label = label.encode(encoding)
            if len(label) > most or (empty and not label):
                raise error("not a label")
            wire += length(label) + label
        if len(wire) + 1 > whole:
            raise error("too long a name")
        if number and not 0 <= ident < 65536:
            raise error("no such number")
        return struct.pack(order, ident % 65536, flags, *counts) + wire + end + struct.pack(tail, *behind)
    return question


def question_plain(name, number):
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + name.encode() + b"\0" + struct.pack("!2H", 1, 1)


def question_of(allowed):
    """A `question` that takes other numbers."""
    def question(name, number):
        if not allowed(number):
            raise ValueError("too large")
        return questioner()(name, number)
    return question


def question_str(name, number):
    return struct.pack("!6H", number, 0x0100, 1, 0, 0, 0) + name


wrong(check.dns_question, "no dots", "example.org")(question_plain)
wrong(check.dns_question, "ends with a byte 0", "org\\x00\\x01\\x00\\x01'")(questioner(end=b""))
wrong(check.dns_question, "two bytes, the most significant first", "b'\\x07\\x00")(questioner(order="<6H"))
wrong(check.dns_question, "the most significant first: \"!\"", "b'\\x07\\x00")(questioner(order="<6H", tail="<2H"))
wrong(check.dns_question, "the most significant first: \"!\"", "org\\x00\\x01\\x00\\x01\\x00'")(questioner(tail="<2H"))
wrong(check.dns_question, "0x0100", "x00\\x07\\x00\\x00")(questioner(flags=0))
wrong(check.dns_question, "the first count is 1", "x00\\x00\\x00\\x00")(questioner(counts=(0, 0, 0, 0)))
wrong(check.dns_question, "nothing additional", "x00\\x01\\x00\\x01")(questioner(counts=(1, 1, 0, 0)))
wrong(check.dns_question, "type (A is 1) and class", "org\\x00'")(questioner(tail="", behind=()))
wrong(check.dns_question, "type and class", "\\x01\\x01'")(questioner(tail="2B"))
wrong(check.dns_question, "its length in front", "x00\\x07example")(
    questioner(length=lambda label: len(label).to_bytes(2, "big")))
wrong(check.dns_question, "its length in front", "b'\\x00")(questioner(length=lambda label: b"."))
wrong(check.dns_question, "dot at the end stands for the root", "org\\x00\\x00")(questioner(dot=False, empty=False))
wrong(check.dns_question, "this name is allowed", "raised ValueError: not a label")(questioner(dot=False))
wrong(check.dns_question, "this name is allowed", "raised ValueError: not a label")(questioner(most=62))
wrong(check.dns_question, "this name is allowed", "raised ValueError: too long a name")(questioner(whole=253))
wrong(check.dns_question, "at most 63", "b'")(questioner(most=255))
wrong(check.dns_question, "at most 255", "b'")(questioner(whole=1000))
wrong(check.dns_question, "so is the number 65535: two bytes hold 0 to 65535", "raised ValueError: too large")(
    question_of(lambda number: number < 65535))
wrong(check.dns_question, "so is the number 0: two bytes hold 0 to 65535", "raised ValueError: too large")(
    question_of(lambda number: number > 0))
wrong(check.dns_question, "an empty label", "b'")(questioner(empty=False))
wrong(check.dns_question, "ASCII", "m\\xc3\\xbcller")(questioner(encoding="utf-8"))
wrong(check.dns_question, "two bytes: 0 to 65535", "b'")(questioner(number=False))
wrong(check.dns_question, "another error is due", "raised OverflowError")(questioner(error=OverflowError))
wrong(check.dns_question, "bytes and text were mixed", "raised TypeError")(question_str)
wrong(check.dns_question, "text came", "'00070100")(lambda name, number: questioner()(name, number).hex())

right(check.dns_question)(questioner())


@right(check.dns_question)
def question_by_bytearray(name, number):
    message = bytearray(12)
    if number not in range(1 << 16) or not name:
        raise ValueError("no number of two bytes, or no name")
    message[:2] = divmod(number, 256)
    message[2] = message[5] = 1
    for label in name.encode("ascii").split(b".")[:-1 if name.endswith(".") else None]:
        if label == b"" or len(label) >= 64:
            raise ValueError(name)
        message += b"%c%b" % (len(label), label)
    if len(message) - 12 >= 255:
        raise ValueError("too long")
    return bytes(message + b"\0\0\1\0\1")


# 6 dns_addresses


def parser(pointer=True, mask=0x3FFF, behind=True, loops=True, bits=True, whole=255, checked=True, class_=True, type_=True,
           four=True, reply=True, cut=True, section=True, questions=True, dot="", error=ValueError, text=socket.inet_ntoa,
           decode=lambda label: label.decode("ascii"), width=2):
    """An `addresses` with one thing done in another way."""
    def need(message, at, size):
        if checked and at + size > len(message):
            raise error("cut")
        return message[at:at + size]

    def name_at(message, at):
        labels, after, size, jumps = [], None, 1, 0
        while True:
            length = need(message, at, 1)[0]
            if length == 0:
                break
            if length >= 0xC0 and pointer:
                after = after or at + width
                at = int.from_bytes(need(message, at, 2), "big") & mask
                jumps += 1
                if jumps > 100 and loops:
                    raise error("a circle")
                continue
            if length > 63 and bits:
                raise error("neither length nor pointer")
            labels.append(decode(need(message, at + 1, length)))
            at += 1 + length
            size += 1 + length
            if size > whole:
                raise error("too long")
        return ".".join(labels) + dot, (after if behind and after else at + 1)

    def addresses(message):
        _, flags, count, answers, more, most = struct.unpack("!6H", need(message, 0, 12))
        if (reply and not flags & 0x8000) or (cut and flags & 0x0200):
            raise error("no whole reply")
        at, found = 12, []
        for _ in range(count if questions else 1):
            _, at = name_at(message, at)
            need(message, at, 4)
            at += 4
        for _ in range(answers if section else answers + more + most):
            name, at = name_at(message, at)
            kind, of, _, size = struct.unpack("!HHIH", need(message, at, 10))
            data = need(message, at + 10, size)
            at += 10 + size
            if (kind == 1 or not type_) and (of == 1 or not class_):
                if four and size != 4:
                    raise error("no IPv4 address")
                found.append((name, text(data)))
        return found
    return addresses


def parser_by_search(message):
    """Looks for what an A record often looks like."""
    if not message[2:3] or message[2] < 128:
        raise ValueError("no reply")
    records = re.findall(rb"(?s)\x00\x01\x00\x01....\x00\x04(....)", message)
    return [("www.example.org", socket.inet_ntoa(found)) for found in records]


def parser_recursive(message):
    def name_at(at):
        length = message[at]
        if length == 0:
            return [], at + 1
        if length >= 0xC0:
            return name_at(int.from_bytes(message[at:at + 2], "big") & 0x3FFF)[0], at + 2
        rest, behind = name_at(at + 1 + length)
        return [message[at + 1:at + 1 + length].decode(), *rest], behind

    at, found = 12, []
    for _ in range(message[5]):
        at = name_at(at)[1] + 4
    for _ in range(message[7]):
        labels, at = name_at(at)
        kind, of, _, size = struct.unpack_from("!HHIH", message, at)
        if kind == of == 1:
            found.append((".".join(labels), socket.inet_ntoa(message[at + 10:at + 14])))
        at += 10 + size
    return found


def parser_of_texts(message):
    return [address for _, address in parser()(message)]


wrong(check.dns_addresses, "in front are 11: a pointer", "raised ValueError: neither length")(parser(pointer=False))
wrong(check.dns_addresses, "counted from the beginning of the message")(parser(width=1))
wrong(check.dns_addresses, "stands behind the pointer")(parser(behind=False))
wrong(check.dns_addresses, "the place", "[('far.example'")(parser(mask=0xFF))
wrong(check.dns_addresses, "points in a circle", "no end after")(parser(loops=False))
wrong(check.dns_addresses, "01 and 10 in front of a length", "[('aaaaa")(parser(bits=False))
wrong(check.dns_addresses, "at most 255 bytes", "[(")(parser(whole=1000))
wrong(check.dns_addresses, "255 bytes are allowed", "raised ValueError: too long")(parser(whole=254))
wrong(check.dns_addresses, "compare lengths", "raised error: unpack")(parser(checked=False))
wrong(check.dns_addresses, "only type A of class IN", "192.0.2.3")(parser(class_=False))
wrong(check.dns_addresses, "only type A of class IN")(parser(type_=False))
wrong(check.dns_addresses, "has four bytes")(parser(four=False, text=lambda data: ".".join(map(str, data))))
wrong(check.dns_addresses, "an IPv4 address has four bytes", "packed IP wrong length")(parser(four=False))
wrong(check.dns_addresses, "an IPv4 address has four bytes", "raised TypeError")(
    parser(four=False, text=lambda data: (lambda a, b, c, d: f"{a}.{b}.{c}.{d}")(*data)))
wrong(check.dns_addresses, "an IPv4 address has four bytes", "raised IndexError: Replacement")(
    parser(four=False, text=lambda data: "{}.{}.{}.{}".format(*data)))
wrong(check.dns_addresses, "(QR)", "[]")(parser(reply=False))
wrong(check.dns_addresses, "TC", "[('www.example.org', '192.0.2.1')]")(parser(cut=False))
wrong(check.dns_addresses, "only the answers count", "192.0.2.2")(parser(section=False))
wrong(check.dns_addresses, "only the answers count")(parser(questions=False))
wrong(check.dns_addresses, "a pair for each", "['192.0.2.1']")(parser_of_texts)
wrong(check.dns_addresses, "no dot at the end", "('www.example.org.', ")(parser(dot="."))
wrong(check.dns_addresses, "another error is due", "raised IndexError: no whole reply")(parser(error=IndexError))
wrong(check.dns_addresses, "socket.inet_ntoa", "b'\\xc0\\x00\\x02\\x01'")(parser(text=bytes))
wrong(check.dns_addresses, "pointer", "www.example.org")(parser_by_search)
wrong(check.dns_addresses, "(QR)", "[]")(parser_recursive)
wrong(check.dns_addresses, "bytes and text were mixed", "raised TypeError")(parser(decode=bytes))
wrong(check.dns_addresses, "give back a list, not a tuple", "((")(lambda message: tuple(parser()(message)))

right(check.dns_addresses)(parser())


@right(check.dns_addresses)
def parser_with_a_reader(message):
    """Jumps over names first, and reads them afterwards; what is strange in any way becomes a ValueError."""
    try:
        if len(message) < 12 or message[2] & 0x82 != 0x80:
            raise ValueError("no whole reply")
        found, at = [], 12
        for left in range(int.from_bytes(message[4:6], "big") + int.from_bytes(message[6:8], "big"), 0, -1):
            begin = at
            while 0 < message[at] < 64:
                at += message[at] + 1
            at += 2 if message[at] else 1
            if left > int.from_bytes(message[6:8], "big"):
                at += 4
                continue
            kind, of, _, size = struct.unpack_from("!HHIH", message, at)
            at += 10 + size
            if at > len(message):
                raise ValueError("cut")
            if kind == of == 1:
                found.append((".".join(follow(message, begin, 255)), socket.inet_ntop(socket.AF_INET, message[at - size:at])))
        if at > len(message):
            raise ValueError("cut in the question")
        return found
    except (IndexError, struct.error, UnicodeDecodeError, OSError) as error:
        raise ValueError("strange bytes") from error


def follow(message, at, room, jumps=20):
    while length := message[at]:
        kind = length >> 6
        if kind in (1, 2) or room - length < 2 or jumps == 0:
            raise ValueError("no name")
        if kind == 3:
            yield from follow(message, (length & 63) << 8 | message[at + 1], room, jumps - 1)
            return
        if at + length >= len(message):
            raise ValueError("cut in a name")
        yield str(message[at + 1:at + 1 + length], "ascii")
        at, room = at + 1 + length, room - 1 - length
