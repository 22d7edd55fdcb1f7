"""What netlab.Link promises, at length: the same fates, its speed, every size, and nothing left behind.

    PYTHONPATH=tests:tests/tools python tests/tools/stress_link.py [runs]
"""
import contextlib
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import stress_servers
from stress_servers import there

import netlab
from netlab import kernel
from netlab.network import link as link_module, relay as relay_module

BAD = {"loss": .2, "duplicate": .2, "reorder": .3}
SENDER = """
import socket, sys, time
port, rate, seconds = map(int, sys.argv[1:])
sock, begun, sent = socket.socket(type=socket.SOCK_DGRAM), time.monotonic(), 0
while (now := time.monotonic() - begun) < seconds:
    while sent < rate * now:
        sock.sendto(b"%090d" % sent, ("127.0.0.1", port))
        sent += 1
    time.sleep(.0005)
print(sent)
"""
RECEIVER = """
import socket, sys
sock, came = socket.socket(fileno=int(sys.argv[1])), 0
sock.settimeout(2)
try:
    while sock.recv(2000):
        came += 1
except TimeoutError:
    print(came)
"""


def udp():
    """A UDP socket with a limit of time. Who calls closes it."""
    sock = socket.socket(type=socket.SOCK_DGRAM)
    sock.settimeout(5)
    return sock


def shout(data, address):
    """A handler for serve_udp."""
    return data.upper()


def outcome(seed, messages=20, **bad):
    """What comes, in its order, of so many datagrams through a link to a socket."""
    with socket.socket(type=socket.SOCK_DGRAM) as receiver, socket.socket(type=socket.SOCK_DGRAM) as sender:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        with netlab.Link(receiver.getsockname(), seed=seed, **(bad or BAD)) as link:
            for n in range(messages):
                sender.sendto(b"%d" % n, link.address)
            passed = link.passed
        came = []
        with contextlib.suppress(BlockingIOError):
            while True:
                came.append(int(receiver.recv(100)))
    return came, [(one.number, one.fate, one.came) for one in passed]


def same(runs, seed=7):
    """How many of so many runs are as the first."""
    first = outcome(seed)
    return sum(outcome(seed) == first for _ in range(runs))


@contextlib.contextmanager
def busy(processes):
    """So many processes that do nothing but use the machine."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def relay(rate, seconds=2, **bad):
    """(sent, received, overflowed, lost by the seed) of a stream of datagrams between two other processes."""
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        taking = subprocess.Popen([sys.executable, "-c", RECEIVER, str(receiver.fileno())], pass_fds=[receiver.fileno()],
                                  stdout=subprocess.PIPE, text=True)
        with netlab.Link(receiver.getsockname(), **bad) as link:
            sent = int(subprocess.run([sys.executable, "-c", SENDER, str(link.port), str(rate), str(seconds)],
                                      capture_output=True, text=True, check=True).stdout)
            link.still()
            fates = [link._engine.impairment.fate(n, "client 1 to the server").copies for n in range(1, sent + 1)]
            overflowed, dropped = link.overflowed, kernel.dropped(receiver)
        return sent, int(taking.communicate()[0]), overflowed, dropped, sum(fates)


def every_size(sizes):
    """Each size goes through, there and back."""
    with netlab.serve_udp(lambda data, address: data) as server, netlab.Link(server) as link:
        with socket.socket(type=socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            for size in sizes:
                data = random.randbytes(size)
                client.sendto(data, link.address)
                assert client.recv(65535) == data, size
            link.text(), link._repr_mimebundle_()


def open_and_close(times):
    """Open links, send, and end them in each way; how many threads and descriptors there are more."""
    before = there()
    for n in range(times):
        stream = n % 2
        server = (netlab.serve(netlab.echo) if stream else netlab.serve_udp(lambda data, address: data))
        link = netlab.Link(server, **BAD, delay=.05) if not stream else netlab.Link(server, delay=.05, rechunk=3)
        client = socket.socket(type=link.socket.type)
        client.connect(link.address)
        client.sendall(b"hello")
        if n % 3 == 0:
            link.stop()
        elif n % 3 == 1:
            netlab.stop_all()
        del link
        server.stop()
        client.close()
    kernel.wait_until(lambda: there() <= before and threading.active_count() <= before[0], 10, "all ended")
    return [now - then for now, then in zip(there(), before)]


def link(_):
    """In the place of `serve` in stress_servers."""
    return netlab.Link(TARGET.getsockname(), type=TARGET.type, delay=.01, reorder=.5)


def send_and_look(serve, held):
    """What a learner does with a link."""
    with serve(None) as made:
        held += [made, socket.socket(type=TARGET.type)]
        held[1].connect(made.address)
        held[1].send(b"x")
        made.passed
        made.rewind()


def interrupt(signals=300, remedies=tuple(stress_servers.REMEDIES), type=socket.SOCK_DGRAM):
    """An interrupt at each line of making, using and ending a link, then signals at random moments; how many there were."""
    global TARGET           # where the links lead
    "name".encode("idna")       # how names are looked up: Python imports it now, which does not bear an interrupt
    stress_servers.OURS |= {link_module.__file__, relay_module.__file__}
    stress_servers.HANDLERS[link] = None
    works = [stress_servers.start_and_stop, stress_servers.lose_it, send_and_look]
    with socket.socket(type=type) as TARGET, stress_servers.Trials() as trials:
        TARGET.bind(("127.0.0.1", 0))
        if type == socket.SOCK_STREAM:
            TARGET.listen(10_000)
        for work in works:
            trials.at_every_point(work, link, remedies)
        if hasattr(signal, "setitimer"):
            before, choose = signal.signal(signal.SIGALRM, signal.default_int_handler), random.Random(5)
            try:
                for _ in range(signals):
                    trials.by_signal(choose.choice(works), link, choose.choice(remedies), choose.uniform(1e-6, 2e-3))
            finally:
                signal.signal(signal.SIGALRM, before)
        del stress_servers.HANDLERS[link]
        return trials.interrupts


if __name__ == "__main__":
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("python", sys.version.split()[0])
    print(f"the same fates, idle: {same(runs)} of {runs}", flush=True)
    with busy(2):
        print(f"the same fates, two busy processes: {same(runs)} of {runs}", flush=True)
    for bad in ({}, BAD):
        for rate in (20_000, 40_000, 80_000, 160_000):
            sent, received, overflowed, dropped, due = relay(rate, **bad)
            print(f"{rate:,} a second, {bad or 'whole'}: {sent:,} sent, {received:,} came of {due:,} due by the seed, "
                  f"{overflowed:,} too fast for the link, {dropped:,} dropped at the receiver", flush=True)
    begun = time.monotonic()
    every_size([*range(0, 3000), *range(3000, 65508, 97), 65507])
    print(f"every size up to 3,000 bytes, and each 97th up to 65,507: {time.monotonic() - begun:.1f} s", flush=True)
    print("left behind of 300 links:", open_and_close(300), flush=True)
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        print(f"{interrupt(2000, type=kind):,} interrupts of {kind.name}, nothing left", flush=True)
