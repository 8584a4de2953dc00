"""What is attacked: a small page, an ordinary one, a large one, and two that read their body."""

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
