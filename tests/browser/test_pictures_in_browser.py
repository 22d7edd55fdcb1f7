"""The stored pictures as a reader meets them elsewhere: cleaned as pages clean them, dark, narrow, and on paper."""
import re
from urllib.parse import unquote

import bleach
import nbformat
import pytest
from conftest import ROOT

from netlab.teach.cuts import cuts

HTML = {f"{path.name[:2]} {cell.id}": output.data["text/html"]
        for path in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
        for output in cell.outputs if "<img" in output.get("data", {}).get("text/html", "")}
CUTS = {"short": cuts([b"3", b"12", b"250"], [b"312"], note="312 is a fine number."), "none": cuts([b"312"], []),
        "long": cuts([b"tea 3\n", b"", b"x" * 5000] * 9, [b"tea", b" 3\n" + b"x" * 5000]),
        "end": cuts([b"a"] * 5, [b"aaaaa", b""])}
HTML |= {f"cuts, {name}": picture._repr_mimebundle_()["text/html"] for name, picture in CUTS.items()}
FORMS = {"wide": ' src="data:image/svg.xml,([^"]*)"', "narrow": ' srcset="data:image/svg.xml,([^"]*)"'}
DRAWN = {f"{name}, {form}": unquote(found[1]) for name, html in HTML.items() for form, pattern in FORMS.items()
         if (found := re.search(pattern, html))}
SHEET = re.compile(r"""<style>.*?</style>| (?:class|style)=(?:'[^']*'|"[^"]*")""", re.DOTALL)

# What is wrong with the words of a drawing: beyond the frame, over other words, on a lifeline, too pale to be read.
LOOK = r"""svg => {
    const place = e => svg.getScreenCTM().inverse().multiply(e.getScreenCTM());     // from its own coordinates to the picture's
    const box = e => {
        const {x, y, width, height} = e.getBBox(), m = place(e);
        return {x: x * m.a + m.e, y: y * m.d + m.f + 2, r: (x + width) * m.a + m.e, b: (y + height) * m.d + m.f - 2};
    };
    const meet = (a, b) => a.x < b.r - 1 && b.x < a.r - 1 && a.y < b.b - 1 && b.y < a.b - 1;
    const colours = (e, share) => getComputedStyle(e).fill.match(/[\d.]+/g).slice(0, 3).map(c => share * c / 255);
    const light = (e, under, share = 1) => {        // of what is seen where `e` lies over `under`, and hides but a share of it
        const below = share < 1 ? colours(under, 1 - share) : [0, 0, 0];
        const [r, g, b] = colours(e, share).map((c, n) => c + below[n])
            .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const {width, height} = svg.viewBox.baseVal, found = [];
    const seen = shapes => [...svg.querySelectorAll(shapes)].filter(e => !e.closest('[display="none"]')), texts = seen('text');
    const grounds = seen('rect, path').filter(
        e => getComputedStyle(e).fill !== 'none' && (e.tagName === 'rect' || /z$/.test(e.getAttribute('d'))));
    const lifelines = [...svg.querySelectorAll('path')].filter(
        e => /^M[\d.]+ [\d.]+V[\d.]+(m|$)/.test(e.getAttribute('d'))).map(box);
    const boxes = new Map(texts.map(text => [text, box(text)]));
    for (const [n, text] of texts.entries()) {
        const at = boxes.get(text), words = text.textContent;
        if (at.x < 3 || at.y < 0 || at.r > width - 3 || at.b > height)
            found.push(`cut: ${words}`);
        for (const other of texts.slice(n + 1).filter(other => meet(at, boxes.get(other)) && !/^[01]+$/.test(words)))
            found.push(`over other words: ${words} / ${other.textContent}`);
        for (const line of lifelines.filter(b => at.x < b.r - 1 && b.x < at.r - 1 && at.y < b.b && b.y < at.b))
            found.push(`on a lifeline: ${words}`);
        const point = text.getStartPositionOfChar(0), end = text.getEndPositionOfChar(0);
        point.x = (point.x + end.x) / 2;
        point.y -= 4;
        const here = point.matrixTransform(place(text));
        const under = grounds.filter(e => e.isPointInFill(here.matrixTransform(place(e).inverse())));
        const ground = under.at(-1), share = ground ? +getComputedStyle(ground).fillOpacity : 1;
        for (const part of [text, ...text.children].filter(e => e.firstChild?.nodeType === 3)) {
            const both = [light(part, ground, +getComputedStyle(part).opacity), ground ? light(ground, under.at(-2), share) : 1];
            const contrast = (Math.max(...both) + .05) / (Math.min(...both) + .05);
            if (contrast < 4.5)
                found.push(`contrast ${contrast.toFixed(1)}: ${part.textContent}`);
        }
    }
    return found;
}"""

PIXELS = """() => [...document.images].map(image => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.toDataURL();
})"""


def as_cleaned(html):
    """As a page does that lets pictures in: no script, no style, no class, and of <picture> only its <img>."""
    html = re.sub("<script.*?</script>", "", html, flags=re.DOTALL)
    return bleach.clean(html, tags={"img", "p", "div", "table"}, attributes={"img": ["src", "alt"]},
                        protocols={"data", "https"}, strip=True)


@pytest.fixture
def show(lab):
    """show(html, width, dark) gives a page that holds it, and asks for nothing."""
    contexts = []

    def shown(html, width=1000, dark=False):
        contexts.append(lab._browser.new_context(viewport={"width": width, "height": 800}, offline=True,
                                                 color_scheme="dark" if dark else "light"))
        page = contexts[-1].new_page()
        page.set_content(f"<!doctype html><meta charset=utf-8><body style='margin:8px'>{html}")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        return page

    yield shown
    for context in contexts:
        context.close()


def test_there_are_pictures_and_each_has_a_narrow_form():
    assert len(HTML) >= 17 and len(DRAWN) == 2 * len(HTML)


def test_a_page_that_takes_styles_away_shows_the_same_picture(show):
    cleaned = {name: as_cleaned(html) for name, html in HTML.items()}
    assert not [name for name, html in cleaned.items() if "style" in re.sub('src="[^"]*"', "", html)]
    page = show("".join(f"<div>{html}</div><div>{cleaned[name]}</div>" for name, html in HTML.items()))
    images, drawn = page.locator("img").all(), page.evaluate(PIXELS)
    assert len(images) == len(drawn) == 2 * len(HTML)
    for n, name in enumerate(HTML):
        after = images[2 * n + 1]
        assert after.evaluate("image => image.naturalWidth") == 760 and len(after.get_attribute("alt")) > 20, name
        assert drawn[2 * n] == drawn[2 * n + 1] and len(drawn[2 * n]) > 2000, name


@pytest.mark.parametrize("way", ["cleaned", "as stored, light", "as stored, dark"])
def test_each_word_can_be_read(show, way):
    """Also where the <svg> itself is put into a page and loses its sheet, its classes and its styles."""
    wrong = {}
    page = show("<div></div>", dark=way.endswith("dark"))
    for name, svg in DRAWN.items():
        page.evaluate("svg => document.querySelector('div').innerHTML = svg", SHEET.sub("", svg) if way == "cleaned" else svg)
        if found := page.locator("svg").evaluate(LOOK):
            wrong[name] = found
    assert wrong == {}


def test_they_shrink_with_the_window_and_change_to_the_narrow_form(show):
    page = show("".join(HTML.values()))
    for width, drawn in ((1000, 760), (720, 760), (700, 360), (360, 360), (330, 360)):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("drawn => [...document.images].every(image => image.complete && image.naturalWidth === drawn)",
                               arg=drawn)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        lefts = page.evaluate("""[...document.images].filter(image => image.checkVisibility()).map(
            image => [!!image.closest('netlab-question'), image.getBoundingClientRect().left])""")
        assert len({left for asks, left in lefts if not asks}) == len({left for asks, left in lefts if asks}) == 1


CELL = """import netlab
timeline = netlab.Timeline()
a, b = timeline.socketpair()
with a, b:
    a.sendall(b"hello")
    b.recv(5)
timeline"""


def test_in_jupyterlab_it_has_alternative_text_and_is_not_cut(opened):
    notebook = opened([CELL])
    page = notebook.page
    notebook.run_all(1)
    image = page.locator(".jp-OutputArea-output img")
    image.wait_for()
    assert image.get_attribute("alt").startswith("Sequence diagram. The client sent 5 bytes")
    for width, drawn in ((1300, 760), (640, 360)):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function("drawn => document.querySelector('.jp-OutputArea-output img').naturalWidth === drawn", arg=drawn)
        page.wait_for_function("""() => {
            const image = document.querySelector('.jp-OutputArea-output img'), room = image.closest('.jp-OutputArea-output');
            return image.getBoundingClientRect().right <= room.getBoundingClientRect().right + 1;
        }""")
