"""Time of netlab.addresses against ipaddress: `python tests/tools/bench_addresses.py [how many]` prints a ratio.

Each value goes int -> text -> int, must come back unchanged, and its text must be what ipaddress prints.
"""
import ipaddress
import random
import sys
import time

from netlab.addresses import int_to_ipv4, int_to_ipv6, ipv4_to_int, ipv6_to_int


def timed(values, to_text, to_int):
    start = time.perf_counter()
    texts = [to_text(value) for value in values]
    back = [to_int(text) for text in texts]
    seconds = time.perf_counter() - start
    if back != values:
        raise AssertionError("a value came back changed")
    return texts, seconds


def bench(label, width, ours, theirs, how_many):
    generator = random.Random(width)
    values = [generator.getrandbits(width) for _ in range(how_many)]
    for number in values[: how_many // 10]:  # warm up both alike
        ours[1](ours[0](number)), theirs[1](theirs[0](number))
    texts, own = min((timed(values, *ours) for _ in range(3)), key=lambda pair: pair[1])
    expected, reference = min((timed(values, *theirs) for _ in range(3)), key=lambda pair: pair[1])
    if texts != expected:
        raise AssertionError("a text differs from ipaddress")
    print(f"{label}: {how_many} values there and back, all equal to ipaddress; "
          f"{own:.3f} s, ipaddress {reference:.3f} s, ratio {own / reference:.2f}")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    for label, width, kind, ours in [("IPv4", 32, ipaddress.IPv4Address, (int_to_ipv4, ipv4_to_int)),
                                     ("IPv6", 128, ipaddress.IPv6Address, (int_to_ipv6, ipv6_to_int))]:
        theirs = (lambda number, kind=kind: str(kind(number))), (lambda text, kind=kind: int(kind(text)))
        bench(label, width, ours, theirs, count)
