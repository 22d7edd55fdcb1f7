"""The questions of the chapters, a module for each: `from netlab.predictions import addresses as predict`."""
