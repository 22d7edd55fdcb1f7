"""Where recorded calls stand in the learner's own code: the cells, or the parts of a script, that made them."""
import ast
import linecache
import os.path
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field

from netlab.events import ENDINGS, Event
from netlab.replay.values import Block

WHOLE = 30      # lines: a cell or a script up to here is shown as it is; of a longer one, what is around the calls
TITLE = 40      # characters of a line that stand for a cell


@dataclass
class Source:
    """One cell, or one script, and the numbers of its lines that made calls, from 1, in the order of the calls."""
    lines: tuple[str, ...]
    script: str                     # the name of its file, "" for a cell
    called: list[int] = field(default_factory=list)
    functions: list[tuple[int, int, str]] = field(default_factory=list)     # first line, last line, name; inner ones later
    headers: dict[int, int] = field(default_factory=dict)       # of a `with` over several lines: {another line: its first}

    def __post_init__(self):
        try:
            tree = ast.parse("\n".join(self.lines))
        except SyntaxError:             # the text has been changed since
            return
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = min(line.lineno for line in (node, *node.decorator_list))
                self.functions.append((first, node.end_lineno, node.name))
            elif isinstance(node, ast.With | ast.AsyncWith):
                self.headers |= dict.fromkeys(range(node.lineno + 1, node.items[-1].context_expr.end_lineno + 1), node.lineno)
        self.functions.sort()

    def around(self, line):
        """The innermost function that this line is in, or None."""
        return next((each for each in reversed(self.functions) if each[0] <= line <= each[1]), None)


def blocks_of(events: Iterable[Event]) -> tuple[list[Block], dict[int, tuple[int, int]]]:
    """The code that made these calls, in the order of `events`, and where in it each call stands.

    The places are {`Event.index`: (number of its block from 0, line in the block from 1)}; a call whose code is not
    known, such as one by netlab's own server or by code made with exec(), has none. A call over several lines stands at
    the line where its expression begins, or where the method's name is, in a chain of them. Cells with the same text are
    one block.
    """
    sources, known, found = {}, {}, {}
    for event in events:
        if event.where is None or event.index in found:
            continue
        code, offset = event.where
        if id(code) not in known:           # a loop has thousands of calls of one code object
            source, lines = _source(code.co_filename), [line for line, *_ in code.co_positions()]
            known[id(code)] = sources.setdefault((source.lines, source.script), source), lines, code
        source, lines, _ = known[id(code)]
        line = lines[offset // 2]           # an instruction has two bytes
        if event.method in ENDINGS:         # at the end of a `with`: Python 3.11 names its first line, 3.13 one of its others
            line = source.headers.get(line, line)
        if line and "".join(source.lines[line - 1:line]).strip():       # else the text has been changed since
            source.called.append(line)
            found[event.index] = source, line
    blocks, places = [], {}
    sources = [source for source in sources.values() if source.called]
    for source in sources:
        block, numbers = _block(source, titled=len(sources) > 1)
        places |= {index: (len(blocks), numbers[line]) for index, (of, line) in found.items() if of is source}
        blocks.append(block)
    return blocks, places


def _source(filename):
    """What linecache knows of a file: IPython and doctest give it their cells' text too. No lines where it is not known."""
    lines = "".join(linecache.getlines(filename)).rstrip().split("\n")
    of_cell = filename.startswith("<") or linecache.cache.get(filename, (0, None))[1] is None      # no time: not from a disk
    return Source(tuple(lines), "" if of_cell else os.path.basename(filename))


def _block(source, titled):
    """(the Block, {line of the source: line of the block})."""
    shown, gaps, numbers, before = [], [], {}, 0
    for line in _kept(source):
        if shown and line > before + 1:
            gaps.append(len(shown))
            shown.append("")
        shown.append(source.lines[line - 1])
        numbers[line], before = len(shown), line
    shown = textwrap.dedent("\n".join(shown)).split("\n")
    for gap in gaps:
        shown[gap] = "…"
    return Block(_title(source) if titled else "", tuple(shown)), numbers


def _kept(source):
    """The numbers of the lines to show: as much around the calls as WHOLE allows, but each of them."""
    last = len(source.lines)
    if last <= WHOLE:
        return list(range(1, last + 1))
    for near in (WHOLE, 3, 1, 0):
        kept = set()
        for line in set(source.called):
            first, end, _ = source.around(line) or (max(line - 3, 1), min(line + 3, last), "")
            kept |= {first, *range(max(line - near, first), min(line + near, end) + 1)}
        if len(kept) <= WHOLE:
            break
    kept |= {line for line in range(2, last) if {line - 1, line + 1} <= kept}         # a mark for one line is as long as it
    return [line for line in sorted(kept) if source.lines[line - 1].strip() or {line - 1, line + 1} <= kept]


def _title(source):
    if source.script:
        return source.script
    named = [each[2] for line in source.called if (each := source.around(line))]
    words = f"def {named[0]}" if named else source.lines[source.called[0] - 1].strip()
    return f"Cell: {words if len(words) <= TITLE else words[:TITLE - 1] + '…'}"
