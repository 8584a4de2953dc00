"""Clients of a server that speaks TLS."""

import ssl

import trustme

from hookserve.testing.contract.client import Client


class TlsClient(Client):
    """One connection, over TLS."""

    def __init__(self, address, context, session=None):
        super().__init__(address)
        plain = self.socket
        try:
            self.socket = context.wrap_socket(plain, session=session)
        except BaseException:
            plain.close()
            raise


def issue_server_certificate(path):
    """Write a certificate and its key to that file; returns the context of a client that trusts
    it."""
    authority = trustme.CA()
    authority.issue_cert("x.example").private_key_and_cert_chain_pem.write_to_path(path)
    context = ssl.create_default_context()
    context.check_hostname = False
    authority.configure_trust(context)
    return context
