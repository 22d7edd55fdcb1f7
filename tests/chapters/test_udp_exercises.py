"""The bench of chapter 5's exercises: its link, its socket, how a function ends on it; its DNS messages against Scapy's."""
import select
import socket
import sys
import threading
import time

import pytest
from conftest import open_files

from netlab import Link, serve_udp
from netlab.chapters.udp import check, dns
from netlab.chapters.udp.hostile import THERE, Bench, arrivals, number, priced, same
from netlab.network.fates import Impairment
from netlab.teach import check as engine
from netlab.teach.quiet import PRINTED, FewLines


def requests(talk, count=12):
    """Send so many, take all that comes without waiting."""
    def function(sock):
        sock.setblocking(False)
        for each in range(count):
            sock.sendto(number(each), talk.address)
            while select.select([sock], [], [], 0)[0]:
                sock.recvfrom(100)
    return function


def story(seed, **link):
    with Bench(same, seed=seed, **{"loss": 0.3, "duplicate": 0.2, "reorder": 0.2, **link}) as talk:
        assert talk.run(requests(talk)).raised is None
        return talk.story


def test_a_seed_always_tells_the_same_story_and_another_seed_another_one():
    stories = [story(seed) for seed in range(20)]
    assert stories == [story(seed) for seed in range(20)] and len(set(map(tuple, stories))) == 20


def test_the_link_loses_and_doubles_as_much_as_it_says():
    events = [event for seed in range(100) for event in story(seed) if event.startswith("request")]
    shares = [sum(word in event for event in events) / len(events) for word in ("lost", "doubled", "held back")]
    assert shares == pytest.approx([0.3, 0.7 * 0.2 * 0.8, 0.7 * 0.2], abs=0.04)


def test_what_the_link_lets_through_is_there_when_sendto_returns():
    with Bench(priced) as talk:
        def function(sock):
            for _ in range(30):
                sock.sendto(b"\0\7tea", talk.address)
                assert select.select([sock], [], [], 0 if sys.platform == "linux" else 1)[0]
                assert sock.recv(100) == b"\0\0073"
        assert talk.run(function).raised is None


def test_datagrams_arrive_as_the_fates_say():
    sent = [number(each) for each in range(20)]
    assert arrivals(sent) == sent
    for seed in range(20):
        fates = [Impairment(loss=0.3, duplicate=0.3, reorder=0.3, seed=seed).fate(each, THERE) for each in range(1, 21)]
        came = arrivals(sent, loss=0.3, duplicate=0.3, reorder=0.3, seed=seed)
        assert [came.count(data) for data in sent] == [fate.copies for fate in fates]


@pytest.mark.parametrize("seed", range(3))
def test_a_link_of_the_learners_with_the_same_seed_has_the_same_fates(seed):
    link_is = {"loss": 0.3, "duplicate": 0.2, "reorder": 0.2, "seed": seed}
    with serve_udp(check.price_server) as server, Link(server, **link_is) as link, \
            socket.socket(type=socket.SOCK_DGRAM) as client, Bench(priced, **link_is) as talk:
        for each in range(20):
            client.sendto(number(each) + b"tea", link.address)
            talk.sock.sendto(number(each) + b"tea", talk.address)
        lost = [passed.data for passed in link.passed if passed.toward == "server" and passed.fate == "lost"]
    assert lost and lost == [number(each) + b"tea" for each in range(20) if f"request {each}: lost" in talk.story]


def into(method):
    def take(sock):
        buffer = bytearray(9)
        size = getattr(sock, method)(buffer)
        return bytes(buffer[:size if method == "recv_into" else size[0]])
    return take


@pytest.mark.parametrize("take", [
    lambda sock: sock.recv(100), lambda sock: sock.recvfrom(100)[0], into("recv_into"), into("recvfrom_into"),
    lambda sock: sock.recvmsg(100)[0]])
@pytest.mark.parametrize("give", [
    lambda sock, data: sock.send(data), lambda sock, data: sock.sendall(data), lambda sock, data: sock.sendmsg([data])])
def test_each_way_to_send_and_to_receive_is_seen(give, take):
    with Bench(same) as talk:
        def function(sock):
            sock.connect(talk.address)
            give(sock, b"hello")
            return take(sock)
        if not hasattr(socket.socket, "recvmsg"):
            pytest.skip("no recvmsg here")
        assert talk.run(function).value == b"hello" and [given.data for given in talk.given] == [b"hello"] and len(talk.sent) == 1


def test_who_waits_for_ever_is_told_at_once():
    began = time.monotonic()
    with Bench(same, loss=1.0) as talk:
        outcome = talk.run(lambda sock: (sock.sendto(b"\0\1", talk.address), sock.recvfrom(100)))
    assert outcome.late and "nothing is on its way" in str(outcome) and time.monotonic() - began < 2


def test_a_function_that_is_stopped_while_an_answer_is_prepared_leaves_nothing(monkeypatch):
    def start(timer):
        raise engine.TooLong("no end")

    with monkeypatch.context() as patch, Bench(same, delay=0.01) as talk:
        patch.setattr(threading.Timer, "start", start)
        assert talk.run(lambda sock: sock.sendto(b"\0\1", talk.address)).late


def test_an_answer_that_takes_its_time_is_waited_for():
    with Bench(same, delay=0.02) as talk:
        outcome = talk.run(lambda sock: (sock.sendto(b"\0\1", talk.address), sock.recvfrom(100)[0])[1])
        assert outcome.value == b"\0\1" and talk.waited()[0] >= 0.02


@pytest.mark.parametrize("exercise", [check.get_price, check.ping], ids=lambda exercise: exercise.name)
@pytest.mark.parametrize("seconds", [None, 0.001])
def test_a_function_that_swallows_everything_comes_to_its_end(exercise, seconds, monkeypatch):
    def function(sock, *given):
        request, address = (number(given[0]) + given[1], given[2]) if exercise is check.get_price else (b"\0\0", given[0])
        sock.settimeout(seconds)
        while True:
            try:
                sock.sendto(request, address)
                if sock.recvfrom(100)[0][:2] == request[:2]:
                    return None
            except:     # noqa: E722
                pass

    monkeypatch.setattr(engine, "LIMIT", 0.3)
    assert not exercise(function).ok


@pytest.mark.parametrize("exercise", [check.get_price, check.ping], ids=lambda exercise: exercise.name)
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, OSError])
def test_no_socket_is_left_whatever_happens(exercise, error):
    def function(sock, *given):
        raise error
    before = open_files()
    assert not exercise(function).ok
    assert open_files() == before


def test_strangers_and_the_server_are_told_apart():
    with Bench(same, before=lambda talk, count: talk.push(b"?", stranger=True)) as talk:
        def function(sock):
            sock.sendto(b"\0\1", talk.address)
            return [sock.recvfrom(10) for _ in range(2)]
        (first, stranger), (second, server) = talk.run(function).value
    assert (first, second) == (b"?", b"\0\1") and server == talk.address != stranger
    assert [given.server for given in talk.given] == [False, True]


def test_what_happened_begins_where_it_matters():
    with Bench(same, before=lambda talk, count: [talk.push(b"?") for _ in range(3)]) as talk:
        assert talk.run(requests(talk, 4)).raised is None
        events = ["recvfrom gives b'?'"] * 3 + ["recvfrom gives b'\\x00\\x01'"]
        assert talk.tells(talk.places[1]) == talk.tells(talk.places[1] + 2) == " → ".join(
            ["…", "request 1", *events, "request 2", *events[:3], "…"])
        assert talk.tells(talk.places[3]) == talk.tells()     # never less than there is room for
        assert talk.tells().startswith("… → ") and talk.tells(0).startswith("request 0 → ")


@pytest.mark.parametrize("exercise", check.EXERCISES, ids=lambda exercise: exercise.name)
def test_a_print_in_the_function_does_not_bury_the_result(exercise, capsys):
    def function(*given):
        print("first", len(given))
        print("second")
        return [] if exercise is check.in_order else b""

    assert not exercise(function).ok
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [f"first {len(lines) and lines[0][-1]}", "second"] and len(lines) <= PRINTED + 1
    print("here again")
    assert capsys.readouterr().out == "here again\n"


def test_all_lines_are_shown_where_they_are_few(capsys):
    check.in_order(lambda datagrams: print("where am I?\n", end="") or (_ for _ in ()).throw(SystemExit))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["where am I?"] * len(lines) and 0 < len(lines) < PRINTED


def test_that_more_was_printed_is_said_only_where_it_was(capsys):
    few = FewLines()
    for count in range(PRINTED):
        print(count, file=few)
    assert capsys.readouterr().out.splitlines() == [str(count) for count in range(PRINTED)]
    print("one more", "and another", sep="\n", file=few)
    print("and more", file=few)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("…")


def test_the_name_of_the_case_stands_before_the_message_which_can_be_copied():
    for trial in check.dns_addresses.trials:
        miss = trial(lambda message: 7)
        title, message = miss.call.removeprefix("(message): ").split(". message = ")
        assert 5 < len(title) < 60 and isinstance(eval(message), bytes)


# DNS, by somebody else

def scapys(data):
    from scapy.layers.dns import DNS
    return DNS(data)


@pytest.mark.parametrize("name", [
    "example.org", "www.example.org", "localhost", "x" * 63 + ".example", dns.LONGEST, "_dns.Example"])
def test_a_question_is_what_scapy_makes(name):
    from scapy.layers.dns import DNS, DNSQR
    made = DNS(id=7, rd=1, qd=DNSQR(qname=name, qtype="A", qclass="IN"))
    assert dns.asked(name) == bytes(made)
    assert scapys(dns.asked(name)).qd[0].qname.decode() == name + "."


def cases():
    """(message, the addresses that are due) of each trial that is one message with an answer."""
    seen = []

    def addresses(message):
        seen.append(message)
        raise ValueError

    for trial in check.dns_addresses.trials:
        before = len(seen)
        miss = trial(addresses)
        if miss and len(seen) == before + 1 and miss.expected.startswith("[("):
            due = eval(miss.expected) if "…" not in miss.expected else None
            yield pytest.param(seen[-1], due, id=miss.call.split(": ")[1].split(". message")[0])


@pytest.mark.parametrize("message, expected", list(cases()))
def test_an_answer_is_what_scapy_reads(message, expected):
    reply = scapys(message)
    records = [(each.rrname.decode().removesuffix("."), each.rdata) for each in reply.an if each.type == 1 and each.rclass == 1]
    assert expected in (None, records) and (expected is None) == (len(records[0][0]) > 200)


def test_a_message_of_scapys_is_read_by_the_worked_way():
    from scapy.layers.dns import DNS, DNSQR, DNSRR, dns_compress
    message = bytes(dns_compress(DNS(id=7, qr=1, qd=DNSQR(qname="www.example.org"), an=[
        DNSRR(rrname="www.example.org", type="CNAME", rdata="web.example.org"),
        *(DNSRR(rrname="web.example.org", type="A", rdata=f"192.0.2.{last}") for last in (1, 2))])))
    assert b"\xc0" in message
    import wrong_udp
    for read in (wrong_udp.parser(), wrong_udp.parser_with_a_reader):
        assert read(message) == [("web.example.org", "192.0.2.1"), ("web.example.org", "192.0.2.2")]
