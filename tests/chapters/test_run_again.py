"""Every cell of every chapter in a real kernel: run twice, each part alone after a restart, in any order, interrupted.

A cell does what it should, or says where to go on; and whoever does as it says is well again.
"""
import random

import nbformat
import pytest
from conftest import ROOT
from reader import Reader

from netlab.teach.cells import GO_ON, LIMIT

FOLDER = ROOT / "notebooks"
BOOKS = {path.relative_to(FOLDER).as_posix(): path for path in sorted(FOLDER.rglob("[0-9]*.ipynb"))
         if ".ipynb_checkpoints" not in path.parts}
WAIT = {"03_server_and_client.ipynb": {"step-accept", "step-talk", "more", "drain"}}       # when run again
TOGETHER = {"fail-shadow": "repair"}        # takes the name of a module away, and gives it back
TIMES = 10
SHORT = 0.25            # seconds: who takes longer is stopped, and then does as the message says, with all the time there is
BEFORE = """import conftest, threading
_all = conftest.open_files              # sockets only: ipykernel has an eventfd more, now and then, when it is interrupted
conftest.open_files = lambda _all=_all: {number: name for number, name in (_all() or {}).items() if "socket" in name}
conftest.before = set(threading.enumerate()), conftest.open_files()"""
LARGE = "display({'text/plain': 'x' * 100_000}, raw=True)"       # what is above 64 kB starts a thread of ZMQ's own, once


class Book:
    """A notebook and its kernel; its parts are what stands under a large heading."""

    def __init__(self, name):
        self.name, self.reader, self.parts, self.part_of = name, Reader(), [[]], {}
        for cell in nbformat.read(BOOKS[name], as_version=4).cells:
            if cell.cell_type == "code":
                self.parts[-1].append(cell)
                self.part_of[cell.id] = self.parts[-1]
            elif cell.source.startswith("## "):
                self.parts.append([])
        self.cells = [cell for part in self.parts for cell in part]
        self.entry, *self.rest = self.cells

    def see(self, cell):
        """Run it: the error that should not be."""
        error = self.reader.see(cell.source, cell.id)
        return "" if "raises-exception" in cell.metadata.get("tags", []) else error

    def restart(self):
        """As after a restart: no name is there, no cell has worked before. (The modules stay loaded, which takes less time.)"""
        self.reader.run("%reset -f")
        assert self.see(self.entry) == ""
        self.reader.run("import netlab.chapters as _chapters; _chapters.around.worked.clear()")
        self.reader.limit(LIMIT)

    def go_on(self, cell):
        """Do as the message says, up to and with this cell: all of it works."""
        self.reader.limit(LIMIT)
        part = self.part_of[cell.id]
        for one in [self.entry, *part[:part.index(cell) + 1]]:
            if one is cell or not is_panel(one):
                assert self.see(one) == "", one.id

    def threads(self):
        return int(self.reader.value("__import__('threading').active_count()"))

    def is_well(self, cell):
        """Run it in little time: whether it works; if not, it says where to go on."""
        makes_a_network = "network" in cell.metadata.get("tags", [])
        self.reader.limit(4 * SHORT if makes_a_network else SHORT)
        error = self.see(cell)
        assert not error or error.endswith(GO_ON), f"{cell.id}: {error}"
        return not error


def is_panel(cell):
    return cell.source.startswith("ask(") or "Panel(" in cell.source


@pytest.fixture(scope="module", params=BOOKS)
def book(request):
    book = Book(request.param)
    book.reader.run(f"import sys; sys.path[:0] = {[str(ROOT / 'tests'), str(ROOT / 'tests/tools')]}")
    yield book
    book.reader.close()


@pytest.fixture(autouse=True)
def no_thread_complains(book):
    """What a thread raises stands under whichever cell runs then. (Its words may come a cell later.)"""
    book.reader.stderr = ""
    yield
    book.reader.run("pass")
    assert book.reader.stderr == ""


def test_each_cell_runs_twice_and_can_be_stopped_and_nothing_is_left(book):
    """Who waits the second time is stopped by the clock, the third time by the square button."""
    book.restart()
    book.reader.run(LARGE)
    book.reader.run(BEFORE)
    waited = set()
    for cell in book.cells:
        if is_panel(cell):              # threads of its own; run again below, where they do no harm
            continue
        if not book.is_well(cell):
            book.go_on(cell)
        if not book.is_well(cell):
            if "WaitedTooLong" in book.reader.error:
                book.reader.limit(LIMIT)
                if "KeyboardInterrupt" in book.reader.interrupt(cell.source, cell.id):
                    waited.add(cell.id)         # else it was only slow
            book.go_on(cell)
    assert waited >= WAIT.get(book.name, set())
    book.reader.limit(LIMIT)
    book.reader.run("%reset -f")
    for source in ("1/0", "pass", "1/0"):       # the frames of the last error held their sockets, and from Python 3.12 on
        book.reader.run(source)                 # something holds the error before that
    assert book.reader.value("import conftest; conftest.left_behind(*conftest.before)") == "''"


def test_each_part_runs_alone_after_a_restart(book):
    """And again and again, what leaves a thread that meets in its own time what the next run does to it."""
    for part in filter(None, book.parts):
        book.restart()
        for cell in part:
            before = book.threads()
            assert book.see(cell) == "", cell.id
            again = TIMES if book.threads() > before and not is_panel(cell) else 0
            again = min(again, 3) if "network" in cell.metadata.get("tags", []) else again      # each makes one, which takes time
            assert [book.see(cell) for _ in range(again)] == [""] * again, cell.id


def test_cells_run_in_any_order_or_say_where_to_go_on(book):
    if "/" in book.name:
        return                          # solutions: each cell stands for itself, and takes long
    book.restart()
    by_id = {cell.id: cell for cell in book.cells}
    order = [cell for cell in book.rest if cell.id not in TOGETHER.values()]
    random.Random(7).shuffle(order)
    for cell in order:
        book.is_well(cell)
        if cell.id in TOGETHER:
            assert book.see(by_id[TOGETHER[cell.id]]) == ""
    for part in filter(None, book.parts):
        book.go_on(part[0])
