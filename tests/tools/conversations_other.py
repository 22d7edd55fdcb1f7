"""More kinds of conversation: servers that ask others, datagrams, other families of addresses."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading

from conversations import (
    ALL,
    LOCAL,
    NO_IPV6,
    NO_SENDMSG,
    NO_UNIX,
    answer_one,
    ask,
    fixed,
    listening,
    races,
    together,
    udp,
    visit,
)

import netlab

# --- proxies, pipelines, many to one -------------------------------------------------------------------------------

@fixed
def a_proxy(t):
    with netlab.serve(netlab.upper, timeline=t) as origin:
        def proxy(conn, address):
            with t.socket() as onward:
                onward.connect(origin.address)
                onward.sendall(conn.recv(5, ALL))
                conn.sendall(onward.recv(5, ALL))

        with netlab.serve(proxy, timeline=t) as front:
            visit(t, front.address)


@fixed
def a_proxy_with_a_thread_each_way(t):
    with netlab.serve(netlab.upper, timeline=t) as origin:
        def copy(source, target):
            while data := source.recv(100):
                target.sendall(data)
            with contextlib.suppress(OSError):
                target.shutdown(socket.SHUT_WR)

        def proxy(conn, address):
            with t.socket() as onward:
                onward.connect(origin.address)
                together(lambda: copy(conn, onward), lambda: copy(onward, conn))

        with netlab.serve(proxy, timeline=t) as front, t.socket() as client:
            client.connect(front.address)
            ask(client)
            client.shutdown(socket.SHUT_WR)
            client.recv(1)


@fixed
def a_pipeline_of_three(t):
    with netlab.serve(netlab.upper, name="third", timeline=t) as third:
        def pass_on(address):
            def handler(conn, _):
                with t.socket() as onward:
                    onward.connect(address)
                    onward.sendall(conn.recv(5, ALL))
                    conn.sendall(onward.recv(5, ALL))
            return handler

        with netlab.serve(pass_on(third.address), name="second", timeline=t) as second, \
                netlab.serve(pass_on(second.address), name="first", timeline=t) as first:
            visit(t, first.address)


@fixed
def fan_out(t):
    """One front that asks three servers at once, from threads of one name, and answers when all have answered."""
    with contextlib.ExitStack() as stack:
        behind = [stack.enter_context(netlab.serve(netlab.upper, name=name, timeline=t)) for name in ("red", "sea", "sky")]

        def front(conn, address):
            question, answers = conn.recv(3, ALL), {}

            def ask_one(server):
                answers[server] = visit(t, server.address, question)

            together(*[lambda server=server: ask_one(server) for server in behind], names="asks")
            conn.sendall(b"".join(answers[server] for server in behind))

        with netlab.serve(front, timeline=t) as server, t.socket() as client:
            client.connect(server.address)
            client.sendall(b"abc")
            client.recv(9, ALL)


@fixed
def fan_in(t):
    """Three connections, read in a fixed order, whoever wrote first."""
    with listening(t) as listener, contextlib.ExitStack() as stack:
        clients, conns = [], []
        for _ in range(3):
            clients.append(stack.enter_context(t.socket()))
            clients[-1].connect(listener.getsockname())
            conns.append(stack.enter_context(listener.accept()[0]))

        def gather():
            for conn in conns:
                conn.recv(6, ALL)

        together(gather, *[lambda n=n, c=c: c.sendall(b"part %d" % n) for n, c in enumerate(clients)])


@fixed
def a_chat_in_turns(t):
    """A server that sends to all what one said; they speak one after the other."""
    everyone, lock = [], threading.Lock()

    def chat(conn, address):
        with lock:
            everyone.append(conn)
        conn.sendall(b"hi")
        while data := conn.recv(4, ALL):
            with lock:
                for other in everyone:
                    other.sendall(data)
        with lock:
            everyone.remove(conn)

    with netlab.serve(chat, timeline=t) as server, contextlib.ExitStack() as stack:
        clients = []
        for _ in range(3):
            clients.append(stack.enter_context(t.socket()))
            clients[-1].connect(server.address)
            clients[-1].recv(2, ALL)
        for n, client in enumerate(clients):
            client.sendall(b"say%d" % n)
            for other in clients:
                other.recv(4, ALL)
        for client in clients:
            client.shutdown(socket.SHUT_WR)
            client.recv(1)


@races("who speaks first, and so in which order all hear it")
def a_chat_all_at_once(t):
    everyone, lock = [], threading.Lock()

    def chat(conn, address):
        with lock:
            everyone.append(conn)
        conn.sendall(b"hi")
        data = conn.recv(4, ALL)
        with lock:
            for other in everyone:
                other.sendall(data)
        conn.recv(1)

    with netlab.serve(chat, timeline=t) as server, contextlib.ExitStack() as stack:
        clients = []
        for _ in range(3):
            clients.append(stack.enter_context(t.socket()))
            clients[-1].connect(server.address)
            clients[-1].recv(2, ALL)

        def talk(n):
            clients[n].sendall(b"say%d" % n)
            clients[n].recv(12, ALL)

        together(*[lambda n=n: talk(n) for n in range(3)])


# --- UDP -----------------------------------------------------------------------------------------------------------

@fixed
def udp_echo(t):
    with netlab.serve_udp(lambda data, address: data, timeline=t) as server, udp(t, None) as client:
        for n in range(3):
            client.sendto(b"%d" % n, server.address)
            client.recvfrom(10)


@fixed
def udp_connected(t):
    with netlab.serve_udp(lambda data, address: data.upper(), timeline=t) as server, udp(t, None) as client:
        client.connect(server.address)
        for word in (b"one", b"two"):
            client.send(word)
            client.recv(10)


@fixed
def udp_log_of_one_sender(t):
    with udp(t) as log, udp(t, None) as sender:
        for n in range(5):
            sender.sendto(b"line %d" % n, log.getsockname())
        for _ in range(5):
            log.recvfrom(100)


@races("in which order the lines of the senders come")
def udp_log_of_many_senders(t):
    with udp(t) as log:
        def send(n):
            with udp(t, None) as sock:
                for k in range(3):
                    sock.sendto(b"%d says %d" % (n, k), log.getsockname())

        together(*[lambda n=n: send(n) for n in range(3)], lambda: [log.recvfrom(100) for _ in range(9)])


@fixed
def udp_log_with_answers(t):
    """Many senders to one, each of which waits for its receipt before the next one speaks."""
    with udp(t) as log:
        def keep():
            for _ in range(4):
                data, address = log.recvfrom(100)
                log.sendto(b"noted " + data, address)

        def send():
            for n in range(4):
                with udp(t, None) as sock:
                    sock.sendto(b"%d" % n, log.getsockname())
                    sock.recv(100)

        together(keep, send)


@fixed
def udp_lost(t):
    with socket.socket(type=socket.SOCK_DGRAM) as nobody, udp(t, None) as client, udp(t) as server:
        nobody.bind(LOCAL)
        for n in range(3):
            client.sendto(b"lost %d" % n, nobody.getsockname())
        client.sendto(b"heard", server.getsockname())
        server.recvfrom(100)
        client.sendto(b"too late", server.getsockname())


@fixed
def udp_cut_off(t):
    with udp(t) as server, udp(t, None) as client:
        client.sendto(b"much too long", server.getsockname())
        client.sendto(b"short", server.getsockname())
        with contextlib.suppress(OSError):          # Windows: WSAEMSGSIZE
            server.recvfrom(4)
        server.recvfrom(100)


@fixed
def udp_peek(t):
    with udp(t) as server, udp(t, None) as client:
        def look():
            server.recvfrom(100, socket.MSG_PEEK)
            server.recvfrom(100)

        together(look, lambda: client.sendto(b"look", server.getsockname()))


@fixed
def udp_both_speak(t):
    with udp(t) as a, udp(t) as b:
        addresses = a.getsockname(), b.getsockname()

        def talk(sock, other, word):
            sock.sendto(word, other)
            sock.recvfrom(10)

        together(lambda: talk(a, addresses[1], b"from a"), lambda: talk(b, addresses[0], b"from b"))


@fixed
def udp_the_same_word_again_and_again(t):
    with udp(t) as a, udp(t, None) as b:
        def count():
            for _ in range(4):
                data, sender = a.recvfrom(10)
                a.sendto(data, sender)

        def speak():
            for _ in range(4):
                b.sendto(b"tick", a.getsockname())
                b.recvfrom(10)

        together(count, speak)


@fixed
def udp_relay(t):
    with udp(t) as last, udp(t) as relay, udp(t, None) as first:
        def pass_on():
            for _ in range(2):
                relay.sendto(relay.recvfrom(10)[0], last.getsockname())

        def speak():
            first.sendto(b"one", relay.getsockname())
            first.sendto(b"two", relay.getsockname())

        together(pass_on, speak, lambda: [last.recvfrom(10) for _ in range(2)])


@fixed(missing=NO_SENDMSG)
def udp_messages_into_buffers(t):
    with udp(t) as server, udp(t, None) as client:
        client.sendmsg([b"in ", b"pieces"], [], 0, server.getsockname())
        client.sendto(b"whole", server.getsockname())
        server.recvmsg(100)
        server.recvfrom_into(bytearray(20))


# --- other families ------------------------------------------------------------------------------------------------

@fixed(missing=NO_UNIX)
def a_path_for_an_address(t):
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):     # so the path shown is short
        with listening(t, address="door", family=socket.AF_UNIX) as listener:
            def client():
                with t.socket(socket.AF_UNIX) as sock:
                    sock.connect("door")
                    ask(sock)

            together(lambda: answer_one(listener.accept()[0]), client)


@fixed(missing=NO_UNIX)
def a_path_and_clients_one_by_one(t):
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with listening(t, address="door", family=socket.AF_UNIX) as listener, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(t.socket(socket.AF_UNIX)) for _ in range(3)]
            for client in clients:
                client.connect("door")
            conns = [stack.enter_context(listener.accept()[0]) for _ in clients]
            together(*[lambda c=c: c.sendall(b"x") for c in clients], *[lambda c=c: c.recv(1) for c in conns])


@fixed(missing=NO_UNIX)
def datagrams_by_path(t):
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        with t.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as a, t.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as b:
            a.bind("box")
            b.sendto(b"letter", "box")
            a.recvfrom(10)
        os.remove("box")


@fixed(missing=NO_IPV6)
def over_ipv6(t):
    with netlab.serve(netlab.echo, host="::1", family=socket.AF_INET6, timeline=t) as server, \
            t.socket(socket.AF_INET6) as client:
        client.connect(server.address)
        ask(client)


@fixed
def a_pair_of_sockets(t):
    a, b = t.socketpair()
    with a, b:
        together(lambda: ask(a), lambda: b.sendall(b.recv(5, ALL)))


@fixed
def watches_inside_each_other(t):
    """Sockets made in the inner watch are the inner timeline's; those of the outer one stay its own."""
    with netlab.watch() as outer, netlab.serve(netlab.echo, timeline=t) as server:
        with netlab.watch() as inner, socket.socket() as client:
            client.connect(server.address)
            ask(client)
        with socket.socket() as client:
            client.connect(server.address)
            ask(client)
    assert len(inner.events) == 4 and len(outer.events) == 4
