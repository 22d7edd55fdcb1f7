"""Time of netlab.framing against the plainest correct loop: `python tests/tools/bench_framing.py [megabytes]` prints ratios.

A stream of 32-byte messages comes in chunks of 64 KiB. Ratios come from runs that alternate; all messages are compared.
Then each stream at twice its size, and one long message in small pieces: both may take twice the time.
"""
import statistics
import sys
import time

from netlab.framing import Delimiter, FixedLength, LengthPrefix

CHUNK, MESSAGE, ROUNDS = 65536, b"32 bytes, as many as a price has", 9


def by_mark(chunks):
    """The plainest decoder of lines."""
    buffer, got = b"", []
    for data in chunks:
        buffer += data
        *messages, buffer = buffer.split(b"\n")
        got += messages
    return got


def by_length(chunks):
    """The plainest decoder of a length of four bytes and a message."""
    buffer, got = b"", []
    for data in chunks:
        buffer += data
        while len(buffer) >= 4:
            end = 4 + int.from_bytes(buffer[:4], "big")
            if len(buffer) < end:
                break
            got.append(buffer[4:end])
            buffer = buffer[end:]
    return got


def by_size(chunks):
    """The plainest decoder of messages of one size."""
    buffer, got = b"", []
    for data in chunks:
        buffer += data
        while len(buffer) >= 32:
            got.append(buffer[:32])
            buffer = buffer[32:]
    return got


def ours(framing):
    def decode(chunks):
        got = []
        for data in chunks:
            got += framing.feed(data)
        return got
    return decode


def in_chunks(stream):
    return [stream[start:start + CHUNK] for start in range(0, len(stream), CHUNK)]


def seconds(decode, chunks, expected):
    began = time.perf_counter()
    got = decode(chunks)
    took = time.perf_counter() - began
    if got != expected:
        raise AssertionError("a message came out wrong")
    return took


def compare(framing, plain, megabytes):
    """(plain / ours, twice the stream / once, a message twice as long / once), each the median of paired runs."""
    messages = [MESSAGE] * (megabytes * 1_000_000 // len(MESSAGE))
    once, twice = (in_chunks(b"".join(map(framing.encode, messages * n))) for n in (1, 2))
    decode = ours(framing)
    ratios, growth = [], []
    for _ in range(ROUNDS):
        own = seconds(decode, once, messages)
        ratios.append(seconds(plain, once, messages) / own)
        growth.append(seconds(decode, twice, messages * 2) / own)
    return statistics.median(ratios), statistics.median(growth)


def one_long(make, megabytes):
    """How much longer a message of twice the size takes, in pieces of 16 bytes."""
    growth = []
    for _ in range(ROUNDS):
        took = []
        for n in (1, 2):
            framing = make(size := n * megabytes * 100_000)
            wire = framing.encode(bytes(size))
            took.append(seconds(ours(framing), (wire[start:start + 16] for start in range(0, len(wire), 16)), [bytes(size)]))
        growth.append(took[1] / took[0])
    return statistics.median(growth)


if __name__ == "__main__":
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    for make, plain in [(lambda most: Delimiter(b"\n", max_size=most), by_mark),
                        (lambda most: LengthPrefix(4, max_size=most), by_length),
                        (FixedLength, by_size)]:
        framing = make(32) if make is FixedLength else make(2**20)
        ratio, growth = compare(framing, plain, size)
        print(f"{type(framing).__name__:<13} {size} MB of 32-byte messages in chunks of 64 KiB: {ratio:.2f} times as fast as the "
              f"plainest loop; twice the data {growth:.2f} times the time; one message twice as long {one_long(make, size):.2f}")
