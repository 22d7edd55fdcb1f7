"""What only one chapter needs, a folder for each: `from netlab.chapters.ip_addresses import check, predict`."""
