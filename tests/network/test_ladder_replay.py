"""A ladder's steps: at each row the states of TCP, and in which kernel each byte and each datagram lies."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from dataclasses import replace

import pytest
import talks
from conftest import need
from ladder_steps_check import told_as_by_kernels, wrong_steps
from talk_by_hand import B, Talk, datagrams
from talks_left_open import left_open

from netlab import Timeline
from netlab.events import DATA, HELD, Symbol
from netlab.network import Network
from netlab.network.ladder import MOST, climb, ladder
from netlab.network.ladder_picture import picture_of
from netlab.network.ladder_replay import steps_of
from netlab.network.packets import Packets
from netlab.replay.player import Replay

network = pytest.mark.usefixtures("a_network")


@pytest.fixture(scope="module")
def a_network():
    need(not Network.why(), Network.why())


def opened(*calls):
    """alice and bob are connected; then calls and segments: ("sendall", 0, b"one", 0), ("PA", True, 1, 1, b"one")…"""
    talk = Talk()
    talk.open()
    for name, *given in calls:
        if name.isupper():
            talk.segment(given[0], name, *given[1:4], **given[4] if len(given) > 4 else {})
        elif name in ("sendall", "recv"):
            number, data, offset = given
            talk.call(number, name, DATA if name == "sendall" else 9, data=data, size=len(data), offset=offset)
        else:
            talk.call(given[0], name, *given[1:])
    return talk


def said(talk):
    return [step.says for step in steps_of(talk.ladder())]


def strips(step, scene=0):
    """{label: the bytes that lie there}"""
    return {way.label: b"".join(piece.data for piece in way.pieces) for way in step.scenes[scene].ways}


def states(step):
    return step.scenes[0].left.state, step.scenes[0].right.state


ONE = (("sendall", 0, b"one", 0), ("PA", True, 1, 1, b"one"))
LOST = {"fate": "lost"}


# --- by hand: no network is needed ---
def test_a_byte_goes_from_kernel_to_kernel():
    talk = opened(*ONE, ("recv", 2, b"one", 0), ("A", False, 1, 4))
    steps = steps_of(talk.ladder())
    assert [step.says for step in steps] == [
        "bob: listen(). Its socket is in LISTEN now.",
        "alice: connect(bob, 80) waits.",
        "SYN goes from alice to bob. alice is in SYN_SENT now.",
        "SYN ACK goes from bob to alice. alice is in ESTABLISHED now, bob in SYN_RECEIVED.",
        "alice: connect returns.",
        "ACK goes from alice to bob. bob is in ESTABLISHED now.",
        "bob: accept() → connection.",
        'alice: sendall(b"one"). Its kernel has 3 bytes to send.',
        "Bytes 1-3 go from alice to bob. bob's kernel holds 3 bytes to be received.",
        'bob: recv(9) → b"one".',
        "ACK 4 goes from bob to alice. alice's kernel forgets 3 bytes."]
    kept, there = "alice keeps until an ACK", "in bob's kernel"
    assert [strips(step) for step in steps[6:]] == [
        {kept: b"", there: b""}, {kept: b"one", there: b""}, {kept: b"one", there: b"one"}, {kept: b"one", there: b""},
        {kept: b"", there: b""}]


def test_states_of_the_handshake_and_the_queue_of_the_listener():
    steps = steps_of(opened().ladder())
    assert [states(step) for step in steps] == [
        ("CLOSED", "CLOSED"), ("CLOSED", "CLOSED"), ("SYN_SENT", "CLOSED"), ("ESTABLISHED", "SYN_RECEIVED"),
        ("ESTABLISHED", "SYN_RECEIVED"), ("ESTABLISHED", "ESTABLISHED"), ("ESTABLISHED", "ESTABLISHED")]
    assert [step.scenes[-1].right.queue for step in steps] == [(), (), (), (), (), ("alice",), ()]
    assert [step.scenes[0].left.doing for step in steps] == ["", *["connect(bob, 80)"] * 2, *[""] * 4]


def test_a_call_waits_only_as_long_as_there_is_nothing_for_it():
    """accept() and recv() begin before what they need, and come back after something else."""
    talk = opened(*ONE, ("recv", 2, b"one", 0))
    accept, _, recv = talk.events[2:]
    made = talk.ladder()
    rows = made.rows
    for e, before in ((accept, "SYN"), (recv, "bytes 1-3")):
        at = next(n for n, row in enumerate(rows) if row.drawn and row.drawn.label == before)
        finish = next(row for row in rows if row.event is e)
        finish.kind = "finish"
        rows.insert(at, replace(finish, kind="start", result=""))
    found = [(step.scenes[-1].right.doing, step.scenes[-1].right.queue, step.scenes[0].right.doing) for step in steps_of(made)]
    assert list(dict.fromkeys(found)) == [
        ("", (), ""), ("accept()", (), ""), ("", ("alice",), ""), ("", (), "recv(9)")]
    assert found[-2:] == [("", (), "")] * 2, "when the bytes are there, it does not wait"


def test_a_call_for_a_datagram_waits_until_one_is_there():
    steps = steps_of(datagrams(b"hello 1", b"hello 2").ladder())
    assert [step.scenes[0].right.doing for step in steps] == ["", *["recvfrom(2048)"] * 4, *[""] * 4]


def test_states_of_the_end():
    talk = opened(("close", 0), ("FA", True, 1, 1), ("recv", 2, b"", 0), ("A", False, 1, 2), ("close", 2), ("FA", False, 1, 2),
                  ("A", True, 2, 2))
    expected = [("alice", "FIN_WAIT_1", "ESTABLISHED"), ("FIN goes ", "FIN_WAIT_2", "CLOSE_WAIT"),
                ("bob", "FIN_WAIT_2", "CLOSE_WAIT"), ("bob", "FIN_WAIT_2", "LAST_ACK"),
                ("FIN goes ", "TIME_WAIT", "LAST_ACK"), ("ACK 2 goe", "TIME_WAIT", "CLOSED")]
    steps = steps_of(talk.ladder())
    assert [(step.says.partition(":")[0][:9], *states(step)) for step in steps[7:]] == expected
    assert 'bob: recv(9) → b"". alice sends nothing more.' in said(talk)
    assert steps[8].says == ("FIN goes from alice to bob. bob's kernel acknowledges the FIN, with an ACK that is not drawn. "
                             "alice is in FIN_WAIT_2 now, bob in CLOSE_WAIT.")
    assert steps[-1].says == ("ACK 2 goes from alice to bob. It acknowledges bob's FIN, which counts one, like a byte. "
                              "bob is in CLOSED now.")
    del talk.packets[-3]
    assert steps_of(talk.ladder()) == steps, "bob's FIN carried the ACK of alice's"


def test_a_fin_whose_ack_is_drawn_or_did_not_come():
    ended = ("close", 0), ("FA", True, 1, 1)
    drawn = steps_of(opened(*ended, ("A", False, 1, 2)).ladder())
    assert [states(step)[0] for step in drawn[-2:]] == ["FIN_WAIT_1", "FIN_WAIT_2"]
    assert states(steps_of(opened(*ended).ladder())[-1])[0] == "FIN_WAIT_1", "the capture has no ACK of it"
    again = opened(*ended, ("close", 2), ("FA", False, 1, 2, b"", LOST), ("FA", True, 1, 1), ("FA", False, 1, 2),
                   ("A", True, 2, 2))
    found = [(step.says.partition(" ")[0], states(step)[0]) for step in steps_of(again.ladder())[-5:]]
    assert found == [("bob:", "FIN_WAIT_1"), ("FIN", "FIN_WAIT_1"), ("FIN", "FIN_WAIT_2"), ("FIN", "TIME_WAIT"),
                     ("ACK", "TIME_WAIT")]


def test_the_ack_of_a_fin_is_for_the_bytes_before_it_too():
    talk = opened(ONE[0], ("close", 0), ("PFA", True, 1, 1, b"one"), ("recv", 2, b"one", 0), ("close", 2), ("FA", False, 1, 5),
                  ("A", True, 5, 2))
    step = next(step for step in steps_of(talk.ladder()) if step.says.startswith("Bytes 1-3, FIN"))
    assert strips(step)["alice keeps until an ACK"] == b"" and step.says == (
        "Bytes 1-3, FIN go from alice to bob. bob's kernel holds 3 bytes to be received. bob's kernel acknowledges the FIN, with "
        "an ACK that is not drawn. alice's kernel forgets 3 bytes. alice is in FIN_WAIT_2 now, bob in CLOSE_WAIT.")
    assert not wrong_steps(talk.ladder(), steps_of(talk.ladder()))


def test_both_close_at_once():
    talk = opened(("close", 0), ("close", 2))
    one, other = talk.segment(True, "FA", 1, 1), talk.segment(False, "FA", 1, 1)
    talk.packets[-2:] = [replace(one, arrivals=(20.0,)), replace(other, arrivals=(21.0,))]
    talk.clock = 30
    talk.segment(True, "A", 2, 2)
    talk.segment(False, "A", 2, 2)
    found = [states(step) for step in steps_of(talk.ladder())]
    assert found[7:] == [("FIN_WAIT_1", "ESTABLISHED")] * 2 + [("FIN_WAIT_1", "FIN_WAIT_1")] * 2 + [
        ("FIN_WAIT_1", "CLOSING"), ("CLOSING", "CLOSING"), ("TIME_WAIT", "TIME_WAIT")]
    assert not any("on the way" in way.label for way in steps_of(talk.ladder())[0].scenes[0].ways), "a FIN is no byte"
    assert said(talk)[-1] == ("ACK 2 goes from alice to bob. It acknowledges bob's FIN, which counts one, like a byte. An ACK to "
                              "alice came that is not drawn. alice is in TIME_WAIT now, bob in TIME_WAIT.")


def test_a_half_closed_connection():
    talk = opened(("shutdown", 0, Symbol("SHUT_WR")), ("FA", True, 1, 1), ("A", False, 1, 2), ("sendall", 2, b"late", 0),
                  ("PA", False, 1, 2, b"late"), ("recv", 0, b"late", 0))
    steps = steps_of(talk.ladder())
    assert states(steps[-1]) == ("FIN_WAIT_2", "CLOSE_WAIT") and strips(steps[-2])["in alice's kernel"] == b"late"
    ended = opened(("shutdown", 0, Symbol("SHUT_RD")))
    assert states(steps_of(ended.ladder())[-1]) == ("ESTABLISHED", "ESTABLISHED")


def test_what_is_lost_is_kept():
    talk = opened(ONE[0], ("PA", True, 1, 1, b"one", LOST), ONE[1])
    assert said(talk)[-2:] == [
        "Bytes 1-3 go from alice to bob, and are lost on the cable. alice's kernel still has them.",
        "Bytes 1-3 go from alice to bob, once more, as no ACK came. bob's kernel holds 3 bytes to be received."]


def test_what_came_before_it_is_sent_again():
    talk = opened(*ONE, ("A", False, 1, 4, b"", LOST), ONE[1], ("A", False, 1, 4))
    assert said(talk)[-2:] == ["Bytes 1-3 go from alice to bob, once more, as no ACK came. bob's kernel has them already.",
                               "ACK 4 goes from bob to alice. alice's kernel forgets 3 bytes."]


def test_bytes_behind_a_gap_cannot_be_received_yet():
    talk = opened(("sendall", 0, b"onetwo", 0), ("A", True, 1, 1, b"one", LOST), ("PA", True, 4, 1, b"two"),
                  ("A", True, 1, 1, b"one"), ("recv", 2, b"onet", 0))
    steps = steps_of(talk.ladder())
    assert steps[-3].says == ("Bytes 4-6 go from alice to bob. bob's kernel holds them, but 3 bytes before them are missing: "
                              "no recv() can take them yet.")
    assert strips(steps[-3]) == {"alice keeps until an ACK": b"onetwo", "in bob's kernel": b"", "at bob, behind a gap": b"two"}
    assert strips(steps[-2])["in bob's kernel"] == b"onetwo" and strips(steps[-1])["in bob's kernel"] == b"wo"
    assert steps[-1].says.endswith("2 bytes stay in its kernel.")
    one_byte = opened(("sendall", 0, b"ab", 0), ("A", True, 1, 1, b"a", LOST), ("PA", True, 2, 1, b"b"))
    assert said(one_byte)[-1] == ("Byte 2 goes from alice to bob. bob's kernel holds it, but 1 byte before it is missing: "
                                  "no recv() can take it yet.")


def test_what_crosses_is_on_the_way():
    talk = opened(("sendall", 0, b"ping", 0), ("sendall", 2, b"pong", 0))
    ping, pong = talk.segment(True, "PA", 1, 1, b"ping"), talk.segment(False, "PA", 1, 1, b"pong")
    talk.packets[-2:] = [replace(ping, arrivals=(20.0,)), replace(pong, arrivals=(21.0,))]
    made = talk.ladder()
    steps = steps_of(made)
    found = [(strips(step)["on the way to bob"], strips(step)["on the way to alice"]) for step in steps[-5:]]
    assert found == [(b"ping", b""), (b"ping", b""), (b"ping", b"pong"), (b"", b"pong"), (b"", b"")]
    assert [step.says.partition(".")[0] for step in steps[-5::2]] == [
        "Bytes 1-4 leave alice for bob, and are on the way", "Bytes 1-4 leave bob for alice, and are on the way",
        "Bytes 1-4 come to alice"]
    assert not wrong_steps(made, steps)


def test_an_ack_that_is_not_drawn_comes_with_the_next_packet():
    talk = opened(*ONE, ("recv", 2, b"one", 0), ("A", False, 1, 4), ("sendall", 2, b"ONE", 0), ("PA", False, 1, 4, b"ONE"))
    assert said(talk)[-1] == ("Bytes 1-3 go from bob to alice. An ACK comes with them: alice's kernel forgets 3 bytes. "
                              "alice's kernel holds 3 bytes to be received.")


def test_an_ack_that_no_packet_follows_is_told_at_the_end():
    talk = opened(("sendall", 0, b"ping", 0), ("sendall", 2, b"pong", 0))
    ping, pong = talk.segment(True, "PA", 1, 1, b"ping"), talk.segment(False, "PA", 1, 1, b"pong")
    talk.packets[-2:] = [replace(ping, arrivals=(20.0,)), replace(pong, arrivals=(21.0,))]
    talk.clock = 30
    talk.segment(False, "A", 5, 5)
    talk.call(2, "recv", 9, data=b"ping", size=4)
    talk.call(2, "recv", 9, error="TimeoutError")
    made = talk.ladder()
    steps = steps_of(made)
    drawn = any(row.drawn and row.drawn.label == "ACK 5" for row in made.rows)
    lost = [*talk.packets[:-1], replace(talk.packets[-1], fate="lost", arrivals=())]
    assert "not drawn" not in steps_of(climb(Packets(lost), talk.events, talk.ends))[-1].says
    assert not drawn and steps[-1].says == ("bob: recv(9) raises TimeoutError. An ACK to alice came that is not drawn. "
                                            "alice's kernel forgets 4 bytes.")
    assert [bool(strips(step)["alice keeps until an ACK"]) for step in steps[-2:]] == [True, False]
    talk.segment(False, "R", 5)
    assert "not drawn" not in " ".join(said(talk))


def test_a_reset_by_a_close_with_bytes_unread():
    talk = opened(*ONE, ("A", False, 1, 4), ("sendall", 0, b"two", 3), ("close", 2), ("RA", False, 1, 4))
    steps = steps_of(talk.ladder())
    close, rst = [step for step in steps if step.says.startswith(("bob: close", "RST"))]
    assert close.says == "bob: close(). bob's kernel throws away 3 bytes that nobody received. bob is in CLOSED now."
    assert strips(close)["in bob's kernel"] == b"" and states(rst) == ("CLOSED", "CLOSED")
    assert rst.says == ("RST goes from bob to alice. An ACK comes with it: alice's kernel forgets 3 bytes. alice's kernel throws "
                        "away 3 bytes that no ACK came for. alice is in CLOSED now.")
    assert strips(rst)["alice keeps until an ACK"] == b""


def test_bytes_for_a_socket_that_is_closed():
    talk = opened(("close", 2), ("FA", False, 1, 1), *ONE, ("R", False, 2, 4))
    steps = steps_of(talk.ladder())
    assert steps[-2].says.endswith("Nobody there will receive them: the socket is closed.")
    assert "in bob's kernel" not in strips(steps[-1]) and states(steps[-1]) == ("CLOSED", "CLOSED")


def test_nobody_listens():
    talk = Talk()
    talk.call(0, "connect", B, address=B)
    talk.segment(True, "S", 0)
    talk.segment(False, "RA", 0, 1)
    talk.events[-1] = replace(talk.events[-1], error="ConnectionRefusedError")
    steps = steps_of(talk.ladder())
    assert [states(step) for step in steps] == [("CLOSED", "CLOSED"), ("SYN_SENT", "CLOSED"), ("CLOSED", "CLOSED"),
                                                ("CLOSED", "CLOSED")]
    assert steps[-1].says == "alice: connect raises ConnectionRefusedError."


def test_a_capture_without_calls():
    talk = opened(*ONE, ("A", False, 1, 4), ("PA", True, 4, 1, b"<b>"))
    made = climb(Packets(talk.packets), [], [])
    steps = steps_of(made)
    pieces = [[(way.label, piece.data, piece.send, piece.start) for way in step.scenes[0].ways for piece in way.pieces]
              for step in steps[3:]]
    assert pieces == [[("alice keeps until an ACK", b"one", None, 0)], [], [("alice keeps until an ACK", b"<b>", None, 3)]]
    assert steps[3].says == "Bytes 1-3 go from alice to bob. bob's kernel has them."
    assert [states(step) for step in steps[:3]] == [("SYN_SENT", "CLOSED"), ("ESTABLISHED", "SYN_RECEIVED"),
                                                    ("ESTABLISHED", "ESTABLISHED")]
    longer = opened(("PA", True, 1, 1, b"one", LOST), ("PA", True, 1, 1, b"onetwo"))       # sent again, with more
    assert strips(steps_of(climb(Packets(longer.packets), [], []))[-1])["alice keeps until an ACK"] == b"onetwo"
    middle = climb(Packets(talk.packets[3:]), [], [])
    assert {states(step) for step in steps_of(middle)} == {("ESTABLISHED", "ESTABLISHED")}, "it began before the capture did"


def test_of_an_end_without_calls_nobody_knows_what_it_took():
    talk = opened(*ONE, ("A", False, 1, 4))
    talk.events = [e for e in talk.events if e.socket == 0]
    steps = steps_of(talk.ladder())
    assert set(strips(steps[-1])) == {"alice keeps until an ACK"} and steps[-2].says.endswith("bob's kernel has them.")


def test_a_segment_that_was_changed_brings_nothing():
    talk = opened(*ONE)
    bad = talk.packets[-1]
    talk.packets[-1] = replace(bad, fate="changed", became=(bad.data[:-1] + b"X",))
    steps = steps_of(talk.ladder())
    assert steps[-1].says == "Bytes 1-3 go from alice to bob, and are changed on the way: its kernel does nothing with them."
    assert "in bob's kernel" not in strips(steps[-1])


def test_bytes_have_the_colour_and_the_bytes_of_their_send():
    talk = opened(("sendall", 0, b"one", 0), ("sendall", 0, b"two", 3), ("PA", True, 1, 1, b"onetwo"), ("recv", 2, b"on", 0))
    made = talk.ladder()
    (way,) = [way for way in steps_of(made)[-1].scenes[0].ways if way.label == "in bob's kernel"]
    assert [(piece.data, piece.send, piece.start) for piece in way.pieces] == [(b"e", 0, 2), (b"two", 1, 3)]
    drawn = picture_of(made).svg
    assert 'stroke="#0072b2"' in drawn and 'stroke="#e69f00"' in drawn


def test_bytes_that_no_recorded_call_sent():
    talk = opened(("sendall", 0, b"two", 3), ("PA", True, 1, 1, b"onetwo"))
    (way,) = [way for way in steps_of(talk.ladder())[-1].scenes[0].ways if way.label == "in bob's kernel"]
    assert [(piece.data, piece.send) for piece in way.pieces] == [(b"one", None), (b"two", 0)]
    unsent = opened(ONE[0])
    assert steps_of(unsent.ladder())[-1].scenes[0].ways[0].pieces[0].send == 0


def test_a_gap_that_nobody_waits_for_any_more():
    talk = opened(("sendall", 0, b"onetwo", 0), ("A", True, 1, 1, b"one", LOST), ("PA", True, 4, 1, b"two"), ("close", 2),
                  ("FA", False, 1, 1))
    assert [strips(step)["at bob, behind a gap"] for step in steps_of(talk.ladder())[-3:]] == [b"two", b"", b""]


def test_a_fin_waits_for_the_bytes_before_it():
    talk = opened(ONE[0], ("close", 0), ("PA", True, 1, 1, b"one", LOST), ("FA", True, 4, 1), ONE[1])
    assert [states(step)[1] for step in steps_of(talk.ladder())[-2:]] == ["ESTABLISHED", "CLOSE_WAIT"]


def test_an_ack_tells_of_bytes_that_the_capture_has_not():
    talk = opened(ONE[0], ("A", False, 1, 4))
    steps = steps_of(talk.ladder())
    assert strips(steps[-1]) == {"in bob's kernel": b"one"}


def test_a_capture_that_began_later_than_the_connection():
    talk = opened(*ONE)
    talk.packets = talk.packets[3:]
    assert [states(step) for step in steps_of(talk.ladder())][:4] == [
        ("CLOSED", "CLOSED"), ("ESTABLISHED", "CLOSED"), ("ESTABLISHED", "CLOSED"), ("ESTABLISHED", "ESTABLISHED")]
    talk = opened()
    talk.packets[2] = replace(talk.packets[2], fate="lost", arrivals=())
    assert states(steps_of(talk.ladder())[-1]) == ("ESTABLISHED", "ESTABLISHED"), "accept() says it"


@pytest.mark.parametrize("error, state", [("OSError EHOSTUNREACH", "CLOSED"), ("TimeoutError", "SYN_SENT")])
def test_a_connect_that_fails(error, state):
    talk = Talk()
    talk.call(0, "connect", B, address=B, error=error)
    talk.segment(True, "S", 0, fate="lost")
    made = talk.ladder()
    assert [row.kind for row in made.rows] == ["start", "packet", "finish"]
    assert states(steps_of(made)[-1])[0] == state
    talk.call(0, "close")
    assert states(steps_of(talk.ladder())[-1])[0] == "CLOSED"


def test_a_sendall_that_fails():
    talk = opened(("sendall", 0, b"onetwo", 0), ("PA", True, 1, 1, b"one"))
    talk.events[-1] = replace(talk.events[-1], error="TimeoutError")
    steps = steps_of(talk.ladder())
    assert strips(steps[-1])["alice keeps until an ACK"] == b"one", "of the rest nobody knows"


def test_an_empty_recv_that_is_no_end():
    assert 'bob: recv(9) → b"".' in said(opened(*ONE, ("recv", 2, b"", 0)))
    ended = opened(("close", 0), ("FA", True, 1, 1), ("recv", 2, b"", 0))
    ended.events[-1] = replace(ended.events[-1], args=(0,))
    assert said(ended)[-1] == "FIN goes from alice to bob. bob is in CLOSE_WAIT now." and 'bob: recv(0) → b"".' in said(ended)


def test_a_close_that_resets_or_does_nothing_yet():
    linger = opened(*ONE, ("recv", 2, b"one", 0), ("close", 2), ("RA", False, 1, 4))
    assert [states(step)[1] for step in steps_of(linger.ladder())[-2:]] == ["CLOSED", "CLOSED"]
    unseen = opened(*ONE, ("close", 2))
    assert states(steps_of(unseen.ladder())[-1])[1] == "CLOSED"
    held = opened(("close", 2))
    held.events[-1] = replace(held.events[-1], result=HELD)
    assert states(steps_of(held.ladder())[-1])[1] == "ESTABLISHED"
    listener = opened(("close", 1))
    assert len(steps_of(listener.ladder())[-2].scenes) == 2 and len(steps_of(listener.ladder())[-1].scenes) == 1


def test_what_is_folded_is_one_step():
    talk = opened(("sendall", 0, b"x" * 1024, 0))
    talk.events[-1] = replace(talk.events[-1], size=10_000)
    for n in range(100):
        talk.segment(True, "A", 1 + 100 * n, 1, b"x" * 100, fate="lost" if n == 50 else "arrived")
    talk.segment(True, "A", 5001, 1, b"x" * 100)
    made = talk.ladder()
    steps, shown = steps_of(made), made.shown()
    assert len(steps) == len(shown) < MOST
    (fold,) = [step for row, step in zip(shown, steps) if row.kind == "fold"]
    assert fold.says == ("96 more segments, bytes 301-9,900, 1 of them lost. alice's kernel keeps 10,000 bytes and "
                         "bob's kernel holds 5,000 bytes to be received.")
    assert not wrong_steps(made, steps)
    (gap,) = [way for step in steps if step is fold for way in step.scenes[0].ways if "gap" in way.label]
    assert [(piece.start, piece.size) for piece in gap.pieces] == [(5100, 4800)], "bytes of one send that lie together"
    drawn = picture_of(made).svg
    y, group = re.search(rf'<g data-step="{steps.index(fold) + 1}" data-y="([\d.]+)">(.*?)</g>', drawn).groups()
    assert f' y="{y}"' in re.search("<text[^>]*>", group)[0], "its mark begins with its first line"


def test_datagrams_that_one_overtakes():
    steps = steps_of(datagrams(b"hello 1", b"hello 2").ladder())
    assert [step.says for step in steps] == [
        "bob: bind(bob, 80).", "bob: recvfrom(2048) waits.",
        'alice: sendto(b"hello 1", bob, 80). Its kernel has a datagram of 7 bytes to send.',
        'b"hello 1" leaves alice for bob, and is on the way.',
        'alice: sendto(b"hello 2", bob, 80). Its kernel has a datagram of 7 bytes to send.',
        'b"hello 2" goes from alice to bob. bob\'s kernel holds it until a call takes it.',
        'b"hello 1" comes to bob. bob\'s kernel holds it until a call takes it.',
        'bob: recvfrom → b"hello 2", alice. 1 datagram stays in its kernel.',
        'bob: recvfrom(2048) → b"hello 1", alice.']
    found = [tuple(strips(step).values()) for step in steps[2:]]
    assert found == [(b"hello 1", b""), (b"hello 1", b""), (b"hello 1hello 2", b""), (b"hello 1", b"hello 2"),
                     (b"", b"hello 2hello 1"), (b"", b"hello 1"), (b"", b"")]
    assert steps[1].scenes[0].right.doing == "recvfrom(2048)" and all(way.borders for way in steps[0].scenes[0].ways)


def test_a_datagram_that_came_twice_lies_there_twice():
    talk = datagrams(b"hi", overtaken=False)
    talk.packets = [replace(each, arrivals=each.arrivals * 2) for each in talk.packets]
    steps = steps_of(talk.ladder())
    assert strips(steps[-2])["in bob's kernel"] == b"hihi" and strips(steps[-1])["in bob's kernel"] == b"hi"
    assert steps[-2].says == 'b"hi" goes from alice to bob, twice. bob\'s kernel holds it until a call takes it.'
    talk.call(1, "close", thread=talk.other)
    last = steps_of(talk.ladder())[-1]
    assert last.says == "bob: close(). bob's kernel throws away 1 datagram that nobody received."
    assert strips(last)["in bob's kernel"] == b""


def test_a_datagram_that_is_cut_by_its_recv():
    talk = datagrams(b"hello", overtaken=False)
    talk.events[-1] = replace(talk.events[-1], data=b"he", size=2, args=(2,))
    assert said(talk)[-1] == (
        'bob: recvfrom(2) → b"he", alice. bob\'s kernel throws away the rest of the datagram, 3 bytes.')


def test_a_datagram_that_nobody_received():
    talk = datagrams(b"hello", overtaken=False)
    talk.events.pop()
    steps = steps_of(talk.ladder())
    assert strips(steps[-1])["in bob's kernel"] == b"hello", "a recorded socket has its port"
    talk.call(1, "close", thread=talk.main)
    talk.events[1:] = [talk.events[-1], *talk.events[1:-1]]             # closed before it came
    talk.events = [replace(e, index=n) for n, e in enumerate(talk.events)]
    assert said(talk)[-1] == 'b"hello" goes from alice to bob. Who takes it is not in the recording.'
    changed = datagrams(b"hello", overtaken=False)
    changed.events.pop()
    bad = changed.packets[0]
    changed.packets = [replace(bad, fate="changed", became=(bad.data[:-1] + b"X",))]
    assert said(changed)[-1].endswith("and is changed on the way. Who takes it is not in the recording.")


def test_a_datagram_that_is_still_on_its_way():
    talk = datagrams(b"hello", overtaken=False)
    talk.events.pop()
    talk.packets = [replace(talk.packets[0], fate="on its way", arrivals=())]
    step = steps_of(talk.ladder())[-1]
    assert strips(step) == {"on the way to bob": b"hello"}
    assert step.says == 'b"hello" goes from alice to bob, and is still on its way.'


def test_peeking_at_a_datagram_takes_nothing():
    talk = datagrams(b"hello", overtaken=False)
    talk.events.insert(-1, replace(talk.events[-1], peek=True, args=(9, Symbol("MSG_PEEK"))))
    talk.events = [replace(e, index=n) for n, e in enumerate(talk.events)]
    found = [strips(step)["in bob's kernel"] for step in steps_of(talk.ladder())[-3:]]
    assert found == [b"hello", b"hello", b""]


def test_peeking_takes_nothing():
    talk = opened(*ONE, ("recv", 2, b"one", 0))
    talk.events[-1] = replace(talk.events[-1], peek=True, args=(9, Symbol("MSG_PEEK")))
    steps = steps_of(talk.ladder())
    assert strips(steps[-1])["in bob's kernel"] == b"one" and steps[-1].says.endswith("3 bytes stay in its kernel.")


def test_the_line_of_a_call_is_lit_and_those_where_threads_stand():
    made = opened(*ONE, ("recv", 2, b"one", 0), ("A", False, 1, 4)).ladder()
    where = {row.event.index: (0, 10 + row.event.index) for row in made.rows if row.event}
    lit = [(step.line, step.lines) for step in steps_of(made, where)]
    calls = [where[row.event.index] if row.event else None for row in made.shown()]
    assert [line for line, _ in lit] == calls and {step.line for step in steps_of(made)} == {None}
    sendall = next(n for n, row in enumerate(made.shown()) if row.call.startswith("sendall"))
    assert lit[2] == (None, (where[0], where[1])) and lit[sendall + 1][1] == (where[2],), "alice's thread makes no more calls"


@pytest.mark.parametrize("text, carried", [("Two segments carried 6 bytes, and no recorded call sent them.", True),
                                           ("No bytes moved.", False)])
def test_the_caption_of_a_capture_without_calls(text, carried):
    talk = opened(("PA", True, 1, 1, b"one"), ("PA", True, 1, 1, b"one"), ("PA", True, 4, 1, b"two")) if carried else opened()
    assert climb(Packets(talk.packets), [], []).caption == text


# --- the picture's groups, and what a cell shows ---
@pytest.mark.parametrize("form", ["svg", "narrow"])
@pytest.mark.parametrize("talk", [
    lambda: opened(*ONE, ("recv", 2, b"one", 0), ("A", False, 1, 4)), lambda: datagrams(b"hello 1", b"hello 2"),
    lambda: opened(ONE[0], ("PA", True, 1, 1, b"one", LOST), ONE[1])])
def test_each_row_has_its_shapes_in_groups(talk, form):
    made = talk().ladder()
    drawn = getattr(picture_of(made), form)
    groups = re.findall(r'<g data-step="(\d+)" data-y="([\d.]+)">(.*?)</g>', drawn)
    steps = {int(number) for number, _, _ in groups}
    assert steps == set(range(1, len(made.shown()) + 1))
    heights = [max(float(y) for number, y, _ in groups if int(number) == n) for n in sorted(steps)]
    assert heights == sorted(heights) and len(re.findall("data-head=", drawn)) == 1
    head = re.search(r'<g data-head="(\d+)">(.*?)</g>', drawn)
    assert "alice" in head[2] and "bob" in head[2]
    assert all(float(y) < float(head[1]) for y in re.findall(r' y="([\d.]+)"', head[2]))
    outside = re.sub(r"<g data-(?:step|head)=.*?</g>", "", drawn)
    assert "<text" not in outside, "all words belong to a row or to the head"
    (end,) = re.findall(r'<g data-step="(\d+)">(.*?)</g>', drawn)      # the caption: it comes with the last row
    assert int(end[0]) == max(steps) and " ".join(re.findall("<text[^>]*>(.*?)</text>", end[1])) == made.caption


def words_of_step(drawn, n):
    return re.sub("<[^>]*>", " ", " ".join(re.findall(rf'<g data-step="{n}" [^>]*>(.*?)</g>', drawn)))


def test_a_row_has_its_own_words_and_lines():
    made = opened(ONE[0], ("PA", True, 1, 1, b"one", LOST), ONE[1], ("recv", 2, b"one", 0)).ladder()
    drawn = picture_of(made).svg
    number = {row.call or row.drawn.label + " again" * row.drawn.again: n for n, row in enumerate(made.shown(), 1)}
    assert "sendall" in words_of_step(drawn, number['sendall(b"one")'])
    lost, again = number["bytes 1-3"], number["bytes 1-3 again"]
    assert "lost on the cable" in words_of_step(drawn, lost) and "came: again" in words_of_step(drawn, again)
    blue = 'stroke="#0072b2" stroke-width="2" fill="none"'
    lines = [" ".join(re.findall(rf'<g data-step="{n}" [^>]*>(.*?)</g>', drawn)).count(blue) for n in (lost, again)]
    assert lines == [2, 1], "a call is joined to the first packet with its bytes"


def test_what_leaves_in_one_row_and_comes_in_another_is_in_both():
    made = datagrams(b"hello 1", b"hello 2").ladder()
    drawn, rows = picture_of(made).svg, made.shown()
    left, came = (next(n for n, row in enumerate(rows, 1) if row.kind == kind) for kind in ("departure", "arrival"))
    assert "hello 1" in words_of_step(drawn, left) and "hello 1" not in words_of_step(drawn, came)
    head = r'd="M[\d.]+ [\d.]+l-9 -5l1 9z"'
    groups = [" ".join(re.findall(rf'<g data-step="{n}" [^>]*>(.*?)</g>', drawn)) for n in (left, came)]
    assert not re.search(head, groups[0]) and re.search(head, groups[1])
    assert groups[0].count("<path") == 2, "the line from its call, and the beginning of its own"


def test_a_call_that_waits_has_its_box_from_when_it_began():
    made = datagrams(b"hello 1", b"hello 2").ladder()
    rows = made.shown()
    start, finish = (next(n for n, row in enumerate(rows, 1) if row.kind == kind) for kind in ("start", "finish"))
    for drawn in (picture_of(made).svg, picture_of(made).narrow):
        boxes = re.findall(r'<g data-step="(\d+)" [^>]*>(?:(?!</g>).)*?<rect([^>]*stroke-dasharray="3 2"[^>]*)/>', drawn)
        assert [int(n) for n, _ in boxes] == [start, finish], "the whole box lies on its beginning"
        (x, y, high), whole = ([re.search(rf' {name}="([\d.]+)"', box)[1] for name in ("x", "y", "height")] for _, box in boxes)
        assert whole[:2] == [x, y] and float(high) < float(whole[2])


def test_a_cell_shows_the_picture_and_the_steps():
    made = opened(("sendall", 0, b"</script><b>", 0), ("PA", True, 1, 1, b"</script><b>")).ladder()
    shown, opened_one = made._repr_mimebundle_(), made.replay()
    assert shown["text/plain"] == picture_of(made).text and isinstance(opened_one, Replay) and opened_one.opened
    assert not made.replay(opened=False).opened and repr(opened_one).count("\n") == len(made.shown()) - 1
    data = re.search(r'<script type="application/json">(.*?)</script>', shown["text/html"], re.S)[1]
    assert [step[0] for step in json.loads(data)["steps"]] == [step.says for step in steps_of(made)]
    assert "<b>" not in data and "</script" not in data


def test_the_judge_sees_what_is_wrong():
    made = opened(*ONE, ("A", False, 1, 4), ("recv", 2, b"one", 0)).ladder()
    steps = steps_of(made)
    assert wrong_steps(made, steps) == []

    def judged(label, change):
        at = next(n for n, step in enumerate(steps) if strips(step).get(label))
        scene = steps[at].scenes[0]
        ways = tuple(replace(way, pieces=change(way.pieces)) if way.label == label else way for way in scene.ways)
        return wrong_steps(made, [*steps[:at], replace(steps[at], scenes=(replace(scene, ways=ways),)), *steps[at + 1:]])

    for label in ("alice keeps until an ACK", "in bob's kernel"):
        assert judged(label, lambda pieces: ())
        assert any("is there twice" in words for words in judged(label, lambda pieces: pieces * 2))
        assert any("is not of send" in words for words in judged(label, lambda pieces: (replace(pieces[0], send=3),)))
        assert any("is not of send" in words for words in judged(label, lambda pieces: (replace(pieces[0], data=b"owe"),)))
    assert wrong_steps(made, steps[1:]) and wrong_steps(made, [*steps[:-1], replace(steps[-1], says="no end")])


# --- over a network ---
@network
@pytest.mark.parametrize("talk", ["lost", "echo", "routed"])
def test_each_byte_of_a_talk_is_somewhere(talk):
    made = ladder(*talks.TURNS[talk]())
    steps = steps_of(made)
    assert wrong_steps(made, steps) == []
    assert set(strips(steps[-1]).values()) == {b""} and states(steps[-1]) == ("TIME_WAIT", "CLOSED")


@network
@pytest.mark.parametrize("talk", talks.TURNS)
def test_the_same_talk_has_the_same_steps(talk):
    first, second = (ladder(*talks.TURNS[talk]()) for _ in range(2))
    assert first.replay(opened=False).html() == second.replay(opened=False).html()


@network
@pytest.mark.parametrize("seed", range(4))
def test_each_byte_of_a_random_talk_is_somewhere(seed):
    made = ladder(*talks.chance(seed))
    assert wrong_steps(made, steps_of(made)) == []


@network
@pytest.mark.parametrize("seed", range(8))
def test_the_last_step_is_what_the_kernels_say(seed):
    made, kernels = left_open(seed)         # hundreds more in stress_ladder.py
    steps = steps_of(made)
    told = told_as_by_kernels(made, steps[-1])
    assert wrong_steps(made, steps) == [] and {side: told[side] for side in kernels} == kernels


@network
def test_errors_and_datagrams_over_a_network():
    unreachable, mixed = (ladder(*talks.TURNS[name]()) for name in ("unreachable", "datagrams"))
    says = [step.says for step in steps_of(unreachable)]
    assert says[3:6] == ['b"hello" goes from alice to bob. No socket there has that port.',
                         "ICMP port unreachable goes from bob to alice.", "alice: recv(99) raises ConnectionRefusedError."]
    found = [step.says for step in steps_of(mixed)]
    assert 'b"two" goes from alice to bob, and is lost on the cable. No kernel keeps it.' in found
    assert any(says.endswith("kernel throws away the rest of the datagram, 2 bytes.") for says in found)


@network
def test_two_connections_are_two_scenes():
    with Network() as net:
        alice, bob, _ = talks.pair(net)
        timeline = Timeline()
        listener = bob.socket(timeline=timeline)
        listener.bind(("0.0.0.0", 80))
        listener.listen()
        with listener, alice.socket(timeline=timeline) as one, alice.socket(timeline=timeline) as two:
            one.connect((bob.address, 80))
            two.connect((bob.address, 80))
            first, second = listener.accept()[0], listener.accept()[0]
            with first, second:
                two.sendall(b"two")
                second.recv(9)
                one.sendall(b"one")
                made = ladder(net.packets, timeline)
    steps = steps_of(made)
    assert steps[-1].scenes[0].left.name == "alice (1)" and strips(steps[-1])["in bob's kernel"] == b"one"
    assert [step.says for step in steps if "SYN_SENT" in step.says] == [
        "SYN goes from alice to bob. alice (1) is in SYN_SENT now.", "SYN goes from alice to bob. alice (2) is in SYN_SENT now."]
    assert [step.scenes[-1].right.queue for step in steps if "accept()" in step.says] == [(), ()]
    assert sum(step.scenes[-1].right.queue == ("alice",) for step in steps if step.scenes) > 2
    for number in (1, 2):
        own = [tuple(each for each in step.scenes if each.left and each.left.name == f"alice ({number})") for step in steps]
        assert wrong_steps(made, [replace(step, scenes=scenes) for step, scenes in zip(steps, own)], number) == []


@network
def test_of_many_connections_the_last_are_shown():
    with Network() as net:
        alice, bob, _ = talks.pair(net)
        timeline, ends = Timeline(), []
        with bob.socket(timeline=timeline) as listener, contextlib.ExitStack() as stack:
            listener.bind(("0.0.0.0", 80))
            listener.listen()
            for _ in range(5):
                ends.append(stack.enter_context(alice.socket(timeline=timeline)))
                ends[-1].connect((bob.address, 80))
                ends.append(stack.enter_context(listener.accept()[0]))
            ends[0].sendall(b"first")
            ends[1].recv(9)
            ends[0].close()
            ends[1].close()
            made = ladder(net.packets, timeline)
    shown = [[scene.left and scene.left.name for scene in step.scenes] for step in steps_of(made)]
    number = next(n for n, row in enumerate(made.shown()) if row.call.startswith("sendall"))
    assert shown[number - 1] == ["alice (3)", "alice (4)", "alice (5)", None]
    assert shown[number] == ["alice (1)", "alice (4)", "alice (5)", None]
    over = [names for names, step in zip(shown, steps_of(made)) if "alice (1) is in TIME_WAIT" in step.says]
    assert over == [["alice (1)", "alice (4)", "alice (5)", None]], "it ends here, and is shown once more"


@network
def test_each_listener_has_its_own_queue():
    with Network() as net:
        alice, bob, _ = talks.pair(net)
        timeline = Timeline()
        with (bob.socket(timeline=timeline) as one, bob.socket(timeline=timeline) as two,
              alice.socket(timeline=timeline) as first, alice.socket(timeline=timeline) as second):
            for port, listener, client in ((80, one, first), (81, two, second)):
                listener.bind(("0.0.0.0", port))
                listener.listen()
                client.connect((bob.address, port))
            with two.accept()[0], one.accept()[0]:
                made = ladder(net.packets, timeline)
    queues = {tuple(scene.right.queue for scene in step.scenes if scene.left is None) for step in steps_of(made)}
    assert (("alice",), ("alice",)) in queues and {queue for both in queues for queue in both} == {(), ("alice",)}


@network
def test_what_is_lost_beyond_the_cable_that_is_shown():
    with Network() as net:
        alice, router, bob = net.host("alice"), net.router("router"), net.host("bob")
        net.cable(alice, router)
        far, timeline = net.cable(router, bob), Timeline()
        with (bob.socket(type=socket.SOCK_DGRAM, timeline=timeline) as inbox,
              alice.socket(type=socket.SOCK_DGRAM, timeline=timeline) as sock):
            inbox.bind((bob.address, 9))
            sock.sendto(b"", (bob.address, 9))
            inbox.recv(1)
            far.loss = 1
            sock.sendto(b"gone", (bob.address, 9))
            made = ladder(net.packets, timeline, cable="alice-router")
    step = next(step for step in steps_of(made) if "Further on" in step.says)
    assert step.says == 'b"gone" goes from alice to bob. Further on it is lost on router-bob.'
    assert b"gone" not in strips(step).values()


@network
def test_a_capture_from_a_file_is_stepped_through(tmp_path):
    packets, _ = talks.lost()
    packets.save(tmp_path / "lost.pcapng")
    made = climb(Packets.load(tmp_path / "lost.pcapng"), [], [])
    steps = steps_of(made)
    assert states(steps[-1]) == ("TIME_WAIT", "CLOSED") and any("once more, as no ACK came" in step.says for step in steps)
    assert set(strips(steps[-1]).values()) == {b""}
