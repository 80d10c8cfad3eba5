"""Small wheels for tests."""

import base64
import hashlib
import zipfile
from pathlib import Path

LICENSE = "License-Expression: MIT"


def make_wheel(
    folder: Path, name: str, sources: dict[str, str | bytes], *, license_line: str = LICENSE, spoil: str | None = None
) -> tuple[Path, str]:
    """Write a wheel with `sources`. Return its path and sha256. The file `spoil` gets a wrong digest in RECORD."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    members = {key: value.encode() if isinstance(value, str) else value for key, value in sources.items()}
    members[f"{info}/METADATA"] = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{license_line}\n\n".encode()
    record = []
    for key, value in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(value).digest()).rstrip(b"=").decode()
        record.append(f"{key},sha256={'A' * 43 if key == spoil else digest},{len(value)}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in members.items():
            archive.writestr(key, value)
        archive.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,"]) + "\n")
    return path, hashlib.sha256(path.read_bytes()).hexdigest()
