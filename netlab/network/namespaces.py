"""Namespaces of Linux: how a process becomes root of its own, and how a host is made. Used by the helper process alone."""
import contextlib
import ctypes
import errno
import os
import socket
import struct
from fcntl import ioctl

from pyroute2 import IPRoute

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000        # <linux/sched.h>
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17                 # <linux/sockios.h>, <linux/ethtool.h>

_libc = ctypes.CDLL(None, use_errno=True)


class Failed(Exception):
    """A step that this machine does not allow, in words."""


def _call(function, *args):
    if getattr(_libc, function)(*args):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def become_root():
    """Leave for a user namespace and a network namespace of one's own."""
    user, group = os.getuid(), os.getgid()
    try:
        _call("unshare", CLONE_NEWUSER | CLONE_NEWNET)      # os.unshare is there from Python 3.12 on
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Failed("its setting user.max_user_namespaces allows none; who is root there can raise it") from None
        raise Failed(f"it forbids namespaces (unshare: {error.strerror}), as many containers do; "
                     "a Linux that is not in a container gives them") from None
    try:
        for file, line in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
            with open(f"/proc/self/{file}", "w") as out:
                out.write(line)
    except OSError as error:
        raise Failed(f"its kernel makes nobody root of a namespace ({file}: {error.strerror})") from None


class Node:
    """A host or a router: a network namespace, and the socket that speaks to its kernel (rtnetlink(7))."""

    def __init__(self, name):
        self.name, self.interfaces = name, {}       # "eth0": its number
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        try:
            _call("unshare", CLONE_NEWNET)
            self.place = os.open("/proc/self/ns/net", os.O_RDONLY)
            self.ip = IPRoute()
            self.ip.link("set", index=1, state="up")        # lo
        finally:
            _call("setns", self.home, CLONE_NEWNET)

    @contextlib.contextmanager
    def inside(self):
        """What the block does, this host does."""
        _call("setns", self.place, CLONE_NEWNET)
        try:
            yield
        finally:
            _call("setns", self.home, CLONE_NEWNET)

    def setting(self, file, value):
        """Write one of this host's settings, as sysctl(8) would."""
        with self.inside(), open(f"/proc/sys/net/{file}", "w") as out:
            out.write(str(value))

    def read(self, file):
        with self.inside(), open(f"/proc/self/net/{file}") as lines:
            return lines.read()


def no_offload(interface):
    """Let the kernel finish each frame before it goes out: no checksum, no segment is left to a card that is not there."""
    value = struct.pack("II", ETHTOOL_STXCSUM, 0)
    buffer = ctypes.create_string_buffer(value)
    request = struct.pack("16sP", interface.encode(), ctypes.addressof(buffer))
    with socket.socket() as any_socket:
        ioctl(any_socket, SIOCETHTOOL, request)
