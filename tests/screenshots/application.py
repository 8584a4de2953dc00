"""A shop whose pages take their time."""

import os
import time

SECONDS = {"/checkout": 0.4, "/search": 0.08, "/report": 2.5, "/export": 300.0}


def application(environ, start_response):
    path = environ["PATH_INFO"]
    # The export is stuck in one worker alone.
    if path != "/export" or os.environ["HOOKSERVE_WORKER_INDEX"] == "1":
        time.sleep(SECONDS.get(path, 0.002))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"a page of the shop\n" * 20]
