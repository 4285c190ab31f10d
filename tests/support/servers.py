"""Loopback servers that take messages: a webhook and a mail server. They keep what they got; they assert nothing."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class Inbox:
    """What arrived, and how the server answers next."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self.status = 200
        self.port = 0


@contextmanager
def webhook_server() -> Iterator[Inbox]:
    """An HTTP server on this machine that keeps every body posted to it."""
    inbox = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            inbox.got.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(inbox.status)
            self.send_header("location", "http://127.0.0.1:9/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    yield from _served(server, inbox)


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """As much of SMTP as a client needs to hand over a message; a status of 550 refuses every receiver."""
    inbox = Inbox()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                word = line[:4].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    inbox.got.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                if word == b"RCPT" and inbox.status == 550:
                    self.wfile.write(b"550 nobody\r\n")
                else:
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")

    server = socketserver.TCPServer(("127.0.0.1", 0), Handler)
    yield from _served(server, inbox)


def _served(server: socketserver.BaseServer, inbox: Inbox) -> Iterator[Inbox]:
    inbox.port = server.server_address[1]  # type: ignore[index,assignment] # both servers are TCP
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
