"""Predictions of chapter 5: UDP. Each wrong answer is one that people give, and says what leads to it."""
from netlab.chapters.udp import conversations
from netlab.teach import blanks
from netlab.teach.pictured import pictured
from netlab.teach.questions import multiple, number, single

nobody_there = single(
    "Nobody is at that port: no program, no socket. What does `client.sendto(b\"tea\", address)` do?",
    {"It raises `ConnectionRefusedError`": "TCP's `connect` would: it waits for an answer. Here nobody is asked.",
     "It waits until somebody is there": "`sendto` gives the datagram to the kernel. It waits for no reader.",
     "It returns 3, as if all were well": "Three bytes went into the kernel, and that is all that the 3 says.",
     "It returns 0": "0 would mean that nothing was sent. A datagram has left."},
    "It returns 3, as if all were well")

borders = single(
    "Three datagrams wait: `b\"tea\"`, `b\"salt\"`, `b\"rice\"`. What does `server.recv(1024)` return?",
    {"b'teasaltrice'": "A TCP stream would. It has no borders. Here each `sendto` made a datagram of its own.",
     "b'tea'": "One call takes one datagram, however much room there is.",
     "b'rice'": "They wait in the order in which they came, and the first is taken first.",
     "It depends on the moment": "With TCP it would. A datagram comes whole, or it does not come."},
    "b'tea'")

rest = pictured(single(
    "Two datagrams wait: `b\"tea, please\"` and `b\"salt\"`. You call `recv(3)`, then `recv(1024)`. What do they return?",
    {'`b"tea"` · `b", please"`':
        "So it is with TCP: the rest waits. A datagram is taken as a whole, and what has no room is thrown away.",
     '`b"tea"` · `b"salt"`': "The first call has used up the first datagram, all of it.",
     '`b"tea"` · `b", pleasesalt"`': "That would be a stream. Datagrams are never joined.",
     '`b"tea"` · `b"tea, please"`': "The first call took it. Only a look with `MSG_PEEK` leaves it there."},
    '`b"tea"` · `b"salt"`'), conversations.too_small, blanks.results_of(("recv", 1), ("recv", 2)))

largest = number(
    "A packet of IPv4 says its own length in 16 bits: 65,535 bytes at most, headers included. IP's header takes 20 of them, "
    "UDP's takes 8. How many bytes can a datagram carry?", 65507, "65,535 - 20 - 8.",
    {65535: "That is the whole packet, with both headers.",
     65536: "16 bits count from 0 to 65,535, and the headers need room too.",
     65515: "IP's 20 bytes are off. UDP has a header as well.",
     65527: "UDP's 8 bytes are off. IP has a header as well.",
     1472: "That is what fits into one frame of Ethernet. IP can split what is larger: chapter 01, part 5."})

who_tells = single(
    "`client` is a UDP socket. It calls `connect` with an address where nobody is, then `send(b\"tea\")`, then `recv(1024)`. "
    "Which of the three raises `ConnectionRefusedError`?",
    {"`connect`": "For UDP it sends nothing, so there is nothing that could be refused.",
     "`send`": "It hands the datagram over and returns. The bad news comes after that.",
     "`recv`": "The news came back after `send` had returned. The next call is told.",
     "none: `recv` waits until its time is up": "So it was without `connect`. Now the kernel knows whom the news is for."},
    "`recv`")

flood = number(
    "The server reads nothing, and its buffer is small. The client calls `sendto` a thousand times. "
    "How many of these calls raise an error?", 0,
    "None. The datagrams did leave. Where they were thrown away is the other end, and it tells nobody.",
    {1: "Not even one: who should raise it? The sender's part went well.",
     1000: "Each call hands a datagram to the kernel, and that works."})

overtaken = pictured(single(
    "A link loses `b\"tea\"`, and doubles `b\"rice\"`. Both copies of rice overtake `b\"salt\"`. "
    "The server calls `recv` three times. What does it get?",
    {'`b"tea"` · `b"salt"` · `b"rice"`': "That is what was sent.",
     '`b""` · `b"rice"` · `b"salt"`':
         "What is lost leaves no gap behind. `b\"\"` would be a datagram of no bytes, and nobody sent one.",
     '`b"salt"` · `b"rice"` · `b"rice"`': "In the order in which they were sent. But rice was there before salt.",
     '`b"rice"` · `b"salt"` · `b"rice"`': "Both copies have overtaken.",
     '`b"rice"` · `b"rice"` · `b"salt"`': "The queue has what came, in the order in which it came."},
    '`b"rice"` · `b"rice"` · `b"salt"`'), conversations.overtaken, blanks.results_of(("recv", 1), ("recv", 2), ("recv", 3)))

copies = pictured(single(
    "The shop is slow. The client asks for tea, hears nothing in time, and asks again. Then the shop answers both. "
    "The client takes one answer, asks for salt, and takes one answer. Tea is 3, salt is 1. What does it hear?",
    {'`b"3"` · `b"1"`':
         "If the second answer about tea were thrown away. Who should do that? It came to this socket, and it waits.",
     '`b"3"` · `b"3"`': "Two questions, two answers. The second one lies in the queue before the answer about salt.",
     '`b"33"` · `b"1"`': "That would be a stream. One `recv` takes one datagram.",
     '`b"3"` · an error': "An answer is a datagram like any other. No kernel knows what it is about."},
    '`b"3"` · `b"3"`'), conversations.asked_twice, blanks.results_of(("recv", 1, "client"), ("recv", 2, "client")))

sold = number(
    "The shop has ten packets of salt. A client sends `sell salt`, the shop sells one, and its answer is lost. The client "
    "does what you have just taught it: it asks again, and gets an answer. How many packets has the shop left?", 8,
    "The shop has sold one for each request that came. It cannot know that the second is the first once more.",
    {9: "The client wanted one, and knows of one. What does the shop know?",
     10: "Only the answer was lost. The first request came, and was done."})

claims = multiple(
    "Which of these hold?",
    {"UDP datagrams stick together": "Part 2: each `recv` gave one, however much room it had.",
     "`send` and `recv` are for TCP": "Part 4: a connected UDP socket has them too.",
     "`getpeername` works on a UDP socket": "On a connected one. On another it raises ENOTCONN, as on TCP.",
     "`connect` on UDP makes a handshake": "It sends nothing at all.",
     "On loopback nothing is lost": "Part 5: nearly all of a thousand.",
     "One UDP socket serves many clients": "Part 3: each datagram says where it comes from."},
    {"`getpeername` works on a UDP socket", "One UDP socket serves many clients"})

# The parts on a network of one's own

one_packet = number(
    "A cable takes packets of up to 1500 bytes. How many bytes of your data fit into a datagram that leaves as one packet, "
    "over IPv4?", 1472, "1500, less 20 for IP's header, less 8 for UDP's.",
    {1500: "That is the packet. Two headers stand in it before your data.",
     1492: "UDP's header has 8 bytes, and before it stands that of IP, 20 bytes.",
     1480: "IP's header has 20 bytes, and behind it stands that of UDP, 8 bytes.",
     1460: "That is the number for TCP, whose header has 20 bytes. UDP's has 8.",
     1458: "The 14 bytes of Ethernet's header do not count: the MTU is the size of the packet inside the frame."})

amplified = single(
    "The cable loses one packet in ten. alice sends 100 datagrams of 4,000 bytes, each in three packets. About how many come?",
    {"90": "That is how many packets of 100 come. A datagram needs three of them.",
     "73": "All three must come: 0.9 × 0.9 × 0.9 is 0.729.",
     "30": "A datagram is lost when one of three is lost, and seven or so in ten have luck three times.",
     "100, since lost pieces are sent again": "Nobody sends them again: IP keeps no copy, and neither does UDP."},
    "73")

broadcast = multiple(
    "alice sends one datagram to 10.0.1.255, port 5000: to all on her cable. Three programs are bound to port 5000. Who gets it?",
    {"bob's first program": "Each socket that is bound to the port gets a copy of a broadcast.",
     "bob's second program": "A copy for each: with a broadcast, no socket takes it away from another.",
     "carol's program, behind bob": "She is on another cable, and a router does not pass broadcasts on."},
    {"bob's first program", "bob's second program"})

waits = single(
    "The same ten messages by TCP, and the third is lost on its way. Numbers 4 and 5 come to bob's kernel. "
    "When does bob's program get number 4?",
    {"As soon as it is there": "Then the program would get 1, 2, 4: TCP promises a stream without holes.",
     "When 3 has been sent again, and has come": "The kernel has it, and gives it out in its turn.",
     "When all ten have come": "What is there without a hole is given out. It waits for what stands before it, not for the rest.",
     "Never": "alice's kernel keeps what is not acknowledged, and sends it again."},
    "When 3 has been sent again, and has come")

query_size = number(
    "A question to DNS has a header of 12 bytes. Then comes the name: before each of its labels (`tea`, `shop`, `example`) "
    "a byte with its length, and a zero byte at the end. Then two numbers of two bytes each. "
    "How many bytes is the question for `tea.shop.example`?", 34, "12, then 1 + 3, 1 + 4, 1 + 7 and 1 for the name, then 4.",
    {32: "16 is the length of the text. The lengths take the places of the dots, one more stands in front, and a zero behind.",
     33: "Three labels have three lengths, and the text has two dots. The zero at the end is one more.",
     16: "That is the length of the name as text.", 18: "That is the name alone.",
     30: "The two numbers at the end are four bytes more.", 22: "That is all but the header."})

call_in = single(
    "alice has written to port 5000 of the meeting point, so she has a port outside. Now the meeting point writes to that, "
    "but from port 6000. What does her NAT do?",
    {"Passes it on to her": "Its table knows whose the outside port is. But it also knows to whom she wrote: to port 5000.",
     "Drops it": "She has never written to that port. This NAT lets in only who was written to.",
     "Sends it to all at home": "A NAT never guesses: either its table says for whom it is, or it is for nobody.",
     "Tells the sender by ICMP": "It could. This one, like many, keeps silent, so that nobody outside learns what is there."},
    "Drops it")

punch = single(
    "Both know each other's outside address. Neither has written to the other yet. Now alice writes to bob. "
    "What becomes of her datagram?",
    {"It comes to bob": "bob's NAT lets in only those to whom bob has written, and he has not written to her yet.",
     "bob's NAT drops it, and it was in vain": "Dropped it is. But what did alice's own NAT write down when it went out?",
     "bob's NAT drops it, and it was not in vain": "On its way out, her own NAT has noted that bob's outside address may answer.",
     "Her own NAT drops it": "A NAT lets everything out."},
    "bob's NAT drops it, and it was not in vain")
