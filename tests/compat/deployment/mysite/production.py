"""Settings of the project."""

DEBUG = False
