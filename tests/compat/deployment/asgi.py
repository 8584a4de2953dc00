"""An ASGI application, whose response has a length as those of frameworks have."""

HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"4")]


async def application(scope, receive, send):
    """Respond to each request alike."""
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": b"asgi"})
