"""How long a story takes to tell, for cases that once grew faster than their calls: story, text and svg.

Twice the calls should take about twice the time; the ratio shows it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import socket
import sys
import threading
import time

import netlab
from netlab import diagram
from netlab.events import ADDRESS, DATA, Endpoint, Event, Symbol
from netlab.story import tell

SIZES = 2_500, 5_000, 10_000


def lines_run(work):
    """How many lines of Python `work` runs: the same each time, unlike seconds."""
    count = 0

    def trace(frame, what, arg):
        nonlocal count
        count += 1
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


def recorded(program):
    """A maker of (events, endpoints) from a program that runs on a Timeline."""
    @functools.wraps(program)
    def make(calls):
        timeline = netlab.Timeline(limit=10 * calls)
        program(timeline, calls)
        return timeline._noted()[:calls], dict(timeline._ends)
    return make


@recorded
def echo(t, calls):
    with netlab.serve(netlab.echo, timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        for _ in range(calls // 4):
            client.sendall(b"x" * 64)
            client.recv(64)


@contextlib.contextmanager
def connected(t):
    """Two ends of a TCP connection: unlike a socketpair, it holds thousands of small sends."""
    with t.socket() as listener, t.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        with listener.accept()[0] as conn:
            yield client, conn


def peeks_over_waiting_sends(calls):
    """By hand, since systems differ in how much they show to one look."""
    thread, many = threading.main_thread(), calls // 2
    sends = [Event(n, 0, thread, "sendall", (DATA,), data=b"x", size=1, offset=n) for n in range(many)]
    looks = [Event(n, 1, thread, "recv", (many, Symbol("MSG_PEEK")), data=b"x" * min(many, 1024), size=many, peek=True)
             for n in range(many, 2 * many)]
    return sends + looks, {0: Endpoint(0, "stream", twin=1), 1: Endpoint(1, "stream", twin=0)}


@recorded
def datagrams_lost(t, calls):
    with t.socket(type=socket.SOCK_DGRAM) as log, t.socket(type=socket.SOCK_DGRAM) as sender:
        log.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        log.bind(("127.0.0.1", 0))
        for n in range(calls // 2):
            sender.sendto(b"%04d is lost, but for the first few" % n, log.getsockname())
        log.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                log.recv(100)
        for n in range(calls // 4):
            sender.sendto(b"%d" % n, log.getsockname())
            log.recvfrom(100)


def datagrams_in_reverse(calls):
    """By hand: on a real network the last may come first."""
    here, there, thread = ("127.0.0.1", 5000), ("127.0.0.1", 6000), threading.main_thread()
    words = [b"%d" % n for n in range(calls // 2)]
    sends = [Event(n, 0, thread, "sendto", (DATA, ADDRESS), data=word, size=len(word), address=there, local=here)
             for n, word in enumerate(words)]
    receives = [Event(n, 1, thread, "recvfrom", (100,), data=word, size=len(word), address=here, local=there)
                for n, word in enumerate(reversed(words), len(words))]
    return sends + receives, {n: Endpoint(n, "datagram") for n in (0, 1)}


@recorded
def datagrams_cut_off(t, calls):
    a, b = t.socket(type=socket.SOCK_DGRAM), t.socket(type=socket.SOCK_DGRAM)
    with a, b:
        a.bind(("127.0.0.1", 0))
        for n in range(calls // 2):
            b.sendto(b"%08d and more" % n, a.getsockname())
            a.recvmsg(8) if hasattr(a, "recvmsg") else a.recv(8, socket.MSG_PEEK)


@recorded
def a_thread_for_each_client(t, calls):
    def visit():
        with t.socket() as client:
            client.connect(server.address)
            client.sendall(b"hello")
            client.recv(5)

    with netlab.serve(netlab.echo, timeline=t) as server:
        for _ in range(0, calls // 9, 50):          # 50 at once, for the system's sake
            threads = [threading.Thread(target=visit) for _ in range(50)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


@recorded
def many_servers(t, calls):
    for _ in range(calls // 11):
        with netlab.serve(netlab.echo, timeline=t) as server, t.socket() as client:
            client.connect(server.address)
            client.sendall(b"hello")
            client.recv(5)


@recorded
def two_writers_on_one_stream(t, calls):
    with connected(t) as (a, b):
        threads = [threading.Thread(target=lambda: [a.sendall(b"tick") for _ in range(calls // 3)]) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(calls // 3):
            b.recv(8, socket.MSG_WAITALL)
        for thread in threads:
            thread.join()


CASES = [echo, peeks_over_waiting_sends, datagrams_lost, datagrams_in_reverse, datagrams_cut_off,
         a_thread_for_each_client, many_servers, two_writers_on_one_stream]


def cost(work):
    """The CPU time of `work` in milliseconds; what was there before is not the collector's business meanwhile."""
    gc.collect()
    gc.freeze()
    began = time.process_time()
    work()
    took = time.process_time() - began
    gc.unfreeze()
    return took * 1000


def main(rounds=5):
    sizes = "  ".join(f"{size:>16,} calls" for size in SIZES)
    print(f"{'story / text / svg, CPU ms':<28} {sizes}   for twice the calls")
    for case in CASES:
        data, took = [case(size) for size in SIZES], [[] for _ in SIZES]
        for _ in range(rounds):                     # the sizes by turns, so that a busy moment meets all of them
            for (events, ends), found in zip(data, took):
                story = tell(events, ends)
                works = (lambda: tell(events, ends)), (lambda: diagram.text(story)), (lambda: diagram.svg(story))
                found.append([cost(work) for work in works])
        rows = [[min(values) for values in zip(*found)] for found in took]
        whole = [told + drawn for told, _, drawn in rows]
        shown = "  ".join(f"{' / '.join(f'{value:.0f}' for value in row):>22}" for row in rows)
        print(f"{case.__name__:<28} {shown}   {whole[1] / whole[0]:.2f}, {whole[2] / whole[1]:.2f}", flush=True)


if __name__ == "__main__":
    main()
