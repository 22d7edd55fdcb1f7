"""Ports for servers that are started as processes: importing this gives Jupyter's kernels theirs from here too.

Jupyter looks for a port that is free, lets go of it, and the kernel takes it half a second later. Meanwhile another test
may be given that very port. So these lie below those that systems hand out, and each worker of pytest has its own.
"""
import os
import random
import socket
from contextlib import suppress

from jupyter_client.connect import LocalPortCache

FIRST, EACH = 20_000, 1_000
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 12
_left = []


def free_port() -> int:
    """A port of 127.0.0.1 that nobody holds, and that this process has not given before."""
    while True:
        if not _left:
            first = FIRST + _worker * EACH
            _left.extend(random.sample(range(first, first + EACH), EACH))
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port := _left.pop()))
            return port


LocalPortCache.find_available_port = lambda cache, ip: free_port()
