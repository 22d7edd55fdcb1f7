"""Captures: packets as a file that Wireshark reads, and back. Scapy reads and writes them; the formats are pcapng and pcap.

What these have no place for stands in each packet's comment, as JSON: where it came from, where it went, what became of it.
"""
import json
import logging
from itertools import count
from os import PathLike, fspath

ETHERNET = 1            # the link type of a capture of Ethernet frames
LARGEST = 1 << 18       # bytes: no frame is longer
COMMENT = 60_000        # bytes of one comment, of which pcapng can tell the length; what is more goes into the next


def save(packets, path: str | PathLike) -> None:
    """Write `packets` to a pcapng file; a cable is an interface there. Raises OSError."""
    from scapy.packet import Raw
    from scapy.utils import PcapNgWriter

    with PcapNgWriter(fspath(path)) as writer:
        writer.linktype = ETHERNET
        writer.write_header(None)
        for packet in packets:
            frame, comment = Raw(packet.data), _comment(packet)
            frame.time, frame.sniffed_on = max(0, packet.time), packet.cable or None
            frame.direction = 2 if packet.cable.startswith(packet.sender) else 1        # out of the end named first, or into it
            frame.comments = [comment[at:at + COMMENT].encode() for at in range(0, len(comment), COMMENT)]
            writer.write_packet(frame)


def load(path: str | PathLike) -> list[dict]:
    """What the packets of a capture are, as arguments of Packet. Raises FileNotFoundError, and ValueError for what is none."""
    from scapy.utils import RawPcapReader

    log = logging.getLogger("scapy.runtime")        # which would say on the page what we say in one sentence
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        with open(path, "rb") as file, RawPcapReader(file) as reader:
            return [_packet(*each, reader, number) for number, each in zip(count(1), _read(reader))]
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {fspath(path)!r}") from None
    except (OSError, ValueError):
        raise
    except Exception:           # Scapy's own kinds of errors, for bytes that are something else
        raise ValueError(f"{fspath(path)!r} is no capture: a .pcap or .pcapng file is wanted") from None
    finally:
        log.setLevel(level)


def _read(reader):
    while True:
        try:
            yield reader._read_packet(LARGEST)          # the public way cuts frames at 65,535 bytes
        except EOFError:
            return


def _packet(data, about, reader, number):
    if (kind := getattr(about, "linktype", getattr(reader, "linktype", ETHERNET))) != ETHERNET:
        raise ValueError(f"the packets of this capture are of link type {kind}: only Ethernet, {ETHERNET}, is read here")
    if hasattr(about, "tshigh"):
        time = ((about.tshigh or 0) << 32 | (about.tslow or 0)) / about.tsresol
    else:
        time = about.sec + about.usec / (1e9 if reader.nano else 1e6)
    cable = (getattr(about, "ifname", None) or b"").decode("utf-8", "backslashreplace")
    packet = {"number": number, "time": time, "cable": cable, "sender": "", "receiver": "", "data": data}
    return packet | _said(getattr(about, "comments", None) or [])


def _comment(packet):
    said = {"number": packet.number, "time": packet.time, "from": packet.sender, "to": packet.receiver, "fate": packet.fate}
    if packet.arrivals:
        said["arrivals"] = packet.arrivals
    if packet.became:
        said["became"] = [frame.hex(" ") for frame in packet.became]
    return json.dumps(said)


def _said(comments):
    """What our comment says; of somebody else's comment nothing."""
    try:
        said = json.loads(b"".join(comments))
        return {"number": int(said["number"]), "time": float(said["time"]), "sender": str(said["from"]),
                "receiver": str(said["to"]), "fate": str(said["fate"]), "arrivals": tuple(map(float, said.get("arrivals", ()))),
                "became": tuple(map(bytes.fromhex, said.get("became", ())))}
    except (ValueError, KeyError, TypeError):
        return {}
