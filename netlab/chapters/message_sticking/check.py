"""Exercises of chapter 6: three decoders, fed with every cut of a stream, and two servers against hostile clients.

In a notebook: `from netlab.chapters.message_sticking import check`, then `check.take_lines(take_lines)`. The decoders are in
`decoders.py`, the servers in `prime.py` and `means.py`; what feeds and plays them in `feeding.py` and `hostile.py`.
"""
from netlab.chapters.message_sticking.decoders import lengths, netstrings, take_lines
from netlab.chapters.message_sticking.means import means_to_an_end
from netlab.chapters.message_sticking.prime import prime_time

EXERCISES = (take_lines, lengths, netstrings, prime_time, means_to_an_end)
