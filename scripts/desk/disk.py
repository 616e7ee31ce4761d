"""Whether a directory is on an encrypted disk, as far as Linux's mounts and devices tell."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ENCRYPTED, MEMORY, PLAIN = "encrypted", "memory", "plain"
MOUNTS, BLOCK_DEVICES = Path("/proc/self/mountinfo"), Path("/sys/class/block")
# dm-crypt's mark in a device-mapper uuid: LUKS 1 and 2, plain dm-crypt, VeraCrypt through
# cryptsetup.
_CRYPT = "CRYPT-"
_MEMORY_TYPES = {"tmpfs", "ramfs"}
_ENCRYPTING_TYPES = {"ecryptfs", "fuse.gocryptfs", "fuse.cryfs", "fuse.encfs", "fuse.securefs"}
_DEEPEST = 8

WARNINGS = {
    ENCRYPTED: "",
    MEMORY: "The casebook is in memory only: it is gone when this computer is switched off.",
    PLAIN: "The disk under the casebook does not look encrypted: "
    "whoever takes this computer can read every case.",
}


class _Mount(NamedTuple):
    point: Path
    device: str
    type: str
    source: str


def keeping(directory: Path, *, mounts: Path = MOUNTS, devices: Path = BLOCK_DEVICES) -> str:
    """ENCRYPTED, MEMORY or PLAIN for the file system of *directory*; PLAIN when in doubt.

    *mounts* is the kernel's list of this process's mounts, *devices* its directory of block
    devices.
    """
    resolved = directory.resolve()
    # If several file systems are mounted at one path, the last hides the others.
    under = [mount for mount in _mounts(mounts) if resolved.is_relative_to(mount.point)]
    mount = max(
        enumerate(under), key=lambda one: (len(one[1].point.parts), one[0]), default=(0, None)
    )[1]
    if mount is None:
        return PLAIN
    if mount.type in _MEMORY_TYPES:
        return MEMORY
    if mount.type in _ENCRYPTING_TYPES:
        return ENCRYPTED
    device = _device(mount, devices)
    return ENCRYPTED if device is not None and _encrypted(device, devices, _DEEPEST) else PLAIN


def _mounts(path: Path) -> Iterator[_Mount]:
    try:
        lines = path.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        before, _, after = line.partition(" - ")
        first, last = before.split(" "), after.split(" ")
        if len(first) >= 5 and len(last) >= 2:
            yield _Mount(Path(_unescaped(first[4])), first[2], last[0], _unescaped(last[1]))


def _unescaped(field: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        field = field.replace(code, character)
    return field


def _device(mount: _Mount, devices: Path) -> str | None:
    """The kernel's name for the mount's block device, None if there is none.

    Found by device number, or by the mount's source: btrfs and others have numbers of their own.
    """
    for device in sorted(devices.iterdir()) if devices.is_dir() else ():
        if _content(device / "dev") == mount.device:
            return device.name
    if not mount.source.startswith("/dev/"):
        return None
    for device in sorted(devices.iterdir()) if devices.is_dir() else ():
        if _content(device / "dm" / "name") == Path(mount.source).name:
            return device.name
    return Path(os.path.realpath(mount.source)).name


def _encrypted(name: str, devices: Path, deep: int) -> bool:
    """Whether the device is dm-crypt's, or all devices under it are (LVM on LUKS, RAID)."""
    device = devices / name
    if _content(device / "dm" / "uuid").startswith(_CRYPT):
        return True
    slaves = (
        sorted(one.name for one in (device / "slaves").iterdir())
        if (device / "slaves").is_dir()
        else []
    )
    return (
        bool(slaves) and deep > 0 and all(_encrypted(slave, devices, deep - 1) for slave in slaves)
    )


def _content(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
