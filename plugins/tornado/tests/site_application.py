"""An application of tornado's with an endpoint for each way of a request and its response."""

import asyncio
import hashlib
import os

import tornado.web
import tornado.websocket


class Hello(tornado.web.RequestHandler):
    def get(self, seconds="0"):
        self.write("hello")

    head = get


class Sleep(tornado.web.RequestHandler):
    async def get(self, seconds):
        await asyncio.sleep(float(seconds))
        self.write(f"{os.getpid()}")


class Echo(tornado.web.RequestHandler):
    def post(self):
        self.write({"json": tornado.escape.json_decode(self.request.body)})


class Form(tornado.web.RequestHandler):
    def post(self):
        self.write({"a": self.get_body_arguments("a"), "file": self._file()})

    def _file(self):
        files = self.request.files.get("f", [])
        return [[each.filename, each.body.decode()] for each in files]


@tornado.web.stream_request_body
class Upload(tornado.web.RequestHandler):
    """Takes its body slowly, piece by piece."""

    lost = 0

    def prepare(self):
        self.hash, self.size, self.pieces = hashlib.sha256(), 0, 0
        limit = self.get_argument("limit", "")
        if limit:
            self.request.connection.set_max_body_size(int(limit))
        if self.get_argument("refuse", ""):
            raise tornado.web.HTTPError(403)

    async def data_received(self, chunk):
        if self.get_argument("fail", ""):
            raise ValueError("on purpose")
        await asyncio.sleep(0)
        self.hash.update(chunk)
        self.size += len(chunk)
        self.pieces += 1

    def post(self):
        digest = self.hash.hexdigest()
        self.write({"size": self.size, "digest": digest, "pieces": self.pieces})

    def get(self):
        self.write({"lost": Upload.lost})

    def on_connection_close(self):
        super().on_connection_close()
        Upload.lost += 1


class Chunks(tornado.web.RequestHandler):
    async def get(self):
        for number in range(5):
            self.write(f"{number}\n")
            await self.flush()
            await asyncio.sleep(0.001)


class Flood(tornado.web.RequestHandler):
    """More than a reader takes; `flush` waits for it."""

    written = 0

    async def get(self):
        Flood.written = 0
        for _ in range(1000):
            self.write(b"x" * 100_000)
            await self.flush()
            Flood.written += 1


class Written(tornado.web.RequestHandler):
    def get(self):
        self.write(str(Flood.written))


class Events(tornado.web.RequestHandler):
    """Server-sent events until the client is gone."""

    left = 0
    is_open = True

    async def get(self):
        self.set_header("Content-Type", "text/event-stream")
        try:
            while self.is_open:
                self.write("data: tick\n\n")
                await self.flush()
                await asyncio.sleep(0.02)
        finally:
            Events.left += 1

    def on_connection_close(self):
        self.is_open = False


class Left(tornado.web.RequestHandler):
    def get(self):
        self.write(str(Events.left))


class Fail(tornado.web.RequestHandler):
    def get(self):
        raise ValueError("on purpose")


class Header(tornado.web.RequestHandler):
    """A header that HTTP does not have."""

    def get(self):
        self._headers["X bad"] = "value"
        self.write("never")


class Close(tornado.web.RequestHandler):
    def get(self):
        self.set_header("Connection", "close")
        self.write("bye")


class Client(tornado.web.RequestHandler):
    def get(self):
        context = self.request.connection.context
        self.write(
            {
                "ip": self.request.remote_ip,
                "protocol": self.request.protocol,
                "host": self.request.host,
                "path": self.request.path,
                "context": [context.remote_ip, context.protocol, str(context)],
                "twice": self.request.headers.get_list("X-Twice"),
            }
        )


class Socket(tornado.websocket.WebSocketHandler):
    closed = ()

    def get_compression_options(self):
        return {}

    def select_subprotocol(self, subprotocols):
        return subprotocols[0] if subprotocols else None

    async def on_message(self, message):
        if message == "sleep":
            await asyncio.sleep(0.05)
        await self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self):
        Socket.closed = (*Socket.closed, self.close_code)


class Closed(tornado.web.RequestHandler):
    def get(self):
        self.write({"closed": list(Socket.closed)})


class Tunnel(tornado.web.RequestHandler):
    """Takes its connection over, as a proxy does."""

    async def get(self):
        stream = self.detach()
        await stream.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        line = await stream.read_until(b"\n")
        await stream.write(line.upper())
        stream.close()


application = tornado.web.Application(
    [
        ("/", Hello),
        ("/sleep/(.*)", Sleep),
        ("/echo", Echo),
        ("/form", Form),
        ("/upload", Upload),
        ("/chunks", Chunks),
        ("/flood", Flood),
        ("/written", Written),
        ("/events", Events),
        ("/left", Left),
        ("/fail", Fail),
        ("/header", Header),
        ("/close", Close),
        ("/client", Client),
        ("/socket", Socket),
        ("/closed", Closed),
        ("/tunnel", Tunnel),
        ("/static/(.*)", tornado.web.StaticFileHandler, {"path": os.path.dirname(__file__)}),
    ]
)


def wsgi(environ, start_response):
    """One of WSGI, for the same worker."""
    start_response("200 OK", [("Content-Length", "0")])
    return []
