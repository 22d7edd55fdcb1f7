"""Predictions of chapter 0: a first conversation."""
from netlab.teach.questions import number, order, single

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

nobody = single("The server has stopped, and a client calls its address. What happens?",
    {"The client waits": "It would, if nothing at all came back. Here something comes back.",
     "An error, at once": "The kernel of that machine is still there. It answers that nobody listens on this port.",
     "It connects, and the first recv returns nothing":
         "To connect, somebody must listen. An empty `recv` is how a conversation ends, not how it begins."},
    "An error, at once")
