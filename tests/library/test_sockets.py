"""A recording socket does what a plain one does: results, errors, argument checks; and what it keeps of them."""

from __future__ import annotations

import _thread
import abc
import array
import contextlib
import copy
import errno
import gc
import io
import pickle
import re
import select
import socket
import subprocess
import sys
import threading
import warnings
import weakref
from dataclasses import replace

import pytest
from conftest import CI, ROOT, need

import netlab
from netlab.kernel import wait_until
from netlab.sockets import KEEP, PLAIN, RecordingSocket
from netlab.words import error_name

FAMILIES = {"tcp": (socket.AF_INET, socket.SOCK_STREAM), "udp": (socket.AF_INET, socket.SOCK_DGRAM)}
if hasattr(socket, "AF_UNIX"):
    FAMILIES |= {"unix": (socket.AF_UNIX, socket.SOCK_STREAM), "unix datagram": (socket.AF_UNIX, socket.SOCK_DGRAM)}
LONG = b"0123456789abcdef" * 1024


def connected(make, kind, folder):
    """Two sockets that talk to each other, made by `make(family, type)`."""
    family, type_ = FAMILIES[kind]
    place = (lambda name: str(folder / name)) if kind.startswith("unix") else (lambda name: ("127.0.0.1", 0))
    a, b = make(family, type_), make(family, type_)
    if type_ == socket.SOCK_STREAM:
        b.bind(place("server"))
        b.listen()
        a.connect(b.getsockname())
        conn, _ = b.accept()
        b.close()
        b = conn
    else:
        for end, name in ((a, "a"), (b, "b")):
            end.bind(place(name))
        a.connect(b.getsockname())
        b.connect(a.getsockname())
    a.settimeout(5)
    b.settimeout(5)
    return a, b


def plainly(value, *ends):
    """A result with addresses and sockets replaced by words, so that two runs can be compared."""
    for n, end in enumerate(ends):
        if isinstance(value, tuple) and end.fileno() != -1 and value == end.getsockname():
            return f"end {n}"
    if isinstance(value, tuple):
        return tuple(plainly(v, *ends) for v in value)
    return type(value).__name__ if isinstance(value, (socket.socket, io.IOBase)) else value


def outcome(action, a, b):
    """What came of it: the result, or the class, arguments and text of what was raised."""
    try:
        return "returned", plainly(action(a, b), a, b)
    except Exception as error:
        counted = isinstance(error, TypeError) and "argument" in str(error)     # Python words it so for a method of a class
        return type(error), "" if counted else error.args


def into(method, buffer, *args, **kwargs):
    result = method(buffer, *args, **kwargs)
    return bytes(buffer), result


def sent_then(*payloads, then):
    def action(a, b):
        for payload in payloads:
            b.send(payload)
        return then(a, b)
    return action


def by_file(a, b):
    with a.makefile("wb") as out, b.makefile("rb") as source:
        out.write(b"one\ntwo\n")
        out.flush()
        return source.readline(), source.readline()


def file_after_close(a, b):
    source = a.makefile("rb")
    a.close()
    b.send(b"late\n")
    return source.readline(), source.close(), a.fileno()


def sent_file(folder):
    def action(a, b):
        path = folder / "file"
        path.write_bytes(LONG)
        with open(path, "rb") as file:
            sent = a.sendfile(file, 3, 50)
        return sent, b.recv(100, socket.MSG_WAITALL if b.type == socket.SOCK_STREAM else 0)[:50]
    return action


class Index:
    def __index__(self):
        return 4


ACTIONS = {
    "send": lambda a, b: (a.send(b"x"), b.recv(5)),
    "send a bytearray": lambda a, b: (a.send(bytearray(b"xyz")), b.recv(5)),
    "send an array": lambda a, b: (a.send(array.array("i", [1, 2])), b.recv(50)),
    "sendall a memoryview": lambda a, b: (a.sendall(memoryview(b"abcdef")[2:4]), b.recv(5)),
    "sendall a memoryview with steps": lambda a, b: a.sendall(memoryview(b"abcdef")[::2]),
    "sendall with flags": lambda a, b: (a.sendall(b"q", socket.MSG_DONTROUTE), b.recv(5)),
    "send text": lambda a, b: a.send("text"),
    "send nothing": lambda a, b: a.send(),
    "send None": lambda a, b: a.send(None),
    "send flags that are text": lambda a, b: a.send(b"x", "y"),
    "send by name": lambda a, b: a.send(data=b"x"),
    "sendall text": lambda a, b: a.sendall("text"),
    "sendall nothing": lambda a, b: a.sendall(),
    "sendall too much": lambda a, b: a.sendall(b"x", 0, 1),
    "sendto without address": lambda a, b: a.sendto(b"x"),
    "sendto a number": lambda a, b: a.sendto(b"x", 5),
    "sendto a port out of range": lambda a, b: a.sendto(b"x", ("127.0.0.1", 70000)),
    "sendmsg": lambda a, b: (a.sendmsg([b"one ", bytearray(b"two")]), b.recv(50)),
    "sendmsg a generator": lambda a, b: (a.sendmsg(part for part in (b"1", b"2")), b.recv(50)),
    "sendmsg text": lambda a, b: a.sendmsg("text"),
    "sendmsg nothing": lambda a, b: a.sendmsg(),
    "recv": sent_then(b"hello", then=lambda a, b: a.recv(3)),
    "recv by index": sent_then(b"hello", then=lambda a, b: a.recv(Index())),
    "recv a look": sent_then(b"hello", then=lambda a, b: (a.recv(3, socket.MSG_PEEK), a.recv(9))),
    "recv nothing": lambda a, b: a.recv(),
    "recv less than nothing": lambda a, b: a.recv(-1),
    "recv text": lambda a, b: a.recv("5"),
    "recv by name": lambda a, b: a.recv(bufsize=5),
    "recv flags None": lambda a, b: a.recv(5, None),
    "recv flags too large": lambda a, b: a.recv(5, 1 << 40),
    "recvfrom": sent_then(b"hello", then=lambda a, b: a.recvfrom(3)),
    "recv_into": sent_then(b"hello", then=lambda a, b: into(a.recv_into, bytearray(8))),
    "recv_into with names": sent_then(b"hello", then=lambda a, b: into(a.recv_into, bytearray(8), nbytes=2)),
    "recv_into all by name": sent_then(b"hello", then=lambda a, b: a.recv_into(buffer=bytearray(8), flags=socket.MSG_PEEK)),
    "recv_into an array": sent_then(b"12345678", then=lambda a, b: a.recv_into(array.array("I", [0, 0]))),
    "recv_into too small": lambda a, b: a.recv_into(bytearray(2), 5),
    "recv_into bytes": lambda a, b: a.recv_into(b"12"),
    "recv_into nothing": lambda a, b: a.recv_into(),
    "recv_into a wrong name": lambda a, b: a.recv_into(bytearray(2), size=1),
    "recvfrom_into": sent_then(b"hello", then=lambda a, b: into(a.recvfrom_into, memoryview(bytearray(8)), 4, 0)),
    "recvmsg": sent_then(b"hello", then=lambda a, b: a.recvmsg(3)[:3:2]),
    "recvmsg nothing": lambda a, b: a.recvmsg(),
    "bind again": lambda a, b: a.bind(("127.0.0.1", 0)),
    "bind to a number": lambda a, b: a.bind(5),
    "bind to nothing": lambda a, b: a.bind(),
    "bind with too few": lambda a, b: a.bind(("127.0.0.1",)),
    "listen text": lambda a, b: a.listen("x"),
    "accept without listen": lambda a, b: (a.settimeout(None), a.accept()),
    "accept with arguments": lambda a, b: a.accept(1),
    "connect to nothing": lambda a, b: a.connect(),
    "connect_ex to nothing": lambda a, b: a.connect_ex(),
    "connect_ex to text": lambda a, b: a.connect_ex(5),
    "connect by name": lambda a, b: a.connect(address=("127.0.0.1", 1)),
    "shutdown twice": lambda a, b: (a.shutdown(socket.SHUT_WR), a.shutdown(socket.SHUT_RDWR)),
    "shutdown text": lambda a, b: a.shutdown("x"),
    "shutdown 9": lambda a, b: a.shutdown(9),
    "setsockopt": lambda a, b: (a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
                                a.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)),
    "setsockopt bytes": lambda a, b: a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, b"\1\0\0\0"),
    "setsockopt None": lambda a, b: a.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, None),
    "setsockopt two": lambda a, b: a.setsockopt(1, 2),
    "setsockopt text": lambda a, b: a.setsockopt("a", "b", "c"),
    "settimeout": lambda a, b: (a.settimeout(0.01), a.gettimeout(), a.recv(1)),
    "settimeout below zero": lambda a, b: a.settimeout(-1),
    "settimeout text": lambda a, b: a.settimeout("x"),
    "setblocking": lambda a, b: (a.setblocking(False), a.getblocking(), a.recv(1)),
    "detach": lambda a, b: (PLAIN(fileno=a.detach()).close(), a.fileno()),
    "close twice": lambda a, b: (a.close(), a.close(), a.fileno()),
    "use after close": lambda a, b: (a.close(), a.send(b"x")),
    "receive after close": lambda a, b: (a.close(), a.recv(1)),
    "with": lambda a, b: (a.__enter__() is a, a.__exit__(None, None, None), a.fileno()),
    "the end": lambda a, b: (b.shutdown(socket.SHUT_WR), a.recv(5)) if a.type == socket.SOCK_STREAM else None,
    "a peer that is gone": lambda a, b: (b.close(), [a.send(b"x") for _ in range(3)]),
    "dup": lambda a, b: (copy := a.dup(), copy.send(b"x"), copy.close(), b.recv(5))[1:],
    "get_inheritable": lambda a, b: (a.get_inheritable(), a.set_inheritable(True), a.get_inheritable()),
    "makefile": by_file,
    "makefile after close": file_after_close,
    "makefile in mode z": lambda a, b: a.makefile("z"),
    "pickle": lambda a, b: pickle.dumps(a),
    "weak reference": lambda a, b: weakref.ref(a)() is a,
    "an attribute of one's own": lambda a, b: setattr(a, "mine", 1),
}


@pytest.mark.parametrize("kind", FAMILIES)
def test_the_same_results_errors_and_argument_checks_as_a_plain_socket(kind, tmp_path):
    def all_of(make, folder):
        found = {}
        for name, action in {**ACTIONS, "sendfile": sent_file(tmp_path)}.items():
            folder.mkdir()
            a, b = connected(make, kind, folder)
            with a, b:
                found[name] = outcome(action, a, b)
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
        return found

    plain = all_of(PLAIN, tmp_path / "p")
    timeline = netlab.Timeline()
    recorded = all_of(timeline.socket, tmp_path / "p")
    assert {k: v for k, v in recorded.items() if v != plain[k]} == {k: v for k, v in plain.items() if v != recorded[k]} == {}
    assert timeline.text() and timeline.svg()           # whatever was tried, it can be told


def test_it_is_a_socket_in_every_way_a_program_can_ask():
    timeline = netlab.Timeline()
    with timeline.socket() as sock, PLAIN() as plain:
        assert isinstance(sock, socket.socket) and isinstance(sock, RecordingSocket)
        assert re.sub(r"fd=\d+", "", repr(sock)) == re.sub(r"fd=\d+", "", repr(plain))
        assert (sock.family, sock.type, sock.proto) == (plain.family, plain.type, plain.proto)
        assert set(dir(plain)) <= set(dir(sock))
        assert select.select([], [sock], [], 0)[1] == [sock]
    for wrong in (dict(family="x"), dict(family=-5), dict(type=99), dict(fileno=-7), dict(fileno="x")):
        with pytest.raises((OSError, TypeError, ValueError)) as plain_error:
            PLAIN(**wrong)
        with pytest.raises(plain_error.type, match=re.escape(str(plain_error.value))):
            timeline.socket(**wrong)


def test_an_accepted_connection_and_a_copy_record_as_well(no_leaks):
    timeline = netlab.Timeline()
    with timeline.socket() as listener, timeline.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(5)
        client.connect(listener.getsockname())
        conn, address = listener.accept()
        with conn, client.dup() as copy:
            assert type(conn) is type(client) is type(copy) and address == client.getsockname()
            assert conn.gettimeout() is None
            copy.sendall(b"from a copy")
            assert conn.recv(50) == b"from a copy"
    assert [e.method for e in timeline.events if e.method in ("accept", "sendall", "recv")] == ["accept", "sendall", "recv"]
    assert "setblocking" not in timeline.text()         # that accept() did this is not the program's doing


def test_a_watch_inside_a_timeline_does_not_take_its_connections(no_leaks):
    outer = netlab.Timeline()
    with outer.socket() as listener, netlab.watch() as inner, socket.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        listener.accept()[0].close()
    assert {e.method for e in inner.events} == {"connect", "close"}
    assert [e.method for e in outer.events if e.method in ("accept", "detach", "close")] == ["accept", "close", "close"]
    assert socket.socket is PLAIN


@pytest.mark.parametrize("call, shown", [
    (lambda a, b: a.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1), "setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)"),
    (lambda a, b: a.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True), "setsockopt(IPPROTO_TCP, TCP_NODELAY, True)"),
    (lambda a, b: a.shutdown(socket.SHUT_RDWR), "shutdown(SHUT_RDWR)"),
    (lambda a, b: a.settimeout(0.5), "settimeout(0.5)"),
    (lambda a, b: a.sendall(b'it\'s "so"\n'), 'sendall(b"it\'s \\"so\\"\\n")'),
    (lambda a, b: a.sendmsg([b"ab", b"c"]), 'sendmsg([b"ab", b"c"]) → 3'),
    (lambda a, b: (b.sendall(b"xyz"), a.recv(2, socket.MSG_PEEK)), 'recv(2, MSG_PEEK) → b"xy"'),
    (lambda a, b: (b.sendall(b"xyz"), a.recv_into(bytearray(9), flags=socket.MSG_PEEK)), "recv_into(buffer, 0, MSG_PEEK) → 3"),
    (lambda a, b: (b.sendall(b"xyz"), a.recv(2)), 'recv(2) → b"xy"'),
    (lambda a, b: a.send("text"), 'send("text") ✗ TypeError'),
    (lambda a, b: (a.makefile("rb"), a.close()), "close() → a file still holds it open"),
    (lambda a, b: PLAIN(fileno=a.detach()).close(), "detach()"),
    (lambda a, b: a.connect_ex(("127.0.0.1", 1)), 'connect_ex(("127.0.0.1", 1)) → '),
    (lambda a, b: (a.setblocking(False), a.recv(1)), "recv(1) ✗ BlockingIOError"),
    (lambda a, b: (a.settimeout(0.001), a.recv(1)), "recv(1) ✗ TimeoutError"),
    (lambda a, b: a.bind(("127.0.0.1", 0)), 'bind(("127.0.0.1", 0)) ✗ OSError EINVAL'),
])
def test_calls_are_shown_as_they_stand_in_a_program(call, shown, tmp_path):
    timeline = netlab.Timeline()
    a, b = connected(timeline.socket, "tcp", tmp_path)
    with a, b, contextlib.suppress(OSError, TypeError), warnings.catch_warnings(action="ignore"):
        call(a, b)
    lines = [re.sub(r"^ *\d+  \w+ +", "", line) for line in timeline.text().splitlines()]
    assert any(line.startswith(shown) for line in lines), "\n".join(lines)


def test_what_a_failed_or_partial_send_moved(tmp_path):
    timeline = netlab.Timeline()
    a, b = connected(timeline.socket, "tcp", tmp_path)
    with a, b:
        a.setblocking(False)
        taken = 0
        with pytest.raises(BlockingIOError):
            while True:
                taken += a.send(LONG * 64)
        got = 0
        while got < taken:
            got += len(b.recv(1 << 20))
        a.setblocking(True)
        a.sendall(b"after")
        assert b.recv(100) == b"after"
    last = [row for row in timeline.rows() if row.event.method == "recv"][-1]
    assert [timeline.rows()[c].call for c in last.causes] == ['sendall(b"after")']
    assert sum(e.size for e in timeline.events if e.method == "send") == taken


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_the_bytes_of_sendfile_are_counted_once(kind, tmp_path):
    need(kind in FAMILIES, "no AF_UNIX here")
    path = tmp_path / "file"
    path.write_bytes(LONG)
    for source in (lambda: open(path, "rb"), lambda: io.BytesIO(LONG)):     # by the system, and by send()
        timeline = netlab.Timeline()
        (folder := tmp_path / "sockets").mkdir()
        a, b = connected(timeline.socket, kind, folder)
        with a, b, source() as file:
            taker = threading.Thread(target=lambda b=b: all(iter(lambda: b.recv(1 << 20), b"")), daemon=True)
            taker.start()
            assert a.sendfile(file) == len(LONG)
            a.close()
            taker.join(5)
        assert sum(e.size for e in timeline.events if e.method in ("send", "sendfile")) == len(LONG)
        received = [row for row in timeline.rows() if row.event.method == "recv" and row.event.size and row.phase != "start"]
        assert sum(row.event.size for row in received) == len(LONG) and all(row.causes for row in received)
        for item in folder.iterdir():
            item.unlink()
        folder.rmdir()


def test_nothing_of_the_program_is_kept_alive(tmp_path):
    class Payload(bytearray):
        """A bytearray that can be referred to weakly."""

    class Odd:
        pass

    timeline = netlab.Timeline()
    a, b = connected(timeline.socket, "tcp", tmp_path)
    odd, payload = Odd(), Payload(LONG)
    for method, args in (("recv", ()), ("sendall", ()), ("connect", ()), ("setsockopt", (1, 2)), ("sendto", (b"x",)),
                         ("settimeout", ()), ("sendmsg", ([b"x"],)), ("shutdown", ())):
        with pytest.raises(TypeError):
            getattr(a, method)(*args, odd)
    a.sendall(payload)
    b.recv_into(target := Payload(len(LONG)))
    kept = [weakref.ref(x) for x in (a, b, odd, payload, target)]
    a.close()
    b.close()
    del a, b, odd, payload, target
    gc.collect()
    assert [ref() for ref in kept] == [None] * 5
    big = bytes(LONG) * 64
    a, b = connected(timeline.socket, "tcp", tmp_path)
    a.sendall(big[:1 << 16])
    a.send(memoryview(big)[:5000])
    b.recv(1 << 20)
    with contextlib.suppress(TypeError):
        a.sendall("x" * (1 << 20))
    a.close()
    b.close()
    assert max(len(e.data) for e in timeline.events) == KEEP
    assert all(len(part) <= KEEP for e in timeline.events for part in e.args if isinstance(part, (bytes, str)))


LEARNERS = """
def talk(a, b):
    a.sendall(b"x")
    b.recv(
        5)
    b.setblocking(True)
    shout(a)
    b.recv_into(buffer)

with pair() as (a, b):
    talk(a, b)
    later(a.close).join()
"""


def line(event):
    code, offset = event.where
    return [line for line, *_ in code.co_positions()][offset // 2]


def test_a_record_holds_the_learners_line_also_of_a_call_made_for_it_by_others():
    timeline = netlab.Timeline()

    @contextlib.contextmanager
    def pair():
        a, b = timeline.socketpair()
        with a, b:
            yield a, b

    def shout(sock):
        sock.sendall(b"SHOUT")

    def later(what):
        thread = threading.Thread(target=what)
        thread.start()
        return thread

    exec(compile(LEARNERS, "learners", "exec"), {        # a cell's, or a script's
        "__name__": "__main__", "pair": pair, "shout": shout, "later": later, "buffer": bytearray(9)})
    calls = [(event.method, event.where and (event.where[0].co_name, line(event))) for event in timeline.events]
    assert calls == [("sendall", ("talk", 3)), ("recv", ("talk", 4)), ("setblocking", ("talk", 6)),
                     ("sendall", ("talk", 7)), ("recv_into", ("talk", 8)), ("close", None), ("close", ("<module>", 10))]


@pytest.mark.parametrize("names", [{"__name__": "helpers"}, {}, {"__name__": "__main__", "__spec__": "of python -m"}])
def test_code_that_is_not_the_learners_has_no_line(names):
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        exec("a.sendall(b'x')\nb.recv(1)", names | {"a": a, "b": b})
    assert [event.where for event in timeline.events] == [None] * 4


def test_the_learners_line_is_looked_for_near_the_call_only():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()

    def deeper(levels):
        deeper(levels - 1) if levels else a.sendall(b"x")

    with a, b:
        for levels in (10, 100):
            exec("deeper(levels)", {"__name__": "__main__", "deeper": deeper, "levels": levels})
    assert [bool(event.where) for event in timeline.events] == [True, False, False, False]


def test_a_call_that_no_python_code_makes_is_recorded():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        _thread.start_new_thread(a.sendall, (b"from C",))
        _thread.start_new_thread(a.send, (b"!",))
        wait_until(lambda: len(timeline.events) == 2)
        assert {(event.method, event.where) for event in timeline.events} == {("sendall", None), ("send", None)}


def test_a_line_keeps_no_variable_alive_and_an_event_can_be_copied():
    class Big:
        pass

    timeline, refs = netlab.Timeline(), []
    exec("def talk():\n big = Big()\n refs.append(weakref.ref(big))\n a, b = pair()\n a.close()\n b.close()\ntalk()",
         {"__name__": "__main__", "Big": Big, "refs": refs, "weakref": weakref, "pair": timeline.socketpair})
    gc.collect()
    assert refs[0]() is None
    event = replace(timeline.events[0], thread=None)
    again = copy.deepcopy(event)
    assert again == event == replace(event, where=None) and again.where == event.where is not None
    assert "code" not in repr(event), "its address differs from run to run"


def test_a_socket_that_is_never_closed_warns_as_a_plain_one():
    timeline = netlab.Timeline()
    with pytest.warns(ResourceWarning, match="unclosed <socket.socket"):
        sock = timeline.socket()
        del sock
        gc.collect()


def test_a_socket_may_be_used_from_two_threads_and_a_close_wakes_as_in_plain_python(no_leaks, tmp_path):
    timeline = netlab.Timeline()
    a, b = connected(timeline.socket, "tcp", tmp_path)
    total = 2000
    got = []

    def read():
        while len(b"".join(got)) < total:
            got.append(a.recv(7))

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(total // 10):
        b.sendall(b"0123456789")
        a.sendall(b"x")
    reader.join(10)
    assert b"".join(got) == b"0123456789" * (total // 10)
    assert timeline.pending() == []
    a.close()
    b.close()
    assert timeline.rows()


@pytest.mark.usefixtures("silent_threads")
def test_pending_names_both_directions(no_leaks, tmp_path):
    timeline = netlab.Timeline()
    a, b = connected(timeline.socket, "tcp", tmp_path)
    a.settimeout(None)
    threads = [threading.Thread(target=target, daemon=True)
               for target in (lambda: a.recv(5), lambda: a.sendall(LONG * 4096))]
    for thread in threads:
        thread.start()
    while len(timeline.pending()) < 2:
        assert all(thread.is_alive() for thread in threads)
    assert sorted(call for _, call in timeline.pending()) == ["recv(…)", "sendall(…)"]
    b.close()                           # resets the connection: both calls end
    for thread in threads:
        thread.join(5)
    assert timeline.pending() == []
    a.close()


@pytest.fixture
def silent_threads(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda args: None)


def test_a_program_s_own_subclass_gets_what_plain_accept_gives_and_may_have_any_init(no_leaks):
    with netlab.watch() as timeline:
        class Named(socket.socket, abc.ABC):            # as ssl.SSLSocket: no arguments that accept() could know
            def __init__(self, name):
                super().__init__(socket.AF_INET, socket.SOCK_STREAM)
                self.name = name

        class Closed(socket.socket):
            def __init__(self):
                raise TypeError("not to be made by hand")

        with Named("listener") as listener, socket.socket() as client, PLAIN() as plain:
            listener.bind(("127.0.0.1", 0))
            listener.listen()
            client.connect(listener.getsockname())
            conn, address = listener.accept()
            with conn:
                assert type(conn) is socket.socket and address == client.getsockname()
                conn.sendall(b"x")
                assert client.recv(5) == b"x" and listener.name == "listener"
            assert isinstance(listener, Named) and not isinstance(client, Named) and not isinstance(plain, Named)
            assert issubclass(Named, socket.socket) and not issubclass(socket.socket, Named) and Named != socket.socket
        with pytest.raises(TypeError, match="not to be made by hand"):
            Closed()
    assert [e.method for e in timeline.events if e.method in ("accept", "sendall", "recv")] == ["accept", "sendall", "recv"]


def test_inside_a_watch_older_sockets_are_instances_of_socket_socket():
    older, other = PLAIN(), netlab.Timeline().socket()
    with older, other, netlab.watch(), socket.socket() as sock:
        assert all(isinstance(each, socket.socket) for each in (older, other, sock)) and not isinstance(5, socket.socket)
        assert issubclass(PLAIN, socket.socket) and issubclass(type(other), socket.socket) and not issubclass(int, socket.socket)
        assert socket.socket == PLAIN == type(other) and {PLAIN: 1}[type(sock)] == 1 and socket.socket != int  # noqa: E721 (equality is what is tested)
        assert (socket.socket.__name__, socket.socket.__module__) == ("socket", "socket")
        assert PLAIN in socket.socket.__mro__ and not isinstance(older, RecordingSocket) and isinstance(sock, RecordingSocket)


@pytest.mark.parametrize("before", [True, False], ids=["multiprocessing first", "watch first"])
def test_a_recorded_socket_goes_to_a_child_process_as_a_plain_one_does(before, tmp_path):
    """In a fresh Python, since multiprocessing notes the class of sockets when it is first imported."""
    script = tmp_path / "parent.py"
    script.write_text(f"""
import socket
import netlab
{"import multiprocessing.reduction" if before else ""}

def child(given, pipe):
    given.sendall(b"by argument")
    pipe.recv().sendall(b"by pipe")

if __name__ == "__main__":
    with netlab.watch() as timeline:
        import multiprocessing.reduction
        a, b = socket.socketpair()
    plain, far = socket.socketpair()
    context = multiprocessing.get_context("spawn")
    near, pipe = context.Pipe()
    process = context.Process(target=child, args=(a, pipe))
    process.start()
    near.send(plain)
    print(b.recv(100), far.recv(100), [e.method for e in timeline.events])
    process.join(20)
    for sock in (a, b, plain, far):
        sock.close()
""")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[0] == "b'by argument' b'by pipe' ['recv']", done.stderr


@pytest.mark.parametrize("number, shown", [(errno.EOPNOTSUPP, "EOPNOTSUPP"), (errno.EADDRINUSE, "EADDRINUSE")])
def test_an_error_has_the_name_that_the_man_pages_use(number, shown):
    assert error_name(OSError(number, "")) == f"OSError {shown}"


def test_an_argument_of_the_program_s_own_class_is_not_kept_by_a_recv_that_went_well(tmp_path):
    a, b = connected((timeline := netlab.Timeline()).socket, "tcp", tmp_path)
    with a, b:
        b.sendall(b"hello")
        kept = weakref.ref(odd := Index())
        assert a.recv(odd) == b"hell"
        del odd
        assert kept() is None and timeline.rows()


QUICK = ("test_httplib", "test_socketserver", "test_httpservers", "test_smtplib")       # the others: make stress


@pytest.mark.parametrize("suites", [("test_socket",), QUICK], ids=["test_socket", "clients and servers"])
def test_cpythons_own_tests_pass_with_the_recording_class(suites):
    script = ROOT / "tests/tools/run_cpython.py"
    done = subprocess.run([sys.executable, str(script), *suites], capture_output=True, text=True, timeout=300)
    need(done.returncode != 2, "this Python came without its package `test`")
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    passed, recorded = (sum(int(found.replace(",", "")) for found in re.findall(pattern, done.stdout))
                        for pattern in (r"(\d+) passed", r"([\d,]+) calls"))
    assert recorded > (10_000 if suites != QUICK else 4_000)
    assert passed >= (470 if suites != QUICK else 270) or (not CI and sys.platform != "linux"), done.stdout
