"""Frames as they passed the cable between alice (10.0.1.1) and bob (10.0.1.2): ten sends of ten bytes, with Nagle's algorithm.

Captured in a `netlab.Network`: the kernels of Linux 6.18 wrote them.
"""
from netlab import Timeline
from netlab.network.ladder import ladder
from netlab.network.ladder_picture import picture_of
from netlab.network.packets import Packet, Packets
from netlab.teach.pictured import Blank

FRAMES = [bytes.fromhex(text) for text in (
    "02000000000202000000000108004500003c33d840004006f0e10a0001010a000102c2ca0050d1a3331f00000000a002faf0837d00000204"
    "05b40402080ad20b19a3000000000103030a",
    "02000000000102000000000208004500003c00004000400624ba0a0001020a0001010050c2ca4a8b7531d1a33320a012fe88362600000204"
    "05b40402080aa626e3cad20b19a30103030a",
    "02000000000202000000000108004500003433d940004006f0e80a0001010a000102c2ca0050d1a333204a8b75328010003f626d00000101"
    "080ad20b1a75a626e3ca",
    "02000000000202000000000108004500003e33da40004006f0dd0a0001010a000102c2ca0050d1a333204a8b75328018003fdd8a00000101"
    "080ad20b1aa8a626e3ca636f6666656520323530",
    "020000000001020000000002080045000034ccda4000400657e70a0001020a0001010050c2ca4a8b7532d1a3332a80100040619800000101"
    "080aa626e461d20b1aa8",
    "02000000000202000000000108004500008e33db40004006f08c0a0001010a000102c2ca0050d1a3332a4a8b75328018003fb74800000101"
    "080ad20b1b0da626e461636f6666656520323530636f6666656520323530636f6666656520323530636f6666656520323530636f66666565"
    "20323530636f6666656520323530636f6666656520323530636f6666656520323530636f6666656520323530",
)]


def ten_sends() -> Packets:
    """These packets."""
    ways = "alice", "bob"
    return Packets([
        Packet(n, float(n), "alice-bob", *(ways if frame[36:38] == b"\0\x50" else ways[::-1]), frame, "arrived", (n + 0.5,))
        for n, frame in enumerate(FRAMES, 1)])


def next_packet(known: int) -> Blank:
    """Which packet comes behind so many, and from whom: the ladder of the Packets goes no further in the question."""
    def drawn(packets):
        return picture_of(ladder(packets, Timeline()))

    def truth(packets):
        if len(packets) <= known:
            return None
        drawn = ladder(packets[:known + 1], Timeline()).rows[-1].drawn
        return f"{packets[known].sender}: `{drawn.label}`"

    return Blank(draw=lambda packets, words: drawn(packets), asked=lambda packets, words: drawn(packets[:known]), truth=truth,
                 label="The next packet:", missing="No packet came behind these in this run.",
                 takes=(Packets,))
