"""What a bad link does to the packets on it: lost, doubled, overtaken, late. The same seed gives the same fates.

`Impairment` says how bad; what happens to packet k depends on the seed and k alone, so that a change on the way (another
loss, say) leaves the dice of all later packets as they were. `Line` is one direction of such a link, as a queue without a
clock: the cables of `netlab.network` use it, and any other link can.
"""
import heapq
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

HOLD = 0.05         # seconds that a packet held back waits at most for others to overtake it
FURTHEST = 3        # at most so many overtake it


class Fate(NamedTuple):
    """What happens to one packet: how many copies come out (0: it is lost), and how many later ones overtake it."""
    copies: int = 1
    behind: int = 0


@dataclass
class Impairment:
    """How bad a link is; each value may be changed while it runs.

    `loss`, `duplicate` and `reorder` are shares of the packets, from 0 to 1; `delay` is in seconds, each way; `seed`
    chooses the fates. ValueError says which value is not allowed.
    """
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    seed: int = 0

    def __setattr__(self, name, value):
        if name not in self.__dataclass_fields__:
            raise AttributeError(f"a link has {', '.join(self.__dataclass_fields__)}, and no {name}")
        if name == "seed":
            if type(value) is not int:
                raise ValueError(f"seed is a whole number, not {value!r}")
        else:
            most, what = (60, "delay is in seconds, from 0 to 60") if name == "delay" else (1, f"{name} is a share, from 0 to 1")
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
                raise ValueError(f"{what}, not {value!r}")
        object.__setattr__(self, name, value)

    @property
    def harmless(self) -> bool:
        """Does every packet come out at once, once, in its turn?"""
        return not (self.loss or self.duplicate or self.reorder or self.delay)

    def fate(self, number: int, direction: str = "") -> Fate:
        """What happens to packet `number` (1, 2, …) of this direction."""
        dice = blake2b(f"{self.seed} {direction} {number}".encode(), digest_size=16).digest()
        lost, doubled, late, how = (int.from_bytes(dice[i:i + 4], "big") / 2 ** 32 for i in (0, 4, 8, 12))
        if lost < self.loss:
            return Fate(0)
        return Fate(1 + (doubled < self.duplicate), 1 + int(how * FURTHEST) if late < self.reorder else 0)


class Line:
    """One direction of an impaired link: packets are put in at a time, and taken out when they are due.

    `direction` makes the fates of the two directions differ. `hold`: how long a packet that is held back waits at most for
    others to overtake it. Times are seconds of any clock that does not go back.
    """

    def __init__(self, impairment: Impairment, direction: str = "", hold: float = HOLD):
        self.impairment, self.direction, self.hold = impairment, direction, hold
        self.count = 0          # packets so far
        self._due = []          # a heap of (time, order, packet)
        self._held = []         # of each that is held back: [how many are still to overtake it, until when, packet, copies]
        self._order = 0
        self._last = 0.0        # none comes out before one that was put in earlier, unless it overtakes

    def put(self, packet, now: float) -> Fate:
        """Put a packet in, and say what happens to it."""
        self.count += 1
        self._release(now)
        fate = self.impairment.fate(self.count, self.direction)
        if fate.behind:
            self._held.append([fate.behind, max(self._last, now + self.impairment.delay) + self.hold, packet, fate.copies])
        elif fate.copies:
            self._last = max(self._last, now + self.impairment.delay)
            self._add(self._last, packet, fate.copies)
            for held in self._held:
                held[0] -= 1
            for _, _, late, copies in [held for held in self._held if held[0] <= 0]:
                self._add(self._last, late, copies)
            self._held = [held for held in self._held if held[0] > 0]
        return fate

    def take(self, now: float) -> list:
        """The packets that have come out by now, in their order."""
        self._release(now)
        out = []
        while self._due and self._due[0][0] <= now:
            out.append(heapq.heappop(self._due)[2])
        return out

    def flush(self):
        """Nothing more is to overtake what is held back: it comes out as soon as its delay is over."""
        for _, until, late, copies in self._held:
            self._add(until - self.hold, late, copies)
        self._held = []

    def next(self) -> float | None:
        """When the next packet comes out, if no other is put in; None where nothing is on its way."""
        times = [held[1] for held in self._held] + [due[0] for due in self._due[:1]]
        return min(times, default=None)

    def _release(self, now):
        """Nothing overtook them in time."""
        for _, until, late, copies in [held for held in self._held if held[1] <= now]:
            self._add(until, late, copies)
        self._held = [held for held in self._held if held[1] > now]

    def _add(self, when, packet, copies):
        for _ in range(copies):
            self._order += 1
            heapq.heappush(self._due, (when, self._order, packet))
