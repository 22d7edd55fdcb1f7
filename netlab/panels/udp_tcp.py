"""What UdpPanel sent, sent once more over TCP: through a link as bad, with the same seed."""
import socket
import threading
import time
from collections import Counter
from contextlib import suppress

from markupsafe import Markup

from netlab import Link, kernel, serve
from netlab.panels.parts import tag
from netlab.sockets import PLAIN
from netlab.words import as_text, error_name, number_of

LIMIT = 10          # seconds that all of it may take


class OverTcp:
    """The same messages over TCP; `bursts` are what one sender sent to one receiver since the dice began."""

    def __init__(self, panel, bursts, values, seed):
        self.panel, self.values, self.seed = panel, values, seed
        self.messages = [burst.messages for burst in bursts]
        self.client = max((p.client for burst in bursts for p in burst.passed()), default=1)
        passed = [p for burst in bursts for p in burst.passed()]
        self.came = [p for _, p in sorted(((place, p) for p in passed for place in p.came), key=lambda each: each[0])]
        self.fates, self.took = Counter(p.fate for p in passed), sum(burst.seconds for burst in bursts)
        self.got, self.late, self.seconds, self.trouble = [], 0, 0.0, ""
        self.done, self._over, self._sock = False, threading.Event(), None

    # in a thread of the panel's

    def run(self):
        """All of it. What fails is told; afterwards nothing is open."""
        try:
            self._run()
        except TimeoutError:
            self.trouble = f"not all of it after {LIMIT} seconds"
        except (OSError, RuntimeError) as error:
            self.trouble = error_name(error)
        finally:
            if self._over.is_set():
                self.trouble = "it was ended"
            self.done = True
            self.panel.changed()

    def _run(self):
        until, sent, came = time.monotonic() + LIMIT, 0, []

        def take(conn, address):
            with suppress(ConnectionError):             # it was ended
                while data := conn.recv(65536):
                    came.append((time.monotonic(), data))

        values = {name: value for name, value in self.values.items() if value}
        given = "".join(f", {name}={value:g}" for name, value in values.items())
        self.panel.typed("tcp_server = serve(quiet)", f"tcp_link = Link(tcp_server{given}, seed={self.seed})",
                         "tcp = socket.create_connection(tcp_link.address)")
        with serve(take) as server, Link(server, **values, seed=self.seed) as link:
            for _ in range(1, self.client):             # the dice are those of the how manyth client it is
                socket.create_connection(link.address).close()
            self._sock = socket.create_connection(link.address)
            with self._sock as sock:
                began = time.monotonic()
                for messages in self.messages:
                    cut = any(len(data) > 80 for data in messages)
                    shown = tuple(data[:40] if cut else data for data in messages)
                    self.panel.typed(f"for data in {shown!r}:{'   # the first 40 bytes' * cut}", "    tcp.sendall(data)")
                    for data in messages:
                        sock.sendall(data)
                        sent += len(data)
                        # the link has it before the next: so each message is a chunk, as it was a datagram
                        self._until(lambda: sum(p.size for p in link.passed_now()), sent, until)
                    self._until(lambda: sum(len(data) for _, data in came), sent, until)
                self.late = sum(p.fate == "late" for p in link.passed_now())
            self.got, self.seconds = [data for _, data in came], came[-1][0] - began if came else 0.0
            if self._over.is_set():
                return
        self.panel.typed("tcp.close()", "tcp_link.stop()", "tcp_server.stop()")

    def _until(self, size, wanted, until):
        kernel.wait_until(lambda: size() >= wanted or self._over.is_set(), max(0, until - time.monotonic()))

    def end(self):
        """End it before its time."""
        self._over.set()
        if (sock := self._sock) is not None:
            with suppress(OSError):
                PLAIN.shutdown(sock, socket.SHUT_RDWR)

    # what is drawn

    def draw(self) -> Markup:
        """Both beside each other."""
        over_tcp = b"".join(self.got)
        sizes = " + ".join(f"{len(data):,}" for data in self.got[:6]) + " + …" * (len(self.got) > 6)
        udp = " · ".join(as_text(p.data, p.size, 12) or "empty" for p in self.came[:12]) + " …" * (len(self.came) > 12)
        running = "still coming …" if not self.done else self.trouble
        rows = [
            ("arrived", udp or "nothing", running or as_text(over_tcp, limit=120) or "nothing"),
            ("taken in", f"{number_of(len(self.came), 'datagram')}, the last after {_seconds(self.took)}" if udp else "never",
             running or f"{number_of(len(self.got), 'recv')} ({sizes} bytes), the last after {_seconds(self.seconds)}"),
            ("on the way", self._fates(), running or self._lateness())]
        head = tag("tr", tag("td", f"seed {self.seed}"), tag("th", "over UDP", scope="col"),
                   tag("th", "the same over TCP", scope="col"))
        body = [tag("tr", tag("th", name, scope="row"), tag("td", one), tag("td", two)) for name, one, two in rows]
        return tag("table", head, *body, class_="nl-race", aria_label="The same over UDP and over TCP")

    def _fates(self):
        total = self.fates.total()
        words = [f"{many} {word}" for word, many in (("lost", self.fates["lost"]), ("came twice", self.fates["arrived twice"]),
                                                     ("overtaken", self.fates["overtaken"])) if many]
        return ", ".join(words) + f", of {total}" if words else "all came once, in order"

    def _lateness(self):
        if not self.late:
            return "nothing lost, all in order"
        return f"{self.late} lost, so 0.2 s late or more, as when TCP sends again"


def _seconds(seconds):
    return f"{seconds:.2f} s" if seconds >= .1 else f"{1000 * seconds:.1f} ms"
