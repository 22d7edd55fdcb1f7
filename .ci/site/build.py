"""Write the course as pages that need no kernel and no network.

    python .ci/site/build.py                    all chapters, into _site
    python .ci/site/build.py mine.ipynb ...     these notebooks instead, in the same look
    python .ci/site/build.py --to folder        elsewhere

What a page shows was stored by `make notebooks`; no cell runs here. Links between notebooks become links between pages, the
worked solutions are folded at their exercises, and everything lies in one folder, which may be opened as files.
"""
import argparse
import hashlib
import json
import re
import shutil
import sys
import warnings
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from nbconvert import HTMLExporter
from nbconvert.filters import ansi2html, markdown2html
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from solutions import with_solutions
from terms import Terms, sentence_around

from netlab.panels.parts import RUN_ME
from netlab.replay import player
from netlab.teach import questions

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BOOKS = ROOT / "notebooks"
SAW = "What you saw"                            # the summary of what is said of an answer; on paper it lies open
# What brings the elements of an output to life, where it does not bring the script itself.
ELEMENTS = {"netlab-replay": ("replay.js", player.script), "netlab-question": ("question.js", questions.script),
            "netlab-beside": ("question.js", questions.script)}
ASKED = re.compile(r"\*\*(?:Question|Predict)")       # in a text, as .ci/notebooks.py has it; or a cell begins with ask(
SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)       # what is data has a type: <script type="application/json">


@dataclass(eq=False)
class Page:
    """One page of the site."""
    file: str
    title: str
    about: str = ""                     # the sentence under the title
    number: str = ""                    # of a chapter: "03"
    minutes: str = ""
    path: Path | None = None            # its notebook
    body: str = ""
    parts: list = field(default_factory=list)       # (anchor, words) of its headings of level two
    scripts: list = field(default_factory=list)     # files in assets/ that its outputs need


def page_of(path: Path) -> Page:
    """The page of a notebook, still without its body; the title and what it is about are those of its first cell."""
    cells = nbformat.read(path, as_version=4).cells
    text = cells[0].source if cells and cells[0].cell_type == "markdown" else ""
    heading, *paragraphs = text.split("\n\n")
    if not heading.startswith("# "):
        return Page(f"{path.stem}.html", path.stem, path=path)
    minutes = re.search(r"\*\*Time\*\* (\d+) minutes(?:, and (\d+) more)?", text)
    number = path.stem[:2] if path.stem[:2].isdecimal() else ""
    return Page(f"{path.stem}.html", heading[2:].strip(), " ".join(paragraphs[:1]).replace("\n", " ").replace("`", ""), number,
                " + ".join(filter(None, minutes.groups())) if minutes else "", path)


def shown_again(cells) -> set[str]:
    """The ids of cells that draw once more what the answer to their question has shown: the text below speaks of the picture.

    Such a cell is hidden in JupyterLab by its tag "answer", until it is run. Here its question was answered by a fold above.
    """
    found, answered, told = set(), False, False
    for cell in cells:
        if (cell.cell_type == "markdown" and ASKED.search(cell.source)) or cell.source.startswith("ask("):
            answered = told = False
        elif cell.cell_type == "markdown":
            told = answered
        elif cell.metadata.get("jupyter"):
            drawn = [output for output in cell.outputs if output.get("data", True)]
            if told and all("<picture" in output.get("data", {}).get("text/html", "") for output in drawn):
                found.add(cell.id)
            answered = True
    return found


def cleared(cells) -> list:
    """The cells without their way, since the site has its own; no empty output, which tells JupyterLab to hide the others."""
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("data", True)]
    return [cell for cell in cells if "navigation" not in cell.metadata.get("tags", [])]


class Site:
    """The pages of some notebooks, and what they share."""

    def __init__(self, notebooks: list[Path], target: Path):
        self.target, self.terms, self.files = target, Terms(), {}
        self.course, self.page = [page_of(path) for path in notebooks], None
        self.exporter = HTMLExporter(extra_template_basedirs=[str(HERE)], template_name="cells")
        for name in ("code", "prose", "panel", "covered", "one_cover", "traceback", "scripts_once"):
            self.exporter.register_filter(name, getattr(self, name))
        self.lexer, self.formatter = PythonLexer(), HtmlFormatter(nowrap=True)
        self.frames = Environment(loader=FileSystemLoader(HERE / "pages"), autoescape=True)
        self.frames.filters["css_string"] = lambda text: Markup(re.sub(r"[^\w .,:;!?()-]", lambda c: f"\\{ord(c[0]):x} ", text))

    def write(self) -> None:
        """All pages with their scripts and styles; pages that were in the folder before are gone."""
        (self.target / "assets").mkdir(parents=True, exist_ok=True)
        for old in self.target.rglob("*.html"):
            old.unlink()
        for page in self.course:
            self._fill(page)
        index = Page("index.html", "Contents", "Sockets, learned by hand: all chapters of the course.")
        terms = Page("terms.html", "All terms", "Every term, call, option and error, and where it stands.")
        pages = [index, *self.course, terms]
        for page in (index, terms):
            body = self.frames.get_template(page.file + ".j2")
            page.body = body.render(page=page, course=self.course, words=self.terms.words())
        for page in pages:
            html = self.frames.get_template("page.html.j2").render(page=page, pages=pages, course=self.course)
            (self.target / page.file).write_text(html, encoding="utf-8", newline="\n")
        for file in (HERE / "assets").iterdir():
            shutil.copy(file, self.target / "assets")
        shutil.copy(ROOT / "LICENSE", self.target / "LICENSE")
        data = json.dumps(self.terms.rows(), ensure_ascii=False, separators=(",", ":"))
        for name, text in {**self.files, "terms.js": f"window.netlabTerms={data}"}.items():
            (self.target / "assets" / name).write_text(text, encoding="utf-8", newline="\n")

    def _fill(self, page):
        self.page = page
        self.terms.begin()
        book = nbformat.read(page.path, as_version=4)
        solved = page.path.parent / "solutions" / page.path.name
        again = shown_again(book.cells)
        for cell in book.cells:
            if cell.id in again:
                del cell.metadata["jupyter"]
        book.cells = cleared(book.cells)
        if solved.exists():
            book.cells = with_solutions(book.cells, nbformat.read(solved, as_version=4).cells)
        page.body, _ = self.exporter.from_notebook_node(book)

    # what the template asks for

    def code(self, cell) -> str:
        """A cell's code, highlighted."""
        self.terms.used(self.page, cell.source, f"cell-{cell.id}")
        return f'<pre class="code"><code>{highlight(cell.source, self.lexer, self.formatter).rstrip()}</code></pre>'

    def covered(self, cell) -> str:
        """The name of the question whose kept guess opens what came; "" where nothing is covered."""
        html = "".join(output.get("data", {}).get("text/html", "") for output in cell.outputs)
        found = re.search(r'<netlab-beside[^>]*? data-question="([^"]*)"', html)
        return unescape(found[1]) if found else ""

    def one_cover(self, outputs: str) -> str:
        """The outputs of a cell; what else it printed lies under the same cover as the picture beside which a guess is put."""
        parts = re.fullmatch(r'(?:(.*?)(<div class="html"><netlab-beside\b[^>]*>))?(.*)', outputs, re.DOTALL)
        before, element, rest = parts.groups()
        if not element:
            return outputs
        if "<picture" in before:                        # the element's own picture is its first
            return element + rest.replace("</netlab-beside>", before + "</netlab-beside>", 1)
        return element + before + rest

    def panel(self, cell) -> bool:
        """Whether the cell shows a panel."""
        return any(RUN_ME in output.get("data", {}).get("text/plain", "") for output in cell.outputs)

    def traceback(self, text: str) -> str:
        """An error as IPython wrote it, without the colours that are meant for a terminal of one shade."""
        return re.sub(r' style="[^"]*"', "", ansi2html(text))

    def scripts_once(self, html: str) -> str:
        """An output without its scripts, which become files that the page loads, each once."""
        for element, (name, script) in ELEMENTS.items():
            if f"<{element}" in html:
                self._load(name, script())
        for script in SCRIPT.findall(html):
            known = [name for name, text in self.files.items() if text == script]
            self._load(known[0] if known else f"{hashlib.sha256(script.encode()).hexdigest()[:12]}.js", script)
        return SCRIPT.sub("", html)

    def _load(self, name, script):
        self.files[name] = script
        if name not in self.page.scripts:
            self.page.scripts.append(name)

    def prose(self, cell) -> str:
        """A cell's Markdown as HTML: links lead to pages, headings and terms have anchors."""
        soup = BeautifulSoup(markdown2html(cell.source), "html.parser")
        for link in soup.select("a.anchor-link"):
            link.decompose()
        for link in soup.select("a[href]"):
            link["href"] = self._address(link["href"], cell)
        for image in soup.select("img[src]"):
            image["src"] = self._address(image["src"], cell)
        for table in soup.select("table"):
            table.wrap(soup.new_tag("div", attrs={"class": "scroll"}))
        for summary in soup.select("summary"):
            if summary.get_text() == SAW:
                summary.parent["class"] = "saw"
        for n, each in enumerate(soup.select("h2, h3, h4, p, li, tr, strong")):     # in order: a text stands below its heading
            if each.name in ("h2", "h3", "h4"):
                self._head(soup, each)
            elif each.name == "strong":
                if cell.id != "title" and not each.get("id") and each.find_parent(("p", "li", "td")):
                    self._define(each)
            elif not (each.name == "li" and each.find("p")):
                self._say(each, f"{cell.id}-{n}")
        return str(soup)

    def _address(self, address, cell):
        """Where a link of a notebook leads on the site; a file beside the notebook is copied."""
        path, _, anchor = address.partition("#")
        if not path or re.match("[a-z]+:", address):
            return address
        file = self.page.path.parent / unquote(path)
        if file.parent.name == "solutions" and file.suffix == ".ipynb":
            return f"#{cell.metadata.solution}" if "solution" in cell.metadata else f"{file.stem}.html"
        if file.suffix == ".ipynb":
            return f"{file.stem}.html" + (f"#{anchor}" if anchor else "")
        if file.is_file():
            copied = self.target / "files" / file.name
            copied.parent.mkdir(exist_ok=True)
            shutil.copy(file, copied)
            return f"files/{file.name}"
        return address

    def _head(self, soup, heading):
        words = heading.get_text()
        anchor = heading["id"] = words.replace(" ", "-")         # as JupyterLab has it: links in the notebooks know that
        self.terms.heading(self.page, words, anchor)
        if heading.name == "h2":
            self.page.parts.append((anchor, words))
        about = {"class": "anchor", "tabindex": "-1", "aria-label": f"Link to: {words}"}        # a way for the mouse alone
        link = soup.new_tag("a", href=f"#{quote(anchor)}", attrs=about)
        link.string = "#"
        heading.extend([" ", link])

    def _say(self, block, anchor):
        inner = block.select("ul, ol")
        own = [text for text in block.find_all(string=True) if not any(each in inner for each in text.parents)]
        code = " ".join(text for text in own if text.find_parent("code"))
        block["id"] = anchor
        self.terms.said(self.page, (" " if block.name == "tr" else "").join(own), code, anchor)

    def _define(self, strong):
        around = strong.find_parent(("p", "li", "td"))
        before = "".join(text for text in strong.find_all_previous(string=True)[::-1] if around in text.parents)
        sentence = sentence_around(around.get_text(), len(before))
        if anchor := self.terms.defined(self.page, strong.get_text(), sentence):
            strong["id"] = anchor
            strong["class"] = "term"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", nargs="*", type=Path)
    parser.add_argument("--to", type=Path, default=ROOT / "_site", metavar="folder")
    options = parser.parse_args(arguments)
    for path in options.notebook:
        if not path.is_file():
            parser.error(f"{path}: there is no such notebook")
    warnings.filterwarnings("ignore", "Your element with mimetype")     # an empty output, which hides those after it
    site = Site([path.resolve() for path in options.notebook] or sorted(BOOKS.glob("[0-9]*.ipynb")), options.to)
    site.write()
    print(f"{options.to / 'index.html'}: {len(site.course)} chapters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
