"""The floors of netlab: the contracts of [tool.importlinter] in pyproject.toml, and what they find when one is broken."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys

from conftest import ROOT, need

LINT = "from importlinter.cli import lint_imports_command as lint; lint(['--no-logo', '--no-cache'])"

WRONG = {  # file: (a line that may not stand there, how the report names it)
    "events.py": ("from netlab.servers import Server", "netlab.events -> netlab.servers"),
    "servers.py": ("from . import sockets", "netlab.servers -> netlab.sockets"),
    "style.py": ("def f():\n    import netlab.timeline as t", "netlab.style -> netlab.timeline"),
    "addresses.py": ("import selectors", "netlab.addresses -> selectors"),
    "framing.py": ("import socket", "netlab.framing -> socket"),
    "timeline.py": ("from netlab import serve", "netlab.timeline -> netlab "),
    "__init__.py": ("def f():\n    from netlab.panels import TcpPanel", "netlab -> netlab.panels "),
    "teach/questions.py": ("from netlab.panels import quiz", "netlab.teach.questions -> netlab.panels.quiz"),
    "teach/check.py": ("from IPython.display import HTML", "netlab.teach.check -> IPython"),
    "panels/base.py": ("from .address import AddressPanel", "could be made acyclic"),
    "panels/quiz.py": ("import netlab.chapters.start_here.predict", "netlab.panels.quiz -> netlab.chapters.start_here.predict"),
    "chapters/start_here/predict.py": ("from ..ip_addresses import predict",
                                       "netlab.chapters.start_here.predict -> netlab.chapters.ip_addresses.predict"),
}


def lint(root) -> tuple[bool, str]:
    """(are all contracts kept, the report in one line)."""
    need(importlib.util.find_spec("importlinter"), "import-linter is not installed")
    run = subprocess.run([sys.executable, "-c", LINT], cwd=root, capture_output=True, text=True, timeout=60,
                         env={**os.environ, "COLUMNS": "300"})
    return run.returncode == 0, re.sub(r"\s+", " ", run.stdout + run.stderr)


def copy_of_the_tree(tmp_path):
    shutil.copytree(ROOT / "netlab", tmp_path / "netlab", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path / "netlab"


def test_each_module_imports_only_from_the_floors_below():
    kept, report = lint(ROOT)
    assert kept and " 0 broken" in report, report


def test_each_wrong_import_is_found(tmp_path):
    netlab = copy_of_the_tree(tmp_path)
    for file, (line, _) in WRONG.items():
        with (netlab / file).open("a", encoding="utf-8") as out:
            out.write(f"\n{line}\n")
    kept, report = lint(tmp_path)
    assert not kept
    assert not [said for _, said in WRONG.values() if said not in report], report


def test_a_module_on_no_floor_is_found(tmp_path):
    (copy_of_the_tree(tmp_path) / "helpers.py").write_text("import json\n")
    kept, report = lint(tmp_path)
    assert not kept and "not listed as layers: - netlab.helpers" in report


def test_import_netlab_brings_no_widgets():
    code = "import sys, netlab; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "netlab" in loaded
    assert not {"ipywidgets", "anywidget", "IPython", "ipykernel", "traitlets"} & set(loaded)
