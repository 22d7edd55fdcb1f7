"""Exercises that call the learner's function very often: of what it prints, the first lines are shown."""
import contextlib
import io
import sys

from netlab.teach.check import Exercise

PRINTED = 20            # lines of what the function prints that are shown


class FewLines(io.TextIOBase):
    """Standard output, of which the first lines get through."""

    def __init__(self):
        self.out, self.left, self.told = sys.stdout, PRINTED, False

    def write(self, text):
        fits = "".join(text.splitlines(keepends=True)[:self.left])
        self.out.write(fits)
        self.left -= fits.count("\n")
        if fits != text and not self.told:
            self.told = True
            self.out.write("… call the function yourself to see all that it prints\n")
        return len(text)


class Quiet(Exercise):
    """An Exercise that calls the function hundreds of times: a print in it does not bury the Result."""

    def __call__(self, function):
        with contextlib.redirect_stdout(FewLines()):
            return super().__call__(function)
