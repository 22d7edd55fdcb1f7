"""netlab.replay.moments: what lies where at each step of a recorded conversation, and in which state each socket is."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from dataclasses import replace
from itertools import pairwise

import bench_story
import conversations_of_many  # noqa: F401 (adds its kinds)
import conversations_other  # noqa: F401
import pytest
from books import Told, check_each_step, check_talk, incoming, lying, places_of, state
from conversations import KINDS, LOCAL, NOT_LINUX, visit
from random_talks import LINGER_ZERO

import netlab
from netlab import kernel
from netlab.replay.moments import steps_of
from netlab.replay.values import size_of
from netlab.story import tell

PLAIN = socket.socket
TALKS = int(os.environ.get("REPLAY_TALKS", "100"))      # `make stress` has 500


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_sent_is_received_and_in_the_strips_at_each_step(kind):
    if kind.missing:
        pytest.skip(kind.missing)
    timeline = netlab.Timeline()
    kind.run(timeline)
    story = timeline.story()
    steps = steps_of(story)
    check_each_step(story, steps)
    assert steps == steps_of(timeline.story())
    assert all(step.says.endswith(".") and "returns None" not in step.says for step in steps)


# --- conversations of chance ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("part", range(4))
def test_the_last_step_agrees_with_the_kernel(part):
    for seed in range(part * TALKS // 4, (part + 1) * TALKS // 4):
        check_talk(seed)


# --- one by one -----------------------------------------------------------------------------------------------------

@contextlib.contextmanager
def open_connection(timeline, accept=True):
    """(listener, client, connection or None), which are closed at the end, without being recorded."""
    listener, client = timeline.socket(), timeline.socket()
    listener.bind(LOCAL)
    listener.listen(5)
    client.connect(listener.getsockname())
    conn = listener.accept()[0] if accept else None
    try:
        yield listener, client, conn
    finally:
        for sock in filter(None, (client, conn, listener)):
            PLAIN.close(sock)


def boxes(timeline, *names):
    """UDP sockets by these names."""
    made = [timeline.socket(type=socket.SOCK_DGRAM, name=name) for name in names]
    for sock in made:
        PLAIN.settimeout(sock, 5)
        sock.bind(LOCAL)
    return made


def test_before_accept_the_bytes_wait_in_the_kernel_and_the_client_in_the_queue():
    t = netlab.Timeline()
    with open_connection(t, accept=False) as (listener, client, _):
        client.sendall(b"early")
        told = Told(t)
        assert places_of(told.last)["server"].queue == ("client",)
        assert places_of(told.last)["connection"].doing == "the queue of the server"
        assert state(told.last, "connection") == state(told.last, "client") == "ESTABLISHED"
        assert lying(told.last, "connection") == [b"early"]
        assert told.steps[0].says == 'The server calls bind(("127.0.0.1", 0)).'
        assert told.steps[2].says.endswith("connect(server). It is in ESTABLISHED and waits in the queue of the server.")
        assert told.last.says == ('The client calls sendall(b"early"). 5 bytes lie in the kernel, '
                                  'and the server has not accepted the connection yet.')
        listener.accept()[0].close()
        told = Told(t)
        accept = told.at("server.accept")
        assert places_of(accept)["server"].queue == () and places_of(accept)["connection"].doing == ""
        assert accept.says == "The server calls accept() and gets the connection. 5 bytes lie there already."


def test_a_listener_that_closes_throws_out_who_waits():
    t = netlab.Timeline()
    with open_connection(t, accept=False) as (listener, client, _):
        client.sendall(b"early")
        listener.close()
        told = Told(t)
        assert state(told.last, "client") == kernel_state(client, "CLOSED") and not lying(told.last, "connection")
        assert "The kernel throws away 5 bytes that nobody received. The kernel resets" in told.last.says


def kernel_state(sock, told):
    """What the kernel says, once it says what was told, or after a while; `told` where it does not answer."""
    with contextlib.suppress(TimeoutError):
        kernel.wait_until(lambda: kernel.state(sock) in (told, None), 30)
    return kernel.state(sock) or told


def test_part_of_a_send_is_received_and_a_look_takes_nothing():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        client.sendall(b"hello")
        client.send(b"world")
        conn.recv(3)
        conn.recv(4, socket.MSG_PEEK)
        told = Told(t)
        assert lying(told.at("connection.recv(3)"), "connection") == lying(told.last, "connection") == [b"lo", b"world"]
        way = told.last.scenes[-1].ways[0]
        assert way.label == "to the connection" and [(p.size, p.send, p.start) for p in way.pieces] == [(2, 0, 3), (5, 1, 5)]
        assert told.at("client.send(").says.endswith('calls send(b"world"). Now 10 bytes lie in the kernel, not received yet.')
        assert told.at("connection.recv(3)").says.endswith('gets b"hel". 7 bytes stay in the kernel.')
        assert told.last.says.endswith('gets b"lowo": a look: the bytes stay.')
        assert kernel.receive_queue(conn) == 7


def test_only_ways_that_ever_carry_bytes_are_there_and_from_when_they_could():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        assert {len(step.scenes[-1].ways) for step in Told(t).steps} == {0}
        conn.sendall(b"only this way")
        assert [[way.label for way in step.scenes[-1].ways] for step in Told(t).steps] == [[]] * 2 + [["to the client"]] * 3
        client.sendall(b"and back")
        labels = [[way.label for way in step.scenes[-1].ways] for step in Told(t).steps]
        assert labels == [[]] * 2 + [["to the connection", "to the client"]] * 4


def test_a_way_is_named_by_who_is_at_its_end():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn), t.socket() as other:
        t.name(conn, "conn")
        client.sendall(b"hello")
        other.connect(PLAIN.getpeername(client))
        other.sendall(b"hello")
        assert [way.label for scene in Told(t).last.scenes for way in scene.ways] == ["to conn", "to connection 2"]


def test_a_send_that_goes_out_in_part_counts_what_went():
    t = netlab.Timeline()
    a, b = t.socketpair()
    with a, b:
        a.setblocking(False)
        sent = a.send(bytes(10_000_000))
        piece, = Told(t).last.scenes[0].ways[0].pieces
        assert piece.size == sent < 10_000_000 and piece.data == bytes(64)
        assert f"which returns {sent}" in Told(t).last.says


def test_of_a_sendall_that_failed_only_what_came_was_sent():
    t = netlab.Timeline()
    a, b = t.socketpair()
    with a, b:
        a.settimeout(0.01)
        with pytest.raises(TimeoutError):
            a.sendall(b"x" * 10_000_000)
        assert lying(Told(t).last, "server") == [] and "How much of it went out is not known." in Told(t).last.says
        got = len(b.recv(1000))
        told = Told(t)
        assert size_of(told.at("client.sendall").scenes[0].ways[0].pieces) == got and lying(told.last, "server") == []


def test_a_close_with_bytes_unread_resets_and_what_came_before_can_still_be_read():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        client.sendall(b"unread")
        conn.sendall(b"in time")
        conn.close()
        told = Told(t)
        assert lying(told.last, "client") == [b"in time"] and lying(told.last, "connection") == []
        assert state(told.last, "client") == kernel_state(client, "CLOSED")
        assert told.last.says == ("The connection calls close(). The kernel throws away 6 bytes that nobody received. "
                                  "The kernel resets the connection. The connection and the client are now in CLOSED.")


def test_what_is_sent_to_a_closed_peer_lies_nowhere():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        conn.close()
        client.sendall(b"too late")
        told = Told(t)
        assert [state(told.at("connection.close"), name) for name in ("client", "connection")] == ["CLOSE_WAIT", "FIN_WAIT_2"]
        assert lying(told.last, "connection") == [] and state(told.last, "client") == kernel_state(client, "CLOSED")
        assert "Nobody receives them any more. The kernel resets the connection." in told.last.says


def test_the_states_of_an_end_in_two_halves():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        client.shutdown(socket.SHUT_WR)
        conn.sendall(b"last words")
        conn.shutdown(socket.SHUT_WR)
        told = Told(t)
        both = [(state(step, "client"), state(step, "connection")) for step in told.steps]
        assert both[2:] == [("ESTABLISHED", "ESTABLISHED")] * 2 + [("FIN_WAIT_2", "CLOSE_WAIT")] * 2 + [("TIME_WAIT", "CLOSED")]
        assert both[:2] == [("no call yet", "not there yet")] * 2
        assert lying(told.last, "client") == [b"last words"]
        assert told.last.says.endswith("The connection is now in CLOSED, the client in TIME_WAIT for a while.")


def ends_told(program):
    """What the steps say of each shutdown() and close(), without who called it, of a client and a connection."""
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        program(client, conn)
        told = Told(t)
    return [step.says.partition("). ")[2] for step, row in zip(told.steps, told.story.rows)
            if row.event.method in ("shutdown", "close")]


def test_what_a_close_does_is_told():
    def in_two_halves(client, conn):
        client.shutdown(socket.SHUT_WR)
        client.close()
        conn.close()

    def read_to_the_end(client, conn):
        client.shutdown(socket.SHUT_WR)
        conn.close()
        client.recv(1)
        client.close()

    def reset(client, conn):
        client.sendall(b"unread")
        conn.close()
        client.close()

    first = 'Its FIN goes to the connection: a recv() there gives b"" when all is read. The client is now in FIN_WAIT_2, ' \
            "the connection in CLOSE_WAIT."
    last = "Its FIN goes to the client, and both ends have ended. The connection is now in CLOSED, the client in TIME_WAIT " \
           "for a while."
    assert ends_told(in_two_halves) == [first, "Its FIN went before; the connection has not ended yet.", last]
    assert ends_told(read_to_the_end) == [first, last, "Both ends have ended already: the kernel keeps TIME_WAIT for a while."]
    assert ends_told(reset)[1:] == ["There is no connection any more."]


def test_what_the_close_of_a_pair_does_is_told():
    t = netlab.Timeline()
    a, b = t.socketpair()
    for sock in (a, b):
        sock.close()
    assert [step.says for step in Told(t).steps] == [
        'The client calls close(). This ends what it sends to the server: a recv() there gives b"" when all is read. '
        "The client is now closed, the server half closed by its peer.",
        "The server calls close(). Both ends have ended. The server is now closed."]


def test_a_call_that_waits_is_what_its_socket_does_and_a_connect_that_waits_is_syn_sent():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        waiting = threading.Thread(target=client.recv, args=(5,))
        waiting.start()
        kernel.wait_until(lambda: client.reading)
        conn.sendall(b"hello")
        waiting.join()
        story = t.story()
    told = Told(story)
    start = next(n for n, row in enumerate(story.rows) if row.phase == "start")
    assert places_of(told.steps[start])["client"].doing == "recv(5)" and "and waits." in told.steps[start].says
    assert told.steps[-2].says.endswith("not received yet. recv(5) of the client can return now.")
    assert [places_of(step)["client"].doing for step in told.steps[-3:]] == ["recv(5)", "", ""]
    assert told.last.says.startswith('recv(5) of the client returns b"hello"')
    at = next(n for n, row in enumerate(story.rows) if row.event.method == "connect")
    story.rows[at] = replace(story.rows[at], phase="start")
    assert state(steps_of(story)[at], "client") == "SYN_SENT"


def test_a_call_waits_only_as_long_as_there_is_nothing_for_it():
    t = netlab.Timeline()
    with open_connection(t) as (listener, client, conn):
        accepting = threading.Thread(target=listener.accept)
        accepting.start()
        kernel.wait_until(lambda: ("server", "accept()") in t.pending())
        with t.socket() as second:
            second.connect(listener.getsockname())
            accepting.join()
        whole = threading.Thread(target=conn.recv, args=(4, socket.MSG_WAITALL))
        whole.start()
        kernel.wait_until(lambda: conn.reading)
        client.sendall(b"ab")
        client.sendall(b"cd")
        whole.join()
        ended = threading.Thread(target=conn.recv, args=(4,))
        ended.start()
        kernel.wait_until(lambda: conn.reading)
        client.shutdown(socket.SHUT_WR)
        ended.join()
        told = Told(t)
    says = [step.says for step in told.steps]
    assert [any(f"{call} can return now" in words for words in says) for call in (
        "accept() of the server", "recv(4, MSG_WAITALL) of connection 1", "recv(4) of connection 1")] == [True] * 3
    ab, cd, end = (told.at(f"client 1.{call}") for call in ('sendall(b"ab")', 'sendall(b"cd")', "shutdown"))
    assert [places_of(step)["connection 1"].doing for step in (ab, cd, end)] == ["recv(4, MSG_WAITALL)", "", ""]
    came = told.at("client 2.connect")
    assert places_of(came)["server"].queue == ("client 2",) and not places_of(came)["server"].doing


@pytest.mark.skipif(bool(NOT_LINUX), reason=NOT_LINUX or "-")
def test_who_finds_the_queue_full_stays_in_syn_sent():
    t = netlab.Timeline()
    with t.socket() as listener, t.socket() as first, t.socket() as second, t.socket() as third:
        listener.bind(LOCAL)
        listener.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        third.settimeout(0.02)
        with pytest.raises(TimeoutError):
            third.connect(listener.getsockname())
        told, clients = Told(t), {"client 1": first, "client 2": second, "client 3": third}
        assert {name: state(told.last, name) for name in clients} == {name: kernel.state(sock) for name, sock in clients.items()}
        assert state(told.last, "client 3") == state(told.last, "client 2") == "SYN_SENT"
        assert places_of(told.last)["server"].queue == ("client 1",)
        assert "connection 2" not in places_of(told.last) or state(told.last, "connection 2") == "not there yet"


def test_datagrams_lie_apart_at_their_receiver_by_whom_they_were_sent():
    t = netlab.Timeline()
    box, ann, bob = boxes(t, "box", "ann", "bob")
    with box, ann, bob:
        for sock, word in ((ann, b"one"), (bob, b"two"), (ann, b"three")):
            sock.sendto(word, box.getsockname())
        told = Told(t)
        found = {sender: [piece.data for piece in pieces] for scene in told.last.scenes for _, sender, pieces in incoming(scene)}
        assert found == {"ann": [b"one", b"three"], "bob": [b"two"]}
        assert [piece.send for scene in told.last.scenes for way in scene.ways for piece in way.pieces] == [0, 1, 0]
        assert all(way.borders and way.label == "to box" for scene in told.last.scenes for way in scene.ways)
        assert told.last.says.endswith("It lies in the receive queue of box, behind two others.")
        box.recvfrom(100, socket.MSG_PEEK)
        assert sorted(lying(Told(t).last, "box")) == [b"one", b"three", b"two"]
        box.recvfrom(2)
        assert sorted(lying(Told(t).last, "box")) == [b"three", b"two"]
        assert "without 1 byte that did not fit. 2 datagrams stay in its receive queue." in Told(t).last.says
        box.close()
        assert "The kernel throws away 2 datagrams that nobody received. box is now closed." in Told(t).last.says


def test_a_recv_that_was_called_wrong_does_not_tell_that_nothing_lay_there():
    t = netlab.Timeline()
    box, ann = boxes(t, "box", "ann")
    with box, ann:
        ann.sendto(b"one", box.getsockname())
        with pytest.raises(TypeError):
            box.recvfrom("all")
        assert lying(Told(t).last, "box") == [b"one"]


def test_a_datagram_that_was_overtaken_or_not_found_was_lost():
    t = netlab.Timeline()
    box, ann = boxes(t, "box", "ann")
    with box, ann:
        ann.sendto(b"came", box.getsockname())
        box.recvfrom(10)
        ann.sendto(b"did not", box.getsockname())
        events = t._noted()
        lost = events[-1]                               # the kernel delivered it; in the next story it has not
        story = tell([*events, *(replace(events[n], index=lost.index + 1 + n) for n in (2, 3))], dict(t._ends))
        assert [row.event.data for row in story.rows] == [b"", b"", b"came", b"came", b"did not", b"came", b"came"]
        told = Told(story)
        assert all(b"did not" not in lying(step, "box") for step in told.steps)
        assert told.steps[4].says.endswith("It is lost: nobody ever receives it.")
        nothing = replace(events[3], index=lost.index + 1, error="TimeoutError", data=b"", size=0, address=None)
        told = Told(tell([*events, nothing], dict(t._ends)))
        assert told.steps[4].says.endswith("It is lost: nobody ever receives it.")
        assert lying(Told(t).last, "box") == [b"did not"]
        assert lying(Told(t, lossy=True).last, "box") == []
        told = Told(t, lossy=True)          # what came may have come late: where it was meanwhile is not known
        assert told.steps[2].says.endswith("It is on its way to box.") and "queue" not in told.steps[3].says


def test_bytes_that_a_relay_may_still_have_are_not_said_to_lie_in_a_kernel():
    t = netlab.Timeline()
    with t.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        with netlab.Link(server.getsockname(), type=socket.SOCK_STREAM, timeline=t) as link, t.socket() as client:
            client.connect(link.address)
            client.sendall(b"ab")
            conn, _ = server.accept()
            with conn:
                assert conn.recv(1) + conn.recv(1) == b"ab"
    said = [step.says.partition(". ")[2] for step in t.replay().steps]
    assert "2 bytes are on the way, and the server has not accepted the connection yet." in said
    assert {"2 bytes are on the way already.", "1 byte is still on the way.", "Nothing is left on the way."} <= {*said}


@pytest.mark.parametrize("kind", ["stream", "datagram"])
def test_what_is_on_its_way_lets_no_call_return_yet(kind):
    t = netlab.Timeline()
    a, b = t.socketpair() if kind == "stream" else boxes(t, "client", "server")
    with a, b:
        if kind == "datagram":
            a.connect(b.getsockname())
        waiting = threading.Thread(target=b.recv, args=(5,))
        waiting.start()
        kernel.wait_until(t.pending)
        a.send(b"hello")
        waiting.join()
        steps = [told.at("client.send") for told in (Told(t), Told(t, lossy=True))]
    found = [(places_of(step)["server"].doing, "can return now" in step.says) for step in steps]
    assert found == [("", True), ("recv(5)", False)]


def test_datagrams_to_nobody():
    t = netlab.Timeline()
    box, ann, bob = boxes(t, "box", "ann", "bob")
    with box, ann, bob, PLAIN(type=socket.SOCK_DGRAM) as stranger:
        stranger.bind(LOCAL)
        address = box.getsockname()
        box.connect(ann.getsockname())
        bob.sendto(b"deaf", address)
        assert Told(t).last.says.endswith("The kernel throws it away: box is connected, and hears only its peer.")
        assert state(Told(t).last, "box") == "connected" and kernel.receive_queue(box) in (0, None)
        bob.sendto(b"who", stranger.getsockname())
        assert Told(t).last.says.endswith("The recording does not tell who receives it.")
        box.close()
        bob.sendto(b"late", address)
        assert Told(t).last.says.endswith("Nobody receives it: box is closed.")
        assert not any(lying(step, "box") for step in Told(t).steps)


def test_a_datagram_that_came_again_takes_nothing():
    t = netlab.Timeline()
    box, ann = boxes(t, "box", "ann")
    with box, ann:
        ann.sendto(b"once", box.getsockname())
        box.recvfrom(10)
        ann.sendto(b"next", box.getsockname())
        events = t._noted()
        again = replace(events[3], index=events[-1].index + 1)
        story = tell([*events, again], dict(t._ends))
        assert story.rows[-1].note == "came again" and lying(Told(story).last, "box") == [b"next"]


def test_a_socket_may_send_to_itself():
    t = netlab.Timeline()
    box, = boxes(t, "box")
    with box:
        box.sendto(b"memo", box.getsockname())
        scene, = Told(t).last.scenes
        assert scene.left is None and scene.right.name == "box" and lying(Told(t).last, "box") == [b"memo"]


@pytest.mark.parametrize("recorded", ["client", "server"])
def test_a_recording_of_one_side_only(recorded):
    t = netlab.Timeline()
    timeline = {"client": (t, None), "server": (None, t)}[recorded]
    with netlab.serve(netlab.upper, timeline=timeline[1]) as server, (timeline[0].socket() if timeline[0] else PLAIN()) as client:
        client.connect(server.address)
        client.sendall(b"hello")
        client.recv(5, socket.MSG_WAITALL)
        client.shutdown(socket.SHUT_WR)
        client.recv(5)
    told = Told(t)
    who = "client" if recorded == "client" else "connection"
    scene = told.at(f"{who}.sendall").scenes[-1]
    assert scene.ways == () and {scene.left.name, scene.right.name} == {"other end", who}
    assert any(step.says.endswith("The recording does not tell who receives them.") for step in told.steps)
    if recorded == "client":
        assert [state(told.at(f"client.{call}"), "client") for call in ("connect", "shutdown", "recv(5)", "close")] == [
            "ESTABLISHED", "FIN_WAIT_2", "TIME_WAIT", "TIME_WAIT"]
    else:
        assert [state(told.at(f"connection.{call}"), "connection") for call in ("recv", "close")] == ["CLOSE_WAIT", "CLOSED"]


def test_how_a_peer_that_is_not_recorded_ended():
    with PLAIN() as listener:
        listener.bind(LOCAL)
        listener.listen()

        def told_of(program):
            t = netlab.Timeline()
            with t.socket() as client:
                client.connect(listener.getsockname())
                with listener.accept()[0] as conn:
                    with contextlib.suppress(ConnectionError):
                        program(client, conn)
                    told, real = Told(t).last, kernel.state(client)
            return state(told, "client"), real or state(told, "client")

        def reset(client, conn):
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
            conn.close()
            client.recv(1)

        def closed_and_sent_to(client, conn):
            conn.close()
            client.recv(1)
            client.sendall(b"x")
            kernel.wait_until(lambda: kernel.state(client) != "CLOSE_WAIT")
            client.sendall(b"y")

        def asked_for_nothing(client, conn):
            assert client.recv(0) == b""

        def nothing_more(client, conn):
            client.shutdown(socket.SHUT_RD)
            client.recv(1)

        assert told_of(reset) == told_of(closed_and_sent_to) == ("CLOSED", "CLOSED")
        assert told_of(nothing_more) == told_of(asked_for_nothing) == ("ESTABLISHED", "ESTABLISHED")


def test_what_lies_at_a_socket_stays_there_when_only_its_number_is_kept():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        client.sendall(b"line")
        number = conn.detach()
        assert lying(Told(t).last, "connection") == [b"line"] and "thrown away" not in Told(t).last.says
        with PLAIN(fileno=number):
            client.sendall(b"more")
            assert lying(Told(t).last, "connection") == [b"line", b"more"]


def test_a_socket_that_asks_again_whether_it_is_connected_is_one_client():
    t = netlab.Timeline()
    with t.socket() as listener, t.socket() as client:
        listener.bind(LOCAL)
        listener.listen()
        client.setblocking(False)
        for _ in range(2):
            client.connect_ex(listener.getsockname())
        assert len(Told(t).last.scenes) == 2 and places_of(Told(t).last)["server"].queue == ("client",)


def test_a_connect_that_does_not_wait_finds_a_listener_gone():
    t = netlab.Timeline()
    with t.socket() as listener, t.socket() as client:
        listener.bind(LOCAL)
        listener.listen()
        address = listener.getsockname()
        listener.close()
        client.setblocking(False)
        assert client.connect_ex(address)
        assert state(Told(t).last, "client") == "CLOSED" == kernel_state(client, "CLOSED")


def test_a_server_that_stops_is_not_a_peer_that_ended():
    t = netlab.Timeline()
    server = netlab.serve(netlab.echo, timeline=t)
    with PLAIN() as client:
        client.connect(server.address)
        client.sendall(b"x")
        client.recv(1)
        server.stop()
    told = Told(t)
    assert told.at("connection.recv").says.endswith('b"": the server stopped.')
    assert [state(told.at(f"connection.{call}"), "connection") for call in ("recv", "close")] == ["ESTABLISHED", "FIN_WAIT_2"]


def test_the_other_half_of_a_pair_that_never_did_anything():
    t = netlab.Timeline()
    a, b = t.socketpair()
    with a:
        a.sendall(b"hello")
        assert lying(Told(t).last, "other half") == [b"hello"]
        assert state(Told(t).last, "client") == state(Told(t).last, "other half") == "connected"
        a.shutdown(socket.SHUT_WR)
        assert [state(Told(t).last, name) for name in ("client", "other half")] == ["half closed", "half closed by its peer"]
    PLAIN.close(b)


def test_calls_that_are_no_longer_kept_are_not_missed():
    t = netlab.Timeline(limit=4)
    with open_connection(t) as (_, client, conn):
        for n in range(5):
            client.sendall(b"%d" % n)
            conn.recv(1)
        client.sendall(b"left")
        told = Told(t)
        assert len(told.steps) == 4 and all(step.says for step in told.steps)
        assert {place.state for place in places_of(told.last).values()} == {"ESTABLISHED", "unknown"}


def test_a_file_that_holds_a_socket_keeps_it_open():
    t = netlab.Timeline()
    with open_connection(t) as (_, client, conn):
        file = conn.makefile("rb")
        client.sendall(b"line")
        conn.close()
        assert lying(Told(t).last, "connection") == [b"line"] and state(Told(t).last, "connection") == "ESTABLISHED"
        assert Told(t).last.says == "The connection calls close(), but a file still holds it open."
        file.close()
        assert lying(Told(t).last, "connection") == [] and state(Told(t).last, "connection") == "CLOSED"


def test_of_many_conversations_those_are_shown_that_go_on():
    t = netlab.Timeline()
    with netlab.serve(netlab.upper, timeline=t) as server:
        for _ in range(3):
            visit(t, server.address)
    told = Told(t)          # by now all is closed
    shown = [{place for place in places_of(step) if place.startswith("client")} for step in told.steps]
    assert set().union(*shown) == {"client 1", "client 2", "client 3"} and "client 1" not in shown[-1]
    assert not shown[0] and "server" in places_of(told.steps[0])
    closes = [n for n, row in enumerate(told.story.rows) if row.event.method == "close" and row.who.startswith("client")]
    assert all(told.story.rows[n].who in shown[n] for n in closes)      # its end is still seen


def test_of_many_who_send_to_one_socket_those_are_shown_that_are_there():
    t = netlab.Timeline()
    box, *others = boxes(t, "box", "ann", "bob", "cid")
    with box:
        for sock in others:
            with sock:
                sock.sendto(b"hi", box.getsockname())
            box.recv(10)
        told = Told(t)
    shown = [[scene.left.name for scene in step.scenes] for step in told.steps]
    assert shown[0] == ["ann"] and places_of(told.steps[0])["box"].state == "bound"        # one of its scenes shows it
    assert [names for step, names in zip(told.steps, shown) if "lies in" in step.says] == [
        ["ann", "bob", "cid"], ["bob", "cid"], ["cid"]]


def test_lines_of_code_are_those_of_threads_that_go_on():
    t = netlab.Timeline()
    a, b = t.socketpair()
    with a, b:
        a.sendall(b"x")
        b.recv(1)
        b.recv_into(bytearray(0))
        a.sendall(b"y")
        story = t.story()
    for n in (1, 2):        # as if another thread had called it
        story.rows[n] = replace(story.rows[n], event=replace(story.rows[n].event, thread="another"))
    first, second, _, fourth = (row.event.index for row in story.rows)
    where = {first: (0, 3), second: (1, 7), fourth: (0, 4)}
    assert [(step.line, step.lines) for step in steps_of(story, where)] == [
        ((0, 3), ()), ((1, 7), ((0, 3),)), (None, ((0, 3),)), ((0, 4), ())]
    assert all((step.line, step.lines) == (None, ()) for step in steps_of(story))
    story.rows[2] = replace(story.rows[2], event=replace(story.rows[2].event, thread="a third"))
    assert steps_of(story, where)[2].lines == ((0, 3),)         # the other one is done


# --- size ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("case", bench_story.CASES, ids=lambda case: case.__name__)
def test_what_does_not_change_is_the_same_object_and_can_be_a_key(case):
    events, ends = case(300)
    steps = steps_of(tell(events, ends))
    scenes = [scene for step in steps for scene in step.scenes]
    assert len({id(scene) for scene in scenes}) <= 3 * len(steps) and len(set(scenes)) <= len({id(scene) for scene in scenes})
    for one, two in pairwise(steps):
        for scene in two.scenes:
            same = next((other for other in one.scenes if other == scene), scene)
            assert same is scene


@pytest.mark.parametrize("case", bench_story.CASES, ids=lambda case: case.__name__)
def test_twice_the_calls_take_about_twice_the_work(case):
    counts = [bench_story.lines_run(lambda: steps_of(story)) for story in (tell(*case(calls)) for calls in (500, 1000))]
    assert counts[1] / counts[0] < 2.4, counts
