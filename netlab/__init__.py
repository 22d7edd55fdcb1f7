"""netlab: both ends of a conversation, and the kernel between them, in one notebook.

Read it from below:

    values    addresses  framing  events  words  style  story   values in, values out: no sockets, no threads
    live      sockets  servers  engine  kernel          real sockets, real threads
    seen      diagram  timeline                         what happened, as data, text and pictures
    network   hosts, routers, cables, packets; link     a network of your own (Linux); a bad link (everywhere)
    teach     questions, exercises, peers, strips       what a chapter teaches with
    panels    conversations by hand                     ipywidgets; you import them yourself
    chapters  a folder for each                         what the chapters ask, and how they judge the answer

A file imports only from those below it.
"""
from netlab.network import Link, Network
from netlab.servers import Server, echo, serve, serve_udp, stop_all, upper
from netlab.timeline import Timeline, watch

__all__ = ["Link", "Network", "Server", "Timeline", "echo", "serve", "serve_udp", "stop_all", "upper", "watch"]
