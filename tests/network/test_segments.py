"""netlab.network.segments: numbers from each connection's first SYN, whatever they were and wherever they wrap."""
import pytest
from frames import ALICE, BOB, all_kinds, tcp
from hypothesis import example, given, strategies as st

from netlab.network.packets import Packet
from netlab.network.segments import follow


def packets(*frames, cable="a-b"):
    return [Packet(n, float(n), cable, "a", "b", frame) for n, frame in enumerate(frames, 1)]


def conversation(mine, yours, port=40000):
    """Connect, five bytes, their ACK, FIN: alice's numbers begin at `mine`, bob's at `yours`."""
    a, b = mine % 2**32, yours % 2**32
    return [tcp(source=port, flags="S", seq=a), tcp(source=port, back=True, flags="SA", seq=b, ack=(a + 1) % 2**32),
            tcp(source=port, flags="A", seq=(a + 1) % 2**32, ack=(b + 1) % 2**32),
            tcp(b"hello", source=port, flags="PA", seq=(a + 1) % 2**32, ack=(b + 1) % 2**32),
            tcp(source=port, back=True, flags="A", seq=(b + 1) % 2**32, ack=(a + 6) % 2**32),
            tcp(source=port, flags="FA", seq=(a + 6) % 2**32, ack=(b + 1) % 2**32)]


NUMBERS = [(0, None, 0, 1), (0, 1, 0, 1), (1, 1, 0, 1), (1, 1, 5, 6), (1, 6, 0, 1), (6, 1, 0, 7)]


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@example(2**32 - 1, 2**32 - 1)
@example(2**32 - 4, 0)
def test_numbers_count_from_the_syn(mine, yours):
    found = follow(packets(*conversation(mine, yours)))
    assert [(each.seq, each.ack, each.length, each.end) for each in found] == NUMBERS
    assert [each.forward for each in found] == [True, False, True, True, False, True]
    assert {each.connection for each in found} == {1}


def test_what_a_segment_says():
    syn, answer, *_, data, _, _ = follow(packets(*conversation(5, 9)))
    assert (syn.source, syn.destination) == ((ALICE, 40000), (BOB, 80)) == (answer.destination, answer.source)
    assert syn.flags == ("SYN",) and answer.flags == ("SYN", "ACK") and syn.packet.number == 1 and syn.window == 8192
    assert syn.text == "SYN, seq 0, 0 bytes" and data.text == "PSH ACK, seq 1, ack 1, 5 bytes"


def test_a_new_syn_with_the_same_ports_is_a_new_connection():
    found = follow(packets(*conversation(5, 9), *conversation(777, 888)))
    assert [each.connection for each in found] == [1] * 6 + [2] * 6
    assert [(each.seq, each.ack, each.length, each.end) for each in found] == 2 * NUMBERS


def test_a_syn_sent_again_is_the_same_connection():
    frames = conversation(5, 9)
    assert {each.connection for each in follow(packets(frames[0], *frames, frames[1]))} == {1}


def test_connections_at_the_same_time_do_not_mix():
    one, two = conversation(5, 9), conversation(1000, 2000, port=50000)
    found = follow(packets(*(frame for pair in zip(one, two) for frame in pair)))
    assert [each.connection for each in found] == [1, 2] * 6
    assert [(each.seq, each.ack) for each in found[1::2]] == [numbers[:2] for numbers in NUMBERS]


def test_on_each_cable_of_a_way_it_is_the_same_connection():
    frames, again = conversation(5, 9), conversation(777, 888)
    near, far = packets(*frames, *again), packets(*frames, *again, cable="b-c")
    late = [*near[:8], *far[:6], *near[8:], *far[6:]]          # the new SYN on the near cable before the old FIN on the far one
    found = {id(each.packet): each for each in follow(late)}
    for way in (near, far):
        assert [found[id(each)].connection for each in way] == [1] * 6 + [2] * 6
        assert [found[id(each)].seq for each in way] == 2 * [numbers[0] for numbers in NUMBERS]


def test_nobody_listens():
    syn, reset = follow(packets(tcp(flags="S", seq=70), tcp(back=True, flags="RA", seq=0, ack=71)))
    assert (syn.seq, reset.seq, reset.ack, reset.forward) == (0, 0, 1, False)


@pytest.mark.parametrize("first", [3, 2**32 - 2])
def test_without_a_syn_the_first_byte_is_1(first):
    data, ack, more = follow(packets(tcp(b"one", flags="PA", seq=first, ack=50),
                                     tcp(back=True, flags="A", seq=50, ack=(first + 3) % 2**32),
                                     tcp(b"two", flags="PA", seq=(first + 3) % 2**32, ack=50)))
    assert (data.seq, data.ack, ack.seq, ack.ack, more.seq) == (1, 1, 1, 4, 4)
    assert data.forward and not ack.forward         # the port that a kernel chose is the client's


def test_a_syn_answer_that_comes_first_tells_the_client():
    answer, = follow(packets(tcp(back=True, flags="SA", seq=9, ack=6)))
    assert not answer.forward and (answer.seq, answer.ack) == (0, 1)


def test_only_tcp_and_not_what_icmp_quotes():
    kinds = all_kinds()
    assert follow(packets(kinds["udp"], kinds["time exceeded, tcp"], kinds["who has"], kinds["last fragment"])) == []
    assert follow(packets(kinds["tcp6"]))[0].source[0] == "2001:db8:1::2"
