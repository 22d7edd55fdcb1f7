"""The conversations that the predictions of chapter 04 are drawn from: those of the cells that follow them."""
import contextlib
import socket

from netlab import Timeline, watch
from netlab.teach.workbench import attempt


@contextlib.contextmanager
def _connected():
    """(timeline, client, connection), connected over TCP and recorded."""
    with watch() as timeline, socket.create_server(("127.0.0.1", 0)) as listener, \
         socket.create_connection(listener.getsockname()) as client:
        connection, _ = listener.accept()
        with connection:
            yield timeline, client, connection


def looked_at() -> Timeline:
    """Data: a recv that only looks, and one that takes."""
    with _connected() as (timeline, client, connection):
        client.send(b"hello")
        client.sendall(b", world")
        connection.recv(7, socket.MSG_WAITALL)
        connection.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
        client.send(b"!")
        connection.recv(2)
        connection.recv(4, socket.MSG_WAITALL)
    return timeline


def to_a_third() -> Timeline:
    """Data: a connected UDP socket writes to somebody else."""
    timeline = Timeline()
    names = "sender", "friend", "third"
    sender, friend, third = (timeline.socket(socket.AF_INET, socket.SOCK_DGRAM, name=name) for name in names)
    with sender, friend, third:
        for sock in friend, third:
            sock.bind(("127.0.0.1", 0))
        third.settimeout(0.3)
        sender.connect(friend.getsockname())
        sender.send(b"one")
        attempt(sender.sendto, b"two", third.getsockname())
        friend.recv(9)
        attempt(third.recv, 9)
    return timeline


def written() -> Timeline:
    """Files: two lines, and a flush."""
    with _connected() as (timeline, client, connection), client.makefile("w") as writer, connection.makefile("r") as reader:
        writer.write("hello\n")
        writer.write("world\n")
        writer.flush()
        reader.readline()
    return timeline
