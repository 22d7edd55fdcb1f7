"""Ladders in numbers: `python tests/tools/stress_ladder.py [RUNS] [TALKS]`.

How many different ladders RUNS runs of each talk in turns give, idle and with both cores busy; and how many of TALKS random
conversations have a ladder that contradicts its capture.
"""
from __future__ import annotations

import difflib
import subprocess
import sys
import time
from collections import Counter

import talks
from ladder_check import contradictions

from netlab.network.ladder import ladder


def different(name, runs):
    """[how many runs gave each ladder], the commonest first, and in what the first two differ."""
    found = Counter(ladder(*talks.TURNS[name]()).text() for _ in range(runs)).most_common()
    lines = [text.splitlines() for text, _ in found[:2]]
    return [many for _, many in found], list(difflib.unified_diff(*lines, lineterm="", n=0))[3:] if len(lines) > 1 else []


def main(runs=100, many=500):
    for busy in (0, 2):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
        try:
            for name in talks.TURNS:
                counts, words = different(name, runs)
                print(f"{name:<12} {runs} runs, {busy} busy processes: ladders {counts}", *words, sep="\n    ", flush=True)
        finally:
            for other in others:
                other.kill()
                other.wait()
    began, bad, passed, longest = time.monotonic(), [], 0, 0.0
    for seed in range(many):
        packets, timeline = talks.chance(seed)
        start = time.perf_counter()
        made = ladder(packets, timeline)
        longest, passed = max(longest, time.perf_counter() - start), passed + len(packets)
        if wrong := contradictions(made, packets):
            bad.append(seed)
            print(f"seed {seed}: {wrong[0]}", flush=True)
    print(f"{many} random talks, {passed:,} frames, {len(bad)} ladders that contradict the capture; the slowest took "
          f"{longest:.2f} s; {time.monotonic() - began:.0f} s in all")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
