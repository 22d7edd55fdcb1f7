"""Chapter 01: the networks that its parts begin with, and its questions."""
import re
import socket

import nbformat
import pytest
from conftest import ROOT, need

from netlab import Network
from netlab.chapters.tcp_ip import pictures, predict
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


def stored(cell):
    """What a cell of the chapter shows as text."""
    book = nbformat.read(ROOT / "notebooks" / "01_tcp_ip.ipynb", as_version=4)
    return "".join(output.data.get("text/plain", "") for output in next(each for each in book.cells if each.id == cell).outputs
                   if "data" in output)


def test_the_ladder_of_the_question_is_that_of_the_cell():
    def rows(text):
        return re.findall(r"^ *\d+  .*", text, re.MULTILINE)

    assert len(rows(stored("ack"))) == 10 and rows(pictures.order().text()) == rows(stored("ack"))
    asked = pictures.BACK.asked(pictures.order(), "?").text
    assert rows(asked) == rows(stored("ack"))[:9] and "ACK 22" not in asked


def test_nothing_comes_back_where_the_ladder_has_nothing():
    made = pictures.order()
    made.rows = made.rows[:-1]
    assert pictures.BACK.truth(made) == pictures.NOTHING and pictures.BACK.truth(pictures.order()) == "ACK 22"
    made.rows = []
    assert pictures.BACK.truth(made) == pictures.NOTHING


def test_the_map_of_the_question_has_no_mark_and_each_choice_one_a_cable():
    marks = [pictures.WHOM.asked(pictures.chain(), "?").svg.count("ARP"),
             *(pictures.WHOM.chosen(pictures.chain(), "?", choice).svg.count(">ARP<") for choice in predict.whom.choices)]
    assert marks == [0, *({"bob": 3, "east": 2, "north": 1, "nobody": 0}[choice] for choice in predict.whom.choices)]


def test_whom_alice_asks_is_read_from_her_network(hosts):
    net, alice, bob, _ = hosts
    assert pictures.WHOM.truth(net) is None
    with bob.socket(type=socket.SOCK_DGRAM) as inbox, alice.socket(type=socket.SOCK_DGRAM) as outbox:
        inbox.bind((bob.address, 5000))
        inbox.settimeout(5)
        outbox.sendto(b"hello", (bob.address, 5000))
        inbox.recv(9)
    assert pictures.WHOM.truth(net) == "bob"
    assert predict.whom.beside(net).otherwise.startswith("This run gave bob.")
    assert ">ARP<" in pictures.WHOM.draw(net, "?").svg
