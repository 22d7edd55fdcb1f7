"""How long a step of a replay takes in a browser, and what a replay weighs. Not a test: no time is asserted.

    PYTHONPATH=tests:tests/tools:. python tests/tools/bench_replay.py
"""
import shutil
import statistics
import tempfile
from pathlib import Path

from lab import QUIET, start_lab
from playwright.sync_api import sync_playwright

RUN = """\
import netlab
timeline = netlab.Timeline()
with netlab.serve(netlab.upper, timeline=timeline) as server, timeline.socket() as client:
    client.connect(server.address)
    for _ in range(max(1, ({many} - 8) // 4)):
        client.sendall(b"hello")
        client.recv(1024)
"""
# From a click on Next until its picture has been drawn, for each step of the replay, there and back by the slider.
STEPS = """async () => {
    const replay = document.querySelector('netlab-replay'), {shadowRoot} = replay;
    const drawn = () => new Promise(done => requestAnimationFrame(() => setTimeout(done)));
    const took = async act => {
        await drawn();
        const began = performance.now();
        act();
        await drawn();
        return performance.now() - began;
    };
    const begun = shadowRoot.querySelector('.open'), opening = await took(() => begun.click());
    const next = [...shadowRoot.querySelectorAll('button')].find(button => button.textContent === 'Next');
    const slider = shadowRoot.querySelector('input'), each = [], jumps = [];
    for (let n = 1; n < slider.max; n++)
        each.push(await took(() => next.click()));
    for (const to of [1, slider.max, slider.max >> 1, 1])
        jumps.push(await took(() => { slider.value = to; slider.dispatchEvent(new Event('input')); }));
    return [opening, each, jumps];
}"""


def report(where, many, page):
    opening, each, jumps = page.evaluate(STEPS)
    print(f"{many} calls, {len(each) + 1} steps, {where}: a step {statistics.median(each):.1f} ms, at most {max(each):.1f}; "
          f"opened in {opening:.1f}; the slider, to any step, at most {max(jumps):.1f}", flush=True)


def main():
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=QUIET) as browser:
        with tempfile.TemporaryDirectory() as folder, start_lab(Path(folder), browser) as lab:
            for many in (10, 100, 500):
                names = {}
                exec(RUN.format(many=many), names)
                timeline = names["timeline"]
                html = timeline.replay(opened=False)._repr_mimebundle_()["text/html"]
                print(f"{len(timeline.events)} calls: {len(html) / 1000:.0f} kB of HTML", flush=True)
                page = browser.new_page()
                page.set_content(f"<!doctype html><meta charset=utf-8>{html}")
                report("on a page", len(timeline.events), page)
                page.close()
                notebook = lab.open([RUN.format(many=many) + "timeline"])
                notebook.run_all(1)
                notebook.page.get_by_role("button", name="Step through it").wait_for()
                report("in JupyterLab", len(timeline.events), notebook.page)


if __name__ == "__main__":
    main()
