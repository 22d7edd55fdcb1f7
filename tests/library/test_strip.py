"""netlab.strip: what lies between two sockets, as recorded and as counted, and how it is drawn."""
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings, strategies as st

from netlab import Timeline
from netlab.kernel import receive_queue, wait_until
from netlab.strip import (
    CELL,
    MESSAGES,
    ROOM,
    End,
    Piece,
    Way,
    bytes_strip,
    counted,
    datagrams,
    lying,
    queue_strip,
    size_of,
    stage_picture,
    words_of,
)


def cells(svg):
    """(how many, their colour), as they stand beside each other."""
    shapes = [node for group in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g") for node in group if node.get("fill")]
    return [(node.get("d", "M").count("M"), node.get("fill")) for node in shapes]


def texts(svg):
    return [node.text for node in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6), st.lists(st.integers(1, 50), max_size=6))
def test_what_lies_there_is_what_was_sent_and_not_received(sends, takes):
    timeline = Timeline()
    a, b = timeline.socketpair()
    with a, b:
        for data in sends:
            a.sendall(data)
        for n in takes:
            if receive_queue(b):
                b.recv(n)
        pieces = lying(timeline.events, a.number, b.received)
        assert b"".join(piece.data for piece in pieces) == b"".join(sends)[b.received:]
        assert size_of(pieces) == receive_queue(b) and all(len(piece.data) == piece.size for piece in pieces)
        start = 0
        for piece in pieces:                # each byte has the colour of the send that it came from
            start = sum(map(len, sends[:piece.send]))
            assert start <= piece.start and piece.start + piece.size == start + len(sends[piece.send])


def test_the_kernels_count_is_believed():
    pieces = [Piece(b"hello", 5, 0, 10), Piece(b"you", 3, 1, 15)]
    assert counted(pieces, 8) == pieces
    assert counted(pieces, 4) == [Piece(b"o", 1, 0, 14), pieces[1]]
    assert counted(pieces, 2) == [Piece(b"ou", 2, 1, 16)]
    assert counted(pieces, 0) == []
    assert counted(pieces, 10) == [*pieces, Piece(b"", 2, None)]


def test_datagrams_keep_their_borders_and_the_lost_ones_are_left_out():
    timeline = Timeline()
    with timeline.socket(type=2) as here:
        here.bind(("127.0.0.1", 0))
        for data in (b"one", b"", b"three"):
            here.sendto(data, here.getsockname())
        wait_until(lambda: receive_queue(here) == 3)
        found = datagrams(timeline.events, here.getsockname(), here.number)
        assert [piece.data for piece in found] == [b"one", b"", b"three"]
        here.recv(1)
        found = datagrams(timeline.events, here.getsockname(), here.number)
        assert [(piece.data, piece.send) for piece in found] == [(b"", 1), (b"three", 2)]
        assert [piece.data for piece in datagrams(timeline.events, here.getsockname(), here.number, 5)] == [b"three"]
        assert datagrams([], None, here.number, 7) == [Piece(b"", 7, None)]


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


def test_a_narrow_picture_says_the_whole_number():
    way = Way("→", "to the server", (Piece(b"m" * 40, 3984, 0),))
    picture = stage_picture("t", "s", [(End("a", "client", "A"), [way], End("b", "server", "B"))], "words")
    assert "3,984 bytes<" in picture.narrow and "3,984 bytes, not received yet<" in picture.svg


def test_the_words_for_it():
    assert words_of([]) == "nothing lies here"
    assert words_of([Piece(b"a<b", 3, 0)]) == '3 bytes, not received yet: "a<b"'
    assert words_of([Piece(b"", 0, 0)], True) == "1 datagram, not received yet"


def test_clients_that_wait_stand_in_the_order_in_which_they_came():
    assert texts(queue_strip(("first", "<second>"))) == ["<second>", "waits", "first", "waits"]
    assert texts(queue_strip(tuple("abcdefgh")))[0] == "+2"


def test_a_stage_is_a_picture_inside_its_frame_wide_and_narrow():
    rows = [(End("client", "client", "ESTABLISHED", waits="recv(9)"), [
        Way("→", "to the server", (Piece(b"hello, world, this is long" * 3, 78, 0),)), Way("←", "to the client")],
        End("server", "server", "LISTEN", ("1 client",))), (End("b", "client", "closed"), [], None)]
    picture = stage_picture("A <title>", "What happened. " * 9, rows, "text")
    for svg in (picture.svg, picture.narrow):
        root = ET.fromstring(svg)
        width, height = map(float, root.get("viewBox").split()[2:])
        words = "".join(root.itertext())
        assert "A <title>" in words and "waits in" in words and "78 bytes" in words and "nothing" in words
        for node in root.iter("{http://www.w3.org/2000/svg}rect"):
            if node.get("x"):
                assert 0 <= float(node.get("x")) and float(node.get("x")) + float(node.get("width")) <= width
                assert float(node.get("y")) + float(node.get("height")) <= height
