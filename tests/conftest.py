"""Shared by all tests: what a missing part of the machine means, and a check that nothing is left behind."""

from __future__ import annotations

import gc
import os
import threading
import time
from pathlib import Path

import ports  # noqa: F401 (from now on it is who gives Jupyter's kernels their ports)
import pytest

from netlab import Network

ROOT = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_xdist_make_scheduler(config, log):
    """What stays together on one worker: a file (the cells of a notebook share a kernel), and all that needs a browser.

    The notebooks that test_run_again.py runs in kernels of their own are shared out.
    """
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid):
            if "/test_run_again.py" in nodeid:
                return f"run again {nodeid.partition('[')[2]}"
            return "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)
    return Together(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(items):
    """Chapters whose cells need a network of their own are compared only where there is one: else they show recordings."""
    live = [item for item in items if item.path.suffix == ".ipynb" and '"network"' in item.path.read_text(encoding="utf-8")]
    if live and (reason := Network.why()) and not CI:
        for item in live:
            item.add_marker(pytest.mark.skip(reason=reason))


def need(condition, reason: str) -> None:
    """Skip with the reason where a learner's machine lacks something; fail under CI, which must have it all."""
    if not condition:
        if CI:
            pytest.fail(f"missing under CI: {reason}", pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def ci() -> bool:
    """True where the environment says CI=true."""
    return CI


@pytest.fixture(name="need", scope="session")
def _need():
    """The function need(condition, reason), for tests that do not import it."""
    return need


def open_files() -> dict[str, str] | None:
    """The process's open descriptors and what they are; None where the system does not list them (Windows)."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(folder):
            found = {}
            for number in os.listdir(folder):
                try:
                    os.fstat(int(number))
                    found[number] = os.readlink(f"{folder}/{number}") if folder.startswith("/proc") else "?"
                except OSError:  # the descriptor of this very listing
                    continue
            return found
    return None


def left_behind(threads: set, files: dict | None, *, deadline: float = 2.0) -> str:
    """What is there now and was not before, in words; "" when nothing is. The last look begins `deadline` seconds from now."""
    end = time.monotonic() + deadline
    while True:
        last = time.monotonic() > end   # a look may take long: with all that pytest holds, on a busy machine
        gc.collect()
        more = [t.name for t in threading.enumerate() if t not in threads]
        now = open_files()
        new = {k: v for k, v in (now or {}).items() if (files or {}).get(k) != v}
        # A descriptor may be closed and its number used again: only their count tells a leak.
        words = [f"threads {sorted(more)}"] if more else []
        if now is not None and len(now) > len(files):
            words.append(f"descriptors {sorted(new.values())}")
        if not words:
            gc.freeze()         # what lives now is not looked at again: with all that pytest holds, that takes 0.1 s
        if not words or last:
            return " and ".join(words)
        gc.unfreeze()           # but something of it may have to go first
        time.sleep(0.005)


@pytest.fixture
def no_leaks():
    """Fails the test that leaves a thread or a file descriptor behind."""
    gc.collect()
    gc.freeze()
    threads, files = set(threading.enumerate()), open_files()
    yield
    left = left_behind(threads, files)
    assert not left, f"left behind: {left}"
