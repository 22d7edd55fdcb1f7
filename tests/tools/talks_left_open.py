"""Random conversations that stop half way, with what the kernels say of the sockets that are open then."""
from __future__ import annotations

import contextlib
import random
import socket

from talks import connected, pair

import netlab
from netlab import kernel
from netlab.network import Network
from netlab.network.ladder import ladder


def left_open(seed, rounds=12):
    """(ladder, {side: (state, receive queue)}): bytes, ends and sockets are left as chance has it."""
    dice = random.Random(seed)
    with Network() as net:
        alice, bob, cable = pair(net, router=dice.random() < .3, seed=seed)
        timeline = netlab.Timeline()
        with contextlib.suppress(OSError):      # from Linux 6.11 on: a kernel need not wait 200 ms before it sends again
            for host in (alice, bob):
                host.sysctl("net.ipv4.tcp_rto_min_us", 10_000)
        listener, client, conn = connected(alice, bob, timeline)
        cable.loss = dice.choice([0, .05, .15])
        ends, may_send = {"client": client, "server": conn}, {"client", "server"}
        with listener, client, conn:
            for _ in range(rounds):
                _one_call(dice, ends, may_send)
            cable.loss = 0
            kernel.wait_until(lambda: _quiet(ends) and net.still(), 20, "all was acknowledged")
            open_ends = {side: sock for side, sock in ends.items() if sock.fileno() >= 0}
            said = {side: (kernel.state(sock), kernel.receive_queue(sock)) for side, sock in open_ends.items()}
            return ladder(net.packets, timeline), said


def _one_call(dice, ends, may_send):
    side = dice.choice(["client", "server"])
    sock, what = ends[side], dice.random()
    if sock.fileno() < 0:
        return
    with contextlib.suppress(ConnectionError):          # a reset is one of the ends that chance has
        if what < .35 and kernel.receive_queue(sock):
            sock.recv(dice.choice([1, 3, 2000]))
        elif what > .97:
            sock.close()
        elif what > .93 and side in may_send:
            may_send.discard(side)
            sock.shutdown(socket.SHUT_WR)
        elif side in may_send:
            sock.sendall(dice.randbytes(dice.choice([1, 2, 5, 40, 1500])))


def _quiet(ends):
    return all(kernel.state(sock) == "CLOSED" or not kernel.send_queue(sock) for sock in ends.values())
