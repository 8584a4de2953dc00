"""Bytes that no client would send, against everything that reads bytes: ``make fuzz``.

A target is one module in `tests.fuzz.targets`, found by its name:

* its docstring's first line says what is fuzzed;
* ``seeds()`` yields inputs to begin with;
* ``check(data)`` raises when an invariant does not hold for `data`, and keeps nothing.

Such a module is all that a new target needs: the command, the table and the short run in
``make test`` find it.  What it imports of `hookserve` and its plugins is instrumented.
"""
