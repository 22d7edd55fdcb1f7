"""netlab.replay.source: the cells, and the parts of scripts, that made recorded calls, and the line of each call."""
import linecache
import textwrap
import threading

import pytest
from reader import Reader

from netlab import Timeline
from netlab.events import Event
from netlab.replay.source import WHOLE, blocks_of


@pytest.fixture
def run():
    """Run a cell's text with these names, as IPython does: linecache knows the text by the name of the code's file."""
    known = []

    def run(text, names, filename=None):
        known.append(filename or f"<cell {len(known)}>")
        linecache.cache[known[-1]] = len(text), None, text.splitlines(keepends=True), known[-1]
        names["__name__"] = "__main__"
        exec(compile(text, known[-1], "exec"), names)
        return names

    yield run
    for name in known:
        linecache.cache.pop(name, None)


@pytest.fixture
def timeline():
    return Timeline()


def lit(timeline):
    """[(call, number of the block, the line's text)], or [(call,)] where it is not known, and the blocks."""
    blocks, places = blocks_of(timeline.events)

    def shown(block, line):
        return block, blocks[block].lines[line - 1]

    return [(event.method, *(shown(*places[event.index]) if event.index in places else ())) for event in timeline.events], blocks


def script(folder, text, names, name="talk.py"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    exec(compile(text, str(path), "exec"), names | {"__name__": "__main__"})


def test_one_cell_is_one_block_without_a_title_and_blank_lines_at_its_end(run, timeline):
    run("a, b = pair()\n\na.sendall(b'x')\nb.recv(5); b.close()\na.close()\n\n\n", {"pair": timeline.socketpair})
    calls, (block,) = lit(timeline)
    assert block.title == ""
    assert block.lines == ("a, b = pair()", "", "a.sendall(b'x')", "b.recv(5); b.close()", "a.close()")
    assert calls == [("sendall", 0, "a.sendall(b'x')"), ("recv", 0, "b.recv(5); b.close()"),
                     ("close", 0, "b.recv(5); b.close()"), ("close", 0, "a.close()")]


def test_a_function_of_one_cell_called_in_another_also_in_a_thread_is_found_in_its_own(run, timeline):
    names = run("def serve(sock):\n    sock.recv(5)\n    sock.close()", {"pair": timeline.socketpair, "threading": threading})
    run("a, b = pair()\na.sendall(b'x')\nthread = threading.Thread(target=serve, args=(b,))\nthread.start()\n"
        "thread.join()\na.close()", names)
    calls, blocks = lit(timeline)
    assert calls == [("sendall", 0, "a.sendall(b'x')"), ("recv", 1, "    sock.recv(5)"), ("close", 1, "    sock.close()"),
                     ("close", 0, "a.close()")]
    assert [block.title for block in blocks] == ["Cell: a.sendall(b'x')", "Cell: def serve"]
    blocks, places = blocks_of(reversed(timeline.events[:-1]))
    assert [block.title for block in blocks] == ["Cell: def serve", "Cell: a.sendall(b'x')"], "in the order given"
    assert sorted(places.values()) == [(0, 2), (0, 3), (1, 2)]


def test_calls_over_lines_lambdas_comprehensions_and_with(run, timeline):
    run(textwrap.dedent("""\
        a, b = pair()
        with a, \\
                b:
            a.sendall(
                b"x"
                b"y",
            )
            got = (b
                   .recv(1)
                   .decode())
            [end.setblocking(True)
             for end in (a, b)]
            hear = (lambda sock:
                    sock.recv(9))
            later(a.send, b"z")
            hear(b)
    """), {"pair": timeline.socketpair, "later": lambda call, *args: call(*args)})
    calls, _ = lit(timeline)
    assert [line.strip() for *_, line in calls] == [
        "a.sendall(", ".recv(1)", "[end.setblocking(True)", "[end.setblocking(True)", 'later(a.send, b"z")', "sock.recv(9))",
        "with a, \\", "with a, \\"]


def test_the_same_text_run_twice_is_one_block(run, timeline):
    text = "a, b = pair()\na.sendall(b'x')\nb.recv(5)\na.close()\nb.close()"
    for _ in range(2):
        run(text, {"pair": timeline.socketpair})
    calls, blocks = lit(timeline)
    assert len(blocks) == 1 and calls[:4] == calls[4:] and len(calls) == 8


def test_code_without_a_source_has_no_block_and_leaves_the_others(run, timeline):
    text = "a.sendall(b'x')\nb.recv(5)"
    names = run("a, b = pair()", {"pair": timeline.socketpair})
    exec(text, names)
    assert blocks_of(timeline.events) == ([], {})
    exec(compile(text, "no/such/file.py", "exec"), names)
    run("a.close()\nb.close()", names)
    calls, (block,) = lit(timeline)
    assert calls == [("sendall",), ("recv",)] * 2 + [("close", 0, "a.close()"), ("close", 0, "b.close()")]
    assert block.lines == ("a.close()", "b.close()")


def test_a_text_that_is_another_by_now_lights_no_line_that_is_not_there(run, timeline):
    run("\n" * 5 + "a, b = pair()\na.close()\nb.close()", {"pair": timeline.socketpair}, "<changed>")
    for text in ("pass\n", "\n" * 20, "\n" * 9 + "pass", "an error:"):
        linecache.cache["<changed>"] = len(text), None, text.splitlines(keepends=True), "<changed>"
        assert blocks_of(timeline.events) == ([], {})


def test_events_without_code_and_events_told_twice():
    assert blocks_of([]) == ([], {})
    assert blocks_of([Event(0, 0, threading.main_thread(), "recv", (9,))]) == ([], {})


def test_rows_that_tell_an_event_twice_count_it_once(run, timeline):
    run("a, b = pair()\na.close()\nb.close()", {"pair": timeline.socketpair})
    events = timeline.events
    assert blocks_of(events * 2) == blocks_of(events)


SCRIPT = '''"""A script."""
import sys


def unused(n):
    """Never called."""
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    n = n + 1
    return sys.argv


class Talk:
    @staticmethod
    def speak(sock):
        """Say it."""

        sock.sendall(b"x")

    def other(self):
        pass


a, b = pair()
Talk.speak(a)
print()
b.recv(5)
a.close()
b.close()
'''


def test_a_short_script_is_shown_whole(tmp_path, timeline):
    text = "a, b = pair()\n\n\n\n\na.close()\nb.close()\n\n\n\n\nprint"
    script(tmp_path, text, {"pair": timeline.socketpair})
    _, (block,) = lit(timeline)
    assert block.lines == tuple(text.split("\n"))


def test_of_a_script_what_is_around_the_calls(tmp_path, timeline):
    script(tmp_path, SCRIPT, {"pair": timeline.socketpair})
    calls, (block,) = lit(timeline)
    assert block.title == "" and block.lines == (
        "    @staticmethod", "    def speak(sock):", '        """Say it."""', "", '        sock.sendall(b"x")', "…",
        "a, b = pair()", "Talk.speak(a)", "print()", "b.recv(5)", "a.close()", "b.close()")
    assert [line.strip() for *_, line in calls] == ['sock.sendall(b"x")', "b.recv(5)", "a.close()", "b.close()"]


def test_a_method_alone_stands_at_the_left_and_a_script_is_named_where_a_cell_called_it(tmp_path, run, timeline):
    names = {"pair": timeline.socketpair}
    path = tmp_path / "talk.py"
    path.write_text(text := SCRIPT.partition("\na, b = ")[0], encoding="utf-8")
    names["__name__"] = "__main__"
    exec(compile(text, str(path), "exec"), names)
    run("a, b = pair()\nTalk.speak(a)\na.close()\nb.close()", names)
    calls, blocks = lit(timeline)
    assert [block.title for block in blocks] == ["talk.py", "Cell: a.close()"]
    assert blocks[0].lines == ("@staticmethod", "def speak(sock):", '    """Say it."""', "", '    sock.sendall(b"x")')
    assert calls[0] == ("sendall", 0, '    sock.sendall(b"x")')


@pytest.mark.parametrize("many, shown", [(10, 18), (60, 13), (400, 13)])
def test_of_a_long_cell_as_much_as_fits_and_each_call(many, shown, run, timeline):
    filler = [f"    n = {n}" for n in range(many)]
    run("\n".join(["def talk(a, b):", *filler, "    a.sendall(b'x')", *filler, "    b.recv(5)", *filler,
                   "a, b = pair()", "talk(a, b)", *["m = 1"] * 20, "a.close()", "b.close()"]), {"pair": timeline.socketpair})
    calls, (block,) = lit(timeline)
    assert [line.strip() for *_, line in calls] == ["a.sendall(b'x')", "b.recv(5)", "a.close()", "b.close()"]
    assert "def talk(a, b):" in block.lines and "…" in block.lines
    assert shown <= len(block.lines) <= WHOLE + block.lines.count("…")


def test_many_calls_in_a_long_script_are_all_shown(tmp_path, timeline):
    text = "a, b = pair()\n" + "\nn = 1\nn = 2\na.sendall(b'x')\n" * 50 + "a.close()\nb.close()\n"
    script(tmp_path, text, {"pair": timeline.socketpair})
    calls, (block,) = lit(timeline)
    assert [line for *_, line in calls] == ["a.sendall(b'x')"] * 50 + ["a.close()", "b.close()"]
    assert len({place for place in blocks_of(timeline.events)[1].values()}) == 52
    assert block.lines[:3] == ("a.sendall(b'x')", "…", "a.sendall(b'x')"), "of so many no more than themselves"


CELLS = ["""\
import threading
import netlab.chapters
import netlab
from netlab.replay.source import blocks_of
timeline = netlab.Timeline()""", """\


# what the server does
def shout(conn, address):
    while data := conn.recv(100):
        conn.sendall(
            data.upper())""", """\
with (netlab.serve(shout, timeline=timeline) as server,
      netlab.serve(netlab.echo, timeline=timeline) as other,
      netlab.serve(lambda conn, address: conn.sendall(conn.recv(1)), timeline=timeline) as third):
    for end in (server, other, third):
        with timeline.socket() as client:
            client.connect(end.address)
            client.sendall(b"x")
            client.shutdown(netlab.timeline.socket.SHUT_WR)
            while client.recv(100):
                pass"""]
SHOW = """
def show():
    rows = timeline.rows()
    blocks, places = blocks_of(row.event for row in rows)
    lines = [f"{row.call}: {'{} {}'.format(*places[row.event.index]) if row.event.index in places else 'not known'}"
             for row in rows if row.phase != "start"]
    return "\\n".join([*(f"[{block.title}] {line}" for block in blocks for line in block.lines), *lines])
show()"""


@pytest.fixture(scope="module")
def reader():
    reader = Reader()
    for cell in CELLS:
        assert reader.see(cell) == ""
    yield reader
    reader.close()


def test_in_a_real_kernel_each_call_is_found_in_the_cell_as_it_was_written(reader):
    shown = eval(reader.value(SHOW))
    blocks = shown.partition("\nlisten")[0].splitlines()
    assert [line for line in blocks if line.startswith("[Cell: def shout]")] == [
        f"[Cell: def shout] {line}" for line in CELLS[1].strip("\n").splitlines()]
    for known in ("shutdown(SHUT_WR): 0 8", "recv(100): 1 3", "sendall(b\"X\"): 1 4", "recv(65536): not known"):
        assert known in shown, shown


def test_in_a_real_kernel_a_cell_run_again_adds_no_block_and_says_the_same(reader):
    before = eval(reader.value("timeline.clear()\n" + CELLS[2] + SHOW))
    again = eval(reader.value("timeline.clear()\n" + CELLS[2] + SHOW))
    assert before == again and "ipykernel" not in again
