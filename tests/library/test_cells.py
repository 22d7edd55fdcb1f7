"""netlab.teach.cells in a real kernel: the limit of a cell, tracebacks without our lines, where to go on."""
import subprocess
import sys

import pytest
from conftest import ROOT
from reader import Reader

from netlab.teach import cells
from netlab.teach.cells import GO_ON

SETUP = """import errno, socket, threading
import netlab.chapters
from netlab import Timeline, addresses, serve
from netlab.kernel import wait_until
from netlab.teach import check
ends = socket.socketpair()"""
need_a_clock = pytest.mark.skipif(not hasattr(cells.signal, "setitimer"), reason="this system has no SIGALRM")


@pytest.fixture(scope="module")
def reader():
    reader = Reader()
    assert reader.see(SETUP) == ""
    yield reader
    reader.close()


@pytest.mark.parametrize("source, last", [
    ('Timeline().socket().sendall("text")', "----> 1 Timeline().socket().sendall("),
    ('addresses.ipv4_to_int("1.2.3.256")', "----> 1 addresses.ipv4_to_int("),
    ("serve(5)", "----> 1 serve(5)"),
    ("with serve(lambda conn, address: 1 / 0) as server:\n    socket.create_connection(server.address).recv(1)",
     "----> 1 with serve(lambda conn, address: 1 / 0)"),
    ("try:\n    addresses.ipv4_to_int('x')\nexcept ValueError:\n    serve(6)", "During handling of the above exception"),
    ("wait_until(lambda: False, 0.01)", "----> 1 wait_until("),
])
def test_a_traceback_has_no_line_of_ours(reader, source, last):
    said = reader.see(source)
    assert last in said
    assert "netlab/" not in said and "netlab\\" not in said
    assert "Custom TB Handler failed" not in reader.stderr


@pytest.mark.parametrize("source, line", [
    ("x = 1\nprint(x", "    print(x\n"), ("if x:\n    y = 1\n  z = 2", "    z = 2\n"), ("f(1 2)", "    f(1 2)\n")])
def test_a_cell_that_cannot_be_read_shows_itself_and_nothing_of_ipython(reader, source, line):
    said = reader.see(source)
    assert line in said and "Error" in said.splitlines()[-1]
    assert "IPython" not in said and "site-packages" not in said and "Custom TB Handler failed" not in reader.stderr


def test_what_a_cell_runs_and_cannot_be_read_is_found_by_its_line(reader):
    assert "line 2\n    exec('1 +')" in reader.see("x = 1\nexec('1 +')")


def test_lines_of_other_libraries_stay(reader):
    assert "decoder.py" in reader.see("import json; json.loads('{')")


def test_the_cell_has_failed_for_others_too(reader):
    """JupyterLab and nbclient stop at the reply to the cell, %tb shows the error again."""
    sent = reader.start("1/0", "c1")
    reader.result(sent)
    reply = reader.client.get_shell_msg(timeout=10)
    while reply["parent_header"]["msg_id"] != sent:
        reply = reader.client.get_shell_msg(timeout=10)
    assert (reply["content"]["status"], reply["content"]["ename"]) == ("error", "ZeroDivisionError")
    assert "ZeroDivisionError" in reply["content"]["traceback"][1] and "ZeroDivisionError" in reader.see("%tb")


@need_a_clock
@pytest.mark.parametrize("wait", [
    "ends[0].recv(1)", "threading.Event().wait()", "while True:\n    pass", "wait_until(lambda: False, 60)",
    "try:\n    ends[0].recv(1)\nexcept Exception:\n    print('swallowed')",
    "check.call(lambda: None); ends[0].recv(1)"])
def test_a_cell_that_does_not_end_is_stopped_and_says_where_to_go_on(reader, wait):
    reader.limit(0.1)
    said = reader.see(wait)
    reader.limit(cells.LIMIT)
    assert "WaitedTooLong: this cell has run for 0.1 seconds" in said and said.endswith(GO_ON)
    assert "netlab/" not in said


@need_a_clock
def test_the_clock_stops_with_the_cell_and_while_the_reader_is_asked(reader):
    reader.limit(0.1)
    assert reader.see("def _input_request():\n    threading.Event().wait(0.25)\n_input_request()") == ""
    reader.limit(cells.LIMIT)
    assert reader.value("import signal; signal.getitimer(signal.ITIMER_REAL)[0] > 1") == "True"
    reader.run("thread = threading.Thread(target=lambda: seen.append(signal.getitimer(signal.ITIMER_REAL)))")
    reader.run("seen = []; get_ipython().events.register('post_run_cell', lambda result: thread.ident or thread.start())")
    assert reader.value("thread.join(); seen") == "[(0.0, 0.0)]"


@pytest.mark.parametrize("first, again, helped", [
    ("", "not_there", True),                                        # after a restart
    ("", "exec('not_there', {})", False),                           # not the reader's own line
    ("", "socket.create_connection(('127.0.0.1', 1))", False),
    ("", "Timeline().socket().connect(('127.0.0.1', 1))", True),     # most likely a server that is gone
    ("", "int('x')", False),
    ("gone = socket.socket(); gone.close()", "gone.recv(1)", True),
    ("one = [1]", "one.pop()", True),                               # it worked the first time
    ("", "1 / 0", False),                                           # it never did
    ("", "%no_such_magic", False),
    ("", "with serve(lambda conn, address: not_there) as server:\n"       # also where it is the handler that lacks a name
         "    socket.create_connection(server.address).recv(1); raise ConnectionResetError", True),
    ("kept = OSError(errno.EBADF, 'closed')", "raise kept", True),
])
def test_an_error_says_where_to_go_on_where_another_cell_is_the_reason(reader, first, again, helped):
    reader.see(first)
    reader.see(again)
    assert reader.see(again).endswith(GO_ON) == helped, reader.error
    assert reader.error.count(GO_ON) == helped and "Custom TB Handler failed" not in reader.stderr


def test_after_a_cell_was_stopped_its_half_may_be_the_reason(reader):
    wrong = "addresses.ipv4_to_int('x')"
    reader.run("netlab.chapters.around.stopped.clear()")
    assert not reader.see(wrong).endswith(GO_ON)
    half = "if halfway: raise KeyboardInterrupt"
    reader.see("halfway = True")
    reader.see(half)
    assert reader.see(wrong).endswith(GO_ON) and not reader.see("int('half')").endswith(GO_ON)
    reader.see("halfway = False")
    assert reader.see(half) == "" and not reader.see(wrong).endswith(GO_ON)


def test_nothing_happens_outside_a_notebook():
    assert cells.begin() is None
    said = subprocess.run([sys.executable, "-c", "import netlab.chapters, sys; print('IPython' in sys.modules)"], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)
    assert (said.stdout.strip(), said.stderr) == ("False", "")
