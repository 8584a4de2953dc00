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
  Once it is loaded it can take level and handlers from the server's log; a logger class that is
  written for gunicorn decides by itself what it writes.
* **Worker**: workers of one server run as one user, and can signal each other.
* **User**: configuration files and plugins are code. They run with the privileges of the arbiter.
  A unix socket is open to every user unless `umask` or `?mode=` says otherwise, as in gunicorn;
  where its clients' word is taken for their address that is a warning, refused by `--strict`.
* **File system**: files of a logging configuration, certificates and the application are opened
  as their own code does it. Elsewhere than on Linux folders above a file are not checked, and root
  opens no log that is a symbolic link.
"""
PUBLISHED = """
## What was published about others

{causes} causes that a test holds, and {inapplicable} that do not apply and say why, with {numbers}
numbers. A cause is one mistake, as one sentence of ours; several servers may have made it.

The list was collected by numbers, from advisories of HTTP servers, proxies, their libraries and
other daemons that start as root; it is no complete list of any of them. Numbers that were added
later were looked up, but for those marked †, which are from memory. Each test was read beside its
cause, and written where none held it. A test shows that hookserve does not make the mistake with
the inputs of that test, and no more.
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
            causes=sum("tests" in row for row in rows),
            numbers=sum(len(ids) for row in rows for ids in row["by"].values()),
            inapplicable=sum("because" in row for row in rows),
        )
    )
    for name, group in published.items():
        lines.append(f"\n### {_title(name)}: published\n")
        lines.append("| cause | published | here | held by |\n|---|---|---|---|")
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


def _numbers(ids: list[str], row: Row) -> str:
    return ", ".join(each + " †" * (each in row.get("from_memory", ())) for each in ids)


def _published(row: Row) -> str:
    by = "<br>".join(f"{peer} {_numbers(ids, row)}" for peer, ids in row["by"].items())
    here = f"not applicable: {row['because']}" if "because" in row else row["here"]
    tests = "" if "because" in row else _tests(row)
    return f"| {row['cause']} | {by} | {here} | {tests} |"
