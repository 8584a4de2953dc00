"""Autobahn's suite for servers of websockets, against an ASGI application: `make autobahn`.

The suite is `autobahntestsuite` of PyPI, which runs under CPython 2.7 alone.  A case has passed
when Autobahn says OK, of the behaviour and of the close both, or has only looked at it
(INFORMATIONAL): NON-STRICT is a failure here.
"""
