"""Thousands of interrupts aimed at `serve`, `serve_udp`, `stop`, leaving a `with`, `stop_all` and a dropped server.

`make stress` runs it; tests/test_servers.py a small round. Whatever point an interrupt hits, nothing may be left
after what a learner would do next: stop() again, or stop_all(), or forget the server.
"""
from __future__ import annotations

import gc
import itertools
import os
import random
import signal
import socket
import sys
import threading
import time

import netlab
from netlab import engine, kernel, servers

OURS = {servers.__file__, engine.__file__}


class Tracer:
    """Raises KeyboardInterrupt at the point of that number, once.

    Points are calls, lines and returns (or each instruction) of OURS, and lines of the library that they call.
    """

    def __init__(self, point, grain):
        self.left, self.instructions = point, grain == "instruction"

    def __call__(self, frame, event, argument):
        ours = frame.f_code.co_filename in OURS
        if event == "call" and not ours and (frame.f_back is None or frame.f_back.f_trace is not self):
            return None
        frame.f_trace, frame.f_trace_opcodes = self, ours and self.instructions
        if event == "line" or (ours and event != "exception"):
            self.left -= 1
            if self.left == -1:
                sys.settrace(None)
                raise KeyboardInterrupt
        return self


# what a learner does: each keeps its server where the learner would, in `held`

def start_and_stop(serve, held):
    held.append(serve(HANDLERS[serve]))
    held[0].stop()


def leave_with(serve, held):
    with serve(HANDLERS[serve]) as server:
        held.append(server)
        talk(server, held)


def stop_waiting_handlers(serve, held):
    held.append(serve(HANDLERS[serve]))
    talk(held[0], held)
    held[0].stop()


def stop_all(serve, held):
    held += [serve(HANDLERS[serve]), netlab.serve(netlab.upper)]
    netlab.stop_all()


def lose_it(serve, held):
    serve(HANDLERS[serve])


def answer(data, address):
    return data


HANDLERS = {netlab.serve: netlab.echo, netlab.serve_udp: answer}
WORKS = [start_and_stop, leave_with, stop_waiting_handlers, stop_all, lose_it]


def talk(server, held):
    held.append(client := socket.socket(type=server.socket.type))
    client.connect(server.address)
    client.sendall(b"x")
    client.recv(1)


# and afterwards

def again(held):
    """Stop what is known once more; nothing else is known to the learner."""
    for server in held:
        if isinstance(server, netlab.Server):
            server.stop()


def forget(held):
    held.clear()


def everything(held):
    netlab.stop_all()


REMEDIES = [again, forget, everything]


def there():
    """Threads as Python and as the system counts them, and descriptors."""
    counted = [len(os.listdir(folder)) for folder in ("/proc/self/task", "/proc/self/fd") if os.path.isdir(folder)]
    return threading.active_count(), *counted


class Left(AssertionError):
    """Something was left behind."""


class Trials:
    """Interrupts something, again and again, and each time looks for what is left behind."""

    def __init__(self):
        self.before, self.interrupts, self.swallowed = there(), 0, []

    def __enter__(self):
        self.hook = sys.unraisablehook      # what interrupts a finalizer, Python prints, and goes on
        sys.unraisablehook = lambda found: self.swallowed.append(found.exc_type)
        return self

    def __exit__(self, *_):
        sys.unraisablehook = self.hook

    def one(self, work, serve, remedy, arm, disarm, what):
        held, hit = [], False
        self.swallowed.clear()
        try:
            try:
                arm()
                work(serve, held)
            finally:
                disarm()
        except KeyboardInterrupt:
            hit = True
        disarm()                # the interrupt may have come just before the other one
        began = time.monotonic()
        gc.collect(0)           # the exception's frames can hold a socket in a ring
        remedy(held)
        if KeyboardInterrupt in self.swallowed:
            hit = True
            netlab.stop_all()   # the learner does not know, so this must
        for client in held:
            if isinstance(client, socket.socket):
                client.close()
        try:
            kernel.wait_until(lambda: all(map(int.__le__, there(), self.before)), 2)
        except TimeoutError:
            raise Left(f"{what}, then {remedy.__name__}: {there()}, not {self.before}: {threading.enumerate()}") from None
        if time.monotonic() - began > 2:
            raise Left(f"{what}, then {remedy.__name__}: it took {time.monotonic() - began:.1f} s")
        self.interrupts += hit
        return hit

    def at_every_point(self, work, serve, remedies, grain="line"):
        """An interrupt at each point in turn, until the work comes to its end."""
        for point in itertools.count():
            for remedy in remedies:
                tracer = Tracer(point, grain)
                self.one(work, serve, remedy, lambda: sys.settrace(tracer), lambda: sys.settrace(None),
                         f"{serve.__name__}, {work.__name__}, {grain} {point}")
            if tracer.left >= 0:
                return point

    def by_signal(self, work, serve, remedy, delay):
        """A real signal after so many seconds."""
        self.one(work, serve, remedy, lambda: signal.setitimer(signal.ITIMER_REAL, delay),
                 lambda: signal.setitimer(signal.ITIMER_REAL, 0), f"{serve.__name__}, {work.__name__}, {delay * 1e6:.0f} us")


def main(seconds=150.0):
    """Every line, then every instruction, then signals at random moments, each for a part of the time."""
    began, total = time.monotonic(), 0
    pairs = [(work, serve) for work in WORKS for serve in HANDLERS]
    with Trials() as trials:
        for grain, remedies in (("line", REMEDIES), ("instruction", [again])):
            for work, serve in pairs:
                if time.monotonic() - began < seconds / 2:
                    trials.at_every_point(work, serve, remedies, grain)
            print(f"at every {grain}: {trials.interrupts - total:,} interrupts, nothing left", flush=True)
            total = trials.interrupts
        if hasattr(signal, "setitimer"):
            before, choose = signal.signal(signal.SIGALRM, signal.default_int_handler), random.Random(5)
            try:
                while time.monotonic() - began < seconds and trials.interrupts - total < 20_000:
                    work, serve = choose.choice(pairs)
                    trials.by_signal(work, serve, choose.choice(REMEDIES), choose.uniform(1e-6, 6e-4))
            finally:
                signal.signal(signal.SIGALRM, before)
            print(f"by signals: {trials.interrupts - total:,} interrupts, nothing left", flush=True)
    print(f"{trials.interrupts:,} interrupts in {time.monotonic() - began:.0f} s")
    assert trials.interrupts >= 2000


if __name__ == "__main__":
    main(float(sys.argv[1]) if sys.argv[1:] else 150.0)
