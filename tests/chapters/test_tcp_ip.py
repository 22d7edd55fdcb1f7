"""Chapter 01: the networks that its parts begin with, and its questions."""
import pytest
from conftest import need

from netlab import Network
from netlab.chapters.tcp_ip import predict
from netlab.chapters.tcp_ip.tools import bad_cable, connected, two_hosts
from netlab.teach.questions import Question


@pytest.fixture
def hosts():
    need(not Network.why(), Network.why())
    net, *rest = two_hosts()
    with net:
        yield net, *rest


@pytest.mark.parametrize("times", [1, 3])
def test_the_client_closes_first_so_that_the_port_is_free_again(hosts, times):
    net, alice, bob, _ = hosts
    for _ in range(times):
        with connected(alice, bob) as (client, conn):
            client.sendall(b"one")
            assert conn.recv(9) == b"one"
    net.still()
    assert [state for *_, state in alice.connections] == ["TIME_WAIT"] * times and bob.connections == []


def test_either_end_may_be_closed_before(hosts):
    _, alice, bob, _ = hosts
    with connected(alice, bob) as (client, conn):
        client.close()
        assert conn.recv(9) == b""
        conn.close()
    with connected(alice, bob) as (client, _):
        with pytest.raises(ZeroDivisionError):
            client.sendall(b"%d" % (1 / 0))


def test_a_bad_cable_is_good_until_both_know_each_other():
    need(not Network.why(), Network.why())
    came = []
    with bad_cable(came.append, loss=1) as sock:
        sock.send(b"lost")
        with pytest.raises(TimeoutError):
            sock.recv(1)
    assert came == []


def test_each_wrong_answer_is_explained():
    questions = [each for each in vars(predict).values() if isinstance(each, Question)]
    assert len(questions) == 12
    for question in questions:
        for choice in question.choices or range(12):
            assert question.judge([choice] if question.kind == "multiple" else choice).why
