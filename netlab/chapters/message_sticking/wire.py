"""What parts 10 and 12 need and do not teach: how much room a call asks for, and the bytes of a real HTTP request."""
import http.client
import tracemalloc

from netlab import serve


def room_of(call, *arguments) -> int:
    """The most memory, in bytes, that Python's objects took at one time while call(*arguments) ran (tracemalloc)."""
    tracemalloc.start()
    try:
        call(*arguments)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def http_request(body) -> bytes:
    """The bytes that http.client sends, to a server on loopback, for a POST with this body: bytes, or an iterable of bytes."""
    wire = []

    def keep(conn, address):
        with conn.makefile("rb") as stream:
            wire.append(stream.read())

    with serve(keep) as server:
        client = http.client.HTTPConnection(*server.address)
        client.request("POST", "/till", body, {"Host": "till.example"})     # else it names the port
        client.close()
    return wire[0]
