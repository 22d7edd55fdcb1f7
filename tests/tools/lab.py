"""A real JupyterLab in a real chromium, for the tests that need one. Everything but loopback is blocked and noted."""
import itertools
import json
import os
import re
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from urllib.parse import urlsplit

import nbformat
from conftest import ROOT
from ports import free_port

from netlab.kernel import wait_until

LOCAL = {"127.0.0.1", "localhost", ""}          # "": data: and blob: addresses
QUIET = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run",
         "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
# Boxes in a panel that show a scroll bar, or hide a part of what they hold.
SCROLLS = """() => [...document.querySelectorAll('.nl-panel, .nl-panel *')].filter(e => {
    const css = getComputedStyle(e), hides = e.clientWidth > 0 && e.tagName !== 'INPUT' && e.tagName !== 'SELECT';
    return hides && (e.scrollWidth > e.clientWidth + 1 && css.overflowX !== 'visible'
                     || e.scrollHeight > e.clientHeight + 1 && /auto|scroll|hidden/.test(css.overflowY));
}).map(e => `${e.tagName}.${e.className} ${e.scrollWidth}>${e.clientWidth} ${e.scrollHeight}>${e.clientHeight}`)"""

# Whether the panel is within its cell and not too wide.
FITS = """() => { const panel = document.querySelector('.nl-panel').getBoundingClientRect(),
    room = document.querySelector('.jp-OutputArea-output:has(.nl-panel)').getBoundingClientRect();
    return panel.width <= 900 && panel.right <= room.right + 1 && panel.width > 300 }"""

# Opens a notebook in place of the one before, as if in a fresh page. Nothing of the old one is asked or saved.
OPEN = """async ([path, theme]) => {
    const {commands, shell, restored} = window.jupyterapp;
    await restored;
    if (document.body.dataset.jpThemeName !== theme) {
        while (document.getElementById('jupyterlab-splash'))    // JupyterLab fails to take it away twice
            await new Promise(requestAnimationFrame);
        await commands.execute('apputils:change-theme', {theme});
    }
    shell.expandLeft();
    const before = [...shell.widgets('main')], opened = await commands.execute('docmanager:open', {path});
    for (const old of before)       // not sooner: an empty page brings a launcher, which may come to stand before the notebook
        old.dispose();
    await opened.context.ready;
    await opened.sessionContext.ready;
    await opened.revealed;
    return opened.id;
}"""
STATE = """() => {
    const shown = window.jupyterapp.shell.currentWidget, session = shown?.sessionContext?.session;
    return [document.body.dataset.jpThemeName, session?.kernel?.status, session?.kernel?.connectionStatus, shown?.title.label];
}"""
# A page that is taking on another theme may drop the focus, and then no notebook is current: so it is asked for again.
READY = f"""([id, theme]) => {{
    if (window.jupyterapp.shell.currentWidget?.id !== id)
        window.jupyterapp.shell.activateById(id);
    const [now, kernel] = ({STATE})();
    return now === theme && kernel === 'idle' && window.jupyterapp.shell.currentWidget?.id === id;
}}"""


@contextmanager
def start_lab(folder, browser):
    port = free_port()
    (folder / "work").mkdir()
    env = {**os.environ, **{f"JUPYTER{name}_DIR": str(folder / name) for name in
                            ("_CONFIG", "_RUNTIME", "_DATA", "LAB_SETTINGS", "LAB_WORKSPACES")},
           "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/tools")]),
           "JUPYTER_PLATFORM_DIRS": "1"}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "import ports; from jupyterlab.labapp import main; main()",
             "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--LabApp.expose_app_in_browser=True",
             "--ServerApp.port_retries=0", "--IdentityProvider.token=t", f"--ServerApp.root_dir={folder / 'work'}",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env=env, stdout=log, stderr=subprocess.STDOUT)
    lab = Lab(folder, f"http://127.0.0.1:{port}", browser)
    try:
        wait_until(lambda: process.poll() is not None or lab.answers(), 60, "JupyterLab")
        assert process.poll() is None, (folder / "log").read_text()
        yield lab
    finally:
        process.terminate()
        process.wait(20)


class Lab:
    """A running JupyterLab and one page of it, in which each notebook takes the place of the one before."""

    def __init__(self, folder, url, browser):
        self.folder, self.url, self.elsewhere, self.errors = folder, url, [], []
        self._browser, self._page, self._count = browser, None, itertools.count()

    def answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/api?token=t", timeout=5).status == 200
        except OSError:
            return False

    def end_kernels(self):
        """End the kernels so far, to give their memory back."""
        for session in json.load(self._ask("GET", "/api/sessions")):
            self._ask("DELETE", f"/api/sessions/{session['id']}")

    def _ask(self, method, path):
        return urllib.request.urlopen(urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": "token t"}), timeout=20)

    def open(self, notebook, *, dark=False, width=1280, height=900):
        """The page with `notebook`: a path in the folder's "work", or a list of cells' sources."""
        if not isinstance(notebook, str):
            made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=f"cell{n}")
                                                   for n, source in enumerate(notebook)])
            made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            notebook = f"test{next(self._count)}.ipynb"
            nbformat.write(made, self.folder / "work" / notebook)
        page = self._page = self._page or self._begin()
        self.errors.clear()
        theme = f"JupyterLab {'Dark' if dark else 'Light'}"
        page.set_viewport_size({"width": width, "height": height})
        shown = page.evaluate(OPEN, [notebook, theme])
        try:
            page.wait_for_function(READY, arg=[shown, theme])
        except Exception as error:
            error.add_note(f"the page has {page.evaluate(STATE)}, and should have {theme}, idle")
            raise
        return Page(self, page)

    def _begin(self):
        settings = self.folder / "LAB_SETTINGS" / "@jupyterlab/apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        context = self._browser.new_context()
        context.route(lambda url: urlsplit(url).hostname not in LOCAL | {None}, self._refuse)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", lambda ws: urlsplit(ws.url).hostname in LOCAL or self.elsewhere.append(ws.url))
        page.goto(f"{self.url}/lab?token=t&reset")
        page.wait_for_function("window.jupyterapp && document.body.dataset.jpThemeName")
        return page

    def _refuse(self, route):
        self.elsewhere.append(route.request.url)
        route.abort()


class Page:
    """A notebook in the browser; `page` is Playwright's."""

    def __init__(self, lab, page):
        self.lab, self.page = lab, page

    def menu(self, *names):
        for name in names:
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def run_all(self, cells):
        """Run all cells and wait until each of the `cells` code cells has a number."""
        self.menu("Run", "Run All Cells")
        self.page.wait_for_function(
            "n => [...document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')]"
            ".filter(p => /\\[\\d+\\]/.test(p.textContent)).length >= n", arg=cells)

    def text(self, selector):
        return self.page.locator(selector).first.inner_text()

    def until(self, selector, pattern):
        """Wait until the text of some element of `selector` matches."""
        self.page.locator(selector).filter(has_text=re.compile(pattern)).first.wait_for()

    def contrast_under_the_pointer(self, selector):
        """How far apart a control's ink and paper are while the pointer is on it: the sum of three colours, 0 to 765."""
        control = self.page.locator(selector)
        control.hover()
        both = control.evaluate("b => { const css = getComputedStyle(b); return [css.color, css.backgroundColor] }")
        ink, paper = (sum(map(float, re.findall(r"[\d.]+", colour)[:3])) for colour in both)
        return abs(ink - paper)
