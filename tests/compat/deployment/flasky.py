"""A Flask application."""

from application import note
from flask import Flask, request

app = Flask(__name__)


@app.route("/<path:path>", methods=["GET", "POST"])
def respond(path):
    """Note what is seen, and log by Flask's logger."""
    note(request.environ)
    app.logger.warning("case: flask logs")
    return f"flasky {path}"
