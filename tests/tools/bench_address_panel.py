"""How soon a click on a bit shows; part of `make bench`. Not a test: no time is asserted.

    PYTHONPATH=tests python tests/tools/bench_address_panel.py
"""
import random
import shutil
import statistics
import tempfile
from pathlib import Path

from lab import QUIET, start_lab

CELLS = ["""import ipywidgets
bare, text = ipywidgets.Button(description="bare", tooltip="bare"), ipywidgets.HTML("0")
text.add_class("bare-text")
bare.on_click(lambda _: setattr(text, "value", str(int(text.value) + 1)))
ipywidgets.VBox([bare, text])""", """from netlab.panels import AddressPanel
AddressPanel()"""]
CLICK = """async ([title, shown]) => {
    const button = document.querySelector(`button[title^="${title}"]`);
    const text = shown === 'bit' ? button : document.querySelector(shown);
    const see = () => text.tagName === 'INPUT' ? text.value : text.textContent, before = see(), began = performance.now();
    button.click();
    return await new Promise(done => {
        const look = () => see() !== before && done(performance.now() - began), tick = new MessageChannel();
        if (text.tagName !== 'INPUT')
            return new MutationObserver(look).observe(text, {childList: true, subtree: true, characterData: true});
        tick.port1.onmessage = () => see() !== before ? look() : tick.port2.postMessage(0);    // no event tells of it
        tick.port2.postMessage(0);
    });
}"""
SEEN = {"the sentence": ".nl-foot-html", "the bit": "bit", "the hex field": ".nl-pair:nth-child(3) input"}


def clicks(page, rounds, pause=300):
    """Medians in ms, in mixed order; far enough apart that no delayed ACK of the click before counts."""
    found = {("bare", ".bare-text"): [], **{("bit 9,", shown): [] for shown in SEEN.values()}}
    turns = list(found) * rounds
    random.Random(1).shuffle(turns)
    for turn in turns:
        found[turn].append(page.evaluate(CLICK, list(turn)))
        page.wait_for_timeout(pause)
    return [statistics.median(times) for times in found.values()]


def main():
    from playwright.sync_api import sync_playwright
    with sync_playwright() as playwright, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        with start_lab(Path(folder), browser) as lab:
            opened = lab.open(CELLS)
            page = opened.page
            opened.run_all(2)
            opened.until(".nl-facts", "network")
            for version in (4, 6):
                if version == 6:
                    began = page.evaluate("performance.now()")
                    page.get_by_role("button", name="Switch to IPv6").click()
                    page.get_by_title("bit 127,").wait_for()
                    print(f"first switch to IPv6: {page.evaluate('performance.now()') - began:.0f} ms")
                    page.locator(".nl-version-4.nl-groups").evaluate("part => part.remove()")
                bare, *found = clicks(page, 40)
                print(f"IPv{version}: bare button {bare:.1f} ms; " + "; ".join(
                    f"{name} {time:.1f} ms, ratio {time / bare:.2f}" for name, time in zip(SEEN, found)))
        browser.close()


if __name__ == "__main__":
    main()
