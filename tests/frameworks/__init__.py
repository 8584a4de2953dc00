"""Applications of ASGI frameworks, served and driven."""
