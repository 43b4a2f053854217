"""Streams of numbered packets between pods (or machines), and captures that say which way they went.

    with Stream(sender_pid, receiver_pid, address) as stream, Capture({"r6": path_of_netns}) as capture:
        ...
    stream.lost                       # packets sent and never received
    capture.seen["r6"]                # {number of a packet: seconds since the epoch (kernel's time stamp)}

Both run as processes of their own in those network namespaces, so a test's own work does not disturb them.
"""
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

MAGIC = b"sextant-stream"
PORT = 4242
SO_TIMESTAMPNS = 35
ETH_P_ALL = 3


class _Child:
    """This file as a program in a network namespace: `where` is a process id, or a path of a namespace."""

    def __init__(self, where, *words):
        net = f"/proc/{where}/ns/net" if isinstance(where, int) else str(where)
        self.process = subprocess.Popen(["nsenter", f"--net={net}", sys.executable, __file__, *map(str, words)],
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        ready = self.process.stdout.readline()  # when its socket is open
        if ready != b"ready\n":
            raise RuntimeError(f"{words}: it did not start")
        self.answer = None

    def finish(self):
        if self.answer is None:
            self.process.send_signal(signal.SIGINT)
            self.await_end()
        return self.answer

    def await_end(self):
        if self.answer is None:
            out, _ = self.process.communicate(timeout=30)
            self.answer = json.loads(out)


class Stream:
    """UDP from one place to another, `rate` a second, until closed or until `count` are sent (0: no limit).
    Of two at once each has its port, and its numbers from `first` on."""

    def __init__(self, sender, receiver, address, rate=500, port=PORT, size=64, first=0, count=0):
        family = 6 if ":" in address else 4
        self.receiver = _Child(receiver, "receive", family, port)
        self.sender = _Child(sender, "send", family, port, address, rate, size, first, count)
        self.sent, self.received, self.first = [], {}, first

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def await_count(self):
        """Until the last of `count` packets is sent."""
        self.sender.await_end()

    def close(self):
        """Stops sending, gives what is on its way time to arrive, and counts."""
        if self.sent:
            return
        self.sent = self.sender.finish()
        time.sleep(0.3)
        self.received = {int(number): when for number, when in self.receiver.finish().items()}

    @property
    def lost(self):
        """Numbers of lost packets."""
        numbers = range(self.first, self.first + len(self.sent))
        return [number for number in numbers if number not in self.received]

    @property
    def longest_gap(self):
        """Seconds between two packets that arrived one after the other."""
        times = sorted(self.received.values())
        return max((after - before for before, after in zip(times, times[1:])), default=0.0)


class Capture:
    """Who forwards a stream's packets: {name: process id or namespace path} of machines to watch."""

    def __init__(self, places):
        self.children = {name: _Child(where, "capture") for name, where in places.items()}
        self.seen = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if not self.seen:
            self.seen = {name: {int(number): when for number, when in child.finish().items()}
                         for name, child in self.children.items()}

    def path(self, number):
        """The machines that packet crossed, in the order of its time stamps."""
        hops = [(seen[number], name) for name, seen in self.seen.items() if number in seen]
        return [name for _, name in sorted(hops)]


# ---- In the namespaces

def _stopped():
    """A descriptor that becomes readable on SIGINT."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    signal.set_wakeup_fd(write)
    signal.signal(signal.SIGINT, lambda *_: None)
    return read


def _answer(value):
    sys.stdout.write(json.dumps(value))
    sys.stdout.flush()


def _ready():
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _stamped(sock, size):
    """(packet, the kernel's time of its arrival)"""
    data, ancillary, _, _ = sock.recvmsg(size, 64)
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", value[:16])
            return data, seconds + nanoseconds / 1e9
    return data, time.time()


def _send(family, port, address, rate, size, first, count):
    sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    stop, sent = _stopped(), []
    _ready()
    start = time.monotonic()
    while count == 0 or len(sent) < count:
        number = len(sent)
        wait = start + number / rate - time.monotonic()
        if select.select([stop], [], [], max(wait, 0))[0]:
            return _answer(sent)
        packet = MAGIC + struct.pack("!I", first + number)
        sent.append(time.time())
        try:
            sock.sendto(packet + b"." * max(0, size - len(packet)), (address, port))
        except OSError:  # unreachable just now: counts as lost
            pass
    return _answer(sent)


def _receive(family, port):
    sock = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.bind(("::" if family == 6 else "0.0.0.0", port))
    _collect(sock)


def _capture():
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 20)
    _collect(sock)


def _collect(sock):
    """Each packet's first sight."""
    stop, seen = _stopped(), {}
    _ready()
    while True:
        readable = select.select([sock, stop], [], [])[0]
        if sock in readable:
            data, when = _stamped(sock, 65536)
            at = data.find(MAGIC)
            if at >= 0:
                seen.setdefault(struct.unpack_from("!I", data, at + len(MAGIC))[0], when)
        elif stop in readable:
            return _answer(seen)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "send":
        _send(int(rest[0]), int(rest[1]), rest[2], float(rest[3]), *map(int, rest[4:]))
    elif what == "receive":
        _receive(int(rest[0]), int(rest[1]))
    else:
        _capture()
