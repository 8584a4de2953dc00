"""What lies between a worker model, which moves bytes, and a protocol, which does no I/O.

seam
    `Protocol`, `Connection` and `Transport`: what a worker model drives
wrappers
    connection wrappers around a protocol: TLS, the PROXY protocol
lent
    the socket of a connection that an exchange has taken over
trust
    which addresses are believed when they speak for another client
"""
