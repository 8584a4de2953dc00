"""When certificates expire."""

import datetime

import trustme
from hookserve_status.certificates import Certificate


def days_left(path):
    return Certificate(path).describe()["days_left"]


def test_the_first_of_a_chain_to_expire_counts(tmp_path):
    now = datetime.datetime.now(datetime.UTC)
    authority = trustme.CA()
    soon, late = (
        authority.issue_cert("shop.example", not_after=now + datetime.timedelta(days=days))
        for days in (30, 20000)
    )
    path = tmp_path / "chain.pem"
    for certificate in (late, soon):
        certificate.cert_chain_pems[0].write_to_path(path, append=True)

    assert 29.9 < days_left(str(path)) < 30.1
    late.cert_chain_pems[0].write_to_path(path)
    assert 19999 < days_left(str(path)) < 20001


def test_a_file_that_is_no_certificate_is_not_known(tmp_path):
    path = tmp_path / "chain.pem"
    assert days_left(str(path)) is None
    path.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert days_left(str(path)) is None
    path.write_text("nothing")
    assert days_left(str(path)) is None


def test_a_certificate_that_is_replaced_is_served_until_the_reload(tmp_path):
    now = datetime.datetime.now(datetime.UTC)
    old, new = (
        trustme.CA().issue_cert("shop.example", not_after=now + datetime.timedelta(days=days))
        for days in (3, 300)
    )
    path = tmp_path / "shop.pem"
    old.cert_chain_pems[0].write_to_path(path)
    certificate = Certificate(str(path))
    assert certificate.describe()["is_replaced"] is False

    new.cert_chain_pems[0].write_to_path(path)

    found = certificate.describe()
    assert (round(found["days_left"]), found["is_replaced"]) == (3, True)
    path.unlink()
    assert certificate.describe()["days_left"] is None
