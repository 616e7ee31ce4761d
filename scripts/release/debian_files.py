"""The Debian package's contents besides Python packages, as text: units, torrc, users, scripts.

They are the files in scripts/release/debian/, with values from the code in place of each @NAME@.
"""

from __future__ import annotations

import re
from pathlib import Path

from onion.launch import FRONT_MEMORY, VAULT_MEMORY
from onion.torrc import OnionService, packaged_torrc

TEMPLATES = Path(__file__).with_name("debian")
# Casedrop's own environment, the same path in every package.
HOME = "usr/lib/casedrop"
UNITS = "usr/lib/systemd/system"
FRONT_SOCKET = Path("/run/casedrop/front.sock")
ONION = Path("/var/lib/tor/casedrop")
COMMANDS = {"casedrop": "scripts.casedrop", "casedrop-courier": "scripts.courier.__main__"}
_MEMORY = {"casedrop-front.service": FRONT_MEMORY, "casedrop-vault.service": VAULT_MEMORY}
_NAME = re.compile(r"@([A-Z_]+)@")
# Isolated: neither the environment nor the current folder affects what is imported.
_COMMAND = """\
#!/{home}/bin/python -I
import sys

from {module} import main

sys.exit(main())
"""


def files() -> dict[str, str]:
    """The text of each file by its path in the package, without the first slash."""
    made = {f"{UNITS}/{path.name}": unit(path) for path in sorted((TEMPLATES / "units").iterdir())}
    made |= {
        f"{UNITS}/tor@default.service.d/casedrop.conf": template("tor/casedrop.conf"),
        "etc/apparmor.d/casedrop": template("apparmor/casedrop"),
        "etc/tor/casedrop.torrc": packaged_torrc(OnionService(ONION, FRONT_SOCKET)),
        "usr/lib/sysusers.d/casedrop.conf": template("sysusers.conf"),
        "usr/lib/tmpfiles.d/casedrop.conf": template("tmpfiles.conf"),
        "usr/share/casedrop/backoff.conf": template("backoff.conf"),
        "usr/share/doc/casedrop/copyright": template("copyright"),
    }
    return made


def commands() -> dict[str, str]:
    """The text of each program by its path in the package."""
    return {
        f"usr/bin/{name}": _COMMAND.format(home=HOME, module=module)
        for name, module in COMMANDS.items()
    }


def control(values: dict[str, str]) -> dict[str, str]:
    """The text of each file that dpkg reads, by its name; *values* are for the template."""
    return {
        path.name: template(f"control/{path.name}", values)
        for path in sorted((TEMPLATES / "control").iterdir())
    }


def unit(path: Path) -> str:
    """The text of the unit whose template is at *path*."""
    memory = _MEMORY.get(path.name, {})
    lines = "\n".join(f"Environment={name}={value}" for name, value in memory.items())
    return template(f"units/{path.name}", {"MEMORY": lines})


def template(name: str, values: dict[str, str] | None = None) -> str:
    """The template *name* with *values*; KeyError for a missing value."""
    text = (TEMPLATES / name).read_text("utf-8")
    return _NAME.sub(lambda found: (values or {})[found[1]], text)
