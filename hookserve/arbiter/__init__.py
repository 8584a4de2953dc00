"""The arbiter: the process that holds the listeners and supervises the workers.

It is a state machine.  One loop waits for a signal, a worker's message or the next deadline and
takes one small step for each; nothing in it sleeps.  In reading order:

arbiter, parts, watcher
    the loop; what it asks of each of its parts; what it waits for
generation
    what workers are forked from, as one record that a reload replaces
handles, messages
    what the arbiter knows of each worker process, the worker table; what workers write to it
pool
    compares the workers that exist with those that are wanted: fork, replace, retire
policies
    back-off, deadlines and replacement as objects that need no process
preparation, pairing
    the classes, loggers and application that must exist before a fork; another model for another
    interface
forking, child
    the fork: the arbiter's side, and the child's first steps
reload
    HUP as a transaction: a new generation beside the old one, one commit
reexec, handover, restore
    a reload with ``preload_app``: exec(2) of new code, workers handed over and taken back
upgrade
    USR2: a successor that serves beside this arbiter
shutdown, retirement
    TERM, INT and QUIT: drain delay, drain, end; the end of a listener
escalation, reaper, exits
    a worker that missed a deadline; a process that ended, and why
slow_requests, backlog
    the logs of requests that run for long, with their stacks, and of accept queues that are full
auxiliaries, waking, ticker
    auxiliary processes of plugins; how a signal wakes their main thread; periodic hooks
publication
    what every process can read of the server, in the scoreboard
signals
    the signals, and the descriptor by which they reach the loop
"""
