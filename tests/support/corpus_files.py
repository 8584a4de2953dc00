"""The files of the corpus and what is expected of each."""

import tomllib
from pathlib import Path

CORPUS = Path(__file__).parents[1] / "corpus"
VALID = tomllib.loads((CORPUS / "valid.toml").read_text())
INVALID = tomllib.loads((CORPUS / "invalid.toml").read_text())
GOOD = b"GET /first HTTP/1.1\r\nHost: example.com\r\n\r\n"

SETTINGS = {"limit_request_body": 16384, "forwarded_allow_ips": ("192.0.2.1",)}
"""What the expectations take for granted, the defaults apart."""


def read(kind, name):
    return (CORPUS / kind / f"{name}.http").read_bytes()
