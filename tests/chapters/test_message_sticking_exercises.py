"""The judges of chapter 6's exercises: every cut is tried, the smallest one is told, and whatever a function does, it ends."""
import itertools
import random
import struct
import threading
from fractions import Fraction

import pytest
import wrong_message_sticking as answers
from answers import ANSWERS
from conftest import open_files

from netlab.chapters.message_sticking import check, decoders, feeding, hostile, means, prime
from netlab.teach import check as engine
from netlab.teach.quiet import PRINTED

FEEDERS = {"take_lines": (decoders.LINES, decoders.SHORT_LINES, answers.lines_split),
           "lengths": (decoders.LENGTHS, decoders.SHORT_LENGTHS, answers.sized()),
           "netstrings": (decoders.NETSTRINGS, decoders.SHORT_NETSTRINGS, answers.nets())}
DECODERS = [exercise for exercise in check.EXERCISES if exercise.name in FEEDERS]
SERVERS = [exercise for exercise in check.EXERCISES if exercise.name not in FEEDERS]
by_name = pytest.mark.parametrize("exercise", check.EXERCISES, ids=lambda exercise: exercise.name)
each_decoder = pytest.mark.parametrize("exercise", DECODERS, ids=lambda exercise: exercise.name)
each_server = pytest.mark.parametrize("exercise", SERVERS, ids=lambda exercise: exercise.name)


@pytest.fixture(autouse=True)
def nothing_is_kept_between_judges():
    answers.forget()
    yield
    answers.forget()


def cuts(wire, most):
    """All ways to cut it to `most` pieces or fewer, the fewest first."""
    for count in range(most):
        for places in itertools.combinations(range(1, len(wire)), count):
            yield [wire[begin:end] for begin, end in itertools.pairwise([0, *places, len(wire)])]


@each_decoder
def test_every_cut_of_the_short_streams_is_fed(exercise, monkeypatch):
    fed = set()
    plain = feeding.Decoder.feed

    def feed(self, function, stream, pieces):
        fed.add(tuple(pieces))
        return plain(self, function, stream, pieces)

    _, streams, right = FEEDERS[exercise.name]
    monkeypatch.setattr(feeding.Decoder, "feed", feed)
    assert exercise(right).ok
    for stream in streams:
        short = len(stream.wire) <= feeding.PAIRS
        assert fed.issuperset(map(tuple, cuts(stream.wire, 3 if short else 2))), stream.title
        assert tuple(feeding.single(stream.wire)) in fed
    assert len(fed) > 200 and sum(len(stream.wire) > feeding.PAIRS for stream in streams) < 2


@each_decoder
def test_the_cut_that_is_told_is_the_smallest_one(exercise):
    """Fewest pieces first, then the shortest stream: nothing smaller fails, by trying all that is."""
    decoder, streams, _ = FEEDERS[exercise.name]
    told = 0
    for answer in ANSWERS:
        if answer.exercise is not exercise or answer.hint is None or "no end" in answer.came:
            continue
        result = exercise(answer.function)
        calls = result.call.count("feed(") if exercise.name != "take_lines" else result.call.count("take_lines(")
        if calls != 2 or "piece by piece" in result.call:
            continue
        told += 1
        in_one = [stream for stream in streams if decoder.feed(answer.function, stream, [stream.wire]).outcome]
        assert not in_one, result
        two = [(stream, pieces) for stream in feeding.shortest(streams) for pieces in cuts(stream.wire, 2)
               if decoder.feed(answer.function, stream, pieces).outcome]
        stream, pieces = two[0]
        assert stream.title in result.call and all(repr(piece) in result.call for piece in pieces), (result, pieces)
    assert told or exercise.name == "take_lines"        # what is no more than a function of its bytes fails in one piece


def test_pieces_are_glued_as_far_as_they_will_go():
    for seed in range(200):
        dice = random.Random(seed)
        wire = bytes(range(30))
        pieces = [piece for piece in feeding.random_cut(wire, dice) if piece]
        edges = {sum(map(len, pieces[:count])) for count in range(1, len(pieces))}
        needed = {edge for edge in edges if dice.random() < 0.3}

        def again(pieces):
            edges = {sum(map(len, pieces[:count])) for count in range(1, len(pieces))}
            return (pieces,) if edges >= needed else None

        (found,) = feeding.smallest(pieces, again)
        assert b"".join(found) == wire and len(found) == len(needed) + 1


def test_a_cut_is_told_as_it_would_be_typed():
    result = check.lengths(answers.sized(keep=False))
    assert result.call == r"lengths(): feed(b'\x00'), then feed(b'\x013'): one message"
    assert (result.expected, result.came) == ("[], then [b'3']", "[], then []")


def lines_wrong_at_the_second_piece(seen):
    """Right for all whole streams: it is wrong where b"3" came before."""
    def take_lines(data):
        messages, rest = answers.lines_split(data)
        again = seen == [b"3"] and data == b"3\n"
        seen[:] = [data]
        return (messages, b"3") if again else (messages, rest)
    return take_lines


def test_what_is_left_over_is_told_where_the_caller_puts_it():
    result = check.take_lines(lines_wrong_at_the_second_piece([]))
    assert result.call == r"take_lines(b'3'), then take_lines(b'3' + b'\n'): one line"
    assert (result.expected, result.came) == ("([], b'3'), then ([b'3'], b'')", "([], b'3'), then ([b'3'], b'3')")


def wrong_after(count):
    """Right until it has been fed so many pieces."""
    def lengths():
        feed, fed = answers.sized()(), itertools.count(1)

        def feed_some(data):
            return feed(data) if next(fed) <= count else [b"?"]
        return feed_some
    return lengths


@pytest.mark.parametrize("count", range(6))
def test_the_fewest_pieces_that_fail(count):
    result = check.lengths(wrong_after(count))
    assert not result.ok
    if count < feeding.TOLD:
        assert result.call.count("feed(") == count + 1, result
    else:
        assert f"the last of these {count + 1} pieces" in result.expected, result


def test_a_list_that_is_used_again_is_no_mistake():
    def lengths():
        feed, messages = answers.sized()(), []

        def feed_into_one_list(data):
            messages[:] = feed(data)
            return messages
        return feed_into_one_list
    assert check.lengths(lengths).ok


def test_the_same_answer_gets_the_same_result_each_time(monkeypatch):
    monkeypatch.setattr(engine, "LIMIT", 0.3)
    keep = "shared", "global", "Shared", "generator"    # what they keep differs the second time, or its address
    for answer in ANSWERS:
        if answer.exercise in check.EXERCISES and answer.hint and not any(word in answer.function.__name__ for word in keep):
            first, second = (repr(answer.exercise(answer.function)) for _ in range(2))
            assert first == second


@by_name
def test_a_print_in_the_function_does_not_bury_the_result(exercise, capsys):
    right = next(answer.function for answer in ANSWERS if answer.exercise is exercise and answer.hint is None)

    def function(*given):
        print("here I am")
        return right(*given)

    assert exercise(function).ok
    lines = capsys.readouterr().out.splitlines()
    assert lines[:PRINTED] == ["here I am"] * PRINTED and len(lines) == PRINTED + 1
    assert threading.active_count() == 1 or all(thread.daemon for thread in threading.enumerate()[1:])


@by_name
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError, GeneratorExit])
def test_no_socket_is_left_whatever_happens(exercise, error):
    def function(*given):
        raise error
    before = open_files()
    assert not exercise(function).ok
    assert open_files() == before


@each_server
@pytest.mark.parametrize("answers_too", [False, True])
def test_a_handler_that_swallows_everything_comes_to_its_end(exercise, answers_too, monkeypatch):
    def handler(conn, address):
        while True:
            try:
                conn.recv(100)
                if answers_too:
                    conn.sendall(b"{}\n")
            except:     # noqa: E722
                pass

    monkeypatch.setattr(engine, "LIMIT", 0.3)
    before = open_files()
    assert not exercise(handler).ok
    assert open_files() == before


@each_decoder
def test_a_decoder_that_swallows_everything_comes_to_its_end(exercise, monkeypatch):
    def feed(data):
        try:
            while True:
                pass
        except:     # noqa: E722
            return [], b""

    monkeypatch.setattr(engine, "LIMIT", 0.3)
    assert not exercise(feed if exercise.name == "take_lines" else lambda: feed).ok


def test_the_pieces_that_break_a_server_are_told():
    result = check.prime_time(answers.prime_lines_of_a_recv)
    assert result.call.endswith(r"""one request: the client sends b'{', then b'"method":"isPrime","number":7}\n'""")
    assert result.expected == r"""b'{"method":"isPrime","prime":true}\n'""" and result.came == r"b'{}\n'"
    result = check.means_to_an_end(answers.means(keep=False))
    assert result.call.endswith(r": one price and a query: the client sends I 1 250, Q 0 2 as b'I', then "
                                r"b'\x00\x00\x00\x01\x00\x00\x00\xfaQ\x00\x00\x00\x00\x00\x00\x00\x02'")
    result = check.prime_time(answers.primes(limit=None))
    assert result.call.endswith("999' (1,000 bytes), then 39 more pieces, 38,032 bytes"), result.call


# --- what is right ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("mean, right", [
    (Fraction(5), {5}), (Fraction(7, 2), {3, 4}), (Fraction(-7, 2), {-3, -4}), (Fraction(0), {0}), (Fraction(1, 3), {0, 1})])
def test_a_mean_may_be_rounded_to_both_sides(mean, right):
    one = hostile.Talk("", (b"Q" + bytes(8),), (mean,), "")
    found = {number for number in range(-9, 10) if not means.read(one, struct.pack("!i", number), False).fault}
    assert found == right


@pytest.mark.parametrize("line, answer", [
    (b'{"method":"isPrime","prime":true}', True), (b' {"prime" : false, "method":"isPrime", "more": 1}', False),
    (b'{"method":"isPrime","prime":"true"}', prime.MALFORMED), (b'{"method":"isPrime","prime":1}', prime.MALFORMED),
    (b'{"prime":true}', prime.MALFORMED), (b"true", prime.MALFORMED), (b"", prime.MALFORMED), (b"\xff", prime.MALFORMED)])
def test_what_an_answer_is(line, answer):
    due = (answer,)
    assert not prime.read(hostile.Talk("", (), due, "", ends=answer == prime.MALFORMED), line + b"\n", False).fault
    other = (False,) if answer is not False else (True,)
    assert prime.read(hostile.Talk("", (), other, "no"), line + b"\n", False).fault


def test_what_the_clients_send_is_what_they_are_owed_for():
    """The numbers of the trials, by the plainest program: no server of ours says what is right."""
    for talk in (means.example, means.short, means.twice, means.ten, means.batch, means.fifty):
        prices, owed = [], []
        for kind, first, second in struct.iter_unpack("!cii", talk.wire):
            if kind == b"I":
                prices.append((first, second))
            else:
                found = [price for time, price in prices if first <= time <= second]
                owed.append(Fraction(sum(found), len(found) or 1))
        assert tuple(owed) == talk.due
        assert len({time for time, _ in prices}) == len(prices), "no timestamp comes twice: the task says so"
    assert means.example.due == (101,) and means.example.wire[:9] == bytes.fromhex("49 00003039 00000065")
    for stream in decoders.SHORT_NETSTRINGS:
        assert all(stream.wire[:end].endswith(b"%d:%s," % (len(message), message)) for message, end in stream.ends)


@each_server
def test_a_server_of_one_client_at_a_time_is_refused(exercise, monkeypatch):
    """By the clients at netlab.serve, where the trial before them did not find it."""
    monkeypatch.setattr(engine, "LIMIT", 0.5)
    lock = threading.Lock()
    right = next(answer.function for answer in ANSWERS if answer.exercise is exercise and answer.hint is None)

    def handler(conn, address):
        with lock:
            right(conn, address)

    miss = exercise.trials[-1](handler)
    assert miss and miss.hint == hostile.WAITED and "5 clients at once" in miss.call
    assert exercise.trials[-1](right) is None


@each_server
def test_an_error_of_a_handler_among_many_is_told(exercise):
    def handler(conn, address):
        raise LookupError("not here")

    miss = exercise.trials[-1](handler)
    assert "raised LookupError: not here" in miss.came
