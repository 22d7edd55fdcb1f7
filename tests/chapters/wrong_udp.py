"""Answers to the exercises of this chapter: typical wrong ones, each with what its message must say, and right ones."""
from answers import right, wrong

from netlab.chapters.udp import check


@wrong(check.cut, "no half characters")
def counts_characters(text, limit):
    return text[:limit]


@wrong(check.cut, "give back a text (str)")
def forgets_decode(text, limit):
    return text.encode()[:limit]


@wrong(check.cut, "about the code", "UnicodeDecodeError")
def decodes_a_half_character(text, limit):
    return text.encode()[:limit].decode()


@wrong(check.cut, "no half characters")
def replaces_a_half_character(text, limit):
    return text.encode()[:limit].decode(errors="replace")


@wrong(check.cut, "U+FFFD")
def strips_the_sign(text, limit):
    return text.encode()[:limit].decode(errors="replace").rstrip("\ufffd")


@wrong(check.cut, "less than 0")
def takes_any_limit(text, limit):
    return text.encode()[:limit].decode(errors="ignore")


@wrong(check.cut, "an ASCII character is one byte")
def in_another_encoding(text, limit):
    return text.encode("utf-16-le")[:limit].decode("utf-16-le", "ignore")


@wrong(check.cut, "return")
def forgets_return(text, limit):
    text.encode()[:limit].decode(errors="ignore")


@wrong(check.cut, "your code refuses this", "raised ValueError: too long")
def refuses_long_text(text, limit):
    if len(text.encode()) > limit:
        raise ValueError("too long")
    return text


@right(check.cut)
def ignores_the_half(text, limit):
    if limit < 0:
        raise ValueError("limit is 0 or more")
    return text.encode()[:limit].decode(errors="ignore")


@right(check.cut)
def takes_one_after_the_other(text, limit):
    if limit < 0:
        raise ValueError(f"{limit} is less than 0")
    while len(text.encode()) > limit:
        text = text[:-1]
    return text
