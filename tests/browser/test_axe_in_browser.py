"""What axe, the usual checker of accessible pages, says of what is ours: panels in use, and exported notebooks.

Ours are the outputs, and the structure of the prose: headings, lists, tables, links. The colours of prose, code, plain text
and tracebacks are the page's, JupyterLab's or nbconvert's, and so is all around the cells.
"""
from importlib import resources

import pytest
from conftest import ROOT

from browser import test_pictures_in_browser as pictures, test_quiz_in_browser as quiz
from netlab.network import Network

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
OURS, COLOURED = [".jp-OutputArea-output", ".jp-RenderedMarkdown"], [".jp-OutputArea-output:not(.jp-RenderedText)"]
OF_COLOURS = ["color-contrast", "link-in-text-block"]
# What is wrong and serious, and how many words were judged for their contrast in each of `places`. JupyterLab's body has no
# height and hides what is beyond, so that axe would take all for hidden.
JUDGE = """async ([include, options, places]) => {
    document.body.style.height = '100vh';
    const exclude = ['.nl-version-6 .nl-group + .nl-group .nl-bits'];          // 112 bits that look like the 16 before them
    const found = await axe.run({include, exclude}, {...options, preload: false, selectors: false, elementRef: true});
    document.body.style.height = '';
    const wrong = found.violations.filter(({impact}) => /serious|critical/.test(impact)).flatMap(
        ({id, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${html.slice(0, 200)} ${failureSummary}`));
    const read = found.passes.filter(({id}) => id === 'color-contrast').flatMap(({nodes}) => nodes.map(node => node.element));
    return [wrong, Object.fromEntries(places.map(place => [place, read.filter(e => e.closest(place)).length]))];
}"""
UNFOLD = "for (const fold of document.querySelectorAll('details')) fold.open = true"


def judge_structure(page):
    wrong, _ = page.evaluate(JUDGE, [OURS, {"rules": {name: {"enabled": False} for name in OF_COLOURS}}, []])
    assert not wrong, "\n".join(wrong)


def judge_colours(page, places):
    """Each of `places` has words that axe could judge, and they can be read."""
    wrong, read = page.evaluate(JUDGE, [COLOURED, {"runOnly": OF_COLOURS}, places])
    assert not wrong, "\n".join(wrong)
    assert [place for place, words in read.items() if not words] == []
    return sum(read.values())


NETWORK = not Network.why()         # else its panel says why, and shows a picture
PANELS = ["TcpPanel()", "MethodPanel()", "NetworkPanel()", "UdpPanel()", "FramingPanel()", 'AddressPanel("192.168.0.77", 26)',
          'AddressPanel("2001:db8::1", 8)']
CELLS = [*(f"from netlab.panels import *\n{panel}" for panel in PANELS), quiz.CELL, pictures.CELL,
         "from netlab.chapters.socket_methods.table import outcomes\noutcomes()"]
# What each panel shows in use.
PLACES = [f".nl-tcp {each}" for each in (".nl-head", ".nl-chip", ".nl-code", ".nl-said", ".nl-controls", ".nl-main", ".nl-end b",
                                         ".nl-last", ".nl-soft", ".nl-way", "[role=log]", ".nl-done", ".nl-goals p")]
PLACES += [f".nl-plain {each}" for each in (".nl-about", ".nl-error", ".nl-waits", ".nl-stage", ".nl-goals")]
PLACES += [f".nl-network {each}" for each in (".nl-said", ".nl-controls b", ".nl-button", ".nl-now b", ".nl-now code", ".nl-soft",
                                              ".nl-steps-of li:not(.nl-now) b", ".nl-goals")] * NETWORK
PLACES += [f".nl-udp {each}" for each in (".nl-said", ".nl-controls b", ".nl-slider", ".nl-error", ".nl-main", ".nl-end b",
                                          ".nl-waits", ".nl-link .nl-soft", ".nl-lies", ".nl-last", ".nl-done", ".nl-race th",
                                          ".nl-race td")]
PLACES += [f".nl-framing {each}" for each in (".nl-said", ".nl-controls b", ".nl-slider", ".nl-error", ".nl-main",
                                              ".nl-named .nl-soft", ".nl-understood code", ".nl-good", ".nl-bad", ".nl-how",
                                              ".nl-price", ".nl-done")]
PLACES += [f".nl-version-{version} {each}" for version in (4, 6) for each in (
    ".nl-error", ".nl-net.nl-on", ".nl-host", ".nl-place", ".nl-group-text input", ".nl-legend", "dd")]
PLACES += [f".nl-quiz {each}" for each in ("legend", ".nl-option", ".nl-field", ".nl-step", ".nl-main", "[role=alert]")]
PLACES += ["table th", "table td"]
# Drawings in a panel, which axe leaves to others, on the panel's ground.
DRAWN = f"""() => [...document.querySelectorAll('.nl-panel svg')].filter(svg => svg.checkVisibility()).flatMap(svg => {{
    const ground = document.createElementNS(svg.namespaceURI, 'rect'), {{width, height}} = svg.viewBox.baseVal;
    svg.prepend(ground);
    Object.assign(ground.style, {{width, height, fill: getComputedStyle(svg.closest('.nl-panel')).backgroundColor}});
    const found = ({pictures.LOOK})(svg);
    ground.remove();
    return found;
}})"""
LIGHT = """() => {
    const css = getComputedStyle(document.querySelector('.nl-panel'));
    const [ink, paper] = [css.color, css.backgroundColor].map(colour => +colour.match(/\\d+/)[0]);
    return ink < paper;
}"""


def use_network(page, until):
    """Send over a network, cut a cable, look at a step, give a value that is not allowed."""
    network = page.locator(".nl-network")
    network.get_by_role("button", name="Send", exact=True).click()
    until(".nl-network .nl-said", "bob answered")
    network.get_by_role("button", name="south-bob", exact=True).click()
    until(".nl-cable", "south-bob")
    network.get_by_role("button", name="Cut", exact=True).click()
    until(".nl-network .nl-said", "is cut")
    for _ in range(3):
        network.get_by_role("button", name="Previous", exact=True).click()
    network.get_by_role("button", name="The ladder", exact=True).click()
    network.locator(".nl-more img").wait_for()
    network.get_by_label("Loss %").fill("zz")
    page.keyboard.press("Enter")
    until(".nl-network .nl-error", "is not allowed")


def use_udp(page, until):
    """Send over a bad link, and the same over TCP, take one, and let another receiver wait."""
    udp = page.locator(".nl-udp")
    for name in ("Loss", "Duplicate", "Reorder"):
        udp.get_by_label(name, exact=True).fill("30")
    udp.get_by_label("How many").fill("10")
    for name, said in (("sendto", "3 were lost"), ("The same over TCP", "Over TCP all came"), ("recvfrom", "Receiver 1 received"),
                       ("Add a receiver", "Receiver 2 is bound"), ("recvfrom", "Receiver 2 waits")):
        udp.get_by_role("button", name=name, exact=True).click()
        until(".nl-udp .nl-said", said)
    udp.get_by_label("As", exact=True).select_option("hex")
    udp.get_by_label("Message").fill("zz")
    page.keyboard.press("Enter")
    until(".nl-udp .nl-error", "is not hex")


def use_framing(page, until):
    """Messages by each framing, then two of three without any, and a value that is not allowed."""
    framing = page.locator(".nl-framing")
    framing.get_by_label("At most").fill("1")
    framing.get_by_role("button", name="Run each").click()
    until(".nl-framing .nl-said", "right with 4 of 6")
    for name, said in (("sendall", "message 1"), ("sendall", "message 2"), ("recv", "all of send 1")):
        framing.get_by_role("button", name=name, exact=True).click()
        until(".nl-framing .nl-said", said)
    framing.get_by_label("Seed").fill("zz")
    page.keyboard.press("Enter")
    until(".nl-framing .nl-error", "is not a number")


def test_panels_in_use_in_jupyterlab(opened):
    notebook = opened(CELLS, width=1400, height=9000)       # all in view: axe judges no more than that
    page, until = notebook.page, notebook.until
    notebook.run_all(len(CELLS))
    page.locator("table td").first.wait_for()

    def press(name, selector, pattern):
        page.get_by_role("button", name=name, exact=True).first.click()
        until(selector, pattern)

    press("Start", ".nl-said", "listens")
    press("connect", ".nl-said", "is connected")
    press("sendall", ".nl-said", "5 bytes from the server wait")
    page.get_by_label("At most").first.fill("3")
    press("recv", ".nl-goals", "✓ Send hello")
    press("Show the code", ".nl-code", "recv")
    press("The whole story", ".nl-picture svg", "recv")
    press("Call", ".nl-waits", "recv")
    if NETWORK:
        use_network(page, until)
    use_udp(page, until)
    use_framing(page, until)
    for panel, label in ((".nl-plain", "Arguments"), (".nl-version-4", "Hex"), (".nl-version-6", "Hex")):
        page.locator(panel).get_by_label(label).fill("zz")
        page.keyboard.press("Enter")
        page.locator(f"{panel} .nl-error").wait_for()
    page.evaluate("""for (const quiz of document.querySelectorAll('.nl-quiz'))
        for (const control of ['[type=radio], [type=checkbox], .nl-row button', '.nl-main'])
            quiz.querySelector(control).click()""")
    page.locator(".nl-quiz [role=alert]").nth(3).wait_for()
    page.evaluate(UNFOLD)
    page.evaluate(AXE)
    judge_structure(page)
    for theme in ("Light", "Dark"):
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {theme}")
        page.wait_for_function("theme => document.body.dataset.jpThemeName.endsWith(theme)"
                               " && !document.getElementById('jupyterlab-splash')", arg=theme)      # which lies over all
        judge_colours(page, PLACES)
        assert page.evaluate(DRAWN) == [] and page.evaluate(LIGHT) == (theme == "Light")


# All colours of what is ours. An exported page stays light where the system is dark, and is then not judged twice.
COLOURS = f"""() => [...document.querySelectorAll('{COLOURED[0]} *')].map(e => {{
    const css = getComputedStyle(e);
    return [css.color, css.backgroundColor].join();
}})"""


@pytest.fixture(scope="module")
def export():
    """As `jupyter nbconvert --to html` does, but without the code, which has colours of nbconvert's own and takes long."""
    import nbconvert
    return nbconvert.HTMLExporter(exclude_input=True).from_filename


@pytest.mark.filterwarnings("ignore:Your element with mimetype")        # an output that is empty in order to hide the others
@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("[0-9]*.ipynb")), ids=lambda path: path.stem)
def test_an_exported_notebook(path, export, lab):
    html, _ = export(path)
    assert "No description has been provided" not in html       # which nbconvert says in the place of a missing alt
    with lab._browser.new_context(viewport={"width": 1280, "height": 900}, offline=True) as context:
        page = context.new_page()
        page.set_content(html, wait_until="domcontentloaded")        # its scripts are elsewhere, and do not come
        page.evaluate(UNFOLD)
        page.evaluate(AXE)
        judge_structure(page)
        assert judge_colours(page, [COLOURED[0]]) > 20
        light = page.evaluate(COLOURS)
        page.emulate_media(color_scheme="dark")
        if page.evaluate(COLOURS) != light:
            judge_colours(page, [COLOURED[0]])
