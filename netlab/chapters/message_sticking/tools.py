"""The tools of chapter 06, which opens them with inspect.getsource: every part of it can use them after a restart."""
import contextlib
import socket

from netlab import kernel
from netlab.kernel import wait_until


@contextlib.contextmanager
def connection(seconds=2):
    """A customer and the till, connected over TCP. No call waits longer than that; leaving closes both."""
    with socket.create_server(("127.0.0.1", 0)) as listener, \
         socket.create_connection(listener.getsockname()) as customer:
        till, _ = listener.accept()
        with till:
            customer.settimeout(seconds)
            till.settimeout(seconds)
            yield customer, till


def wait_for(sock, size):
    """Wait until `size` bytes lie in the kernel, ready for recv. It takes none of them."""
    try:
        wait_until(lambda: kernel.receive_queue(sock) == size)
    except TimeoutError:
        raise TimeoutError(f"{size} bytes were awaited, and {kernel.receive_queue(sock)} are there") from None


@contextlib.contextmanager
def recorded(timeline):
    """Such a pair, made step by step, whose calls `timeline` records. Its calls wait as long as it takes."""
    with timeline.socket(name="listener") as listener, timeline.socket(name="customer") as customer:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        customer.connect(listener.getsockname())
        till, _ = listener.accept()
        timeline.name(till, "till")
        with till:
            yield customer, till
