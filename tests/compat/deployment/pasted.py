"""An application that PasteDeploy makes."""

import application


def make(global_conf, **local_conf):
    """As ``paste.app_factory`` asks."""
    return application.make("pasted")
