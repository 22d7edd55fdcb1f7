"""The engine behind chapter 3's exercises: what is stopped, what is cleared up, and what a slow function may do."""
import socket
import sys
import threading

import pytest

from netlab.chapters.server_and_client import check
from netlab.teach import check as engine, peers

pytestmark = pytest.mark.usefixtures("no_leaks")


def by_ones(sock, n):
    """Right, but slow: a limit counts from the last byte that was taken."""
    data = b""
    while len(data) < n:
        if not (piece := sock.recv(1)):
            raise ConnectionError
        data += piece
    return data


def test_slow_is_not_wrong(monkeypatch):
    """X4: this takes longer than the limit as a whole, and is judged by its progress."""
    def slowly(sock, n):
        if n < 1000:
            return by_ones(sock, n)
        data = b""
        while len(data) < n:
            data += by_ones(sock, min(5000, n - len(data)))
            threading.Event().wait(0.15)
        return data

    monkeypatch.setattr(engine, "LIMIT", 0.7)
    assert check.recv_exactly(slowly).ok


def test_the_socket_class_is_given_back():
    before = socket.socket
    check.shout(lambda address, text: text.nothing)
    assert socket.socket is before


def test_other_threads_sockets_are_left_alone():
    """A server that runs meanwhile sends all at once, and its sockets stay open."""
    ends = []

    def script(work):
        thread = threading.Thread(target=lambda: ends.extend(socket.socketpair()))
        thread.start()
        thread.join()
        assert ends[0].send(b"x" * 5000) == 5000
        work.start(shown="")
        work.expect(None, "")

    assert peers.Peer("nobody", script)(lambda: None) is None
    for end in ends:
        assert end.fileno() != -1
        end.close()


def test_what_waited_in_vain_is_told_so(monkeypatch):
    """The peer gives up and closes, which ends the function after all: it is late, whatever it gives back then."""
    monkeypatch.setattr(engine, "LIMIT", 0.1)
    on = threading.Event()

    def script(work):
        work.start(shown="")
        work.result()
        on.set()
        work.thread.join()
        work.expect(True, "")

    miss = peers.Peer("gives up", script)(on.wait)
    assert miss and miss.last and miss.came.startswith("no end after")


def test_an_interrupt_leaves_nothing():
    """KeyboardInterrupt at each line that a trial runs in this thread: no thread, no socket, the class given back."""
    trial, before = check.recv_exactly.trials[0], socket.socket
    files = {peers.__file__, engine.__file__, check.__file__}
    at = count = 0

    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename not in files or frame.f_code.co_qualname.endswith("Kept.__init__"):
            return None     # inside socket.accept(), which itself loses its descriptor to an interrupt there
        if event == "line":
            count += 1
            if count == at:
                raise KeyboardInterrupt
        return trace

    while count >= at:
        at, count = at + 1, 0
        sys.settrace(trace)
        try:
            trial(by_ones)
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        assert socket.socket is before, at
        assert not [thread for thread in threading.enumerate() if thread.name == "exercise" and not gone(thread)], at
    assert at > 50


def gone(thread):
    thread.join(1)
    return not thread.is_alive()


@pytest.mark.parametrize("stubborn", ["spins", "swallows", "waits"])
def test_what_never_ends_is_stopped(stubborn, monkeypatch):
    monkeypatch.setattr(engine, "LIMIT", 0.3)

    def recv_exactly(sock, n):
        while stubborn == "spins":
            pass
        while stubborn == "swallows":
            try:
                sock.recv(n)
            except OSError:
                continue
        while True:
            threading.Event().wait(0.01)

    result = check.recv_exactly(recv_exactly)
    assert result.came.startswith("no end")     # and no_leaks sees that its thread is gone
