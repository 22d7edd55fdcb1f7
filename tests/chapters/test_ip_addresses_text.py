"""Chapter 2: what it says where something is missing, and that its cells can be run again in any order."""
import ast
import contextlib
import errno
import io

import nbformat
import pytest
from conftest import ROOT

import netlab

CELLS = {cell.id: cell.source for cell in nbformat.read(ROOT / "notebooks" / "02_ip_addresses.ipynb", as_version=4).cells
         if cell.cell_type == "code"}


@pytest.mark.parametrize("cell", ["router-run", "two-run", "two-refused"])
@pytest.mark.parametrize("number", [errno.EADDRNOTAVAIL, errno.EMFILE])
def test_only_a_missing_address_is_told_as_one(monkeypatch, cell, number):
    names, shown = {}, io.StringIO()
    for needed in ("imports", "router-define", "two-define"):
        exec(CELLS[needed], names)

    def fails(*args, **options):
        raise OSError(number, "as if")

    monkeypatch.setattr(netlab, "serve", fails)
    real = number == errno.EADDRNOTAVAIL
    with contextlib.redirect_stdout(shown), contextlib.nullcontext() if real else pytest.raises(OSError, match="as if"):
        exec(CELLS[cell], names)
    assert ("only 127.0.0.1" in shown.getvalue()) == real


def test_no_cell_gives_a_name_of_the_exercises_to_something_else():
    theirs = {cell: {node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
              for cell, source in CELLS.items() if cell.startswith("do-")}
    functions = set.union(*theirs.values())
    assert "mask" in functions
    for cell, source in CELLS.items():
        stored = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name) and
                  isinstance(node.ctx, ast.Store)}
        assert not stored & functions, cell


def test_the_ipv4_socket_itself_is_asked_for_an_ipv6_address():
    shown = io.StringIO()
    names = {}
    exec(CELLS["imports"], names)
    with contextlib.redirect_stdout(shown):
        exec(CELLS["longer"], names)
    assert shown.getvalue() == "gaierror\n"
