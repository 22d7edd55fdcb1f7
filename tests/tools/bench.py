"""What `make bench` prints: this machine's figures, each as a median with its least and most, all in one run.

Ratios come from paired runs that alternate, pinned to one core where the system can: elsewhere they are noise.
"""
from __future__ import annotations

import gc
import os
import runpy
import socket
import socketserver
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import netlab
from netlab import servers

HERE = Path(__file__).parent
MESSAGE = b"x" * 64


def line(what, values, unit="", digits=2):
    values = sorted(values)
    low, middle, high = values[0], statistics.median(values), values[-1]
    print(f"{what:<62} {middle:10,.{digits}f} {unit:<5} ({low:,.{digits}f} to {high:,.{digits}f})", flush=True)


def ping_pong(make, rounds=10_000):
    """(round trips per second, µs of processor time for each) of two sockets made by `make`, the far one in a thread."""
    with make() as listener, make() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        conn, _ = listener.accept()
        thread = threading.Thread(target=netlab.echo, args=(conn, None))
        thread.start()
        for _ in range(300):
            client.sendall(MESSAGE)
            client.recv(64)
        began, cpu = time.perf_counter(), time.process_time()
        for _ in range(rounds):
            client.sendall(MESSAGE)
            client.recv(64)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        client.close()
        thread.join()
        conn.close()
    return rounds / took, cpu / rounds * 1e6


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        netlab.echo(self.request, self.client_address)


class Threading(socketserver.ThreadingTCPServer):
    daemon_threads = allow_reuse_address = True
    request_queue_size = 128


class Library:
    """ThreadingTCPServer with the same handler, in a `with` as netlab's."""

    def __enter__(self):
        self.server = Threading(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()
        self.address = self.server.server_address
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def load(server, connections, rounds):
    """(connections made and answered per second, messages echoed per second)."""
    clients = [socket.socket() for _ in range(connections)]
    began = time.perf_counter()
    for client in clients:
        client.connect(server.address)
    for client in clients:
        client.sendall(MESSAGE)
    for client in clients:
        client.recv(64)
    connected = time.perf_counter()
    for _ in range(rounds):
        for client in clients:
            client.sendall(MESSAGE)
        for client in clients:
            client.recv(64)
    done = time.perf_counter()
    for client in clients:
        client.close()
    return connections / (connected - began), rounds * connections / (done - connected)


def against_the_library(connections, rounds, pairs):
    makers = (lambda: netlab.serve(netlab.echo)), Library
    found = []
    for n in range(pairs):
        both = {}
        for make in makers[::1 if n % 2 else -1]:       # each goes first every other time
            with make() as server:
                both[make] = load(server, connections, rounds)
        found.append([a / b for a, b in zip(both[makers[0]], both[makers[1]])])
    many = f"{connections} connection{'s' * (connections > 1)}"
    line(f"serve(echo) / ThreadingTCPServer, {many}: messages", [m for _, m in found])
    line(f"serve(echo) / ThreadingTCPServer, {many}: connecting", [c for c, _ in found])


def held_at_once(many=1000):
    try:
        import resource
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft != resource.RLIM_INFINITY and soft < 4096:
            resource.setrlimit(resource.RLIMIT_NOFILE, (4096 if hard == resource.RLIM_INFINITY else min(4096, hard), hard))
    except ImportError:
        pass
    with netlab.serve(netlab.echo) as server:
        clients = [socket.create_connection(server.address) for _ in range(many)]
        for n, client in enumerate(clients):
            client.sendall(b"%d" % n)
        right = sum(client.recv(10) == b"%d" % n for n, client in enumerate(clients))
        for client in clients:
            client.close()
    print(f"connections held at once, each echoed: {right:,} of {many:,}")


def descriptors():
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def start_and_stop(cycles=1000):
    gc.collect()
    before, idle, busy = (threading.active_count(), descriptors()), [], []
    for _ in range(200):
        began = time.perf_counter()
        servers.serve(netlab.echo).stop()
        idle.append((time.perf_counter() - began) * 1000)
    for _ in range(cycles):
        began = time.perf_counter()
        with netlab.serve(netlab.echo) as server, socket.create_connection(server.address) as client:
            client.sendall(MESSAGE)
            client.recv(64)
        busy.append((time.perf_counter() - began) * 1000)
    line("start + stop", idle, "ms")
    line(f"serve, connect, echo, stop, {cycles:,} times", busy, "ms")
    gc.collect()
    print(f"left behind: {threading.active_count() - before[0]} threads, {descriptors() - before[1]} descriptors")


def importing(times=9):
    def cost(code):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        return (time.perf_counter() - began) * 1000

    bare, ours = [], []
    for _ in range(times):
        bare.append(cost("import socket, threading"))
        ours.append(cost("import socket, threading, netlab"))
    line("import netlab, more than socket and threading", [a - b for a, b in zip(ours, bare)], "ms", 1)


def telling(many):
    timeline = netlab.Timeline()
    with netlab.serve(netlab.echo, timeline=timeline) as server, timeline.socket() as client:
        client.connect(server.address)
        for _ in range(many // 4):
            client.sendall(MESSAGE)
            client.recv(64)
    took = []
    for _ in range(3):
        began = time.perf_counter()
        timeline.svg()
        took.append((time.perf_counter() - began) * 1000)
    line(f"story and picture of {len(timeline.events):,} calls", took, "ms", 0)


def main():
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores; median (least to most)")
    importing()
    start_and_stop()
    telling(500)
    telling(10_000)
    held_at_once()
    if hasattr(os, "sched_setaffinity"):
        every = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(every)})
    ratios, costs = [], []
    for n in range(15):
        pair = {}
        for kind in ("plain", "recorded")[::1 if n % 2 else -1]:
            pair[kind] = ping_pong(socket.socket if kind == "plain" else netlab.Timeline().socket)
        (recorded, recorded_cpu), (plain, plain_cpu) = pair["recorded"], pair["plain"]
        ratios.append(recorded / plain)
        costs.append((recorded_cpu - plain_cpu) / 4)
    line("64-byte ping-pong, recorded / plain", ratios)
    line("a recorded call, more than a plain one (processor time)", costs, "µs")
    against_the_library(1, 10_000, 15)
    against_the_library(100, 100, 15)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, every)
    for name in ("bench_story.py", "bench_addresses.py", "bench_framing.py", "bench_panel.py", "bench_replay.py"):
        print(f"--- {name}", flush=True)
        runpy.run_path(str(HERE / name), run_name="__main__")


if __name__ == "__main__":
    main()
