"""Typical wrong answers fail their check, each with a message about its own mistake. (nbval runs the worked solution.)"""
import pytest

from netlab.chapters.template import check
from netlab.teach.check import FAILED


def forgets_return(text, limit):
    text.encode()[:limit].decode(errors="ignore")


def refuses_long_text(text, limit):
    if len(text.encode()) > limit:
        raise ValueError("too long")
    return text


def never_all(text, limit):
    while len(text.encode()) >= limit >= 0 and text:
        text = text[:-1]
    return text


@pytest.mark.parametrize("wrong, words", [
    (lambda text, limit: text[:limit], "no half characters"),
    (lambda text, limit: text.encode()[:limit], "give back a text (str)"),
    (lambda text, limit: text.encode()[:limit].decode(), "UnicodeDecodeError"),
    (lambda text, limit: text.encode()[:limit].decode(errors="replace"), "no half characters"),
    (lambda text, limit: text.encode()[:limit].decode(errors="replace").rstrip("\ufffd"), "U+FFFD"),
    (lambda text, limit: text.encode()[:limit].decode(errors="ignore"), "less than 0"),
    (lambda text, limit: text.encode("utf-16-le")[:limit].decode("utf-16-le", "ignore"), "an ASCII character is one byte"),
    (forgets_return, "return"),
    (refuses_long_text, "raised ValueError: too long"),
    (never_all, "an ASCII character is one byte"),
])
def test_a_wrong_answer_is_refused_with_its_message(wrong, words):
    result = check.cut(wrong)
    assert result.state == FAILED and words in repr(result), result
