"""CPython's own tests of `socket`, with the recording class in the place of `socket.socket`.

    python tests/run_cpython_socket.py              all of them, shared among processes; the last line says how many
    python tests/run_cpython_socket.py --plain      the same with Python's own class
    python tests/run_cpython_socket.py --workers 1  one after the other, where a machine is busy

Most of these tests wait, so eight processes are four times as fast as one, on two cores too. Some depend on time:
a test that fails is tried again alone, and counts as a failure only when Python's own class passes it.
"""
from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import unittest

RARE = re.compile("CAN|ISOTP|J1939|RDS|QIPCRTR|VSOCK|Bluetooth|HyperV|UDPLITE|SCTP|TIPC|KernelCrypto|MacOS|MSWindows|Sharing")
NETWORK = {"testHostnameRes", "test_host_resolution", "test_host_resolution_bad_address", "test_idna", "test_getnameinfo",
           "test_getaddrinfo_ipv6_scopeid_symbolic", "test_getnameinfo_ipv6_scopeid_symbolic"}


def names():
    """(the tests to run, how many are left out by name), in a fixed order."""
    from test import test_socket
    found, left = [], 0
    suites = [unittest.defaultTestLoader.loadTestsFromModule(test_socket)]
    while suites:
        for test in suites.pop():
            if isinstance(test, unittest.TestSuite):
                suites.append(test)
            elif RARE.search(type(test).__name__) or test._testMethodName in NETWORK:
                left += 1
            else:
                found.append(f"{type(test).__name__}.{test._testMethodName}")
    return sorted(found), left


def work(chosen, plain):
    """Run `chosen` in this process and print {name: outcome} as JSON; an outcome is ran, skipped, or the traceback."""
    import contextlib
    import io
    import socket

    import netlab

    with contextlib.nullcontext() if plain else netlab.watch() as timeline:
        from test import test_socket            # some of its classes fetch socket.socket when they are made
        assert plain or socket.socket is not socket.SocketType and issubclass(test_socket.socket.socket, netlab.sockets.RecordingSocket)
        outcomes = {}

        class Result(unittest.TestResult):
            def stopTest(self, test):
                wrong = [text for t, text in self.errors + self.failures if t.id() == test.id() or test.id() in t.id()]
                skipped = any(t is test for t, _ in self.skipped)
                outcomes[".".join(test.id().split(".")[-2:])] = "\n".join(wrong) or ("skipped" if skipped else "ran")

        with contextlib.redirect_stderr(io.StringIO()):
            unittest.defaultTestLoader.loadTestsFromNames(chosen, test_socket).run(Result())
        events = 0 if plain else timeline.tick()
    print(json.dumps({"events": events, "outcomes": outcomes}))


def run(shares, plain):
    """What came of the tests, and how many events were recorded: each share in a process of its own."""
    base = [sys.executable, "-W", "ignore", __file__, "--worker", *(["--plain"] if plain else [])]
    workers = [subprocess.Popen(base, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in shares]
    for worker, share in zip(workers, shares):
        worker.stdin.write("\n".join(share))
        worker.stdin.close()
        worker.stdin = None                     # communicate() would write to it
    outcomes, events = {}, 0
    for worker, share in zip(workers, shares):
        out, err = worker.communicate()
        try:
            told = json.loads(out.splitlines()[-1])
        except (IndexError, ValueError):
            told = {"events": 0, "outcomes": {}}
        events += told["events"]
        outcomes |= {name: told["outcomes"].get(name, f"the process ended with {worker.returncode}\n{err}") for name in share}
    return outcomes, events


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--plain", action="store_true", help="Python's own class")
    parser.add_argument("--workers", type=int, default=8, help="processes at a time")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(sys.stdin.read().split(), options.plain)
    try:
        chosen, left = names()
    except ImportError:
        print("no test package: this Python came without its own tests")
        return 2
    outcomes, events = run([chosen[n::options.workers] for n in range(options.workers)], options.plain)
    excused = {}
    for name in [name for name, outcome in outcomes.items() if outcome not in ("ran", "skipped")]:
        again = run([[name]], options.plain)[0][name]
        if again not in ("ran", "skipped") and run([[name]], True)[0][name] not in ("ran", "skipped"):
            excused[name] = again
        else:
            outcomes[name] = again
    failed = {name: text for name, text in outcomes.items() if name not in excused and text not in ("ran", "skipped")}
    for name, text in failed.items():
        print(f"--- {name}\n{text}")
    for name, text in excused.items():
        print(f"fails with Python's own class as well: {name}: {text.strip().splitlines()[-1]}")
    ran = sum(outcome == "ran" for outcome in outcomes.values())
    skipped = sum(outcome == "skipped" for outcome in outcomes.values())
    print(f"{ran} passed, {len(failed)} failed, {len(excused)} fail in plain Python too, {skipped} skipped themselves, "
          f"{left} left out by name; {events:,} calls recorded")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
