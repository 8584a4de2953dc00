"""gunicorn's objects for the hooks of a configuration file, around hookserve's.

hooks
    replaces the arguments of a file's function; what it keeps between two calls
environment
    the variables of `raw_env` in the arbiter's hooks
arbiter, listener, worker
    ``server``, its ``LISTENERS``, and ``worker``, in the arbiter and in workers
request
    ``req`` and ``resp``
names, view
    the hooks that a file may define; the base of the objects
configuration
    ``cfg``, with gunicorn's types
log
    ``server.log`` and ``worker.log``

What an object does not define is looked up in hookserve's own object, so that a function may use
either's names.  Nothing here is imported unless a configuration file defines a hook.
"""
