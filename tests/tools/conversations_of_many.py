"""More kinds of conversation: with waiting, with several clients, and with servers that stop or fail."""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

from conversations import (
    ALL,
    LOCAL,
    NOT_LINUX,
    answer_one,
    ask,
    fixed,
    listening,
    races,
    together,
    visit,
)

import netlab
from netlab.kernel import wait_until

# --- waiting, and not waiting --------------------------------------------------------------------------------------

@fixed
def a_timeout(t):
    a, b = t.socketpair()
    with a, b:
        b.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            b.recv(1)
        a.sendall(b"x")
        b.recv(1)


@fixed
def an_answer_too_late(t):
    asked = threading.Event()

    def late(conn, address):
        conn.recv(5, ALL)
        asked.wait()
        conn.sendall(b"late")

    with netlab.serve(late, timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        client.settimeout(0.02)
        client.sendall(b"hello")
        with contextlib.suppress(TimeoutError):
            client.recv(4)
        asked.set()
        client.settimeout(None)
        client.recv(4, ALL)


@fixed
def not_blocking_and_empty(t):
    a, b = t.socketpair()
    with a, b:
        b.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            b.recv(1)
        a.sendall(b"x")
        select.select([b], [], [])
        b.recv(1)


@fixed
def a_server_with_select(t):
    with listening(t) as listener:
        def server():
            open_ones, served = [listener], 0
            while served < 1:
                for sock in select.select(open_ones, [], [])[0]:
                    if sock is listener:
                        open_ones.append(sock.accept()[0])
                    elif data := sock.recv(5):
                        sock.sendall(data)
                    else:
                        open_ones.remove(sock)
                        sock.close()
                        served += 1

        together(server, lambda: visit(t, listener.getsockname()))


@races("whom select() names first, and so the order in which the clients are served")
def a_server_with_selectors(t):
    with listening(t) as listener, selectors.DefaultSelector() as selector:
        listener.setblocking(False)
        selector.register(listener, selectors.EVENT_READ)

        def server():
            served = 0
            while served < 3:
                for key, _ in selector.select():
                    if key.fileobj is listener:
                        selector.register(listener.accept()[0], selectors.EVENT_READ)
                    elif data := key.fileobj.recv(5):
                        key.fileobj.sendall(data)
                    else:
                        selector.unregister(key.fileobj)
                        key.fileobj.close()
                        served += 1

        together(server, *[lambda: visit(t, listener.getsockname())] * 3)


@fixed
def a_connect_that_does_not_wait(t):
    with listening(t) as listener, t.socket() as client:
        client.setblocking(False)
        client.connect_ex(listener.getsockname())
        conn, _ = listener.accept()
        with conn:
            select.select([], [client], [])
            client.send(b"hello")
            conn.recv(5, ALL)


@fixed
def refused_then_served(t):
    with socket.socket() as free:
        free.bind(LOCAL)
        address = free.getsockname()
    with t.socket() as client, contextlib.suppress(ConnectionRefusedError):
        client.connect(address)
    with netlab.serve(netlab.echo, port=address[1], timeline=t) as server:
        visit(t, server.address)


@fixed(missing=NOT_LINUX)
def a_full_queue(t):
    with listening(t, backlog=0) as listener, t.socket() as first, t.socket() as second:
        address = listener.getsockname()
        first.connect(address)
        second.settimeout(0.05)
        with contextlib.suppress(TimeoutError):
            second.connect(address)
        listener.accept()[0].close()


@fixed(missing=NOT_LINUX)
def a_connect_that_waits_for_room(t):
    """AF_UNIX, whose connect() goes on as soon as there is room; over TCP the SYN comes again after a second only."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        second = t.socket(socket.AF_UNIX)
        with listening(t, 0, "door", socket.AF_UNIX) as listener, t.socket(socket.AF_UNIX) as first:
            first.connect("door")

            def late():
                with second:
                    second.connect("door")
                    second.sendall(b"made it")

            def server():
                wait_until(lambda: second.writing)
                listener.accept()[0].close()
                conn, _ = listener.accept()
                with conn:
                    conn.recv(7, ALL)

            together(late, server)


@fixed
def a_client_started_after_the_server(t):
    listener = t.socket()

    def client():
        visit(t, listener.getsockname())

    with listener:
        listener.bind(LOCAL)
        listener.listen()
        thread = threading.Thread(target=client, name="A client")       # before "MainThread" in the alphabet
        thread.start()
        answer_one(listener.accept()[0])
        thread.join()


@fixed
def a_server_ready_by_an_event(t):
    ready, address = threading.Event(), []

    def server():
        with listening(t) as listener:
            address.append(listener.getsockname())
            ready.set()
            answer_one(listener.accept()[0])

    def client():
        ready.wait()
        visit(t, address[0])

    together(client, server)


# --- several clients -----------------------------------------------------------------------------------------------

@fixed
def clients_one_after_the_other(t):
    with netlab.serve(netlab.upper, timeline=t) as server:
        for n in range(3):
            visit(t, server.address, b"client %d" % n)


@fixed
def clients_side_by_side(t):
    with netlab.serve(netlab.upper, timeline=t) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(t.socket()) for _ in range(4)]
        for client in clients:
            client.connect(server.address)
        for n, client in enumerate(clients):
            client.sendall(b"%d" % n)
        for client in reversed(clients):
            client.recv(1)


@races("whose connect() comes first, and so the order in which they are accepted")
def clients_at_once(t):
    with netlab.serve(netlab.upper, timeline=t) as server:
        together(*[lambda n=n: visit(t, server.address, b"client %d" % n) for n in range(4)])


def _crowd(t, names, many=4):
    """Clients connect one by one in this thread; then each is served by, and speaks from, a thread of its own."""
    with listening(t) as listener, contextlib.ExitStack() as stack:
        clients, conns = [], []
        for _ in range(many):
            clients.append(stack.enter_context(t.socket()))
            clients[-1].connect(listener.getsockname())
            conns.append(listener.accept()[0])

        def speak(n, client):
            with client:
                ask(client, b"mine %d" % n)

        handlers = [lambda conn=conn: answer_one(conn, 6) for conn in reversed(conns)]
        speakers = [lambda n=n, client=client: speak(n, client) for n, client in enumerate(clients)]
        together(*handlers, *speakers, names=names)


@fixed
def a_thread_for_each_client(t):
    _crowd(t, None)


@fixed
def threads_of_one_name(t):
    _crowd(t, "worker")


@fixed
def threads_of_one_name_started_by_the_acceptor(t):
    """The acceptor is slower or faster than the handlers' threads; all of them bear one name."""
    with listening(t) as listener, contextlib.ExitStack() as stack:
        def acceptor():
            threads = []
            for _ in range(4):
                conn, _ = listener.accept()
                threads.append(threading.Thread(target=answer_one, args=(conn, 1), name="handler"))
                threads[-1].start()
            for thread in threads:
                thread.join()

        def clients():
            socks = [stack.enter_context(t.socket()) for _ in range(4)]
            for sock in socks:
                sock.connect(listener.getsockname())
            for n, sock in reversed([*enumerate(socks)]):
                sock.sendall(b"abcd"[n:n + 1])
            for sock in socks:
                sock.recv(1)
                sock.close()

        together(acceptor, clients)


@fixed
def clients_of_one_name_with_sockets_of_their_own(t):
    """Each to a server of its own; nothing but what they do tells one client's thread from the other's."""
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(netlab.serve(netlab.upper, name=name, timeline=t)) for name in ("one", "two", "six")]
        together(*[lambda s=s: visit(t, s.address, s.name.encode()) for s in servers], names="client")


@fixed
def a_pool_whose_workers_all_meet(t):
    """Which worker gets which connection is left open, and nothing of it is to be seen: each serves one."""
    with listening(t) as listener, contextlib.ExitStack() as stack, ThreadPoolExecutor(3) as pool:
        clients, met = [stack.enter_context(t.socket()) for _ in range(3)], threading.Barrier(3)

        def serve(conn):
            met.wait()
            answer_one(conn, 1)

        for client in clients:
            client.connect(listener.getsockname())
        for _ in clients:
            pool.submit(serve, listener.accept()[0])
        for n, client in enumerate(clients):
            ask(client, b"%d" % n)
            client.shutdown(socket.SHUT_WR)


@races("which thread of the pool takes which connection, and so what comes after what in that thread")
def a_small_pool(t):
    with listening(t) as listener, ThreadPoolExecutor(2) as pool:
        def acceptor():
            for _ in range(5):
                pool.submit(answer_one, listener.accept()[0], 1)

        together(acceptor, *[lambda n=n: visit(t, listener.getsockname(), b"%d" % n) for n in range(5)])


@races("which acceptor gets which client")
def several_acceptors(t):
    with listening(t) as listener:
        def acceptor():
            for _ in range(2):
                answer_one(listener.accept()[0])

        together(acceptor, acceptor, *[lambda: visit(t, listener.getsockname())] * 4)


@fixed
def several_servers(t):
    with netlab.serve(netlab.echo, timeline=t) as one, netlab.serve(netlab.upper, timeline=t) as two:
        visit(t, one.address, b"first")
        visit(t, two.address, b"second")
        visit(t, one.address, b"third")


@fixed
def several_servers_at_once(t):
    with netlab.serve(netlab.echo, timeline=t) as one, netlab.serve(netlab.upper, timeline=t) as two:
        together(lambda: visit(t, one.address, b"first"), lambda: visit(t, two.address, b"second"))


@fixed
def a_listener_used_again(t):
    for message in (b"one", b"two"):
        with netlab.serve(netlab.upper, timeline=t) as server:
            visit(t, server.address, message)


@fixed
def one_port_twice(t):
    with netlab.serve(netlab.upper, timeline=t) as first:
        visit(t, first.address, b"one")
    with netlab.serve(netlab.echo, port=first.port, timeline=t) as second:
        visit(t, second.address, b"two")


# --- servers that stop, and handlers that fail ---------------------------------------------------------------------

@fixed
def a_server_stops_with_open_connections(t):
    with contextlib.ExitStack() as stack:
        with netlab.serve(netlab.echo, timeline=t) as server:
            clients = [stack.enter_context(t.socket()) for _ in range(3)]
            for client in clients:
                client.connect(server.address)
                ask(client, b"x")
        for client in clients:
            client.recv(1)


@fixed
def a_handler_that_raises(t):
    def fail(conn, address):
        conn.recv(5, ALL)
        raise RuntimeError("as planned")

    with contextlib.suppress(RuntimeError), netlab.serve(fail, timeline=t) as server, t.socket() as client:
        client.connect(server.address)
        client.sendall(b"hello")
        client.recv(1)


@races("whether the server's end is seen before or after the client has spoken")
def a_server_stops_while_a_client_speaks(t):
    server = netlab.serve(netlab.echo, timeline=t)
    with t.socket() as client:
        client.connect(server.address)

        def speak():
            with contextlib.suppress(ConnectionError):
                client.sendall(b"hello")
                client.recv(5)

        together(speak, server.stop)


@races("how far the other thread's recv() was when the socket was closed")
def a_socket_closed_by_another_thread(t):
    a, b = t.socketpair()

    def read():
        with contextlib.suppress(OSError):
            b.settimeout(0.02)
            b.recv(1)

    together(read, b.close)
    a.close()
