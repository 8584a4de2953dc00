"""A Flask application with a websocket of flask-sock, which takes `gunicorn.socket` over."""

from flask_sock import Sock
from flasky import app

sock = Sock(app)


@sock.route("/websocket")
def shout(ws):
    """Speak in capitals until the client closes."""
    while True:
        ws.send(ws.receive().upper())
