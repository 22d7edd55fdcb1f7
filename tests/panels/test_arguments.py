"""netlab.panels.arguments: what a learner types is read, never run."""
import socket

import pytest
from hypothesis import given, settings, strategies as st

from netlab.panels.arguments import MAX_BUFFER, MAX_TEXT, read

HERE = {"server.address": ("127.0.0.1", 80), "path": "/tmp/path"}


@pytest.mark.parametrize("typed, args", [
    ("", []), ("5", [5]), (" 5 , -1, 0.5, 1e300 ", [5, -1, 0.5, 1e300]), ("None, True, False", [None, True, False]),
    ("b'x', 'text', ()", [b"x", "text", ()]), ('("127.0.0.1", 0)', [("127.0.0.1", 0)]), ("[b'a', (1, [2])]", [[b"a", (1, [2])]]),
    ("MSG_PEEK", [socket.MSG_PEEK]), ("socket.MSG_PEEK | MSG_WAITALL", [socket.MSG_PEEK | socket.MSG_WAITALL]),
    ("b'ab' * 3, 2 * 'x'", [b"ababab", "xx"]), ("bytearray(3)", [bytearray(3)]), ("bytearray(b'abc')", [bytearray(b"abc")]),
    ("server.address, path", [("127.0.0.1", 80), "/tmp/path"]), ("5,", [5]), ("5 # five", [5]), (r"'\d'", ["\\d"]),
])
def test_values(typed, args, recwarn):
    assert read(typed, HERE).args == args and not recwarn.list


def test_keywords_and_code():
    found = read("server.address, MSG_PEEK, buffering = 0", HERE, {"server.address": "listener.getsockname()"})
    assert found.keywords == {"buffering": 0}
    assert found.code == "listener.getsockname(), socket.MSG_PEEK, buffering=0"


@pytest.mark.parametrize("typed, words", [
    ("(", "cannot be read"), ("1); print(2", "cannot be read"), ("\0", "cannot be read"), ("yield", "cannot be read"),
    ("(" * 390, "cannot be read"), ("-" * 390 + "1", "not allowed|cannot be read"), ("x." * 190 + "x", "no name|cannot be read"),
    ("1)(2", "not allowed"),
    ("x" * (MAX_TEXT + 1), "too long"), ("x", "no name known"), ("path.x", "no name known"), ("().__class__", "no name known"),
    ("socket.socket", "no name known"), ("CAPI", "no name known"), ("MSG_NONSENSE", "no name known"), ("EAI", "no name known"),
    ("__import__('os')", "not allowed"), ("open('/etc/passwd')", "not allowed"), ("lambda: 1", "not allowed"),
    ("[x for x in 'ab']", "not allowed"), ("*[1]", "not allowed"), ("**{}", "not allowed"), ("f'{1}'", "not allowed"),
    ("...", "not allowed"), ("1j", "not allowed"), ("{1: 2}", "not allowed"), ("10 ** 10", "not allowed"),
    ("1 + 1", "not allowed"),
    ("a := 5", "not allowed"), ("'x' | 1", "not allowed"), ("bytearray('x')", "not allowed"), ("bytearray(-1)", "not allowed"),
    ("b'x' * 99999999", "at most 8,000,000"), ("b'x' * 2 * 9999999999", "at most 8,000,000"), ("b'x' * b'x'", "by a number"),
    (f"'x' * -{10 ** 60}", "at most 8,000,000"), (f"'' * {10 ** 60}", "at most 8,000,000"), (f"-{10 ** 60} * b'x'", "at most"),
    (f"bytearray({MAX_BUFFER + 1})", "at most 1,048,576"),
])
def test_what_is_refused_is_told_in_words(typed, words):
    with pytest.raises(ValueError, match=words) as told:
        read(typed, HERE)
    assert len(str(told.value)) < 200 and "\n" not in str(told.value).replace(typed, "")


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60) | st.text("()[]{},.*|-_'\"\\ 0123456789abrxsocketMSG_PEEK:=@\n", max_size=60))
def test_anything_is_read_or_refused(typed):
    try:
        args, keywords, code = read(typed, HERE)
    except ValueError as error:
        assert str(error)
    else:
        assert isinstance(args, list) and isinstance(keywords, dict) and isinstance(code, str)
