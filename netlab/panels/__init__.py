"""Panels: do by hand, with buttons and fields, what a few lines of netlab do.

`TcpPanel` lives in netlab/panels/tcp.py, `AddressPanel` in netlab/panels/address.py, and so on; each is loaded when
it is first named, so that `import netlab` never needs ipywidgets.
"""
from importlib import import_module
from pathlib import Path

__all__ = sorted(f"{path.stem.capitalize()}Panel" for path in Path(__file__).parent.glob("[a-z]*.py")
                 if path.stem != "base")


def __getattr__(name):
    if name in __all__:
        return getattr(import_module(f"netlab.panels.{name.removesuffix('Panel').lower()}"), name)
    raise AttributeError(f"netlab.panels has no {name}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
