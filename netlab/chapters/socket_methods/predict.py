"""Predictions of chapter 4: every socket method."""
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

udp_send = single("A UDP socket has called `connect`. Which methods can it use for its data (Linux)?",
    {"only sendto and recvfrom": "`connect` fixed the peer, so `send` and `recv` know where to and from whom.",
     "only send and recv": "`recvfrom` still tells who sent, and `sendto` may still name an address.",
     "send, recv, sendto and recvfrom": "`connect` adds `send` and takes nothing away (macOS refuses `sendto` then).",
     "none before the peer accepts": "UDP has no handshake: `connect` only writes the address into the socket."},
    "send, recv, sendto and recvfrom")

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

flushed = single("`file = client.makefile('w')`, then `file.write('hello\\n')`. How many bytes has the other end's kernel now?",
    {"0": "The file keeps them in a buffer of its own, in your program, until `flush` or `close`.",
     "6": "A file made by `makefile` has a buffer, as any file has.",
     "7": "Six characters, six bytes, and none of them has left.",
     "it depends on the clock": "No clock takes part: the buffer is in your program and waits for `flush`."}, "0")

localhost = single("A server is bound to `127.0.0.1`. A client connects to the name `localhost`. What is sure?",
    {"It arrives, at the first try": "The name may stand for `::1` first, and nobody listens there.",
     "It arrives, if the client tries each address of the name":
         "`create_connection` does that. `connect` of an AF_INET6 socket has only `::1`.",
     "It goes through the network card": "Nothing leaves the machine: loopback is an interface of the kernel.",
     "It needs the internet": "The name is looked up on the machine itself, and so is the address."},
    "It arrives, if the client tries each address of the name")
