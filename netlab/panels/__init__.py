"""Panels: do by hand, with buttons and fields, what a few lines of netlab do.

Each is loaded when it is first named, so that `import netlab` never needs ipywidgets.
"""
from importlib import import_module

_HOME = {"AddressPanel": "address", "FramingPanel": "framing", "MethodPanel": "method", "NetworkPanel": "network",
         "TcpPanel": "tcp", "UdpPanel": "udp", "ask": "quiz"}
__all__ = ["AddressPanel", "FramingPanel", "MethodPanel", "NetworkPanel", "TcpPanel", "UdpPanel", "ask"]


def __getattr__(name):
    if name in _HOME:
        return getattr(import_module(f"netlab.panels.{_HOME[name]}"), name)
    raise AttributeError(f"netlab.panels has no {name}; it has {', '.join(__all__)}")


def __dir__():
    return __all__
