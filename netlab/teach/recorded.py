"""A chapter on a machine that cannot run it: its cells show the recording of themselves.

`make notebooks` keeps what the cells with the tag "network" print, beside the chapter's questions and checks. Where the
network is not to be had, such a cell, as long as nobody has changed it, is not run: it shows what it printed when it was
recorded. A cell that the learner has changed runs, and gets the real error.
"""
import hashlib
import json
import sys
from pathlib import Path

from netlab.style import card, tag

TAG = "network"


def key(source: str) -> str:
    """What a cell is known by: its text alone."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:16]


def record(cells) -> str:
    """The recording of a notebook's cells, as a file holds it; "" where none has the tag.

    ValueError where two cells of the same text print something else: nobody could tell which of them is run.
    """
    found = {}
    for cell in cells:
        if TAG in cell.metadata.get("tags", []) and found.setdefault(key(cell.source), cell.outputs) != cell.outputs:
            raise ValueError(f"two cells with the tag {TAG!r} have the same text: {cell.source!r}; let them differ by a comment")
    return json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n" if found else ""


class Recording:
    """Stands between a notebook's cells and Python, for one IPython shell."""

    def __init__(self, shell, file: Path, reason: str):
        self.shell, self.reason, self.told = shell, reason, False
        self.cells = json.loads(file.read_text(encoding="utf-8"))
        shell.input_transformers_post.append(self.instead)

    def instead(self, lines: list[str]) -> list[str]:
        """What runs in the place of a cell's lines: the same, or that which shows the recording."""
        known = key("".join(lines))
        if known not in self.cells:
            return lines
        return [f"__import__({__name__!r}, fromlist=['show']).show({known!r})\n"]

    def show(self, known: str):
        """Print again what the cell printed when it was recorded."""
        words = "A recording of this cell."
        if not self.told:
            words = f"{self.reason} What you see from here on are recordings of the cells, made where there is one."
            self.told = True
        self.publish({"text/html": str(card(tag("i", words), colour="soft")), "text/plain": words})
        for output in self.cells[known]:
            if output["output_type"] == "stream":
                print("".join(output["text"]), end="", file=getattr(sys, output["name"]))
            elif output["output_type"] == "error":
                print("\n".join(output["traceback"]))
            elif output["data"]:
                self.publish({kind: "".join(data) if isinstance(data, list) else data for kind, data in output["data"].items()})

    def publish(self, data):
        self.shell.display_pub.publish(data, {})


_recording = None


def show(known: str) -> None:
    """What a recorded cell runs."""
    _recording.show(known)


def begin(file: Path, why) -> None:
    """From now on show recordings, where `why()` gives a reason why the cells cannot run; nothing happens outside IPython."""
    global _recording
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell and _recording is None and (reason := why()):
        _recording = Recording(shell, file, reason)
