"""A Flask application with a websocket, on flask-sock and simple-websocket."""

from flask import Flask
from flask_sock import Sock

app = Flask(__name__)
sock = Sock(app)


@app.get("/")
def index():
    return "a page"


@sock.route("/echo")
def echo(ws):
    while True:
        data = ws.receive()
        if data == "close":
            ws.close(4001, "as asked")
            return
        ws.send(data)
