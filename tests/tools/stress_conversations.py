"""Hundreds of runs of each conversation: how many different texts does its story have?

    python tests/tools/stress_conversations.py --runs 200 --busy          with both cores busy
    python tests/tools/stress_conversations.py udp_echo a_proxy           only these

Fails when a kind with a fixed data flow has more than one text. Stops after `--seconds`, and says how far it came.
"""

from __future__ import annotations

import argparse
import difflib
import os
import subprocess
import sys
import time
from collections import Counter

import conversations_of_many  # noqa: F401 (adds its kinds)
import conversations_other  # noqa: F401
from conversations import KINDS

import netlab


def texts_of(kind, runs, until):
    """The different texts of the kind's story, with how often each came."""
    found = Counter()
    for _ in range(runs):
        timeline = netlab.Timeline()
        kind.run(timeline)
        found[timeline.text()] += 1
        if time.monotonic() > until:
            break
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--busy", action="store_true", help="keep every core busy meanwhile")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--show", action="store_true", help="print how two texts differ that should not")
    given = parser.parse_args()
    spin = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(spin) for _ in range(os.cpu_count() or 1)] if given.busy else []
    until, wrong = time.monotonic() + given.seconds, []
    try:
        for kind in KINDS:
            if given.kinds and kind.name not in given.kinds:
                continue
            if kind.missing:
                print(f"{kind.name:<48} skipped: {kind.missing}", flush=True)
                continue
            found = texts_of(kind, given.runs, until)
            runs = found.total()
            print(f"{kind.name:<48} {len(found):3} text{'s' * (len(found) > 1):1} in {runs} runs"
                  f"{'; races: ' + kind.differs if kind.differs else ''}", flush=True)
            if not kind.differs and (len(found) > 1 or runs < given.runs):
                wrong.append(kind.name)
                if given.show and len(found) > 1:
                    two = [text.splitlines() for text, _ in found.most_common(2)]
                    print(*difflib.unified_diff(*two, lineterm=""), sep="\n")
    finally:
        for process in busy:
            process.kill()
            process.wait()
    if wrong:
        sys.exit(f"not one text, or not all runs: {', '.join(wrong)}")


if __name__ == "__main__":
    main()
