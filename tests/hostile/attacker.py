"""One attack: ``python -m tests.hostile.attacker NAME HOST PORT SECONDS``, at a low priority.

Attacks are coroutines that are begun again and again, so many at a time as `ATTACKS` says.  Says
``there`` once it has begun in earnest, and counts at its end what became of its connections.
"""

import asyncio
import contextlib
import itertools
import json
import os
import random
import resource
import socket
import struct
import sys
import time
from collections import Counter

from tests.hostile import websocket_attacks

GET = b"GET / HTTP/1.1\r\nHost: hostile\r\n\r\n"
POST = (
    b"POST /read HTTP/1.1\r\nHost: hostile\r\nX-Field: value\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n0\r\n\r\n"
)
HEAD = b"GET / HTTP/1.1\r\nHost: hostile\r\n"
CHUNKED = b"POST /read HTTP/1.1\r\nHost: hostile\r\nTransfer-Encoding: chunked\r\n\r\n"
HELLO = (
    b"\x16\x03\x01\x00\x47\x01\x00\x00\x43\x03\x03"
    + bytes(range(32))
    + b"\x00\x00\x04\x13\x01\xc0\x2f\x01\x00\x00\x16\x00\x00\x00\x0e\x00\x0c\x00\x00\x09localhost"
)
LARGE_BODY = b"Host: hostile\r\nContent-Length: 100000\r\n\r\n" + b"x" * 70_000
"""More than is waited for before the application runs, and less than is declared."""
EXPECTING = b"Host: hostile\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n"
PROMPT = 1.0

outcomes = Counter()
slowest = 0.0
numbers = itertools.count()


async def pipelined(reader, writer):
    """Requests without a pause; the responses are read."""
    reading = asyncio.ensure_future(_drop(reader))
    try:
        while True:
            writer.write(GET * 500)
            await writer.drain()
    finally:
        reading.cancel()


async def pipelined_unread(reader, writer):
    """Requests without a pause whose responses are not read."""
    writer.transport.pause_reading()
    while True:
        writer.write(GET * 500)
        await writer.drain()


async def tiny_chunks(reader, writer):
    """Bodies in chunks of a byte."""
    writer.write(CHUNKED + b"1\r\nx\r\n" * 20000 + b"0\r\n\r\n")
    await writer.drain()
    await reader.readuntil(b"\r\n\r\n")


async def headers(reader, writer):
    """Heads with as many fields as there may be, none of them seen before; then too many."""
    for count in (99, 5000):
        start = next(numbers) * 10000
        fields = b"".join(b"X-%d: %d\r\n" % (start + each, each) for each in range(count))
        writer.write(HEAD + fields + b"\r\n")
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")


async def one_byte_writes(reader, writer):
    """A request in packets of a byte."""
    for byte in POST:
        writer.write(bytes([byte]))
        await asyncio.sleep(0)
    await reader.readuntil(b"\r\n\r\n")


async def noise(reader, writer):
    """Random bytes, then the end, or a reset."""
    writer.write(random.randbytes(random.randrange(1, 5000)))
    await writer.drain()
    if random.random() < 0.5:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


async def prefixes_and_close(reader, writer):
    """The first bytes of a request, then the end."""
    writer.write(POST[: next(numbers) % len(POST)])
    await writer.drain()


async def prefixes_and_silence(reader, writer):
    """The first bytes of a request, then nothing until the server has enough of it."""
    writer.write(POST[: next(numbers) % len(POST)])
    await _drop(reader)


async def tls_hello(reader, writer):
    """TLS; it must not be waited for more of it."""
    global slowest
    began = time.monotonic()
    writer.write(HELLO)
    answer = await reader.read(100)
    slowest = max(slowest, time.monotonic() - began)
    outcomes["prompt" if time.monotonic() - began < PROMPT else "late"] += 1
    assert answer[:13] in (b"", b"HTTP/1.1 400 ")


async def slow_heads(reader, writer):
    """A field now and then."""
    writer.write(HEAD)
    while not reader.at_eof():
        await asyncio.sleep(1.0)
        writer.write(b"X-A: b\r\n")
        await writer.drain()


async def slow_bodies(reader, writer):
    """A byte of a body now and then."""
    writer.write(b"POST /read HTTP/1.1\r\nHost: hostile\r\nContent-Length: 4096\r\n\r\n")
    while not reader.at_eof():
        await asyncio.sleep(1.0)
        writer.write(b"x")
        await writer.drain()


async def large_slow_bodies(reader, writer):
    """70 KB of a body, or nothing of one that was asked for; then a byte now and then."""
    await _drip(reader, writer, b"POST /read HTTP/1.1\r\n")


async def unread_slow_bodies(reader, writer):
    """The same, to an application that does not read it."""
    await _drip(reader, writer, b"POST / HTTP/1.1\r\n")


async def _drip(reader, writer, line):
    writer.write(line + (LARGE_BODY if next(numbers) % 2 else EXPECTING))
    reading = asyncio.ensure_future(_drop(reader))
    while not reading.done():
        await asyncio.wait({reading}, timeout=1.0)
        writer.write(b"x")


async def silent(reader, writer):
    """Nothing at all, and more of it than there are places; a client that loses its place comes
    back for another."""
    await _drop(reader)
    await asyncio.sleep(0.1)


async def blanks(reader, writer):
    """As many blanks as a field may have, where an address is looked for."""
    for name, value in ((b"Forwarded", b"for=192.0.2.1"), (b"X-Forwarded-For", b"192.0.2.1")):
        for end in (b"x", b",", b'"'):
            field = b"%s: %s%s%s\r\n" % (name, value, b" \t" * 4000, end)
            writer.write(HEAD + field + b"\r\n")
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")


async def lines(reader, writer):
    """Bodies that are one line, and bodies of empty lines, to an application that reads lines."""
    for body in (b"x" * 1_000_000, b"\n" * 20_000):
        writer.write(b"POST /lines HTTP/1.1\r\nHost: hostile\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        await reader.readuntil(b"\r\n\r\n")


async def slow_readers(reader, writer):
    """A large page, of which a byte is read now and then."""
    writer.write(b"GET /large HTTP/1.1\r\nHost: hostile\r\n\r\n")
    while await reader.read(1):
        await asyncio.sleep(1.0)


async def idle(reader, writer):
    """A request, then nothing; who is sent away comes back and says nothing at all."""
    if next(numbers) < IDLE:
        writer.write(GET)
        await reader.readuntil(b"hello, world\n")
    await _drop(reader)


async def _drop(reader):
    while await reader.read(1 << 20):
        pass


IDLE = 10_000
ATTACKS = {
    "idle": (idle, IDLE),
    "pipelined": (pipelined, 20),
    "pipelined, unread": (pipelined_unread, 20),
    "tiny chunks": (tiny_chunks, 20),
    "headers": (headers, 20),
    "one-byte writes": (one_byte_writes, 50),
    "noise": (noise, 50),
    "prefixes, closed": (prefixes_and_close, 50),
    "prefixes, silent": (prefixes_and_silence, 2 * len(POST)),
    "TLS": (tls_hello, 50),
    "slow heads": (slow_heads, 200),
    "slow bodies": (slow_bodies, 200),
    "large slow bodies": (large_slow_bodies, 200),
    "slow bodies, unread": (unread_slow_bodies, 200),
    "slow readers": (slow_readers, 200),
    "silent": (silent, 3000),
    "blanks": (blanks, 20),
    "lines": (lines, 20),
    **websocket_attacks.ATTACKS,
}


async def connect(address, attack):
    if attack is not slow_readers:
        return await asyncio.open_connection(*address)
    connecting = socket.socket()
    connecting.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connecting.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connecting, address)
    return await asyncio.open_connection(sock=connecting, limit=1)


async def again_and_again(attack, address):
    while True:
        try:
            reader, writer = await connect(address, attack)
        except OSError as error:
            outcomes[type(error).__name__] += 1
            await asyncio.sleep(0.05)
            continue
        outcomes["connections"] += 1
        try:
            await attack(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
            outcomes[type(error).__name__] += 1
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


async def main(name, host, port, seconds):
    attack, count = ATTACKS[name]
    tasks = []
    for number in range(count):
        tasks.append(asyncio.ensure_future(again_and_again(attack, (host, port))))
        if number % 50 == 49:
            await asyncio.sleep(0.02)
    goal = min(count, 9 * count // 10)
    deadline = time.monotonic() + 30
    while outcomes["connections"] < goal and time.monotonic() < deadline:
        await asyncio.sleep(0.02)
    print("there", flush=True)
    await asyncio.sleep(seconds)
    print(json.dumps({"outcomes": outcomes, "slowest": slowest}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    os.nice(10)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
