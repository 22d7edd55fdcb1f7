"""Ladders in numbers: `python tests/tools/stress_ladder.py [RUNS] [TALKS]`.

How many different ladders RUNS runs of each talk in turns give, idle and with both cores busy; how many of TALKS random
conversations have a ladder that contradicts its capture, or a step in which a byte is not where calls and frames say; and of
TALKS that stop half way, how many end otherwise than the kernels tell.
"""
from __future__ import annotations

import difflib
import subprocess
import sys
import time
from collections import Counter

import talks
from ladder_check import contradictions
from ladder_steps_check import told_as_by_kernels, wrong_steps
from talks_left_open import left_open

from netlab.network.ladder import ladder
from netlab.network.ladder_replay import steps_of


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
    began, bad, passed, longest, rows = time.monotonic(), [], 0, 0.0, 0
    for seed in range(many):
        packets, timeline = talks.chance(seed)
        start = time.perf_counter()
        made = ladder(packets, timeline)
        longest, passed = max(longest, time.perf_counter() - start), passed + len(packets)
        steps = steps_of(made)
        rows += len(steps)
        if wrong := contradictions(made, packets) + wrong_steps(made, steps):
            bad.append(seed)
            print(f"seed {seed}: {wrong[0]}", flush=True)
    print(f"{many} random talks, {passed:,} frames, {rows:,} steps, {len(bad)} ladders that contradict the capture in a row or a "
          f"step; the slowest ladder took {longest:.2f} s; {time.monotonic() - began:.0f} s in all")
    half_way(many)


def half_way(many):
    """Talks that stop with sockets open: each step, and the last one beside the kernels."""
    began, bad, seen = time.monotonic(), [], Counter()
    for seed in range(many):
        made, kernels = left_open(seed)
        steps = steps_of(made)
        told = told_as_by_kernels(made, steps[-1])
        wrong = wrong_steps(made, steps) + [f"the {side} is {told[side]}, not {said}" for side, said in kernels.items()
                                            if told[side] != said]
        seen.update(state for state, _ in kernels.values())
        if wrong:
            bad.append(seed)
            print(f"half way, seed {seed}: {wrong[0]}", flush=True)
    print(f"{many} talks left half way, {len(bad)} whose steps are not what the kernels tell; open sockets at the end: "
          f"{dict(seen)}; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
