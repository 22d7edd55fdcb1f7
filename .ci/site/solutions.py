"""The worked solutions of a chapter, folded where their exercises stand."""
import re
from html import escape

from nbformat.v4 import new_raw_cell

# What the exercise says already: "**2. Exactly n.** ", or the heading "## Parse one group".
NUMBER = re.compile(r"\A(?:\*\*\d+\. .*?\*\*\s*|## .*\n*)")


def judged(cell) -> str:
    """The call that judges a cell's function, its last line: "check.shout(shout)"; "" where there is none."""
    last = cell.source.rstrip().rpartition("\n")[2] if cell.cell_type == "code" else ""
    return last if re.fullmatch(r"(?:check|museum)\.\w+\(\w+\)", last) else ""


def groups(cells) -> dict[str, list]:
    """The cells of each solution, by the call that judges it; with the first of several go the words and tools before them."""
    found, group = {}, []
    for cell in cells:
        calls = [judged(each) for each in group if judged(each)]
        if NUMBER.match(cell.source) and cell.cell_type == "markdown" and calls:
            found[calls[-1]] = group
            group = []
        if cell.id not in ("title", "imports") and "navigation" not in cell.metadata.get("tags", []):
            group.append(cell)
    calls = [judged(each) for each in group if judged(each)]
    return found | ({calls[-1]: group} if calls else {})


def with_solutions(cells: list, solved: list) -> list:
    """A chapter's cells, and after each exercise and its hints the solution, folded.

    ValueError for a solution whose exercise is not there: it would be seen by nobody.
    """
    solutions, made, waiting = groups(solved), [], None
    for cell in cells:
        if waiting and not (cell.cell_type == "markdown" and cell.source.startswith("<details><summary>Hint")):
            made += waiting
            waiting = None
        made.append(cell)
        call = judged(cell)
        if call in solutions:
            name = call.partition("(")[0].partition(".")[2]
            cell.outputs = [out for out in cell.outputs if "not attempted" not in str(out.get("data", {}).get("text/plain", ""))]
            waiting = folded(name, solutions.pop(call))
    made += waiting or []
    if solutions:
        raise ValueError(f"the solutions have no exercise: {', '.join(solutions)}")
    for n, cell in enumerate(made):     # a link to the solutions leads to the first below it
        if "](solutions/" in cell.source:
            cell.metadata["solution"] = next(each.metadata.solution for each in made[n:] if "fold" in each.metadata)
    return made


def folded(name: str, cells: list) -> list:
    """The cells between the beginning and the end of a fold that has the anchor "solution-…"."""
    anchor = f"solution-{name.replace('_', '-')}"
    begin = f'<details class="solution" id="{escape(anchor)}"><summary>A solution</summary>'
    for cell in cells:
        cell.id = f"{anchor}-{cell.id}"
        cell.source = NUMBER.sub("", cell.source, count=1) if cell.cell_type == "markdown" else cell.source
    fold = new_raw_cell(begin, metadata={"raw_mimetype": "text/html", "fold": True, "solution": anchor})
    return [fold, *cells, new_raw_cell("</details>", metadata={"raw_mimetype": "text/html"})]
