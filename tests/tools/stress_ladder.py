"""Ladders in numbers: `python tests/tools/stress_ladder.py [RUNS] [TALKS]`.

How many different ladders RUNS runs of each talk in turns give, idle and with both cores busy; and how many of TALKS random
conversations have a ladder that contradicts its capture.
"""
from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter

import talks
from ladder_check import contradictions

from netlab.network.ladder import ladder


def different(name, runs):
    """[how many runs gave each ladder], the commonest first."""
    return [many for _, many in Counter(ladder(*talks.TURNS[name]()).text() for _ in range(runs)).most_common()]


def main(runs=100, many=500):
    for busy in (0, 2):
        others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(busy)]
        try:
            for name in talks.TURNS:
                print(f"{name:<12} {runs} runs, {busy} busy processes: ladders {different(name, runs)}", flush=True)
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
