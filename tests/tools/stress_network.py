"""Networks opened, interrupted and killed hundreds of times; how fast they are; what TCP makes of bad cables.

`make stress` runs it; tests/network a small round. After each round the helper process, its namespaces, and the
notebook's threads and descriptors must be gone.
"""
from __future__ import annotations

import concurrent.futures
import contextlib
import gc
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import nbformat
from jupyter_client import KernelManager

from netlab.kernel import undisturbed, wait_until
from netlab.network import Network

CELL = """
import os, socket
from netlab import Network
net = Network()
alice, bob = net.host("alice"), net.host("bob")
net.cable(alice, bob, through=lambda frame: frame)
listener = bob.socket(); listener.bind(("", 80)); listener.listen()
client = alice.socket(); client.connect((bob.address, 80))
print(net._process.child.pid)
"""


def namespaces() -> set[str]:
    """The network namespaces that some process of this machine is in or holds open."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.add(os.readlink(process / "ns/net"))
            links = {os.readlink(process / "fd" / fd) for fd in os.listdir(process / "fd")}
            found.update(link for link in links if link.startswith("net:"))
        except OSError:
            continue
    return found


def helpers() -> list[int]:
    """The helper processes of this process, zombies too."""
    mine = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid():
            mine.append(int(process.name))
    return mine


def converse(ipv6=False):
    """What a cell does: two hosts, a router, a conversation."""
    with Network(ipv6=ipv6) as net:
        alice, bob, router = net.host("alice"), net.host("bob"), net.router("router")
        net.cable(alice, router)
        net.cable(bob, router, through=lambda frame: frame)
        with bob.socket() as listener, alice.socket() as client:
            listener.bind((bob.address, 80))
            listener.listen()
            client.settimeout(5)
            client.connect((bob.address, 80))
            client.sendall(b"hello")
            conn, _ = undisturbed(listener.accept)      # an interrupt in Python's own accept loses a descriptor
            with conn:
                conn.settimeout(5)
                assert conn.recv(5) == b"hello"
        return net.packets


class Left:
    """What was there before; `check()` says what is more now.

    A namespace lives as long as a process is in it or holds it open. So without processes and descriptors there is none;
    on a machine where nobody else makes any (`alone`), the namespaces are counted too.
    """
    alone = False

    def __init__(self):
        gc.collect()
        self.threads, self.namespaces, self.children = set(threading.enumerate()), namespaces(), set(helpers())
        self.files = len(os.listdir("/proc/self/fd"))

    def check(self, seconds=5) -> str:
        found = ""

        def clean():
            nonlocal found
            gc.collect()
            subprocess._cleanup()       # as the next start of a process does with one whose own start was interrupted
            more = {"threads": set(threading.enumerate()) - self.threads, "processes": set(helpers()) - self.children,
                    "namespaces": self.alone and namespaces() - self.namespaces,
                    "descriptors": range(len(os.listdir("/proc/self/fd")) - self.files)}
            found = ", ".join(f"{len(those)} {what}" for what, those in more.items() if those)
            return not found

        with contextlib.suppress(TimeoutError):
            wait_until(clean, seconds)
        return found


def opened(times: int) -> str:
    """What is left after so many networks."""
    left = Left()
    for n in range(times):
        assert converse(ipv6=n % 2 == 1)
    return left.check()


def interrupted(times: int, seed: int = 1) -> list[str]:
    """What is left after each of so many, with an interrupt at any time from its first line to its last."""
    dice, found = random.Random(seed), []
    converse()
    for _ in range(times):
        left = Left()
        try:
            signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.0005, 0.4))
            converse()
            signal.setitimer(signal.ITIMER_REAL, 0)
        except KeyboardInterrupt:
            pass
        found.append(left.check())
    return found


def killed(times: int) -> list[str]:
    """What is left of a kernel's network after it was killed, restarted, shut down, interrupted and killed."""
    found = []
    for n in range(times):
        left, manager = Left(), KernelManager()
        manager.start_kernel()
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            said = []
            client.execute_interactive(CELL, timeout=60, output_hook=lambda m: said.append(m["content"].get("text", "")))
            helper = int("".join(said))
            how = n % 4
            if how == 0:
                os.kill(manager.provisioner.pid, signal.SIGKILL)
            elif how == 1:
                manager.restart_kernel(now=True)
            elif how == 2:
                manager.shutdown_kernel()
            else:
                manager.interrupt_kernel()
                assert _alive(helper), "an interrupt ended the helper"
                manager.shutdown_kernel(now=True)
            with contextlib.suppress(TimeoutError):
                wait_until(lambda: not _alive(helper), 5)
            gone = not _alive(helper)
        finally:
            client.stop_channels()
            if manager.has_kernel:
                manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
            client.context.destroy()
        more = left.alone and namespaces() - left.namespaces
        found.append(f"round {n}: {more or 'the helper'}" if more or not gone else "")
    return found


def _alive(pid):
    try:
        return "Z" != Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def up(hosts: int) -> float:
    """Seconds until so many hosts round a router can be used."""
    began = time.perf_counter()
    with Network() as net:
        router = net.router("router")
        for n in range(hosts):
            net.cable(net.host(f"host{n}"), router)
        net.hosts["host0"].socket().close()
        return time.perf_counter() - began


def bulk(size: int, seconds: float = 120, check: bool = True, **bad) -> tuple[float, bool]:
    """(seconds, did all come): `size` bytes by TCP from alice over a router to bob, on two cables as bad as given."""
    data = random.Random(size).randbytes(size) if check else bytes(size)
    with Network() as net:
        alice, bob, router = net.host("alice"), net.host("bob"), net.router("router")
        for host in (alice, bob):
            net.cable(host, router, **bad)
        with bob.socket() as listener, alice.socket() as client:
            listener.bind((bob.address, 80))
            listener.listen()
            for _ in range(5):                  # ARP, too, goes over the bad cable
                try:
                    client.connect((bob.address, 80))
                    break
                except OSError:
                    continue
            conn, _ = listener.accept()
            with conn:
                conn.settimeout(seconds)
                sender = threading.Thread(target=lambda: (client.sendall(data), client.shutdown(socket.SHUT_WR)))
                began, came = time.perf_counter(), []
                sender.start()
                while some := conn.recv(1 << 18):
                    came.append(some)
                took = time.perf_counter() - began
                sender.join()
        return took, b"".join(came) == data


def by_hand(seed: int, kilobytes: int = 100) -> bool:
    """Does what the learner builds in chapter 01 bring so much over a cable that loses 20 %, doubles 10 % and reorders 10 %?"""
    from netlab.chapters.tcp_ip.tools import bad_cable

    book = nbformat.read(Path(__file__).resolve().parents[2] / "notebooks/01_tcp_ip.ipynb", as_version=4)
    sources = {cell.id: cell.source for cell in book.cells}
    names = {"struct": struct, "socket": socket}
    for cell in ("numbering", "acknowledge", "window"):
        exec(sources[cell], names)
    texts = [f"{n:04}" * 250 for n in range(kilobytes)]
    with bad_cable(names["receive"], loss=.2, duplicate=.1, reorder=.1, seed=seed) as sock:
        names["send_window"](sock, texts, 16)
    return names["received"] == texts


def main():
    assert not Network.why(), Network.why()
    Left.alone = True
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    two, twenty = min(up(2) for _ in range(5)), min(up(20) for _ in range(3))
    print(f"two hosts and a router: up in {two:.2f} s; 20 hosts: {twenty:.2f} s")
    speed = 100 / bulk(100_000_000, check=False)[0]
    print(f"through two cables: {speed:.0f} MB/s")
    wrong = two > .5 or twenty > 1.5 or speed < 20
    for what, left in (("200 times opened and closed", [opened(200)]), ("50 times interrupted", interrupted(50)),
                       ("20 kernels killed, restarted, shut down", killed(20))):
        print(f"{what}: left behind: {'; '.join(filter(None, left)) or 'nothing'}")
        wrong += any(left)
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        whole_by_hand = sum(pool.map(by_hand, range(100)))
    print("100 kB by the protocol of chapter 01 over 20 % loss, 10 % doubled, 10 % overtaken: "
          f"whole for {whole_by_hand} of 100 seeds")
    results = [bulk(100_000, loss=.1, reorder=.1, seed=seed) for seed in range(1, 21)]
    whole = sum(good for _, good in results)
    slowest = max(took for took, _ in results)
    print(f"100 kB by TCP over 10 % loss and reordering: whole for {whole} of 20 seeds, {slowest:.1f} s at most")
    sys.exit(bool(wrong) or whole < 20 or whole_by_hand < 100)


if __name__ == "__main__":
    main()
