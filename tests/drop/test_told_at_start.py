"""What a start of the drop says: which setting is wrong, and that keys expire soon."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.front import ONION

from dropbox.key_expiry import notice
from onion.errors import DropStopped
from onion.launch import Drop
from scripts.ceremony.new_key import Weeks, new_reviewer
from scripts.ceremony.passphrase import unprotected
from scripts.courier import __main__ as courier
from scripts.newsite import make_site


def test_operator_and_courier_are_told_that_the_reviewers_keys_expire_soon(
    tmp_path: Path, keys_dir: Path, gpg_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    today = datetime.now(UTC).date()
    keys = Path(shutil.copytree(keys_dir, tmp_path / "keys"))
    new_reviewer(gpg_home, name="blue", out=keys, weeks=Weeks(today, 2), choose=unprotected)
    told = notice(today + timedelta(days=20), today)
    assert "in 20 days" in told
    for given, expected in ((keys, told), (keys_dir, "")):
        site = make_site(tmp_path / given.name / "site", onion=ONION, keys=given)
        said: list[str] = []
        with Drop(site.settings_file, site.front_socket, os.environ, log=said.append) as drop:
            assert drop.notice() == expected
            courier_socket = site.settings_file.parent / "courier.sock"
            assert (
                courier.main(
                    [
                        "pull",
                        "--socket",
                        str(courier_socket),
                        "--to",
                        str(site.settings_file.parent),
                    ]
                )
                == 0
            )
        # The front's first line; the vault's process prints nothing by itself.
        assert [line for line in said if "weekly keys" in line] == [f"front: {expected}"] * bool(
            expected
        )
        assert capsys.readouterr().out.splitlines()[1:] == [expected] * bool(expected)


def edit(path: Path, old: str, new: str) -> None:
    """Replace *old* wherever it stands in a file."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


@pytest.mark.parametrize(
    ("room", "change", "sentence"),
    [
        ("front", lambda site: (site / "settings.toml").write_text("[site\n"), "settings.toml"),
        ("front", lambda site: (site / "keys" / "FINGERPRINTS").unlink(), "FINGERPRINTS"),
        ("front", lambda site: (site / "keys" / "reviewer-2.hpke").unlink(), "reviewer-2.hpke"),
        (
            "front",
            lambda site: (site / "campaign.toml").write_text("code = 'x'\ncolour = 1\n"),
            "campaign.toml, line 2",
        ),
        (
            "vault",
            lambda site: (site / "export.key").chmod(0o644),
            "Others on this computer can read the export key",
        ),
        (
            "front",
            lambda site: edit(
                site / "settings.toml", "[site]", '[site]\nlanguages = ["en", "ug"]\ncatalogs = "c"'
            ),
            "[site] languages names ug, but the campaign file",
        ),
        (
            "front",
            lambda site: edit(site / "campaign.toml", ' en = "', ' en = "' + "x" * 60),
            "“report with a photograph” in en can take ",
        ),
        (
            "vault",
            lambda site: (site / "vault" / "store.sqlite").write_bytes(b"no database" * 1000),
            "is in use or damaged: file is not a database",
        ),
    ],
)
def test_what_is_wrong_stops_the_start_with_one_sentence(
    tmp_path: Path, keys_dir: Path, room: str, change: object, sentence: str
) -> None:
    keys = tmp_path / "site" / "keys"
    keys.mkdir(parents=True)
    for file in keys_dir.iterdir():
        (keys / file.name).write_bytes(file.read_bytes())
    site = make_site(tmp_path / "site", onion=ONION, keys=keys)
    campaign = tmp_path / "site" / "campaign.toml"
    campaign.write_bytes((Path(__file__).parents[2] / "dropbox" / "campaign.toml").read_bytes())
    drop = Drop(
        site.settings_file,
        site.front_socket,
        {**os.environ, "CASEDROP_SITE_CAMPAIGN": str(campaign)},
    )
    # The sockets' paths are read first; the room itself finds what is changed afterwards.
    change(tmp_path / "site")  # type: ignore[operator]
    with pytest.raises(DropStopped) as refusal, drop:
        pass

    assert sentence in str(refusal.value) and "Traceback" not in str(refusal.value)
    assert str(refusal.value).count("\n") == 0
