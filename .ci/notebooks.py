"""Run the notebooks and store what they print: the reference that the tests compare with.

    python .ci/notebooks.py [notebook ...]     run all (or these), write only what changed
    python .ci/notebooks.py --no-run           navigation and metadata only
    python .ci/notebooks.py --check            write nothing; name what --no-run would change, and fail
    python .ci/notebooks.py --new 07_protocols   begin a chapter: copies of what is in template/, run, with links to it

No browser takes part: a notebook saved from JupyterLab would hold more than a test can compare.
"""

from __future__ import annotations

import argparse
import copy
import os
import re
import sys
from pathlib import Path
from urllib.parse import unquote

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from netlab.kernel import wait_until
from netlab.network import Network
from netlab.panels import FramingPanel, MethodPanel, NetworkPanel, TcpPanel, UdpPanel
from netlab.teach import recorded

ROOT = Path(__file__).resolve().parent.parent
BOOKS = ROOT / "notebooks"
CONTENTS = "00_start_here.ipynb"
PICTURE = "pictures/first_conversation.svg"  # what the cell "picture" of the first chapter drew; the README shows it
TIMEOUT = 60  # seconds for one cell, as in pyproject.toml
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
ANSI = re.compile(r"\x1b\[[0-9;]*m")
NOTHING = {"output_type": "display_data", "data": {}, "metadata": {}}   # JupyterLab shows the first line of what it hides
QUESTION = re.compile(r"\*\*(Question|Predict)")


class ThisEnvironment(KernelSpecManager):
    """The kernel is this Python, whatever "python3" means elsewhere on the machine; nbval does the same."""

    def get_kernel_spec(self, kernel_name):
        return KernelSpec(**get_kernel_dict())


class Manager(AsyncKernelManager):
    def _kernel_spec_manager_default(self):
        return ThisEnvironment(parent=self)


def chapters(folder: Path = BOOKS) -> list[Path]:
    """The chapters in reading order."""
    return sorted(folder.glob("[0-9]*.ipynb"))


def solutions(folder: Path = BOOKS) -> list[Path]:
    """The worked answers; each has the name of its chapter."""
    return sorted((folder / "solutions").glob("*.ipynb"))


def title(path: Path) -> str:
    """The text of the first line, "# Title"; ValueError where there is none."""
    cells = nbformat.read(path, as_version=4).cells
    first = cells[0].source.splitlines()[0] if cells and cells[0].source else ""
    if not first.startswith("# "):
        raise ValueError(f"{path.name}: the first line of a chapter is its title, '# …', not {first!r}")
    return first[2:].strip()


def navigation(path: Path, folder: Path = BOOKS) -> str:
    """The line "previous · contents · next" of a chapter, or a solution's link to its chapter."""
    if path.parent.name == "solutions":
        chapter = folder / path.name
        if not chapter.exists():
            raise ValueError(f"solutions/{path.name}: there is no chapter of that name")
        return f"[Back to the chapter: {title(chapter)}](../{path.name})"
    order = chapters(folder)
    here = order.index(path)
    links = []
    if here > 0:
        links.append(f"Previous: [{title(order[here - 1])}]({order[here - 1].name})")
    links.append("Contents (here)" if path.name == CONTENTS else f"[Contents]({CONTENTS})")
    if here + 1 < len(order):
        links.append(f"Next: [{title(order[here + 1])}]({order[here + 1].name})")
    return " · ".join(links)


def contents(folder: Path = BOOKS) -> str:
    """The map of the chapters: number, title, what it is about, minutes; from each chapter's first cell."""
    rows = ["## The chapters", "", "| | chapter | what it is about | minutes |", "| --- | --- | --- | --- |"]
    for path in chapters(folder):
        first = nbformat.read(path, as_version=4).cells[0].source
        about = first.split("\n\n")[1].replace("\n", " ") if "\n\n" in first else ""
        minutes = re.search(r"(\d+) minutes(?:, and (\d+) more)?", first)
        time = " + ".join(filter(None, minutes.groups())) if minutes else ""
        rows.append(f"| {path.name[:2]} | [{title(path)}]({path.name}) | {about} | {time} |")
    return "\n".join(rows)


def answers(cells) -> set[str]:
    """The ids of the cells whose outputs answer a question: JupyterLab hides these until the cell is run.

    After a question (`ask(…)`, or prose with **Question or **Predict) it is the first cell that shows something, with
    those that follow without a word between; not past a heading. What answers later than that has the tag "answer".
    A cell that opens a source answers nothing.
    """
    found, asked, answered = set(), False, False
    for cell in cells:
        if QUESTION.search(cell.source) if cell.cell_type == "markdown" else cell.source.startswith("ask("):
            asked, answered = True, False
        elif cell.cell_type == "markdown":
            asked = asked and not answered and not cell.source.startswith("#")
        elif "getsource(" not in cell.source and cell.get("outputs") and (asked or "answer" in cell.metadata.get("tags", [])):
            found.add(cell.id)
            answered = True
    return found


def tidy(book, line: str, folder: Path = BOOKS) -> None:
    """Put the navigation and the map in where the tags ask for them, hide the answers; take out what would differ from
    run to run."""
    def tagged(tag):
        return [cell for cell in book.cells if tag in cell.metadata.get("tags", [])]

    if not tagged("navigation"):
        book.cells.insert(1, nbformat.v4.new_markdown_cell(id="navigation", metadata={"tags": ["navigation"]}))
    for cell in tagged("navigation"):
        cell.source = line
    for cell in tagged("contents"):
        cell.source = contents(folder)
    book.metadata = nbformat.from_dict(METADATA)
    book.nbformat, book.nbformat_minor = 4, 5
    hidden = answers(book.cells)
    for cell in book.cells:
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k == "tags"})
        outputs = cell.get("outputs", [])
        outputs[:] = [output for output in outputs if output != NOTHING]
        if cell.id in hidden:
            cell.metadata["jupyter"] = {"outputs_hidden": True}
            outputs.insert(0, nbformat.from_dict(NOTHING))
        for output in outputs:
            output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
            if output.output_type == "error":  # frames outside the notebook name a path of this machine
                output.traceback = [part for part in output.traceback
                                    if not ANSI.sub("", part).lstrip().startswith("File ")]


def run(book, folder: Path) -> None:
    """Execute in place; an error in a cell without the tag "raises-exception" ends the run."""
    NotebookClient(book, kernel_manager_class=Manager, kernel_name="python3", timeout=TIMEOUT, record_timing=False,
                   store_widget_state=False, coalesce_streams=True, extra_arguments=["--log-level=ERROR"],
                   resources={"metadata": {"path": str(folder)}}).execute()


def update(path: Path, *, execute: bool, write: bool, folder: Path = BOOKS) -> bool:
    """True where the file is (or, without write, would be) changed."""
    before = path.read_text(encoding="utf-8")
    book = nbformat.reads(before, as_version=4)
    line = navigation(path, folder)
    tidy(book, line, folder)
    if execute:
        run(book, path.parent)
        tidy(book, line, folder)
    nbformat.validate(copy.deepcopy(book))  # validate may repair its argument
    after = nbformat.writes(book).rstrip("\n") + "\n"
    files = {path: after}
    if path.name == CONTENTS and path.parent == BOOKS:
        files[BOOKS / PICTURE] = drawn(book)
    if path.parent == BOOKS and (recording := recorded.record(book.cells)):
        files[ROOT / "netlab/chapters" / path.stem[3:] / "recorded.json"] = recording
    changed = {file: text for file, text in files.items() if not file.exists() or file.read_text(encoding="utf-8") != text}
    for file, text in changed.items() if write else ():
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="\n")
    return bool(changed)


def drawn(book) -> str:
    """The SVG in the <img> of the cell "picture"."""
    html = next(output.data["text/html"] for cell in book.cells if cell.id == "picture" for output in cell.outputs
                if output.data)
    return unquote(re.search(r'<img src="data:image/svg\+xml,([^"]*)"', html)[1])


def use_tcp(panel) -> str:
    """Use a TcpPanel as its stored picture shows it; the status of then."""
    panel.on_start("")
    wait_until(lambda: panel.server)
    panel.on_connect("")
    for n, message in enumerate(("one", "two", "three"), 1):
        panel.put("message", message)
        panel.on_sendall("")
        wait_until(lambda n=n: len([e for e in panel.events() if e.method == "sendall"]) == 2 * n)
    panel.put("count", "3")
    panel.on_recv("")
    wait_until(lambda: panel.client.took)
    return f"Client 1 received 3 bytes. {panel.aside()}"


def use_method(panel) -> str:
    """The same of a MethodPanel."""
    wait_until(lambda: panel.sockets)
    for call in (
        ("client", "send", 'b"hello"'), ("connection", "recv", "3"), ("fresh", "connect", "server.address"),
        ("udp", "sendto", 'b"one", udp.address'), ("udp", "sendto", 'b"two", udp.address'),
    ):
        panel.call(*call).done.wait(5)
    panel.call("unix", "recv", "9")
    wait_until(lambda: any(call.handle for call in panel._running))
    return "unix.recv(9) waits."


def use_network(panel) -> str:
    """The same of a NetworkPanel: a message goes the longer way, since the shorter is cut."""
    panel.network.cables[1].delay = 0.01
    panel.network.cables[4].cut()
    panel.on_send("")
    wait_until(lambda: panel.exchange and panel.exchange.done)
    panel.step = wait_until(lambda: next((n for n, step in enumerate(panel.exchange.steps(), 1)
                                          if len(step.marks) == 3 and "bytes" in step.words), 0))
    return "south-bob is cut: packets go by north and east."


def use_udp(panel) -> str:
    """The same of a UdpPanel: four datagrams over a bad link."""
    for name, value, act in (("seed", "46", panel.on_seed), ("loss", "20", panel.on_set), ("reorder", "20", panel.on_set)):
        panel.put(name, value)
        act(name)
    panel.put("times", "4")
    panel.on_sendto("")
    wait_until(lambda: panel.bursts and panel.bursts[-1].over())
    panel.see()
    return panel.bursts[-1].told()


def use_framing(panel) -> str:
    """The same of a FramingPanel: three prices without framing, with a mark, and with their lengths before them, step by step."""
    for name, value, act in (
        ("cure", "none", panel.on_run), ("cure", "delimiter", panel.on_run), ("cure", "prefix", panel.on_sendall),
        *[("size", "7", act) for act in (panel.on_sendall, panel.on_sendall, panel.on_recv, panel.on_recv)],
    ):
        panel.put(name, value)
        act("")
        wait_until(lambda: not (panel._running or panel.pending("customer") or panel.pending("till"))
                   and panel.talk.arrived == panel.talk.size)
    return panel._sentence


def draw_panels() -> dict[Path, str]:
    """The stored picture of each panel that has sockets, drawn from a real use of it just now."""
    found, panels = {}, [(MethodPanel, use_method), (TcpPanel, use_tcp), (UdpPanel, use_udp), (FramingPanel, use_framing)]
    for kind, use in panels + [(NetworkPanel, use_network)] * (not Network.why()):
        with kind() as panel:
            panel.wire  # as if it were shown
            picture = panel.picture(use(panel))
        found[ROOT / f"netlab/panels/{kind.__name__}.html"] = picture._repr_mimebundle_()["text/html"] + "\n"
    return found


def begin(name: str, root: Path = ROOT) -> list[Path]:
    """The new files of the chapter 07_protocols, say: the template's, with its name in them. ValueError where it exists."""
    number, _, folder = name.partition("_")
    if not re.fullmatch(r"[0-9]{2}_[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name}: two digits and a name in small letters, such as 07_protocols")
    if list((root / "notebooks").glob(f"{number}_*")) or (root / "netlab/chapters" / folder).exists():
        raise ValueError(f"{name}: there is a chapter of that number or name")
    package = root / "netlab/chapters" / folder
    places = {
        "chapter.ipynb": root / f"notebooks/{name}.ipynb", "solution.ipynb": root / f"notebooks/solutions/{name}.ipynb",
        "predict.py": package / "predict.py", "check.py": package / "check.py",
        "wrong.py": root / f"tests/chapters/wrong_{folder}.py",
    }
    package.mkdir()
    (package / "__init__.py").write_text(f'"""Chapter {number}, {folder}."""\n', encoding="utf-8")
    for source, target in places.items():
        text = (root / "template" / source).read_text(encoding="utf-8")
        text = text.replace("netlab.chapters.template", f"netlab.chapters.{folder}").replace("NOTEBOOK", f"{name}.ipynb")
        target.write_text(text, encoding="utf-8", newline="\n")
    return list(places.values())


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", nargs="*", type=Path)
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--no-run", action="store_true")
    mode.add_argument("--check", action="store_true")
    mode.add_argument("--new", metavar="NN_name")
    options = parser.parse_args(arguments)
    failed = changed = 0
    try:
        new = begin(options.new) if options.new else []
    except (OSError, ValueError) as error:
        parser.error(str(error))
    if not (options.notebook or options.new or options.no_run or options.check):
        for path, html in draw_panels().items():
            if not path.exists() or path.read_text(encoding="utf-8") != html:
                path.write_text(html, encoding="utf-8", newline="\n")
                print(f"{path.name}: written")
    for path in [p.resolve() for p in options.notebook] or chapters() + solutions():
        name = os.path.relpath(path, BOOKS)
        execute = path in new if options.new else not (options.no_run or options.check)
        try:
            if update(path, execute=execute, write=not options.check):
                changed += 1
                print(f"{name}: {'not up to date, run make notebooks' if options.check else 'written'}")
        except (OSError, ValueError, CellExecutionError, CellTimeoutError, DeadKernelError,
                nbformat.ValidationError) as error:
            failed += 1
            print(f"{name}: {error}", file=sys.stderr)
    if not (changed or failed):
        print("Every notebook is up to date.")
    return 1 if failed or (options.check and changed) else 0


if __name__ == "__main__":
    sys.exit(main())
