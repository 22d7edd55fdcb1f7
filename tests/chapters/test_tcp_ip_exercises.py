"""The bad link of chapter 1's last exercise, and the frames of its firewall."""
import threading
import time

import pytest

from netlab.chapters.tcp_ip import check
from netlab.chapters.tcp_ip.bad_link import BadLink
from netlab.chapters.tcp_ip.captured import FRAMES
from netlab.teach.check import TooLong


def send_all(sock, chunks):
    """Stop and wait, without an end where nobody answers."""
    sock.settimeout(0.3)
    for number, chunk in enumerate(chunks):
        answer = 0
        while answer <= number:
            sock.send(bytes([number]) + chunk)
            try:
                while (answer := sock.recv(1)[0]) <= number:
                    pass
            except TimeoutError:
                pass


def story(seed):
    link = BadLink(seed=seed)
    send_all(link, check.WORDS)
    assert link.received == check.WORDS
    return repr(link)


def test_a_seed_always_tells_the_same_story_and_another_seed_another_one():
    stories = [story(seed) for seed in range(20)]
    assert stories == [story(seed) for seed in range(20)] and len(set(stories)) == 20


def test_the_link_loses_and_doubles_as_much_as_it_says():
    events = [event for seed in range(200) for event in story(seed).splitlines() if event.startswith("packet")]
    lost, doubled = (sum(word in event for event in events) / len(events) for word in ("lost", "doubled"))
    assert 0.17 < lost < 0.23 and 0.06 < doubled < 0.10      # a tenth of those that are not lost


def test_an_answer_takes_a_tenth_of_a_second_and_a_time_limit_as_long_as_it_says():
    link = BadLink(loss=0.0, duplicate=0.0)
    link.settimeout(5)
    link.send(b"\0hello")
    assert link.recv(1) == b"\x01" and link.now == pytest.approx(0.1, abs=0.01) and link.received == [b"hello"]
    with pytest.raises(TimeoutError):
        link.recv(1)
    assert link.now == pytest.approx(5.1, abs=0.01)
    link.settimeout(None)
    with pytest.raises(TooLong, match="nothing is on its way"):
        link.recv(1)


def test_its_clock_is_seen_by_the_thread_that_asks_for_it_and_taken_away_again():
    before, seen = (time.time, time.monotonic, time.perf_counter, time.sleep), []
    link = BadLink()
    began = time.monotonic()
    with link.clock():
        other = threading.Thread(target=lambda: seen.append(time.monotonic()))
        other.start()
        other.join()
        time.sleep(1000)
        assert time.monotonic() == link.now >= 1000
    assert (time.time, time.monotonic, time.perf_counter, time.sleep) == before
    assert began <= seen[0] <= time.monotonic() < began + 100


@pytest.mark.parametrize("wanted", [
    lambda answer: answer[0] == 0, lambda answer: answer[0] > 200, lambda answer: answer == b"\x07"])
def test_a_sender_that_swallows_everything_comes_to_its_end(wanted):
    def endless(sock, chunks):
        while True:
            try:
                sock.send(b"\0" + chunks[0])
                if wanted(sock.recv(1)):
                    return
            except:     # noqa: E722
                pass

    result = check.send_all(endless)
    assert not result.ok and "no end" in result.came


def test_the_frames_are_whole():
    for name, frame in FRAMES.items():
        kind = frame[12:14]
        assert kind in (b"\x08\x00", b"\x08\x06", b"\x86\xdd"), name
        if kind == b"\x08\x00":
            end = 14 + (frame[14] & 15) * 4
            assert int.from_bytes(frame[16:18]) == len(frame) - 14, name
            assert sum(int.from_bytes(frame[n:n + 2]) for n in range(14, end, 2)) % 0xFFFF == 0, name
