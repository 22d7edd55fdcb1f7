"""How soon a click on each kind of control shows, and what a flood costs; part of `make bench`. Not a test: no time is asserted.

    PYTHONPATH=tests:tests/tools python tests/tools/bench_panel.py [rounds]
"""
import random
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from lab import QUIET, start_lab

BARE = """import ipywidgets
bare, text = ipywidgets.Button(description="bare"), ipywidgets.HTML("0")
text.add_class("bare-text")
bare.on_click(lambda _: setattr(text, "value", str(int(text.value) + 1)))
ipywidgets.VBox([bare, text])"""
ASK = """from netlab.chapters.server_and_client import predict
from netlab.panels import ask
from netlab.teach.questions import Question
for kind in ("single", "multiple", "order"):
    display(ask(next(each for each in vars(predict).values() if isinstance(each, Question) and each.kind == kind)))"""
FLOOD = ["""import socket, time
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
report = {}""", "Thread(target=flood).start()", "import json; time.sleep(6); print('FLOOD', json.dumps(report))"]

# All of a panel that one message changes is changed in one go: what is seen first is the last face, too.
ACT = """async ([script, where]) => {
    const shown = document.querySelector(where), began = performance.now();
    const seen = new Promise(done => new MutationObserver((_, own) => {
        own.disconnect();
        done(performance.now() - began);
    }).observe(shown, {childList: true, subtree: true, characterData: true, attributes: where !== '.bare-text',
                       attributeFilter: where === '.bare-text' ? undefined : ['data-put', 'class', 'title', 'aria-pressed']}));
    eval(script);
    return await seen;
}"""
PRESS = "[...document.querySelectorAll('button')].find(b => b.textContent.trim() === '{}').click()"
MOVE = ("{ const grip = document.querySelector('[role=slider]'), key = grip.ariaValueNow % 2 ? 'ArrowLeft' : 'ArrowRight';"
        " grip.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true})) }")       # there and back, never to its end
TYPE = ("{{ const f = document.querySelector('[name={0}]'); f.value = f.value === '{1}' ? '{2}' : '{1}';"
        " f.dispatchEvent(new Event('change', {{bubbles: true}})) }}")
TURN = "document.querySelector(`button[title^='bit {},']`).click()"
ROOT = ".nl-panel"


def measure(page, name, acts, rounds, where=ROOT, pause=350):
    """Medians of each act beside a bare button, in mixed order. Jupyter's websocket leaves Nagle on: less than some 200 ms
    apart, a click may meet a delayed ACK (40 ms) that the one before it has left behind."""
    for act, script in acts.items():
        scripts = {"bare": (PRESS.format("bare"), ".bare-text"), act: (script, where)}
        found, turns = {"bare": [], act: []}, list(scripts) * rounds
        random.Random(1).shuffle(turns)
        for turn in turns:
            found[turn].append(page.evaluate(ACT, list(scripts[turn])))
            page.wait_for_timeout(pause)
        bare, ours = map(statistics.median, found.values())
        print(f"{name}, {act}: {ours:.1f} ms, bare button {bare:.1f} ms, ratio {ours / bare:.2f}", flush=True)


def tcp(lab, rounds):
    opened = lab.open([BARE, "from netlab.panels import TcpPanel\npanel = TcpPanel()\npanel", *FLOOD])
    page = opened.page
    page.locator(".jp-Notebook .jp-Cell").first.click()
    for _ in range(3):
        page.keyboard.press("Shift+Enter")
    opened.until(".nl-end", "stopped")
    page.get_by_label("Server does").select_option("echo")
    for name, said in (("Start", "listens"), ("connect", "connected"), ("Add a client", ""), ("connect", "Client 2 is")):
        page.get_by_role("button", name=name, exact=True).click()
        opened.until(".nl-said", said)
    page.get_by_label("Message").fill("m" * 1000)
    page.get_by_role("button", name="sendall").click()
    opened.until(".nl-said", "1,000 bytes from the server wait")
    page.get_by_label("At most").fill("1")
    measure(page, "TcpPanel", {
        "recv": PRESS.format("recv"), "sendall": PRESS.format("sendall"),
        "Show the code": "document.querySelector('[data-do=code]').click()",
        "a client's box": "document.querySelector('.nl-end[aria-pressed=false]').click()"}, rounds)
    page.locator(".jp-CodeCell .cm-content").nth(3).click()
    page.keyboard.press("Shift+Enter")
    page.wait_for_timeout(500)
    during = [page.evaluate(ACT, [PRESS.format("recv"), ".nl-said"]) for _ in range(8)]
    print(f"click to changed text during the flood: {statistics.median(during):.0f} ms")
    page.keyboard.press("Shift+Enter")
    opened.until(".jp-OutputArea-output", "FLOOD")
    print(page.locator(".jp-OutputArea-output").filter(has_text="FLOOD").first.inner_text())


def method(lab, rounds):
    opened = lab.open([BARE, "from netlab.panels import MethodPanel\nMethodPanel()"])
    opened.run_all(2)
    opened.until(".nl-said", "New sockets")
    opened.page.get_by_label("Arguments").fill('b"hello"')
    opened.page.get_by_label("Method").select_option("send")
    opened.until(".nl-about", "client.send")
    measure(opened.page, "MethodPanel", {
        "Call": PRESS.format("Call"), "a socket's box": "document.querySelector('.nl-end[aria-pressed=false]').click()",
        "Method": TYPE.format("method", "send", "recv")}, rounds)


def address(lab, rounds):
    opened = lab.open([BARE, "from netlab.panels import AddressPanel\nAddressPanel()"])
    opened.run_all(2)
    opened.until(".nl-facts", "network")
    for version, one, two in (("IPv4", "0a000001", "0a000002"), ("IPv6", "a" * 32, "b" * 32)):
        if version == "IPv6":
            opened.page.get_by_role("button", name="Switch to IPv6").click()
            opened.page.get_by_title("bit 127,").wait_for()
        measure(opened.page, f"AddressPanel, {version}", {
            "a bit": TURN.format(9), "hex": TYPE.format("hex", one, two),
            "the border": MOVE}, rounds)


def framing(lab, rounds):
    opened = lab.open([BARE, "from netlab.panels import FramingPanel\nFramingPanel()"])
    opened.run_all(2)
    opened.until(".nl-said", "Press sendall")
    opened.page.get_by_label("Messages, | between").fill("hello, | world, | how, | are you?")
    opened.page.get_by_label("At most").fill("1")
    measure(opened.page, "FramingPanel", {
        "sendall, recv": "document.querySelector('.nl-main').click()", "Framing": TYPE.format("cure", "prefix", "none")}, rounds)


def quiz(lab, rounds):
    opened = lab.open([BARE, ASK])
    opened.run_all(2)
    opened.page.locator(".nl-quiz .nl-option").first.wait_for()
    page = opened.page
    page.locator(".nl-quiz").nth(0).locator("input").first.click()
    page.evaluate("document.querySelectorAll('.nl-quiz').forEach((q, i) => q.dataset.n = i)")
    turn = ("{ const q = document.querySelector('.nl-quiz[data-n=\"0\"]'), options = q.querySelectorAll('input');"
            " (q.querySelector('.nl-more').textContent ? options[+options[0].checked] : q.querySelector('.nl-main')).click() }")
    measure(page, "a question", {"check, or another answer": turn}, 2 * rounds, ".nl-quiz[data-n=\"0\"]")
    measure(page, "a sequence", {"a step": "document.querySelector('.nl-quiz[data-n=\"2\"] [data-do=place]').click()"}, rounds,
            ".nl-quiz[data-n=\"2\"]")


def main(rounds=40):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        with start_lab(Path(folder), browser) as lab:
            for each in (tcp, method, address, framing, quiz):
                each(lab, rounds)
        browser.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
