"""Somebody who runs cells in a real kernel, and reads the errors that it shows."""
import queue
import re

from hands import Kernel


class Reader(Kernel):
    error = ""              # what the last cell that failed showed
    given = None            # the seconds that a cell has

    def take(self, timeout=60):
        try:
            super().take(timeout)
        except AssertionError as error:
            self.error = re.sub("\x1b\\[[0-9;]*m", "", str(error))

    def see(self, source, cell="c1"):
        """Run a cell: the error that it shows, or ""."""
        self.error = ""
        self.run(source, cell)
        return self.error

    def value(self, source):
        """The text of the last line's value."""
        self.error = ""
        shown = self.run(source, "value")
        assert shown, self.error
        return shown["text/plain"]

    def limit(self, seconds):
        """How long a cell may take from now on."""
        if seconds != self.given:
            self.run(f"import netlab.teach.cells as _cells; _cells.LIMIT = {seconds}", "limit")
        self.given = seconds

    def interrupt(self, source, cell="c1"):
        """Run a cell, and press the square button until it ends: the error that it shows."""
        self.error, sent, patience = "", self.start(source, cell), 0.05
        while sent not in self.done:
            try:
                self.take(patience)
            except queue.Empty:
                self.manager.interrupt_kernel()
                patience = 2
        return self.error
