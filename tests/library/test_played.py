"""A handler against a peer whose bytes come in pieces: what each call gets, what never ends is ended, nothing is left."""
import select
import socket
import sys
import threading

import pytest

from netlab import echo, upper
from netlab.teach import check
from netlab.teach.played import ANSWER, CHUNK, IN_A_ROW, IN_VAIN, PAUSE, every_cut, play

pytestmark = pytest.mark.usefixtures("no_leaks")
STREAM = b"tea\nsalt\n"


def lines_by_file(conn, address):
    with conn.makefile("rwb") as file:
        for line in file:
            file.write(line.upper())
            file.flush()


def without_end(conn, address):
    conn.recv(9)
    while True:
        conn.sendall(b"ok\n")


def test_sends_without_a_recv_between_are_ended():
    played = play(without_end, [b"tea\n"])
    assert played.late and played.repeats and "without a recv between" in played.why and len(played.sends) > IN_A_ROW


def test_many_sends_for_many_bytes_are_not():
    def handler(conn, address):
        for byte in conn.recv(CHUNK):
            conn.sendall(bytes([byte]))

    data = bytes(IN_A_ROW + 2000)
    played = play(handler, [data])
    assert played.received == data and not played.late and not played.repeats


def by_ones(conn, address):
    line = b""
    while data := conn.recv(1):
        line += data
        if data == b"\n":
            conn.sendall(line.upper())
            line = b""


def by_select(conn, address):
    conn.setblocking(False)
    while True:
        select.select([conn], [], [])
        if not (data := conn.recv(100)):
            return
        select.select([], [conn], [])
        conn.send(data.upper())


def into_a_view(conn, address):
    room = memoryview(bytearray(100))
    while size := conn.recv_into(room[10:], 50):
        conn.sendall(bytes(room[10:10 + size]).upper())


def by_recvmsg(conn, address):
    while data := conn.recvmsg(100)[0]:
        conn.sendmsg([data[:1].upper(), data[1:].upper()])


def by_recvfrom(conn, address):
    while data := conn.recvfrom(100)[0]:
        conn.sendall(data.upper())


def by_recvfrom_into(conn, address):
    buffer = bytearray(100)
    while size := conn.recvfrom_into(buffer)[0]:
        conn.sendall(buffer[:size].upper())


HANDLERS = [upper, lines_by_file, by_ones, by_select, into_a_view, by_recvmsg, by_recvfrom, by_recvfrom_into]


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("pieces", [1, 2, 3, len(STREAM)])
def test_every_cut_reaches_the_handler(handler, pieces):
    for cut in every_cut(STREAM, pieces):
        played = play(handler, cut)
        assert played.received == STREAM.upper() and played.pieces == tuple(cut), cut
        assert b"".join(played.recvs) == STREAM and played.recvs[-1:] == (b"",)
        assert played.saw_end and played.hung_up is None and not played.late and played.raised is None
        assert played.taken == len(STREAM)
        if handler not in (by_ones, lines_by_file):
            assert played.recvs == (*cut, b"") and set(played.asks) <= {50, 100, 65536}


def test_every_cut():
    assert list(every_cut(b"abc", 2)) == [[b"a", b"bc"], [b"ab", b"c"]]
    assert list(every_cut(b"abc", 1)) == [[b"abc"]] and list(every_cut(b"abc", 4)) == []
    assert len(list(every_cut(bytes(9), 3))) == 28


def test_a_recv_never_goes_past_what_has_arrived():
    def handler(conn, address):
        taken.extend([conn.recv(2), conn.recv(4), conn.recv(0), conn.recv(9), conn.recv(9)])

    taken = []
    play(handler, [b"abc", b"", bytearray(b"def"), memoryview(b"g")])
    assert taken == [b"ab", b"c", b"", b"def", b"g"]


def test_waitall_is_the_kernels_loop_and_only_without_a_timeout():
    def handler(conn, address):
        taken.append(conn.recv(4, socket.MSG_WAITALL))
        conn.settimeout(9)              # Python's socket is non-blocking from here on, and the flag is not heeded
        taken.append(conn.recv(3, socket.MSG_WAITALL))
        conn.settimeout(None)
        taken.append(conn.recv(9, socket.MSG_WAITALL))

    taken = []
    assert play(handler, [b"ab", b"c", b"def", b"gh", b"i"]).recvs == (b"abcd", b"ef", b"ghi")
    assert taken == [b"abcd", b"ef", b"ghi"]


def test_a_loop_of_peeks_comes_to_its_end():
    def handler(conn, address):
        while len(conn.recv(5, socket.MSG_PEEK)) < 5:
            peeks.append(conn.recv(9, socket.MSG_PEEK | getattr(socket, "MSG_DONTWAIT", 0)))
        conn.sendall(conn.recv(5))

    peeks = []
    played = play(handler, [b"ab", b"c", b"d", b"ef"])
    assert played.received == b"abcde" and played.recvs == (b"abcde",) and played.hung_up == 5
    assert peeks == [b"abc", b"abcdef"]


def test_a_loop_of_peeks_for_what_never_comes_is_a_busy_loop():
    def handler(conn, address):
        while len(conn.recv(5, socket.MSG_PEEK)) < 5:
            pass

    played = play(handler, [b"ab", b"c"])
    assert played.late and "MSG_PEEK" in played.why and "busy loop" in played.why


def test_a_peek_gets_nothing_past_an_answer_that_is_due():
    def handler(conn, address):
        looks.extend([conn.recv(9, socket.MSG_PEEK), conn.recv(9, socket.MSG_PEEK)])
        conn.sendall(conn.recv(9))
        looks.extend([conn.recv(9, socket.MSG_PEEK), conn.recv(9)])

    looks = []
    assert play(handler, [b"ab", ANSWER, b"cd"]).received == b"ab"
    assert looks == [b"ab", b"ab", b"cd", b"cd"]


def test_a_pause_is_played_and_not_waited():
    def handler(conn, address):
        for timeout in (60, None, 0, 60):
            conn.settimeout(timeout)
            try:
                conn.sendall(conn.recv(9))
            except TimeoutError as error:
                conn.sendall(f"({error})".encode())

    played = play(handler, [PAUSE, b"a", PAUSE, b"b", PAUSE, b"c", PAUSE])
    assert played.received == b"(timed out)ab(timed out)" and played.outcome.raised is None and not played.saw_end


def test_a_pause_for_a_file_of_makefile():
    def handler(conn, address):
        conn.settimeout(60)
        with conn.makefile("rb") as file:
            file.readline()

    assert isinstance(play(handler, [b"te", PAUSE, b"a\n"]).raised, TimeoutError)


def test_ends():
    def handler(conn, address):
        taken.append(conn.recv(9))
        for _ in range(2):
            try:
                taken.append(conn.recv(9))
            except OSError as error:
                taken.append(type(error))

    taken = []
    assert play(handler, [b"a"]).saw_end
    assert play(handler, [b"a"], end="reset").saw_end
    assert taken == [b"a", b"", b"", b"a", ConnectionResetError, b""]
    played = play(handler, [b"a"], end="open")
    assert played.late and played.why == "it waits in recv for bytes that never come" and not played.saw_end
    with pytest.raises(ValueError, match="close"):
        play(handler, [], end="closed")
    with pytest.raises(TypeError, match="a piece is bytes"):
        play(handler, ["text"])


def test_after_a_reset_the_peer_is_gone():
    def handler(conn, address):
        conn.sendall(b"hello")
        try:
            conn.recv(9)
        except ConnectionResetError:
            for _ in range(9):
                conn.sendall(b"again")

    played = play(handler, [], end="reset")
    assert played.received == b"hello" and isinstance(played.raised, (BrokenPipeError, ConnectionError))


def test_a_peer_that_stays_and_a_handler_with_a_timeout():
    def with_timeout(seconds):
        def handler(conn, address):
            conn.settimeout(seconds)
            while True:
                try:
                    conn.recv(9)
                except OSError as error:
                    kinds.add(type(error))
        return handler

    kinds = set()
    for seconds in (30, 0):
        played = play(with_timeout(seconds), [b"a"], end="open")
        assert played.late and f"after {IN_VAIN} calls" in played.why
    assert kinds == {TimeoutError, BlockingIOError}


def test_an_end_not_heeded_is_told():
    def handler(conn, address):
        data = b""
        while b"\n" not in data:
            data += conn.recv(9)

    played = play(handler, [b"te", b"a"])
    assert played.late and "busy loop" in played.why and played.recvs == (b"te", b"a", b"") and played.saw_end


def test_what_swallows_everything_is_ended_all_the_same():
    def swallows(conn, address):
        while True:
            try:
                conn.recv(9)
            except:  # noqa: E722
                pass

    def goes_on(conn, address):
        while True:
            try:
                conn.sendall(conn.recv(9))
            except BaseException:
                continue

    def ends_by_itself(conn, address):
        for _ in range(2 * IN_VAIN):
            try:
                conn.recv(9)
            except BaseException:
                rounds.append(1)
        return "well"

    before, rounds = sys.gettrace(), []
    for handler in (swallows, goes_on, ends_by_itself):
        for end in ("close", "open"):
            played = play(handler, [b"a"], end=end)
            assert played.late and played.outcome.late, handler
    assert sys.gettrace() is before and len(rounds) < 20


def test_a_loop_without_a_call_is_ended(monkeypatch, need):
    def handler(conn, address):
        while True:
            pass

    need(hasattr(__import__("signal"), "setitimer"), "no limit of time here")
    monkeypatch.setattr(check, "LIMIT", 0.1)
    assert play(handler, [b"a"]).why == "no end after 0.1 seconds"


def test_send_takes_a_part_and_sendall_all():
    def handler(conn, address):
        sizes.extend([conn.send(b"abcdef"), conn.sendall(b"ghijkl"), conn.sendmsg([b"m", b"nopq"]), conn.send(memoryview(b"r"))])

    sizes = []
    played = play(handler, [], most=4)
    assert sizes == [4, None, 4, 1]
    assert played.received == b"abcdghijklmnopr" and played.sends == (b"abcd", b"ghijkl", b"mnop", b"r")


def test_long_streams_both_ways(tmp_path):
    data = bytes(range(256)) * 8192     # 2 MiB
    (tmp_path / "file").write_bytes(data)

    def handler(conn, address):
        with open(tmp_path / "file", "rb") as file:
            assert conn.sendfile(file, 1) == len(data) - 1
        conn.sendall(data)
        echo(conn, address)

    played = play(handler, [data])
    assert played.received == data[1:] + data * 2
    assert max(map(len, played.pieces)) <= CHUNK and played.pieces == played.recvs[:-1]


def test_a_handler_that_sends_for_ever():
    def handler(conn, address):
        while True:
            conn.sendall(bytes(10 ** 6))

    played = play(handler, [])
    assert played.late and "64 MiB" in played.why


def test_pieces_are_asked_for_as_they_are_taken():
    def pieces():
        for n in range(10 ** 9):
            asked.append(n)
            yield b"x" * 10

    def handler(conn, address):
        for _ in range(3):
            conn.recv(100)

    asked = []
    played = play(handler, pieces())
    assert played.taken == played.hung_up == 30 and len(asked) == 4 and len(played.pieces) == 3


def test_a_function_among_the_pieces_sees_the_answers_and_may_play_another_connection():
    def handler(conn, address):
        store.append(conn.recv(9))
        store.append(conn.recv(9))
        conn.sendall(b"|".join(store))
        conn.recv(9)

    def meanwhile(received):
        seen.append((received, play(handler, [b"c", b"d"]).received))

    store, seen = [], []
    played = play(handler, [b"a", meanwhile, b"b", lambda received: seen.append(received)])
    assert seen == [(b"", b"a|c|d"), b"a|c|d|b"] and played.received == b"a|c|d|b"


def test_select_sees_what_a_recv_will_give():
    def handler(conn, address):
        for _ in range(3):
            readable.append(select.select([conn], [], [], 5)[0] == [conn])
            conn.recv(9)

    readable = []
    play(handler, [b"a", PAUSE, b"b"])
    assert readable == [True, True, True]


def test_who_takes_all_there_is_before_it_answers_is_told_when_there_is_no_more():
    """A function among the pieces is not called before that; and nobody else gets an EAGAIN after select."""
    def drains(conn, address):
        conn.setblocking(False)
        while True:
            select.select([conn], [], [])
            data = b""
            while True:
                try:
                    piece = conn.recv(2)
                except BlockingIOError:
                    break
                if not piece:
                    conn.sendall(data.upper())
                    return
                data += piece
            conn.sendall(data.upper())

    for handler in (drains, by_select):
        seen = []
        pieces = [b"tea", ANSWER, seen.append, b"sa", b"lt", ANSWER, seen.append]
        assert play(handler, pieces).received == b"TEASALT"
        assert seen == [b"TEA", b"TEASALT"]


def test_who_waits_for_an_answer_in_vain():
    def blocking(conn, address):
        taken.append(conn.recv(9) + conn.recv(9))

    def polling(conn, address):
        conn.setblocking(False)
        while True:
            try:
                conn.recv(9)
            except BlockingIOError:
                continue

    taken, seen = [], []
    assert not play(blocking, [b"a", ANSWER, seen.append, b"b"]).received and taken == [b"ab"] and seen == [b""]
    assert play(polling, [b"a", ANSWER, b"b"]).late


def test_what_the_handler_raises_and_where():
    def handler(conn, address):
        raise KeyError(address[0])

    played = play(handler, [b"a"])
    assert isinstance(played.raised, KeyError) and "127.0.0.1" in str(played.raised) and "(line " in repr(played)
    assert played.hung_up == 0


def test_what_the_handler_closed_or_left_open():
    def closes(conn, address):
        conn.sendall(conn.recv(2))
        conn.close()

    def ends(conn, address):
        conn.sendall(conn.recv(2))
        conn.shutdown(socket.SHUT_RDWR)
        conn.recv(2)

    def leaves(conn, address):
        left.append(conn.makefile("rb"))
        conn.sendall(left[-1].read(2))
        left.append(conn)

    def within(conn, address):
        with conn, conn.makefile("wb") as file:
            file.write(conn.recv(2))

    left = []
    for handler in (closes, ends, leaves, within):
        played = play(handler, [b"ab", b"cd"])
        assert played.received == b"ab" and played.hung_up is not None, handler
    assert left[1].fileno() == -1
    left[0].detach()


def test_a_closed_socket_says_what_it_always_says():
    def handler(conn, address):
        conn.close()
        conn.recv(1)

    assert "Bad file descriptor" in str(play(handler, [b"a"]).raised) or sys.platform == "win32"
    assert isinstance(play(lambda conn, address: conn.recv("1"), [b"a"]).raised, TypeError)
    assert isinstance(play(lambda conn, address: conn.sendall("1"), [b"a"]).raised, TypeError)
    assert isinstance(play(lambda conn, address: conn.recv(-1), [b"a"]).raised, ValueError)


def test_in_another_thread():
    def run():
        found.append(play(upper, [b"a", b"b"]).received)

    found = []
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert found == [b"AB"]


def test_a_thousand_runs_use_up_no_ports():
    for _ in range(1000):
        assert play(lambda conn, address: conn.close(), [b"a"]).hung_up == 0
