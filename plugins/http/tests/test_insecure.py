"""Settings by which clients are believed are said, and refused by ``--strict``."""

import pytest
from hookserve_http.insecure import find_insecure
from hookserve_http.profiles import PROFILES

from hookserve.errors import ConfigError
from hookserve.launch.assembly import assemble
from hookserve.testing.fakes import configure

HEADER = {"client_header": "X-Forwarded-For"}
SILENT = {"secure_scheme_headers": {}, "forwarder_headers": ()}
CASES = [
    ({"forwarded_allow_ips": "*"}, "every client may choose its own scheme and path"),
    ({"forwarded_allow_ips": "*", **HEADER}, "choose its own address, scheme and path"),
    (
        {"forwarded_allow_ips": "*", "request_id": "X-Request-ID", **HEADER},
        "choose its own address, scheme, path and id",
    ),
    ({"forwarded_allow_ips": "10.0.0.1,*", **HEADER, **SILENT}, "choose its own address (name"),
    ({"forwarded_allow_ips": "0.0.0.0/0"}, "with 0.0.0.0/0 every client may choose its own scheme"),
    (
        {"forwarded_allow_ips": "::1,::/0", **HEADER},
        "with ::/0 every client may choose its own addr",
    ),
    ({"forwarded_allow_ips": "0.0.0.0/1,128.0.0.0/1"}, "with 0.0.0.0/1, 128.0.0.0/1 every client"),
    ({"forwarded_allow_ips": "10.0.0.0/8", **HEADER}, "a client in 10.0.0.0/8 may choose its own"),
    ({"behind": "caddy", "proxy_hops": 0}, "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 and fc00::"),
    ({"bind": "unix:/run/a", **HEADER}, "every local user may connect to unix:/run/a and choose"),
    (
        {"bind": ["unix:@a", "unix:/a"], "behind": "nginx"},
        "connect to unix:@a and unix:/a and choose",
    ),
    ({"header_map": "dangerous"}, "with dangerous a client may send X_Forwarded_For"),
    ({"forwarder_headers": "*"}, "with * a client may send X_Forwarded_For"),
]


@pytest.mark.parametrize(("settings", "words"), CASES, ids=lambda each: str(each)[:50])
def test_trust_in_clients_is_a_warning(settings, words):
    (line,) = find_insecure(configure(settings))

    assert words in line
    assert " (test): " in line or " (behind=caddy): " in line


@pytest.mark.parametrize(
    "settings",
    [
        {},
        *({"behind": name} for name in PROFILES),
        {"forwarded_allow_ips": "*", **SILENT},
        {"forwarded_allow_ips": "10.0.0.1,10.0.0.2/32,unix:", **HEADER},
        {"forwarded_allow_ips": "10.0.0.0/8", "proxy_hops": 2, **HEADER},
        {"forwarded_allow_ips": "10.0.0.0/8"},
        {"bind": "unix:/run/a"},
        {"bind": "unix:/run/a?mode=0660", **HEADER},
        {"bind": "unix:/run/a", "umask": "007", **HEADER},
        {"bind": "unix:/run/a", "forwarded_allow_ips": "127.0.0.1", **HEADER},
        {"forwarder_headers": "SCRIPT_NAME"},
    ],
    ids=str,
)
def test_trust_in_proxies_is_no_warning(settings):
    assert list(find_insecure(configure(settings))) == []


@pytest.mark.parametrize("trusted", ["*", "0.0.0.0/0", "::/0", "0.0.0.0/1"])
def test_a_strict_start_refuses_trust_in_clients(trusted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["app", "--forwarded-allow-ips", trusted, "--client-header", "X-Forwarded-For"]

    (warning,) = assemble(arguments, {}).warnings

    assert warning.startswith(f"forwarded_allow_ips (command line): with {trusted} every client")
    with pytest.raises(ConfigError, match=r"\(refused by --strict\)"):
        assemble([*arguments, "--strict"], {})
