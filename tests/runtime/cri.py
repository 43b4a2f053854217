"""A small client of the Kubernetes Container Runtime Interface: what a kubelet says to containerd.

Messages are runtime.v1 of https://github.com/kubernetes/cri-api; only the fields that the test needs, by number.
"""
import time

import grpc


def encode(fields):
    """[(number, value)] as protobuf: str and bytes, int and bool, or a nested list of fields."""
    out = b""
    for number, value in fields:
        if isinstance(value, int):
            out += varint(number << 3) + varint(int(value))
            continue
        data = encode(value) if isinstance(value, list) else value.encode() if isinstance(value, str) else value
        out += varint(number << 3 | 2) + varint(len(data)) + data
    return out


def varint(value):
    out = b""
    while True:
        value, low = value >> 7, value & 0x7F
        out += bytes([low | (0x80 if value else 0)])
        if not value:
            return out


def decode(data):
    """{number: [values]}: integers, or bytes for everything that has a length."""
    fields, at = {}, 0

    def read_varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return value

    while at < len(data):
        key = read_varint()
        if key & 7 == 0:
            value = read_varint()
        elif key & 7 == 2:
            size = read_varint()
            value, at = data[at:at + size], at + size
        else:
            raise ValueError(f"wire type {key & 7}")
        fields.setdefault(key >> 3, []).append(value)
    return fields


class Cri:
    def __init__(self, socket, cgroup):
        self.channel = grpc.insecure_channel(f"unix:{socket}")
        grpc.channel_ready_future(self.channel).result(timeout=30)
        self.cgroup = cgroup

    def close(self):
        self.channel.close()

    def call(self, method, fields, service="RuntimeService"):
        answer = self.channel.unary_unary(f"/runtime.v1.{service}/{method}")(encode(fields), timeout=60)
        return decode(answer)

    def network_ready(self):
        status = decode(self.call("Status", [])[1][0])
        conditions = [decode(each) for each in status.get(1, [])]
        return any(each[1] == [b"NetworkReady"] and each.get(2) == [1] for each in conditions)

    def wait_for_image(self, image):
        """containerd tells its CRI plugin of an imported image by an event that nobody else can wait for."""
        for _ in range(200):
            if 1 in self.call("ImageStatus", [(1, [(1, image)])], "ImageService"):
                return
            time.sleep(0.05)
        raise TimeoutError(f"containerd does not show {image}")

    def sandbox(self, name, ports=()):
        """PodSandboxConfig; ports: (host port, container port), TCP."""
        mappings = [(5, [(1, 0), (2, container), (3, host)]) for host, container in ports]
        return [(1, [(1, name), (2, f"uid-{name}"), (3, "default")]), (2, name), *mappings,
                (8, [(1, self.cgroup)])]

    def run_pod(self, sandbox):
        return self.call("RunPodSandbox", [(1, sandbox)])[1][0].decode()

    def addresses(self, pod):
        network = decode(decode(self.call("PodSandboxStatus", [(1, pod)])[1][0])[5][0])
        return [network[1][0].decode()] + [decode(each)[1][0].decode() for each in network.get(2, [])]

    def start(self, pod, sandbox, image, command):
        config = [(1, [(1, "main")]), (2, [(1, image)])] + [(3, word) for word in command]
        container = self.call("CreateContainer", [(1, pod), (2, config), (3, sandbox)])[1][0].decode()
        self.call("StartContainer", [(1, container)])
        return container

    def execute(self, container, *command):
        """(exit status, output)"""
        answer = self.call("ExecSync", [(1, container), *((2, word) for word in command), (3, 20)])
        text = b"".join(answer.get(1, []) + answer.get(2, []))
        return answer.get(3, [0])[0], text.decode()

    def stop_pod(self, pod):
        self.call("StopPodSandbox", [(1, pod)])

    def remove_pod(self, pod):
        self.call("RemovePodSandbox", [(1, pod)])
