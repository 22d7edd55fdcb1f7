"""A module of netlab imports only from layers below its own."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

CHAPTERS = [path.name for path in (ROOT / "netlab/chapters").iterdir() if path.name[0] != "_"]
LAYERS = [
    {"netlab.addresses", "netlab.framing", "netlab.events", "netlab.style"},  # values: no sockets, no threads
    {"netlab.words"},
    {"netlab.story"},  # values as well: events put in order
    {"netlab.sockets", "netlab.servers", "netlab.kernel"},
    {"netlab.diagram", "netlab.machine"},
    {"netlab.timeline"},
    {"netlab"},  # __init__: the names a learner types
    {"netlab.teach", "netlab.teach.check", "netlab.teach.pictures", "netlab.teach.workbench"},
    {"netlab.teach.questions", "netlab.teach.peers"},
    {"netlab.panels.base", "netlab.panels.arguments"},
    {"netlab.panels.*"},
    {"netlab.panels"},  # gathers the panels
    {"netlab.chapters.ip_addresses.pictures", "netlab.chapters.socket_methods.table"},
    {f"netlab.chapters.{chapter}.*" for chapter in CHAPTERS},
    {"netlab.chapters", *(f"netlab.chapters.{chapter}" for chapter in CHAPTERS)},
]
PURE = {"socket", "threading", "_thread", "select", "selectors", "socketserver", "asyncio", "subprocess"}


def layer(module: str) -> int | None:
    """The number of a module's layer; None where it belongs to none."""
    package = module.rpartition(".")[0]
    for name in (module, f"{package}.*", package if package != "netlab" else ""):
        for number, names in enumerate(LAYERS):
            if name in names:
                return number
    return None


def name_of(path: Path, root: Path) -> str:
    return ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, root: Path):
    """Each (line, module) that a file imports, wherever in the file the import stands."""
    package = name_of(path, root).split(".")
    if path.name != "__init__.py":
        package = package[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = root.joinpath(*base.split("."), alias.name)
                is_module = inner.with_suffix(".py").exists() or inner.is_dir()
                yield node.lineno, f"{base}.{alias.name}" if is_module else base


def faults(root: Path) -> list[str]:
    """What breaks the rule below root/netlab, one sentence each."""
    found = []
    for path in sorted((root / "netlab").rglob("*.py")):
        module = name_of(path, root)
        own = layer(module)
        if own is None:
            found.append(f"{module} is in no layer: give it one in tests/test_layers.py")
            continue
        for line, target in imports(path, root):
            if own <= 1 and target.partition(".")[0] in PURE:
                found.append(f"{module}:{line} imports {target}: the lowest layer is values in, values out")
            if target.partition(".")[0] != "netlab":
                continue
            other = layer(target)
            if other is None:
                found.append(f"{module}:{line} imports {target}, which is in no layer")
            elif other >= own:
                found.append(f"{module}:{line} imports {target}, which is not in a lower layer")
    return found


def test_each_module_imports_only_from_lower_layers():
    assert not faults(ROOT), "\n".join(faults(ROOT))


@pytest.mark.parametrize("file, line, word", [
    ("events.py", "from netlab.servers import Server", "not in a lower layer"),
    ("servers.py", "from netlab import sockets", "not in a lower layer"),
    ("servers.py", "from . import sockets", "not in a lower layer"),
    ("servers.py", "from .sockets import x", "not in a lower layer"),
    ("servers.py", "import netlab.timeline as t", "not in a lower layer"),
    ("servers.py", "def f():\n    import netlab", "not in a lower layer"),
    ("__init__.py", "def f():\n    from netlab.panels import TcpPanel", "not in a lower layer"),
    ("panels/tcp.py", "from netlab.panels.address import AddressPanel", "not in a lower layer"),
    ("panels/base.py", "from ..panels import tcp", "not in a lower layer"),
    ("framing.py", "import socket", "values in, values out"),
    ("teach/check.py", "from netlab.panels import base", "not in a lower layer"),
    ("chapters/start_here/check.py", "from netlab.chapters.ip_addresses import predict", "not in a lower layer"),
    ("helpers.py", "", "no layer"),
])
def test_the_rule_can_fail(tmp_path, file, line, word):
    for name in ("__init__.py", "events.py", "sockets.py", "servers.py", "timeline.py", "panels/__init__.py",
                 "panels/base.py", "panels/tcp.py", "panels/address.py", "framing.py", file):
        path = tmp_path / "netlab" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import json\n")
    (tmp_path / "netlab/chapters/ip_addresses").mkdir(parents=True, exist_ok=True)
    (tmp_path / "netlab/chapters/ip_addresses/predict.py").write_text("from netlab.timeline import Timeline\n")
    (tmp_path / "netlab/panels/tcp.py").write_text("from netlab.panels.base import Panel\nimport netlab\n")
    (tmp_path / "netlab/panels/__init__.py").write_text("from netlab.panels.tcp import TcpPanel\n")
    path = tmp_path / "netlab" / file
    if file != "helpers.py":
        assert faults(tmp_path) == []
    path.write_text(line + "\n")
    assert [fault for fault in faults(tmp_path) if word in fault]


def test_import_netlab_brings_no_widgets():
    code = "import sys, netlab; print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "netlab" in loaded
    assert not {"ipywidgets", "IPython", "ipykernel", "traitlets"} & set(loaded)
