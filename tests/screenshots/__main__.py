"""Takes pictures of the status page with headless Chromium, and checks what each shows.

Each scene is a server of its own, at one width for a desk and one for a phone, light and dark.  The
pictures that the guide shows are written to ``docs/guide/images``, the rest to a folder that is
named at the end.
"""

import argparse
import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from itertools import cycle
from pathlib import Path

from hookserve_status.address import check
from hookserve_status.client import StatusClient, Unreachable

from hookserve.testing import serve
from hookserve.testing.waiting import wait_until

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "guide" / "images"
SIZES = {"desk": (1280, 1120), "phone": (390, 1400)}
SHOWN = ("desk-light", "phone-dark")
"""In the guide."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATHS = ("/", "/search", "/", "/checkout", "/", "/search", "/report")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.screenshots", description=__doc__)
    parser.add_argument("--only", choices=SCENES, action="append")
    options = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium is installed (apt-get install chromium)", file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="hookserve-screenshots-"))
    failures = []
    for name in options.only or SCENES:
        with SCENES[name]() as (port, expected):
            failures += take(browser, folder, name, port, expected)
    IMAGES.mkdir(exist_ok=True)
    for path in folder.glob("status-*.png"):
        if path.stem.endswith(SHOWN):
            shutil.copy(path, IMAGES)
    print(*failures, f"pictures: {folder}", sep="\n")
    return 1 if failures else 0


def take(browser, folder, name, port, expected):
    """Take the pictures of a scene; returns what is missing on the page."""
    url = f"http://127.0.0.1:{port}/"
    command = [browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={folder / 'profile'}"]
    for kind, (width, height) in SIZES.items():
        for number, theme in enumerate(("dark", "light")):
            picture = folder / f"status-{name}-{kind}-{theme}.png"
            words = [f"--window-size={width},{height}", f"--screenshot={picture}"]
            words.append(f"--blink-settings=preferredColorScheme={number}")
            subprocess.run([*command, *words, url], check=True, capture_output=True, timeout=60)
            print(picture.name, flush=True)
    dumped = subprocess.run(
        [*command, "--dump-dom", url], check=True, capture_output=True, text=True, timeout=60
    )
    return [f"{name}: {text!r} is not shown" for text in expected if text not in dumped.stdout]


@contextmanager
def server(**settings):
    """A server with a status port; gives both."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {"status": f"127.0.0.1:{port}", "proc_name": "shop", **settings}
    arguments = ["--threads", "8"]
    name = "tests.screenshots.application:application"
    with serve(
        name, worker="gthread", workers=4, settings=settings, arguments=arguments, chdir=ROOT
    ) as made:
        client = StatusClient(check(f"127.0.0.1:{port}"))

        def answers():
            try:
                return client.snapshot()
            except Unreachable:
                return None

        wait_until(answers)
        yield made, port, client


@contextmanager
def load(made, clients, paths=PATHS):
    """Clients that ask until the block ends."""
    is_over = threading.Event()

    def ask(number):
        for path in cycle(paths[number % len(paths) :] + paths[: number % len(paths)]):
            fetch(made, path, number)
            if is_over.is_set():
                return

    threads = [threading.Thread(target=ask, args=(n,), daemon=True) for n in range(clients)]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        is_over.set()


def fetch(made, path, number=0):
    connection = http.client.HTTPConnection(*made.address, timeout=400)
    try:
        connection.request("GET", path, headers={"X-Request-ID": f"shop-{number:04}"})
        connection.getresponse().read()
    except OSError:
        pass
    finally:
        connection.close()


def export(made, client):
    """Ask for one more export, unless all places of its worker are taken; returns how many are."""
    (worker,) = [each for each in client.snapshot()["workers"] if each["index"] == 1]
    count = sum(each["label"].endswith("/export") for each in worker["in_flight"])
    if count < 8:
        threading.Thread(target=fetch, args=(made, "/export", 901), daemon=True).start()
        time.sleep(0.05)
    return count


def wait_until_stuck(client):
    """Until the page says so of a worker."""
    wait_until(
        lambda: any("is stuck" in each["text"] for each in client.snapshot()["faults"]), timeout=60
    )


@contextmanager
def idle():
    with server() as (_, port, _client):
        yield port, ["All is well", "No request is in flight"]


@contextmanager
def busy():
    with server() as (made, port, client), load(made, 22):
        start = time.monotonic()
        wait_until(
            lambda: client.snapshot()["rates"]["requests"] > 0 and time.monotonic() > start + 45,
            timeout=90,
        )
        yield port, ["/report", "shop-00"]


@contextmanager
def hung():
    with server(timeout=300) as (made, port, client), load(made, 6):
        wait_until(lambda: export(made, client) == 8, timeout=60)
        wait_until_stuck(client)
        yield port, ["Needs attention", "/export", "is stuck"]
        for pid in made.workers().values():
            os.kill(pid, signal.SIGKILL)


@contextmanager
def failed():
    """A reload whose configuration is wrong."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "hookserve.conf.py")
        path.write_text("keepalive = 5\n")
        with server(config=str(path)) as (made, port, client), load(made, 6):
            made.signal(signal.SIGHUP)
            wait_until(lambda: client_reloads(client) == 1)
            path.write_text('keepalive = "for ever"\n')
            made.signal(signal.SIGHUP)
            wait_until(lambda: client_reloads(client) == 2)
            yield port, ["Needs attention", "The last reload failed", "keepalive"]


def client_reloads(client):
    try:
        return client.snapshot()["reload"]["ended"]
    except Unreachable:
        return None


SCENES = {"idle": idle, "busy": busy, "hung": hung, "failed": failed}

if __name__ == "__main__":
    sys.exit(main())
