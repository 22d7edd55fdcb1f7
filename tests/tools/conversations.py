"""Many kinds of conversation, each a small program on a Timeline that comes to its own end.

`@fixed` says that the program alone decides who reads what from whom: its story is one text, however the threads
run. `@races("…")` says what may differ from run to run, since the program leaves it open.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import threading
from typing import NamedTuple

import netlab

LOCAL = ("127.0.0.1", 0)
ALL = socket.MSG_WAITALL


class Kind(NamedTuple):
    run: object                 # run(timeline)
    differs: str                # what may differ from run to run; "" where the data flow is fixed
    missing: str                # why it cannot be had on this machine; "" where it can

    @property
    def name(self):
        return self.run.__name__


KINDS: list[Kind] = []


def fixed(run=None, *, missing=""):
    if run is None:
        return lambda run: fixed(run, missing=missing)
    KINDS.append(Kind(run, "", missing))
    return run


def races(differs, missing=""):
    def add(run):
        KINDS.append(Kind(run, differs, missing))
        return run
    return add


def _has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
        return True
    except OSError:
        return False


NO_IPV6 = "" if _has_ipv6() else "this machine has no IPv6"
NO_UNIX = "" if hasattr(socket, "AF_UNIX") else "this system has no AF_UNIX in Python"
NO_SENDMSG = "" if hasattr(socket.socket, "sendmsg") else "this system has no sendmsg"
NOT_LINUX = "" if sys.platform == "linux" else "a full queue makes connect wait on Linux"


# --- what many of them need ----------------------------------------------------------------------------------------

def together(*jobs, names=None):
    """Run each job in a thread of its own and wait for all; what one of them raised is raised here."""
    failed = []

    def guarded(job):
        try:
            job()
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(job,), name=names) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def listening(t, backlog=8, address=LOCAL, family=socket.AF_INET):
    sock = t.socket(family)
    sock.bind(address)
    sock.listen(backlog)
    return sock


def udp(t, address=LOCAL):
    sock = t.socket(type=socket.SOCK_DGRAM)
    if address:
        sock.bind(address)
    return sock


def ask(client, message=b"hello"):
    client.sendall(message)
    return client.recv(len(message), ALL)


def visit(t, address, message=b"hello"):
    with t.socket() as client:
        client.connect(address)
        return ask(client, message)


def answer_one(conn, size=5):
    """Read `size` bytes, send them back in capitals, wait for the peer's end."""
    with conn:
        conn.sendall(conn.recv(size, ALL).upper())
        conn.recv(1)


# --- TCP: one client, one server -----------------------------------------------------------------------------------

@fixed
def echo(t):
    with netlab.serve(netlab.echo, timeline=t) as server:
        visit(t, server.address)


@fixed
def questions_and_answers(t):
    with netlab.serve(netlab.upper, timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        for n in range(4):
            ask(client, b"question %d" % n)


@fixed
def by_hand_in_one_thread(t):
    with listening(t) as listener, t.socket() as client:
        client.connect(listener.getsockname())
        conn, _ = listener.accept()
        with conn:
            client.sendall(b"hello")
            conn.sendall(conn.recv(5))
            client.recv(5)


@fixed
def server_in_a_thread(t):
    with listening(t) as listener:
        together(lambda: answer_one(listener.accept()[0]), lambda: visit(t, listener.getsockname()))


@fixed
def the_server_speaks_first(t):
    with netlab.serve(lambda conn, address: conn.sendall(b"welcome"), timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        client.recv(7, ALL)
        client.recv(1)


@fixed
def the_server_closes_first(t):
    with listening(t) as listener:
        def server():
            conn, _ = listener.accept()
            with conn:
                conn.recv(5, ALL)

        def client():
            with t.socket() as sock:
                sock.connect(listener.getsockname())
                sock.sendall(b"hello")
                sock.recv(1)

        together(server, client)


@fixed
def the_client_vanishes(t):
    with netlab.serve(netlab.echo, timeline=t) as server, t.socket() as client:
        client.connect(server.address)


@fixed
def half_close(t):
    def sum_up(conn, address):
        total = 0
        while data := conn.recv(1, ALL):
            total += data[0]
        conn.sendall(b"%d" % total)

    with netlab.serve(sum_up, timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        client.sendall(b"\x01\x02\x03")
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
        client.recv(1)


@fixed
def both_ends_half_close(t):
    a, b = t.socketpair()

    def end(sock):
        with sock:
            sock.sendall(b"bye")
            sock.shutdown(socket.SHUT_WR)
            sock.recv(3, ALL)
            sock.recv(1)

    together(lambda: end(a), lambda: end(b))


@fixed
def shut_for_reading(t):
    with listening(t) as listener, t.socket() as client:
        client.connect(listener.getsockname())
        client.shutdown(socket.SHUT_RD)
        client.recv(1)
        client.close()
        listener.accept()[0].close()


@fixed
def a_reset(t):
    with listening(t) as listener:
        def server():
            conn, _ = listener.accept()
            with conn:
                conn.recv(5, ALL)           # b"world" stays unread: close() answers with a reset

        def client():
            with t.socket() as sock:
                sock.connect(listener.getsockname())
                sock.sendall(b"helloworld")
                with contextlib.suppress(ConnectionError):
                    sock.recv(1)

        together(server, client)


@fixed
def a_reset_by_linger(t):
    with listening(t) as listener, t.socket() as client:
        client.connect(listener.getsockname())
        conn, _ = listener.accept()
        with conn:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            client.close()
            with contextlib.suppress(ConnectionError):
                conn.recv(1)


@fixed
def many_small_sends(t):
    with listening(t) as listener:
        def server():
            conn, _ = listener.accept()
            with conn:
                conn.recv(30, ALL)
                conn.sendall(b"done")

        def client():
            with t.socket() as sock:
                sock.connect(listener.getsockname())
                for n in range(10):
                    sock.sendall(b"%3d" % n)
                sock.recv(4, ALL)

        together(server, client)


@races("how many sends one recv() takes: a stream has no borders")
def a_stream_read_as_it_comes(t):
    with netlab.serve(netlab.echo, timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        for n in range(4):
            client.sendall(b"%d" % n)
        client.shutdown(socket.SHUT_WR)
        while client.recv(3):
            pass


@fixed
def more_than_the_buffers_hold(t):
    size = 3_000_000
    with listening(t) as listener:
        def server():
            conn, _ = listener.accept()
            with conn:
                conn.recv(size, ALL)

        def client():
            with t.socket() as sock:
                sock.connect(listener.getsockname())
                sock.sendall(bytes(size))
                sock.recv(1)

        together(server, client)


@fixed
def a_peek_then_a_read(t):
    a, b = t.socketpair()
    with a, b:
        def writer():
            a.sendall(b"look")
            a.recv(4, ALL)

        def reader():
            b.recv(4, socket.MSG_PEEK | ALL)
            b.recv(2, ALL)
            b.recv(2, ALL)
            b.sendall(b"seen")

        together(writer, reader)


@fixed
def into_buffers(t):
    a, b = t.socketpair()
    with a, b:
        buffer = bytearray(8)
        a.sendall(b"12345678")
        b.recv_into(buffer, 4, ALL)
        b.recv_into(memoryview(buffer)[4:])
        b.sendall(buffer)
        a.recvfrom_into(buffer)


@fixed(missing=NO_SENDMSG)
def messages_in_pieces(t):
    a, b = t.socketpair()
    with a, b:
        def writer():
            a.sendmsg([b"head", b"body"])

        def reader():
            b.recvmsg(4, 0, ALL)
            b.recvmsg(4, 0, ALL)

        together(writer, reader)


@fixed
def through_a_file(t):
    def shout(conn, address):
        with conn.makefile("rwb") as file:
            for line in file:
                file.write(line.upper())
                file.flush()

    with netlab.serve(shout, timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        with client.makefile("rw", encoding="ascii", newline="\n") as file:
            for n in range(3):
                file.write(f"line {n}\n")
                file.flush()
                file.readline()


@fixed
def a_file_sent(t):
    with tempfile.TemporaryFile() as file:
        file.write(b"x" * 5000)
        file.seek(0)
        with listening(t) as listener:
            def server():
                conn, _ = listener.accept()
                with conn:
                    conn.sendfile(file)

            def client():
                with t.socket() as sock:
                    sock.connect(listener.getsockname())
                    sock.recv(5000, ALL)
                    sock.recv(1)

            together(server, client)
