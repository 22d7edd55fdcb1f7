"""The process that holds a network: the hosts as namespaces of the kernel, the cables as a loop that copies frames.

`python -m netlab.network.helper A B` is started by `netlab.network.Network`, with which it talks over two sockets: that of
descriptor A for requests and answers, that of B for frames on which a function of the notebook has a say. It ends when the
notebook does. It makes itself root of a user namespace of its own (user_namespaces(7)), so it needs no privilege outside
and has none there. Each host is a network namespace (network_namespaces(7)): a TCP/IP of its own, with nothing in it but
what is made here. A cable is two veth pairs (veth(4)): one end of each is a host's eth0, the other stays here, and what
comes in on one (packet(7)) is written to the other. So no frame passes unseen.
"""
import contextlib
import errno
import marshal
import os
import selectors
import socket
import struct
import sys
import time
from collections import deque
from itertools import count

from pyroute2 import IPRoute, NetlinkError

from netlab.kernel import wait_until
from netlab.network.fates import Impairment, Line
from netlab.network.namespaces import Node, become_root, no_offload

SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING, ETH_P_ALL = 263, 6, 23, 3        # <linux/if_packet.h>
GROUP_REPORTS = bytes.fromhex("333300000016")       # to ff02::16: which groups a host is in (RFC 9777), sent at random times
PROBE = b"netlab: is this interface up?"
AT_ONCE = 64            # frames that are read from one end before the others have their turn
MESSAGE = 1 << 17       # the longest message from the notebook
STILL = 3               # looks, 2 ms apart, that must find nothing: on a busy machine the kernel takes its time with a frame


class Descriptor(int):
    """An answer that is an open file or socket, which the notebook gets."""


class Cable:
    """Two ends that stay here, and what happens between them."""

    def __init__(self, number, names, impairment):
        self.number, self.names, self.impairment = number, names, impairment
        self.is_cut, self.through, self.lost_before = False, False, 0
        self.far, self.sockets, self.lines = [], [], [Line(impairment, name) for name in names]

    def lose(self):
        """It is cut: what is on its way does not come, though it be mended before that was due."""
        for line in self.lines:
            for frame, _ in line.take(float("inf")):
                frame.waiting, frame.fate = frame.waiting - 1, "cut"

    def overflowed(self):
        """Frames that the kernel threw away because they were not read in time; the kernel starts again from 0."""
        for end in self.sockets:
            self.lost_before += struct.unpack("II", end.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        return self.lost_before


def packet_socket(interface):
    """A socket that gets each frame that comes in at an interface (packet(7))."""
    end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)               # nothing yet, not even from other interfaces
    end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)            # as much as the machine gives
    end.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)                   # what we write ourselves is no news
    end.bind((interface, ETH_P_ALL))
    end.setblocking(False)
    return end


def is_up(host, end):
    """Does a frame of the host come here? Its interface drops them in silence until the kernel has seen that ours is up too."""
    with contextlib.suppress(OSError):      # there is none yet; or it says that the interface was down before
        host.sendto(PROBE, ("255.255.255.255", 9))
        while not end.recv(1 << 16).endswith(PROBE):
            pass
        return True
    return False


class Frame:
    """One frame that entered a cable, and what became of it."""
    __slots__ = ("arrivals", "became", "behind", "cable", "data", "fate", "number", "side", "waiting", "when")

    def __init__(self, number, when, cable, side, data):
        self.number, self.when, self.cable, self.side, self.data = number, when, cable, side, data
        self.fate, self.arrivals, self.became, self.waiting, self.behind = "on its way", [], [], 0, 0

    def told(self):
        settled = not self.waiting and self.fate != "on its way"
        return (self.number, self.when, self.cable.number, self.side, self.data, self.fate, tuple(self.arrivals),
                tuple(self.became), settled)


class Channel:
    """A socket to the notebook that never blocks: what the other side does not take yet waits here."""

    def __init__(self, number, watch):
        self.socket, self.watch, self.unsent = socket.socket(fileno=number), watch, deque()
        self.socket.setblocking(False)
        watch.register(self.socket, selectors.EVENT_READ, self)

    def receive(self):
        """A message, None where there is none yet; EOFError when the notebook is gone."""
        try:
            message = self.socket.recv(MESSAGE)
        except BlockingIOError:
            return None
        except OSError:
            message = b""
        if not message:
            raise EOFError
        return marshal.loads(message)

    def tell(self, message, fd=None):
        self.unsent.append((marshal.dumps(message), [] if fd is None else [fd]))

    def send(self):
        """As much as the notebook takes."""
        while self.unsent:
            message, fds = self.unsent[0]
            try:
                socket.send_fds(self.socket, [message], fds)
            except BlockingIOError:
                break
            except OSError:
                raise EOFError from None
            for fd in fds:
                os.close(fd)
            self.unsent.popleft()
        self.watch.modify(self.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unsent else 0), self)


class Helper:
    """The loop: frames from cable to cable, requests from the notebook."""

    def __init__(self, requests: int, frames: int):
        self.watch = selectors.DefaultSelector()
        self.requests, self.functions = Channel(requests, self.watch), Channel(frames, self.watch)
        self.nodes, self.cables, self.fresh = {}, [], []
        self.frames, self.number, self.clock = deque(maxlen=10_000), count(1), 0.0
        self.asked = {}                 # frames that a function in the notebook has, by number
        self.lasting, self.looks = None, 0      # a request that waits for stillness: (its number, until when); how often seen

    def now(self):
        """Strictly growing, so that the order of two times is the order of two events."""
        self.clock = max(time.monotonic(), self.clock + 1e-7)
        return self.clock

    def run(self):
        """Until the notebook goes."""
        with contextlib.suppress(EOFError):
            while True:
                busy = False
                for key, _ in self.watch.select(self.patience()):
                    if key.data is self.requests:
                        self.answer()
                    elif key.data is self.functions:
                        self.come_back()
                    else:
                        busy |= self.read(*key.data)
                self.deliver()
                if busy:
                    self.looks = 0
                elif self.lasting:
                    self.look_whether_still()
                for channel in (self.requests, self.functions):
                    channel.send()

    def patience(self):
        """Seconds until something is due."""
        times = [line.next() for cable in self.cables for line in cable.lines]
        wait = min((t for t in times if t is not None), default=None)
        if self.lasting:
            wait = min(wait or 1e9, time.monotonic() + .002)
        return None if wait is None else max(0, wait - time.monotonic())

    # --- frames ---
    def read(self, cable, side):
        """Take what came in at one end; was there anything?"""
        end, other, line = cable.sockets[side], cable.sockets[1 - side], cable.lines[side]
        for n in range(AT_ONCE):
            try:
                data = end.recv(1 << 16)
            except BlockingIOError:
                return n > 0
            except OSError:             # the interface is down
                return n > 0
            if data.startswith(GROUP_REPORTS) or data.endswith(PROBE):
                continue
            frame = Frame(next(self.number), self.now(), cable, side, data)
            self.frames.append(frame)
            if cable.is_cut:
                frame.fate = "cut"
            elif cable.through:
                self.asked[frame.number] = frame
                self.functions.tell((frame.number, cable.number, side, data))
            elif cable.impairment.harmless and line.next() is None:
                self.arrive(frame, data, other)
                line.count += 1
            else:
                self.enter(frame, data)
        return True

    def enter(self, frame, data):
        """Put a frame on the way; what the cable does to it, the seed decides."""
        fate = frame.cable.lines[frame.side].put((frame, data), frame.when)
        frame.waiting += fate.copies
        frame.behind = fate.behind
        if not fate.copies and not frame.waiting:
            frame.fate = "lost"

    def deliver(self):
        """Let out what is due."""
        for cable in self.cables:
            for side, line in enumerate(cable.lines):
                while (due := line.next()) is not None and due <= time.monotonic():
                    for frame, data in line.take(time.monotonic()):
                        frame.waiting -= 1
                        if cable.is_cut:
                            frame.fate = "cut"
                        else:
                            self.arrive(frame, data, cable.sockets[1 - side])

    def arrive(self, frame, data, end):
        try:
            frame.arrivals.append(self.now())
            end.send(data)
        except OSError:             # EMSGSIZE: a function made it longer than the MTU; ENOBUFS: the far kernel takes no more
            frame.arrivals.pop()
            frame.fate = "lost"
            return
        frame.fate = ("changed" if frame.became else "arrived twice" if len(frame.arrivals) > 1 else
                      "held back" if frame.behind else "arrived")

    def come_back(self):
        """What the notebook's function made of a frame: what goes on in its place."""
        while (message := self.functions.receive()) is not None:
            number, datas = message
            frame = self.asked.pop(number)
            if datas != [frame.data]:
                frame.became = datas
            if not datas:
                frame.fate = "stopped"
            for data in datas:
                self.enter(frame, data)

    # --- requests ---
    def answer(self):
        """Do what the notebook asks, and tell what came of it."""
        message = self.requests.receive()
        if message is None:
            return
        number, what, *args = message
        try:
            result = getattr(self, "do_" + what)(*args)
        except Exception as error:
            code = getattr(error, "errno", None) or getattr(error, "code", None)     # of pyroute2 it is `code`
            said = error.strerror if isinstance(error, OSError) else str(error) or type(error).__name__
            self.requests.tell((number, "error", code if isinstance(code, int) else 0, str(said)))
            return
        if isinstance(result, Descriptor):
            self.requests.tell((number, "open", None), result)
        elif what == "still":
            self.lasting = number, result
        else:
            self.requests.tell((number, "done", result))

    def do_network(self):
        become_root()
        self.ip = IPRoute()
        # each host has a small table of its own for TCP: to read the machine's takes 5 ms, however few are in it (ip-sysctl)
        with contextlib.suppress(OSError), open("/proc/sys/net/ipv4/tcp_child_ehash_entries", "w") as out:
            out.write("4096")

    def do_host(self, name, forwards, ipv6):
        node = self.nodes[name] = Node(name)
        node.setting("ipv4/ip_forward", int(forwards))
        for which in ("all", "default"):
            node.setting(f"ipv4/conf/{which}/rp_filter", 0)     # two paths: answers may come back by the other one
            if os.path.exists("/proc/sys/net/ipv6"):
                node.setting(f"ipv6/conf/{which}/disable_ipv6", int(not ipv6))
        if ipv6:
            node.setting("ipv6/conf/all/forwarding", int(forwards))
            for file, value in (("accept_ra", 0), ("autoconf", 0), ("router_solicitations", 0), ("accept_dad", 0),
                                ("mldv2_unsolicited_report_interval", 1), ("mldv1_unsolicited_report_interval", 1)):
                node.setting(f"ipv6/conf/default/{file}", value)

    def drop(self, cable):
        """Undo a cable that could not be made as a whole, or of which the notebook never heard."""
        self.fresh = [each for each in self.fresh if each[0] not in cable.sockets]
        for end in cable.sockets:
            with contextlib.suppress(KeyError):
                self.watch.unregister(end)
            end.close()
        for side, name in enumerate(cable.names):
            if side < len(cable.far):
                self.nodes[name].interfaces.pop(cable.far[side], None)
            with contextlib.suppress(NetlinkError):
                self.ip.link("del", ifname=f"c{cable.number}{'ab'[side]}")

    def do_cable(self, index, names, addresses, mtu, settings):
        """Two veth pairs, addresses for their far ends; gives the names of the far ends back."""
        while len(self.cables) > index:         # the notebook was interrupted before it heard of these
            self.drop(self.cables.pop())
        cable = Cable(index, names, Impairment(**settings))
        try:
            return self.lay(cable, addresses, mtu)
        except BaseException:
            self.drop(cable)
            raise

    def lay(self, cable, addresses, mtu):
        index, names, far = cable.number, cable.names, cable.far
        for side, name in enumerate(names):
            node, here = self.nodes[name], f"c{index}{'ab'[side]}"
            there = f"eth{len(node.interfaces)}"
            far.append(there)
            mac = f"02:00:00:00:{index % 256:02x}:{side + 1:02x}"      # 02: given by hand, not by a maker (RFC 9542, 2.1)
            peer = {"ifname": there, "net_ns_fd": node.place, "address": mac, "mtu": mtu}
            self.ip.link("add", ifname=here, kind="veth", peer=peer, mtu=mtu)
            own = socket.if_nametoindex(here)
            with contextlib.suppress(FileNotFoundError), open(f"/proc/sys/net/ipv6/conf/{here}/disable_ipv6", "w") as out:
                out.write("1")
            no_offload(here)
            cable.sockets.append(packet_socket(here))
            with node.inside():
                no_offload(there)
                its = node.interfaces[there] = socket.if_nametoindex(there)
            node.ip.link("set", index=its, state="up")
            self.ip.link("set", index=own, state="up", arp=False)
            self.fresh.append((cable.sockets[side], node, there))
            for address, prefix in addresses[side]:
                node.ip.addr("add", index=its, address=address, prefixlen=prefix,
                             **({"flags": 2} if ":" in address else {}))       # IFA_F_NODAD: usable at once (RFC 4862, 5.4)
        self.cables.append(cable)
        for side, end in enumerate(cable.sockets):
            self.watch.register(end, selectors.EVENT_READ, (cable, side))
        return far

    def do_ready(self, changes):
        """Wait until all cables carry frames, then change routes: [(host, "replace" or "del", to, via, interface)]."""
        for end, node, interface in self.fresh:
            with node.inside(), socket.socket(type=socket.SOCK_DGRAM) as host:
                host.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                host.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
                wait_until(lambda host=host, end=end: is_up(host, end))
        self.fresh = []
        for name, what, to, via, interface in changes:
            node, family = self.nodes[name], socket.AF_INET6 if ":" in to else socket.AF_INET
            try:
                node.ip.route(what, dst=to, gateway=via, oif=node.interfaces[interface], family=family)
            except NetlinkError as error:
                if what != "del" or error.code != errno.ESRCH:      # it is gone already
                    raise

    def do_routes(self, name):
        """[(to, via or None, interface)] as the kernel has them, without those of its own addresses."""
        ip, found = self.nodes[name].ip, []
        for family, every in ((socket.AF_INET, "0.0.0.0/0"), (socket.AF_INET6, "::/0")):
            for route in ip.get_routes(family=family, table=254):
                to, oif = route.get("dst"), route.get("oif")
                if oif in (None, 1) or (to or "").startswith(("fe80:", "ff")):
                    continue
                link = ip.get_links(oif)[0].get("ifname")
                found.append((f"{to}/{route['dst_len']}" if to else every, route.get("gateway"), link))
        return found

    def do_neighbours(self, name):
        """[(IP address, MAC address or None, interface)]: what ARP and Neighbour Discovery have found out."""
        ip, found = self.nodes[name].ip, []
        for family in (socket.AF_INET, socket.AF_INET6):
            for entry in ip.get_neighbours(family=family):
                to, mac = entry.get("dst"), entry.get("lladdr")
                if entry["ifindex"] != 1 and to and not to.startswith("ff") and entry["state"] != 0x40:     # NUD_NOARP
                    found.append((to, mac, ip.get_links(entry["ifindex"])[0].get("ifname")))
        return found

    def do_connections(self, name):
        """The lines of /proc/net/tcp and tcp6: every TCP socket of a host, also those that no program has any more."""
        return in_memory(self.tcp_lines(name))

    def tcp_lines(self, name):
        node, found = self.nodes[name], []
        for file in ("tcp", "tcp6"):
            with contextlib.suppress(FileNotFoundError):
                found += [line.split()[1:6] for line in node.read(file).splitlines()[1:]]
        return found

    def do_socket(self, name, family, kind, proto):
        with self.nodes[name].inside():
            return Descriptor(socket.socket(family, kind, proto).detach())

    def do_setting(self, name, file, value):
        self.nodes[name].setting(file, value)

    def do_set(self, cable, key, value):
        if key in ("is_cut", "through"):
            setattr(self.cables[cable], key, value)
            if key == "is_cut" and value:
                self.cables[cable].lose()
        else:
            setattr(self.cables[cable].impairment, key, value)

    def do_packets(self, since):
        """What entered since packet number `since`, and what has become of it, in a file in memory."""
        wanted = [frame.told() for frame in self.frames if frame.number >= since and frame.cable in self.cables]
        return in_memory((wanted, sum(cable.overflowed() for cable in self.cables)))

    def do_still(self, seconds):
        """Answer when nothing is on its way, and nothing sent by TCP is without its ACK: True; or after so long: False."""
        return time.monotonic() + seconds

    def look_whether_still(self):
        number, until = self.lasting
        still = not self.asked and all(line.next() is None for cable in self.cables for line in cable.lines)
        still = still and not any(_unfinished(line) for name in self.nodes for line in self.tcp_lines(name))
        still = still and not _in_the_kernel() and not any(type(key.data) is tuple for key, _ in self.watch.select(0))
        self.looks = self.looks + 1 if still else 0
        if self.looks == STILL or time.monotonic() > until:
            self.lasting, self.looks = None, 0
            self.requests.tell((number, "done", still))


def in_memory(value):
    """An answer of any length: a file."""
    file = os.memfd_create("netlab")
    with open(file, "wb", closefd=False) as out:
        marshal.dump(value, out)
    os.lseek(file, 0, os.SEEK_SET)
    return Descriptor(file)


def _in_the_kernel():
    """Does a frame wait in the kernel, on any processor, for the host that is to get it? (Column 12, in hex: the backlog.)"""
    with open("/proc/self/net/softnet_stat") as lines:
        return any(int(line.split()[11], 16) for line in lines if len(line.split()) > 11)


def _unfinished(fields):
    """Of a line of /proc/net/tcp: does it wait for an ACK? Then its timer is 1, and what was sent is still in its queue."""
    _, _, state, queues, timer = fields
    return state != "0A" and (timer.startswith("01") or int(queues.partition(":")[0], 16) > 0)      # 0A: LISTEN


if __name__ == "__main__":
    Helper(*map(int, sys.argv[1:])).run()
