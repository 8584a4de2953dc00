"""A chat over websockets: ``hookserve -k tornado --chdir examples chat:application``.

One worker is one room: the websockets of a process see each other.
"""

import tornado.web
import tornado.websocket

PAGE = """<!doctype html>
<title>Chat</title>
<ul id="said"></ul>
<form><input id="word" autofocus autocomplete="off"></form>
<script>
const socket = new WebSocket(`ws://${location.host}/room`);
socket.onmessage = ({data}) => {
  const line = document.createElement("li");
  line.textContent = data;
  document.getElementById("said").append(line);
};
document.forms[0].onsubmit = (event) => {
  event.preventDefault();
  const word = document.getElementById("word");
  socket.send(word.value);
  word.value = "";
};
</script>
"""


class Page(tornado.web.RequestHandler):
    def get(self):
        self.write(PAGE)


class Room(tornado.websocket.WebSocketHandler):
    def initialize(self, present):
        self.present = present

    def open(self):
        self.present.add(self)

    def on_message(self, message):
        for each in self.present:
            each.write_message(message)

    def on_close(self):
        self.present.discard(self)


application = tornado.web.Application([("/", Page), ("/room", Room, {"present": set()})])
