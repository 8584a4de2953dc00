"""Applications that fork children."""

import os
import sys
import time


def application(environ, start_response):
    """Forks at ``/fork/<how>``, where the child ends in that way; the response has its pid."""
    path = environ["PATH_INFO"]
    body = b"of the parent"
    if path.startswith("/fork/"):
        pid = os.fork()
        if pid == 0:
            end(path.removeprefix("/fork/"))
            body = b"of the child"
        else:
            body = b"%d" % pid
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


async def asgi_application(scope, receive, send):
    """Forks at any path; a child that goes on after its response says so in the log."""
    assert scope["type"] == "http"
    pid = os.fork()
    body = b"%d" % pid
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
    if pid == 0:
        os.write(2, b"the child goes on\n")


def end(how):
    if how == "exits":
        sys.exit(3)
    if how == "raises":
        raise ValueError("in the child")
    if how == "stays":
        time.sleep(60)  # a child that does not end
