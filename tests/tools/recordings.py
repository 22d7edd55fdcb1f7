"""Conversations over loopback, recorded, for questions with a picture; and such a question."""
import socket

import pytest
from talk_by_hand import Talk

from netlab import Timeline
from netlab.teach.questions import single


def talk(*sends, recvs=(5, 1024)):
    """A recording of what one end of a pair sends, and the other receives."""
    timeline = Timeline()
    a, b = timeline.socketpair()
    with a, b:
        for data in sends or (b"tea", b"rice"):
            a.sendall(data)
        for size in recvs:
            b.recv(size)
    return timeline


def refused():
    """A recording of a connect to a port where nobody listens."""
    timeline = Timeline()
    with timeline.socket(name="listener") as listener, timeline.socket(name="client") as client:
        listener.bind(("127.0.0.1", 0))
        client.connect_ex(listener.getsockname())
        with pytest.raises(ConnectionRefusedError):
            client.connect(listener.getsockname())
    return timeline


def handshake():
    """A ladder of a handshake and some bytes."""
    made = Talk()
    made.open()
    made.call(0, "sendall", size=3, data=b"one")
    made.segment(True, "PA", 1, 1, b"one")
    return made.ladder()


def served(read=b"tea", peek=False):
    """A recording of a connection that the client closes; before that it sends something, or nothing."""
    timeline = Timeline()
    with timeline.socket(name="listener") as listener, timeline.socket(name="client") as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client.connect(listener.getsockname())
        connection, _address = listener.accept()
        with connection:
            if read:
                client.sendall(read)
            if peek:
                connection.recv(1024, socket.MSG_PEEK)
            client.close()
            connection.recv(1024)
    return timeline


def lost():
    """A recording of a datagram that nobody takes, and one that is taken."""
    timeline = Timeline()
    with timeline.socket(type=socket.SOCK_DGRAM, name="server") as server, \
         timeline.socket(type=socket.SOCK_DGRAM, name="client") as client, \
         timeline.socket(type=socket.SOCK_DGRAM, name="closed") as closed:
        for each in server, closed:
            each.bind(("127.0.0.1", 0))
        address = closed.getsockname()
        closed.close()
        client.sendto(b"tea", address)
        client.sendto(b"rice", server.getsockname())
        server.recv(1024)
    return timeline


def choices(answer, *others):
    """A question with these choices, and a sentence for each."""
    return single("Which?", {each: f"About {n}." for n, each in enumerate((*others, answer))}, answer)
