"""What is wrong with a request; each error knows its status."""

from __future__ import annotations

from http import HTTPStatus


class BadRequest(Exception):
    """The client broke the protocol.

    The message says how, for the log and the access record; the client is told the status alone.
    """

    status = HTTPStatus.BAD_REQUEST


class RequestTimeout(BadRequest):
    """The client took too long to send its request."""

    status = HTTPStatus.REQUEST_TIMEOUT


class BodyTooLarge(BadRequest):
    """The body exceeds `limit_request_body`."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class TargetTooLong(BadRequest):
    """The request line exceeds `limit_request_line`."""

    status = HTTPStatus.REQUEST_URI_TOO_LONG


class ExpectationFailed(BadRequest):
    """The client expects what this server does not do."""

    status = HTTPStatus.EXPECTATION_FAILED


class HeadTooLarge(BadRequest):
    """The header fields exceed a limit."""

    status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE


class UnknownCoding(BadRequest):
    """The body has a transfer coding that this server does not know."""

    status = HTTPStatus.NOT_IMPLEMENTED


class UnknownVersion(BadRequest):
    """The request is of another version of HTTP."""

    status = HTTPStatus.HTTP_VERSION_NOT_SUPPORTED


class BodyCutOff(ConnectionError):
    """The client went away before its request body was complete."""


class ApplicationError(Exception):
    """The application broke PEP 3333; the message says how."""
