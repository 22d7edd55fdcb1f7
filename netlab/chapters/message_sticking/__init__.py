"""Chapter 06, message_sticking. Where a network is not to be had, its cells show recordings of themselves."""
from pathlib import Path

from netlab.network import Network
from netlab.teach import recorded

recorded.begin(Path(__file__).with_name("recorded.json"), Network.why)
