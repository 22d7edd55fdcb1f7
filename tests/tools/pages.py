"""The site as `make site` writes it, for the tests that read it and those that open it in a browser."""
import subprocess
import sys

import pytest
from conftest import ROOT

CHAPTERS = sorted(path.stem for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"))
PAGES = ["index", *CHAPTERS, "terms"]
LIMIT = 300             # seconds for the whole site; it takes about five, this is only to end what hangs


def build(folder, *notebooks):
    """Write the site, or pages of these notebooks, into a folder."""
    command = [sys.executable, ROOT / ".ci/site/build.py", "--to", folder, *notebooks]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    return build(tmp_path_factory.mktemp("site"))
