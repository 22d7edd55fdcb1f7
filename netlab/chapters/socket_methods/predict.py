"""Predictions of chapter 4: every socket method."""
from netlab.chapters.socket_methods import conversations
from netlab.teach import blanks
from netlab.teach.pictured import pictured
from netlab.teach.questions import multiple, single

star = single("A program says `timeout = 5`, and then `from socket import *`. What is `timeout` now?",
    {"5": "The star brings every public name of the module, and one of them is `timeout`.",
     "a class": "`socket.timeout` is one of the names that the star brings, and the 5 is gone without a word.",
     "NameError": "No name is taken away, but one can be replaced.",
     "the default timeout": "`getdefaulttimeout()` would tell that. `timeout` is another thing."}, "a class")

connect_ex = multiple(
    "`connect_ex` gives an error code back in place of raising. For which of these does it raise all the same?",
    {"nobody listens there": "A code comes back: ECONNREFUSED.",
     "an IPv6 address on an IPv4 socket": "Raises gaierror: the address is looked up before `connect` is called.",
     "port 65536": "Raises OverflowError: such a port cannot be written down, so nothing is called.",
     "a time limit that runs out": "A code comes back on Linux: EAGAIN. `connect` would raise TimeoutError."},
    {"an IPv6 address on an IPv4 socket", "port 65536"})

peeked = pictured(single(
    "Twelve bytes have come, and seven are taken. The next `recv` has MSG_PEEK: it looks. Then `b\"!\"` is sent, and "
    "`recv(2)` takes. What do the two return?",
    {'`b"world"` · `b"!"`': "The look took nothing away: what it has shown is still in front.",
     '`b"world"` · `b"wo"`': "What was looked at stays where it is, and the next call gets it once more.",
     '`b"hello"` · `b"wo"`': "`recv` takes from the front, and `hello, ` is taken.",
     '`b", wor"` · `b"ld"`': "A look begins where the last `recv` ended, not where a send began."},
    '`b"world"` · `b"wo"`'), conversations.looked_at, blanks.results_of(("recv", -3), ("recv", -2)))

udp_send = pictured(single(
    "A UDP socket has called `connect` with its friend's address, and `send`. Now it calls `sendto` with the address of a third. "
    "Who gets `b\"two\"` (Linux)?",
    {"friend": "`connect` says where `send` goes. `sendto` brings an address of its own.",
     "third": "`sendto` goes where it says, also on a connected socket: `connect` adds `send` and takes nothing away.",
     "none of them": "So it is on macOS, which refuses `sendto` on a connected socket: EISCONN."},
    "third"), conversations.to_a_third, blanks.taker_of("sendto", by_name=True))

recvfrom_tcp = single("`connection.recvfrom(9)` on a TCP connection: what comes back (Linux)?",
    {"an error": "It works: the data comes, and the address is left out.",
     "(data, the peer's address)": "A connection has one peer, so the kernel does not repeat its address.",
     "(data, None)": "A connection has one peer, so the kernel does not repeat its address. `getpeername` tells it.",
     "data alone": "`recvfrom` gives a pair on every kind of socket."}, "(data, None)")

blocking_calls = multiple("Which of these belong to the module `socket`, and not to each socket?",
    {"setblocking": "A method of each socket.",
     "settimeout": "A method of each socket.",
     "gettimeout": "A method of each socket.",
     "setdefaulttimeout": "The module's: it holds for every socket made afterwards."}, {"setdefaulttimeout"})

rcvbuf = single("You set SO_RCVBUF to 8192 and read it again. What do you read on Linux?",
    {"8192": "Linux keeps as much again for its own bookkeeping, and tells you the sum.",
     "16384": "Linux doubles it: half is for its own bookkeeping (socket(7)).",
     "0": "The option can be read as well as set.",
     "it depends on the network": "The buffer is memory of this machine."}, "16384")

flushed = pictured(single(
    "`file = client.makefile(\"w\")`, and then `file.write(\"hello\\n\")`, `file.write(\"world\\n\")`, `file.flush()`. "
    "The file calls `send` on its socket. What does it send first?",
    {'`b"hello\\n"`': "A file has a buffer, as any file has: `write` only puts the line there.",
     '`b"world\\n"`': "Nothing is sent out of its turn, and nothing is left out.",
     '`b"hello\\nworld\\n"`': "Both lines were kept in a buffer of the file, in your program. `flush` sends them in one call.",
     '`b"hello"`': "The newline is a character like the others."},
    '`b"hello\\nworld\\n"`'), conversations.written, blanks.argument_of("send"))

localhost = single("A server is bound to `127.0.0.1`. A client connects to the name `localhost`. What is sure?",
    {"It arrives, at the first try": "The name may stand for `::1` first, and nobody listens there.",
     "It arrives, if the client tries each address of the name":
         "`create_connection` does that. `connect` of an AF_INET6 socket has only `::1`.",
     "It goes through the network card": "Nothing leaves the machine: loopback is an interface of the kernel.",
     "It needs the internet": "The name is looked up on the machine itself, and so is the address."},
    "It arrives, if the client tries each address of the name")
