"""The two tools of chapter 03, which opens them with inspect.getsource: every part of it can use them after a restart."""
import socket

from netlab import kernel


def look(**sockets):
    """Print what the kernel says about each socket, a line for each."""
    for name, sock in sockets.items():
        state, clients, words = kernel.state(sock), kernel.backlog(sock), ""
        if clients:
            words = f"{clients[0]} waiting, limit {clients[1]}"
        elif state not in ("CLOSED", "LISTEN", "SYN_SENT"):
            words = f"{kernel.receive_queue(sock)} to read"
        print(f"{name:9} {state or kernel.why(kernel.state, sock):12} {words}".rstrip())


def connected_pair(make=socket.socket):
    """A client, and the server's end of its connection."""
    with make() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        client = make()
        client.connect(listener.getsockname())
        conn, _ = listener.accept()
    return client, conn
