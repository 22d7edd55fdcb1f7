"""Every page of the site in a real chromium without any network: no error, no request, all of it by keyboard, axe content."""
import re
import shutil
from importlib import resources

import pytest
from answering import answer, step_through
from conftest import need
from pages import PAGES, site  # noqa: F401 (a fixture)

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
UNFOLD = "open => { for (const fold of document.querySelectorAll('main details')) fold.open = open }"
# What is wrong and serious. Contrast, which takes axe long, is judged of three words of each look; replays and questions are
# all alike too. And how many words that were.
JUDGE = """async () => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const seen = {}, words = [], quick = {resultTypes: ['violations'], preload: false, selectors: false};
    const ground = each => {
        for (; each; each = each.parentElement) {
            const colour = getComputedStyle(each).backgroundColor;
            if (colour !== 'rgba(0, 0, 0, 0)')
                return colour;
        }
    };
    const fresh = (key, most) => (seen[key] = (seen[key] ?? 0) + 1) <= most;
    for (const each of document.querySelectorAll('body *')) {
        const css = getComputedStyle(each), own = [...each.childNodes].some(({nodeType, data}) => nodeType === 3 && data.trim());
        if (each.shadowRoot ? fresh(each.localName, 3)
                            : own && each.checkVisibility() && fresh([css.color, css.fontSize, css.fontWeight, ground(each)], 3))
            words.push(each);
    }
    const found = [await axe.run(document, {...quick, rules: {'color-contrast': {enabled: false}}}),
                   await axe.run({include: words}, {...quick, runOnly: ['color-contrast']})];
    const wrong = found.flatMap(({violations}) => violations).filter(({impact}) => /serious|critical/.test(impact));
    const told = ({id, nodes}) => nodes.map(({html, failureSummary}) => `${id}: ${html.slice(0, 200)} ${failureSummary}`);
    return [wrong.flatMap(told), words.length];
}"""
# Wider than the page; wider than a box that does not scroll; a box that must scroll in a window of 1000.
TOO_WIDE = """() => {
    const root = document.documentElement, found = [];
    if (root.scrollWidth > innerWidth)
        found.push(`the page: ${root.scrollWidth} > ${innerWidth}`);
    for (const each of document.querySelectorAll('body *')) {
        const css = getComputedStyle(each), box = each.getBoundingClientRect();
        if (!box.width || each.closest('.skip, svg'))
            continue;
        const scroller = each.closest('pre, .scroll, .html > div, netlab-replay, netlab-question');
        if (each.scrollWidth > each.clientWidth + 1 && /hidden|clip/.test(css.overflowX) && css.display !== 'inline')
            found.push(`cut off: ${each.tagName}.${each.className} ${each.scrollWidth} > ${each.clientWidth}`);
        if (!scroller && (box.right > innerWidth + 1 || box.left < -1))
            found.push(`outside: ${each.tagName}.${each.className} ${box.left} to ${box.right}`);
        if (each.matches('img') && box.width > each.parentElement.closest('div').clientWidth + 1)
            found.push(`picture: ${box.width}`);
    }
    return found.slice(0, 5);
}"""
READABLE = """() => [...document.querySelectorAll('.prose > p')].map(p => {
    const range = document.createRange(), tops = {};
    for (const walk = document.createTreeWalker(p, NodeFilter.SHOW_TEXT); walk.nextNode();)
        for (let n = 0; n < walk.currentNode.length; n++) {
            range.setStart(walk.currentNode, n);
            range.setEnd(walk.currentNode, n + 1);
            const box = range.getBoundingClientRect();
            tops[Math.round(box.bottom / 12)] = (tops[Math.round(box.bottom / 12)] ?? 0) + 1;
        }
    return Math.max(0, ...Object.values(tops));
})"""


class Opened:
    """A page of the site in the browser, what was asked elsewhere, and what went wrong in its scripts."""

    def __init__(self, page, folder):
        self.page, self.folder, self.elsewhere, self.errors = page, folder, [], []
        page.set_default_timeout(60_000)
        page.route(lambda url: not url.startswith(("file:", "data:")), self._refuse)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type in ("error", "warning") and self.errors.append(message.text))

    def _refuse(self, route):
        self.elsewhere.append(route.request.url)
        route.abort()

    def go(self, name):
        self.page.set_viewport_size({"width": 1000, "height": 900})
        self.page.emulate_media(color_scheme="light", media="screen", reduced_motion="reduce")
        self.page.goto((self.folder / f"{name}.html").as_uri())

    def look(self, width, theme):
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=theme, media="screen", reduced_motion="reduce")


@pytest.fixture(scope="module")
def browser():
    sync = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    need(path, "no chromium on the PATH")
    with sync.sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=["--no-sandbox"]) as browser:
        yield browser


@pytest.fixture(scope="module")
def shown(browser, site):  # noqa: F811
    with browser.new_context(offline=True) as context:
        yield Opened(context.new_page(), site)


@pytest.fixture(scope="module", params=PAGES)
def opened(request, shown):
    """Each page in turn, opened once for all tests of it."""
    shown.name = request.param
    shown.go(request.param)
    yield shown


def test_it_opens_without_an_error_or_a_request(opened):
    opened.page.wait_for_load_state("load")
    opened.page.wait_for_function("window.netlabTerms?.length > 400")
    assert opened.errors == [] and opened.elsewhere == []


@pytest.mark.parametrize("width", [360, 1000, 1300])
def test_it_fits_folded_and_open(opened, width):
    opened.look(width, "light")
    for fold in (False, True):
        opened.page.evaluate(UNFOLD, fold)
        assert opened.page.evaluate(TOO_WIDE) == []


def test_lines_of_text_are_short_enough_to_read(opened):
    opened.look(1300, "light")
    assert max(opened.page.evaluate(READABLE), default=0) <= 84


def test_each_question_is_answered_by_keyboard(opened):
    opened.look(1000, "light")
    questions = opened.page.query_selector_all("netlab-question")
    for question in questions:
        said = answer(opened.page, question)
        assert said.startswith(("Right.", "Kept: ")), said
    for answered in opened.page.query_selector_all("netlab-beside"):        # what was covered until a guess was kept
        assert answered.evaluate("element => element.querySelector('picture img').checkVisibility()")
    assert opened.errors == [] and opened.elsewhere == []


COVERED = "element => [...element.querySelectorAll('pre.out, picture img')].filter(each => each.checkVisibility()).length"


def test_a_fold_asks_for_the_guess_before_it_shows_anything(shown):
    shown.go("03_server_and_client")
    page, fold = shown.page, shown.page.locator(".came[data-question]").first
    fold.locator("summary").press("Enter")
    assert fold.evaluate(COVERED) == 0
    fold.get_by_role("button", name="Show without a guess").press("Enter")
    assert fold.evaluate(COVERED) >= 2 and fold.locator("pre.out").is_visible()
    page.reload()
    assert not fold.locator("button").is_visible()
    name = fold.get_attribute("data-question")
    assert answer(page, page.query_selector(f'netlab-question[data-name="{name}"]')).endswith("What came stands below.")
    assert fold.evaluate(COVERED) >= 2
    page.get_by_role("link", name="What came stands below.").press("Enter")
    assert active(page) == ["SUMMARY", "What came out"]


def test_each_replay_is_stepped_by_keyboard(opened):
    opened.page.evaluate(UNFOLD, True)
    for replay in opened.page.query_selector_all("netlab-replay"):
        count, steps = step_through(opened.page, replay)
        assert count == f"Step {steps} of {steps}"
    opened.page.evaluate(UNFOLD, False)
    assert opened.errors == [] and opened.elsewhere == []


@pytest.mark.parametrize("width, theme", [(1000, "light"), (360, "dark")])
def test_axe_finds_nothing_serious(opened, width, theme):
    opened.look(width, theme)
    opened.page.evaluate(UNFOLD, True)
    for replay in opened.page.query_selector_all("netlab-replay")[:3]:
        replay.evaluate("element => element.shadowRoot.querySelector('.open').click()")
    opened.page.evaluate(AXE)
    wrong, words = opened.page.evaluate(JUDGE)
    assert not wrong, "\n".join(wrong)
    assert words > 10


def test_on_paper_there_is_the_lesson_alone(opened):
    opened.look(1000, "dark")
    opened.page.evaluate(UNFOLD, False)
    opened.page.emulate_media(media="print", color_scheme="dark")
    opened.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    paper, there, lying, kept = opened.page.evaluate("""() => [getComputedStyle(document.documentElement).backgroundColor,
        [...document.querySelectorAll('header, nav, footer, .menu, .skip')].filter(each => each.checkVisibility()).length,
        [...document.querySelectorAll('.came:not([data-question]), .saw')].filter(each => !each.open).length,
        [...document.querySelectorAll('.solution, .html details, .came[data-question]')].filter(each => each.open).length]""")
    opened.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert (paper, there, lying, kept) == ("rgb(255, 255, 255)", 0, 0, 0)
    assert opened.page.evaluate("document.querySelectorAll('main details[open]').length") == 0


def test_on_paper_what_came_is_seen_where_a_guess_was_kept_alone(shown):
    shown.go("03_server_and_client")
    page, folds = shown.page, shown.page.locator(".came[data-question]")
    name = folds.nth(1).get_attribute("data-question")
    answer(page, page.query_selector(f'netlab-question[data-name="{name}"]'))
    folds.first.locator("summary").click()                  # and there it stays covered
    page.emulate_media(media="print")
    seen = "element => [...element.querySelectorAll('img, pre')].some(each => each.checkVisibility())"
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert [fold.evaluate(seen) for fold in folds.all()] == [n == 1 for n in range(folds.count())]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    assert [n for n, fold in enumerate(folds.all()) if fold.evaluate("fold => fold.open")] == [0, 1]


def test_on_paper_the_steps_of_an_opened_replay_are_a_list(shown):
    shown.go("00_start_here")
    page, listed = shown.page, shown.page.locator("main ol.sentences")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert listed.count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    replay = page.locator("netlab-replay").first
    replay.locator(".open").click()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert listed.locator("li").all_inner_texts() == replay.evaluate("element => element.data.steps.map(step => step[0])")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert listed.count() == 0


def test_a_heading_is_no_stop_of_the_tab_key(opened):
    assert opened.page.evaluate("[...document.querySelectorAll('main .anchor')].filter(each => each.tabIndex >= 0).length") == 0


def active(page):
    return page.evaluate("""() => { const on = document.activeElement; return [on.tagName, on.textContent.trim()] }""")


def test_the_search_by_keyboard(shown):
    shown.go("03_server_and_client")
    page, said, links = shown.page, shown.page.locator("#found"), shown.page.locator(".hits a")
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.type("hole pun")
    assert said.inner_text() == "2 places." and "hole punching" in links.first.inner_text()
    page.keyboard.press("Escape")
    assert not links.first.is_visible() and page.input_value("#sought") == ""
    page.keyboard.type("zzz <b>")
    assert said.inner_text() == "Nothing here speaks of “zzz <b>”." and links.count() == 0
    page.keyboard.press("Control+a")
    page.keyboard.type("recv")
    assert re.match(r"The first 12 of \d+ places", said.inner_text()) and links.count() == 12
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert active(page) == ["A", links.nth(1).text_content().strip()]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert active(page)[0] == "INPUT"
    page.keyboard.press("Control+a")
    page.keyboard.type("MTU")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"01_tcp_ip\.html#term-mtu$"))
    assert page.locator("#term-mtu").inner_text() == "MTU"
    assert shown.errors == [] and shown.elsewhere == []


@pytest.mark.parametrize("sought, first", [
    ("backlog", "00_start_here.html"), ("CLOSED", "00_start_here.html"),
    ("three-way handshake", "#term-handshake"),
    ("how do I close", "00_start_here.html#read-picture"), ("FIN", "01_tcp_ip.html#tcp-saw"), ("SYN", "01_tcp_ip.html#why-three"),
    ("rst", "01_tcp_ip.html#answers-saw"), ("ACK", "06_message_sticking.html#term-ack"),
    ("recv", "03_server_and_client.html#5-recv-and-send"), ("addrinfo", "04_socket_methods.html#getaddrinfo")])
def test_what_the_search_puts_first(shown, sought, first):
    shown.go("index")
    shown.page.fill("#sought", sought)
    assert first in shown.page.locator(".hits a").first.get_attribute("href")


def test_a_short_word_is_the_beginning_of_one(shown):
    shown.go("index")
    for sought in "rst", "ack", "how do the rst":            # not first, not loopback
        shown.page.fill("#sought", sought)
        words = [each.lower() for each in shown.page.locator(".hits a").all_inner_texts()]
        beginning = re.compile(rf"(?<![a-z0-9]){sought.split()[-1]}")
        assert words and not [each for each in words if not beginning.search(each)]


def test_a_hit_in_a_closed_fold_opens_it(shown):
    shown.go("03_server_and_client")
    page = shown.page
    page.fill("#sought", "CLOSED")
    address = page.locator('.hits a[href*="-saw-"]').first.get_attribute("href")
    assert "03_server_and_client.html#" in address
    for _ in range(2):                                      # the second time the address stays as it is
        page.evaluate(UNFOLD, False)
        page.fill("#sought", "CLOSED")
        assert not page.locator("#" + address.partition("#")[2]).is_visible()
        page.locator(f'.hits a[href="{address}"]').press("Enter")
        page.locator("#" + address.partition("#")[2]).wait_for()


def test_the_menu_and_the_skip_link_by_keyboard(shown):
    shown.go("03_server_and_client")
    page = shown.page
    page.keyboard.press("Tab")
    assert active(page) == ["A", "Go to the text"]
    page.keyboard.press("Enter")
    assert active(page)[0] == "MAIN"
    shown.go("03_server_and_client")
    page.set_viewport_size({"width": 360, "height": 800})
    assert not page.locator(".menu nav").is_visible()
    while active(page) != ["SUMMARY", "Contents"]:
        page.keyboard.press("Tab")
        assert active(page)[0] != "BODY"
    page.keyboard.press("Enter")
    assert page.locator(".menu nav").is_visible()
    while active(page)[1] != "04 Every socket method":
        page.keyboard.press("Tab")
        assert active(page)[0] != "BODY"
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("04_socket_methods"))
    shown.go("03_server_and_client")
    page.set_viewport_size({"width": 1300, "height": 800})
    page.reload()
    assert page.locator(".menu nav").is_visible() and not page.locator(".menu summary").is_visible()


GROUND = "getComputedStyle(document.documentElement).backgroundColor"


def test_the_look_follows_the_system_until_it_is_chosen(shown):
    shown.go("00_start_here")
    page, light, dark = shown.page, "rgb(255, 255, 255)", "rgb(17, 20, 24)"
    page.evaluate("localStorage.clear()")
    page.reload()
    assert page.evaluate(GROUND) == light
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(GROUND) == dark
    page.get_by_role("button", name="Use the light look").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(GROUND) == light
    page.reload()
    assert page.evaluate(GROUND) == light
    page.get_by_role("button", name="Use the dark look").press("Enter")
    assert page.evaluate(GROUND) == dark
    page.evaluate("localStorage.clear()")


def test_the_look_can_be_chosen_where_nothing_can_be_stored(shown):
    shown.page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no') }})")
    shown.go("00_start_here")
    shown.page.get_by_role("button", name="Use the dark look").press("Enter")
    assert shown.page.evaluate(GROUND) == "rgb(17, 20, 24)" and shown.errors == []


def test_without_scripts_it_is_still_a_lesson(browser, site):  # noqa: F811
    with browser.new_context(offline=True, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto((site / "00_start_here.html").as_uri())
        assert not page.locator("[role=search]").is_visible() and not page.locator(".look").is_visible()
        question = page.locator("netlab-question").first
        for fold, inside in ((page.locator(".menu summary"), page.locator(".menu nav")),
                             (question.locator("summary"), question.locator("details b").first),
                             (page.locator(".came summary").nth(1), page.locator(".came picture img").first)):
            assert not inside.is_visible()
            fold.click()
            inside.wait_for()
