"""What only one chapter needs, a folder for each: `from netlab.chapters.ip_addresses import check, predict`."""
from netlab.teach import cells

around = cells.begin()
