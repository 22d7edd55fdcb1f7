"""diagnose names the mistake of nearly all mutants, has no complaint about right servers, and says no more than it saw."""
import json
import sys
import threading
import time
from collections import Counter

import pytest
from conftest import left_behind, open_files
from mutants_of_servers import HELD_OUT, MUTANTS
from right_servers import LINE, RIGHT, SHORT, WORDS, backwards, recv_exactly

from netlab import echo, upper
from netlab.framing import Delimiter, FixedLength, LengthPrefix
from netlab.style import Picture
from netlab.teach import diagnose
from netlab.teach.check import TooLong
from netlab.teach.diagnose import KINDS
from netlab.teach.mistakes import Bench
from netlab.teach.played import play
from netlab.teach.strangers import RULES

BRIEF = {"message", "header", "body", "coalesced", "swallowed", "leftover", "send", "decode", "busy", "end", "bound", "timeout",
         "mark", "framing", "silent", "raises", "shared", "held", "again", "empty", "stream", "step"}


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left():
    threads, files = set(threading.enumerate()), open_files()
    yield
    assert not left_behind(threads, files)


def of(server):
    return diagnose(server.handler, server.answer, server.framing, messages=server.messages)


@pytest.fixture(scope="module")
def found():
    return {server.handler.__name__: of(server) for server in MUTANTS}


def test_the_mistake_of_nearly_every_mutant_is_named(found):
    """Of those that were written when the rules were done, too."""
    wrong = [(server.handler.__name__, server.kind, found[server.handler.__name__].kind) for server in MUTANTS
             if server.kind != found[server.handler.__name__].kind]
    held_out = {server.handler.__name__ for server in MUTANTS[HELD_OUT:]}
    assert len(found) == len(MUTANTS) >= 40 and len(held_out) >= 20
    assert len(wrong) <= 0.05 * len(MUTANTS), wrong
    assert sum(name in held_out for name, *_ in wrong) <= 0.05 * len(held_out), wrong


def test_each_kind_has_its_mutants():
    kinds = Counter(server.kind for server in MUTANTS)
    several = Counter({"several": kinds["coalesced"] + kinds["swallowed"], "answers": sum(
        kinds[kind] for kind in ("framing", "silent", "raises", "late", "once")), **kinds})
    assert not BRIEF - set(kinds)
    assert all(several[kind] >= 3 for kind in (
        "message", "header", "body", "several", "leftover", "send", "decode", "busy", "end", "bound", "timeout", "mark", "shared",
        "answers"))
    assert set(kinds) <= set(KINDS)


@pytest.mark.parametrize("server", RIGHT, ids=lambda server: server.handler.__name__)
def test_no_false_alarm(server):
    diagnosis = of(server)
    assert diagnosis.ok and not diagnosis.kind and "no mistake found" in diagnosis.sentence, diagnosis
    assert diagnosis.finding is None and diagnosis.recvs == () and "good" not in repr(diagnosis)


def test_there_are_right_servers_enough():
    assert len(RIGHT) >= 10


def test_what_it_shows_happens(found):
    """The pieces that it shows, played once more, bring what it says."""
    for server in MUTANTS:
        diagnosis = found[server.handler.__name__]
        if diagnosis.kind in ("bound", "shared", "timeout", "send"):
            continue
        again = play(server.handler, diagnosis.pieces)
        if not diagnosis.finding.played.late:
            assert again.received.startswith(diagnosis.came[:1]), diagnosis
        assert b"".join(diagnosis.sent).startswith(b"".join(diagnosis.pieces)), diagnosis
        assert b"".join(diagnosis.pieces).startswith(b"".join(diagnosis.recvs)), diagnosis


def test_the_smallest_cut_is_shown(found):
    assert found["recv_1024_is_the_line"].pieces == (b"t", b"ea\n")
    assert found["header_by_one_recv"].pieces == (b"\0", b"\0\0\3tea")
    assert found["until_it_ends_with_a_newline"].pieces == (b"tea\nsalt\n",)
    assert found["drops_the_unfinished_line"].pieces == (b"tea\ns", b"alt\n")
    assert found["all_that_came_once_more"].pieces == (b"tea\r\n", b"salt\r\n")
    assert found["a_text_as_buffer"].pieces == (b"5 \xe2", b"\x82\xac\n")
    assert found["looks_for_crlf_in_the_chunk"].pieces == (b"tea\r", b"\n")
    assert found["for_line_in_file"].pieces == (b"t",)


def test_every_diagnosis_reads_well(found):
    for diagnosis in found.values():
        text, html = repr(diagnosis), diagnosis._repr_html_()
        assert text.startswith(f"{diagnosis.name}: {KINDS[diagnosis.kind][0]}") and "\n  hint " in text and "\n  seen " in text
        assert "{" not in diagnosis.hint and "TooLong" not in text and "played.py" not in text
        assert 'role="status"' in html
        if diagnosis.picture:
            assert isinstance(diagnosis.picture, Picture) and "<img" in html


def test_the_cut_is_drawn(found):
    for name in ("recv_1024_is_the_line", "until_it_ends_with_a_newline", "drops_the_unfinished_line", "a_text_as_buffer"):
        assert found[name].picture, name
    assert found["a_line_of_any_length"].picture is None and found["sends_once"].picture is None


@pytest.mark.parametrize("name, words", [
    ("bytes_and_text", "bytes and text were mixed"), ("header_by_one_recv", "recv(4)"), ("mark", "`b'\\r\\n'`"),
    ("believes_the_length", "LengthPrefix(4, max_size=…)"), ("counts_characters", "LengthPrefix(2).encode"),
    ("a_line_of_any_length", "Delimiter(b'\\n', max_size=…)"), ("continues_on_nothing", "end of the stream"),
    ("a_limit_of_1000", "may be fair. Then say so: `framing=Delimiter(b'\\n', max_size=…)`"),
    ("skips_empty_lines", "on purpose")])
def test_hints(found, name, words):
    name = "looks_for_crlf_in_the_chunk" if name == "mark" else name
    assert words in found[name].hint


@pytest.mark.parametrize("name, words", [
    ("counts_characters", "counts characters: it says 3, and b'5 \\xe2\\x82\\xac' has 5 bytes"),
    ("forgets_the_length", "came without its framing"),
    ("recv_9_is_a_record", "it hung up after 1 byte of 9"),
    ("takes_four_bytes_of_what_is_there", "came in 2 pieces and was answered; the next was not read right"),
    ("a_number_from_a_recv", "raised ValueError: invalid literal for int() with base 10: b'\\n'"),
    ("bytes_and_text", "raised TypeError"), ("waits_for_nine_with_peek", "MSG_PEEK"),
    ("a_timeout_is_the_end_of_a_line", "a recv timed out"),
    ("a_global_connection", "on another connection"), ("believes_the_length", "16,777,216"),
    ("one_request_and_goodbye", "hung up"),
    ("lines_of_64", "a message of 3,000 bytes came behind b'tea\\n': 3,052 bytes came for it and for the next message, in place "
                    "of 3,006"),
    ("a_limit_of_1000", "1,024 bytes of 3,001 were taken, and then it hung up"),
    ("a_signed_length", "a message of 40,000 bytes came"),
    ("skips_empty_lines", "b'\\n', a message of zero bytes, came between b'tea\\n' and b'salt\\n': b'TEA\\nSALT\\n' came back"),
    ("goes_on_with_the_file", "it read on, and raised OSError: cannot read from timed out object"),
    ("the_first_of_all_that_came", "b'tea' had its answer; when b'salt' was sent, that answer came again: b'TEA\\nTEA\\n'"),
    ("each_answer_twice", "b'tea\\n' came once, and its answer twice: b'3\\n3\\n'"),
    ("more_than_two_parts", "no answer came before the next, b'salt', was sent; then b'aet\\n' came back"),
    ("an_f_string_of_bytes", "b'TEA' is what str() or an f-string makes of bytes"),
    ("str_of_bytes", "b'tea' is what str() or an f-string makes of bytes"),
    ("the_last_line_first", "the answers in another order: b'SALT\\nTEA\\n'")])
def test_what_was_seen(found, name, words):
    assert words in found[name].said, found[name]


def test_the_line_of_an_error_is_told():
    def handler(conn, address):
        for line in conn.makefile("rb"):
            conn.sendall({}[line])

    line = handler.__code__.co_firstlineno + 2
    assert f"(line {line} of your cell)" in diagnose(handler).said
    assert diagnose(lambda conn: conn).kind == "raises"


def test_a_server_that_answers_each_recv():
    """In capitals a stream is the same in any cut. But half a message is answered: a server without messages, as an echo is."""
    for server, answer in (upper, bytes.upper), (echo, bytes):
        diagnosis = diagnose(server, answer)
        assert diagnosis.kind == "stream" and "before more had come: b" in diagnosis.said
        assert "for an echo that is right" in diagnosis.hint
    assert diagnose(lambda conn, address: conn.sendall(conn.recv(9)), bytes).kind == "once"


def test_a_fault_without_a_name():
    """It cannot count to three: no mistake of the list, and no name is made up for it."""
    def handler(conn, address):
        buffer, recvs = b"", 0
        while (data := conn.recv(4096)) and len(buffer) < 9000:
            recvs += 1
            buffer += data
            while b"\n" in buffer:
                line, buffer = buffer.split(b"\n", 1)
                conn.sendall((b"?" if recvs == 15 else line.upper()) + b"\n")

    diagnosis = diagnose(handler, framing=LINE)
    assert diagnosis.kind == "cut" and len(diagnosis.pieces) == 15 and "no mistake that is known" in repr(diagnosis)


def test_an_untouched_stub_and_what_is_no_server():
    def handler(conn, address):
        ...

    assert "not attempted" in repr(diagnose(handler)) and not diagnose(handler).ok
    assert "without calling it" in repr(diagnose(None))
    with pytest.raises(TypeError, match="framing is"):
        diagnose(upper, framing=b"\n")


def test_messages_must_fit():
    """One sentence in the card, no traceback: a learner gives any answer function."""
    for refused, words in (
            (diagnose(upper, {}.__getitem__), ("KeyError", "`messages=[…]`", "in place of b'tea', b'salt'")),
            (diagnose(upper, json.loads), ("b'tea'", "JSONDecodeError", "two or more that your server takes, in place of")),
            (diagnose(upper, framing=Delimiter(max_size=3), messages=[b"salt", b"tea"]), ("at most 3", "your server takes.")),
            (diagnose(upper, framing=FixedLength(2), answer=lambda message: b"x"), ("gives b'x'", "has 1")),
            (diagnose(upper, answer=lambda message: "x"), ("gives 'x'", "takes bytes, not str"))):
        assert all(word in repr(refused) for word in ("nothing was played", *words)), refused
        assert not refused.ok and not refused.kind and refused.runs == 0 and "<code>messages=[…]</code>" in refused._repr_html_()
    with pytest.raises(ValueError, match="two or more"):
        diagnose(upper, messages=[b"one"])


def test_expected_and_came_are_never_the_same_words(found):
    """What is wrong is said, also where the bytes are right."""
    same = 0
    for diagnosis in found.values():
        rows = dict(diagnosis._rows)
        if "expected" in rows:
            same += diagnosis.expected == diagnosis.came
            assert rows["expected"] != rows["came"], diagnosis
    assert same >= 5
    assert "and then: a busy loop" in dict(found["continues_on_nothing"]._rows)["came"]
    assert "too late" in dict(found["splits_when_it_ends_with_a_newline"]._rows)["came"]


def test_a_pause_is_one_of_the_pieces(found):
    """In the row of pieces, and in words under the picture."""
    paused = [diagnosis for diagnosis in found.values() if diagnosis.kind == "timeout"]
    assert len(paused) >= 3
    for diagnosis in paused:
        assert " | (a pause) | " in dict(diagnosis._rows)["pieces"]
        assert not diagnosis.picture or "the peer was silent" in diagnosis.picture._repr_mimebundle_()["text/html"]


def test_an_answer_without_end_is_ended_at_once(found):
    for name in ("never_empties_the_line", "never_takes_it_out", "the_second_again_and_again"):
        assert found[name].finding.played.repeats and "seconds" not in repr(found[name]), name
        assert "without a recv between" in dict(found[name]._rows)["came"]


def test_the_first_answer_behind_a_refused_header_is_enough(found):
    """The same each time, whatever the machine's speed."""
    for name in ("looks_for_the_next_header", "says_so_and_goes_on", "refuses_and_reads_on"):
        assert b"\0\0\0\3" in found[name].came and len(found[name].came) <= 50, found[name]
        assert of(next(server for server in MUTANTS if server.handler.__name__ == name)).came == found[name].came


@pytest.mark.parametrize("framing", [
    Delimiter(b"a"), Delimiter(b" "), Delimiter(b"ea"), FixedLength(1), FixedLength(2), FixedLength(3), LengthPrefix(1),
    LengthPrefix(8, byteorder="little"), Delimiter(b"\r\n\r\n", max_size=1000)], ids=repr)
def test_odd_framings_have_messages(framing):
    """A server over the framing itself: all that diagnose sends is of this framing."""
    def handler(conn, address):
        decoder = type(framing)(**{name: value for name, value in vars(framing).items() if not name.startswith("_")})
        while data := conn.recv(4096):
            try:
                messages = decoder.feed(data)
            except ValueError:
                return
            for message in messages:
                conn.sendall(decoder.encode(message[::-1]))

    assert diagnose(handler, backwards, framing).ok


def test_what_never_waits_is_ended_once():
    def handler(conn, address):
        while True:
            pass

    begun = time.monotonic()
    diagnosis = diagnose(handler)
    assert diagnosis.kind == "silent" and diagnosis.runs == 1 and time.monotonic() - begun >= 3


def test_a_message_that_is_one_byte_on_the_wire_has_no_place_to_be_cut():
    def handler(conn, address):
        with conn.makefile("rb") as lines:
            while (line := lines.readline()).endswith(b"\n"):
                conn.sendall(line.upper())
                if line == b"\n":
                    return

    diagnosis = diagnose(handler, messages=[b"tea", b""])
    assert diagnosis.kind == "cut" and "b'' came in 1 piece and was answered; the next was not read right" in repr(diagnosis)


def test_no_other_sizes_where_the_messages_are_given():
    """Nor where the framing, or answer(), does not take them."""
    def handler(conn, address):
        with conn.makefile("rb") as lines:
            while len(line := lines.readline(101)) > 1 and line.endswith(b"\n"):
                conn.sendall(line.upper())

    def short(message):
        return {b"tea": b"TEA", b"salt": b"SALT", "5 €".encode(): "5 €".encode()}[message]

    assert diagnose(handler).kind == "long"
    assert diagnose(handler, framing=Delimiter(b"\n", max_size=100)).kind == "zero"
    assert diagnose(handler, messages=[b"tea", b"salt"], framing=Delimiter(b"\n", max_size=100)).ok
    assert diagnose(handler, short, framing=Delimiter(b"\n", max_size=100)).ok
    assert dict(diagnose(handler)._rows)["pieces"].endswith("… (3,001 bytes) | b'salt\\n'")


def test_the_framing_given_is_left_as_it_was():
    framing = Delimiter()
    framing.feed(b"half")
    assert diagnose(lambda conn, address: conn, framing=framing).kind == "silent" and framing.pending == b"half"


def test_what_a_handler_prints_is_not_shown(capsys):
    def handler(conn, address):
        while data := conn.recv(100):
            print("got", data)
            print("and", data, file=sys.stderr)

    assert diagnose(handler).kind == "silent" and capsys.readouterr() == ("", "")


def test_a_bare_except_around_all_of_it():
    def handler(conn, address):
        while True:
            try:
                size = recv_exactly(conn, 4)
                conn.sendall(size + recv_exactly(conn, int.from_bytes(size, "big")))
            except:  # noqa: E722
                pass

    assert diagnose(handler, bytes, WORDS).kind in ("busy", "end")


def test_a_state_left_by_an_earlier_run_is_told_as_one():
    """Diagnosed twice, a server with a global buffer begins with what the first diagnosis left there."""
    left = bytearray()

    def handler(conn, address):
        while data := conn.recv(100):
            left.extend(data)
            while (end := left.find(b"\n")) >= 0:
                conn.sendall(left[:end + 1].upper())
                del left[:end + 1]

    kinds = [diagnose(handler, framing=LINE).kind for _ in range(3)]
    assert set(kinds) == {"shared"}


def test_what_is_due_is_what_the_framing_makes_of_the_answer():
    bench = Bench(upper, backwards, SHORT, [b"ab", b"c"])
    assert bench.wires == [b"\0\2ab", b"\0\1c"] and bench.answers == [b"\0\2ba", b"\0\1c"]
    assert not issubclass(TooLong, Exception)


def test_messages_longer_than_a_piece():
    def handler(conn, address):
        with conn.makefile("rb") as file:
            while len(header := file.read(4)) == 4:
                if (size := int.from_bytes(header, "big")) <= 2 ** 20:
                    conn.sendall(header + file.read(size).upper())

    assert play(handler, [b"\0\0\0\1a"]).received == b"\0\0\0\1A"
    rule = next(rule for rule in RULES if rule.__name__ == "no_bound")
    found = rule(Bench(handler, bytes.upper, LengthPrefix(4), [b"tea" * 20000, b"salt"]))
    assert found.kind == "step" and len(found.played.received) <= 200_000
