"""Cables: what joins two hosts, what it does to the frames on it, and when it is cut."""
from netlab.network.fates import Impairment

MOST = 120_000      # bytes in the place of one frame: what a message to the helper has room for


class Frame(bytes):
    """A frame on a cable, as a function given as `through` gets it: the bytes, and the names of the two ends of its way."""
    sender = receiver = ""


class Cable:
    """What joins two hosts. Its values may be changed at any time, and hold for what comes then.

    `loss`, `duplicate`, `reorder`: shares of the frames, 0 to 1. `delay`: seconds, each way. `seed` chooses which.
    `through`: a function that gets each frame (bytes with a `.sender` and a `.receiver`) and gives back what goes on in
    its place: a frame, a list of frames, or None for nothing. It is called in another thread, one frame at a time; what
    it raises is raised by `net.packets` and at the end of `with`, and that frame is lost.
    """

    def __init__(self, network, number):
        vars(self).update(network=network, number=number, _wire=network._wires[number])

    def __eq__(self, other):
        return isinstance(other, Cable) and (self.network, self.number) == (other.network, other.number)

    def __hash__(self):
        return hash(self.number)

    def __repr__(self):
        return f"<Cable {self.name}{', cut' if self.is_cut else ''}>"

    @property
    def name(self) -> str:
        """The names of its ends: "alice-router"; of a second one between these two, "alice-router (2)"."""
        return self._wire.name

    @property
    def ends(self) -> tuple:
        """The hosts that it joins."""
        hosts = self.network.hosts
        return tuple(hosts[name] for name in self._wire.ends)

    def __getattr__(self, name):
        if name in Impairment.__dataclass_fields__:
            return getattr(self._wire.impairment, name)
        if name in ("mtu", "is_cut", "through"):
            return getattr(self._wire, name)
        raise AttributeError(f"a cable has no {name}")

    def __setattr__(self, name, value):
        ask = self.network._process.ask
        if name in Impairment.__dataclass_fields__:
            setattr(self._wire.impairment, name, value)         # it says what is wrong with a value
            ask("set", self.number, name, value)
        elif name == "through":
            self._wire.through = checked(value)
            self.network._process.listen_to_frames()
            ask("set", self.number, "through", value is not None)
        else:
            raise AttributeError(f"a cable has loss, duplicate, reorder, delay, seed and through to change, and no {name}; "
                                 "it has cut() and mend()")

    def cut(self):
        """From now on nothing comes through; what is on its way is lost too. Packets take another way, if there is one."""
        self._cut(True)

    def mend(self):
        """It is whole again, and the ways over it are back."""
        self._cut(False)

    def _cut(self, is_cut):
        with self.network._lock:            # who settles the routes meanwhile has seen it, or does it again
            self._wire.is_cut = is_cut
            self.network._process.ask("set", self.number, "is_cut", is_cut)
            self.network._stale = True
            self.network._settle()


def checked(through):
    """A function for a cable, or None; TypeError."""
    if through is not None and not callable(through):
        raise TypeError(f"through is a function that gets a frame and gives back frames, not {through!r}")
    return through


def frames_of(given):
    """What a function gave back, as a list of frames."""
    if given is None:
        return []
    frames = [given] if isinstance(given, (bytes, bytearray)) else given
    if not isinstance(frames, (list, tuple)) or not all(isinstance(frame, (bytes, bytearray)) for frame in frames):
        raise TypeError(f"a cable's function gives back a frame, a list of frames or None, not {given!r}")
    if sum(len(frame) + 10 for frame in frames) > MOST:
        raise ValueError(f"a cable's function gives back at most {MOST:,} bytes in the place of one frame, "
                         f"not {sum(map(len, frames)):,}")
    return [bytes(frame) for frame in frames]
