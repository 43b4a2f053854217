"""An HTTPS proxy in front of an API server that misbehaves as told: the program that api_lab.py runs.

    api_proxy.py PORT UPSTREAM_PORT CERT KEY MODE

MODE: pass; slow: each answer begins a second late; refuse: each answer is 429. One request a connection is sent on (the
client may keep its connection for as long as answers have a length).
"""
import http.client
import socket
import socketserver
import ssl
import sys
import time

BODY = b'{"kind":"Status","apiVersion":"v1","status":"Failure","code":429,"reason":"TooManyRequests","message":"refused"}'
REFUSAL = (b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\nContent-Length: %d\r\n\r\n"
           % len(BODY) + BODY)


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server.cert, self.server.key)
        try:
            with context.wrap_socket(self.request, server_side=True) as client:
                self.serve(client)
        except OSError:  # the client has gone, or does not trust this
            pass

    def serve(self, client):
        reader = client.makefile("rb")
        while True:
            line = reader.readline()
            if not line:
                return
            method, target, _ = line.decode().split(" ", 2)
            headers = http.client.parse_headers(reader)
            body = reader.read(int(headers.get("Content-Length", 0)))
            if self.server.mode == "refuse":
                client.sendall(REFUSAL)
                continue
            if self.server.mode == "slow":
                time.sleep(1)
            self.forward(client, method, target, headers, body)
            return

    def forward(self, client, method, target, headers, body):
        del headers["Connection"]
        lines = [f"{method} {target} HTTP/1.1", "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
        upstream = ssl._create_unverified_context().wrap_socket(
            socket.create_connection(("127.0.0.1", self.server.upstream)))
        with upstream:
            upstream.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            while data := upstream.recv(65536):
                client.sendall(data)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    port, upstream, cert, key, mode = sys.argv[1:]
    with Server(("127.0.0.1", int(port)), Handler) as server:
        server.upstream, server.cert, server.key, server.mode = int(upstream), cert, key, mode
        print("ready", flush=True)
        server.serve_forever()
