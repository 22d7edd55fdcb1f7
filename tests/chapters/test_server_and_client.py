"""Chapter 3: what it promises is there, its questions are asked, and running it leaves nothing behind."""
import contextlib
import re
import socket
from pathlib import Path

import nbformat
import pytest

from netlab.chapters.server_and_client import predict
from netlab.teach.questions import Question

CHAPTER = Path(__file__).parents[2] / "notebooks" / "03_server_and_client.ipynb"
CELLS = nbformat.read(CHAPTER, as_version=4).cells
CODE = [cell for cell in CELLS if cell.cell_type == "code"]
QUESTIONS = {name: value for name, value in vars(predict).items() if isinstance(value, Question)}


def printed(cell):
    """What the cell shows as text."""
    parts = []
    for output in cell.outputs:
        parts += [output.get("text", ""), output.get("data", {}).get("text/plain", ""), output.get("ename", "")]
    return "\n".join(parts)


OUTPUT = "\n".join(map(printed, CODE))


def test_each_question_is_asked_once():
    asked = [name for cell in CODE for name in re.findall(r"ask\(predict\.(\w+)\)", cell.source)]
    assert sorted(asked) == sorted(QUESTIONS)
    assert len(asked) >= 16


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_answer_is_judged_right_and_no_other(name):
    question = QUESTIONS[name]
    assert question.judge(question.answer).right
    others = [choice for choice in question.choices if choice != question.answer] if question.kind == "single" else []
    assert not any(question.judge(other).right for other in others)
    assert not question.judge("").right


@pytest.mark.parametrize("word", [
    "CLOSED", "LISTEN", "ESTABLISHED", "SYN_SENT", "CLOSE_WAIT", "FIN_WAIT_2",          # states
    "EADDRINUSE", "EADDRNOTAVAIL", "ECONNREFUSED", "EINVAL", "ENOTCONN", "EPIPE", "ECONNRESET", "EBADF", "EAGAIN",
    "gaierror", "OverflowError", "TypeError", "AttributeError", "TimeoutError",         # errors
    "2 waiting, limit 1", "not received yet", "the peer ended its sending"])
def test_the_chapter_shows(word):
    pictures = "".join(output.get("data", {}).get("image/svg+xml", "") for cell in CODE for output in cell.outputs)
    assert word in OUTPUT + pictures


def test_no_volatile_number_is_stored():
    allowed = {"128", "1018", "1024", "65536"}
    found = set(re.findall(r"(?<![\w.'\"])\d{3,}(?![\w.])", OUTPUT))
    assert found <= allowed, found - allowed
    assert "1024" in found


def test_lines_fit_the_page():
    for cell in CODE:
        assert max(map(len, cell.source.splitlines())) <= 97, cell.id
        assert len(cell.source.splitlines()) <= 15, cell.id


def test_running_it_leaves_no_thread_and_no_socket(no_leaks):
    names, before = {}, socket.socket
    for cell in CODE:
        expected = (Exception,) if "raises-exception" in cell.metadata.get("tags", []) else ()
        with contextlib.suppress(*expected), contextlib.redirect_stdout(None):
            exec(cell.source, names)
    assert socket.socket is before
    names.clear()
