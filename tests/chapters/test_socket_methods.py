"""Chapter 04: every name that it promises is called, its table is true, and it goes on where something is missing."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys

import nbformat
import pytest
from conftest import ROOT, need

from netlab.chapters.socket_methods.table import COLUMNS, ROWS, outcomes
from netlab.kernel import LINUX
from netlab.teach.workbench import Workbench, attempt

CHAPTER = ROOT / "notebooks" / "04_socket_methods.ipynb"

# The methods of the claims C41-C52, and what the chapter adds to them.
NOTES = ("bind listen accept connect connect_ex recv send sendall recvfrom sendto getpeername getsockname getsockopt "
         "setsockopt close setblocking settimeout gettimeout fileno makefile").split()
ALSO = "recv_into shutdown detach dup getblocking sendmsg recvmsg sendfile".split()
MODULE = ("socketpair create_server create_connection getaddrinfo setdefaulttimeout getdefaulttimeout").split()
NEVER_RAISES = {"close", "fileno", "gettimeout", "getblocking", "dup", "detach", "recvmsg", "sendmsg", "sendfile", "setblocking"}

# Runs the chapter's code cells, and notes each method called on a socket by a cell itself (and not by netlab).
RUN = r'''
import functools, json, socket, sys
from collections import Counter
calls, plain = Counter(), socket.socket

def by_a_cell():
    frame = sys._getframe(2)
    while frame.f_code.co_filename.endswith(("sockets.py", "workbench.py", "/socket.py")):
        frame = frame.f_back
        if frame.f_code.co_name in ("_try", "__init__"):        # the table's calls, and the making of a workbench
            return False
    return frame.f_code.co_filename.startswith("cell ")

def traced(name, method):
    @functools.wraps(method)
    def call(self, *args, **kwargs):
        mine = by_a_cell()
        try:
            result = method(self, *args, **kwargs)
        except BaseException as error:
            calls[name, "raised"] += mine
            raise
        calls[name, "returned"] += mine
        return result
    return call

def function(name, method):
    def call(*args, **kwargs):
        calls[name, "returned"] += by_a_cell()
        return method(*args, **kwargs)
    return call

names = [n for n in dir(plain) if not n.startswith("_") and callable(getattr(plain, n))]
socket.socket = type("socket", (plain,), {"__slots__": (), **{n: traced(n, getattr(plain, n)) for n in names}})
for name in sys.argv[2].split():
    setattr(socket, name, function(name, getattr(socket, name)))

space, shown = {"__name__": "__main__"}, {}
for cell in json.load(open(sys.argv[1], encoding="utf-8"))["cells"]:
    source = "".join(cell["source"])
    if cell["cell_type"] != "code" or cell["id"] in ("panel",) or cell["id"].endswith("-ask"):
        continue
    lines, print_ = [], lambda *words, **_: lines.append(" ".join(map(str, words)))
    space["print"] = print_
    exec(compile(source, "cell " + cell["id"], "exec"), space)
    shown[cell["id"]] = lines
json.dump([[f"{n} {how}" for (n, how), count in calls.items() if count], shown], sys.stdout)
'''


def run(*before):
    """The chapter in a process of its own: (methods that cells called and how, what each cell printed)."""
    done = subprocess.run([*before, sys.executable, "-c", RUN, str(CHAPTER), " ".join(MODULE)], cwd=ROOT, text=True,
                          capture_output=True, timeout=60, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    called, shown = json.loads(done.stdout)
    return set(called), shown


@pytest.fixture(scope="module")
def normal():
    return run()


@pytest.mark.parametrize("method", NOTES + ALSO)
def test_the_chapter_calls_it_on_a_real_socket(normal, method):
    if method in ("sendmsg", "recvmsg") and not hasattr(socket.socket, method):
        pytest.skip("this system has no sendmsg")
    called, _ = normal
    assert f"{method} returned" in called
    assert method in NEVER_RAISES or f"{method} raised" in called, "nobody saw it fail"


@pytest.mark.parametrize("function", MODULE)
def test_the_chapter_calls_the_function_of_the_module(normal, function):
    assert f"{function} returned" in normal[0]


def test_every_prediction_is_asked_before_its_cell():
    from netlab.chapters.socket_methods import predict as methods
    from netlab.teach.questions import Question
    asked = re.findall(r"ask\(predict\.(\w+)\)", CHAPTER.read_text(encoding="utf-8"))
    assert sorted(asked) == sorted(name for name, value in vars(methods).items() if isinstance(value, Question))


def test_a_method_that_no_cell_calls_is_noticed(normal):
    assert not {"share returned", "set_inheritable returned"} & normal[0]


def test_what_one_machine_has_stays_in_its_two_cells(normal):
    book = nbformat.read(CHAPTER, as_version=4)
    tagged = {cell.id for cell in book.cells if cell.metadata.get("tags") == ["nbval-ignore-output"]}
    assert tagged == {"families", "ipv6"}
    stored = {cell.id: "".join(o.get("text", "") for o in cell.get("outputs", [])) for cell in book.cells}
    for cell, lines in normal[1].items():
        if lines and cell not in tagged and LINUX:
            assert stored[cell].splitlines() == "\n".join(lines).splitlines(), cell


# What is missing on other machines

def test_without_ipv6(normal):
    need(LINUX and shutil.which("unshare") and shutil.which("sysctl"), "needs Linux with unshare and sysctl")
    switch = ("ip link set lo up 2>/dev/null || ifconfig lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=1 "
              'net.ipv6.conf.lo.disable_ipv6=1 && exec "$@"')
    before = ["unshare", "--net", *(["--map-root-user"] if os.geteuid() else []), "sh", "-c", switch, "sh"]
    try:
        works = subprocess.run([*before, "true"], capture_output=True).returncode == 0
    except OSError:
        works = False
    need(works, "no network namespace may be made here")
    called, shown = run(*before)
    assert len(shown["ipv6"]) == 1 and shown["ipv6"][0].startswith("no IPv6 on this machine: ")
    assert called == normal[0]
    assert {k: v for k, v in shown.items() if k not in ("ipv6", "families")} == \
        {k: v for k, v in normal[1].items() if k not in ("ipv6", "families")}


def test_as_a_user_without_any_privilege(normal):
    need(LINUX and shutil.which("setpriv"), "needs Linux with setpriv")
    before = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--securebits=+noroot"] if os.geteuid() == 0 else []
    _, shown = run(*before)                 # root without capabilities: to the kernel a user like others
    assert "PermissionError" in "\n".join(shown["families"])
    assert {k: v for k, v in shown.items() if k != "families"} == {k: v for k, v in normal[1].items() if k != "families"}


def test_where_no_port_is_reserved(normal):
    need(LINUX and shutil.which("unshare") and os.geteuid() == 0, "needs Linux and root")
    switch = 'ip link set lo up && sysctl -qw net.ipv4.ip_unprivileged_port_start=0 && exec "$@"'
    before = ["unshare", "--net", "sh", "-c", switch, "sh"]
    need(subprocess.run([*before, "true"], capture_output=True).returncode == 0, "no network namespace may be made here")
    assert {k: v for k, v in run(*before)[1].items() if k != "families"} == \
        {k: v for k, v in normal[1].items() if k != "families"}


# What is said of Linux

linux = pytest.mark.skipif(not LINUX, reason="the answers of Linux")


def cell(name):
    return next(cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells if cell.id == name)


def test_a_protocol_that_is_refused_is_not_called_made(capsys):
    exec(cell("socket"), {"socket": socket, "attempt": lambda *_: "OSError EINVAL"})
    assert capsys.readouterr().out.splitlines()[1:] == ["OSError EINVAL"] * 2


@linux
def test_a_connected_udp_socket_can_do_all_that_it_could_before(no_leaks):
    with Workbench() as bench, socket.socket(type=socket.SOCK_DGRAM) as peer, \
            socket.socket(type=socket.SOCK_DGRAM) as third:
        for sock in peer, third:
            sock.bind(("127.0.0.1", 0))
        bench.udp.connect(peer.getsockname())
        peer.connect(bench.udp.getsockname())
        tried = {"send": attempt(bench.udp.send, b"a"), "sendto": attempt(bench.udp.sendto, b"b", third.getsockname())}
        assert (peer.recv(9), third.recv(9)) == (b"a", b"b")
        for method in "recv", "recvfrom":
            peer.send(b"c")
            tried[method] = attempt(getattr(bench.udp, method), 9)
    assert {method for method, came in tried.items() if not isinstance(came, str)} == {"send", "sendto", "recv", "recvfrom"}


@linux
def test_what_families_and_types_mean(no_leaks):
    inet, raw = socket.AF_INET, socket.SOCK_RAW
    assert attempt(socket.socket, inet, raw) == "OSError EPROTONOSUPPORT"
    made = attempt(socket.socket, inet, raw, socket.IPPROTO_ICMP)           # with a protocol, privilege decides
    assert isinstance(made, socket.socket) or made == "PermissionError EPERM"
    if isinstance(made, socket.socket):
        made.close()
    assert attempt(socket.socket, inet, socket.SOCK_SEQPACKET) == "OSError ESOCKTNOSUPPORT"
    with socket.socket(socket.AF_UNIX, raw) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_DGRAM


# The workbench and its table

def test_the_table_is_the_same_each_time_and_nothing_is_left(no_leaks):
    assert len({str(outcomes()) for _ in range(10)}) == 1


@pytest.mark.skipif(not LINUX, reason="the answers of Linux")
@pytest.mark.parametrize("call, there, column, answer", [
    ("listen()", False, "TCP listener", "None"), ("listen()", False, "UDP", "EOPNOTSUPP"),
    ("accept()", False, "TCP listener", "waits"), ("accept()", False, "TCP connection", "EINVAL"),
    ("recv(9)", False, "UDP", "waits"), ("recv(9)", True, "UDP", "b'hello'"),
    ("recvfrom(9)", True, "TCP connection", "b'hello', None"), ("recvfrom(9)", True, "UDP", "b'hello', address"),
    ("send(b'hello')", False, "UDP", "EDESTADDRREQ"), ("send(b'hello')", False, "TCP listener", "EPIPE"),
    ("connect(address)", False, "TCP connection", "EISCONN"), ("connect(address)", False, "UDP", "None"),
    ("getpeername()", False, "UDP", "ENOTCONN"), ("shutdown(SHUT_WR)", False, "UDP", "ENOTCONN"),
    ("setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)", False, "UDP", "ENOPROTOOPT"),
])
def test_the_table_says_what_linux_does(call, there, column, answer):
    cells = {(row.call, row.there): found for row, found in outcomes().cells}
    assert cells[call, there][list(COLUMNS).index(column)] == answer


def test_without_styles_the_table_still_tells_what_failed_and_what_waits():
    bare = re.sub(r' style="[^"]*"', "", outcomes()._repr_html_())
    assert bare.count("<td>✗\u00a0<wbr/><code>E") > 15 and bare.count("<td>…\u00a0waits</td>") > 3 and "<td>✓\u00a0" in bare
    assert "✗\u00a0EINVAL" in str(outcomes()) and "an OSError" in bare


def test_the_table_has_every_method_of_the_notes():
    assert set(NOTES) <= {re.match(r"\w+", row.call)[0] for row in ROWS}


def test_a_system_without_af_unix(monkeypatch, no_leaks):
    monkeypatch.delattr(socket, "AF_UNIX", raising=False)
    with Workbench() as bench:
        assert bench.unix is None and len(bench.sockets) == 4
    assert {found[-1] for _, found in outcomes().cells} == {"–"}


def test_a_workbench_blocks_whatever_the_default_is(no_leaks):
    socket.setdefaulttimeout(0)
    try:
        with Workbench() as bench:
            assert {sock.gettimeout() for sock in bench.sockets.values()} == {None}
    finally:
        socket.setdefaulttimeout(None)


def test_fresh_closes_and_makes_new_ones(no_leaks):
    with Workbench() as bench:
        before = list(bench)
        after = list(bench.fresh())
        assert all(sock.fileno() == -1 for sock in before if sock) and all(sock.fileno() > 0 for sock in after if sock)
    bench.close()


def test_attempt_gives_the_result_or_the_error_as_text():
    assert attempt(int, "7") == 7
    assert attempt(int, "x") == "ValueError"
    with Workbench() as bench:
        assert attempt(bench.udp.getpeername) == "OSError ENOTCONN"
    with pytest.raises(ZeroDivisionError):
        attempt(lambda: 1 / 0)
