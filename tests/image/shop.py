"""The application in the image: quick, or as slow or as large as its query asks for."""

import os
import subprocess
import sys
import time
from urllib.parse import parse_qsl

_ORPHAN = "import os; os.fork() or os.execlp('sleep', 'sleep', '0.1')"


def application(environ, start_response):
    """Answers with the size of the body, after what the query asks for."""
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    time.sleep(float(query.get("seconds", 0)))
    if "orphan" in query:
        # A child that ends before its own child does: process 1 has to reap the latter.
        subprocess.run([sys.executable, "-c", _ORPHAN], check=True)
    size = 0
    while data := environ["wsgi.input"].read(65536):
        size += len(data)
    body = f"{size} {os.getuid()}\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
