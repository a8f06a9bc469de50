#!/usr/bin/env python3
"""Writes an OCI image with nothing but Candor, certificate authorities and a bill of materials.

Usage: build.py --binary FILE --sbom FILE --version X --out FILE.tar

The archive is an OCI image layout, which `podman load` and `skopeo copy oci-archive:FILE.tar` read, with the manifest of
`docker save` for `docker load`. The same input gives the same bytes; times come from SOURCE_DATE_EPOCH. A binary that is
not static gets the shared objects that ldd finds.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path

USER = 65532
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
ARCHITECTURES = {0x3E: "amd64", 0xB7: "arm64"}
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# Less than an environment variable, so every setting can be replaced by one.
SETTINGS = """\
database-url = "sqlite:///data/candor.db"
data-dir = "/data"
listen = "0.0.0.0:3000"
"""
# In nanoseconds.
SECOND = 1_000_000_000
OCI = "application/vnd.oci.image."


def architecture(binary):
    """From the ELF header: e_machine, 2 bytes at 18."""
    return ARCHITECTURES[int.from_bytes(binary[18:20], "little")]


def shared_objects(path):
    """Paths of the loader and the libraries of a dynamic binary; none of a static one."""
    ldd = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    found = sorted(set(re.findall(r"(/\S+) \(0x", ldd.stdout)))
    # The name of the loader is near the start of a dynamic binary.
    if not found and b"/ld-" in Path(path).read_bytes()[:4096]:
        sys.exit(f"ldd can't find the shared objects of {path}: build the image on its own architecture, or a static one")
    return found


def add(tar, name, content=None, mode=0o644, owner=0):
    """Adds a file, or a directory if it has no content."""
    entry = tarfile.TarInfo(name)
    entry.mode, entry.uid, entry.gid, entry.mtime = mode, owner, owner, EPOCH
    entry.type = tarfile.DIRTYPE if content is None else tarfile.REGTYPE
    entry.size = len(content or b"")
    tar.addfile(entry, io.BytesIO(content or b""))


def layer(binary_path, sbom):
    files = {
        "candor": (Path(binary_path).read_bytes(), 0o755),
        "etc/candor/candor.toml": (SETTINGS.encode(), 0o644),
        "etc/passwd": (f"candor:x:{USER}:{USER}::/data:/sbin/nologin\n".encode(), 0o644),
        "etc/group": (f"candor:x:{USER}:\n".encode(), 0o644),
        "etc/nsswitch.conf": (b"hosts: files dns\n", 0o644),
        AUTHORITIES[1:]: (Path(AUTHORITIES).read_bytes(), 0o644),
        "usr/share/sbom/candor.cdx.json": (Path(sbom).read_bytes(), 0o644),
    }
    for path in shared_objects(binary_path):
        files[path[1:]] = (Path(path).read_bytes(), 0o755)
    folders = {str(folder) for name in files for folder in Path(name).parents} - {"."}
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in sorted(folders):
            add(tar, folder, mode=0o755)
        add(tar, "data", mode=0o700, owner=USER)
        for name, (content, mode) in sorted(files.items()):
            add(tar, name, content, mode)
    return out.getvalue()


def config(arch, version, revision, diff_id):
    created = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(EPOCH))
    labels = {
        "title": "Candor",
        "description": "Self-hosted status page",
        "licenses": "Apache-2.0 OR MIT",
        "version": version,
        "revision": revision,
        "created": created,
    }
    if os.environ.get("SOURCE_URL"):
        labels["source"] = os.environ["SOURCE_URL"]
    return {
        "created": created,
        "architecture": arch,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"3000/tcp": {}},
            "Env": [
                "CANDOR_CONFIG=/etc/candor/candor.toml",
                f"SSL_CERT_FILE={AUTHORITIES}",
            ],
            "Entrypoint": ["/candor"],
            "Cmd": ["serve"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
            "Labels": {f"org.opencontainers.image.{key}": value for key, value in labels.items()},
            "StopSignal": "SIGTERM",
            # Docker's extension of OCI's configuration; Kubernetes has probes instead.
            "Healthcheck": {
                "Test": ["CMD", "/candor", "health"],
                "Interval": 30 * SECOND,
                "Timeout": 5 * SECOND,
                "StartPeriod": 30 * SECOND,
                "Retries": 3,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": created, "created_by": "packaging/image/build.py"}],
    }


def digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def write_image(args):
    binary = Path(args.binary).read_bytes()
    plain = layer(args.binary, args.sbom)
    packed = gzip.compress(plain, 9, mtime=0)
    blobs = {}

    def blob(media_type, content):
        blobs[digest(content)] = content
        return {"mediaType": OCI + media_type, "digest": digest(content), "size": len(content)}

    def document(media_type, value):
        return blob(media_type, json.dumps(value, sort_keys=True).encode())

    arch = architecture(binary)
    about = document("config.v1+json", config(arch, args.version, args.revision, digest(plain)))
    layers = [blob("layer.v1.tar+gzip", packed)]
    manifest = document(
        "manifest.v1+json",
        {"schemaVersion": 2, "mediaType": OCI + "manifest.v1+json", "config": about, "layers": layers},
    )
    name = f"candor:{args.version}"
    names = {"org.opencontainers.image.ref.name": args.version, "io.containerd.image.name": f"docker.io/library/{name}"}
    manifest |= {"platform": {"os": "linux", "architecture": arch}, "annotations": names}
    index = {"schemaVersion": 2, "mediaType": OCI + "index.v1+json", "manifests": [manifest]}
    paths = {key: "blobs/" + key.replace(":", "/") for key in blobs}
    saved = [{"Config": paths[about["digest"]], "RepoTags": [name], "Layers": [paths[layers[0]["digest"]]]}]
    with tarfile.open(args.out, "w", format=tarfile.USTAR_FORMAT) as tar:
        add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
        add(tar, "index.json", json.dumps(index, sort_keys=True).encode())
        add(tar, "manifest.json", json.dumps(saved, sort_keys=True).encode())
        for key, content in sorted(blobs.items()):
            add(tar, paths[key], content)
    print(f"{args.out}: {arch}, {len(packed)} bytes compressed, {len(plain)} unpacked")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ["binary", "sbom", "version", "out"]:
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--revision", default="unknown")
    write_image(parser.parse_args())


if __name__ == "__main__":
    main()
