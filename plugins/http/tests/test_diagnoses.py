"""What the doctor says of proxies."""

import pytest
from hookserve_http.diagnoses import check_proxy
from hookserve_http.profiles import PROFILES

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.launch.assembly import declare_settings, load_plugins


def check(**settings):
    config = resolve(declare_settings(load_plugins([], {})), [SettingsSource("test", settings)])
    return {each.subject: each.level for each in check_proxy(config)}


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_as_it_is_has_no_warning(name):
    assert "warning" not in check(behind=name).values()


def test_a_keepalive_that_is_shorter_than_the_proxys_is_a_warning():
    assert check(behind="nginx", keepalive=5)["keep-alive"] == "warning"
    assert check(behind="nginx", keepalive=75)["keep-alive"] == "ok"
    assert "keep-alive" not in check(behind="nginx", keepalive=0)


def test_a_stop_that_the_proxy_does_not_see_is_a_warning():
    assert check(behind="haproxy", drain_delay=0)["drain delay"] == "warning"


def test_an_open_address_without_a_proxy_is_a_note():
    assert check(bind=["0.0.0.0:8000"])["proxy"] == "note"
    assert "proxy" not in check(bind=["127.0.0.1:8000"])
    assert "proxy" not in check(bind=["0.0.0.0:8000"], behind="alb")


def test_every_client_that_is_believed_is_a_warning():
    settings = {"forwarded_allow_ips": "*", "client_header": "X-Forwarded-For"}
    assert check(**settings)["trust"] == "warning"
