"""netlab.panels.stage: what lies between two sockets, as recorded and as counted, and the stage as a picture."""
import xml.etree.ElementTree as ET

from hypothesis import given, settings, strategies as st

from netlab import Timeline
from netlab.kernel import receive_queue, wait_until
from netlab.panels.stage import End, Way, counted, datagrams, lying, stage_picture
from netlab.replay.values import Piece, size_of


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


def test_a_narrow_picture_says_the_whole_number():
    way = Way("→", "to the server", (Piece(b"m" * 40, 3984, 0),))
    picture = stage_picture("t", "s", [(End("a", "client", "A"), [way], End("b", "server", "B"))], "words")
    assert "3,984 bytes<" in picture.narrow and "3,984 bytes, not received yet<" in picture.svg


def test_clients_that_wait_stand_in_the_order_in_which_they_came():
    assert texts(Way("→", "", ("first", "<second>")).strip()) == ["<second>", "waits", "first", "waits"]
    assert texts(Way("→", "", tuple("abcdefgh")).strip())[0] == "+2"


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
