"""How soon a click shows, and what a flood costs; part of `make bench`. Not a test: no time is asserted.

    PYTHONPATH=tests python tests/tools/bench_panel.py
"""
import random
import statistics
import tempfile
from pathlib import Path

from lab import QUIET, start_lab

CELLS = ["""import ipywidgets
bare, text = ipywidgets.Button(description="bare"), ipywidgets.HTML("0")
text.add_class("bare-text")
bare.on_click(lambda _: setattr(text, "value", str(int(text.value) + 1)))
ipywidgets.VBox([bare, text])""", """from netlab.panels import TcpPanel
panel = TcpPanel()
panel""", """import socket, time
from threading import Thread
def flood(seconds=5, each=10_000):
    began, writes, sent = time.monotonic(), panel.writes, 0
    with socket.create_connection(panel.server.address) as sock:
        while (now := time.monotonic() - began) < seconds:
            if sent < now * each:
                sock.sendall(b"a message of twenty-five.")
                sent += 1
            else:
                time.sleep(0.0005)
    report.update(messages=sent, seconds=now, writes=panel.writes - writes)
report = {}""", "Thread(target=flood).start()",
         "import json; time.sleep(6); print('FLOOD', json.dumps(report))"]
CLICK = """async ([button, text]) => {
    const shown = document.querySelector(text), before = shown.textContent, began = performance.now();
    [...document.querySelectorAll('button')].find(b => b.textContent.trim() === button).click();
    return await new Promise(done => {
        const look = () => shown.isConnected && shown.textContent !== before ? done(performance.now() - began) : 0;
        new MutationObserver(look).observe(shown, {childList: true, subtree: true, characterData: true});
    });
}"""


def clicks(page, rounds, pause):
    """Medians, in mixed order. Jupyter's websocket leaves Nagle on: less than some 200 ms apart, either button may meet
    a delayed ACK (40 ms) that the one before it has left behind."""
    bare, panel = [], []
    turns = [(bare, ["bare", ".bare-text"]), (panel, ["recv", ".nl-foot-html"])] * rounds
    random.Random(1).shuffle(turns)
    for found, arg in turns:
        found.append(page.evaluate(CLICK, arg))
        page.wait_for_timeout(pause)
    return statistics.median(bare), statistics.median(panel), sorted(panel)[int(.95 * rounds)]


def main():
    import shutil

    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        with start_lab(Path(folder), browser) as lab:
            opened = lab.open(CELLS)
            page = opened.page
            page.locator(".jp-Notebook .jp-Cell").first.click()
            for _ in range(3):
                page.keyboard.press("Shift+Enter")
            opened.until(".nl-name", "stopped")
            page.get_by_label("Does").select_option(label="echo: sends back what it receives")
            page.get_by_role("button", name="Start", exact=True).click()
            opened.until(".nl-foot", "listens")
            page.get_by_role("button", name="connect", exact=True).click()
            opened.until(".nl-foot", "connected")
            page.get_by_label("Message").fill("m" * 1000)
            page.get_by_role("button", name="sendall").click()
            opened.until(".nl-foot", "1,000 bytes wait")
            page.get_by_label("Receive at most").fill("1")      # each recv changes the sentence at the foot
            page.keyboard.press("Tab")
            for _ in range(2):
                bare, panel, worst = clicks(page, 40, 500)
                print(f"click to changed text: bare {bare:.1f} ms, TcpPanel {panel:.1f} ms, "
                      f"ratio {panel / bare:.2f} (TcpPanel 95 %: {worst:.1f} ms)")
            page.locator(".jp-CodeCell .cm-content").nth(3).click()
            page.keyboard.press("Shift+Enter")
            page.wait_for_timeout(500)
            during = [page.evaluate(CLICK, ["recv", ".nl-foot-html"]) for _ in range(8)]
            print(f"click to changed text during the flood: {statistics.median(during):.0f} ms")
            page.keyboard.press("Shift+Enter")
            opened.until(".jp-OutputArea-output", "FLOOD")
            print(page.locator(".jp-OutputArea-output").filter(has_text="FLOOD").first.inner_text())
        browser.close()


if __name__ == "__main__":
    main()
