"""What a scrape takes can be measured."""

import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from benchmarks import scraping


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"x")

    def log_message(self, *_): ...


@pytest.mark.process
def test_a_scrape_has_a_time_to_wait_for_and_a_processor_time():
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            least, middle, slow, cpu = scraping.Scraped(
                server.server_address[1], os.getpid()
            ).measure(20)
        finally:
            server.shutdown()
            thread.join()

    assert 0 < least <= middle <= slow
    assert cpu > 0
