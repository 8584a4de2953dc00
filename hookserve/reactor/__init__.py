"""The toolkit of worker models: the connections of one worker, driven by one poller.

Runs in worker processes.  In reading order:

reactor
    the connections: accepted, waited for, read from, kept or closed
accepted
    one accepted socket, and what is waited for
acceptor, balancing
    accepting: how many, and when to yield to a sibling worker
deferred, waiter
    connections that yield to others; waiting for events
poller, transport, outbox
    epoll and kqueue in one shape; sending and receiving; unsent bytes
green
    the base class of models with greenlets
patching
    whether a model patched the standard library early enough
"""
