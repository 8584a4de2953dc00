"""The worker base class, and what ties a worker to its arbiter.

Runs in worker processes, but for `context`, `channel` and `scoreboard`, whose other ends the
arbiter holds.  In reading order:

base
    `Worker`: what every model derives from
process
    the life of a worker's process around it, from the fork to the exit
context
    what the arbiter hands a worker across the fork
channel
    messages between the two, in both directions
layout, cells, scoreboard, request_slots
    shared memory, field by field, and single words of it: state, heartbeat, counters and requests
    in flight of every worker
server_record, slot_record, reading
    what the arbiter writes there of the whole server; the numbers of a worker, read at once; all of
    it at one moment, in any process
termination
    when an auxiliary process that has had TERM ends
metrics
    the same as metrics with names and units, for all that publish them
interface
    which interface an application has, and who is paired with whom
middleware
    what plugins put around the application, by its interface
coroutines
    what a protocol whose applications are coroutines needs of a model
spool
    temporary files, within bounds
running, dumps
    which thread runs which request, for the log of slow ones; the stacks of a worker as they are
    shown
lost, orphan
    what ended with a worker, reported; the end of a worker whose arbiter is gone
signals, wakeup
    what a worker does on each signal, and the descriptor that ends its wait
"""
