"""Two network namespaces with a wire between them, the speaker under test in one and others' daemons in the other."""
import atexit
import ctypes
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

OURS, THEIRS, THIRD = "10.99.0.1", "10.99.0.2", "10.99.0.3"
OURS6, THEIRS6 = "fd99::1", "fd99::2"
PR_SET_PDEATHSIG = 1
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}


def run(*command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env=ENVIRONMENT, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
    return done.stdout


def until(what, condition, limit=20.0):
    """What `condition` returns, as soon as that is true."""
    end = time.monotonic() + limit
    last = None
    while time.monotonic() < end:
        try:
            found = condition()
            if found:
                return found
        except (RuntimeError, ValueError, KeyError) as error:  # a daemon that does not answer yet
            last = error
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {limit} s ({last})")


class Process:
    """A program in a namespace; it ends with the test."""

    def __init__(self, lab, namespace, name, *command, **environment):
        self.log = open(lab.work / f"{name}.log", "ab")
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", namespace, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=self.log, cwd=lab.work, env={**ENVIRONMENT, **environment}, preexec_fn=die_with_parent)

    def end(self, how=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Daemon(Process):
    """One whose output only is a log."""

    def __init__(self, lab, namespace, name, *command, **environment):
        super().__init__(lab, namespace, name, *command, **environment)
        threading.Thread(target=self.drain, daemon=True).start()

    def drain(self):
        for line in self.process.stdout:
            self.log.write(line)
            self.log.flush()


class Speaker(Process):
    """bgp_speaker, with what it said so far."""

    def __init__(self, lab, namespace, name, config):
        path = lab.work / f"{name}.json"
        path.write_text(json.dumps(config))
        super().__init__(lab, namespace, name, lab.program, str(path))
        self.lines, self.news = [], threading.Condition()
        threading.Thread(target=self.read, daemon=True).start()
        self.wait(lambda line: "listening" in line)

    def read(self):
        for line in self.process.stdout:
            with self.news:
                self.lines.append(json.loads(line))
                self.news.notify_all()

    def say(self, **command):
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        self.process.stdin.flush()

    def wait(self, match, limit=20.0, since=0):
        """The first line from `since` on that matches."""
        end = time.monotonic() + limit
        with self.news:
            while True:
                for line in self.lines[since:]:
                    if match(line):
                        return line
                left = end - time.monotonic()
                if left <= 0 or not self.news.wait(left):
                    raise AssertionError(f"not said within {limit} s; said last: {self.lines[-5:]}")

    def up(self, peer, since=0):
        return self.wait(lambda line: line.get("peer") == peer and line["state"] == "Established", since=since)

    def route(self, name, since=0, present=True):
        return self.wait(lambda line: line.get("route") == name and line["present"] == present, since=since)

    def mark(self):
        """A place in what it said, for `since`: all that went before has been said."""
        token = f"mark {len(self.lines)} {time.monotonic()}"
        self.say(echo=token)
        self.wait(lambda line: line.get("echo") == token)
        return len(self.lines)

    def peer(self, address):
        since = len(self.lines)
        self.say(peers=True)
        return self.wait(lambda line: line.get("peer") == address, since=since)


class Lab:
    def __init__(self, program):
        self.program = str(pathlib.Path(program).resolve())
        self.ours, self.theirs = f"sx-bgp{os.getpid()}a", f"sx-bgp{os.getpid()}b"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="sx-bgp"))
        os.chmod(self.work, 0o755)
        self.processes = []
        atexit.register(self.down)
        for name in (self.ours, self.theirs):
            run("ip", "netns", "add", name)
            run("ip", "-n", name, "link", "set", "lo", "up")
        run("ip", "link", "add", "bgp0", "netns", self.ours, "type", "veth",
            "peer", "name", "bgp0", "netns", self.theirs)
        for name, address, address6 in ((self.ours, OURS, OURS6), (self.theirs, THEIRS, THEIRS6)):
            run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "bgp0")
            run("ip", "-n", name, "address", "add", f"{address6}/64", "dev", "bgp0", "nodad")
            run("ip", "-n", name, "link", "set", "bgp0", "up")
        run("ip", "-n", self.theirs, "address", "add", f"{THIRD}/24", "dev", "bgp0")

    def speaker(self, peers, name="speaker", namespace=None, address=OURS, listen=True, **more):
        config = {"asn": 64512, "router_id": address, "peers": peers, **more}
        if listen:
            config["listen"] = [{"address": address}, {"address": OURS6}] if address == OURS else [{"address": address}]
        speaker = Speaker(self, namespace or self.ours, name, config)
        self.processes.append(speaker)
        return speaker

    def daemon(self, name, *command, **environment):
        daemon = Daemon(self, self.theirs, name, *command, **environment)
        self.processes.append(daemon)
        return daemon

    def file(self, name, text):
        path = self.work / name
        path.write_text(text)
        return str(path)

    def inside(self, *command):
        return run("ip", "netns", "exec", self.theirs, *command)

    def end_processes(self):
        for process in reversed(self.processes):
            process.end(signal.SIGKILL)
        self.processes.clear()

    def logs(self):
        return "".join(f"---- {path.name}\n{path.read_text(errors='replace')[-3000:]}\n"
                       for path in sorted(self.work.glob("*.log")))

    def down(self):
        self.end_processes()
        for name in (self.ours, self.theirs):
            subprocess.run(["ip", "netns", "delete", name], check=False, stderr=subprocess.DEVNULL)
        for path in sorted(self.work.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        self.work.rmdir()
        atexit.unregister(self.down)


def main(case, usage, needed, *names):
    """Runs a test case as a program, whose first words become the case's members `names`. `needed`: {tool: Debian's package of it}.
    Exit status 77: skipped."""
    if os.geteuid() != 0:
        skip("needs root for network namespaces")
    missing = sorted({package for tool, package in needed.items() if not shutil.which(tool, path=ENVIRONMENT["PATH"])})
    if missing:
        skip("not installed: " + ", ".join(missing))
    if len(sys.argv) <= len(names):
        sys.exit(usage)
    for name in names:
        setattr(case, name, sys.argv.pop(1))
    unittest.main(verbosity=2)


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)
