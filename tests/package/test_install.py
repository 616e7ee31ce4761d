"""Environments made for real: with the computer's own Python, venv and pip."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "release" / "environment.py"
PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"


def without_mirrors(**more: str) -> dict[str, str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    return {**environ, "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0", **more}


def test_without_pypi_a_sentence_says_so_and_nothing_is_left(tmp_path: Path) -> None:
    environ = without_mirrors(PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_NO_CACHE_DIR="1")
    done = subprocess.run(
        [PYTHON, SCRIPT, tmp_path / "venv", ROOT / "requirements" / "server.txt"],
        env=environ, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 2
    assert done.stderr.startswith(
        "PyPI, from which the Python packages come, cannot be reached; nothing was installed."
    )
    assert "Traceback" not in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_end_by_signal_in_the_middle_of_it_leaves_nothing(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        environ = without_mirrors(PIP_INDEX_URL=f"http://127.0.0.1:{port}/simple")
        maker = subprocess.Popen(
            [PYTHON, SCRIPT, tmp_path / "venv", ROOT / "requirements" / "server.txt"],
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        silent.settimeout(120)
        asking, _ = silent.accept()
        with asking:
            there = (tmp_path / "venv" / "bin" / "python").exists()
            maker.send_signal(signal.SIGTERM)
            _, err = maker.communicate(timeout=60)

    assert there and maker.returncode == 130
    assert err == f"Stopped; nothing of {tmp_path / 'venv'} is left.\n"
    assert list(tmp_path.iterdir()) == []


SEEN = """
import importlib.metadata, json, sys, sysconfig
import onion.__main__, onion.gunicorn_hardening, dropbox.front.factory, dropbox.vault.factory
import dropbox.front.vault_client, scripts.newsite, scripts.courier.__main__
found = importlib.metadata.distributions(path=[sysconfig.get_path("purelib")])
print(json.dumps([[each.name for each in found], sys.prefix, dropbox.__file__]))
"""


def test_the_server_has_what_its_lock_names_and_nothing_that_tests_builds_or_installs(
    tmp_path: Path,
) -> None:
    lock = ROOT / "requirements" / "server.txt"
    made = subprocess.run(
        [PYTHON, SCRIPT, "--bare", tmp_path / "server", lock],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (made.returncode, made.stderr) == (0, "")
    # All is compiled: whoever runs it may not be allowed to keep what Python compiles.
    [packages] = (tmp_path / "server" / "lib").glob("python*/site-packages")
    modules = [path for path in packages.rglob("*.py") if path.stat().st_size]
    left = [path for path in modules if not Path(cache_from_source(str(path))).exists()]
    assert len(modules) > 500 and left == []

    # From elsewhere, so that the environment alone says where the checkout is.
    python = tmp_path / "server" / "bin" / "python"
    seen = subprocess.run([python, "-c", SEEN], cwd=tmp_path, capture_output=True, check=False)
    assert (seen.returncode, seen.stderr) == (0, b"")
    names, prefix, file = json.loads(seen.stdout)
    locked = re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.MULTILINE)
    assert sorted(map(canonicalize_name, names)) == sorted(locked)
    assert len(names) == 27
    assert prefix == str(tmp_path / "server") and file == str(ROOT / "dropbox" / "__init__.py")
    bin_ = tmp_path / "server" / "bin"
    assert not list(bin_.glob("pip*"))
    assert sorted(path.name for path in bin_.glob("casedrop*")) == ["casedrop", "casedrop-courier"]
    for command in bin_.glob("casedrop*"):
        said = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, check=False)
        assert (said.returncode, said.stderr) == (0, b"") and said.stdout.startswith(b"usage: ")

    again = subprocess.run(
        [PYTHON, SCRIPT, "--bare", tmp_path / "server", lock], capture_output=True, check=False
    )
    assert (again.returncode, again.stdout, again.stderr) == (0, b"", b"")


def test_a_package_that_is_not_the_locked_one_is_not_installed(tmp_path: Path) -> None:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"itsdangerous==2.2.0 --hash=sha256:{'0' * 64}\n", "utf-8")
    done = subprocess.run(
        [PYTHON, SCRIPT, tmp_path / "venv", lock], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr.startswith("What was downloaded is not what the lock names; nothing")
    assert not (tmp_path / "venv").exists()
