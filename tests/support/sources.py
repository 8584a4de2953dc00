"""Sources of applications that a test writes and changes."""


def source_that_returns(word):
    """An application that responds with a word.  The next source should be of another length, or
    byte code of the same second would pass for its own."""
    return (
        "def application(environ, start_response):\n"
        f"    start_response('200 OK', [('Content-Length', '{len(word)}')])\n"
        f"    return [{word.encode()!r}]\n"
    )
