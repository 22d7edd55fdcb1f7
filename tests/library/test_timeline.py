"""Timeline and watch: what a reader asks of a recording."""

from __future__ import annotations

import gc
import http.client
import socket
import threading

import pytest

import netlab
from netlab import diagram
from netlab.sockets import PLAIN
from netlab.style import NARROW, image

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_it_shows_itself_as_a_picture_and_as_text():
    timeline = netlab.Timeline()
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"x")
        b.recv(1)
    bundle = timeline._repr_mimebundle_()
    html = str(image(timeline.svg(), f"Sequence diagram. {timeline.caption()}", diagram.svg(timeline.story(), width=NARROW)))
    assert html in bundle["text/html"] and bundle["text/plain"] == timeline.text()
    assert timeline.caption() == timeline.text().splitlines()[-1]
    assert [row.call for row in timeline.rows()][:1] == ['sendall(b"x")']


@pytest.mark.parametrize("limit", [0, -1, 1.5, "5", None])
def test_a_limit_must_be_a_number_of_calls(limit):
    with pytest.raises(ValueError, match="limit is how many calls to keep, 1 or more, not"):
        netlab.Timeline(limit)


def test_names_stand_in_the_picture_and_clear_forgets_calls_and_not_names():
    timeline = netlab.Timeline()
    with timeline.socket(name="Ada") as ada:
        ada.bind(("127.0.0.1", 0))
        assert [row.who for row in timeline.rows()] == ["Ada"]
        timeline.clear()
        assert timeline.events == [] and timeline.rows() == []
    assert [(row.who, row.call) for row in timeline.rows()] == [("Ada", "close()")]


def test_on_change_is_called_after_each_call_from_its_thread():
    timeline, called = netlab.Timeline(), []
    timeline.on_change = lambda: called.append(threading.current_thread())
    with timeline.socket() as sock:
        sock.bind(("127.0.0.1", 0))
    assert called == [threading.current_thread()] * 2


def test_watch_records_code_that_knows_nothing_of_it_and_puts_the_class_back():
    def answer(conn, address):
        conn.recv(4096)
        conn.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    with netlab.serve(answer) as server, netlab.watch() as timeline:
        connection = http.client.HTTPConnection(*server.address)
        connection.request("GET", "/")
        assert connection.getresponse().read() == b"hi"
        connection.close()
    assert socket.socket is PLAIN
    assert {"connect", "sendall", "recv_into", "close"} <= {e.method for e in timeline.events}
    with pytest.raises(KeyError), netlab.watch():
        raise KeyError
    assert socket.socket is PLAIN


def test_overlapping_watches_leave_socket_socket_as_it_was_and_the_latest_records():
    first, second = netlab.watch(), netlab.watch()
    a = first.__enter__()
    b = second.__enter__()
    with socket.socket() as early:
        early.bind(("127.0.0.1", 0))
    first.__exit__(None, None, None)
    with socket.socket() as late:
        late.bind(("127.0.0.1", 0))
    second.__exit__(None, None, None)
    assert socket.socket is PLAIN
    assert (len(a.events), [e.method for e in b.events]) == (0, ["bind", "close"] * 2)


def test_watches_from_many_threads_leave_socket_socket_as_it_was():
    enter, leave = threading.Barrier(4), threading.Barrier(4)

    def watch_a_little():
        for _ in range(50):
            enter.wait(10)
            with netlab.watch():
                leave.wait(10)

    threads = [threading.Thread(target=watch_a_little) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert socket.socket is PLAIN


def test_name_and_one_hand():
    timeline = netlab.Timeline(one_hand=True)
    a, b = timeline.socketpair()
    timeline.name(b, "Bea")
    with a, b:
        thread = threading.Thread(target=a.sendall, args=(b"x",))
        thread.start()
        thread.join(5)
        b.recv(1)
    assert {event.thread for event in timeline.events} == {threading.main_thread()}
    assert timeline.rows()[1].who == "Bea"


def test_on_change_can_be_set_and_taken_away_while_sockets_are_open():
    timeline, told = netlab.Timeline(), []
    a, b = timeline.socketpair()
    with a, b:
        a.sendall(b"1")
        timeline.on_change = lambda: told.append(len(timeline.events))
        a.sendall(b"2")
        b.recv(2)
        timeline.on_change = None
        a.sendall(b"3")
    assert told == [2, 3] and [e.size for e in timeline.events] == [1, 1, 2, 1, 0, 0]
    assert [e.index for e in timeline.events] == list(range(6))


def test_memory_is_bounded_however_many_sockets_come():
    timeline = netlab.Timeline(limit=100)
    for _ in range(9000):
        timeline.socket().close()
    gc.collect()
    assert len(timeline._ends) < 5000 and len(timeline.events) == 100
    with timeline.socket(name="late") as sock:
        sock.bind(("127.0.0.1", 0))
    assert timeline.rows()[-1].who == "late"
