"""Chapters that need a network of their own, on a machine that gives none: recordings, and they run to their ends."""
import json
import shutil
import sys

import nbformat
import pytest
from conftest import ROOT, need
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from netlab.network import Network
from netlab.teach import recorded

LIVE = [path for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
        if recorded.record(nbformat.read(path, as_version=4).cells)]
WITHOUT = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'      # in a user namespace of its own


class NoNamespaces(KernelSpecManager):
    def get_kernel_spec(self, kernel_name):
        kernel = [sys.executable, "-m", "ipykernel_launcher", "--log-level=ERROR", "-f", "{connection_file}"]
        return KernelSpec(language="python", argv=["unshare", "--user", "--map-root-user", "sh", "-c", WITHOUT, "sh", *kernel])


class Manager(AsyncKernelManager):
    def _kernel_spec_manager_default(self):
        return NoNamespaces(parent=self)


@pytest.mark.parametrize("path", LIVE, ids=lambda path: path.name)
def test_the_recording_is_that_of_the_notebook(path):
    cells = nbformat.read(path, as_version=4).cells
    file = ROOT / "netlab/chapters" / path.stem[3:] / "recorded.json"
    assert file.read_text(encoding="utf-8") == recorded.record(cells), "run make notebooks"


@pytest.mark.parametrize("path", LIVE, ids=lambda path: path.name)
def test_without_a_network_each_cell_shows_its_recording_and_all_others_run(path):
    need(not Network.why() and shutil.which("unshare"), "no namespaces to take away")
    book = nbformat.read(path, as_version=4)
    stored = {cell.id: cell.outputs for cell in book.cells if cell.cell_type == "code"}
    NotebookClient(book, kernel_manager_class=Manager, kernel_name="python3", timeout=60, store_widget_state=False,
                   record_timing=False, coalesce_streams=True, resources={"metadata": {"path": str(path.parent)}}).execute()
    told = 0
    for cell in book.cells:
        if recorded.TAG not in cell.metadata.get("tags", []):
            continue
        notice, *outputs = cell.outputs
        told += "user.max_user_namespaces" in notice.data["text/plain"]
        assert "recording" in notice.data["text/plain"], cell.id
        assert words(outputs) == words(stored[cell.id]), cell.id
    assert told == 1, "said once"


def words(outputs):
    """What is read in a cell: text, one after the other, and pictures as they are."""
    found = []
    for output in outputs:
        if output.get("data"):
            found.append(dict(output.data))
        elif output.output_type != "display_data":
            text = output.text if output.output_type == "stream" else "\n".join(output.traceback) + "\n"
            found[-1:] = [found[-1] + text] if found and isinstance(found[-1], str) else [*found[-1:], text]
    return found


def test_a_changed_cell_runs(tmp_path):
    cell = nbformat.v4.new_code_cell("net = Network()", metadata={"tags": [recorded.TAG]},
                                     outputs=[nbformat.v4.new_output("stream", text="seen\n")])
    file = tmp_path / "recorded.json"
    file.write_text(recorded.record([cell, nbformat.v4.new_code_cell("1 + 1")]))
    shell = Shell()
    recording = recorded.Recording(shell, file, "Not here.")
    assert list(json.loads(file.read_text())) == [recorded.key("net = Network()\n")]
    changed = ["net = Network(ipv6=True)\n"]
    assert recording.instead(changed) is changed
    line, = recording.instead(["net = Network()\n"])
    assert "show(" in line and shell.input_transformers_post == [recording.instead]


def test_two_cells_of_one_text_must_print_the_same():
    one, same, other = (nbformat.v4.new_code_cell("x", metadata={"tags": [recorded.TAG]},
                                                  outputs=[nbformat.v4.new_output("stream", text=text)]) for text in "aab")
    assert recorded.record([one, same]) == recorded.record([one])
    with pytest.raises(ValueError, match="let them differ by a comment"):
        recorded.record([one, other])


def test_streams_errors_and_pictures_are_shown_again(tmp_path, capsys):
    outputs = [nbformat.v4.new_output("stream", text="words\n"), nbformat.v4.new_output("stream", name="stderr", text="more\n"),
               nbformat.v4.new_output("error", ename="OSError", evalue="no", traceback=["Traceback", "OSError: no"]),
               nbformat.v4.new_output("display_data", {"text/html": "<b>1</b>", "text/plain": "1"}),
               nbformat.v4.new_output("display_data", {})]
    cell = nbformat.v4.new_code_cell("x", metadata={"tags": [recorded.TAG]}, outputs=outputs)
    file = tmp_path / "recorded.json"
    file.write_text(recorded.record([cell]))
    shell = Shell()
    recording = recorded.Recording(shell, file, "Not here.")
    for _ in range(2):
        recording.show(recorded.key("x"))
    said = capsys.readouterr()
    assert said.out == "words\nTraceback\nOSError: no\n" * 2 and said.err == "more\n" * 2
    first, picture, second, _ = shell.shown
    assert first["text/plain"].startswith("Not here. ") and second["text/plain"] == "A recording of this cell."
    assert picture == {"text/html": "<b>1</b>", "text/plain": "1"}


class Shell:
    """What a Recording needs of IPython's."""

    def __init__(self):
        self.input_transformers_post, self.shown = [], []
        self.display_pub = self

    def publish(self, data, metadata):
        self.shown.append(data)
