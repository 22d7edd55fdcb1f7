"""Around each cell of a chapter: nothing waits for ever, and an error says where to go on.

Importing a chapter's folder switches it on, in a notebook only; a program that imports netlab is as it was.

- A cell that runs longer than LIMIT is stopped, as by the square button. (Not on Windows, where nothing wakes a call that waits.)
- A traceback leaves out netlab's own lines: it ends in the learner's, or in the library that they called.
- A cell that worked before and fails when run again, or finds what it needs missing, half made, closed or used up,
  says what to run.
"""
import errno
import signal
import sys
import threading
import types

from netlab.kernel import wait_until

LIMIT = 10.0            # seconds; the longest cell of the course takes one or two
ASTRAY = {errno.EBADF, errno.ENOTSOCK, errno.EINVAL, errno.ENOTCONN, errno.EISCONN, errno.EPIPE}     # in the wrong state
GO_ON = "To go on, run the first code cell of this page, then this part again from its heading."


class WaitedTooLong(KeyboardInterrupt):
    """A cell was stopped. Like the square button: no Exception, so that no `except OSError` around a call swallows it."""


class Cells:
    """What is done before and after each cell of one IPython shell."""

    def __init__(self, shell):
        self.shell, self.now, self.worked = shell, None, set()
        self.stopped = set()        # cells that were stopped, and may have left half of what others need
        shell.events.register("pre_run_cell", self.before)
        shell.events.register("post_run_cell", self.after)
        shell.set_custom_exc((Exception, KeyboardInterrupt), self.failed)
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self.ring)

    def before(self, info):
        if threading.current_thread() is threading.main_thread():       # not what runs in a subshell beside it
            self.now = info.raw_cell
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, LIMIT, LIMIT)

    def after(self, result):
        if threading.current_thread() is threading.main_thread():
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_REAL, 0)
            if result.success:
                self.worked.add(self.now)
                self.stopped.discard(self.now)

    def ring(self, number, frame):
        """The time of a cell is over. It has ended, where no line of it is left; one that asks the learner may wait."""
        lines = list(frames(frame))
        if any(one.f_globals is self.shell.user_ns for one in lines) and not any(
                one.f_code.co_name == "_input_request" for one in lines):
            raise WaitedTooLong(f"this cell has run for {LIMIT:g} seconds and was stopped: what it waits for does not come.")

    def failed(self, shell, kind, error, trace, tb_offset=None):
        """Show an error: IPython's own way, but without our lines, and with a word on where to go on."""
        *_, last = (step.tb_frame for step in steps(trace))
        *_, called = (step.tb_frame.f_globals for step in steps(without_ours(trace) or trace))
        ran = any(step.tb_frame.f_globals is shell.user_ns for step in steps(trace))    # else the cell itself cannot be read
        if isinstance(error, KeyboardInterrupt):
            self.stopped.add(self.now)
        lacks = any("NameError" in note for note in getattr(error, "__notes__", ()))   # a handler does, says its Server
        if lacks or (type(error) is NameError and last.f_globals is shell.user_ns):
            self.advise(error, f"If it is not mistyped, another cell makes this name.\n{GO_ON}")
        elif (isinstance(error, WaitedTooLong) or last.f_code is wait_until.__code__
                or (isinstance(error, OSError) and error.errno in ASTRAY)
                or (type(error) is ConnectionRefusedError and called is shell.user_ns)     # the server of another cell is gone
                or (isinstance(error, Exception) and (self.now in self.worked or (self.stopped and is_ours(last))))):
            self.advise(error, GO_ON)
        chain = [error]
        while (earlier := chain[-1].__cause__ or chain[-1].__context__) and earlier not in chain:
            chain.append(earlier)
        for one in chain:
            one.__traceback__ = without_ours(one.__traceback__)
        shell.showtraceback((kind, error, error.__traceback__), tb_offset=tb_offset, running_compiled_code=ran)

    def advise(self, error, note):
        if note not in getattr(error, "__notes__", ()):         # one that was kept may be raised again
            error.add_note(note)


def frames(frame):
    """This frame and those that called it."""
    while frame:
        yield frame
        frame = frame.f_back


def steps(trace):
    """The steps of a traceback, outermost first."""
    while trace:
        yield trace
        trace = trace.tb_next


def is_ours(frame):
    return str(frame.f_globals.get("__name__")).partition(".")[0] == "netlab"


def without_ours(trace):
    """The traceback without the steps inside netlab."""
    kept = None
    for step in reversed(list(steps(trace))):
        if not is_ours(step.tb_frame):
            kept = types.TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return kept


def begin() -> Cells | None:
    """Watch over the cells from now on; nothing happens outside IPython."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return Cells(shell) if shell and threading.current_thread() is threading.main_thread() else None
