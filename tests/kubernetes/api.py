"""Requests to the cluster's API server without kubectl's own start, which costs more than what is measured.

    with Api(cluster) as api:
        api.patch("/apis/sextant.dev/v1alpha1/srv6policies/gold", {"spec": ...})

The requests are sent by this file as a program in the API server's network namespace, over one connection.
"""
import http.client
import json
import ssl
import subprocess
import sys
import urllib.parse


class Api:
    def __init__(self, cluster):
        pki = f"{cluster.details['state']}/pki"
        self.process = subprocess.Popen(
            ["nsenter", f"--net={cluster.netns_path('master')}", sys.executable, __file__, cluster.details["server"],
             f"{pki}/ca.crt", f"{pki}/admin.crt", f"{pki}/admin.key"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=10)
        self.process.stdout.close()

    def request(self, method, path, body=None, content_type="application/json"):
        """The answer, decoded; an assertion where its status is not one of success."""
        print(json.dumps([method, path, body, content_type]), file=self.process.stdin, flush=True)
        status, answer = json.loads(self.process.stdout.readline())
        if not 200 <= status < 300:
            raise AssertionError(f"{method} {path}: {status}: {answer}")
        return answer

    def get(self, path):
        return self.request("GET", path)

    def patch(self, path, merge_patch):
        return self.request("PATCH", path, merge_patch, "application/merge-patch+json")


def serve(server, authority, certificate, key):
    context = ssl.create_default_context(cafile=authority)
    context.load_cert_chain(certificate, key)
    place = urllib.parse.urlsplit(server)
    connection = http.client.HTTPSConnection(place.hostname, place.port, context=context)
    for line in sys.stdin:
        method, path, body, content_type = json.loads(line)
        connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": content_type})
        answer = connection.getresponse()
        print(json.dumps([answer.status, json.loads(answer.read())]), flush=True)


if __name__ == "__main__":
    serve(*sys.argv[1:])
