"""A replay as a reader meets it: in JupyterLab, with a kernel and without, on an exported page, narrow, dark, on paper."""
import nbformat
import pytest

import netlab
from browser import test_pictures_in_browser as pictures
from browser.test_axe_in_browser import AXE, judge_colours, judge_structure
from netlab.replay.player import Replay
from netlab.replay.values import Block, Step

CELLS = ["""\
import socket
import netlab
timeline = netlab.Timeline()""", """\
def shout(conn, address):
    while data := conn.recv(16):
        conn.sendall(data.upper())""", """\
with netlab.serve(shout, timeline=timeline) as server, timeline.socket(name="ann") as ann:
    ann.connect(server.address)
    for word in (b"hello", b"<b>&amp;</b>", b"</script><i>"):
        ann.sendall(word)
        ann.recv(100)
    ann.shutdown(socket.SHUT_WR)
    ann.recv(100)"""]
SHOWN = [*CELLS, "timeline"]
KEYS = ["Enter", "Space", "ArrowRight", "End", "Home"]
# Of one replay: the step, as a reader sees and hears it; what has the focus in the page; boxes that show or hide too much.
STEP = "replay => replay.shadowRoot.querySelector('.count').textContent"
FOCUS = """() => {
    let e = document.activeElement;
    while (e.shadowRoot?.activeElement)
        e = e.shadowRoot.activeElement;
    const css = getComputedStyle(e), drawn = css.outlineStyle !== 'none' && parseFloat(css.outlineWidth) >= 2;
    return [(e.ariaLabel || e.textContent).trim().slice(0, 40), drawn || e.localName === 'div'];
}"""
NOTEBOOK = """() => {
    const {content} = window.jupyterapp.shell.currentWidget;
    const {mode, activeCellIndex, widgets} = content;
    return [mode, activeCellIndex, ...widgets.map(({model}) => [model.type, model.sharedModel.source])];
}"""
CUT = """replay => [...replay.shadowRoot.querySelectorAll('*')].filter(e => {
    const css = getComputedStyle(e), drawing = e.closest('svg'), hides = e.clientWidth > 0 && e.localName !== 'input' && !drawing;
    return hides && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1 && css.overflowY !== 'visible');
}).map(e => `${e.localName}.${e.className} ${e.scrollWidth}>${e.clientWidth} ${e.scrollHeight}>${e.clientHeight}`).concat(
    document.documentElement.scrollWidth > innerWidth ? `the page ${document.documentElement.scrollWidth}` : [])"""


def conversation(words=(b"hello", b"<b>&amp;</b>", b"x" * 300), clients=1):
    """A Timeline of so many clients, one after the other, whose words come back."""
    timeline = netlab.Timeline()
    with netlab.serve(netlab.echo, timeline=timeline) as server:
        for n in range(clients):
            with timeline.socket(name=f"client {n + 1}") as client:
                client.connect(server.address)
                for word in words:
                    client.sendall(word)
                    client.recv(1000)
    return timeline


@pytest.fixture
def show(lab):
    """show(html) gives a page that holds it; afterwards: it asked for nothing, and no script failed."""
    contexts, wrong = [], []

    def shown(html):
        contexts.append(lab._browser.new_context(viewport={"width": 1000, "height": 800}, offline=True))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: wrong.append(dialog.message))
        page.on("request", lambda request: request.url.startswith("data:") or wrong.append(request.url))
        page.set_content("<!doctype html><html lang=en><meta charset=utf-8><style>:root {color-scheme: light dark}</style>"
                         f"<body style='margin: 8px'>{html}")
        return page

    yield shown
    for context in contexts:
        context.close()
    assert wrong == []


def html_of(shown):
    return shown._repr_mimebundle_()["text/html"]


def press(page, *names):
    for name in names:
        page.get_by_role("button", name=name, exact=True).first.click()


def step(page, number=0):
    return page.locator("netlab-replay").nth(number).evaluate(STEP)


def test_each_step_by_mouse_says_what_the_replay_says_and_reads_no_byte_as_html(show):
    replay = conversation((b"hello", b"</script><b>&amp;</b><script>alert(1)</script>")).replay()
    page, last = show(html_of(replay)), len(replay.steps)
    said = page.get_by_role("status")
    assert said.get_attribute("aria-live") == "polite" and page.get_by_role("button", name="First").is_visible()
    for number in range(1, last + 1):
        assert (step(page), said.inner_text()) == (f"Step {number} of {last}", replay.steps[number - 1].says)
        page.get_by_role("button", name="Next").click(force=True)   # it says at the end that it is of no use, and keeps the focus
    assert step(page) == f"Step {last} of {last}" and page.evaluate(FOCUS)[0] == "Next"
    for name, number in (("Previous", last - 1), ("First", 1), ("Last", last)):
        press(page, name)
        assert step(page) == f"Step {number} of {last}"
    slider = page.get_by_role("slider", name="Step")
    slider.fill("3")
    assert step(page) == f"Step 3 of {last}" and said.inner_text() == replay.steps[2].says
    assert slider.get_attribute("aria-valuetext") == f"step 3 of {last}"
    made = page.locator("netlab-replay").evaluate("({shadowRoot}) => [...shadowRoot.querySelectorAll('.columns *, .says *')].map("
                                                  "e => e.localName)")
    assert "script" not in made and "b" in made and not page.locator("netlab-replay .says *").count()


def test_a_later_row_is_faint_and_the_present_one_is_marked_and_in_view(show):
    replay = conversation((b"a", b"b", b"c"), clients=6).replay()
    page = show(html_of(replay))
    for number in (1, 2, len(replay.steps) // 2, len(replay.steps), 3):
        page.get_by_role("slider").fill(str(number))
        faint, in_view = page.locator("netlab-replay").evaluate("""replay => {
            const all = [...replay.shadowRoot.querySelectorAll('.film [data-step]')];
            const faint = all.filter(group => getComputedStyle(group).opacity < .5).map(group => +group.dataset.step);
            const band = replay.shadowRoot.querySelector('.band').getBoundingClientRect();
            const film = replay.shadowRoot.querySelector('.film').lastElementChild.getBoundingClientRect();
            return [faint, band.height > 10 && band.top >= film.top && band.bottom <= film.bottom + 1];
        }""")
        assert set(faint) == set(range(number + 1, len(replay.steps) + 1)) and in_view, number


def test_play_goes_on_to_the_end_and_stops_for_any_other_control(show):
    replay = conversation((b"a",)).replay()
    page, last = show(""), len(replay.steps)
    page.clock.install(time=0)
    page.clock.pause_at(1000)           # from now on only run_for() lets time pass
    page.set_content(f"<!doctype html>{html_of(replay)}")
    beats = [1000 + 35 * len(each.says) for each in replay.steps]       # a long sentence has more time
    press(page, "Play")
    page.clock.run_for(beats[0] - 1)
    assert step(page) == f"Step 1 of {last}"
    page.clock.run_for(2)
    assert step(page) == f"Step 2 of {last}"
    press(page, "Pause")
    page.clock.run_for(90_000)
    assert step(page) == f"Step 2 of {last}"
    press(page, "Play", "Next")
    page.clock.run_for(90_000)
    assert step(page) == f"Step 3 of {last}"
    press(page, "Play")
    live = page.get_by_role("status")
    assert live.get_attribute("aria-live") == "off"
    page.clock.run_for(sum(beats[2:-1]) + 10)       # it is over with the last step, not a beat later
    assert step(page) == f"Step {last} of {last}" and page.get_by_role("button", name="Play").is_visible()
    assert live.get_attribute("aria-live") == "polite"
    press(page, "Play")                             # from the end: once more from the beginning
    assert step(page) == f"Step 1 of {last}"
    page.locator("netlab-replay").evaluate("replay => document.body.append(replay)")        # as when a cell is moved
    page.clock.run_for(90_000)
    assert step(page) == f"Step 1 of {last}"


def test_what_the_button_below_a_tall_picture_opens_is_in_view(show):
    page = show(html_of(conversation((b"a", b"b", b"c"), clients=6)))
    page.get_by_role("button", name="Step through it").scroll_into_view_if_needed()
    press(page, "Step through it")
    box = page.get_by_role("status").bounding_box()
    assert 0 <= box["y"] < page.viewport_size["height"] - box["height"]


def test_on_a_telephone_the_bytes_of_a_step_are_in_view_with_its_row(show):
    page = show(html_of(conversation((b"a", b"b", b"c")).replay()))
    page.set_viewport_size({"width": 360, "height": 740})
    page.get_by_role("slider").fill("9")
    lowest = page.locator("netlab-replay").evaluate("""replay => {
        const all = name => [...replay.shadowRoot.querySelectorAll(name)];
        const bottom = name => Math.max(...all(name).map(each => each.getBoundingClientRect().bottom));
        return Math.max(bottom('.film'), bottom('.byte')) - replay.getBoundingClientRect().top }""")
    assert 300 < lowest < 740


def test_a_timeline_shows_the_whole_picture_and_steps_when_asked(show):
    page = show(html_of(conversation()) * 2)
    assert page.locator("img").first.is_visible() and not page.get_by_role("status").count()
    press(page, "Step through it")
    assert page.evaluate(FOCUS)[0] == "Next" and step(page).startswith("Step 1 of")
    assert page.locator("img:visible").count() == 1                 # the other replay is as it was
    page.keyboard.press("ArrowRight")
    press(page, "Whole picture")
    assert page.evaluate(FOCUS)[0] == "Step through it" and page.locator("img:visible").count() == 2


def test_nothing_is_cut_and_nothing_scrolls_inside_also_enlarged_to_200_percent(show):
    timeline = conversation((b"hello", b"a long word that no line can hold " * 30, b"\x00\xff" * 40), clients=2)
    page, wrong = show(html_of(timeline.replay())), {}
    for width in (1000, 720, 700, 640, 480, 360):
        page.set_viewport_size({"width": width, "height": 800})
        found = page.locator("netlab-replay").evaluate(f"""replay => Array.from({{length: replay.last}}, (_, n) => {{
            replay.show(n + 1);
            return ({CUT})(replay).map(words => `step ${{n + 1}}: ${{words}}`);
        }}).flat()""")
        if found:
            wrong[width] = found
    assert wrong == {}


def test_what_a_step_brings_is_marked_as_new_also_after_a_jump(show):
    replay = conversation((b"a",), clients=2).replay()
    page = show(html_of(replay))
    fresh = page.locator("netlab-replay .fresh")
    seen = {}
    for number in range(1, len(replay.steps) + 1):
        page.get_by_role("slider").fill(str(number))
        seen[number] = fresh.all_inner_texts()
    assert seen[1] == [] and any(seen.values())
    for number in reversed(seen):
        page.get_by_role("slider").fill("1")
        page.get_by_role("slider").fill(str(number))
        assert fresh.all_inner_texts() == seen[number]
    sent = next(n for n, step in enumerate(replay.steps, 1) if "sendall" in step.says)
    assert len(seen[sent]) == 1 and "61" in seen[sent][0]       # the strip that the byte lies in, and nothing else


def test_on_paper_it_is_the_whole_picture_without_controls(show):
    page = show(html_of(conversation().replay()) + html_of(conversation()))
    press(page, "Next")
    assert page.locator("img:visible").count() == 1 and page.get_by_role("button", name="Next").is_visible()
    page.emulate_media(media="print")
    assert page.locator("img:visible").count() == 2 and page.locator("netlab-replay button:visible").count() == 0
    assert page.locator("netlab-replay [role=status]:visible").count() == 0


def test_a_copy_and_data_of_another_form_show_the_picture(show):
    page = show(html_of(conversation().replay()))
    press(page, "Next")
    page.evaluate("document.body.append(document.querySelector('netlab-replay').cloneNode(true))")     # or the page saved now
    assert page.locator("img:visible").count() == 0 and step(page, 1).startswith("Step 1 of")
    page.evaluate("""() => {
        const [one, copy] = document.querySelectorAll('netlab-replay'), closed = one.cloneNode(true), newer = one.cloneNode(true);
        closed.removeAttribute('opened');
        const data = newer.querySelector('script');
        data.textContent = data.textContent.replace('{"form":1', '{"form":2');
        document.body.append(closed, newer);
    }""")
    assert page.locator("img:visible").count() == 2 and page.locator("netlab-replay").nth(3).evaluate("e => !e.shadowRoot")
    assert page.get_by_role("button", name="Step through it").locator("visible=true").count() == 1


def test_in_forced_colours_and_on_a_page_from_right_to_left_it_can_be_read(show):
    page = show(html_of(conversation().replay()))
    page.evaluate("document.documentElement.dir = 'rtl', document.body.style.textTransform = 'uppercase'")
    look = """replay => {
        const css = name => getComputedStyle(replay.shadowRoot.querySelector(name));
        const inherited = css('.film svg').direction + css('.film text').textTransform;
        return [css('.film').backgroundColor, css('.film text').fill, inherited];
    }"""
    before = page.locator("netlab-replay").evaluate(look)
    assert before[2] == "ltrnone" and before[0] == "rgba(0, 0, 0, 0)"
    page.emulate_media(forced_colors="active", color_scheme="light")
    assert page.locator("netlab-replay").evaluate(look) == ["rgb(255, 255, 255)", before[1], before[2]]


def test_the_lines_of_other_threads_have_a_mark_that_can_be_seen(show):
    steps = [Step("one", (), (0, 1), ((0, 2),))]
    page = show(html_of(Replay(conversation().replay().picture, steps, [Block("", ("a()", "    b()"))])))
    assert page.locator("netlab-replay").evaluate("""replay => ['.now', '.lit'].map(name => {
        const css = getComputedStyle(replay.shadowRoot.querySelector('.line' + name), '::before');
        return [css.content, css.textIndent];
    })""") == [['"▸"', "0px"], ['"◦"', "0px"]]


def test_where_no_script_runs_the_picture_is_there(lab):
    with lab._browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.set_content(f"<!doctype html>{html_of(conversation().replay())}")
        assert page.locator("img").is_visible() and page.locator("img").get_attribute("alt").startswith("Sequence diagram")
        assert page.locator("body").inner_text().strip() == ""


def test_by_keyboard_alone_in_jupyterlab_which_takes_no_key_for_itself(opened):
    notebook = opened(SHOWN, height=1200)
    page = notebook.page
    notebook.run_all(len(SHOWN))
    page.get_by_role("button", name="Step through it").wait_for()
    before = page.evaluate(NOTEBOOK)
    while page.evaluate(FOCUS)[0] != "Step through it":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    last = int(step(page).split()[-1])
    seen = []
    for key in ("Enter", "Space", "ArrowRight", "ArrowLeft", "End", "Home"):
        page.keyboard.press(key)
        seen.append(int(step(page).split()[1]))
        assert page.evaluate(FOCUS) == ["Next", True]
    assert seen == [2, 3, 4, 3, last, 1]
    order = []
    for key in ("Shift+Tab",) * 3 + ("Tab",) * 6:
        page.keyboard.press(key)
        name, drawn = page.evaluate(FOCUS)
        order.append(name)
        assert drawn, name
        for shortcut in "dd", "a", "b", "x", "m", "j", "k", "0":    # cut, insert, delete: what a cell would take
            for each in shortcut:
                page.keyboard.press(each)
    assert order == ["Play", "Previous", "First", "Previous", "Play", "Next", "Last", "Step", "Whole picture"]
    page.keyboard.press("Shift+Tab")
    seen = []
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "End", "Home"):
        page.keyboard.press(key)
        seen.append(int(step(page).split()[1]))
    assert seen == [2, 3, 2, last, 1] and page.evaluate(FOCUS) == ["Step", True]
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate(FOCUS) == ["Step through it", True] and page.locator("netlab-replay img").is_visible()
    assert page.evaluate(NOTEBOOK) == before


def test_the_learners_line_is_lit_in_the_cell_that_made_the_call(opened):
    notebook = opened([*CELLS, "timeline.replay()"])
    page = notebook.page
    notebook.run_all(4)
    page.get_by_role("status").wait_for()
    press(page, "Last", "First")
    lit = {}
    for _ in range(int(step(page).split()[-1])):
        for title, line in page.locator("netlab-replay .line.now").evaluate_all("""lines => lines.map(
                line => [line.closest('.block').querySelector('.title').textContent, line.textContent])"""):
            lit.setdefault(title, set()).add(line.strip())
        page.keyboard.press("ArrowRight")
    one, two = CELLS[2].splitlines(), CELLS[1].splitlines()
    assert lit == {"Cell: def shout": {two[1].strip(), two[2].strip()},
                   f"Cell: {one[0][:39]}…": {line.strip() for line in one if "for word" not in line}}


def test_it_steps_after_a_restart_of_the_kernel_and_a_cell_run_again_has_a_new_one(opened):
    notebook = opened([*CELLS, "timeline.replay()"])
    page = notebook.page
    notebook.run_all(4)
    page.get_by_role("status").wait_for()
    press(page, "Next", "Play")
    old = page.locator("netlab-replay").element_handle()
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("old => !old.isConnected && document.querySelectorAll('netlab-replay').length === 1", arg=old)
    page.get_by_role("status").wait_for()
    assert old.evaluate("old => old.timer") is None and step(page).startswith("Step 1 of")
    page.evaluate("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_function("window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'")
    press(page, "Next", "Next")
    assert step(page).startswith("Step 3 of")


def test_a_saved_notebook_steps_without_a_kernel_and_shows_the_picture_where_it_is_not_trusted(opened, lab):
    notebook = opened(SHOWN)
    page = notebook.page
    notebook.run_all(len(SHOWN))
    page.get_by_role("button", name="Step through it").wait_for()
    path = page.evaluate("""async () => {
        const {commands, shell} = window.jupyterapp;
        await commands.execute('docmanager:save');
        return shell.currentWidget.context.path;
    }""")
    stored = nbformat.read(lab.folder / "work" / path, as_version=4)
    assert "netlab-replay" in stored.cells[-1].outputs[0].data["text/html"]
    stored.cells[0].source += "  # as somebody else would send it"
    nbformat.write(stored, lab.folder / "work" / "sent.ipynb")
    open_without = """async path => {
        const {commands, shell} = window.jupyterapp;
        for (const old of [...shell.widgets('main')])
            old.dispose();
        const opened = await commands.execute('docmanager:open', {path, kernelPreference: {shouldStart: false, canStart: false}});
        await opened.context.ready;
        await opened.revealed;
        return !!opened.sessionContext.session;
    }"""
    # Our script makes no promises: what fails in it comes as an event, while a promise that is not kept comes otherwise.
    page.evaluate("window.failed = []; window.addEventListener('error', event => window.failed.push(event.message))")
    assert page.evaluate(open_without, path) is False
    press(page, "Step through it", "Next", "Next")
    assert step(page).startswith("Step 3 of")
    assert page.evaluate(open_without, "sent.ipynb") is False
    page.locator(".jp-OutputArea-output img").wait_for()
    assert page.locator(".jp-OutputArea-output img").get_attribute("alt").startswith("Sequence diagram")
    assert page.get_by_role("button", name="Step through it").count() == 0
    assert page.locator(".jp-OutputArea-output:has(img)").inner_text().strip() == ""       # no word of the steps' JSON
    assert page.evaluate("window.failed") == []
    opened(["0"])
    lab.errors.clear()      # what JupyterLab and ipywidgets promised themselves of a kernel that is gone


# Drawings, which axe leaves to others: the words of what has happened, on the replay's own ground.
PALE = f"""replay => [...replay.shadowRoot.querySelectorAll('.film svg')].flatMap(svg => {{
    const ground = document.createElementNS(svg.namespaceURI, 'rect'), later = [...svg.querySelectorAll('.later')];
    for (const group of later)
        group.remove();
    svg.prepend(ground);
    const stage = getComputedStyle(replay.shadowRoot.querySelector('.stage')).backgroundColor;
    for (const [name, value] of Object.entries({{width: 999, y: -99999, height: 199999, fill: stage}}))
        ground.setAttribute(name, value);
    const found = ({pictures.LOOK})(svg).filter(words => words.startsWith('contrast'));
    ground.remove();
    return found;
}})"""
PLACES = [".says", ".bar button", ".count", ".place b", ".state", ".doing", ".queue", ".label", ".none", ".byte", ".rest",
          ".title", ".line", ".line.now", ".open"]
UDP = """with timeline.socket(type=socket.SOCK_DGRAM) as a, timeline.socket(type=socket.SOCK_DGRAM) as b:
    b.bind(("127.0.0.1", 0))
    for n in range(12):
        a.sendto(b"datagram", b.getsockname())"""


def test_axe_and_the_themes_of_jupyterlab(opened):
    notebook = opened([*CELLS, UDP, "timeline.replay()", "timeline.replay()", "timeline"], width=1400, height=5000)
    page = notebook.page
    notebook.run_all(7)
    page.get_by_role("button", name="Step through it").wait_for()
    for number, what in enumerate((".rest", ".scene:has(.doing):has(.none)")):
        page.locator("netlab-replay").nth(number).evaluate("""(replay, what) => {
            for (let n = 1; !replay.shadowRoot.querySelector(what); n++)
                replay.show(n);
        }""", what)
    page.evaluate(AXE)
    judge_structure(page)
    for theme in ("Light", "Dark"):
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", f"JupyterLab {theme}")
        page.wait_for_function("theme => document.body.dataset.jpThemeName.endsWith(theme)"
                               " && !document.getElementById('jupyterlab-splash')", arg=theme)
        judge_colours(page, PLACES)
        ground = page.locator("netlab-replay").first.evaluate(
            "replay => getComputedStyle(replay.shadowRoot.querySelector('.stage')).backgroundColor")
        assert (sum(map(int, ground[4:-1].split(","))) < 200) == (theme == "Dark"), ground
    assert page.locator("netlab-replay").first.evaluate(PALE) == []


def test_on_a_page_made_by_nbconvert_it_steps_with_nothing_running(lab):
    import nbconvert
    shown = nbformat.v4.new_output("display_data", conversation()._repr_mimebundle_())
    html, _ = nbconvert.HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell("timeline", outputs=[shown], execution_count=1)]))
    with lab._browser.new_context(offline=True) as context:
        page, wrong = context.new_page(), []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.set_content(html, wait_until="domcontentloaded")       # nbconvert's own scripts are elsewhere, and do not come
        press(page, "Step through it", "Next")
        assert step(page).startswith("Step 2 of")
        assert [error for error in wrong if "require" not in error.lower()] == []
