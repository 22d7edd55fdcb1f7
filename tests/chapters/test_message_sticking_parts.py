"""Chapter 06, parts 9 to 12: what the cells build holds at every cut and against strangers, and what the prose says is so."""
import codecs
import functools
import http.client
import inspect
import io
import os
import socket
import struct
import tempfile
from pathlib import Path

import nbformat
import pytest
from hypothesis import given, strategies as st

from netlab import Link, serve
from netlab.chapters.message_sticking import predict
from netlab.chapters.message_sticking.tools import connection
from netlab.chapters.message_sticking.wire import http_request, room_of
from netlab.framing import Delimiter, FramingError, LengthPrefix

CHAPTER = Path(__file__).parents[2] / "notebooks" / "06_message_sticking.ipynb"
CODE = {cell.id: cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.cell_type == "code"}
RECEIPT = b"tea 3\n" * 17_000


@functools.cache
def made_by(*cells):
    """The names that cells of the chapter make."""
    names = {"Delimiter": Delimiter, "LengthPrefix": LengthPrefix, "Path": Path, "os": os, "socket": socket, "struct": struct,
             "tempfile": tempfile}
    for cell in cells:
        exec(CODE[cell], names)
    return names


# 9 Text

def test_a_piece_is_no_text_where_the_cut_goes_through_a_character_and_nowhere_else():
    data, broken = "café 12".encode(), set()
    for cut in range(len(data) + 1):
        try:
            assert data[:cut].decode() + data[cut:].decode() == "café 12"
        except UnicodeDecodeError:
            broken.add(cut)
    assert broken == {4}


def test_a_byte_of_ascii_is_in_no_other_character_of_utf_8_but_in_one_of_utf_16():
    others = "".join(map(chr, [*range(0x80, 0xD800), *range(0xE000, 0x110000)]))
    assert min(others.encode()) >= 0x80
    assert "Ċ".encode("utf-16-be") == b"\x01\n"


@given(st.text(), st.integers(1, 5))
def test_an_incremental_decoder_is_right_at_every_cut(text, size):
    data, decoder = text.encode(), codecs.getincrementaldecoder("utf-8")()
    assert "".join(decoder.decode(data[at:at + size]) for at in range(0, len(data), size)) == text
    assert decoder.decode(b"", final=True) == ""


def test_half_a_character_is_told_at_the_end_by_the_decoder_and_by_a_text_file():
    decoder = codecs.getincrementaldecoder("utf-8")()
    assert decoder.decode(b"caf\xc3") == "caf"
    with pytest.raises(UnicodeDecodeError):
        decoder.decode(b"", final=True)
    with connection() as (customer, till), till.makefile("r", encoding="utf-8") as file:
        customer.sendall("café 12\ncaf\xc3".encode()[:-1])
        customer.close()
        assert file.readline() == "café 12\n"
        with pytest.raises(UnicodeDecodeError):
            file.readline()


def test_a_length_in_characters_makes_the_next_one_a_large_number():
    wrong_frame = made_by("one-byte-short")["wrong_frame"]
    decoder = LengthPrefix(max_size=2**32 - 1)
    assert decoder.feed(wrong_frame("café 12") + wrong_frame("tea 3")) == ["café 1".encode()]
    assert decoder.pending[:4] == b"2\0\0\0" and int.from_bytes(b"2\0\0\0", "big") == 838_860_800


# 10 Strangers

@pytest.mark.parametrize("room, most", [(50_000_000, None), (65536, 200_000)])
def test_recv_makes_room_for_what_it_is_told_and_not_for_what_has_come(room, most):
    with connection() as (customer, till):
        customer.sendall(b"3")
        took = room_of(till.recv, room)
    assert took > room and (most is None or took < most)


def test_the_till_is_right_however_the_way_cuts():
    prices, right = [b"3", b"12", b"250"], 265
    take_prices, buy = (made_by("till-server")[name] for name in ("take_prices", "buy"))
    for rechunk, seed in ((1, 0), (2, 1), (3, 2), (5, 3), (100, 4), (0, 5)):
        with serve(take_prices) as server, Link(server, rechunk=rechunk, seed=seed) as link:
            assert [buy(prices, link.address) for _ in range(3)] == [right] * 3


@pytest.mark.parametrize("cut", range(4))
def test_the_till_tells_no_total_when_the_last_price_is_not_whole(cut):
    stream = LengthPrefix().encode(b"3") + LengthPrefix().encode(b"12")
    with serve(made_by("till-server")["take_prices"]) as server, socket.create_connection(server.address) as customer:
        customer.sendall(stream[:5 + cut])
        customer.shutdown(socket.SHUT_WR)
        with customer.makefile("rb") as answer:
            assert answer.read() == (b"" if cut else b"\0\0\0\x013")


def test_a_length_too_large_ends_the_connection_and_is_told_to_who_runs_the_till():
    with pytest.raises(FramingError, match="4294967295 bytes"), serve(made_by("till-server")["take_prices"]) as server:
        with socket.create_connection(server.address) as customer:
            customer.sendall(b"\xff\xff\xff\xff")
            assert customer.recv(100) == b""


def test_the_heart_of_the_length_prefix_is_short_and_compares_before_it_cuts():
    lines = inspect.getsource(LengthPrefix._whole).splitlines()
    where = [next(i for i, line in enumerate(lines) if part in line) for part in ("from_bytes", "max_size", "append")]
    assert len(lines) <= 20 and where == sorted(where)


# 11 A file, whole

@pytest.fixture
def files(tmp_path):
    """The chapter's two functions, and an empty folder."""
    (inbox := tmp_path / "inbox").mkdir()
    names = made_by("file-functions", "file-receive")
    return names["send_file"], names["receive_file"], inbox


def given_up(receive_file, inbox, stream, there=()):
    """What is raised for a customer who sends this and leaves; in the folder and beside it is only what was there."""
    with connection() as (customer, till):
        customer.sendall(stream)
        customer.close()
        with pytest.raises((ConnectionError, ValueError)) as told:
            receive_file(till, inbox)
    assert sorted(inbox.parent.rglob("*")) == [inbox, *there]
    return told.value


@pytest.mark.parametrize("rechunk", [0, 5000])
@pytest.mark.parametrize("name, content", [("receipt.txt", RECEIPT), ("a café", b"3"), ("empty", b"")])
def test_a_file_comes_whole(files, tmp_path, name, content, rechunk):
    send_file, receive_file, inbox = files
    (tmp_path / name).write_bytes(content)
    with serve(lambda conn, address: receive_file(conn, inbox)) as server, Link(server, rechunk=rechunk) as link:
        with socket.create_connection(link.address) as customer:
            send_file(customer, tmp_path / name)
            customer.shutdown(socket.SHUT_WR)
            assert customer.recv(1) == b""
    assert {file.name: file.read_bytes() for file in inbox.iterdir()} == {name: content}


def test_a_file_that_ends_early_is_told_at_every_cut_and_leaves_nothing(files):
    stream = b"6 tea.txt\ntea 3\n"
    for cut in range(len(stream)):
        given_up(*files[1:], stream[:cut])
    assert "30,000" in str(given_up(*files[1:], b"60000 tea.txt\n" + b"x" * 30_000))


@pytest.mark.parametrize("name", [b"../tea", b"../../.bashrc", b"/etc/passwd", b"..", b".", b"", b"tea/", b"tea/../..", b"./tea",
                                  b"\0", b"tea\r", b"caf\xc3"])
def test_a_name_that_is_a_path_or_no_text_is_refused(files, name):
    told = given_up(*files[1:], b"1 " + name + b"\n3")
    assert str(told) == f"refused: {b'1 ' + name + bytes([10])}"


@pytest.mark.parametrize("head", [b"1000001 tea\n", b"-1 tea\n", b"9" * 150 + b" tea\n", b"tea\n", b"\n", b"0 te", b"",
                                  b" 5 tea\n", b"1_0 tea\n", b"+3 tea\n", b"3. tea\n", b"x tea\n", b"\xff tea\n",
                                  "\u0663 tea\n".encode()])
def test_a_size_too_large_and_a_head_that_is_none_are_refused_in_the_same_words(files, head):
    assert str(given_up(*files[1:], head + b"3" * 9 * head.endswith(b"\n"))) == f"refused: {head}"


@pytest.mark.parametrize("head", [b"0 " + b"t" * 400, b"9" * 400 + b" tea\n", b"1 " + b"t" * 300 + b"\n"])
def test_a_head_without_end_is_refused(files, head):
    assert str(given_up(*files[1:], head)) == f"refused: {head[:200]}"


def test_the_longest_name_that_is_taken_is_one_for_the_folder_too(files):
    name = "t" * (200 - len("1 \n"))
    with connection() as (customer, till):
        customer.sendall(f"1 {name}\n3".encode())
        assert files[1](till, files[2]).name == name


def test_a_receipt_that_is_there_is_kept(files):
    (there := files[2] / "tea").write_bytes(b"the first")
    told = given_up(*files[1:], b"3 tea\ntea", [there])
    assert str(told) == "refused: tea is there already" and there.read_bytes() == b"the first"


def test_no_more_bytes_are_taken_than_were_said(files):
    with connection() as (customer, till):
        customer.sendall(b"3 tea\nteaX")
        assert files[1](till, files[2]).read_bytes() == b"tea"


# 12 What real protocols chose

def test_http_counts_bytes():
    head, _, body = http_request("café 12".encode()).partition(b"\r\n\r\n")
    assert b"Content-Length: 8" in head.split(b"\r\n") and len(body) == 8


def test_http_sends_chunks_where_the_length_is_not_known():
    head, _, body = http_request(iter([b"tea 3", b"x" * 300])).partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head.split(b"\r\n")
    assert body == b"5\r\ntea 3\r\n12C\r\n" + b"x" * 300 + b"\r\n0\r\n\r\n"


def test_python_takes_65536_bytes_a_line_and_about_100_lines():
    def fields(*lines):
        return len(http.client.parse_headers(io.BytesIO(b"".join(line + b"\r\n" for line in (*lines, b"")))))

    assert fields(*[b"tea: 3"] * 99) == 99          # the empty line at the end is counted as well
    with pytest.raises(http.client.HTTPException, match="100"):
        fields(*[b"tea: 3"] * 101)
    assert fields(b"tea: " + b"3" * (65536 - 7)) == 1
    with pytest.raises(http.client.LineTooLong):
        fields(b"tea: " + b"3" * (65536 - 6))


def test_the_comma_of_a_netstring_finds_a_length_that_counts_characters():
    size, _, rest = f"{len('café 12')}:café 12,".encode().partition(b":")
    assert rest[int(size):int(size) + 1] == b"2"


def test_a_frame_of_websocket_is_what_the_question_says():
    frame = bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert frame[1] & 0x7F == predict.masked_size.answer == len(frame) - 2 - 4


def test_two_questions_of_dns_are_told_apart():
    question, frames = made_by("dns")["question"], LengthPrefix(2)
    asked = [question(1, b"till.example"), question(2, b"tea.example")]
    assert LengthPrefix(2).feed(b"".join(map(frames.encode, asked))) == asked and frames.max_size == 65535
    assert asked[0] == bytes.fromhex("0001 0100 0001 0000 0000 0000") + b"\x04till\x07example\0" + bytes.fromhex("0001 0001")
