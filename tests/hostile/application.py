"""What is attacked: a small page, an ordinary one, a large one, and one that reads its body."""

PAGES = {"/": b"hello, world\n", "/page": b"x" * 200_000, "/large": b"x" * 2_000_000}


def application(environ, start_response):
    body = PAGES.get(environ["PATH_INFO"])
    if body is None:
        size = 0
        while chunk := environ["wsgi.input"].read(65536):
            size += len(chunk)
        body = b"%d\n" % size
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
