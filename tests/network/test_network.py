"""netlab.network: hosts, routers and cables over the real kernel; what cables do; who reaches whom."""
import contextlib
import errno
import gc
import http.client
import http.server
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
import weakref

import psutil
import pytest
from conftest import need

import netlab
from netlab.kernel import state, wait_until
from netlab.network import Frame, HelperEnded, Network, Router


@pytest.fixture(scope="module", autouse=True)
def _to_be_had():
    need(not Network.why(), Network.why())


@pytest.fixture
def net(no_leaks):
    with Network() as net:
        yield net


@pytest.fixture
def pair(net):
    """alice and bob, and the cable between them."""
    alice, bob = net.host("alice"), net.host("bob")
    return alice, bob, net.cable(alice, bob)


@pytest.fixture
def routed(net):
    """alice - router - bob"""
    alice, bob, router = net.host("alice"), net.host("bob"), net.router("router")
    net.cable(alice, router)
    net.cable(bob, router)
    return alice, bob, router


@contextlib.contextmanager
def connected(a, b, port=80, family=socket.AF_INET, address=None):
    """Two ends of a TCP connection from a to b."""
    with contextlib.ExitStack() as stack:
        listener, client = (stack.enter_context(host.socket(family)) for host in (b, a))
        listener.bind((address or b.address, port))
        listener.listen()
        client.settimeout(5)
        client.connect((address or b.address, port))
        conn = stack.enter_context(listener.accept()[0])
        conn.settimeout(5)
        yield client, conn


def udp(host, port=0, seconds=5):
    sock = host.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((host.address, port))
    sock.settimeout(seconds)
    return sock


def numbers(sock, count=None):
    """The datagrams that come, as numbers: so many, or until none comes for 0.3 s."""
    found = []
    while count is None or len(found) < count:
        try:
            found.append(int(sock.recv(99)))
        except TimeoutError:
            break
    return found


# hosts and addresses

def test_addresses_are_chosen_a_network_for_each_cable_and_the_router_first(routed, net):
    alice, bob, router = routed
    assert (alice.address, bob.address, router.addresses) == ("10.0.1.2", "10.0.2.2", ("10.0.1.1", "10.0.2.1"))
    assert router.interfaces == {"eth0": ("10.0.1.1/24",), "eth1": ("10.0.2.1/24",)}
    assert alice.routes == [("0.0.0.0/0", "10.0.1.1", "eth0"), ("10.0.1.0/24", None, "eth0")]
    assert repr(router) == "<Router router 10.0.1.1 10.0.2.1>" and repr(net) == "<Network of alice, bob, router>"
    assert list(net.hosts) == ["alice", "bob", "router"] and net.hosts["alice"] == alice
    assert [cable.name for cable in net.cables] == ["alice-router", "bob-router"]
    assert net.cables[0].ends == (alice, router) and type(net.hosts["router"]) is Router


def test_addresses_are_given(net):
    alice, bob = net.host("alice"), net.host("bob")
    net.cable(alice, bob, addresses=("192.168.7.9/24", "192.168.7.1/24"))
    with connected(alice, bob) as (client, conn):
        assert client.getsockname()[0] == "192.168.7.9" and conn.getpeername()[0] == "192.168.7.9"


@pytest.mark.parametrize("call, words", [
    (lambda net, a, b: net.host("a"), "this network has a already"),
    (lambda net, a, b: net.host("two words"), "a word of at most 15 letters and digits, not 'two words'"),
    (lambda net, a, b: net.host(7), "not 7"),
    (lambda net, a, b: net.cable(a, a), "joins two hosts; both ends are a"),
    (lambda net, a, b: net.cable(a, "b"), "joins two hosts of this network, not 'b'"),
    (lambda net, a, b: net.cable(a, b, mtu=20), "mtu is in bytes, 68 to 9000, not 20"),
    (lambda net, a, b: net.cable(a, b, loss=20), "loss is a share, from 0 to 1, not 20"),
    (lambda net, a, b: net.cable(a, b, through=7), "through is a function that gets a frame"),
    (lambda net, a, b: net.host("a-b"), "not 'a-b'"),
    (lambda net, a, b: net.cable(a, b, addresses=("127.0.0.1/8", "127.0.0.2/8")), "127.0.0.1 cannot be a host's address"),
    (lambda net, a, b: net.cable(a, b, addresses=("10.1.1.0/24", "10.1.1.1/24")), "10.1.1.0 cannot be a host's address"),
    (lambda net, a, b: net.cable(a, b, addresses=("224.0.0.1/24", "224.0.0.2/24")), "224.0.0.1 cannot be"),
    (lambda net, a, b: [net.cable(a, b), a.add_route("10.0.1.0/24", "10.0.1.2")], "a is plugged into 10.0.1.0/24"),
    (lambda net, a, b: [net.cable(a, b), a.remove_route("10.0.1.0/24")], "a is plugged into 10.0.1.0/24"),
    (lambda net, a, b: [net.cable(a, b), a.add_route("10.9.0.0/24", "10.0.1.255")], "a's kernel takes no route to 10.9.0.0/24"),
    (lambda net, a, b: a.socket("x"), "cannot be interpreted as an integer"),
    (lambda net, a, b: net.cable(a, b, addresses=("10.1.1.1/24", "10.1.2.1/24")), "two of one network, such as"),
    (lambda net, a, b: net.cable(a, b, addresses="10.1.1.1/24"), "two of one network, such as"),
    (lambda net, a, b: [net.cable(a, b), net.cable(a, b, addresses=("10.0.1.1/24", "10.0.1.5/24"))],
     "overlaps 10.0.1.0/24, the network of the cable a-b"),
    (lambda net, a, b: a.address, "a has no address yet: an address comes with a cable"),
    (lambda net, a, b: a.add_route("10.9.0.0/16", "10.8.0.1"), "no cable to the network of 10.8.0.1"),
    (lambda net, a, b: a.remove_route("10.9.0.0/16"), "no route to 10.9.0.0/16"),
    (lambda net, a, b: a.sysctl("kernel.panic", 1), "named as \"net.ipv4.ip_default_ttl\", not 'kernel.panic'"),
    (lambda net, a, b: a.sysctl("net.ipv4...x", 1), "not 'net.ipv4...x'"),
    (lambda net, a, b: setattr(net.cable(a, b), "is_cut", True), "it has cut\\(\\) and mend\\(\\)"),
    (lambda net, a, b: setattr(net.cable(a, b), "delay", "1"), "delay is in seconds, from 0 to 60, not '1'"),
    (lambda net, a, b: net.cable(a, b).colour, "a cable has no colour"),
])
def test_what_is_wrong_is_said_in_a_sentence(net, call, words):
    a, b = net.host("a"), net.host("b")
    with pytest.raises((ValueError, TypeError, AttributeError), match=words):
        call(net, a, b)
    with connected(a, b) if net.cables else contextlib.nullcontext():
        pass                                            # and nothing else happened


def test_a_cable_joins_hosts_of_one_network(net):
    alice = net.host("alice")
    with Network() as other, pytest.raises(TypeError, match="two hosts of this network, not <Host bob>"):
        net.cable(alice, other.host("bob"))


def test_a_chosen_network_is_one_that_no_cable_has(net):
    alice, bob = net.host("alice"), net.host("bob")
    first = net.cable(alice, bob, addresses=("10.0.2.7/24", "10.0.2.9/24"))
    second, third = net.cable(alice, bob), net.cable(alice, bob)
    assert alice.addresses == ("10.0.2.7", "10.0.3.1", "10.0.4.1")
    assert [cable.name for cable in (first, second, third)] == ["alice-bob", "alice-bob (2)", "alice-bob (3)"]
    with udp(alice) as sock:
        sock.sendto(b"x", ("10.0.3.2", 9))
    datagrams = net.packets.of("UDP")
    assert datagrams.on(second) and not datagrams.on(first)


def test_hosts_and_cables_from_many_threads(net):
    router, failed = net.router("router"), []

    def make(n):
        try:
            net.cable(net.host(f"host{n}"), router)
            net.host("same")
        except ValueError:
            failed.append(n)

    threads = [threading.Thread(target=make, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({host.address for name, host in net.hosts.items() if name != "same"}) == 9 and len(failed) == 7


def test_an_interrupt_while_a_cable_is_made_breaks_nothing(net):
    hosts, before = [net.host(name) for name in ("alice", "bob", "dora")], signal.getsignal(signal.SIGALRM)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for n in range(12):
            with contextlib.suppress(KeyboardInterrupt):
                signal.setitimer(signal.ITIMER_REAL, .0003 * (n + 1))
                net.cable(*hosts[:2])
                signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    last = net.cable(hosts[0], hosts[2])
    with udp(hosts[0]) as sock:
        sock.sendto(b"x", (last.ends[1].addresses[0], 9))
    assert {p.cable for p in net.packets} == {"alice-dora"} and net.packets.of("UDP")[0].fate == "arrived"


def test_in_a_forked_child_the_network_is_not_to_be_had_and_the_parents_goes_on(pair):
    alice, *_ = pair
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            alice.socket()
        except HelperEnded as error:
            os.write(write, str(error).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 999) == b"This network belongs to the process that made it: make its sockets before the fork."
    os.close(read), os.close(write)
    alice.socket().close()


# real TCP/IP

def test_a_conversation_over_a_router_and_its_packets(routed, net):
    alice, bob, _ = routed
    with connected(alice, bob) as (client, conn):
        client.sendall(b"hello")
        assert conn.recv(9) == b"hello"
        assert type(client) is socket.socket and state(client) == "ESTABLISHED"
        assert conn.getpeername() == client.getsockname() and client.getsockname()[0] == "10.0.1.2"
        packets = net.packets
    hello = [(p.sender, p.receiver, p.cable, p.fate, p["IP"]["Time to Live"]) for p in packets if p.payload == b"hello"]
    assert hello == [("alice", "router", "alice-router", "arrived", 64), ("router", "bob", "bob-router", "arrived", 63)]
    assert [p["ARP"]["Opcode"] for p in packets.of("ARP")] == [1, 2, 1, 2]
    assert [p.number for p in packets] == list(range(1, len(packets) + 1))
    order = [time for p in packets for time in (p.time, *p.arrivals)]
    assert len(set(order)) == len(order) and [p.time for p in packets] == sorted(p.time for p in packets)
    assert alice.neighbours == {"10.0.1.1": "02:00:00:00:00:02"}


def test_ttl_1_ends_at_the_router_which_says_so(routed, net):
    alice, bob, _ = routed
    with alice.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as icmp, udp(alice) as sock:
        icmp.settimeout(5)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        sock.sendto(b"x", (bob.address, 33434))
        answer, (who, _) = icmp.recvfrom(999)
        assert who == "10.0.1.1" and answer[20:22] == b"\x0b\x00"          # time exceeded (RFC 792)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 2)
        sock.sendto(b"x", (bob.address, 33434))
        answer, (who, _) = icmp.recvfrom(999)
        assert who == "10.0.2.2" and answer[20:22] == b"\x03\x03"          # port unreachable


def test_ipv6_too_when_asked(no_leaks):
    with Network(ipv6=True) as net:
        alice, bob, router = net.host("alice"), net.host("bob"), net.router("router")
        net.cable(alice, router)
        net.cable(bob, router)
        assert bob.addresses == ("10.0.2.2", "2001:db8:0:2::2")
        with connected(alice, bob, family=socket.AF_INET6, address="2001:db8:0:2::2") as (client, conn):
            client.sendall(b"six")
            assert conn.recv(9) == b"six"
        packets = net.packets
        assert [p["IPv6"]["Hop Limit"] for p in packets if p.payload == b"six"] == [64, 63]
        assert not packets.where(lambda p: "IPv6 Hop-by-Hop Options" in p)        # no reports of groups
    with Network() as net:
        alice = net.host("alice")
        with alice.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock, pytest.raises(OSError):
            sock.connect(("2001:db8:0:2::2", 9))


def test_a_smaller_mtu_makes_fragments_of_datagrams_and_smaller_segments(net):
    alice, bob = net.host("alice"), net.host("bob")
    net.cable(alice, bob, mtu=576)
    with udp(alice) as sender, udp(bob, 9) as receiver:
        sender.sendto(bytes(1000), (bob.address, 9))
        assert len(receiver.recv(2000)) == 1000
    fragments = [p["IPv4"] for p in net.packets if "IPv4" in p]
    assert [(ip["Fragment Offset"], ip["Total Length"]) for ip in fragments] == [(0, 572), (69, 476)]
    net.clear()
    with connected(alice, bob) as (client, conn):
        client.sendall(bytes(1000))
        with conn.makefile("rb") as stream:
            assert len(stream.read(1000)) == 1000
        assert [len(p.payload) for p in net.packets if p.payload] == [524, 476]       # 576 - 20 - 20 - 12 of timestamps


def test_every_tcp_socket_of_a_host_is_listed_also_in_time_wait(pair):
    alice, bob, _ = pair
    with connected(alice, bob) as (client, conn):
        assert bob.connections[0] == (("10.0.1.2", 80), ("0.0.0.0", 0), "LISTEN")
        port = client.getsockname()[1]
        client.close()
        assert conn.recv(1) == b""
    assert wait_until(lambda: alice.connections == [(("10.0.1.1", port), ("10.0.1.2", 80), "TIME_WAIT")], 3)


# cables

def test_the_same_seed_gives_the_same_fates(no_leaks):
    def run(seed):
        with Network() as net:
            alice, bob = net.host("alice"), net.host("bob")
            cable = net.cable(alice, bob, seed=seed)
            with udp(alice) as sender, udp(bob, 9, .3) as receiver:
                sender.sendto(b"0", (bob.address, 9))
                assert receiver.recv(9) == b"0"             # ARP is over
                cable.loss, cable.duplicate, cable.reorder = .2, .2, .2
                for n in range(1, 60):
                    sender.sendto(b"%d" % n, (bob.address, 9))
                    net.packets_now()                       # one after the other has entered the cable
                came = numbers(receiver)
                fates = [p.fate for p in net.packets.of("UDP")]
            copies = [{"lost": 0, "arrived twice": 2}.get(fate, 1) for fate in fates]
            assert [came.count(n) for n in range(1, 60)] == copies[1:]
            return came, fates

    came, fates = run(3)
    assert came != sorted(came) and {"lost", "arrived", "arrived twice"} <= set(fates)
    assert run(3) == (came, fates) and run(4)[1] != fates


def test_a_delay_is_kept_and_can_be_changed(pair, net):
    alice, bob, cable = pair
    with udp(alice) as sender, udp(bob, 9) as receiver:
        cable.delay = .05
        assert cable.delay == .05
        sender.sendto(b"1", (bob.address, 9))
        assert receiver.recv(9) == b"1"
        cable.delay = 0
        sender.sendto(b"2", (bob.address, 9))
        assert receiver.recv(9) == b"2"
        first, second = (p.arrivals[0] - p.time for p in net.packets.of("UDP"))
    assert .05 <= first < .5 and second < .05


def test_what_is_on_its_way_is_told_and_a_cut_cable_loses_it(pair, net):
    alice, bob, cable = pair
    with udp(alice) as sender, udp(bob, 9) as receiver:
        sender.sendto(b"0", (bob.address, 9))
        receiver.recv(9)
        cable.delay = 60
        sender.sendto(b"1", (bob.address, 9))
        assert wait_until(lambda: [p.fate for p in net.packets_now().of("UDP")] == ["arrived", "on its way"], 3)
        assert not net.still(.01)
        cable.cut()
        sender.sendto(b"2", (bob.address, 9))
        assert wait_until(lambda: net.packets_now()[-1].fate == "cut", 3) and cable.is_cut and "cut" in repr(cable)
        cable.delay = 0
        cable.mend()
        assert not cable.is_cut and alice.routes == [("10.0.1.0/24", None, "eth0")]


def test_two_ways_and_one_is_cut(net):
    alice, bob = net.host("alice"), net.host("bob")
    north, east, south = map(net.router, ("north", "east", "south"))
    for one, other in ((alice, north), (north, east), (east, bob), (alice, south)):
        net.cable(one, other)
    short = net.cable(south, bob)

    def way(data):
        client.sendall(data)
        assert conn.recv(9) == data
        return [p.sender for p in net.packets if p.payload == data and p.fate == "arrived"]

    with connected(alice, bob) as (client, conn):
        assert way(b"one") == ["alice", "south"]
        short.cut()
        assert way(b"two") == ["alice", "north", "east"]
        short.mend()
        assert way(b"three") == ["alice", "south"]


def test_a_cut_is_seen_whoever_settles_the_routes_meanwhile(net, monkeypatch):
    alice, bob = net.host("alice"), net.host("bob")
    north, east, south = map(net.router, ("north", "east", "south"))
    for one, other in ((alice, north), (north, east), (east, bob), (alice, south)):
        net.cable(one, other)
    last = net.cable(south, bob)
    real, asked = net._process.ask, threading.Event()

    def slow(what, *args):
        if what == "ready" and threading.current_thread() is other:
            asked.set()                     # the tables are worked out already
            time.sleep(.05)                 # the cut comes now, and has to wait
        return real(what, *args)

    monkeypatch.setattr(net._process, "ask", slow)
    other = threading.Thread(target=lambda: alice.socket().close())
    other.start()
    asked.wait()
    last.cut()
    other.join()
    assert ("10.0.5.2/32", "10.0.1.1", "eth0") in alice.routes


def test_the_first_frame_with_two_is_lost_and_tcp_sends_it_again(no_leaks):
    lost = []

    def lose_two(frame):
        if frame.endswith(b"two") and not lost:
            lost.append(frame)
            return None
        return frame

    with Network() as net:
        alice, bob = net.host("alice"), net.host("bob")
        net.cable(alice, bob, through=lose_two)
        with connected(alice, bob) as (client, conn):
            for word in (b"one", b"two", b"three"):
                client.sendall(word)
                assert conn.recv(9) == word
            fates = [(p.payload, p.fate) for p in net.packets if p.payload]
        assert fates == [(b"one", "arrived"), (b"two", "stopped"), (b"two", "arrived"), (b"three", "arrived")]
        assert isinstance(lost[0], Frame) and (lost[0].sender, lost[0].receiver) == ("alice", "bob")


def test_a_function_changes_doubles_and_lets_be(pair, net):
    alice, bob, cable = pair

    def meddle(frame):
        if frame.endswith(b"twice"):
            return [frame, frame]
        return frame.replace(b"yes", b"no!") if frame.endswith(b"yes") else frame

    with udp(alice) as sender, udp(bob, 9) as receiver:
        sender.setsockopt(socket.SOL_SOCKET, 11, 1)         # SO_NO_CHECK: else bob's kernel throws the changed one away
        cable.through = meddle
        came = []
        for data in (b"twice", b"yes", b"as it is"):
            sender.sendto(data, (bob.address, 9))
            came += [receiver.recv(9) for _ in range(1 + (data == b"twice"))]
        assert came == [b"twice", b"twice", b"no!", b"as it is"]
        packets = net.packets.of("UDP")
        assert [p.fate for p in packets] == ["changed", "changed", "arrived"]
        assert packets[1].payload == b"yes" and packets[1].became[0].endswith(b"no!")
        cable.through = None
        sender.sendto(b"yes", (bob.address, 9))
        assert receiver.recv(9) == b"yes"


def test_address_translation_is_ten_lines(routed, net):
    from scapy.layers.inet import Ether

    alice, bob, _ = routed

    def translate(frame):               # on the cable between the router and bob
        packet = Ether(frame)
        if "TCP" in packet:
            if frame.sender == "router":
                packet["IP"].src = "203.0.113.7"
            else:
                packet["IP"].dst = alice.address
            del packet["IP"].chksum, packet["TCP"].chksum
        return bytes(packet)

    net.cables[1].through = translate
    with connected(alice, bob) as (client, conn):
        client.sendall(b"who am I?")
        assert conn.recv(9) == b"who am I?" and conn.getpeername()[0] == "203.0.113.7"
        conn.sendall(b"a house")
        assert client.recv(9) == b"a house" and client.getsockname()[0] == alice.address


def test_what_is_on_its_way_when_a_cable_is_cut_is_lost_also_if_it_is_mended(pair, net):
    alice, bob, cable = pair
    with udp(alice) as sender, udp(bob, 9, .3) as receiver:
        sender.sendto(b"0", (bob.address, 9))
        receiver.recv(9)
        cable.delay = .2
        sender.sendto(b"1", (bob.address, 9))
        assert wait_until(lambda: net.packets_now()[-1].fate == "on its way", 3)
        cable.cut()
        cable.mend()
        assert numbers(receiver) == [] and net.packets.of("UDP")[-1].fate == "cut"


def test_others_have_their_turn_while_one_waits_for_stillness(pair, net):
    alice, _, cable = pair
    cable.delay = 30
    with udp(alice) as sender:
        sender.sendto(b"x", ("10.0.1.2", 9))
        waiting = threading.Thread(target=net.still, args=(1.2,))
        waiting.start()
        began = time.monotonic()
        alice.socket().close()
        assert time.monotonic() - began < .8
        waiting.join()


@pytest.mark.parametrize("wrong, error", [(lambda frame: 1 / 0, ZeroDivisionError), (lambda frame: "text", TypeError),
                                          (lambda frame: [frame] * 3000, ValueError), (lambda frame: 5, TypeError),
                                          (lambda frame: [frame, 7], TypeError), (lambda: None, TypeError)])
def test_what_a_function_raises_is_told_in_the_cell(wrong, error, no_leaks):
    def cell(ask):
        with Network() as net:
            alice, bob = net.host("alice"), net.host("bob")
            net.cable(alice, bob, through=wrong)
            with udp(alice) as sock:
                sock.sendto(b"x", (bob.address, 9))
                assert wait_until(lambda: net._error, 3)
                if ask:
                    net.packets

    for ask in (True, False):           # by who asks for the packets, else at the end
        with pytest.raises(error):
            cell(ask)
    with pytest.raises(KeyError):       # but what the cell itself raised comes first
        with Network() as net:
            alice, bob = net.host("alice"), net.host("bob")
            net.cable(alice, bob, through=wrong)
            with udp(alice) as sock:
                sock.sendto(b"x", (bob.address, 9))
                assert wait_until(lambda: net._error, 3)
            raise KeyError


def test_a_function_may_cut_the_cable_that_it_is_on(pair, net):
    alice, bob, cable = pair

    def cut(frame):
        cable.cut()
        return frame

    with udp(alice) as sender:
        cable.through = cut
        sender.sendto(b"x", (bob.address, 9))
        assert wait_until(lambda: cable.is_cut, 3)
        assert net.packets[-1].fate == "cut"


# with host:

def test_code_that_one_did_not_write_runs_on_a_host(pair):
    alice, bob, _ = pair
    with bob:
        server = http.server.HTTPServer(("", 80), Page)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": .01})
    thread.start()
    try:
        with alice:
            assert urllib.request.urlopen("http://bob/", timeout=5).read() == b"I see 10.0.1.1"
            web = http.client.HTTPConnection(bob.address, timeout=5)
            web.request("GET", "/")
            assert web.getresponse().read() == b"I see 10.0.1.1"
            web.close()
            with netlab.watch() as timeline:
                with socket.create_connection(("bob", 80), timeout=5) as sock:
                    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    while sock.recv(999):
                        pass
            with bob, socket.socket() as inner:             # the innermost counts
                inner.bind(("10.0.1.2", 0))
        assert [e.method for e in timeline.events][:2] == ["settimeout", "connect"]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"I see " + self.client_address[0].encode())

    def log_message(self, *about):
        pass


def test_with_host_is_for_one_thread_and_puts_all_back(pair, monkeypatch):
    alice, *_ = pair
    monkeypatch.setenv("no_proxy", "example")
    init, lookup, said = socket.socket.__init__, socket.getaddrinfo, []

    def whose():
        with socket.socket() as sock:
            said.append(sock.getsockopt(socket.SOL_SOCKET, 71, 8))      # SO_NETNS_COOKIE: a number for each namespace

    inner = threading.Event()

    def stay():
        with alice:
            inner.wait()

    late = threading.Thread(target=stay)
    with alice:
        late.start()                    # it leaves after us
        thread = threading.Thread(target=whose)
        thread.start()
        thread.join()
        whose()
        with pytest.raises(urllib.error.URLError, match="Name or service not known"):
            urllib.request.urlopen("http://example.com/")
        a, b = socket.socketpair()
        a.close(), b.close()
        with socket.socket(socket.AF_UNIX), pytest.raises(OSError) as caught, socket.socket() as sock:
            sock.bind(("10.0.1.2", 0))          # that is bob's
        assert caught.value.errno == errno.EADDRNOTAVAIL
    whose()
    inner.set()
    late.join()
    assert said[0] == said[2] != said[1]
    assert (socket.socket.__init__, socket.getaddrinfo) == (init, lookup) and os.environ["no_proxy"] == "example"


def test_sockets_are_recorded_where_a_timeline_is_given(pair):
    alice, bob, _ = pair
    timeline = netlab.Timeline()
    with bob.socket(timeline=timeline, name="bob") as listener, alice.socket(timeline=timeline, name="alice") as client:
        listener.bind((bob.address, 80))
        listener.listen()
        client.connect((bob.address, 80))
        listener.accept()[0].close()
    assert {row.who for row in timeline.rows()} == {"alice", "bob", "connection"}
    assert isinstance(client, socket.socket)


def test_watch_records_the_sockets_of_a_host_and_nothing_of_the_network(no_leaks):
    with netlab.watch() as timeline, Network() as net:
        alice, bob = net.host("alice"), net.host("bob")
        net.cable(alice, bob, through=lambda frame: frame)
        with alice, socket.socket(type=socket.SOCK_DGRAM) as sock:
            sock.sendto(b"x", (bob.address, 9))
        assert net.packets.of("UDP")
    assert [event.method for event in timeline.events] == ["sendto", "close"]


def test_serve_runs_on_a_host(pair):
    alice, bob, _ = pair
    with bob:
        server = netlab.serve(netlab.upper, host=bob.address, port=7)
    with server, alice.socket() as client:
        client.connect((bob.address, 7))
        client.sendall(b"hi")
        assert client.recv(9) == b"HI"


# three answers

def test_a_port_where_nobody_listens_a_host_that_is_not_there_a_route_that_is_missing(routed):
    alice, bob, router = routed
    router.sysctl("net.ipv4.neigh.eth1.retrans_time_ms", 50)
    answers = {bob.address: errno.ECONNREFUSED, "10.0.2.77": errno.EHOSTUNREACH, "10.9.9.9": errno.ENETUNREACH}
    for address, error in answers.items():
        with alice.socket() as sock:
            sock.settimeout(5)
            with pytest.raises(OSError) as caught:
                sock.connect((address, 80))
        assert caught.value.errno == error, address


def test_routes_are_removed_and_added(routed):
    alice, bob, _ = routed
    with connected(alice, bob):
        pass
    bob.remove_route("default")
    with alice.socket() as client, bob.socket() as listener:
        listener.bind(("", 81))
        listener.listen()
        client.settimeout(.3)
        with pytest.raises(TimeoutError):
            client.connect((bob.address, 81))       # bob has no way to answer
    bob.add_route("10.0.1.0/24", "10.0.2.1")
    with connected(alice, bob, 82):
        pass
    assert ("10.0.1.0/24", "10.0.2.1", "eth0") in bob.routes


# its borders

def on_this_machine(*processes):
    """The addresses at which sockets of these processes are to be found in the machine's own tables."""
    return {connection.laddr for pid in processes for connection in psutil.Process(pid).net_connections("inet")}


def test_nothing_listens_on_the_machine_and_nothing_gets_in_or_out(pair, net):
    alice, bob, _ = pair
    processes = os.getpid(), net._process.child.pid
    before = on_this_machine(*processes)
    with bob.socket() as listener, udp(bob, 9, .05) as datagrams, socket.create_server(("127.0.0.1", 0)) as outside:
        listener.bind(("", 8080))
        listener.listen()
        listener.settimeout(.05)
        assert on_this_machine(*processes) - before == {outside.getsockname()}      # of this test
        for address in (bob.address, "127.0.0.1"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):
                sock.sendto(b"let me in", (address, 9))
            with socket.socket() as sock, contextlib.suppress(OSError):
                sock.setblocking(False)
                sock.connect((address, 8080))
        with pytest.raises(TimeoutError):
            listener.accept()
        with pytest.raises(TimeoutError):
            datagrams.recv(9)
        machine = {a[4][0] for a in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
        for address in ("127.0.0.1", "1.1.1.1", *machine):
            with alice.socket() as sock:
                sock.settimeout(2)
                with pytest.raises(OSError) as caught:
                    sock.connect((address, outside.getsockname()[1]))
                assert caught.value.errno in (errno.ECONNREFUSED, errno.ENETUNREACH), address
        outside.settimeout(.05)
        with pytest.raises(TimeoutError):
            outside.accept()


def test_the_helper_is_nobody_outside(pair, net):
    status = open(f"/proc/{net._process.child.pid}/status").read()
    assert f"Uid:\t{os.getuid()}\t" in status
    assert os.stat(f"/proc/{net._process.child.pid}/ns/user").st_ino != os.stat("/proc/self/ns/user").st_ino


# its end

def test_after_the_end_everything_says_that_it_is_closed(no_leaks):
    with Network() as net:
        alice, bob = net.host("alice"), net.host("bob")
        cable, sock = net.cable(alice, bob), alice.socket()
    net.close()
    sock.close()
    for call in (alice.socket, lambda: net.packets, cable.cut, lambda: net.host("c"), lambda: alice.routes):
        with pytest.raises(HelperEnded, match=r"This network is closed\."):
            call()


def test_a_helper_that_was_killed_is_told_and_so_is_what_it_said(no_leaks):
    with Network() as net:
        net._process.child.kill()
        with pytest.raises(HelperEnded, match=r"The network's helper process has ended by itself\."):
            net.host("alice")
    with Network() as net:
        net._process._requests.sendall(b"no message of ours")
        with pytest.raises(HelperEnded, match="has ended: .*(Error|marshal)"):
            net.host("alice")


def test_who_lets_go_of_a_network_ends_it(no_leaks):
    net = Network()
    alice, bob = net.host("alice"), net.host("bob")
    cable, gone = net.cable(alice, bob, through=lambda frame: frame), weakref.ref(net._process)
    gc.disable()
    try:
        del net, alice, bob, cable
        assert gone() is None, "it is in a circle of references: it would live on in a notebook"
    finally:
        gc.enable()
