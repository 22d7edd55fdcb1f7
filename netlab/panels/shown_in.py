"""Which panels are shown, and in which cell: a cell that is run again closes those that it made before."""
import atexit
import weakref
from contextlib import suppress

live = weakref.WeakSet()                                        # panels that are shown and not closed
_cells: dict[str, tuple[str, list[weakref.ref]]] = {}           # cell -> (which run of it, its panels)


def replace(panel) -> None:
    """Close what an earlier run of this cell made; remember `panel` as made by this one."""
    try:
        from IPython import get_ipython
        message = get_ipython().kernel.get_parent()
        cell = message["metadata"].get("cellId") or message["content"]["code"]
        run = message["header"]["msg_id"]
    except (ImportError, AttributeError, KeyError):             # no notebook, or no cell: nothing to replace
        return
    before, panels = _cells.get(cell, ("", []))
    if before != run:
        for old in panels:
            if (made := old()) is not None:
                made.close()
        panels = []
    _cells[cell] = run, [*panels, weakref.ref(panel)]


@atexit.register
def _close_panels():
    for panel in list(live):
        with suppress(Exception):                               # the connection to the browser may be gone
            panel.close()
