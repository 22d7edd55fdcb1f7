"""Networks that are opened often, interrupted, forgotten, and whose kernel is killed leave nothing; they are fast enough."""
import os
import signal
import socket
import subprocess

import pytest
import stress_network
from conftest import need

from netlab.network import Network


@pytest.fixture(autouse=True)
def _to_be_had():
    need(not Network.why(), Network.why())


def test_opened_and_closed():
    assert stress_network.opened(10) == ""


@pytest.fixture
def alarm():
    """SIGALRM is an interrupt here, and no matter for pytest."""
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield signal.SIGALRM
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_interrupted_at_any_time(alarm):
    assert stress_network.interrupted(12) == [""] * 12


def test_an_interrupt_between_the_fork_and_the_note_of_its_number(alarm, monkeypatch):
    def fork_and_interrupt(*args, fork=subprocess._fork_exec):
        number = fork(*args)
        os.kill(os.getpid(), alarm)
        return number

    left = stress_network.Left()
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(subprocess, "_fork_exec", fork_and_interrupt)
        Network()
    assert left.check() == ""


def test_an_interrupt_when_a_descriptor_has_just_come(alarm, monkeypatch):
    def receive_and_interrupt(*args, receive=socket.recv_fds):
        found = receive(*args)
        if found[1]:
            os.kill(os.getpid(), alarm)
        return found

    with Network() as net:
        alice = net.host("alice")
        left = stress_network.Left()
        for fetch in (alice.socket, lambda: alice.connections, net.packets_now):
            with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
                patched.setattr(socket, "recv_fds", receive_and_interrupt)
                fetch()
            assert left.check() == ""
        alice.socket().close()                          # and it goes on


def test_a_kernel_that_is_killed_restarted_shut_down_or_interrupted():
    assert stress_network.killed(4) == [""] * 4


def test_it_is_soon_up_and_carries_much():
    """Beside other tests; what an idle machine does, stress_network.py measures."""
    assert min(stress_network.up(2) for _ in range(3)) < 1
    assert min(stress_network.up(20) for _ in range(2)) < 3
    seconds, _ = min(stress_network.bulk(20_000_000, check=False) for _ in range(3))
    assert 20 / seconds > 8, "less than 8 MB/s"


@pytest.mark.parametrize("seed", [1, 2])
def test_the_learners_protocol_brings_all_over_a_worse_one(seed):
    assert stress_network.by_hand(seed, 20)


@pytest.mark.parametrize("seed", [1, 2])
def test_tcp_brings_all_over_a_bad_cable(seed):
    _, whole = stress_network.bulk(100_000, loss=.1, reorder=.1, seed=seed)
    assert whole
