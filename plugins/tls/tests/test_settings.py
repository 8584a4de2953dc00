"""Settings of TLS without a certificate are refused alike."""

import pytest
from hookserve_tls import SETTINGS, configured_plugins

from hookserve.config.resolved import SettingsSource, resolve
from hookserve.config.settings import SettingsTable
from hookserve.errors import ConfigError

VALUES = {
    "keyfile": "key.pem",
    "ca_certs": "authorities.pem",
    "cert_reqs": "required",
    "ciphers": "AES",
    "tls_minimum_version": "1.3",
}


def configured(**values):
    table = SettingsTable()
    for setting in SETTINGS:
        table.add(setting, "tls")
    return resolve(table, [SettingsSource("hookserve.toml", values)])


def test_every_setting_but_the_certificate_is_tried():
    assert set(VALUES) == {setting.name for setting in SETTINGS} - {"certfile"}


@pytest.mark.parametrize("name", VALUES)
def test_a_setting_without_a_certificate_is_refused(name):
    with pytest.raises(ConfigError) as caught:
        configured_plugins(configured(**{name: VALUES[name]}), None)

    assert str(caught.value) == (
        f"{name} (hookserve.toml): there is no certfile, so nothing is encrypted"
        f" (set certfile, or take {name} away)"
    )


def test_a_default_that_is_written_out_is_no_mistake():
    written = {setting.name: setting.default for setting in SETTINGS}

    assert configured_plugins(configured(**written), None) == []


@pytest.mark.parametrize("raw", ["Required", "REQUIRED", "2", 2])
def test_a_verification_may_be_in_capitals_or_a_number(raw):
    assert configured(cert_reqs=raw).cert_reqs == "required"
