"""netlab: both ends of a conversation, and the kernel between them, in one notebook.

Read it from below:

    pure     addresses  events  story            values in, values out: no sockets, no threads
    live     sockets  servers  kernel            real sockets, real threads
    seen     diagram  timeline  check            what happened, as data, text and pictures
    asked    questions  predictions  exercises   what the chapters ask, and how they judge the answer
    by hand  panels                              ipywidgets; you import them yourself

A file imports only from those below it.
"""
from netlab.servers import Server, echo, serve, serve_udp, stop_all, upper
from netlab.timeline import Timeline, watch

__all__ = ["Server", "Timeline", "echo", "serve", "serve_udp", "stop_all", "upper", "watch"]
