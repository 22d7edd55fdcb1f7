"""Predictions of chapter 0: a first conversation."""
import contextlib
import socket

from netlab import Timeline
from netlab.teach.blanks import result_of
from netlab.teach.pictured import pictured
from netlab.teach.questions import number, order, single


def _nobody_listens():
    """The recording of a call to an address that a socket has, and where it does not listen."""
    timeline = Timeline()
    with socket.socket() as silent, timeline.socket() as client, contextlib.suppress(OSError):
        silent.bind(("127.0.0.1", 0))
        client.connect(silent.getsockname())
    return timeline


calls = order("A client talks to a server once. Which calls does it make?",
    ["connect", "sendall", "recv", "close"], "Call first, then speak, then listen, then hang up.",
    {("sendall", "connect"): "Before `connect` there is nobody to send to.",
     ("recv", "connect"): "Before `connect` there is nobody to receive from.",
     ("close", "connect"): "A closed socket connects no more.",
     ("recv", "sendall"): "This server speaks only when spoken to: a client that listens first waits for ever.",
     ("close", "sendall"): "A closed socket sends nothing.",
     ("close", "recv"): "The answer would come to a socket that is closed."})

sockets = number("The server talks to one client. How many sockets of its own does the server side have while it does?", 2,
    "One listens for clients. `accept` returned a second, which belongs to this client alone.",
    {1: "The picture shows two `close()` on the right: one socket listens, and one talks.",
     3: "The third is the client's own: it stands on the left."})

nobody = pictured(single("The server has stopped, and a client calls its address. What does `connect` do?",
    {"It waits": "It would, if nothing at all came back. Here something comes back.",
     "It returns": "To connect, somebody must listen.",
     "It raises": "The kernel of that machine is still there. It answers, at once, that nobody listens on this port."},
    "It raises"), _nobody_listens, result_of("connect", read=lambda row: "It raises" if row.failed else "It returns"))
