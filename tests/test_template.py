"""What is in template/ becomes a chapter that passes every test: tried on a copy of the tree."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

NAME = "97_made_up"
TESTS = ["tests/test_house.py", "tests/test_layers.py", "tests/chapters/test_wrong_answers.py",
         "tests/chapters/test_run_again.py", f"notebooks/{NAME}.ipynb", f"notebooks/solutions/{NAME}.ipynb"]
NOT = "lock or make or making or leak or binder or ruff or lines or each_wrong or no_floor"  # these look at other things


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of the project."""
    folder = tmp_path_factory.mktemp("tree")
    ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in (".ci", "netlab", "notebooks", "template", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, folder)
    return folder


@pytest.fixture
def books(tree, monkeypatch):
    """The copy's .ci/notebooks.py; kernels import the copy's netlab."""
    monkeypatch.setenv("PYTHONPATH", str(tree))
    spec = importlib.util.spec_from_file_location("notebooks_of_the_copy", tree / ".ci/notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name, words", [
    ("97_Made-up", "two digits and a name in small letters"), ("made_up", "two digits and a name"),
    ("00_made_up", "there is a chapter of that number"), ("98_start_here", "there is a chapter of that number or name")])
def test_a_chapter_needs_a_name_and_a_number_of_its_own(books, capsys, name, words):
    with pytest.raises(SystemExit):
        books.main(["--new", name])
    assert words in capsys.readouterr().err


def test_a_chapter_made_from_the_template_passes_every_test(tree, books):
    for other in (tree / "tests/chapters").glob("wrong_*.py"):      # the other chapters' answers take long
        other.unlink()
    assert books.main(["--new", NAME]) == 0
    start = (tree / "notebooks/00_start_here.ipynb").read_text(encoding="utf-8")
    assert f"[A chapter to begin with]({NAME}.ipynb) | What the chapter is about" in start, "it is in the contents"
    assert "template" not in (tree / f"notebooks/{NAME}.ipynb").read_text(encoding="utf-8")
    chosen = f"not ({NOT}) and ({NAME} or not run_again)"
    said = subprocess.run([sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k", chosen, *TESTS], cwd=tree,
                          env={**os.environ, "PYTHONUTF8": "1"}, capture_output=True, text=True, encoding="utf-8", timeout=240)
    assert said.returncode == 0, said.stdout + said.stderr
    for part in TESTS:
        assert f"{part} ." in said.stdout.replace(os.sep, "/"), f"{part} ran no test"
