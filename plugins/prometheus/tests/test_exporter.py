"""The server's own metrics, scraped while every worker is stuck."""

import http.client
import re
import shutil
import socket
import subprocess

import pytest
from hookserve_prometheus import scrape_addresses
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from hookserve.testing import serve, wait_until

APPLICATION = """
import os, time

def application(environ, start_response):
    while environ["PATH_INFO"] == "/stuck" and not os.path.exists("go on"):
        time.sleep(0.02)
    start_response("200 OK", [])
    return [b"x"]
"""


@pytest.fixture
def scrape(tmp_path):
    """A function that returns status, content type and text; every worker is stuck."""
    (tmp_path / "app.py").write_text(APPLICATION)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def fetch(path="/metrics", method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.headers["Content-Type"], response.read().decode()
        except OSError:
            return None
        finally:
            connection.close()

    settings = {"prometheus": f"127.0.0.1:{port},unix:{tmp_path}/metrics"}
    with serve("app:application", workers=1, settings=settings, chdir=tmp_path) as server:
        wait_until(fetch)
        client = http.client.HTTPConnection(*server.address, timeout=30)
        client.request("GET", "/")
        client.getresponse().read()
        client.request("GET", "/stuck")
        wait_until(lambda: "http_server_active_requests 1\n" in fetch()[2])
        yield fetch
        (tmp_path / "go on").touch()
        client.getresponse().read()
        client.close()


@pytest.mark.process
def test_a_scrape_has_the_servers_metrics_while_every_worker_is_stuck(scrape, tmp_path):
    status, content_type, text = scrape()

    assert (status, content_type.partition(";")[0]) == (200, "application/openmetrics-text")
    families = {each.name: each for each in text_string_to_metric_families(text)}
    durations = families["http_server_request_duration_seconds"]
    assert (durations.type, durations.unit) == ("histogram", "seconds")
    assert [each.value for each in durations.samples if each.name.endswith("_count")] == [1]
    assert families["hookserve_workers_wanted"].samples[0].value == 1
    assert scrape("/")[0] == 404
    assert scrape(method="HEAD")[2] == ""
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(str(tmp_path / "metrics"))
        other.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        assert other.recv(15) == b"HTTP/1.1 200 OK"


@pytest.mark.process
@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_reads_it(scrape):
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=in_older_format(scrape()[2]),
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def in_older_format(text):
    """The same as promtool knows it: without units, infos and an end, and a family of counters has
    the name of its samples."""
    suffixes = {"counter": "_total", "info": "_info"}
    kinds = dict(re.findall("^# TYPE (\\S+) (\\S+)$", text, re.M))
    lines = []
    for line in text.splitlines()[:-1]:
        word, name, *others = line.split(" ", 3)[1:] if line.startswith("# ") else ("", "")
        if word in ("TYPE", "HELP"):
            kind = kinds[name]
            rest = others[0].replace("info", "gauge") if word == "TYPE" else others[0]
            lines.append(f"# {word} {name}{suffixes.get(kind, '')} {rest}")
        elif not word:
            lines.append(line)
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("text", ["@hidden", "fd://3", "0.0.0.0:0"])
def test_an_address_that_cannot_be_scraped_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        scrape_addresses(text if text != "@hidden" else "unix:@hidden")


def test_there_may_be_several_addresses_which_other_machines_reach():
    one, other = "0.0.0.0:9100", "unix:/run/shop/metrics"

    assert scrape_addresses(one) == (one,)
    assert scrape_addresses(f"{one}, {other}") == scrape_addresses([one, other]) == (one, other)
    assert scrape_addresses(None) == scrape_addresses("") == ()
