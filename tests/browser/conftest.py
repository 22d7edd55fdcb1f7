"""One JupyterLab and one chromium for all tests of this folder. Everything but loopback is blocked, and noted."""
import shutil

import pytest
from conftest import need
from lab import QUIET, start_lab


@pytest.fixture(scope="package")            # not longer: Playwright's loop would be in the way of asyncio elsewhere
def lab(tmp_path_factory):
    sync = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    need(path, "no chromium on the PATH")
    with sync.sync_playwright() as playwright, playwright.chromium.launch(executable_path=path, args=QUIET) as browser:
        with start_lab(tmp_path_factory.mktemp("lab"), browser) as running:
            yield running


@pytest.fixture
def opened(lab):
    """opened(cells, ...) gives a page; afterwards: nothing was asked elsewhere, and no script failed."""
    yield lab.open
    lab.end_kernels()
    assert lab.errors == [] and lab.elsewhere == []
