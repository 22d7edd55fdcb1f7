"""Predictions of chapter 1: TCP/IP."""
from netlab.chapters.tcp_ip import pictures
from netlab.teach.pictured import pictured
from netlab.teach.questions import multiple, number, single

frames = number(
    "alice sends bob one message, by one call. They have never spoken before. How many frames pass the cable?", 3,
    "A question, its answer, then the message: alice knew bob's IP address, and not yet the address that the cable needs.",
    {1: "The message is one. But by which address should a card on the cable know that it is meant?",
     2: "UDP sends no answer back by itself, and what comes before the message is more than one frame."})

first_header = pictured(single(
    "The frame has a header each of UDP, of IP and of Ethernet, and the message behind them. Which header comes first?",
    {"`UDP`": "It says for which program. That is asked last: before it, the frame must find the card, and the packet the host.",
     "`IPv4`": "It says for which host. But the card at the end of the cable must know first whether the frame is for it.",
     "`Ethernet`": "A card reads it first: is this frame for me? What else is inside is not its affair."},
    "`Ethernet`"), pictures.datagram, pictures.FIRST)

whom = pictured(single(
    "alice sends to 10.0.3.2, and two routers stand between. Whose hardware address does she ask for by ARP?",
    {"bob": "An ARP question stays on its own cable, and bob is not on it. He would never hear it.",
     "east": "She does not even know that there is a second router. Each knows the next step.",
     "north": "Her routing table says that the way to bob begins there. The rest is its affair.",
     "nobody": "Without a hardware address no card would take the frame."}, "north"), pictures.chain, pictures.WHOM)

cut = single(
    "A TCP connection between alice and bob is open, and its packets go by west and east. You cut the cable between these two. "
    "alice calls `sendall` on the same socket. What happens?",
    {"An error: the connection is broken": "A connection is two kernels that remember each other. No cable is part of it.",
     "It waits until the cable is mended": "It would, if that were the only way.",
     "It arrives, and the connection goes on": "Each packet is sent on by itself, as the tables say at that moment.",
     "alice must connect again": "Both ends still have all they need: addresses, ports, and how far they are."},
    "It arrives, and the connection goes on")

promises = multiple(
    "alice sends ten datagrams over a bad cable: the numbers 0 to 9. Which of these can happen?",
    {"one is missing": "Nothing is sent again. UDP and IP keep no copy.",
     "one arrives twice": "A device on the way may send a copy. Nobody counts.",
     "one overtakes another": "Each goes by itself.",
     "half of one arrives": "The whole datagram, or nothing: its checksum and length are tested.",
     "alice is told that one is missing": "Who would tell her? Whoever lost it does not know."},
    {"one is missing", "one arrives twice", "one overtakes another"})

fragments = number(
    "The cable carries packets of up to 1500 bytes, headers included. alice sends one datagram of 3000 bytes. How many packets?",
    3, "3008 bytes with the header of UDP, and each packet has a header of IP of its own: room for 1480, 1480, and then 48.",
    {1: "3000 bytes do not fit into a packet of 1500.",
     2: "Twice 1500 is 3000, but the headers need room too: 20 bytes in each packet, and 8 of UDP once."})

segments = number(
    "alice calls `sendall` ten times, at once one after the other, with ten bytes each. The way to bob and back takes a tenth of "
    "a second. How many segments with data leave?", 2,
    "The first leaves at once. While it is not acknowledged the rest is collected, and leaves as one segment of 90 bytes.",
    {10: "That is how many calls there were. A stream has no calls in it, and TCP cuts it where it likes.",
     1: "When the first ten bytes come, nothing else is on its way, so TCP has no reason to wait."})

reach = multiple(
    "bob has three servers: one bound to 127.0.0.1 (port 81), one to his address 10.0.2.2 (port 82), one to 0.0.0.0 (port 83). "
    "To which can alice connect?",
    {"port 81": "127.0.0.1 is bob himself. Nothing that comes by a cable gets there.",
     "port 82": "That is the address of his cable.",
     "port 83": "0.0.0.0 means each address that bob has."},
    {"port 82", "port 83"})

silence = single(
    "alice calls four addresses. Which call gets no answer at all, so that only her own time limit ends it?",
    {"bob, a port where nobody listens": "bob's kernel answers: refused.",
     "her own network, an address that nobody has": "Her kernel asks by ARP, three times, and then gives up by itself.",
     "an address to which there is no route": "The router knows at once that it knows no way, and says so.",
     "bob, behind a firewall that drops": "What is dropped without a word looks like a packet that is late. She can only wait."},
    "bob, behind a firewall that drops")

byte_number = number(
    "On a new connection alice sends `one`, `two` and `three`, in three segments. The first has the number 1. "
    "Which number has the third?", 7, "`one` is the bytes 1 to 3, `two` the bytes 4 to 6.",
    {3: "That would be the number of the segment. TCP numbers bytes.",
     6: "Byte 6 is the last of `two`.",
     9: "`one` and `two` are six bytes, and the first of them has the number 1."})

acknowledged = pictured(single(
    "bob listens, and his program is busy: it has not called `accept`. alice connects, and sends an order. What comes back "
    "for its 21 bytes?",
    {"nothing": "An ACK waits for no reader, and not for `accept`: it would keep the sender waiting for no reason.",
     "`ACK 1`": "That would say that no byte has come. An ACK counts what the kernel has, not what a program has read.",
     "`ACK 22`": "The kernel has all before byte 22, and that is all that an ACK says."}, "`ACK 22`"),
    pictures.order, pictures.BACK)

twice = number(
    "alice sends an order over TCP and waits for the thanks. The cable is cut after bob has read the order. Her time limit ends, "
    "the cable is mended, and her program does what programs do: it tries again. How often does bob have the order?", 2,
    "Each connection delivered it once. Only the programs can know that it is the same order.",
    {1: "TCP sees to that within one connection. The second try is another connection.",
     0: "bob had read it: only his answer was lost."})
