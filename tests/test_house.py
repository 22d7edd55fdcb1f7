"""The house: what the repository promises about its notebooks, its code, its lock, its Makefile and Binder."""

from __future__ import annotations

import dis
import gc
import importlib.metadata
import importlib.util
import itertools
import json
import os
import re
import shutil
import socket
import subprocess
import symtable
import sys
import threading
import time
import tomllib
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT, left_behind, need, open_files
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_spec = importlib.util.spec_from_file_location("notebooks", ROOT / ".ci" / "notebooks.py")
books = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(books)

NOTEBOOKS = books.chapters() + books.solutions()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(books.BOOKS).as_posix())

MACHINE = re.compile(r"(/root/|/home/|/Users/|/tmp/|/var/folders/|site-packages|[A-Z]:\\\\?Users)")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
SILENCER = re.compile(r"nbval[-_]\w+", re.IGNORECASE)
MAY_DIFFER = {  # what this machine can do, and how fast: tagged nbval-ignore-output
    ("00_start_here.ipynb", "abilities"), ("04_socket_methods.ipynb", "families"), ("04_socket_methods.ipynb", "ipv6"),
    ("06_message_sticking.ipynb", "prices")}  # messages per second


# Notebooks

def cells(path, kind="code"):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def test_the_course_starts_with_its_contents():
    assert [path.name for path in NOTEBOOKS][:1] == [books.CONTENTS]
    stray = set(books.BOOKS.rglob("*.ipynb")) - set(NOTEBOOKS)
    stray = [path for path in stray if ".ipynb_checkpoints" not in path.parts]
    assert not stray, "neither a numbered chapter nor a solution: no one would run or find it"


@each_notebook
def test_every_code_cell_has_a_count(path):
    # A cell without one is run by nbval and not compared.
    counts = [cell.execution_count for cell in cells(path)]
    assert counts == list(range(1, len(counts) + 1)), "run make notebooks"


@each_notebook
def test_cells_are_short(path):
    long = [cell.id for cell in cells(path) if len(cell.source.splitlines()) > 25]
    assert not long, "more than 25 lines"


@each_notebook
def test_nothing_hides_an_output_from_the_comparison(path):
    for cell in cells(path):
        assert not SILENCER.search(cell.source), f"{cell.id}: a tag, not a comment, which nbval may not take"
        hiding = {tag for tag in cell.metadata.get("tags", []) if SILENCER.match(tag)}
        assert hiding <= ({"nbval-ignore-output"} if (path.name, cell.id) in MAY_DIFFER else set()), cell.id


@each_notebook
def test_the_file_is_as_make_notebooks_writes_it(path):
    # Navigation, metadata, no widget state, no path in a traceback.
    assert not books.update(path, execute=False, write=False), "run make notebooks"


@each_notebook
def test_nothing_of_one_machine_is_stored(path):
    book = nbformat.read(path, as_version=4)
    assert dict(book.metadata) == books.METADATA
    for cell in book.cells:
        assert set(cell.metadata) <= {"tags", "jupyter"}, cell.id
        stored = json.dumps([cell.metadata, cell.get("outputs", [])], ensure_ascii=False)
        assert not MACHINE.search(stored) and not TIME.search(stored), cell.id


@each_notebook
def test_the_first_code_cell_is_where_a_reader_comes_in(path):
    assert cells(path)[0].id == "imports"


def bound(source):
    """What a cell binds at its top: names of functions, classes, modules; and of other values."""
    names = symtable.symtable(source, "cell", "exec").get_symbols()
    fixed = {name.get_name() for name in names if name.is_namespace() or name.is_imported()}
    code = dis.get_instructions(compile(source, "cell", "exec"))    # from 3.12 on names of comprehensions are symbols, too
    return fixed, {each.argval for each in code if each.opname == "STORE_NAME"} - fixed


@each_notebook
def test_no_name_is_a_function_in_one_cell_and_a_value_in_another(path):
    # Else the one cell, run again, breaks the other.
    both = [bound(cell.source) for cell in cells(path)]
    clash = set().union(*(fixed for fixed, _ in both)) & set().union(*(values for _, values in both))
    assert clash == ({"socket"} if path == books.BOOKS / "03_server_and_client.ipynb" else set())  # a lesson, and undone


def test_names_that_clash_are_seen():
    assert bound("import a.b, c as d\ndef f(x): y = 1\ng, *h = [i for i in j]") == ({"a", "d", "f"}, {"g", "h"})


# Answers

def hidden(path):
    return {cell.id for cell in cells(path) if cell.metadata.get("jupyter", {}).get("outputs_hidden")}


def book_of(*cells):
    """A made-up book: prose is what begins with a star or a #; a code cell is named by its source and shows something."""
    made = [nbformat.v4.new_markdown_cell(text) if text[0] in "*#" else nbformat.v4.new_code_cell(
        text, id=text.partition("(")[0], outputs=[nbformat.v4.new_output("stream", text="1")] * (text != "silent"))
        for text in cells]
    return nbformat.v4.new_notebook(cells=made)


@pytest.mark.parametrize("texts, expected", [
    (["a", "ask(q)", "b", "*saw*", "c"], {"b"}),
    (["ask(q)", "*Run it.*", "silent", "*words*", "b", "c", "*saw*", "d"], {"b", "c"}),
    (["# T\n\n**Question.** Which?", "ask(q)", "a", "*and*\n**Predict** more", "b"], {"a", "b"}),
    (["ask(q)", "## Next", "a"], set()),                                # past the heading nobody waits for it
    (["*no question*", "a"], set()),
    (["ask(q)", "getsource(x)", "b"], {"b"}),
])
def test_what_answers_a_question_is_hidden(texts, expected):
    book = book_of(*texts)
    for _ in range(2):
        books.tidy(book, "")
        assert {cell.id for cell in book.cells if "jupyter" in cell.metadata} == expected
        for cell in book.cells:         # JupyterLab shows the first line of what it hides, so that is an empty output
            outputs = [dict(output.get("data", {})) for output in cell.get("outputs", []) if output.output_type == "display_data"]
            assert outputs == [{}] * (cell.id in expected)


def test_a_later_answer_has_a_tag():
    book = book_of("ask(q)", "a", "*saw*", "b", "c")
    book.cells[3].metadata["tags"] = ["answer"]
    assert books.answers(book.cells) == {"a", "b"}


@pytest.mark.parametrize("path", books.chapters(), ids=lambda path: path.name)
def test_every_question_has_a_hidden_answer(path):
    found, last, answers = {}, None, hidden(path)
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.source.startswith("ask("):
            last = cell.id
        if last and cell.cell_type == "code":
            found[last] = found.get(last, False) or cell.id in answers
    by_words = {"ask-steps", "predict-calls", "predict-sockets"}
    assert {name for name, answer in found.items() if not answer} <= by_words


OF_SOMETHING_ELSE = {"read-picture", "six-forms", "four-network", "four-all", "wrong-router"}    # prose that tells no answer


@pytest.mark.parametrize("path", books.chapters(), ids=lambda path: path.name)
def test_what_is_said_of_an_answer_is_folded(path):
    book, answers = nbformat.read(path, as_version=4).cells, hidden(path)
    after = [prose for cell, prose in itertools.pairwise(book) if cell.id in answers and prose.cell_type == "markdown"]
    open_to_all = {prose.id for prose in after if not prose.source.startswith("<details><summary>What you saw</summary>\n\n")}
    assert after and open_to_all <= OF_SOMETHING_ELSE


@each_notebook
def test_cell_ids_are_unique(path):
    ids = [cell.id for cell in nbformat.read(path, as_version=4).cells]
    assert len(set(ids)) == len(ids)


def test_links_between_notebooks_and_files_lead_somewhere():
    broken = []
    for path in [*ROOT.glob("*.md"), *NOTEBOOKS]:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join(cell.source for cell in cells(path, "markdown"))
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert not broken


def make_book(path, head, code, *, cell_id="a1"):
    path.parent.mkdir(parents=True, exist_ok=True)
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(head, id="title"),
                                           nbformat.v4.new_code_cell(code, id=cell_id)])
    nbformat.write(book, path)
    return path


def test_the_contents_tell_the_minutes(tmp_path):
    for n, said in enumerate(["45 minutes.", "150 minutes, and 60 more for the exercises.", "little."]):
        make_book(tmp_path / f"0{n}_a.ipynb", f"# A\n\nAbout.\n\n**Time** {said}", "1")
    assert re.findall(r"About\. \| (.*) ?\|$", books.contents(tmp_path), re.MULTILINE) == ["45 ", "150 + 60 ", " "]


def test_making_notebooks(tmp_path, monkeypatch):
    folder = tmp_path / "notebooks"
    first = make_book(folder / books.CONTENTS, "# Start", "import os; print(os.path.basename(os.getcwd()))")
    middle = make_book(folder / "01_a.ipynb", "# A", "1/0")
    last = make_book(folder / "02_b.ipynb", "# B\nmore", "2")
    answer = make_book(folder / "solutions" / "02_b.ipynb", "# B, solved", "3")
    assert books.navigation(first, folder) == "Contents (here) · Next: [A](01_a.ipynb)"
    assert books.navigation(middle, folder) == (
        "Previous: [Start](00_start_here.ipynb) · [Contents](00_start_here.ipynb) · Next: [B](02_b.ipynb)")
    assert books.navigation(last, folder) == "Previous: [A](01_a.ipynb) · [Contents](00_start_here.ipynb)"
    assert books.navigation(answer, folder) == "[Back to the chapter: B](../02_b.ipynb)"

    assert books.update(first, execute=False, write=False, folder=folder), "the check sees a missing navigation"
    assert books.update(first, execute=True, write=True, folder=folder)
    book = nbformat.read(first, as_version=4)
    assert [cell.id for cell in book.cells] == ["title", "navigation", "a1"]
    assert book.cells[2].outputs[0].text == "notebooks\n"
    stamp = first.stat().st_mtime_ns
    assert not books.update(first, execute=True, write=True, folder=folder)
    assert first.stat().st_mtime_ns == stamp, "an unchanged notebook is not written"

    book.metadata.widgets = {"application/vnd.jupyter.widget-state+json": {"state": {"a": {}}}}     # as JupyterLab saves it
    nbformat.write(book, first)
    assert books.update(first, execute=False, write=True, folder=folder)
    assert dict(nbformat.read(first, as_version=4).metadata) == books.METADATA

    with pytest.raises(books.CellExecutionError):
        books.update(middle, execute=True, write=True, folder=folder)
    book = nbformat.read(middle, as_version=4)
    book.cells[-1].metadata.tags = ["raises-exception"]
    book.cells[-1].source = "import json; json.loads('{')"
    nbformat.write(book, middle)
    books.update(middle, execute=True, write=True, folder=folder)
    error = nbformat.read(middle, as_version=4).cells[-1].outputs[0]
    assert error.ename == "JSONDecodeError" and not MACHINE.search(json.dumps(error))
    assert "json.loads" in books.ANSI.sub("", "\n".join(error.traceback))


# The code

ABOVE = {"replay", "network", "teach", "panels", "chapters"}  # what is not "the library"
FILES = [path.relative_to(ROOT / "netlab") for path in sorted((ROOT / "netlab").rglob("*.*"))
         if path.suffix in (".py", ".css", ".js")]


def lines_of(path):
    return len((ROOT / "netlab" / path).read_text(encoding="utf-8").splitlines())


def test_the_library_stays_below_3200_lines():
    lines = sum(lines_of(path) for path in FILES if path.suffix == ".py" and path.parts[0] not in ABOVE)
    assert 1000 < lines < 3200, f"{lines} lines: what can go?"


def test_no_file_but_content_has_more_than_450_lines():
    long = {path.as_posix(): lines_of(path) for path in FILES if path.parts[0] != "chapters" and lines_of(path) > 450}
    assert not long, "cut it where it does two jobs"


def test_ruff_finds_nothing():
    need(importlib.util.find_spec("ruff"), "ruff is not installed")
    said = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "--quiet", "--output-format=concise", "."],
                          cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0, f"{said.stdout}{said.stderr}\n(some of it: python -m ruff check --fix)"


@pytest.mark.parametrize("code", ["import os\n", "def f():\n    return nowhere\n", f"x = {'1' * 130}\n"])
def test_ruff_reads_the_rules(code):
    need(importlib.util.find_spec("ruff"), "ruff is not installed")
    said = subprocess.run([sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename=netlab/made_up.py", "-"],
                          cwd=ROOT, input=code, capture_output=True, text=True, timeout=60)
    assert said.returncode == 1 and "Found 1 error" in said.stdout


# The lock

def pins(text):
    """requirements.txt as (requirement, [who asks for it]), from the lines and their "via" comments."""
    found = []
    for line in text.splitlines():
        if line and not line.lstrip().startswith("#"):
            found.append((Requirement(line), []))
        elif found:
            who = line.strip().removeprefix("#").strip().removeprefix("via").strip()
            if who:
                found[-1][1].append(who)
    return found


LOCK = (ROOT / "requirements.txt").read_text(encoding="utf-8")
WANTED = [Requirement(text) for group in [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
          for text in group]


def test_the_lock_matches_pyproject():
    locked = pins(LOCK)
    direct = {canonicalize_name(pin.name) for pin, who in locked if any("netlab" in w for w in who)}
    assert direct == {canonicalize_name(want.name) for want in WANTED}, "run make lock"
    for want in WANTED:
        for pin, _ in locked:
            if canonicalize_name(pin.name) == canonicalize_name(want.name):
                (version,) = pin.specifier
                assert want.specifier.contains(version.version), f"{want} is locked as {pin}: run make lock"


def test_the_lock_names_versions_only():
    for pin, who in pins(LOCK):
        assert pin.url is None and who
        assert [spec.operator for spec in pin.specifier] == ["=="]
        assert "+" not in str(pin.specifier), f"{pin}: a build of one machine"
    assert not re.search(r"://|^-|file:|@ ", LOCK, re.MULTILINE)


def test_the_lock_is_complete_and_installed():
    """From netlab along what each package asks for, here: all of it is pinned, and the pin is what is installed."""
    here = {canonicalize_name(pin.name): pin for pin, _ in pins(LOCK) if not pin.marker or pin.marker.evaluate()}
    todo, seen = [(want, "") for want in WANTED], set()
    while todo:
        want, extra = todo.pop()
        if want.marker and not want.marker.evaluate({**default_environment(), "extra": extra}):
            continue
        name = canonicalize_name(want.name)
        for extra in ["", *want.extras]:
            if (name, extra) not in seen:
                seen.add((name, extra))
                assert name in here, f"{name} is not in requirements.txt: run make lock"
                assert here[name].specifier.contains(importlib.metadata.version(name), prereleases=True), (
                    f"{name} {importlib.metadata.version(name)} is installed, {here[name]} is locked")
                asked = importlib.metadata.requires(name) or []
                todo += [(Requirement(text), extra) for text in asked]
    assert len(seen) > 50
    assert "netlab" not in {name for name, _ in seen} and importlib.metadata.version("netlab")


# The Makefile's messages, with made-up machines

def fake_path(tmp_path, **programs):
    """A folder to use as PATH: what a recipe needs of the system, and these programs (name -> body of a sh script)."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "make", "env", "pwd", "cksum", "cut", "ls", "touch", "id", "uname", "test", "cat"):
        if (found := shutil.which(name)):
            (folder / name).symlink_to(found)
    for name, body in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    return folder


OLD = """case "$2" in *print*) echo 3.9;; *) exit 1;; esac"""
BARE = """case "$2" in *print*) echo 3.11;; *ensurepip*) exit 1;; *) exit 0;; esac"""


@pytest.mark.parametrize("programs, words", [
    ({}, "netlab needs Python 3.11 or newer, and found none"),
    ({"python3": OLD}, "and found 3.9"),
    ({"python3.13": "exit 127", "python3": OLD}, "and found 3.9"),
    ({"python3.13": "exit 127", "python3": BARE}, "sudo apt install python3.11-venv"),
    ({"uv": "exit 127", "python3": BARE}, "sudo apt install python3.11-venv"),
    ({"uv": "test $1 = --version", "python3": OLD}, "and found 3.9"),  # uv cannot fetch a Python here
])
def test_make_says_in_one_line_what_to_install(tmp_path, programs, words):
    need(os.name == "posix" and shutil.which("make"), "no make on this machine")
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    said = subprocess.run(["make", "test"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env={"PATH": str(fake_path(tmp_path, **programs)), "HOME": str(tmp_path)})
    assert said.returncode != 0
    lines = said.stdout.strip().splitlines()
    assert len(lines) == 1 and words in lines[0] and lines[0].endswith("type make again.")
    assert [line for line in said.stderr.splitlines() if "***" not in line] == []
    assert not (tmp_path / ".venv").exists()


# The check that others rely on

def test_the_leak_check_sees_a_thread_and_a_descriptor():
    threads, files = set(threading.enumerate()), open_files()
    assert left_behind(threads, files) == ""
    ends = socket.socketpair()
    thread = threading.Thread(target=ends[0].recv, args=(1,), name="left", daemon=True)
    thread.start()
    try:
        said = left_behind(threads, files, deadline=0)
        assert "['left']" in said and (files is None or "descriptors" in said)
    finally:
        ends[1].close()
        thread.join()
        ends[0].close()
    assert left_behind(threads, files) == ""


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize("seconds", [0, .15], ids=["quick", "slow"])
def test_the_leak_check_waits_for_what_a_thread_lets_go(monkeypatch, seconds):
    class Ring:
        def __init__(self):
            self.itself, self.sock = self, socket.socket()

    collect = gc.collect
    monkeypatch.setattr(gc, "collect", lambda: (collect(), time.sleep(seconds)))        # on a busy machine
    threads, files = set(threading.enumerate()), open_files()
    threading.Timer(0.05, lambda ring: None, [Ring()]).start()      # at the first look it still has the ring
    assert left_behind(threads, files, deadline=.1) == ""


# Settings

def test_jupyterlab_is_set_up_alike_by_make_and_on_binder():
    makefile, binder = ((ROOT / name).read_text(encoding="utf-8") for name in ("Makefile", "binder/postBuild"))
    ours = json.loads(re.search(r"SETTINGS := (\{.*?\}\})\n", makefile, re.DOTALL)[1].replace("\\\n", ""))
    assert ours == json.loads(re.search(r"echo '(.*?)' >", binder, re.DOTALL)[1])
    assert ours["@jupyter-widgets/jupyterlab-manager:plugin"] == {"saveState": True}
    schemas = importlib.util.find_spec("jupyterlab_widgets")
    need(schemas, "jupyterlab_widgets is not installed")
    (schema,) = Path(sys.prefix, "share/jupyter/labextensions/@jupyter-widgets/jupyterlab-manager").rglob("plugin.json")
    assert "saveState" in json.loads(schema.read_text(encoding="utf-8"))["properties"]


# Binder

def test_binder_installs_the_lock_and_the_package(tmp_path):
    need(os.name == "posix" and importlib.util.find_spec("repo2docker"), "jupyter-repo2docker is not for this system")
    need(shutil.which("git") and (ROOT / ".git").exists(), "the plan is made from the files that git tracks")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in tracked.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    plan = subprocess.run(
        [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "--user-id", "1000", "--user-name", "jovyan", "."],
        cwd=tmp_path, capture_output=True, text=True, timeout=120)
    text = plan.stdout + plan.stderr
    assert plan.returncode == 0, text[-2000:]
    assert "python=3.13" in text
    steps = [text.find(step) for step in ("\nCOPY --chown=1000:1000 src/ ",  # before the lock, which stands outside binder/
                                          'pip install --no-cache-dir -r "binder/requirements.txt"',
                                          "\nRUN ./binder/postBuild")]
    assert steps == sorted(steps) and steps[0] > 0, "copy, then the lock, then netlab itself"

    binder = tmp_path / "binder"
    assert os.access(binder / "postBuild", os.X_OK)
    (line,) = (binder / "requirements.txt").read_text().split("\n")[:-1]
    assert line.startswith("-r ") and (binder / line[3:]).resolve() == (tmp_path / "requirements.txt").resolve()
    assert "pip install --no-cache-dir --no-deps --no-build-isolation ." in (binder / "postBuild").read_text()
