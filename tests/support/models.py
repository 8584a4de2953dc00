"""The worker models that the project publishes."""

OF_WSGI = ("sync", "gthread", "epoll", "gevent", "eventlet", "tornado")
"""Those that a WSGI application may be chosen for; asyncio runs one too."""
MODELS = (*OF_WSGI, "asyncio")
