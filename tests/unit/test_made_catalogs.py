"""How make compiles the translations, with a stand-in for pybabel."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Its arguments: --quiet compile --input-file PO --output-file MO.
COMPILES = 'cat "$4" >"$6"'
FAILS = "echo begun >\"$6\"; echo 'OSError: [Errno 28] No space left on device' >&2; exit 1"


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """An uncompiled catalog in a checkout, without its suffix."""
    folder = tmp_path / "dropbox" / "translations" / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text("msgid\n", "utf-8")
    return folder / "messages"


def make(checkout: Path, pybabel: str) -> subprocess.Popen[str]:
    """One that only compiles."""
    (checkout / "bin").mkdir(exist_ok=True)
    (checkout / "bin" / "pybabel").write_text(f"#!/bin/bash\n{pybabel}\n", "utf-8")
    (checkout / "bin" / "pybabel").chmod(0o755)
    rule = "compiled:\n\t$(call compile_catalogs,bin)"
    # The make that runs these tests tells every other that it is one of its own.
    alone = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.Popen(
        ["make", "-f", ROOT / "Makefile", f"--eval={rule}", "compiled"],
        cwd=checkout, env=alone, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip


def there(catalog: Path) -> list[str]:
    return sorted(path.name for path in catalog.parent.iterdir())


def test_a_catalog_is_compiled_once(tmp_path: Path, catalog: Path) -> None:
    with make(tmp_path, COMPILES) as first:
        assert first.communicate() == ("", "") and first.returncode == 0
    assert there(catalog) == ["messages.mo", "messages.po"]

    with make(tmp_path, FAILS) as again:
        assert again.communicate() == ("", "") and again.returncode == 0


def test_what_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path, catalog: Path) -> None:
    with make(tmp_path, FAILS) as failed:
        out, err = failed.communicate()

    sentence, last = err.splitlines()
    assert sentence == (
        "dropbox/translations/zh_Hans/LC_MESSAGES/messages.mo could not be made: OSError: "
        "[Errno 28] No space left on device. Mend this, then run make again."
    )
    assert (failed.returncode, out) == (2, "") and last.startswith("make: *** ")
    assert there(catalog) == ["messages.po"]


def test_an_interruption_leaves_nothing(tmp_path: Path, catalog: Path) -> None:
    begun = tmp_path / "begun"
    with make(tmp_path, f'echo half >"$6"; touch {begun}; exec sleep 60') as stopped:
        end = time.monotonic() + 30
        while not begun.exists() and time.monotonic() < end:
            time.sleep(0.02)
        os.killpg(stopped.pid, signal.SIGTERM)
        stopped.communicate()

    assert there(catalog) == ["messages.po"]
    shutil.rmtree(tmp_path / "bin")
    with make(tmp_path, COMPILES) as again:
        assert again.communicate() == ("", "") and again.returncode == 0
