"""Predictions of chapter 6: message sticking. Each wrong answer is one that people give, and says what leads to it."""
from netlab.chapters.message_sticking import captured, conversations
from netlab.teach import blanks
from netlab.teach.pictured import pictured
from netlab.teach.questions import multiple, number, single

# Parts 1 to 3: two sends, one recv

two_sends = pictured(single(
    "Two prices have come to the till's machine: `b\"3\"`, then `b\"12\"`, one `sendall` each. What does the till's first "
    "`recv(1024)` return?",
    {'`b"3"`': "One `sendall`, one `recv`: so it is with UDP. TCP keeps no note of where a `sendall` ended.",
     '`b"12"`': "Bytes come in the order in which they were sent. The newest is not first.",
     '`b"312"`': "`recv` takes what is there, up to 1024 bytes. Nothing between 3 and 12 says that a new message begins.",
     '`b"3\\n12"`': "Nobody sent a line end, and the kernel adds nothing to your bytes."},
    '`b"312"`'), conversations.two_prices, blanks.result_of("recv"))

total = number(
    "The customer buys for 3, 12 and 250 cents, 265 in all. All three prices have come when the till begins to read. "
    "What does `total_of` return?", 312250,
    "One `recv` brings `b\"312250\"`, and `int` finds nothing wrong with it.",
    {265: "If each `recv` brought one price. All of them are there already, and the first `recv` takes what is there.",
     3: "`recv` does not stop behind the first price: nothing tells it where that is.",
     562: "So it is if 3 and 12 stick, and 250 comes later. Here all three are there.",
     12253: "So it is if 3 comes alone, and the other two stick. Here all three are there."})

split = pictured(single(
    "The same three prices have come. The till calls `recv(2)` until there is nothing more. How many bytes does each call take?",
    {"1, 2, 2, 1": "So it would be if no `recv` took bytes of two prices. Its row of bytes has no marks where a price ends.",
     "1, 2, 3": "Those are the sends. The third is longer than 2.",
     "2, 2, 2": "Two bytes at a time, wherever a price ends.",
     "6": "At most two: what is left waits for the next `recv`."},
    "2, 2, 2"), lambda: ([b"3", b"12", b"250"], [b"31", b"22", b"50"]), blanks.sizes_of_recvs())

# Part 6: the cures

reply_late = pictured(single(
    "The customer has sent the first piece of an order, and waits for `b\"ok\"` before it sends the second, `b\"50\"`. "
    "The till has taken the piece, and says ok when the order is whole. What becomes of its next `recv`?",
    {'`b"50"`': "The customer sends that after the ok. It has not come.",
     '`b""`': "That would be the end, and nobody has closed.",
     "it waits": "Each waits for the other, and nothing on the way can change that. It is called a deadlock.",
     "it raises at once": "Nobody has closed and nothing is broken. Each end has good reason to wait."},
    "it waits"), conversations.deadlock,
    blanks.result_of("recv", 2, "till", read=lambda row: "it waits" if row.result == "TimeoutError" else row.result))

too_long = single(
    "Every message is padded to 16 bytes, and the till reads 16 at a time. One message has 19 bytes. "
    "What becomes of those behind it?",
    {"They are right: only that one is cut": "The till counts bytes. It does not know that three of them were too many.",
     "All of them are wrong": "Each comes three bytes late, to the end of the connection. Nothing ever puts it right.",
     "The next one is wrong, the others are right": "What should put it right? There is no sign of a beginning in the bytes.",
     "The till's `recv` raises": "They are bytes like any others, and there are 16 of them."},
    "All of them are wrong")

inside = number(
    "A message ends with a line end, `b\"\\n\"`. The customer sends two messages: `b\"tea 3\"`, and the note "
    "`b\"no milk\\nno sugar\"`. How many does the till get?", 3,
    "It takes each `\\n` for an end, and two of them are: the note's own is no different.",
    {2: "That is how many were sent. The till sees three line ends.",
     1: "Each line end ends a message."})

escape_first = single(
    "The sender writes `%0A` for each `\\n` inside a message, and the receiver turns each `%0A` back into `\\n`. "
    "Which message does not come as it was sent?",
    {"b'100%'": "No `%0A` stands in it, so nothing is turned back.",
     "b'no milk\\nno sugar'": "Its `\\n` travels as `%0A`, and is turned back.",
     "b'%0A'": "It has no `\\n`, so it travels as it is, and the receiver makes a `\\n` of it.",
     "b''": "Nothing stays nothing."},
    "b'%0A'")

cut_mark = single(
    "The lines end with `b\"\\r\\n\"`, and the stream was cut between the two bytes: `b\"tea 3\\r\"`, then "
    "`b\"\\nwine 250\\r\\n\"`. A till splits each piece by itself, another one keeps what it has and splits all of it. "
    "Who gets `b\"tea 3\"`?",
    {"Both": "In the first piece there is no `\\r\\n`, and in the second one there is no `tea`.",
     "Only the one that keeps": "In its buffer the two bytes meet again.",
     "Only the one that splits each piece": "It looks for two bytes that never stand in one piece.",
     "Neither": "Once all is put together, the end mark is there."},
    "Only the one that keeps")

swallowed = pictured(number(
    "Two lines have come, 15 bytes. The till calls `file.readline()`, which gives `tea 3` and its newline, 6 bytes. "
    "The file gets them by a `recv_into` of its own. How many bytes does that take from the kernel?", 15,
    "All that is there. A file reads ahead, and keeps what you have not asked for in a buffer of its own.",
    {6: "`readline` gives 6. But who finds a newline, must have looked at what was taken: does the file take one byte at a time?",
     5: "The newline belongs to the line.",
     9: "That is the second line. Why that one alone?",
     1: "It could ask byte by byte, and that would be slow: one call for each.",
     1024: "So many are not there. `recv` and its kin take at most what has come.",
     8192: "A file may have room for so many. But so many are not there."}),
    conversations.read_ahead, blanks.size_of("recv_into"))

killed = pictured(single(
    "A message is all that comes until the end of the connection. The customer has sent `b\"wine 2\"` of `b\"wine 250\"`, "
    "and its program ends. The till has taken that. What does its next `recv` say?",
    {'`b"50"`': "The rest was never sent.",
     '`b""`': "The end, as from a good customer. It says that nothing more comes. It does not say that all has come.",
     "`ConnectionResetError`": "The kernel closes for a program that has ended, as `close` would. "
                               "(On Linux it resets only if bytes were left unread.)",
     "nothing: it waits": "The kernel of the customer ends the connection, and tells."},
    '`b""`'), conversations.cut_short, blanks.result_of("recv", 2, "till"))

# Part 14: what people get wrong

possible = multiple(
    "The customer sends `b\"3\"`, `b\"12\"`, `b\"250\"`. Which of these can the till's calls of `recv` "
    "return, if you may choose the number of each?",
    {"312 250": "Sticking: two sends in one recv, and then the third.",
     "31 2250": "Split and stuck at once: a border of `recv` need not be one of `sendall`.",
     "3 1 2 2 5 0": "One byte each is a stream like any other.",
     "12 3 250": "TCP keeps the order of all bytes.",
     "3 250": "TCP leaves nothing out.",
     "3 12 12 250": "TCP gives nothing twice.",
     "3 (nothing) 12250": "`b\"\"` is the end. It never stands in the middle."},
    {"312 250", "31 2250", "3 1 2 2 5 0"})

separated = single(
    "The customer sends `b\"3\"` and waits until that is in the till's kernel, so that no send buffer holds it any more. "
    "Then it sends `b\"12\"`, and waits again. Now the till calls `recv(1024)`. What does it get?",
    {"b'3'": "They left one by one and they came one by one. But where do they lie now?",
     "b'312'": "They lie in one queue, side by side. What was emptied in between was another buffer.",
     "b'12'": "The first is still there: nobody has taken it."},
    "b'312'")

reply_does = multiple(
    "A customer waits for a reply after each message. What does it get by that?",
    {"No two of its messages stick": "While it waits, nothing else is on the way.",
     "None of its messages is split": "One that is longer than the till's `recv` takes is split all the same (part 6).",
     "No two replies stick": "They do, when a message was split and each part is answered (part 6).",
     "Each reply belongs to the message before it": "A late one does not. Nothing in `ok` says what it is for.",
     "It takes a round trip for each message": "That is its price: part 7 has measured it."},
    {"No two of its messages stick", "It takes a round trip for each message"})

no_network = single(
    "A pipe (`os.pipe`) joins two ends of one program: no TCP, no packets, no Nagle, no network. `b\"3\"` and `b\"12\"` are "
    "written to it, one call each. What does one `os.read(r, 1024)` give?",
    {"b'3'": "A pipe is a stream of bytes as well. (Linux can do it with O_DIRECT, if one asks for it: pipe(2).)",
     "b'312'": "No packet ever took part. It is what a byte stream is.",
     "An error": "There is nothing wrong with two writes."},
    "b'312'")

# Parts 9 to 12: text, strangers, a file, real protocols

cut_in_e = single(
    "`café 12` is sent, and the till takes it as `b\"caf\\xc3\"` and `b\"\\xa9 12\"`. "
    "What does `b\"caf\\xc3\".decode() + b\"\\xa9 12\".decode()` give?",
    {"`café 12`": "Only if the bytes were joined first. Here each piece is decoded alone, and neither holds an `é`.",
     "`caf 12`": "Python drops no bytes in silence, unless you ask for it with `errors=\"ignore\"`.",
     "`cafÃ© 12`": "So it is in Latin-1, where each byte is a character. UTF-8 knows that `c3` is half of one.",
     "An error": "`c3` says that one more byte belongs to this character, and in this piece there is none."},
    "An error")

one_byte_short = single(
    "The prefix says 7, for the 7 characters of `café 12`; then come its 8 bytes, and a whole message `tea 3`. "
    "The till takes 7 bytes for the first message. What does it take for the second?",
    {"`tea 3`: only the first one is damaged": "The till goes on where it stopped, and that is one byte too early.",
     "`2`, one byte": "It is left over, yes. But the till expects a length now, and takes it for a part of that.",
     "It raises: the length is wrong": "Four bytes are always a number. Nothing in the stream says which one was meant.",
     "A message of more than 800,000,000 bytes": "The `2` is the byte `32`, and the next length begins with it: `32 00 00 00`."},
    "A message of more than 800,000,000 bytes")

room = single(
    "One byte waits, and the till calls `recv(50_000_000)`. How much memory does Python take for this call?",
    {"About one byte": "That is what the result has in the end. But the room is made before the kernel is asked.",
     "About 64 KB, as much as a queue holds": "Python does not ask how much has come. It believes the number that it was given.",
     "About 50 MB": "First the room for all that could come, then the question to the kernel. What is too much is given back."},
    "About 50 MB")

searched = number(
    "A thousand pieces of a thousand bytes come, without a newline. After each, `split` searches all that is in the buffer. "
    "How many bytes has it searched in the end?", 500_500_000,
    "1,000 and 2,000 and so on up to 1,000,000: half a thousand times a million, and a little.",
    {1_000_000: "So it would be if each byte were searched once. But `split` begins at the front each time.",
     1_000_000_000: "A thousand times a million: but the buffer has a million only at the end. Take the mean.",
     500_000_000: "Nearly. The sum of 1 to 1,000 is 500,500, not 500,000.",
     1000: "That is one piece."})

stranger_name = single(
    "A customer's file is called `/etc/passwd`, so it says. What is `Path(\"inbox\") / \"/etc/passwd\"`?",
    {"`inbox/etc/passwd`": "So one would hope. But what begins with `/` is a path from the top, and `Path` takes it as such.",
     "An error": "Python cannot know that it is a stranger's. For a path of your own it may be just what you mean.",
     "`/etc/passwd`": "A path from the top replaces all that stood before it.",
     "`inbox/passwd`": "That is what you would get with `.name`, the last part, and nobody has asked for that."},
    "`/etc/passwd`")

masked_size = number(
    "A frame of WebSocket: `81 85 37 fa 21 3d 7f 9f 4d 51 58`. How many bytes has the message in it?", 5,
    "The second byte is `85`, that is `1000 0101`: the top bit says masked, the other seven say 5.",
    {133: "`85` is 133, but its top bit does not belong to the length.",
     11: "That is the whole frame: two bytes of header and the key are in it.",
     9: "The two bytes of the header are off. Four more are the key.",
     81: "The first byte says that it is a text, and the last piece of it."})
# Parts 4 and 5: whose fault it is, and what Nagle and delayed ACK do

nagle = number(
    "`TCP_NODELAY` switches Nagle's algorithm off, so ten sends of ten bytes leave as ten segments. All have come, and then the "
    "till calls `recv(1024)`, once. How many bytes does it get?", 100,
    "All of them. The till's kernel has taken the segments apart, and keeps one row of bytes.",
    {10: "That is one segment. But `recv` takes bytes, and knows nothing of segments.",
     90: "Ten bytes ahead and ninety behind: so the segments were with Nagle's algorithm. What does `recv` know of segments?",
     1024: "That is the most it may take. So many were not sent."})

let_go = pictured(single(
    "With Nagle's algorithm the first ten bytes have left. The nine other sends have been called meanwhile, and 90 bytes wait in "
    "alice's kernel. Which packet comes next?",
    {"alice: `bytes 11-100`": "A segment has room for 1,448 bytes here, a send buffer for many thousands. Neither is full, "
                              "and no clock takes part. What lets the 90 go?",
     "alice: `bytes 11-20`": "The second send as a segment of its own: so it is with TCP_NODELAY.",
     "bob: `ACK 11`": "bob's kernel says that the ten have come. Small pieces wait as long as anything is not confirmed: "
                      "now they go.",
     "bob: `FIN`": "The till has not closed."},
    "bob: `ACK 11`"), captured.ten_sends, captured.next_packet(4))

pause = single(
    "The customer sleeps after each send, for as long as you like. The till is busy meanwhile, and calls `recv(1024)` when all "
    "three prices have come. What does it get?",
    {"b'3'": "The pauses are over when the till looks. What tells it that there were any?",
     "b'312250'": "They came one by one, and lie side by side.",
     "b'250'": "The first that came is the first that is taken."},
    "b'312250'")

held_back = single(
    "`b\"tea \"` has left. Now the customer's kernel has `b\"3\\n\"` to send, and the till's program answers only a whole line. "
    "Who waits for whom?",
    {"Nobody: both pieces leave at once": "That is what TCP_NODELAY would do. Nagle's algorithm is on until it is switched off.",
     "The customer's kernel for an ACK, and the till's kernel for something to send with it":
         "Both mean well. Together they wait until one of them loses patience.",
     "The customer's kernel for more bytes, until a segment is full":
         "A full segment would leave, and so does a small one, once all before it is confirmed.",
     "The till's kernel for the rest of the line": "No kernel knows what a line is."},
    "The customer's kernel for an ACK, and the till's kernel for something to send with it")

dearest = number(
    "To the till and back it takes 20 ms. The customer waits for a reply to each message before it sends the next. How many "
    "messages a second at most, on the fastest machines that money can buy?", 50,
    "One second has fifty times 20 ms. The machines have nothing to say in it.",
    {100: "10 ms is the way there. The reply must come back before the next message may go.",
     20: "20 ms is the time for one message. How many of them are in 1,000 ms?",
     1000: "1,000 ms make a second, and each message takes 20 of them."})

# --- 13 a museum of bugs ---
museum_one_recv = single(
    "`one_recv` answers each order well, as long as orders come one by one and whole. The customer sends `b\"tea 3\\n\"`, and "
    "it comes as `b\"t\"` and `b\"ea 3\\n\"`. What does she get?",
    {"b'ok tea 3\\n'": "The till would have to wait for the newline. Nothing in it looks for one.",
     "nothing": "The loop goes round with whatever `recv` brought, also one letter.",
     "b'ok t\\nok ea 3\\n'": "Each recv is confirmed, whatever it brought.",
     "an error": "`rstrip` and `sendall` have nothing against a part of an order."},
    "b'ok t\\nok ea 3\\n'")

museum_decoded = single(
    "`decoded` keeps what is not whole, and takes one order after the other. Which of these breaks it?",
    {"b'te', then b'a 3\\n'": "`te` waits in `text` until the rest comes.",
     "b'tea 3\\nrice 12\\n' in one piece": "`split` finds both.",
     "b'tea 3\\nri', then b'ce 12\\n'": "`ri` is kept: the last part of the split goes back into `text`.",
     "b'caf\\xc3', then b'\\xa9 12\\n'": "`\\xc3` alone is no character, and `decode` is called before the rest of it is there."},
    "b'caf\\xc3', then b'\\xa9 12\\n'")

museum_own = single(
    "`shop` survives all cuts of one order, and two orders in one piece. Which stream breaks it?",
    {"b'te', then b'a 3\\n'": "No newline is there, so the loop goes round, and `held` is kept.",
     "b'tea 3\\nrice 12\\n', then nothing more": "`split` gives both, and both are answered.",
     "b'tea 3\\nri', then b'ce 12\\n'":
         "`split` gives `tea 3` and `ri`. The last one is left out of the loop, and then `held` is emptied."},
    "b'tea 3\\nri', then b'ce 12\\n'")
