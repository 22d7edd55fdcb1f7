"""The picture of a question: neither its words nor its arrows tell the answer, whatever came."""
import re
from dataclasses import replace
from html import unescape

import pytest
from recordings import choices, handshake, lost, refused, served

from netlab.teach import blanks
from netlab.teach.pictured import pictured

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.mark.parametrize("run, blank, telling", [
    (served, blanks.result_of("connect"), "handshake|from 2"),
    (refused, blanks.result_of("connect"), "✗|efused"),
    (served, blanks.result_of("accept"), "connection|a client came"),
    (lambda: served(b""), blanks.result_of("recv"), r'b""|the peer closed|\?.*from'),
    (lambda: served(b""), blanks.size_of("recv"), r'b""|the peer closed|\?.*from|0 bytes'),
    (served, blanks.argument_of("sendall"), "tea|3 bytes|not received"),
    (lost, blanks.taker_of("sendto", 1, by_name=True), r" from |not received|recv\(1024\) →"),
    (handshake, blanks.packet(4), "1-3"),
], ids=["connects", "is refused", "accepts", "the end", "no bytes", "sends", "lost", "a segment"])
def test_neither_words_nor_arrows_tell_what_came(run, blank, telling):
    plain = replace(blank, draw=blank.asked, truth=lambda recorded: "x")
    question = pictured(choices("x", "y"), run, plain)
    shown = question.picture()
    assert "?" in shown.text
    for words in (shown.text, *(re.sub("<style>.*?</style>", "", svg, flags=re.DOTALL) for svg in (shown.svg, shown.narrow))):
        assert not re.search(telling, unescape(words))


def test_a_choice_for_what_was_lost_does_not_tell_that_it_was():
    question = pictured(choices("none of them", "server"), lost, blanks.taker_of("sendto", 1, by_name=True))
    assert question.beside(lost()).as_asked and "not received" in repr(question.beside(lost()))
    for svg in (question.picture("server").svg, question.picture("server").narrow):
        assert "not received" not in svg and "✗" not in svg


def test_a_look_takes_nothing_so_it_is_no_taker():
    question = pictured(choices("recv 1", "recv 2"), lambda: served(peek=True), blanks.taker_of("sendall"))
    assert question.beside(question.run()).came == "recv 1" and "recv 2" not in question.picture().text
