"""The context that the settings make."""

import ssl
import warnings

import pytest
import trustme
from hookserve_tls.context import make_context

from hookserve.testing.fakes import configure


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    trustme.CA().issue_cert("x.example").private_key_and_cert_chain_pem.write_to_path(path)
    return str(path)


def test_the_least_version_is_1_2(certificate):
    """CVE-2014-3566."""
    context = make_context(configure({"certfile": certificate}))

    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_renegotiation_and_compression_are_off(certificate):
    """CVE-2009-3555, CVE-2011-1473, CVE-2012-4929."""
    context = make_context(configure({"certfile": certificate}))

    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.options & ssl.OP_NO_RENEGOTIATION


def test_no_weak_cipher_is_offered(certificate):
    """CVE-2016-2183: neither blocks of 64 bits, nor RC4, nor what has no authentication."""
    context = make_context(configure({"certfile": certificate}))

    names = " ".join(cipher["name"] for cipher in context.get_ciphers())

    assert not [weak for weak in ("DES", "RC4", "NULL", "EXP", "ADH", "MD5") if weak in names]


def test_an_older_client_is_refused(certificate):
    server = make_context(configure({"certfile": certificate}))
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client.minimum_version = ssl.TLSVersion.TLSv1
        client.maximum_version = ssl.TLSVersion.TLSv1_1
    client.set_ciphers("ALL:@SECLEVEL=0")
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    hello = client.wrap_bio(ssl.MemoryBIO(), one)
    with pytest.raises(ssl.SSLWantReadError):
        hello.do_handshake()

    with pytest.raises(ssl.SSLError, match=r"(?i)version|protocol"):
        server.wrap_bio(one, other, server_side=True).do_handshake()


def shake_hands(client, server, session=None):
    """The client's side after a handshake with that context in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, session=session)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    waiting = [ours, theirs, ours, theirs, ours]
    for side in waiting:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return ours


def test_a_session_is_resumed_by_its_own_context_only(certificate):
    """CVE-2014-3616, CVE-2025-23419: what one host has verified does not count for another."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = ssl.TLSVersion.TLSv1_2
    own, other = (make_context(configure({"certfile": certificate})) for _ in range(2))
    session = shake_hands(client, own).session

    assert shake_hands(client, own, session).session_reused
    assert not shake_hands(client, other, session).session_reused
