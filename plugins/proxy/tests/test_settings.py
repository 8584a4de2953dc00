"""Whom the PROXY protocol is believed."""

import pytest
from hookserve_proxy import config_warnings

from hookserve.launch.assembly import assemble
from hookserve.testing.fakes import configure


@pytest.mark.parametrize("trusted", ["*", "0.0.0.0/0", "::/0", "0.0.0.0/1, 128.0.0.0/1"])
def test_trust_in_all_addresses_is_a_warning(trusted):
    (line,) = config_warnings(configure({"proxy_protocol": "v2", "proxy_allow_ips": trusted}))

    assert line == (
        f"proxy_allow_ips (test): with {trusted} every client may choose its own address (name"
        " the addresses or networks of the proxies)"
    )


def test_trust_in_every_local_user_is_a_warning():
    given = {"proxy_protocol": "v1", "bind": "unix:/run/a"}
    (line,) = config_warnings(configure(given))

    assert line.startswith("bind (test): every local user may connect to unix:/run/a and choose")
    assert config_warnings(configure({**given, "umask": "007"})) == []
    assert config_warnings(configure({**given, "proxy_allow_ips": "::1"})) == []


def test_trust_in_proxies_is_no_warning():
    assert config_warnings(configure({"proxy_allow_ips": "*"})) == []
    assert config_warnings(configure({"proxy_protocol": "v2"})) == []
    assert config_warnings(configure({"behind": "nlb"})) == []


def test_the_flag_alone_means_either_version():
    assert assemble(["--proxy-protocol", "-w", "2", "app"], {}).config.proxy_protocol == "auto"
    assert assemble(["app", "--proxy-protocol"], {}).config.proxy_protocol == "auto"
