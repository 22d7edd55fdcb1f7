"""Predictions of chapter 2: addresses are integers."""
from netlab.addresses import Network, int_to_ipv4, network
from netlab.chapters.ip_addresses.pictures import address_picture, places_picture
from netlab.teach.pictured import Blank, pictured
from netlab.teach.questions import multiple, number, order, single

_BYTES = bytes((192, 168, 0, 1))


# The pictures of two questions
def _places(read: str) -> tuple[int, ...]:
    """For each of the four bytes the place at which an address has it; () for what is no address of these bytes."""
    groups = read.strip("`").split(".")
    return tuple(groups.index(str(byte)) for byte in _BYTES) if sorted(groups) == sorted(map(str, _BYTES)) else ()


def _read(number, words):
    return places_picture(_BYTES, _places(int_to_ipv4(number)), words)


_IN_PLACE = Blank(draw=_read, truth=int_to_ipv4, asked=lambda number, words: places_picture(_BYTES, (), words),
                  chosen=lambda number, words, choice: places_picture(_BYTES, _places(choice), words),
                  takes=(int,))
_COUNTED = Blank(draw=lambda net, words: address_picture(int_to_ipv4(net.first), net.prefix), truth=lambda net: net.count,
                 asked=lambda net, words: address_picture(int_to_ipv4(net.first)), label="Addresses in the network:",
                 unit="address", takes=(Network,))

place_value = number("`0.0.0.1` is the integer 1. Which integer is `0.0.1.0`?", 256,
    "Each group is one digit of base 256. The group before the last counts 256s.",
    {1: "That is `0.0.0.1`. The 1 stands one place further left here.",
     10: "The groups are not digits of base 10: one group has 256 values.",
     100: "The groups are not digits of base 10: one group has 256 values.",
     255: "255 is the largest value of one group. The next number is the one that needs a second group.",
     1000: "The groups are not digits of base 1000: one group has 256 values, 0 to 255.",
     65536: "One place too far: that is `0.1.0.0`."})

byte_order = pictured(single("Four bytes arrive for `192.168.0.1`. A program reads them as an integer, as if the first byte were "
    "the least significant. Which address does it print?",
    {"`192.168.0.1`": "The bytes are the same, but the program gives each byte another place value.",
     "`168.192.1.0`": "Not two by two: the first byte goes to the last place, so the last goes to the first.",
     "`1.0.168.192`": "The bytes keep their values and change their places: the last becomes the first.",
     "It raises": "Nothing is malformed: every four bytes are some address. That is why this mistake is quiet."},
    "`1.0.168.192`"), lambda: int.from_bytes(_BYTES, "little"), _IN_PLACE)

same_number = multiple("Which of these are the same address as `192.168.0.1`?",
    {"the integer 3232235521": "192 * 256**3 + 168 * 256**2 + 0 * 256 + 1 is 3232235521: the address itself.",
     "the integer 0xC0A80001": "C0 is 192, A8 is 168: the same integer, written in hex.",
     "the four bytes `c0 a8 00 01`": "The same 32 bits, most significant byte first: what stands in a packet.",
     "the integer 19216801": "That is what is left when the dots are deleted: the groups are not decimal digits.",
     "the text `192.168.1`": "Some programs read it as `192.168.0.1`, others refuse it: as a text it has no one meaning."},
    {"the integer 3232235521", "the integer 0xC0A80001", "the four bytes `c0 a8 00 01`"})

gap = number("How many groups of zeros does `::` stand for in `2001:db8::8a2e:370:7334`?", 3,
    "Five groups are written and an address has eight, so three are left.",
    {1: "`::` is as long as it must be: count the groups that are written and subtract from eight.",
     2: "Count the groups that are written: there are five.",
     4: "Count the groups that are written: there are five.",
     5: "Five is how many are written. How many are missing to eight?",
     8: "Eight is how many there are in all. Five are written."})

canonical = single(
    "`2001:0db8:85a3:0042:1000:8a2e:0370:7334` is a correct text. Which form does RFC 5952 ask programs to print?",
    {"`2001:0db8:85a3:0042:1000:8a2e:0370:7334`": "Correct to read, but zeros in front of a group are not printed.",
     "`2001:db8:85a3:42:1000:8a2e:370:7334`":
         "Zeros in front of a group go; the zeros at the end of 1000 and inside are digits and stay.",
     "`2001:db8:85a3:42:1:8a2e:37:7334`": "Zeros at the end of a group are digits like any other: 1000 is not 1.",
     "`2001:DB8:85A3:42:1000:8A2E:370:7334`": "The letters are printed small."}, "`2001:db8:85a3:42:1000:8a2e:370:7334`")

longer_field = single("A program opens an IPv4 socket (`AF_INET`) and is asked to reach `2001:db8::1`. What happens?",
    {"It works: IPv6 is IPv4 with longer addresses":
         "The address does not fit: an IPv4 header has 32 bits for it, and no version field can stretch them.",
     "It fails: the address belongs to another protocol":
         "IPv6 has its own header, its own socket family and its own routes. The two run side by side.",
     "It works, with only the last 32 bits": "Nothing is cut off quietly: the call is refused.",
     "It works if the router supports both": "A router forwards both protocols side by side. It does not turn one into the "
         "other; that is a translator's work (RFC 6052)."}, "It fails: the address belongs to another protocol")

in_order = order("Python sorts these addresses as integers. Which order comes out?",
    ["`9.9.9.9`", "`10.0.0.9`", "`10.0.0.10`", "`192.168.0.1`"],
    "The first group decides, then the next: the order of the integers. Sorting the texts gives another order.",
    {("`10.0.0.10`", "`10.0.0.9`"): "As texts '10' comes before '9'. As numbers 9 comes first.",
     ("`10.0.0.9`", "`9.9.9.9`"): "As texts '1' comes before '9'. As numbers 9 is less than 10.",
     ("`192.168.0.1`", "`9.9.9.9`"): "As texts '1' comes before '9'. As numbers 9 is less than 192.",
     ("`192.168.0.1`", "`10.0.0.10`"): "10 is less than 192."})

how_many = pictured(number("How many addresses are in a network whose prefix has 22 bits, such as `10.1.4.0/22`?", 1024,
    "32 - 22 = 10 bits are left to choose, and ten bits have 2**10 = 1024 values.",
    {1022: "1022 of them are for hosts; the first and the last belong to the network too.",
     22: "22 bits are fixed. How many are left, and how many values do they have?",
     10: "Ten bits are left. Each of them doubles the number of values.",
     256: "That is `/24`. Two bits more are free here.",
     512: "That is `/23`. One bit more is free here.",
     2048: "That is `/21`. One bit less is free here.",
     4194304: "That is 2**22: how many such networks there are. Count the addresses in one."}),
    lambda: network("10.1.4.0", 22), _COUNTED)

unique = single("Right now, how many machines in the world can have the address `192.168.0.1`?",
    {"One: an address is unique": "Unique among those who can reach each other. `192.168.0.0/16` is for private networks, and "
         "each may use it (RFC 1918).",
     "One in each country": "No range of addresses is handed out by country in this way.",
     "One in each private network, so millions":
         "RFC 1918 gives the range to everybody. It has a meaning only inside one network.",
     "None: it is reserved": "It is reserved for use in private networks, and used there."},
    "One in each private network, so millions")

two_servers = single("Two servers on one machine want the same port: one binds to `127.0.0.1`, the other to `127.0.0.2`. What "
    "does the second `bind` do (Linux)?",
    {"It fails: the port is taken": "Taken at `127.0.0.1` only: a server holds an address and a port, not a port alone.",
     "It works: the addresses differ":
         "A server holds the pair of address and port. One machine, even one interface, can have many addresses.",
     "It fails: the machine has one address": "An address belongs to an interface, and an interface can have several: on Linux "
         "all of `127.0.0.0/8` is the loopback interface.",
     "It works, and both servers share the clients": "A client names one of the two addresses, and that server answers."},
    "It works: the addresses differ")

who_accepts = multiple("Which of these texts does `socket.inet_aton` take for an IPv4 address (Linux)?",
    {"`127.1`": "Taken as `127.0.0.1`: with two groups, the second fills the last three bytes.",
     "`010.0.0.1`": "Taken as `8.0.0.1`: a leading zero means base 8 to the C library.",
     "`1.2.3.4 foo`": "Taken as `1.2.3.4`: glibc stops at the space and ignores the rest.",
     "`0x7f.1`": "Taken as `127.0.0.1`: 0x means base 16.",
     "`1.2.3.256`": "Refused: 256 does not fit the last byte."}, {"`127.1`", "`010.0.0.1`", "`1.2.3.4 foo`", "`0x7f.1`"})
