"""What one worker of the model asyncio bears, and what it costs: `make loads`.

Thousands of requests at once, a thousand websockets, and a client that does not read.
"""
