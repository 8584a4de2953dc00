"""The toolkit of worker models: the connections of one worker, driven by one poller.

Runs in worker processes.  In reading order:

worker
    `ReactorWorker`: the main loop of a model, around a reactor
phases
    the phases of a connection, and which may follow which
reactor, driver
    drive connections through their phases: read, run, wait, close; all of them, and one
suspension
    connections whose exchange goes on elsewhere
held
    responses that are held until the end of a turn, and go out together
takeover
    connections that an application has taken over
accepted, connections
    one accepted socket; the table of all
acceptor, balancing
    accepting: how many, and when to yield to a sibling worker
loop, poller, waiter
    what is waited for: descriptors, one timer, events
deferred
    connections that have used up their budget
transport, outbox
    sending and receiving; unsent bytes
green
    the base class of models with greenlets
coroutines, stacks
    for models with an event loop: coroutines begun without a task of their own; where tasks wait
loop_watch, lag
    what blocks a loop or a hub of greenlets, and for how long; the same of asyncio's
patching
    whether a model patched the standard library early enough
"""
