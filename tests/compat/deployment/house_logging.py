"""Logger classes, as projects derive them."""

from gunicorn import glogging


class QuietLogger(glogging.Logger):
    """Leaves a path out of the access log."""

    def access(self, resp, req, environ, request_time):
        """All but the second request."""
        if environ["PATH_INFO"] != "/second":
            super().access(resp, req, environ, request_time)


class AtomLogger(glogging.Logger):
    """Has a field of its own."""

    def atoms(self, resp, req, environ, request_time):
        """Gunicorn's fields, and one."""
        return super().atoms(resp, req, environ, request_time) | {"house": "the house"}


class FirstOnly(glogging.Logger):
    """Logs the first request."""

    def setup(self, cfg):
        """With a line of its own."""
        super().setup(cfg)
        self.error_log.info("case: the house's logger is set up")

    def access(self, resp, req, environ, request_time):
        """Through the log of the access log."""
        if environ["PATH_INFO"] == "/first":
            super().access(resp, req, environ, request_time)
