"""Where a network is not to be had: one sentence says which step is not allowed, and nothing is left behind."""
import ctypes
import platform
import shutil
import struct
import subprocess
import sys

import pytest
from conftest import ROOT, need

import netlab.network.process
from netlab.network import Network, Unavailable

WHY = """
import sys; sys.path[:0] = ["tests", "tests/tools"]
import conftest, threading
before = set(threading.enumerate()), conftest.open_files()
from netlab.network import Network, Unavailable
try:
    with Network() as net:
        net.host("alice")
    print("to be had")
except Unavailable as error:
    assert str(error) == Network.why()
    print(Network.why())
assert not (left := conftest.left_behind(*before)), left
"""
UNSHARE, SETNS, SOCKET = {"x86_64": (272, 308, 41), "aarch64": (97, 268, 198)}.get(platform.machine(), (0, 0, 0))


def said(*command, prepare=None) -> str:
    """What Python says under this command."""
    run = subprocess.run([*command, sys.executable, "-c", WHY], cwd=ROOT, capture_output=True, text=True, timeout=60,
                         env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}, preexec_fn=prepare)
    assert not run.returncode and not run.stderr, run.stderr
    return run.stdout.strip()


def forbid(call):
    """A seccomp filter that answers this system call with EPERM, as a container's does (seccomp(2))."""
    def prepare():
        libc = ctypes.CDLL(None)
        program = [(0x20, 0, 0, 0), (0x15, 0, 1, call), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7fff0000)]
        code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
        whole = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, whole):
            raise OSError("no seccomp here")
    return prepare


def unshare():
    need(not Network.why(), Network.why())
    need(shutil.which("unshare"), "no unshare command")
    return ["unshare", "--user"]


def test_root_and_an_ordinary_user_have_it():
    command = unshare()
    assert said(*command, "--map-root-user") == "to be had"
    assert said(*command, "--map-user=1000", "--map-group=1000") == "to be had"


@pytest.mark.parametrize("setting, words", [
    ("user.max_user_namespaces", "user.max_user_namespaces allows none; who is root there can raise it."),
    ("user.max_net_namespaces", "a host cannot be made there: No space left on device.")])
def test_where_namespaces_are_switched_off(setting, words):
    limit = {"user.max_user_namespaces": 0, "user.max_net_namespaces": 1}[setting]
    shell = f'echo {limit} > /proc/sys/{setting.replace(".", "/")}; exec "$@"'
    answer = said(*unshare(), "--map-root-user", "sh", "-c", shell, "sh")
    assert answer.startswith("This machine gives no network of your own: ") and answer.endswith(words)


@pytest.mark.parametrize("call, words", [
    (UNSHARE, "it forbids namespaces (unshare: Operation not permitted), as many containers do; "
              "a Linux that is not in a container gives them."),
    (SETNS, "a host cannot be made there: Operation not permitted."),
])
def test_where_the_kernel_is_asked_in_vain(call, words):
    need(not Network.why() and call, Network.why() or "another processor")
    assert said(prepare=forbid(call)) == f"This machine gives no network of your own: {words}"


def test_where_settings_cannot_be_written():
    shell = 'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"'
    answer = said(*unshare(), "--map-root-user", "--mount", "sh", "-c", shell, "sh")
    assert answer == "This machine gives no network of your own: a host cannot be made there: Read-only file system."


def test_other_systems(monkeypatch):
    monkeypatch.setattr(netlab.network.process, "LINUX", False)
    monkeypatch.setattr(netlab.network.process, "SYSTEM", "macOS")
    with pytest.raises(Unavailable, match=r"needs Linux; this is macOS\. A virtual machine with Linux gives it\."):
        Network()
