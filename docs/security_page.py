"""The page about security, made of tests/security.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[1] / "tests" / "security.toml"
INTRODUCTION = """# Security

What hookserve promises at each boundary, what it does not promise, and what was published about
other servers. Each promise and each row is held by the tests beside it; a test fails when one of
them is gone. A test is a function, or a request of `tests/corpus` with the status that refuses it.
[SECURITY.md](../../SECURITY.md) says how to report a vulnerability.
"""
LIMITS = """
## What is not promised

* **Client**: a client with many addresses can use all connections up; a limit for each address is
  the proxy's task. There is no HTTP/2.
* **Proxy**: a proxy that is trusted can name any client. The network between the two is trusted
  too, unless it speaks TLS.
* **Application**: it runs in the worker's process. A hostile application can read its worker's
  memory, write to its sockets, and end it. Cookies, forms, ranges and paths of files are its own.
* **Worker**: workers of one server run as one user, and can signal each other.
* **User**: configuration files and plugins are code. They run with the privileges of the arbiter.
  A unix socket is open to every user unless `umask` or `?mode=` says otherwise, as in gunicorn.
* **File system**: files of a logging configuration, certificates and the application are opened
  as their own code does it. Elsewhere than on Linux folders above a file are not checked, and root
  opens no log that is a symbolic link.
"""
PUBLISHED = """
## What was published about others

{rows} rows with {numbers} numbers, collected from the advisories of other servers; the words are
ours. {inapplicable} rows do not apply, and say why. Rows of one cause are listed one by one, for
each number was a fault of its own.
"""
TITLES = {
    "framing": "Framing: lengths, codings, chunks",
    "file_system": "File system",
    "tls": "TLS",
    "request_line": "Request line",
}

Row = dict[str, Any]  # Any: whatever TOML holds


def security_page() -> str:
    """The page: promises, limits, published vulnerabilities."""
    data = tomllib.loads(DATA.read_text())
    lines = [INTRODUCTION, "## What is promised"]
    for name, rows in data["promises"].items():
        lines.append(f"\n### {_title(name)}\n\n| promise | held by |\n|---|---|")
        lines.extend(f"| {row['promise']} | {_tests(row)} |" for row in rows)
    published = data["published"]
    rows = [row for group in published.values() for row in group]
    lines.append(LIMITS)
    lines.append(
        PUBLISHED.format(
            rows=len(rows),
            numbers=sum(len(row["ids"]) for row in rows),
            inapplicable=sum("because" in row for row in rows),
        )
    )
    for name, group in published.items():
        lines.append(f"\n### {_title(name)}: published\n")
        lines.append("| number | server | fault | here | held by |\n|---|---|---|---|---|")
        lines.extend(map(_published, group))
    return "\n".join(lines) + "\n"


def linked(reference: str) -> str:
    """A test, or requests of the corpus, as a link from a page in a folder of docs."""
    path, separator, name = reference.partition("::")
    if separator:
        return f"[`{name}`](../../{path})"
    file = f"{path.partition('/')[0]}.toml" if "*" in path else f"{path}.http"
    return f"[`{path}`](../../tests/corpus/{file})"


def _title(name: str) -> str:
    return TITLES.get(name, name.capitalize())


def _tests(row: Row) -> str:
    return "<br>".join(map(linked, row["tests"]))


def _published(row: Row) -> str:
    ids = "<br>".join(row["ids"])
    here = f"not applicable: {row['because']}" if "because" in row else row["here"]
    tests = "" if "because" in row else _tests(row)
    return f"| {ids} | {row['peer']} | {row['fault']} | {here} | {tests} |"
