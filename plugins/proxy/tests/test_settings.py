"""Whom the PROXY protocol is believed."""

from hookserve_proxy import config_warnings

from hookserve.launch.assembly import assemble
from hookserve.testing.fakes import configure


def test_trust_in_all_addresses_is_a_warning():
    (line,) = config_warnings(configure({"proxy_protocol": "v2", "proxy_allow_ips": "*"}))

    assert line == (
        "proxy_allow_ips (test): with * every client may choose its own address (name the addresses"
        " or networks of the proxies)"
    )


def test_trust_in_proxies_is_no_warning():
    assert config_warnings(configure({"proxy_allow_ips": "*"})) == []
    assert config_warnings(configure({"proxy_protocol": "v2"})) == []
    assert config_warnings(configure({"behind": "nlb"})) == []


def test_the_flag_alone_means_either_version():
    assert assemble(["--proxy-protocol", "-w", "2", "app"], {}).config.proxy_protocol == "auto"
    assert assemble(["app", "--proxy-protocol"], {}).config.proxy_protocol == "auto"
