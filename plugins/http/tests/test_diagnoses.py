"""What the doctor says of proxies."""

import pytest
from hookserve_http.diagnoses import check_proxy
from hookserve_http.profiles import PROFILES

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins


def configure(**settings):
    return resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])


def check(**settings):
    return {each.subject: each.level for each in check_proxy(configure(**settings))}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_as_it_is_has_no_warning(name):
    assert "warning" not in check(behind=name).values()


def test_a_keepalive_that_is_shorter_than_the_proxys_is_a_warning():
    assert check(behind="nginx", keepalive=5)["keep-alive"] == "warning"
    assert check(behind="nginx", keepalive=75)["keep-alive"] == "ok"
    assert "keep-alive" not in check(behind="nginx", keepalive=0)


@pytest.mark.parametrize(("delay", "level"), [(0, "warning"), (7.9, "warning"), (8, "ok")])
def test_a_stop_that_the_proxy_does_not_see_in_time_is_a_warning(delay, level):
    assert check(behind="haproxy", drain_delay=delay)["drain delay"] == level


def test_an_open_address_without_a_proxy_is_a_note():
    assert check(bind=["0.0.0.0:8000"])["proxy"] == "note"
    assert "proxy" not in check(bind=["127.0.0.1:8000"])
    assert "proxy" not in check(bind=["0.0.0.0:8000"], behind="alb")


def test_each_kind_of_trust_has_its_own_remedy():
    config = configure(header_map="dangerous", forwarder_headers="*")

    remedies = [each.remedy for each in check_proxy(config) if each.subject == "trust"]

    assert remedies == [
        "take drop or refuse, and name what the proxy sends in forwarder_headers",
        "name the headers",
    ]


def test_every_client_that_is_believed_is_a_warning():
    settings = {"forwarded_allow_ips": "*", "client_header": "X-Forwarded-For"}
    assert check(**settings)["trust"] == "warning"
