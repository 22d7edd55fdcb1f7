"""The pages that `make site` writes: every link leads somewhere, nothing of the notebooks is lost, nothing is fetched."""
import json
import re
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from pages import CHAPTERS, PAGES, build, site  # noqa: F401 (a fixture)

from netlab import panels
from netlab.panels.parts import RUN_ME

each_page = pytest.mark.parametrize("name", PAGES)
each_chapter = pytest.mark.parametrize("name", CHAPTERS)
# These draw a run whose question was answered above; the text around them speaks of the picture.
SHOWN_AGAIN = {("00_start_here", "picture"), ("05_udp", "beside")}
SOLVED = [name for name in CHAPTERS if (ROOT / f"notebooks/solutions/{name}.ipynb").exists()]


@pytest.fixture(scope="module")
def soups(site):  # noqa: F811
    return {path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in site.glob("*.html")}


@pytest.fixture(scope="module")
def places(soups):
    """Of each page, what has an id."""
    return {name: {tag["id"]: tag for tag in soup.select("[id]")} for name, soup in soups.items()}


def cells(path):
    return nbformat.read(ROOT / "notebooks" / f"{path}.ipynb", as_version=4).cells


def test_there_is_a_page_for_each_chapter(soups):
    assert sorted(soups) == sorted(f"{name}.html" for name in PAGES)


@each_page
def test_every_link_and_anchor_exists(name, soups, places, site):  # noqa: F811
    soup = soups[f"{name}.html"]
    ids = [tag["id"] for tag in soup.select("[id]")]
    assert len(ids) == len(set(ids)), sorted({each for each in ids if ids.count(each) > 1})
    for link in soup.select("a[href]"):
        parts = urlsplit(link["href"])
        if parts.scheme:
            assert parts.scheme == "https", link
            continue
        file = unquote(parts.path) or f"{name}.html"
        assert not file.startswith("/") and (site / file).is_file(), link
        if parts.fragment:
            assert unquote(parts.fragment) in places[file], link
    for tag, kind in ("link", "href"), ("script", "src"), ("img", "src"):
        for each in soup.select(f"{tag}[{kind}]"):
            assert each[kind].startswith("data:") or (site / each[kind]).is_file(), str(each)[:200]


@each_page
def test_the_frame_of_a_page(name, soups):
    soup = soups[f"{name}.html"]
    assert len(soup.select("h1")) == len(soup.select("main h1")) == 1
    assert soup.html["lang"] == "en" and soup.title.text.startswith(soup.h1.text if name != "index" else "Contents")
    assert soup.body.find("a")["href"] == "#main"               # the first thing that Tab reaches
    assert [link["href"] for link in soup.select(".menu > nav > ul > li > a")] == [f"{each}.html" for each in PAGES]
    assert len(soup.select(".menu [aria-current=page]")) == 1
    assert bool(soup.select('main > .still:first-child a[href="index.html#run"]')) == (name in CHAPTERS)
    if name in CHAPTERS:
        at = CHAPTERS.index(name)
        around = [CHAPTERS[at - 1] if at else None, "index", CHAPTERS[at + 1] if at + 1 < len(CHAPTERS) else None]
        assert [link["href"] for link in soup.select(".ways a")] == [f"{each}.html" for each in around if each]
        parts = [unquote(link["href"][1:]) for link in soup.select(".menu ul ul a")]
        assert parts == [heading["id"] for heading in soup.select("main h2")] != []


@each_chapter
def test_every_cell_is_on_the_page(name, places):
    for cell in cells(name):
        if "navigation" in cell.metadata.get("tags", []):
            continue
        place = places[f"{name}.html"][f"cell-{cell.id}"]
        if cell.cell_type == "code":
            assert cell.source.startswith("ask(") or place.find("pre").text.strip() == cell.source.strip(), cell.id
            shown = place.select(".outputs")
            stored = [out for out in cell.outputs if out.get("data", True) and "not attempted" not in str(out)]
            assert len(shown) == bool(stored), cell.id
            folded = bool(cell.metadata.get("jupyter")) and bool(stored) and (name, cell.id) not in SHOWN_AGAIN
            assert len(place.select("details.came > .outputs")) == folded, cell.id
            for out in stored:
                text = out.get("text") if out.output_type == "stream" else out.get("evalue")
                if text and out.output_type == "error":
                    assert text in place.text, cell.id
                elif text:
                    assert text.strip() in place.text.replace("\r\n", "\n"), cell.id
        else:
            assert len(place.select("details")) == cell.source.count("<details>"), cell.id


@each_chapter
def test_a_panel_is_a_picture(name, places):
    for cell in cells(name):
        if any(RUN_ME in str(out.get("data", {}).get("text/plain")) for out in cell.get("outputs", [])):
            place = places[f"{name}.html"][f"cell-{cell.id}"]
            assert place.select("picture img[alt]") and "panel in use" in place.select(".note")[0].text, cell.id


@pytest.mark.parametrize("name", [name for name in panels.__all__ if name.endswith("Panel")])
def test_each_panel_leaves_a_picture_of_itself(name):
    with getattr(panels, name)() as panel:
        stored = panel.stored()
    assert RUN_ME in stored["text/plain"] and "<picture>" in stored["text/html"]


@pytest.mark.parametrize("name", SOLVED)
def test_each_solution_is_folded_at_its_exercise(name, soups, places):
    found, book = 0, cells(name)
    for cell in cells(f"solutions/{name}"):
        judge = cell.source.strip().splitlines()[-1] if cell.cell_type == "code" else ""
        if not re.fullmatch(r"(check|museum)\.\w+\(\w+\)", judge):
            continue
        found += 1
        exercise = places[f"{name}.html"][next(f"cell-{each.id}" for each in book if each.source.strip().endswith(judge))]
        fold = exercise.find_next(class_="solution")
        assert cell.source.strip() in [pre.text.strip() for pre in fold.select("pre.code")], cell.id
        assert "passed" in fold.text or "mended" in fold.text, cell.id
        between = [each for each in exercise.find_next_siblings() if each.sourceline <= fold.sourceline]
        assert all(each is fold or each.find("summary", string=re.compile("hint", re.I)) for each in between), cell.id
    assert found >= len(soups[f"{name}.html"].select(".solution")) > 0


def test_terms_headings_and_calls_can_be_found(places, site):  # noqa: F811
    rows = json.loads((site / "assets/terms.js").read_text(encoding="utf-8").removeprefix("window.netlabTerms="))
    known = {(word, kind) for word, kind, *_ in rows}
    assert known >= {("kernel", "term"), ("port", "term"), ("MTU", "term"), ("TIME_WAIT", "term"), ("framing", "term"),
                     ("Ways to fail", "part"), ("recvfrom", "name"), ("setsockopt", "name"), ("SO_REUSEADDR", "name"),
                     ("ECONNREFUSED", "name")}
    for word, kind, address, named, sentence in rows:
        file, _, anchor = address.partition("#")
        place = places[file].get(unquote(anchor))
        assert place, address
        assert kind != "term" or (place.text == word and word in sentence), address
        assert kind != "text" or sentence == " ".join(sentence.split()) != "", address
        above = place.find_previous(["h2", "h3", "h4"])
        if kind != "part" and above:
            words = above.text.removesuffix(" #")
            assert named.endswith(" · " + re.sub(r"^\d+\.? ", "", words)), (address, named, words)


@each_chapter
def test_questions_and_replays_come_to_life(name, soups):
    soup, stored = soups[f"{name}.html"], "".join(str(cell.get("outputs", "")) for cell in cells(name))
    assert len(soup.select("netlab-question")) == sum(cell.source.startswith("ask(") for cell in cells(name)) > 0
    for element, script in ("netlab-question", "question.js"), ("netlab-beside", "question.js"), ("netlab-replay", "replay.js"):
        assert len(soup.select(element)) == stored.count(f"</{element}>"), element
        assert not soup.select(element) or soup.select(f'script[src="assets/{script}"]'), element
    for beside in soup.select("netlab-beside"):
        fold = beside.find_parent("details", class_="came")
        assert fold["data-question"] == beside["data-question"] and fold["id"].startswith("came-")
        assert len(fold.select("pre.out")) == len(beside.select("pre.out")), "one cover for all that came"


def test_the_course_can_be_stepped_through(soups):
    assert sum(len(soup.select("netlab-replay")) for soup in soups.values()) > 20


def test_no_script_comes_twice(soups, site):  # noqa: F811
    for name, soup in soups.items():
        inside = [script for script in soup.select("main script") if script.get("type") != "application/json"]
        assert not inside, f"{name}: a script of an output stands in the page"
        sources = [script["src"] for script in soup.select("script[src]")]
        assert len(sources) == len(set(sources))


def test_a_notebook_of_ones_own(tmp_path):
    book = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("# Mine\n\nA try.\n\n## One <part>\n\nA **beacon** is sent. "
                                      "See [a file](data.csv) and [03](03_server.ipynb)."),
        nbformat.v4.new_code_cell("print('<b>&')", execution_count=1, outputs=[
            nbformat.v4.new_output("stream", name="stdout", text="<b>&\n")]),
        *(nbformat.v4.new_code_cell("it", execution_count=2, outputs=[nbformat.v4.new_output("display_data", {
            "text/html": "<x-it></x-it><script>one = 1</script>"})]) for _ in range(2))])
    nbformat.write(book, tmp_path / "mine.ipynb")
    (tmp_path / "data.csv").write_text("1,2")
    folder = build(tmp_path / "out", tmp_path / "mine.ipynb")
    found = sorted(path.name for path in folder.iterdir())
    assert found == ["LICENSE", "assets", "files", "index.html", "mine.html", "terms.html"]
    soup = BeautifulSoup((folder / "mine.html").read_text(encoding="utf-8"), "html.parser")
    assert soup.select_one("pre.out").text == "<b>&" and not soup.select("main b")
    assert [link["href"] for link in soup.select("main .prose p a")] == ["files/data.csv", "03_server.html"]
    assert len(soup.select("x-it")) == 2 and len(soup.select("script[src]")) == 4 and "one = 1" not in str(soup)
    assert [(folder / script["src"]).read_text() for script in soup.select("script[src]")][-1] == "one = 1"
    assert soup.find(id="term-beacon")


@pytest.mark.parametrize("before, picture, folds", [
    (["**Question.** What?", None, "Drawn:"], True, 1),                 # answered, then drawn
    (["**Question.** What?", None, "And the other:"], False, 2),        # answers it too
    (["**Question.** What?", None, "**Predict** it."], True, 2),        # asked again
    (["**Question.** What?", None], True, 2), (["**Question.** What?"], True, 1)])
def test_what_is_drawn_after_the_answer_stands_open(tmp_path, before, picture, folds):
    def hidden(**data):
        return nbformat.v4.new_code_cell("it", metadata={"jupyter": {"outputs_hidden": True}}, outputs=[
            nbformat.v4.new_output("display_data", {}), nbformat.v4.new_output("display_data", data)])
    cells = [nbformat.v4.new_markdown_cell(each) if each else hidden(**{"text/plain": "b''"}) for each in ["# Mine", *before]]
    last = {"text/html": "<picture></picture>"} if picture else {"text/plain": "b''"}
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, hidden(**last)]), tmp_path / "mine.ipynb")
    folder = build(tmp_path / "out", tmp_path / "mine.ipynb")
    assert (folder / "mine.html").read_text(encoding="utf-8").count('<details class="came">') == folds


def test_a_solution_without_an_exercise_is_told(tmp_path):
    folder = tmp_path / "solutions"
    folder.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Mine")]), tmp_path / "mine.ipynb")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("check.lost(lost)")]), folder / "mine.ipynb")
    with pytest.raises(AssertionError, match=r"no exercise: check\.lost\(lost\)"):
        build(tmp_path / "out", tmp_path / "mine.ipynb")
