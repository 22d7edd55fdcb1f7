"""Predictions of this chapter. Each wrong answer is one that people give, and says what leads to it."""
from netlab.teach.questions import number, single

length = number(
    "`naïve` has five letters. How many bytes does `sendall` send for it, in UTF-8?",
    6,
    "`ï` is no ASCII character: UTF-8 writes it in two bytes.",
    {5: "That is the number of characters. A socket carries bytes, and `ï` takes two of them.",
     10: "Two bytes for every letter is UTF-16. In UTF-8 the letters of ASCII take one each."})

half = single(
    "The other side receives `b\"na\\xc3\"`, the first three bytes of `naïve`, and decodes them. What comes?",
    {"'na'": "Python does not drop bytes in silence unless you ask for it.",
     "'naÃ'": "That is what Latin-1 makes of them, where each byte is a character. UTF-8 knows that more must follow.",
     "An error": "`\\xc3` says that one more byte belongs to this character, and none is there."},
    "An error")
