"""Requests from a grammar, and what mutations make of them and of the corpus."""

from tests.fuzz import seeds as corpus

METHODS = (
    b"GET",
    b"HEAD",
    b"POST",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"PATCH",
    b"TRACE",
    b"PROPFIND",
    b"M-SEARCH",
    b"REPORT",
    b"PURGE",
)
TARGETS = (
    b"/",
    b"/a/b",
    b"/a?b=c&d",
    b"/%41%2f%00",
    b"//a",
    b"/a;b=c",
    b"/?",
    b"/a?b?c",
    b"/..",
    b"http://a/",
    b"http://a",
    b"https://a:1/b?c",
    b"http://[::1]/",
    b"/a:b@c",
    b'/"<>\\^`{|}',
    b"/a?[b]",
)
HOSTS = (b"a", b"a.example:80", b"[::1]:8000", b"127.0.0.1", b"", b"a_b", b"%41", b"a:")
FIELDS = (
    b"Accept: */*",
    b"User-Agent: a (b; c) d/1.0",
    b"Cookie: a=b",
    b"Cookie: c=d",
    b"X-Empty:",
    b"X-Space: \t a b\tc  ",
    b"x-lower:a",
    b"X-Obs: \xe9\xff",
    b"X_Under: a",
    b"Content-Type: a/b",
    b"Connection: keep-alive",
    b"Connection: close",
    b"Connection: a, b",
    b"Expect: 100-continue",
    b"Connection: upgrade",
    b"Upgrade: websocket",
    b"TE: trailers",
    b"Via: 1.1 a",
    b"Via: 1.1 b",
    b"!#$%&'*+-.^`|~: token",
    b"X-Colon: :a:b:",
    b'X-Quote: "a\\"',
    b"Keep-Alive: 5",
    b"X-Forwarded-Proto: https",
    b"Content-Length-X: 1",
    b"Trailer: A",
)
BODIES = (
    b"",
    b"a",
    b"hello",
    b"\r\n",
    b"0\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    bytes(range(256)),
)
EXTENSIONS = (
    b"",
    b"",
    b"",
    b";a",
    b";a=b",
    b';a="b c"',
    b" ; a = b",
    b";a;b=c",
    b';a="\\""',
    b';a=";"',
)
TRAILERS = (b"A: b\r\n", b"X-Sum: \t1 \r\n", b"Empty:\r\n")
SPLICES = (
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\0",
    b":",
    b";",
    b",",
    b"0",
    b"=",
    b'"',
    b"\\",
    b"%",
    b"\x80",
    b"\x7f",
    b"chunked",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"+",
    b"-",
    b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n",
    b"Host: b\r\n",
    b"0\r\n\r\n",
    b"\r\n\r\n",
    b"HTTP/1.0",
    b"HTTP/1.1",
    b"#",
    b"x",
    b"_",
)


def wire(random):
    """The bytes of one connection: up to three requests, half of the times mutated."""
    parts = [
        request(random) if random.random() < 0.7 else random.choice(corpus.requests())
        for _ in range(random.choice((1, 1, 2, 3)))
    ]
    data = b"".join(parts)
    while random.random() < 0.5:
        data = mutate(random, data)
    return data


def request(random):
    """A request that is valid, or nearly."""
    method, target = random.choice(METHODS), random.choice(TARGETS)
    if random.random() < 0.05:
        method, target = random.choice(((b"CONNECT", b"a:80"), (b"OPTIONS", b"*")))
    version = b"HTTP/1.0" if random.random() < 0.1 else b"HTTP/1.1"
    fields = random.sample(FIELDS, random.randrange(5))
    fields.append(random.choice((b"Host: ", b"Host:", b"host: \t")) + random.choice(HOSTS))
    body = b""
    kind = random.random()
    if kind < 0.3:
        body = random.choice(BODIES)
        zeros = b"0" * random.choice((0, 0, 0, 2))
        fields.append(b"Content-Length: %s%d" % (zeros, len(body)))
    elif kind < 0.6 and version == b"HTTP/1.1":
        body = chunked(random, random.choice(BODIES))
        fields.append(random.choice((b"Transfer-Encoding: chunked", b"transfer-encoding:Chunked")))
    random.shuffle(fields)
    return b"\r\n".join([b" ".join((method, target, version)), *fields, b"", body])


def chunked(random, body):
    """The body in chunks, with extensions and trailers."""
    parts, at = [], 0
    while at < len(body):
        piece = body[at : at + random.randrange(1, len(body) + 1)]
        at += len(piece)
        size = random.choice((b"%x", b"%X", b"0%x", b"%04X")) % len(piece)
        parts.append(b"%s%s\r\n%s\r\n" % (size, random.choice(EXTENSIONS), piece))
    last = random.choice((b"0", b"00")) + random.choice(EXTENSIONS)
    trailers = random.sample(TRAILERS, random.choice((0, 0, 1, 2)))
    return b"".join((*parts, last, b"\r\n", *trailers, b"\r\n"))


def mutate(random, data):
    """The data with one thing wrong, or two things exchanged."""
    at = random.randrange(len(data) + 1)
    end = min(len(data), at + random.choice((1, 1, 1, 2, 4, 16)))
    return random.choice((_replace, _insert, _delete, _repeat, _change_case, _repeat_line))(
        random, data, at, end
    )


def _replace(random, data, at, end):
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def _insert(random, data, at, end):
    return data[:at] + random.choice(SPLICES) + data[at:]


def _delete(random, data, at, end):
    return data[:at] + data[end:]


def _repeat(random, data, at, end):
    return data[:end] + data[at:]


def _change_case(random, data, at, end):
    return data[:at] + data[at:end].swapcase() + data[end:]


def _repeat_line(random, data, at, end):
    lines = data.split(b"\r\n")
    line = random.choice(lines)
    lines.insert(random.randrange(len(lines) + 1), line)
    return b"\r\n".join(lines)
