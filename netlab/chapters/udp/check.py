"""The exercise of this chapter. In a notebook: `check.cut(cut)`.

The cases go from easy to nasty: a learner sees the first that fails. A hint names the mistake, never the solution.
"""
from netlab.teach.check import Case, Exercise, Raises

ASCII = "an ASCII character is one byte: keep as many as there is room for"
TWO = "no half characters: ï is two bytes, c3 af, and both fit or none"
MORE = "€ is three bytes and 🙂 is four: all of them fit or none"

cut = Exercise("cut", (
    Case(("hello", 3), "hel", ASCII),
    Case(("hello", 9), "hello", "there is room for all of it"),
    Case(("", 3), "", "nothing stays nothing"),
    Case(("naïve", 4), "naï", TWO),
    Case(("naïve", 3), "na", TWO),
    Case(("5 €", 4), "5 ", MORE),
    Case(("🙂🙂", 7), "🙂", MORE),
    Case(("a\ufffd", 4), "a\ufffd", "U+FFFD may be part of the text: it is no sign that something was cut"),
    Case(("hello", 0), "", "no room: the empty text fits"),
    Case(("hello", -1), Raises(ValueError), "there is no room of less than 0 bytes: refuse it"),
))

EXERCISES = (cut,)
