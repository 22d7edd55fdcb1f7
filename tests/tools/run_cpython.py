"""CPython's own tests, under a `netlab.watch()` that is entered before they and what they test are imported.

    python tests/tools/run_cpython.py                         test_socket: all of it, shared among processes
    python tests/tools/run_cpython.py test_ssl test_ftplib    these instead; `all` stands for every suite of SUITES
    python tests/tools/run_cpython.py --against-plain all     run each with Python's own class as well, and compare test by test
    python tests/tools/run_cpython.py --workers 1             one after the other, where a machine is busy

The last line of a suite says how many tests passed. Most of them wait, so eight processes are four times as fast as
one, on two cores too. Some depend on time: a test that fails is tried again alone, and counts as a failure only when
Python's own class passes it. Tests that need the internet skip themselves.
"""
from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import time
import unittest

SUITES = ("test_socket", "test_ssl", "test_socketserver", "test_httplib", "test_httpservers", "test_ftplib", "test_smtplib",
          "test_poplib")
RARE = re.compile("CAN|ISOTP|J1939|RDS|QIPCRTR|VSOCK|Bluetooth|HyperV|UDPLITE|SCTP|TIPC|KernelCrypto|MacOS|MSWindows|Sharing")
NETWORK = {"testHostnameRes", "test_host_resolution", "test_host_resolution_bad_address", "test_idna", "test_getnameinfo",
           "test_getaddrinfo_ipv6_scopeid_symbolic", "test_getnameinfo_ipv6_scopeid_symbolic"}
PATIENCE = 300      # seconds for one process
DONE = ("ran", "skipped")


def load(suite):
    """The module of tests, which may not ask the internet. (test_socketserver says "network" for loopback as well.)"""
    import importlib

    from test import support
    support.use_resources = None if suite in ("test_socket", "test_socketserver") else ["cpu", "walltime"]
    return importlib.import_module(f"test.{suite}")


def names(suite):
    """(the tests to run, how many of test_socket are left out by name), in a fixed order."""
    found, left = [], 0
    suites = [unittest.defaultTestLoader.loadTestsFromModule(load(suite))]
    while suites:
        for test in suites.pop():
            if isinstance(test, unittest.TestSuite):
                suites.append(test)
            elif suite == "test_socket" and (RARE.search(type(test).__name__) or test._testMethodName in NETWORK):
                left += 1
            else:
                found.append(f"{type(test).__name__}.{test._testMethodName}")
    return sorted(found), left


def work(suite, chosen, plain):
    """Run `chosen` in this process and print {name: outcome} as JSON; an outcome is ran, skipped, or the traceback."""
    import contextlib
    import io
    import socket

    import netlab

    with contextlib.nullcontext() if plain else netlab.watch() as timeline:
        assert plain or issubclass(socket.socket, netlab.sockets.RecordingSocket)
        assert not sys.modules.keys() & {"ssl", "socketserver", "http.client", "http.server", "ftplib", "smtplib", "poplib"}
        module, outcomes = load(suite), {}

        class Result(unittest.TestResult):
            def stopTest(self, test):
                wrong = [text for t, text in self.errors + self.failures if t.id() == test.id() or test.id() in t.id()]
                skipped = any(t is test for t, _ in self.skipped)
                outcomes[".".join(test.id().split(".")[-2:])] = "\n".join(wrong) or ("skipped" if skipped else "ran")

        with contextlib.redirect_stderr(io.StringIO()):
            unittest.defaultTestLoader.loadTestsFromNames(chosen, module).run(Result())
        events = 0 if plain else next(timeline.count)
    print(json.dumps({"events": events, "outcomes": outcomes}))


def run(suite, shares, plain):
    """What came of the tests, and how many events were recorded: each share in a process of its own."""
    base = [sys.executable, "-W", "ignore", __file__, "--worker", suite, *(["--plain"] if plain else [])]
    workers = [subprocess.Popen(base, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for _ in shares]
    for worker, share in zip(workers, shares):
        worker.stdin.write("\n".join(share))
        worker.stdin.close()
        worker.stdin = None                     # communicate() would write to it
    outcomes, events, end = {}, 0, time.monotonic() + PATIENCE
    for worker, share in zip(workers, shares):
        try:
            out, err = worker.communicate(timeout=max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            out, err = worker.communicate()
        try:
            told = json.loads(out.splitlines()[-1])
        except (IndexError, ValueError):
            told = {"events": 0, "outcomes": {}}
        events += told["events"]
        outcomes |= {name: told["outcomes"].get(name, f"the process ended with {worker.returncode}\n{err}") for name in share}
    return outcomes, events


def try_again(suite, outcomes, plain):
    """Each test that failed once more, alone."""
    for name in [name for name, outcome in outcomes.items() if outcome not in DONE]:
        outcomes[name] = run(suite, [[name]], plain)[0][name]


def check(suite, workers, against_plain):
    """Run one suite, print what failed and a last line, and return whether it was worse than with Python's own class."""
    began = time.monotonic()
    chosen, left = names(suite)
    shares = [chosen[n::workers] for n in range(min(workers, len(chosen)))]
    outcomes, events = run(suite, shares, False)
    try_again(suite, outcomes, False)
    failed = [name for name, outcome in outcomes.items() if outcome not in DONE]
    plain = run(suite, shares, True)[0] if against_plain else run(suite, [[name] for name in failed], True)[0]
    try_again(suite, plain, True)
    worse = [name for name in plain if outcomes[name] != plain[name] and plain[name] in DONE]
    for name in worse:
        print(f"--- {suite} {name}\n{outcomes[name]}")
    for name in set(failed).difference(worse):
        print(f"fails with Python's own class as well: {suite} {name}: {outcomes[name].strip().splitlines()[-1]}")
    passed = sum(outcome == "ran" for outcome in outcomes.values())
    as_plain = f" (plain: {sum(outcome == 'ran' for outcome in plain.values())})" if against_plain else ""
    print(f"{suite}: {passed} passed{as_plain}, {len(worse)} failed, {len(set(failed).difference(worse))} fail in plain "
          f"Python too, {sum(outcome == 'skipped' for outcome in outcomes.values())} skipped themselves, {left} left out "
          f"by name; {events:,} calls recorded; {time.monotonic() - began:.0f} s", flush=True)
    return bool(worse)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", default=["test_socket"], help=f"all, or of: {', '.join(SUITES)}")
    parser.add_argument("--against-plain", action="store_true", help="run and compare with Python's own class too")
    parser.add_argument("--workers", type=int, default=8, help="processes at a time")
    parser.add_argument("--plain", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(options.suites[0], sys.stdin.read().split(), options.plain)
    try:
        import test.support  # noqa: F401
    except ImportError:
        print("no test package: this Python came without its own tests")
        return 2
    suites = SUITES if options.suites == ["all"] else options.suites
    return int(any([check(suite, options.workers, options.against_plain) for suite in suites]))


if __name__ == "__main__":
    sys.exit(main())
