"""netlab.teach.strip: how bytes are drawn, in the colours of their sends."""
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from netlab.replay.values import Piece, words_of
from netlab.style import MESSAGES
from netlab.teach.strip import CELL, ROOM, bytes_strip


def cells(svg):
    """(how many, their colour), as they stand beside each other."""
    shapes = [node for group in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g") for node in group if node.get("fill")]
    return [(node.get("d", "M").count("M"), node.get("fill")) for node in shapes]


def texts(svg):
    return [node.text for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_a_strip_shows_each_byte_as_text_over_hex_in_the_colour_of_its_send():
    svg = bytes_strip((Piece(b"a<", 2, 0), Piece(b" \xff", 2, 1), Piece(b"", 3, None)))
    assert texts(svg) == ["a<", "613c", "␣·", "20ff", "3", "bytes"]
    assert cells(svg) == [(2, MESSAGES[0]), (2, MESSAGES[1]), (1, "none")]


@given(st.binary(min_size=1, max_size=12), st.integers(0, 10**6))
def test_each_letter_stands_in_its_cell_over_its_two_digits(data, start):
    group = ET.fromstring(bytes_strip((Piece(data, len(data), 0, start),))).find("{http://www.w3.org/2000/svg}g")
    (path, letters, digits), moved = group, float(re.search("translate[(](-?[0-9]+)", group.get("transform"))[1])
    lefts = [moved + float(x) for x in re.findall("M([0-9]+) ", path.get("d"))]
    assert lefts == [1 + CELL * n for n in range(len(data))]
    assert len(letters.text) == len(data) and bytes.fromhex(digits.text) == data
    assert [moved + float(x) for x in letters.get("x").split()] == [left + 10.5 for left in lefts]
    assert [moved + float(x) for x in digits.get("x").split()] == [left + at for left in lefts for at in (7.5, 13.5)]


def test_what_stays_keeps_its_shape_when_some_are_taken():
    before, after = (bytes_strip((Piece(b"hello"[n:], 5 - n, 3, 10 + n),)) for n in (0, 3))
    keys = [re.search('data-key="([^"]+)"', svg)[1] for svg in (before, after)]
    assert keys[0] == keys[1] and "translate(-285 0)" in after and "translate(-219 0)" in before


@pytest.mark.parametrize("pieces, folded", [
    ([Piece(b"x" * 1000, 5000, 0)], "+4,988"), ([Piece(b"ab", 2, n) for n in range(50)], "+92 bytes"),
    ([Piece(b"x" * 9, 9, 0), Piece(b"y" * 9, 9, 1)], "+6"), ([Piece(b"x" * 100, 100, 0), Piece(b"y", 1, 1)], "+94")])
def test_long_contents_are_folded_with_their_count(pieces, folded):
    shown = texts(bytes_strip(tuple(pieces)))
    assert folded in shown and len(shown) <= 2 * (ROOM + 8)


def test_a_fold_that_saves_no_room_is_not_made():
    shown = texts(bytes_strip(tuple(Piece(b"hello", 5, n) for n in range(3))))
    assert shown[::2] == ["hello"] * 3


def test_the_words_for_it():
    assert words_of([]) == "nothing lies here"
    assert words_of([Piece(b"a<b", 3, 0)]) == '3 bytes, not received yet: "a<b"'
    assert words_of([Piece(b"", 0, 0)], True) == "1 datagram, not received yet"
