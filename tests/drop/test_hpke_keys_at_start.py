"""A drop does not start unless every reviewer's HPKE keys are as pinned."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from onion.errors import DropStopped
from onion.launch import Drop
from scripts.newsite import make_site

ONION = "casedrop" * 7 + ".onion"
FIRST, SECOND = "reviewer-1.hpke", "reviewer-2.hpke"


def missing(keys: Path) -> None:
    (keys / SECOND).unlink()


def unsigned(keys: Path) -> None:
    (keys / f"{SECOND}.sig").unlink()


def altered(keys: Path) -> None:
    data = (keys / SECOND).read_bytes()
    (keys / SECOND).write_bytes(data.replace(b'"version":1', b'"version":2'))


def anothers(keys: Path) -> None:
    for end in ("", ".sig"):
        shutil.copy(keys / f"{FIRST}{end}", keys / f"{SECOND}{end}")


def not_pinned(keys: Path) -> None:
    shutil.copy(keys / FIRST, keys / "reviewer-9.hpke")


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (missing, SECOND),
        (unsigned, f"{SECOND}.sig"),
        (altered, SECOND),
        (anothers, SECOND),
        (not_pinned, "reviewer-9.hpke"),
    ],
)
def test_keys_that_are_not_as_pinned_stop_the_start_by_name(
    tmp_path: Path, keys_dir: Path, spoil: Callable[[Path], None], named: str
) -> None:
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    spoil(keys)
    site = make_site(tmp_path / "site", onion=ONION, keys=keys)
    environ = dict(os.environ)

    with (
        pytest.raises(DropStopped) as refused,
        Drop(site.settings_file, site.front_socket, environ),
    ):
        pass
    sentence = str(refused.value)
    assert sentence.startswith("The front stopped while starting: ") and named in sentence
    assert "Traceback" not in sentence and sentence.endswith(".")
