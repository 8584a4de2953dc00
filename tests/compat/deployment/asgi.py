"""An ASGI application."""


async def application(scope, receive, send):
    """Respond to each request alike."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"asgi"})
