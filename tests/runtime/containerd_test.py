#!/usr/bin/python3
"""containerd_test.py BIN_DIR: pods through a real runtime, as a kubelet makes them.

containerd (its own root, state, socket, configuration) runs on a node of the test's own: a network namespace, and a
mount and a PID namespace with which every process and mount goes, however the test ends. The network configuration is
the one in docs/reference-cni.md, word for word. Exit status 77: skipped.
"""
import ctypes
import glob
import hashlib
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

NEEDED = {"containerd": "containerd", "ctr": "containerd", "runc": "runc", "iptables": "iptables",
          "/bin/busybox": "busybox-static", "/usr/lib/cni/portmap": "containernetworking-plugins"}
IMAGE = "localhost/sextant-pod:1"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
PR_SET_PDEATHSIG = 1


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def run(*command):
    # No other variables: a proxy of the machine's must not come between.
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
                          env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout}")
    return done.stdout


def documented_list():
    page = (SOURCE / "docs/reference-cni.md").read_text()
    return page.split("```json\n", 1)[1].split("```", 1)[0]


class Node:
    """Network namespaces of a node and of a client on its network; containerd in the former."""

    def __init__(self, work, plugin):
        self.work, self.name = work, f"sx-cri{os.getpid()}"
        self.client, self.cgroup = self.name + "-client", "/" + self.name
        self.socket = work / "containerd.sock"
        self.process = None
        for folder in ("bin", "net.d", "cni", "root"):
            (work / folder).mkdir()
        for each in glob.glob("/usr/lib/cni/*"):
            (work / "bin" / pathlib.Path(each).name).symlink_to(each)
        (work / "bin/sextant-cni").symlink_to(plugin)
        (work / "net.d/10-sextant.conflist").write_text(documented_list())
        (work / "config.toml").write_text(f'''
version = 2
root = "{work}/root"
state = "{work}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs"]
[grpc]
  address = "{self.socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{IMAGE}"
  restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{work}/bin"
  conf_dir = "{work}/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
''')

    def boot(self):
        """Namespaces, network and containerd. What a reboot keeps is on the disk: root, cni."""
        run("ip", "netns", "add", self.name)
        run("ip", "netns", "add", self.client)
        run("ip", "-n", self.name, "link", "add", "eth0", "type", "veth", "peer", "eth0", "netns", self.client)
        for netns, number in ((self.name, 1), (self.client, 2)):
            run("ip", "-n", netns, "link", "set", "lo", "up")
            run("ip", "-n", netns, "link", "set", "eth0", "up")
            run("ip", "-n", netns, "address", "add", f"192.0.2.{number}/24", "dev", "eth0")
            run("ip", "-n", netns, "address", "add", f"2001:db8::{number}/64", "dev", "eth0", "nodad")
        run("nsenter", f"--net=/run/netns/{self.name}", "sysctl", "-qw", "net.ipv4.ip_forward=1",
            "net.ipv6.conf.all.forwarding=1")
        setup = (f"mkdir -p /run/netns /run/containerd /var/lib/cni && mount -t proc proc /proc && "
                 f"mount -t tmpfs none /run/netns && mount -t tmpfs none /run/containerd && "
                 f"mount --bind {self.work}/cni /var/lib/cni && exec containerd -c {self.work}/config.toml")
        libc = ctypes.CDLL(None)
        with open(self.work / "containerd.log", "a") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/run/netns/{self.name}", "unshare", "--mount", "--pid", "--fork",
                 "--kill-child", "--propagation", "private", "sh", "-c", setup],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
        return cri.Cri(self.socket, self.cgroup)

    def power_off(self):
        """As a power cut: nobody is asked to clean up."""
        if self.process:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
            # The first process of the PID namespace ends when all the others are gone.
            ends = [os.pidfd_open(int(each)) for each in children]
            self.process.kill()
            self.process.wait()
            self.process = None
            for end in ends:
                select.select([end], [], [], 20)
                os.close(end)
        for netns in (self.name, self.client):
            subprocess.run(["ip", "netns", "del", netns], stderr=subprocess.DEVNULL, check=False)
        shutil.rmtree(self.work / "state", ignore_errors=True)
        # Of the container's processes; cgroup v1 has a tree for each controller.
        for top in glob.glob("/sys/fs/cgroup" + self.cgroup) + glob.glob("/sys/fs/cgroup/*" + self.cgroup):
            for folder, _, _ in os.walk(top, topdown=False):
                os.rmdir(folder)

    def import_image(self):
        """An image with nothing but busybox, made here: nothing is pulled."""
        image = self.work / "image"
        rootfs = image / "rootfs/bin"
        rootfs.mkdir(parents=True)
        shutil.copy("/bin/busybox", rootfs / "busybox")
        for tool in ("sh", "sleep", "ping", "ip", "httpd", "cat"):
            (rootfs / tool).symlink_to("busybox")
        run("tar", "-C", str(image / "rootfs"), "-cf", str(image / "layer.tar"), ".")
        digest = hashlib.sha256((image / "layer.tar").read_bytes()).hexdigest()
        (image / "config.json").write_text(json.dumps(
            {"architecture": os.uname().machine.replace("x86_64", "amd64").replace("aarch64", "arm64"), "os": "linux",
             "config": {"Cmd": ["/bin/sleep", "3600"]},
             "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]}}))
        (image / "manifest.json").write_text(json.dumps(
            [{"Config": "config.json", "RepoTags": [IMAGE], "Layers": ["layer.tar"]}]))
        run("tar", "-C", str(image), "-cf", str(self.work / "image.tar"), "manifest.json", "config.json", "layer.tar")
        run("ctr", "-a", str(self.socket), "-n", "k8s.io", "image", "import", "--snapshotter", "native",
            str(self.work / "image.tar"))

    def pod_devices(self):
        links = json.loads(run("ip", "-j", "-n", self.name, "link"))
        return [each for each in links if each["ifname"].startswith("sxp")]

    def leases(self):
        folder = self.work / "cni/networks/pods"
        return sorted(each.name for each in folder.glob("[0-9f]*")) if folder.exists() else []

    def fetch(self, url):
        program = f"import urllib.request as r; print(r.urlopen('{url}', timeout=10).read().decode(), end='')"
        return run("nsenter", f"--net=/run/netns/{self.client}", sys.executable, "-c", program)


class ContainerdTest(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="sextant-cri-"))
        self.node = Node(self.work, PLUGIN)
        self.cri = None
        self.addCleanup(self.clean_up)
        self.cri = self.node.boot()
        self.node.import_image()
        self.cri.wait_for_image(IMAGE)

    def clean_up(self):
        if sys.exc_info()[0] or self._outcome.result.failures or self._outcome.result.errors:
            print((self.work / "containerd.log").read_text()[-4000:], file=sys.stderr)
        if self.cri:
            self.cri.close()
        self.node.power_off()
        shutil.rmtree(self.work)

    def add_pod(self, name, ports=()):
        """(pod, container, addresses)"""
        sandbox = self.cri.sandbox(name, ports)
        pod = self.cri.run_pod(sandbox)
        command = ["/bin/sh", "-c", f"echo {name} > /index.html; exec httpd -f -p 80 -h /"]
        return pod, self.cri.start(pod, sandbox, IMAGE, command), self.cri.addresses(pod)

    def test_pods_of_both_families_from_add_to_reboot(self):
        node = self.node
        self.assertTrue(self.cri.network_ready())
        first, first_container, first_addresses = self.add_pod("first", [(8080, 80)])
        second, second_container, second_addresses = self.add_pod("second")
        self.assertEqual(first_addresses, ["172.16.0.2", "fdfb:af47:32af::2"])
        self.assertEqual(second_addresses, ["172.16.0.3", "fdfb:af47:32af::3"])
        self.assertEqual(sorted(each["ifalias"] for each in node.pod_devices()),
                         sorted(f"pods/{pod}/eth0" for pod in (first, second)))

        with self.subTest("pods reach each other, with packets as large as their MTU"):
            for container, addresses in ((first_container, second_addresses), (second_container, first_addresses)):
                for address, header in zip(addresses, (28, 48)):
                    size = str(1500 - 144 - header)
                    status, output = self.cri.execute(container, "ping", "-c", "1", "-W", "5", "-s", size, address)
                    self.assertEqual(status, 0, output)
        with self.subTest("a host port leads to its pod"):
            for address in ("192.0.2.1", "[2001:db8::1]"):
                self.assertEqual(node.fetch(f"http://{address}:8080/index.html"), "first\n")
        with self.subTest("a pod that is stopped leaves nothing on the node; stopping it again is no error"):
            for _ in range(2):
                self.cri.stop_pod(first)
            self.cri.remove_pod(first)
            self.assertEqual(node.leases(), ["172.16.0.3", "fdfb:af47:32af::3"])
            self.assertEqual([each["ifalias"] for each in node.pod_devices()], [f"pods/{second}/eth0"])
            rules = run("nsenter", f"--net=/run/netns/{node.name}", "iptables-save", "-t", "nat")
            self.assertNotIn("8080", rules)
        with self.subTest("after a reboot the dead pod's lease does no harm and goes with the pod"):
            self.cri.close()
            node.power_off()
            self.cri = node.boot()
            self.assertEqual(node.leases(), ["172.16.0.3", "fdfb:af47:32af::3"])
            third, third_container, third_addresses = self.add_pod("third")
            self.assertEqual(third_addresses, ["172.16.0.4", "fdfb:af47:32af::4"])
            self.cri.stop_pod(second)
            self.cri.remove_pod(second)
            self.assertEqual(node.leases(), ["172.16.0.4", "fdfb:af47:32af::4"])
            status, output = self.cri.execute(third_container, "ping", "-c", "1", "-W", "5", "192.0.2.1")
            self.assertEqual(status, 0, output)
            self.cri.stop_pod(third)
            self.cri.remove_pod(third)
            self.assertEqual(node.leases(), [])
            self.assertEqual(node.pod_devices(), [])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} BIN_DIR")
    PLUGIN = pathlib.Path(sys.argv.pop()).resolve() / "sextant-cni"
    if os.geteuid() != 0:
        skip("needs root to make namespaces")
    for program, package in NEEDED.items():
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin"):
            skip(f"needs {program} (Debian: {package})")
    try:
        import cri
    except ImportError as error:
        skip(f"{error} (Debian: python3-grpcio)")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # ctest's time limit: clean up all the same
    unittest.main()
