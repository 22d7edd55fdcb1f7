"""The other end of the last exercise: a link that loses and doubles packets, a receiver behind it, and a clock of its own.

Nothing waits in real time, so that fifty links are tried in a blink, and the same seed always tells the same story.
"""
import contextlib
import errno
import os
import threading
import time

from netlab.network.fates import Impairment, Line
from netlab.teach.check import TooLong

DELAY = 0.05            # seconds, each way
TAKES = 0.001           # seconds that a call takes
MOST = 10_000           # calls, and
PACKETS = 2000          # packets, after which a sender has no end


class BadLink:
    """A datagram socket that is connected to a receiver over a bad link; in a cell it shows what happened.

    `send`, `recv` and `settimeout` are those of any UDP socket. A packet is the number of a chunk, one byte, and then the
    chunk. The receiver answers each packet that comes with one byte: the number of the first chunk that it lacks.
    `received` are the chunks that it has in a row.
    """

    def __init__(self, *, loss: float = 0.2, duplicate: float = 0.1, seed: int = 0):
        impairment = Impairment(loss=loss, duplicate=duplicate, delay=DELAY, seed=seed)
        self._there, self._back = Line(impairment, "there"), Line(impairment, "back")
        self._timeout, self._answers = None, []
        self._has, self._seen, self._calls = {}, set(), 0
        self.now = 0.0
        self.sent = []          # the packets
        self.story = []         # what happened, in order
        self.recvs = []         # how each recv ended: (packets sent before, the answer's number or None)
        self.endless = None     # the TooLong that was raised here
        self.waits = self.closed = False

    @property
    def received(self) -> list[bytes]:
        found = []
        while len(found) in self._has:
            found.append(self._has[len(found)])
        return found

    # --- the sender's end ---
    def settimeout(self, seconds):
        if seconds is not None and seconds < 0:
            raise ValueError("Timeout value out of range")
        self._timeout = seconds

    def gettimeout(self):
        return self._timeout

    def setblocking(self, flag):
        self._timeout = None if flag else 0.0

    def send(self, data, flags=0):
        packet = bytes(memoryview(data))        # of a str the same TypeError as a socket's
        self._called()
        if self.endless:
            return len(packet)
        fate = self._there.put(packet, self.now)
        again = " again" if packet in self._seen else ""
        self.sent.append(packet)
        self._seen.add(packet)
        became = (": lost", "", ": doubled")[fate.copies]
        self.story.append(f"packet {packet[0] if packet else 'without a byte'}{again}{became}")
        return len(packet)

    def sendall(self, data, flags=0):
        self.send(data, flags)

    def recv(self, size, flags=0):
        self._called()
        if self.endless:
            self._answers.append(self._answers[0])
            return self._answers.pop(0)
        end = None if self._timeout is None else self.now + self._timeout
        while not self._answers:
            due = [when for line in (self._there, self._back) if (when := line.next()) is not None]
            if end is None and not due:
                self.waits = True
                self.story.append("recv waits for ever")
                self._stop("no end: recv waits, and nothing is on its way")
            if end is not None and min(due, default=end) >= end:
                self.now = end
                self.story.append("recv: time is up")
                self.recvs.append((len(self.sent), None))
                if self._timeout == 0:
                    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
                raise TimeoutError("timed out")
            self._pass(min(due))
        answer = self._answers.pop(0)
        self.story.append(f"recv gives {answer[0]}")
        self.recvs.append((len(self.sent), answer[0]))
        return answer[:size]

    def close(self):
        self.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    # --- time, and the receiver's end ---
    def _called(self):
        if self.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        self._calls += 1
        self._pass(self.now + TAKES)
        if not self.endless and (self._calls > MOST or len(self.sent) >= PACKETS):
            self._stop(f"no end after {len(self.sent):,} packets")

    def _stop(self, why):
        """End a sender that has no end. One that swallows this gets every answer there is, so that its loops end."""
        self._answers = [bytes([number]) for number in range(256)]
        self.endless = TooLong(why)
        raise self.endless

    def _pass(self, until):
        """Let the clock run; what arrives meanwhile is answered."""
        self.now = max(self.now, until)
        for packet in self._there.take(self.now):
            if packet:
                self._has.setdefault(packet[0], packet[1:])
            lacks = len(self.received)
            if not self._back.put(bytes([lacks & 255]), self.now).copies:
                self.story.append(f"answer {lacks}: lost")
        self._answers += self._back.take(self.now)

    def settle(self):
        """Let all arrive that is still on its way."""
        while (when := self._there.next()) is not None:
            self._pass(when)

    @contextlib.contextmanager
    def clock(self):
        """Inside, the functions of `time` show this clock to the thread that asks for it, and `sleep` moves it on."""
        me = threading.get_ident()

        def here(ours, real):
            return lambda *given: (ours if threading.get_ident() == me else real)(*given)

        kept = {name: getattr(time, name) for name in ("monotonic", "perf_counter", "time", "sleep")}
        for name, real in kept.items():
            setattr(time, name, here(lambda: self.now, real))
        time.sleep = here(self._sleep, kept["sleep"])
        try:
            yield self
        finally:
            for name, real in kept.items():
                setattr(time, name, real)

    def _sleep(self, seconds):
        self._called()
        self._pass(self.now + seconds)

    def __repr__(self):
        self.settle()
        return "\n".join([*self.story, f"The receiver has {len(self.received)} chunks in a row."])
