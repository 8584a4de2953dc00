"""HTTP/1.1 to applications of tornado's: the interface ``tornado``.

In reading order:

protocol
    tornado's interface on one listener
exchange, request
    one request: what tornado calls a connection; what it is told of the client
stream
    a connection that the application has taken over
handlers
    where handlers run, and what they raise
"""
