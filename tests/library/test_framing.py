"""netlab.framing: one table of messages and their wire, fed at every cut; then what is refused, and what is kept."""

from __future__ import annotations

import array
import itertools
import time
import weakref

import pytest
from hypothesis import given, strategies as st

from netlab.framing import Delimiter, FixedLength, FramingError, LengthPrefix

TABLE = [  # how to make the framing, messages, wire
    (lambda: Delimiter(), [b"3", b"12", b"250"], b"3\n12\n250\n"),
    (lambda: Delimiter(), [b"", b"", b"a"], b"\n\na\n"),
    (lambda: Delimiter(b"\r\n"), [b"\r", b"\n", b"a\rb", b""], b"\r\r\n\n\r\na\rb\r\n\r\n"),
    (lambda: Delimiter(b"<eom>"), [b"<eo", b"<<eom"[:4]], b"<eo<eom><<eo<eom>"),
    (lambda: Delimiter(b"aab"), [b"", b"ab"], b"aababaab"),
    (lambda: Delimiter(b"\0", max_size=2), [b"ab", "é".encode()], b"ab\0\xc3\xa9\0"),
    (lambda: LengthPrefix(4), [b"hello", b""], b"\0\0\0\5hello\0\0\0\0"),
    (lambda: LengthPrefix(2), [b"3", b"12", b"250"], b"\0\1" b"3\0\2" b"12\0\3" b"250"),
    (lambda: LengthPrefix(2, byteorder="little"), [b"\1\0", b"\0"], b"\2\0\1\0\1\0\0"),
    (lambda: LengthPrefix(1), [b"", b"", b"\0\1"], b"\0\0\2\0\1"),
    (lambda: LengthPrefix(1, max_size=3), [b"abc", b"d"], b"\3abc\1d"),
    (lambda: FixedLength(3), [b"  3", b" 12", b"250"], b"  3 12250"),
    (lambda: FixedLength(1), [b"a", b"b"], b"ab"),
]
FAULTS = [  # framing, wire, the messages before the fault, what is said
    (lambda: Delimiter(max_size=3), b"abc\nabcd\ne\n", [b"abc"], "at most 3 are allowed"),
    (lambda: Delimiter(b"\r\n", max_size=3), b"abc\r\nabcdefgh", [b"abc"], "at most 3 are allowed"),
    (lambda: LengthPrefix(1, max_size=3), b"\1a\3abc\4abcd", [b"a", b"abc"], "says that it has 4 bytes, and at most 3"),
    (lambda: LengthPrefix(4), b"\0\0\0\1a\xff\xff\xff\xff", [b"a"], "says that it has 4294967295 bytes"),
]
table = pytest.mark.parametrize("make, messages, wire", TABLE, ids=lambda value: repr(value()) if callable(value) else None)
faults = pytest.mark.parametrize("make, wire, before, said", FAULTS, ids=lambda value: repr(value()) if callable(value) else None)


def every_cut(stream):
    """All ways of cutting a short stream, 2^(n-1) of them; of a longer one all with at most three cuts, and into single bytes."""
    inside = range(1, len(stream))
    most = len(stream) if len(stream) <= 11 else 3
    for count in range(min(most, len(stream) - 1) + 1):
        for cuts in itertools.combinations(inside, count):
            yield [stream[a:b] for a, b in itertools.pairwise((0, *cuts, len(stream)))]
    yield [stream[n:n + 1] for n in range(len(stream))]


def fed(framing, pieces):
    return [message for piece in pieces for message in framing.feed(piece)]


@table
def test_what_is_sent(make, messages, wire):
    assert b"".join(map(make().encode, messages)) == wire


@table
def test_every_cut_gives_the_same_messages(make, messages, wire):
    for pieces in every_cut(wire):
        framing = make()
        assert fed(framing, pieces) == messages, pieces
        assert framing.pending == b""


@table
def test_at_each_byte_as_much_is_known_as_can_be(make, messages, wire):
    """A message comes out with its last byte, not later, and until then its bytes are pending."""
    framing, ends = make(), list(itertools.accumulate(len(make().encode(message)) for message in messages))
    for n, byte in enumerate(wire, 1):
        framing.feed(bytes([byte]))
        assert len(framing.pending) == n - max([end for end in ends if end <= n], default=0)
        assert wire[:n].endswith(framing.pending)


@table
def test_nothing_changes_nothing(make, messages, wire):
    framing = make()
    assert fed(framing, [b"", wire[:1], b"", b"", *[wire[n:n + 1] for n in range(1, len(wire))], b""]) == messages


@faults
def test_every_cut_gives_the_same_fault(make, wire, before, said):
    for pieces in every_cut(wire):
        framing, got = make(), []
        with pytest.raises(FramingError, match=said) as caught:
            for piece in pieces:
                got += framing.feed(piece)
        assert got + caught.value.messages == before, pieces
        for more in (b"", b"a\n"):      # and it stays
            with pytest.raises(FramingError, match="given up before: .*allowed") as again:
                framing.feed(more)
            assert again.value.messages == []


framings = st.one_of(
    st.builds(Delimiter, st.binary(min_size=1, max_size=4)), st.builds(LengthPrefix, st.integers(1, 9)),
    st.builds(LengthPrefix, st.integers(1, 9), byteorder=st.just("little")), st.builds(FixedLength, st.integers(1, 40)))


@given(framings, st.data())
def test_any_messages_in_any_pieces(framing, data):
    size = framing.size if isinstance(framing, FixedLength) else None
    messages = data.draw(st.lists(st.binary(min_size=size or 0, max_size=size or 255), max_size=30))
    sent, wire = [], b""
    for message in messages:
        try:
            wire += framing.encode(message)
        except FramingError:                # a mark in it: then the decoder would have cut there
            assert (message + framing.mark).find(framing.mark) < len(message)
            continue
        sent.append(message)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=40)))
    assert fed(framing, [wire[a:b] for a, b in itertools.pairwise((0, *cuts, len(wire)))]) == sent
    assert framing.pending == b""


@given(framings, st.lists(st.binary(max_size=40), max_size=20))
def test_bytes_of_no_framing(framing, pieces):
    """Whatever comes, the pieces decide nothing: the same messages and the same fault as in one."""
    def understood(pieces):
        decoder, got = type(framing)(*arguments), []
        try:
            got = fed(decoder, pieces)
        except FramingError:
            return "a fault"
        return got, decoder.pending
    arguments = [framing.mark] if isinstance(framing, Delimiter) else [framing.size]
    assert understood(pieces) == understood([b"".join(pieces)])


def test_a_message_that_the_mark_would_end():
    with pytest.raises(FramingError, match=r"b'\\n' begins in this message, at byte 1"):
        Delimiter().encode(b"3\n12")
    with pytest.raises(FramingError, match="at byte 0"):    # it is not in the message: it begins there
        Delimiter(b"aa").encode(b"a")


@pytest.mark.parametrize("framing, message, said", [
    (Delimiter(max_size=2), b"abc", "this message has 3 bytes, and at most 2 are allowed"),
    (LengthPrefix(1), bytes(256), "this message has 256 bytes, and at most 255"),
    (FixedLength(3), b"12", "each message has 3 bytes here, and this one has 2"),
])
def test_what_cannot_be_sent(framing, message, said):
    with pytest.raises(FramingError, match=said):
        framing.encode(message)
    with pytest.raises(ValueError):
        framing.encode(message)


@pytest.mark.parametrize("call, error, said", [
    (lambda: Delimiter().encode("3"), TypeError, r"encode takes bytes, not str: text.encode\(\)"),
    (lambda: LengthPrefix().feed("3"), TypeError, r"feed takes bytes, not str: text.encode\(\)"),
    (lambda: FixedLength(1).feed(3), TypeError, "feed takes bytes, not int"),
    (lambda: Delimiter("\n"), TypeError, "Delimiter takes bytes, not str"),
    (lambda: Delimiter(b""), ValueError, "a delimiter has at least one byte"),
    (lambda: Delimiter(max_size=-1), ValueError, "max_size is at least 0, not -1"),
    (lambda: LengthPrefix(0), ValueError, "size is at least 1, not 0"),
    (lambda: LengthPrefix(2.0), TypeError, "size is a whole number of bytes, not float"),
    (lambda: FixedLength(True), TypeError, "size is a whole number of bytes, not bool"),
    (lambda: LengthPrefix(byteorder="network"), ValueError, "byteorder is 'big' or 'little', not 'network'"),
])
def test_what_is_no_framing(call, error, said):
    with pytest.raises(error, match=said):
        call()


@pytest.mark.parametrize("view", [memoryview(array.array("H", [1, 2])), memoryview(b"a.b.c.d.")[::2]],
                         ids=["of numbers", "with gaps"])
def test_a_view_is_its_bytes(view):
    wire = bytes(view)
    assert FixedLength(4).encode(view) == wire and FixedLength(4).feed(view) == [wire]
    assert LengthPrefix(1).encode(view) == b"\4" + wire and LengthPrefix(1).feed(memoryview(b"\1a")) == [b"a"]
    with pytest.raises(FramingError, match="this one has 4"):
        FixedLength(2).encode(view)


def test_a_fault_keeps_nothing_of_its_caller():
    class Conn:
        pass

    def handle(conn):
        with pytest.raises(FramingError):
            framing.feed(b"too long")
    framing, conn = Delimiter(max_size=1), Conn()
    gone = weakref.ref(conn)
    handle(conn)
    del conn
    assert gone() is None


def test_what_was_refused_is_not_fed():
    framing = Delimiter()
    framing.feed(b"1")
    with pytest.raises(TypeError):
        framing.feed("2")
    assert framing.feed(bytearray(b"3")) + framing.feed(memoryview(b"\n")) == [b"13"]


@pytest.mark.parametrize("make", [lambda size: Delimiter(max_size=size), lambda size: LengthPrefix(max_size=size), FixedLength],
                         ids=["Delimiter", "LengthPrefix", "FixedLength"])
def test_a_long_message_in_small_pieces_is_not_copied_again_and_again(make):
    def seconds(size):
        framing = make(size)
        wire = framing.encode(bytes(size))
        pieces = [wire[n:n + 16] for n in range(0, len(wire), 16)]
        began = time.process_time()
        assert fed(framing, pieces) == [bytes(size)]
        return time.process_time() - began
    # 20 times as long takes 20 times as long; copied or searched again at each piece, some 200 times.
    assert min(seconds(2_000_000) for _ in range(3)) < 60 * min(seconds(100_000) for _ in range(5))


def test_they_say_what_they_are():
    assert [repr(framing) for framing in (Delimiter(), LengthPrefix(2), FixedLength(9))] == [
        "Delimiter(b'\\n', max_size=1048576)", "LengthPrefix(2, byteorder='big', max_size=65535)", "FixedLength(9)"]
