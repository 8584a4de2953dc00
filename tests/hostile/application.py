"""What is attacked: a small page, an ordinary one, a large one, and two that read their body.

Of WSGI, and the same of ASGI, with a websocket that sends back what it receives.
"""

from tests.support.columns import live

PAGES = {"/": b"hello, world\n", "/page": b"x" * 200_000, "/large": b"x" * 2_000_000}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    body = PAGES.get(path)
    if body is None:
        found = environ["wsgi.input"]
        parts = found if path == "/lines" else iter(lambda: found.read(65536), b"")
        body = b"%d\n" % sum(map(len, parts))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi_application(scope, receive, send):
    if scope["type"] == "lifespan":
        await live(receive, send)
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
        return
    body = PAGES.get(scope["path"])
    if body is None:
        size, more = 0, True
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        body = b"%d\n" % size
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
