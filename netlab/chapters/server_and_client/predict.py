"""Predictions of chapter 3: a server and a client."""
from netlab import Timeline, kernel
from netlab.chapters.server_and_client.tools import connected_pair
from netlab.teach.blanks import left_after, result_of, results_of
from netlab.teach.pictured import pictured
from netlab.teach.questions import multiple, number, order, single
from netlab.teach.workbench import attempt


# The conversations that the pictures of the questions show: those of the chapter
def _connected():
    timeline = Timeline()
    with timeline.socket(name="listener") as listener, timeline.socket() as client:
        listener.bind(("127.0.0.1", 0))
        listener.listen(5)
        client.connect(listener.getsockname())
    return timeline


def _talk(talk):
    timeline = Timeline()
    client, conn = connected_pair(timeline.socket)
    with client, conn:
        talk(client, conn)
    return timeline


def _ten_bytes():
    def talk(client, conn):
        client.sendall(b"0123456789")
        kernel.wait_until(lambda: kernel.receive_queue(conn) in (10, None))
        conn.recv(4)
        conn.recv(1024)
    return _talk(talk)


def _ended(client, conn):
    client.sendall(b"bye")
    client.close()
    for _ in range(3):
        conn.recv(1024)


def _last_words():
    return _talk(_ended)


def _gone():
    def talk(client, conn):
        _ended(client, conn)
        conn.sendall(b"are you there?")
        kernel.wait_until(lambda: kernel.state(conn) in ("CLOSED", None))
        attempt(conn.sendall, b"hello?")
    return _talk(talk)


def _unread():
    def talk(client, conn):
        client.sendall(b"please read me")
        kernel.wait_until(lambda: kernel.receive_queue(conn) in (14, None))
        conn.close()
        attempt(client.recv, 1024)
    return _talk(talk)


needs = single("What must `socket.socket(...)` be told about the other end?",
    {"Its address": "The other end may not exist yet: a server makes its socket before anyone calls.",
     "Its address and port": "No call so far knows them. `connect` will, and `bind` knows this end's.",
     "Nothing": "A socket is made of a family and a type. Addresses come later, with `bind` and `connect`.",
     "Only its port": "A port belongs to an address. Both come later, together."}, "Nothing")

port_zero = single('What does `bind(("127.0.0.1", 0))` do?',
    {"It takes port 0": "No connection ever has port 0. The number has another use here.",
     "It raises: 0 is no port": "It would be right to refuse, but the number has a use of its own here.",
     "It takes a free port that the kernel chooses": "That is what 0 asks for. `getsockname` tells which one it became.",
     "It takes every port": "A socket has one port. (All *addresses* of a machine is another matter: 0.0.0.0.)"},
    "It takes a free port that the kernel chooses")

bound_only = single("The socket is bound: it has an address, and no other socket can take it. A client connects to that "
    "address now. What happens?",
    {"It works": "An address is only a name. Nobody said that calls are welcome there: that is `listen`.",
     "It waits until `listen` is called": "The kernel does not wait for what may come: it answers at once, with no.",
     "It is refused": "Without `listen` the kernel answers at once that nobody is there.",
     "`connect` says that the address is in use": "In use is what `bind` complains of. `connect` wants it in use."},
    "It is refused")

not_accepted = pictured(single(
    "The server listens. It has not called `accept`, and will not for now. What does the client's `connect` do?",
    {"It waits": "For `accept`? The kernel answers for the server. A program that is busy keeps nobody from connecting.",
     "It returns": "The connection is the work of the two kernels. The server's program is not asked.",
     "It raises": "It would be refused without `listen`. Here somebody listens."}, "It returns"),
    _connected, result_of("connect", -1, read=lambda row: "It raises" if row.failed else "It returns"))

accepted = single("The client has connected and sent five bytes. Only now does the server call `accept`. What does it get?",
    {"The client's socket": "That one stays with the client. A socket is one end, and `accept` gives the server its own.",
     "The listener, connected now": "The listener goes on listening: how else would the next client be let in?",
     "A new socket, without those bytes": "They belong to the connection, and its kernel has kept them since they came.",
     "A new socket, and the bytes are in it": "A socket for this connection alone. What came before `accept` waits in it."},
    "A new socket, and the bytes are in it")

only_oserror = multiple("Which of these mistakes raise `OSError`, or a class derived from it?",
    {"a port in use": "EADDRINUSE has no class of its own, so it is a plain `OSError`.",
     "an address of another machine": "EADDRNOTAVAIL, a plain `OSError` too.",
     "nobody listens there": "`ConnectionRefusedError` is an `OSError`.",
     "a host that is no address": "`socket.gaierror` is an `OSError` with codes of its own.",
     "port 65536": "`OverflowError`: Python refuses the number before it asks the kernel.",
     "a str in place of bytes": "`TypeError`: Python refuses the value before it asks the kernel."},
    {"a port in use", "an address of another machine", "nobody listens there", "a host that is no address"})

shadow = single("A program says `socket = socket.socket()` and, later, `other = socket.socket()`. What happens?",
    {"Two sockets": "After the first line the name `socket` means the object, and the module has no name any more.",
     "The first line raises": "The right side is worked out first, and there `socket` still is the module.",
     "The second line raises": "A socket object has no attribute `socket`.",
     "The second line closes the first socket": "Nothing closes it. The object is asked for an attribute."},
    "The second line raises")

full_queue = single("`listen(1)`, and the server accepts nobody. Clients connect one after the other. On Linux, what happens?",
    {"One connects, the second is refused": "Linux lets one more than the number in, and refuses nobody for a full queue.",
     "One connects, the second waits": "Almost: Linux lets one more in than the number says.",
     "Two connect, the third is refused": "Two do. The third gets no answer at all, and so it goes on trying.",
     "Two connect, the third waits": "The queue holds one more than the number. The third one's call is dropped, and its "
         "kernel calls again after a second."}, "Two connect, the third waits")

rest = pictured(number("Ten bytes have arrived. `recv(4)` takes four. How many stay in the kernel, for the next `recv`?", 6,
    "They wait, in order, until somebody takes them: TCP loses nothing.",
    {0: "TCP loses nothing: that this `recv` took less than there was is no reason.",
     4: "Four is what it takes.",
     10: "What a `recv` has taken is gone from the kernel. Nobody gets it twice."}),
    _ten_bytes, left_after(1))

more = pictured(single("Six bytes are there. What does `recv(1024)` give?",
    {"It waits": "The number is a limit. `recv` waits only while there is nothing at all.",
     "all 1024": "Most of them 0? Nothing is filled up: the length tells how much came.",
     '`b"456789"`': "Whatever is there, up to the limit. How many that is depends on the moment.",
     "An error": "Too few is no error: the stream has no messages whose length could be wrong."}, '`b"456789"`'),
    _ten_bytes, result_of("recv", 2))

count = number('What does `client.send("naïve".encode())` return?', 6,
    "`send` counts bytes. ï takes two of them in UTF-8.",
    {5: "That is how many characters there are. What travels is bytes.",
     10: "UTF-8 takes one byte for each of the ASCII letters."})

empty = pictured(single("The client has sent `b\"bye\"`, and closed. What does the server's `recv` give, asked three times?",
    {'`b"bye"` · it waits · -':
         "It waits while something may still come. Nothing can: the client has closed.",
     '`b"bye"` · `b""` · it waits':
         "The end stays the end: `recv` says so as often as you ask.",
     '`b"bye"` · `b""` · `b""`':
         "First what was sent before, then the end, as often as you ask: the peer will send nothing more.",
     '`b"bye"` · an error · an error':
         "Nothing is broken: this is how a conversation ends. One that broke raises, `ConnectionResetError` for example."},
    '`b"bye"` · `b""` · `b""`'), _last_words, results_of(("recv", 1), ("recv", 2), ("recv", 3)))

gone = pictured(single("The client has closed. The server sends two times, the second when the two kernels have dealt with the "
    "first. What do its two calls of `sendall` do?",
    {"returns · returns": "The first bytes find nobody, and this news comes back. The second call meets it.",
     "raises · raises":
         "At the first one, the server's kernel knows only that the client will send no more. It might still read.",
     "returns · raises": "The kernel takes the first bytes and sends them. It then learns: nobody is there.",
     "raises · returns": "Where one found nobody, the next one cannot find somebody."}, "returns · raises"),
    _gone, results_of(("sendall", 1, "connection"), ("sendall", 2, "connection"),
                      read=lambda row: "raises" if row.failed else "returns"))

unread = pictured(single(
    "The server closes its socket while 14 bytes that the client sent are still unread. What does the client's `recv` give?",
    {'`b""`': "That is the orderly end. Bytes that nobody will read are no orderly end.",
     '`b"please read me"`': "They went the other way.",
     "`ConnectionResetError`": "The kernel must not pretend that they were read. It sends a reset (RFC 9293, 3.6.1).",
     "It waits": "The news comes at once."}, "`ConnectionResetError`"),
    _unread, result_of("recv"))

again = single("A server has ended a conversation, and has closed its sockets. It is started again at once, on the same port. "
    "What does `bind` say, with no option set?",
    {"It works: all sockets are closed": "The program's are. The kernel keeps the old connection in TIME_WAIT for a while.",
     "EADDRINUSE": "The connection waits in TIME_WAIT for late packets, and its port with it.",
     "EADDRNOTAVAIL": "The address is still this machine's.",
     "It waits until the port is free": "`bind` never waits."}, "EADDRINUSE")

in_turn = single("The server is a loop: accept, talk until the client ends, accept the next. The first client connects and "
    "says nothing. The second connects and sends. What happens to the second?",
    {"It is refused": "The kernel lets it in: the queue has places.",
     "It cannot connect": "Connecting needs the server's kernel, not its program.",
     "It is connected, its bytes wait": "In the queue of `listen`, until the first client ends.",
     "It is served first, since its data came first": "The loop is inside `recv` of the first client, and sees nothing else."},
    "It is connected, its bytes wait")

families = multiple("Which of these are true?",
    {"A family says what an address looks like": "AF_INET: IPv4 addresses. AF_INET6: IPv6. AF_UNIX: a path.",
     "A type says what kind of talk it is": "SOCK_STREAM: a stream of bytes. SOCK_DGRAM: single messages.",
     "Python knows three families": "It knows as many as the system has: dozens on Linux.",
     "There are two types": "SOCK_SEQPACKET and SOCK_RAW are two more, where the system and the user may have them."},
    {"A family says what an address looks like", "A type says what kind of talk it is"})

shapes = single("What is the address of an IPv6 socket in Python?",
    {"A host and a port": "That is what you may give, and Python adds the rest. It is not what you get.",
     "Four things": "Host, port, flow label, zone. The zone says which interface a link-local address means.",
     "One text, such as [::1]:80": "That is how it stands in a URL. Python keeps the parts apart.",
     "A path": "That is AF_UNIX."}, "Four things")

one_port = single(
    "A TCP server listens on port p of 127.0.0.1. Can a UDP socket be bound to port p of 127.0.0.1 at the same time?",
    {"Yes": "Ports belong to a protocol: TCP and UDP have 65535 each. DNS uses 53 of both.",
     "No, the port is in use": "By a TCP socket. UDP counts its own ports.",
     "Only with SO_REUSEADDR": "No option is needed: the two ports share only their number."}, "Yes")

steps = order("The steps of a server:",
    ["socket", "bind", "listen", "accept", "recv and sendall", "close"], "An object, an address, a queue, a client; talk; end.",
    {("bind", "socket"): "There is nothing yet that could have an address.",
     ("listen", "bind"): "Listen where? Linux would choose a port by itself, and no client would know it.",
     ("accept", "listen"): "`accept` takes a client from the queue that `listen` makes.",
     ("recv and sendall", "accept"): "The listening socket carries no data. `accept` returns the socket that does.",
     ("close", "recv and sendall"): "A closed socket says nothing more."})
