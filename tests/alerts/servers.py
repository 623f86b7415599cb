"""Real servers on this machine: one that takes webhooks, one that takes mail."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Hooks(ThreadingHTTPServer):
    """Keeps what is posted; answers with the codes of ``answers`` in turn, then with 204."""

    def __init__(self, answers=(), delay=0.0):
        super().__init__(("127.0.0.1", 0), _Hook)
        self.answers, self.delay, self.taken = list(answers), delay, []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((self.path, dict(self.headers), body.decode("utf-8")))
        threading.Event().wait(self.server.delay)
        code = self.server.answers.pop(0) if self.server.answers else 204
        self.send_response(code)
        if code in (301, 302, 307):
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Mail(socketserver.ThreadingTCPServer):
    """Takes mail by SMTP; ``refuse`` is answered to the first so many connections."""

    daemon_threads = True

    def __init__(self, refuse=0, password=None):
        super().__init__(("127.0.0.1", 0), _Letters)
        self.refuse, self.password, self.letters, self.greeted = refuse, password, [], 0


class _Letters(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.greeted += 1
        if self.server.refuse:
            self.server.refuse -= 1
            self.say("421 come back later")
            return
        self.say("220 here")
        letter = {"to": []}
        while line := self.rfile.readline().decode().strip():
            word = line.split(" ", 1)[0].upper()
            if word == "EHLO":
                self.say("250-here")
                self.say("250 8BITMIME")
            elif word == "MAIL":
                letter["from"] = line
                self.say("250 ok")
            elif word == "RCPT":
                letter["to"].append(line)
                self.say("250 ok" if "nobody" not in line else "550 no such person")
            elif word == "DATA":
                self.say("354 go on")
                body = b""
                while not body.endswith(b"\r\n.\r\n"):
                    body += self.rfile.readline()
                self.server.letters.append({**letter, "body": body[:-5]})
                self.say("250 taken")
            elif word == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def say(self, line):
        self.wfile.write(f"{line}\r\n".encode())


@contextmanager
def serving(server) -> Iterator:
    """The server, answering in a thread of its own until the end."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
