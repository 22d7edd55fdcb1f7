"""A real JupyterLab in a real chromium, for the tests that need one. Everything but loopback is blocked and noted."""
import itertools
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

import nbformat
import pytest

from conftest import ROOT, need
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


@pytest.fixture(scope="module")
def chromium():
    """Debian's chromium under Playwright; ended with each file, for its loop would be in the way of asyncio elsewhere."""
    sync = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    need(path, "no chromium on the PATH")
    with sync.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chromium):
    """A JupyterLab on a folder of its own, with settings of its own."""
    need(shutil.which("jupyter", path=os.path.dirname(sys.executable)), "no jupyter beside this Python")
    with start_lab(tmp_path_factory.mktemp("lab"), chromium) as running:
        yield running


def free_port():
    """A port below those that the kernel gives to others, so that it is still free when the server comes to it."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def start_lab(folder, browser):
    port = free_port()
    (folder / "work").mkdir()
    env = {**os.environ, **{f"JUPYTER{name}_DIR": str(folder / name) for name in
                            ("_CONFIG", "_RUNTIME", "_DATA", "LAB_SETTINGS", "LAB_WORKSPACES")},
           "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(ROOT), "JUPYTER_PLATFORM_DIRS": "1"}
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
             "--ServerApp.port_retries=0", "--IdentityProvider.token=t", f"--ServerApp.root_dir={folder / 'work'}",
             "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
            env=env, stdout=log, stderr=subprocess.STDOUT)
    lab = Lab(folder, f"http://127.0.0.1:{port}", browser)
    try:
        wait_until(lambda: process.poll() is not None or lab.answers(), 60, "JupyterLab")
        assert process.poll() is None, (folder / "log").read_text()
        yield lab
    finally:
        for page in list(lab.pages):
            page.end()
        process.terminate()
        process.wait(20)


class Lab:
    def __init__(self, folder, url, browser):
        self.folder, self.url, self.browser, self.pages, self.elsewhere = folder, url, browser, [], []
        self._count = itertools.count()

    def answers(self):
        try:
            return urllib.request.urlopen(f"{self.url}/api?token=t", timeout=5).status == 200
        except OSError:
            return False

    def end_kernels(self):
        """End the kernels of the pages so far, to give their memory back."""
        for session in json.load(self._ask("GET", "/api/sessions")):
            self._ask("DELETE", f"/api/sessions/{session['id']}")

    def _ask(self, method, path):
        return urllib.request.urlopen(urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": "token t"}), timeout=20)

    def open(self, notebook, *, dark=False, width=1280, height=900):
        """A page with `notebook`: a path in the folder's "work", or a list of cells' sources."""
        if not isinstance(notebook, str):
            made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id=f"cell{n}")
                                                   for n, source in enumerate(notebook)])
            made.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
            notebook = f"test{next(self._count)}.ipynb"
            nbformat.write(made, self.folder / "work" / notebook)
        settings = self.folder / "LAB_SETTINGS" / "@jupyterlab/apputils-extension"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        (settings / "themes.jupyterlab-settings").write_text(
            json.dumps({"theme": f"JupyterLab {'Dark' if dark else 'Light'}"}))
        context = self.browser.new_context(viewport={"width": width, "height": height})
        context.route(lambda url: urlsplit(url).hostname not in LOCAL | {None}, self._refuse)
        page = Page(self, context, context.new_page(), notebook)
        self.pages.append(page)
        return page

    def _refuse(self, route):
        self.elsewhere.append(route.request.url)
        route.abort()


class Page:
    """A notebook in the browser; `page` is Playwright's."""

    def __init__(self, lab, context, page, notebook):
        self.lab, self.context, self.page, self.errors = lab, context, page, []
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("websocket", lambda ws: urlsplit(ws.url).hostname in LOCAL or lab.elsewhere.append(ws.url))
        page.goto(f"{lab.url}/lab/tree/{notebook}?token=t&reset")
        page.get_by_text("| Idle").wait_for()

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

    def end(self):
        if self in self.lab.pages:
            self.lab.pages.remove(self)
            self.context.close()
