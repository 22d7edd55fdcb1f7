"""Predictions of chapter 5, the parts on a network of one's own."""
from netlab.teach.questions import multiple, number, single

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
