"""The command: every framework, plain and over TLS, at rest and while workers change; a table."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.frameworks import driver, wsgi_websockets

FRAMEWORKS = ("starlette", "fastapi", "quart", "litestar", "django", "blacksheep")


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.frameworks", description=__doc__)
    flask = {f"flask-sock, {model}": model for model in wsgi_websockets.MODELS}
    names = (*FRAMEWORKS, *flask)
    parser.add_argument("--framework", action="append", choices=names)
    options = parser.parse_args()
    failures = []
    print(
        f"| framework | {' | '.join(driver.COLUMNS)} |\n|---|{'---|' * len(driver.COLUMNS)}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as directory:
        certificates = driver.Certificates(Path(directory))
        for name in options.framework or names:
            if name in flask:
                row = wsgi_websockets.drive(flask[name], certificates)
            else:
                row = driver.drive(name, certificates)
            print(f"| {name} | {' | '.join(cell.shown for cell in row)} |", flush=True)
            failures += [f"{name}: {line}" for cell in row for line in cell.failures]
    print(*failures, sep="\n", file=sys.stderr, end="\n" if failures else "")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
