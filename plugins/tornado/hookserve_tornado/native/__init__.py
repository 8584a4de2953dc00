"""HTTP/1.1 to applications of tornado's: the interface ``tornado``.

In reading order:

protocol
    tornado's interface on one listener
request, incoming, exchange
    one request: what tornado is told of it; its way in; its response, and what tornado calls a
    connection
stream
    a connection that the application has taken over
handlers
    where handlers run, and what they raise
"""
