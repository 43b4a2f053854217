"""An image of Sextant with another build of the agent: what an upgrade brings."""
import hashlib
import io
import json
import subprocess
import tarfile


def with_other_agent(archive, program, target, name):
    """Writes the docker archive `archive` with another sextantd, under another name, to `target`."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as made:
        info = made.gettarinfo(program, arcname="usr/bin/sextantd")
        info.uid = info.gid = 0
        with open(program, "rb") as content:
            made.addfile(info, content)
    with tarfile.open(archive) as old, tarfile.open(target, "w") as new:
        manifest = json.load(old.extractfile("manifest.json"))[0]
        config = json.load(old.extractfile(manifest["Config"]))
        config["rootfs"]["diff_ids"].append("sha256:" + hashlib.sha256(layer.getvalue()).hexdigest())
        for each in manifest["Layers"]:
            new.addfile(old.getmember(each), old.extractfile(each))
        manifest.update(Config="other.json", RepoTags=[name], Layers=[*manifest["Layers"], "other.tar"])
        for file, content in (("other.json", json.dumps(config).encode()), ("other.tar", layer.getvalue()),
                              ("manifest.json", json.dumps([manifest]).encode())):
            info = tarfile.TarInfo(file)
            info.size = len(content)
            new.addfile(info, io.BytesIO(content))


def import_image(command, archive):
    """`command` runs `ctr` on the node."""
    with open(archive, "rb") as content:
        subprocess.run([str(each) for each in [*command, "-n", "k8s.io", "images", "import", "-"]], stdin=content, check=True,
                       stdout=subprocess.DEVNULL)
