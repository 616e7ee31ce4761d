"""What the Debian package holds beside Casedrop itself, as text: units, tor's configuration, users.

The files in scripts/release/debian/, with what the code knows put into the place of each @NAME@.
"""

from __future__ import annotations

import re
from pathlib import Path

from onion.launch import FRONT_MEMORY, VAULT_MEMORY
from onion.torrc import OnionService, packaged_torrc

TEMPLATES = Path(__file__).with_name("debian")
FRONT_SOCKET = Path("/run/casedrop/front.sock")
ONION = Path("/var/lib/tor/casedrop")
UNITS = "usr/lib/systemd/system"
_NAME = re.compile(r"@([A-Z_]+)@")


def files() -> dict[str, str]:
    """The text of each file by its path in the package, without the first slash."""
    made = {f"{UNITS}/{path.name}": unit(path) for path in sorted((TEMPLATES / "units").iterdir())}
    made[f"{UNITS}/tor@default.service.d/casedrop.conf"] = _text("tor/casedrop.conf")
    made["etc/tor/casedrop.torrc"] = packaged_torrc(OnionService(ONION, FRONT_SOCKET))
    return made


def unit(path: Path) -> str:
    """The text of the unit whose template is at *path*."""
    memory = {
        "casedrop-front.service": FRONT_MEMORY,
        "casedrop-vault.service": VAULT_MEMORY,
    }.get(path.name, {})
    values = {"MEMORY": "\n".join(f"Environment={name}={memory[name]}" for name in memory)}
    return _NAME.sub(lambda found: values[found[1]], path.read_text("utf-8"))


def _text(name: str) -> str:
    return (TEMPLATES / name).read_text("utf-8")
