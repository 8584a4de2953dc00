"""A hookserve plugin."""
