"""The notebook's side of the helper process: starts it, asks it, hears of its end, ends it."""
import _socket
import _thread
import contextlib
import errno
import functools
import marshal
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
import weakref
from pathlib import Path

from netlab.kernel import LINUX, SYSTEM, undisturbed
from netlab.sockets import PLAIN

MESSAGE = 1 << 17           # the longest message
PATIENCE = 20               # seconds after which a request has failed: each is answered at once, or says how long it takes


class Unavailable(OSError):
    """A network of one's own is not to be had on this machine, and why."""


class HelperEnded(OSError):
    """The network is closed, or its helper process has ended by itself."""


class Process:
    """A running helper. `ask(what, …)` is one request and its answer; `close()` ends it, as does the end of this object.

    `on_frame(number, cable, side, data)` gives back the frames that go on in the place of one; it is called in a thread
    of its own, from the first frame on until the end.
    """

    def __init__(self, on_frame):
        if not LINUX:
            raise Unavailable(f"A network of your own needs Linux; this is {SYSTEM}. A virtual machine with Linux gives it.")
        self._lock, self._number, self._pid = threading.RLock(), 0, os.getpid()
        self._said = tempfile.TemporaryFile()
        pairs = [[PLAIN(end.family, end.type, end.proto, end.detach())      # which `watch` does not record
                  for end in _socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)] for _ in range(2)]
        (self._requests, theirs), (self.frames, their_frames) = pairs
        self.frames.settimeout(None)        # whatever socket.setdefaulttimeout says
        self._on_frame, self._thread, self._ref = weakref.WeakMethod(on_frame), None, weakref.ref(self, _gone.put)
        _begin_to_end()
        files = self._requests, self.frames, self._said
        self.child = undisturbed(functools.partial(_start, self._ref, (theirs, their_frames), files))
        try:
            self.make("network")
        except OSError:
            self.close()
            raise

    def close(self):
        """End the helper, and wait for its end."""
        if ending := _endings.get(self._ref):
            _end(*ending)
            _endings.pop(self._ref, None)       # not before: an interrupt leaves the rest to the thread

    def make(self, what: str, *args):
        """As `ask`, for what a machine may not allow: Unavailable says so."""
        try:
            return self.ask(what, *args)
        except HelperEnded:
            raise
        except OSError as error:
            said = f"a {what} cannot be made there: {error.strerror}" if error.strerror else str(error)
            raise Unavailable(f"This machine gives no network of your own: {said}.{_help()}") from None

    def ask(self, what: str, *args):
        """One request, one answer: a value, or a new descriptor, which is yours to close. OSError is the helper's."""
        if os.getpid() != self._pid:
            raise HelperEnded("This network belongs to the process that made it: make its sockets before the fork.")
        with self._lock:
            self._number += 1
            try:
                self._requests.settimeout(PATIENCE)
                self._requests.sendall(marshal.dumps((self._number, what, *args)))
                while True:
                    message, fds, *_ = socket.recv_fds(self._requests, MESSAGE, 1)
                    if not message:
                        raise ConnectionResetError
                    number, how, *rest = marshal.loads(message)
                    if number == self._number:
                        break
                    for fd in fds:          # the answer to a request that was interrupted
                        os.close(fd)
            except (ConnectionError, TimeoutError) as error:
                raise HelperEnded(self._why_ended(error)) from None
            except OSError:
                if self._requests.fileno() >= 0:
                    raise
                raise HelperEnded("This network is closed.") from None
        if how == "error":
            code, said = rest
            raise OSError(code, said) if code else OSError(said)
        if how == "open" and not fds:       # recvmsg(2) drops what this process has no room for
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        return fds[0] if fds else rest[0]

    def fetch(self, make, what: str, *args):
        """One request whose answer is a descriptor: make(descriptor), which is yours to close. No interrupt loses it."""
        return undisturbed(lambda: make(self.ask(what, *args)))

    def _why_ended(self, error):
        if isinstance(error, TimeoutError):
            return f"The network's helper process has not answered for {PATIENCE} seconds."
        self.child.wait(5)
        if self._said.closed:       # another thread closed the network meanwhile
            return "This network is closed."
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return "The network's helper process has ended" + (f": {lines[-1]}" if lines else " by itself") + "."

    def listen_to_frames(self):
        """From now on `on_frame` is asked about the frames of the cables that have a function."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=_answer_frames, args=(self.frames, self._on_frame), daemon=True,
                                                name="netlab network")
                self._thread.start()


def _start(ref, theirs, files):
    """Start the helper, and note what its end takes: who asked for it may be gone by now, by an interrupt."""
    there = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (there, os.environ.get("PYTHONPATH"))))}
    numbers = [sock.fileno() for sock in theirs]
    with theirs[0], theirs[1]:
        # a session of its own: the notebook's interrupt is not meant for it. -P: no module of the reader's folder in it
        child = subprocess.Popen([sys.executable, "-P", "-m", "netlab.network.helper", *map(str, numbers)], pass_fds=numbers,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=files[-1],
                                 start_new_session=True, env=environment)
    _endings[ref] = child, os.getpid(), files
    if ref() is None:
        _gone.put(ref)
    return child


def _help():
    """Ubuntu has a switch of its own."""
    try:
        if Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns").read_text().strip() == "1" and os.getuid():
            return " On Ubuntu this helps: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    except OSError:
        pass
    return ""


def _answer_frames(frames, on_frame):
    """Until the helper ends, or the network is closed."""
    while True:
        try:
            message = frames.recv(MESSAGE)
            if not message:
                return
            number, *about = marshal.loads(message)
            answer = on_frame()         # None when the network is gone
            if answer is None:
                return
            frames.sendall(marshal.dumps((number, answer(*about))))
            del answer
        except OSError:
            return


# Who lets go of a network does not wait, and an interrupt of that cell stops nothing here: not a line of Python runs in that
# thread. The weak reference goes into a queue, and a thread of its own does the rest.
_gone, _endings, _ender = queue.SimpleQueue(), {}, None


def _begin_to_end():
    global _ender
    if _ender != os.getpid():           # a forked child has no thread of its parent's
        _thread.start_new_thread(_end_all, ())
        _ender = os.getpid()            # an interrupt between the two: there may be two threads, and never none


def _end_all():
    while True:
        if ending := _endings.pop(_gone.get(), None):
            _thread.start_new_thread(_end, ending)      # many may go at once, and each waits for its helper


def _end(child, pid, files):
    """Close the sockets, which ends the helper, and wait for its end."""
    for file in files:
        if isinstance(file, PLAIN) and os.getpid() == pid:      # a forked child has only copies: the network is its parent's
            with contextlib.suppress(OSError):
                file.shutdown(socket.SHUT_RDWR)
        file.close()
    if os.getpid() == pid:
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
