"""The functions' binaries, and their way into S3."""

import hashlib
import io
import platform
import struct
import subprocess
import zipfile
from pathlib import Path

from bellhop_stack.cloud import TEMPLATE, Cloud, Problem

ELF_MACHINES = {0x3E: "x86_64", 0xB7: "arm64"}
ZIP_TIME = (2020, 1, 1, 0, 0, 0)  # the same binary gives the same zip, so that nothing changes without cause


def functions() -> list[str]:
    """The functions that the template deploys: each names its code `${CodeKeyPrefix}NAME.zip`."""
    return subprocess.run([TEMPLATE.parent / "functions"], check=True, capture_output=True, text=True).stdout.split()


def upload(cloud: Cloud, stack: str, directory: Path) -> dict[str, str]:
    """Zips what was built and puts it under a key made from its content; returns the template's parameters about it."""
    binaries = {name: _binary(directory, name) for name in functions()}
    archives = {name: _archive(path, compress=1 if cloud.is_emulator else 9) for name, path in binaries.items()}
    digest = hashlib.sha256(b"".join(archives[name] for name in sorted(archives))).hexdigest()[:16]
    bucket, key_prefix = code_bucket(cloud), f"{stack}/{digest}/"  # a new key is how CloudFormation notices new code
    for name, archive in archives.items():
        cloud.client("s3").put_object(Bucket=bucket, Key=f"{key_prefix}{name}.zip", Body=archive)
    return {"CodeBucket": bucket, "CodeKeyPrefix": key_prefix, "Architecture": _architecture(binaries.values())}


def code_bucket_name(cloud: Cloud) -> str:
    return f"bellhop-code-{cloud.account}-{cloud.region}"


def code_bucket(cloud: Cloud) -> str:
    """The bucket that holds code and templates, one for an account and region; made when it is not there."""
    s3, bucket = cloud.client("s3"), code_bucket_name(cloud)
    place = {} if cloud.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": cloud.region}}
    try:
        s3.create_bucket(Bucket=bucket, **place)
    except s3.exceptions.BucketAlreadyOwnedByYou:
        pass
    except s3.exceptions.BucketAlreadyExists as error:  # whoever it is could give our functions other code
        raise Problem(f"the bucket {bucket} is another account's; expected it to be ours, or free") from error
    return bucket


def _binary(directory: Path, function: str) -> Path:
    """As cargo lays it, or as cargo-lambda does."""
    places = directory / f"bellhop-{function}", directory / f"bellhop-{function}" / "bootstrap"
    for place in places:
        if place.is_file():
            return place
    raise Problem(f"{places[0]} is not there: build the functions first (`make build`), or name another folder")


def _archive(binary: Path, compress: int) -> bytes:
    entry = zipfile.ZipInfo("bootstrap", ZIP_TIME)
    entry.external_attr = 0o755 << 16
    entry.compress_type = zipfile.ZIP_DEFLATED
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, binary.read_bytes(), compresslevel=compress)
    return out.getvalue()


def _architecture(binaries) -> str:
    """Read from the binaries themselves: a function of the wrong architecture only fails when it is first invoked."""
    found = set()
    for binary in binaries:
        with binary.open("rb") as file:
            head = file.read(20)
        if head.startswith(b"\x7fELF"):
            found.add(ELF_MACHINES.get(struct.unpack_from("<H", head, 18)[0], "unknown"))
    if len(found) > 1:
        raise Problem(f"the binaries are of different architectures: {', '.join(sorted(found))}")
    host = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    return found.pop() if found else host
