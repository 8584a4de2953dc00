"""Stands in for ``gunicorn.workers``: names to choose a model by, and to derive from.

None of the classes serves.  As `worker_class` each means the model of ours that serves what it
serves in gunicorn; a class that derives from one is refused with the name of that model.
"""
