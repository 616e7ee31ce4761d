"""The reviewers' keys: what is refused at the start, and what a sealed message is."""

import io
import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from dropbox import gpg_process, openpgp
from dropbox.errors import CannotOpen, CannotSeal, KeysError
from dropbox.gpg_agent import stop_agent
from dropbox.openpgp import Opener, Reviewers
from dropbox.packets import PublicKey, dearmor, verify_detached
from dropbox.reviewer_key import export_public, make_reviewer_key, reviewer_key
from dropbox.sealed_message import recipients


@pytest.fixture
def keys(keys_dir: Path, tmp_path: Path) -> Path:
    """A copy of the keys that a test can spoil."""
    return Path(shutil.copytree(keys_dir, tmp_path / "keys"))


def sealed(reviewers: Reviewers, data: bytes) -> bytes:
    pieces: list[bytes] = []
    count = reviewers.seal(io.BytesIO(data), pieces.append)
    assert count == sum(map(len, pieces))
    return b"".join(pieces)


def gpg(home: Path, *arguments: str, typed: str = "") -> None:
    subprocess.run(
        [
            "gpg",
            "--homedir",
            home,
            "--batch",
            "--quiet",
            "--pinentry-mode",
            "loopback",
            "--passphrase",
            "",
            *arguments,
        ],
        check=True,
        capture_output=True,
        input=typed.encode(),
    )


def pinned(keys: Path, home: Path, name: str) -> None:
    """Export the one key of *home* into *keys* and pin it."""
    fingerprint = Opener(home).secret_fingerprints()[0]
    (keys / name).write_bytes(export_public(home, fingerprint))
    with (keys / "FINGERPRINTS").open("a", encoding="utf-8") as pins:
        pins.write(f"{fingerprint}  {name}\n")


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1, 10_000, 3_000_000])
def test_each_reviewer_opens_what_was_sealed(
    reviewers: Reviewers, reviewer_homes: list[Path], size: int
) -> None:
    data = os.urandom(size)

    message = sealed(reviewers, data)

    assert [Opener(home).open(message, size) for home in reviewer_homes] == [data, data]


def test_a_message_names_one_current_subkey_of_each_reviewer(reviewers: Reviewers) -> None:
    named = recipients(sealed(reviewers, b"x"))

    assert len(named) == len(set(named)) == len(reviewers.fingerprints)


def test_the_newest_valid_subkey_is_used_each_week(keys_dir: Path, tmp_path: Path) -> None:
    """gpg's own clock and ours agree here, so only the choice is compared: it changes with the
    week.
    """
    now = datetime.now(UTC)
    chosen = set()
    for days in (0, 7):
        reviewers = Reviewers.load(
            keys_dir,
            tmp_path / "home",
            clock=partial(datetime.fromtimestamp, (now + timedelta(days=days)).timestamp(), UTC),
        )
        chosen.add(tuple(reviewers._current(f) for f in reviewers.fingerprints))

    assert len(chosen) == 2


def test_the_keys_are_in_a_folder_of_their_own_that_nobody_else_reads(
    keys_dir: Path, tmp_path: Path
) -> None:
    before = os.umask(0)
    try:
        Reviewers.load(keys_dir, tmp_path / "home")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700


def test_sealing_stops_after_the_last_week(keys_dir: Path, tmp_path: Path) -> None:
    clock = [datetime.now(UTC)]
    reviewers = Reviewers.load(keys_dir, tmp_path / "home", clock=lambda: clock[0])
    clock[0] += timedelta(days=40)

    with pytest.raises(CannotSeal, match="expired"):
        sealed(reviewers, b"x")
    assert reviewers.last_day() < clock[0].date()


def test_nothing_is_written_while_sealing(keys_dir: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    reviewers = Reviewers.load(keys_dir, home)
    before = {path.name: path.stat().st_mtime_ns for path in home.iterdir()}

    sealed(reviewers, os.urandom(200_000))

    assert {path.name: path.stat().st_mtime_ns for path in home.iterdir()} == before


def remove_file(keys: Path, home: Path) -> None:
    (keys / "reviewer-1.asc").unlink()


def add_unpinned(keys: Path, home: Path) -> None:
    shutil.copy(keys / "reviewer-1.asc", keys / "stranger.asc")


def exchange(keys: Path, home: Path) -> None:
    shutil.copy(keys / "reviewer-1.asc", keys / "reviewer-2.asc")


def two_in_one_file(keys: Path, home: Path) -> None:
    both = subprocess.run(
        ["gpg", "--batch", "--enarmor"],
        input=b"".join(dearmor((keys / f"reviewer-{n}.asc").read_bytes()) for n in (1, 2)),
        capture_output=True,
        check=True,
    ).stdout
    (keys / "reviewer-1.asc").write_bytes(both)


def pin_twice(keys: Path, home: Path) -> None:
    pins = (keys / "FINGERPRINTS").read_text("utf-8")
    (keys / "FINGERPRINTS").write_text(pins + pins, "utf-8")


def no_pins(keys: Path, home: Path) -> None:
    (keys / "FINGERPRINTS").write_text("", "utf-8")


def short_pin(keys: Path, home: Path) -> None:
    pins = (keys / "FINGERPRINTS").read_text("utf-8")
    (keys / "FINGERPRINTS").write_text(pins[24:], "utf-8")


def damaged_file(keys: Path, home: Path) -> None:
    (keys / "reviewer-1.asc").write_bytes(b"\x00\xff" * 100)


def rsa_key(keys: Path, home: Path) -> None:
    gpg(home, "--quick-generate-key", "RSA", "rsa2048", "default", "1y")
    pinned(keys, home, "rsa.asc")


def sign_only_key(keys: Path, home: Path) -> None:
    make_reviewer_key(home, name="Signer", weeks=0, start=datetime.now(UTC).date(), passphrase="")
    pinned(keys, home, "signer.asc")


def expired_subkeys(keys: Path, home: Path) -> None:
    make_reviewer_key(
        home,
        name="Old",
        weeks=2,
        start=datetime.now(UTC).date() - timedelta(days=100),
        passphrase="",
    )
    pinned(keys, home, "old.asc")


def expired_key(keys: Path, home: Path) -> None:
    make_reviewer_key(
        home,
        name="Gone",
        weeks=2,
        start=datetime.now(UTC).date() - timedelta(days=3),
        passphrase="",
    )
    fingerprint = Opener(home).secret_fingerprints()[0]
    at = f"{datetime.now(UTC).date() - timedelta(days=2):%Y%m%d}T000000!"
    gpg(
        home,
        "--faked-system-time",
        at,
        "--ignore-time-conflict",
        "--quick-set-expire",
        fingerprint,
        "1d",
    )
    pinned(keys, home, "gone.asc")


def made(home: Path, name: str, weeks: int = 0) -> str:
    """A reviewer's key without further subkeys, in *home*."""
    return make_reviewer_key(
        home, name=name, weeks=weeks, start=datetime.now(UTC).date(), passphrase=""
    )


def revoked_key(keys: Path, home: Path) -> None:
    fingerprint = made(home, "Revoked", weeks=1)
    # gpg writes it for every key, with a colon in front so that nobody imports it by accident.
    certificate = home / "openpgp-revocs.d" / f"{fingerprint}.rev"
    certificate.write_text(certificate.read_text("utf-8").replace(":-----BEGIN", "-----BEGIN"))
    gpg(home, "--import", str(certificate))
    pinned(keys, home, "revoked.asc")


def revoked_subkey(keys: Path, home: Path) -> None:
    fingerprint = made(home, "Subkey", weeks=1)
    gpg(
        home,
        "--command-fd",
        "0",
        "--edit-key",
        fingerprint,
        typed="key 1\nrevkey\ny\n0\n\ny\nsave\n",
    )
    pinned(keys, home, "subkey.asc")


def endless_subkey(keys: Path, home: Path) -> None:
    gpg(home, "--quick-add-key", made(home, "Endless"), "cv25519", "encr", "never")
    pinned(keys, home, "endless.asc")


def rsa_subkey(keys: Path, home: Path) -> None:
    gpg(home, "--quick-add-key", made(home, "Mixed"), "rsa2048", "encr", "1y")
    pinned(keys, home, "mixed.asc")


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (revoked_key, "revoked.asc.* revoked"),
        (revoked_subkey, "subkey.asc.* valid today"),
        (endless_subkey, "endless.asc.* never expires"),
        (rsa_subkey, "mixed.asc.* not cv25519"),
        (remove_file, "reviewer-1.asc"),
        (add_unpinned, "stranger.asc"),
        (exchange, "reviewer-2.asc.* not the pinned key"),
        (two_in_one_file, "reviewer-1.asc.* 2 keys"),
        (pin_twice, "line 3.* twice"),
        (no_pins, "lists no key"),
        (short_pin, "line 1"),
        (damaged_file, "reviewer-1.asc"),
        (rsa_key, "rsa.asc.* Ed25519"),
        (sign_only_key, "signer.asc.* no encryption key"),
        (expired_subkeys, "old.asc.* valid today"),
        (expired_key, "gone.asc.* expired"),
    ],
)
@pytest.mark.slow
def test_keys_that_are_not_as_pinned_stop_the_start(
    spoil: Callable[[Path, Path], None], sentence: str, keys: Path, tmp_path: Path
) -> None:
    home = tmp_path / "maker"
    home.mkdir(mode=0o700)
    spoil(keys, home)

    with pytest.raises(KeysError, match=sentence):
        Reviewers.load(keys, tmp_path / "home")
    stop_agent(home)


def test_a_missing_gpg_is_said_at_the_start(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(KeysError, match=r"gpg is not on this computer; .* Debian package gnupg"):
        Reviewers.load(keys, tmp_path / "home")


def test_a_missing_directory_of_keys_is_told_from_a_gpg_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeysError, match=r"There is no directory .*missing, where gpg's keys"):
        Opener(tmp_path / "missing")

    failing = tmp_path / "gpg"
    failing.write_text("#!/bin/sh\nexit 2\n")
    failing.chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(KeysError, match="gpg cannot be started with its keys in"):
        Opener(tmp_path)


def test_a_gpg_that_vanishes_later_seals_nothing(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewers = Reviewers.load(keys, tmp_path / "home")
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(CannotSeal):
        sealed(reviewers, b"x")


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Replace gpg by a shell script."""
    gpg_script = tmp_path / "bin" / "gpg"
    gpg_script.parent.mkdir()
    gpg_script.write_text("#!/bin/sh\n" + script, "utf-8")
    gpg_script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{gpg_script.parent}:/usr/bin:/bin")


def test_a_gpg_that_dies_half_way_seals_nothing(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reviewers = Reviewers.load(keys, tmp_path / "home")
    stand_in(tmp_path, monkeypatch, "head -c 100000 > /dev/null; kill -9 $$\n")

    with pytest.raises(CannotSeal):
        sealed(reviewers, os.urandom(2_000_000))


def test_a_gpg_that_drops_a_reviewer_is_caught(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that lacks one pinned reviewer is destroyed, though gpg itself reports success."""
    reviewers = Reviewers.load(keys, tmp_path / "home")
    # Leaves out the last --recipient and its value.
    dropping = """
real=/usr/bin/gpg; count=$#; n=0; found=0
for a in "$@"; do n=$((n+1)); [ "$a" = --recipient ] && found=$n; done
n=0
for a in "$@"; do n=$((n+1)); shift
[ $n -eq $found ] || [ $n -eq $((found+1)) ] || set -- "$@" "$a"; done
exec "$real" "$@"
"""
    stand_in(tmp_path, monkeypatch, dropping)
    given: list[bytes] = []

    with pytest.raises(CannotSeal, match="exactly the pinned reviewers"):
        reviewers.seal(io.BytesIO(b"x" * 100_000), given.append)
    assert given == []


WHOLE_THEN_FAILING = '/usr/bin/gpg "$@"; exit 2\n'
BEGUN_THEN_FAILING = '/usr/bin/gpg "$@" | head -c 20000; exit 2\n'
BEGUN_AND_SATISFIED = '/usr/bin/gpg "$@" 2> /dev/null | head -c 20000; exit 0\n'


@pytest.mark.parametrize("script", [WHOLE_THEN_FAILING, BEGUN_THEN_FAILING, BEGUN_AND_SATISFIED])
def test_a_gpg_that_begins_well_and_does_not_end_well_seals_nothing(
    script: str, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recipients are right, so only gpg's exit shows the failure.

    The control: the same gpg, succeeding.
    """
    reviewers = Reviewers.load(keys, tmp_path / "home")
    stand_in(tmp_path, monkeypatch, script)
    given: list[bytes] = []

    with pytest.raises(CannotSeal):
        reviewers.seal(io.BytesIO(os.urandom(100_000)), given.append)
    assert len(recipients(b"".join(given))) == 2

    (tmp_path / "bin" / "gpg").write_text('#!/bin/sh\n/usr/bin/gpg "$@"; exit 0\n', "utf-8")
    sealed(reviewers, os.urandom(100_000))


@pytest.mark.parametrize("option", ["--recipient", "--hidden-recipient"])
def test_a_gpg_that_adds_a_recipient_is_caught(
    option: str, keys: Path, third_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message that somebody else can open as well is destroyed, though gpg itself reports
    success.
    """
    reviewers = Reviewers.load(keys, tmp_path / "home")
    fingerprint = Opener(third_home).secret_fingerprints()[0]
    (tmp_path / "stranger.asc").write_bytes(export_public(third_home, fingerprint))
    gpg(tmp_path / "home", "--import", str(tmp_path / "stranger.asc"))
    stand_in(tmp_path, monkeypatch, f'exec /usr/bin/gpg {option} {fingerprint} "$@"\n')
    given: list[bytes] = []

    for size in (10, 100_000):
        with pytest.raises(CannotSeal, match="exactly the pinned reviewers"):
            reviewers.seal(io.BytesIO(b"x" * size), given.append)
    assert given == []


def test_a_gpg_that_adds_a_passphrase_is_caught(
    keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A passphrase opens a message as a key does; it stands in a packet of its own behind the
    recipients.
    """
    reviewers = Reviewers.load(keys, tmp_path / "home")
    more = "--symmetric --pinentry-mode loopback --passphrase known"
    stand_in(tmp_path, monkeypatch, f'/usr/bin/gpg {more} "$@"; exit 0\n')
    given: list[bytes] = []

    for size in (10, 100_000):
        with pytest.raises(CannotSeal):
            reviewers.seal(io.BytesIO(b"x" * size), given.append)
    assert given == []


# What an administrator, a package or an intruder may leave in a configuration file of gpg.
PLANTED = """
encrypt-to {0}
hidden-encrypt-to {0}
encrypt-to-default-key
default-recipient {0}
group {1}!={0} {1}
throw-keyids
armor
textmode
for-your-eyes-only
compress-algo bzip2
cipher-algo 3DES
set-filename secret
comment here
"""


@pytest.mark.parametrize("more", ["", "recipient {0}\n", "hidden-recipient {0}\n"])
def test_a_configuration_file_of_gpg_adds_no_recipient_and_changes_nothing(
    more: str,
    keys: Path,
    third_home: Path,
    reviewer_homes: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """gpg reads the one in /etc even with --no-options; here it reads one like it, from its home.

    What no option can switch off is caught by the check of what gpg has written.
    """
    reviewers = Reviewers.load(keys, tmp_path / "home")
    fingerprint = Opener(third_home).secret_fingerprints()[0]
    (tmp_path / "stranger.asc").write_bytes(export_public(third_home, fingerprint))
    gpg(tmp_path / "home", "--import", str(tmp_path / "stranger.asc"))
    subkey = reviewers._current(reviewers.fingerprints[0])
    assert subkey is not None
    (tmp_path / "home" / "gpg.conf").write_text(
        (PLANTED + more).format(fingerprint, subkey.fingerprint), "utf-8"
    )
    without = 'for a; do shift; [ $a = --no-options ] || set -- "$@" "$a"; done\n'
    stand_in(tmp_path, monkeypatch, without + 'exec /usr/bin/gpg "$@"\n')
    text = b"one\ntwo\r\n" * 1_000

    if more:
        with pytest.raises(CannotSeal, match="exactly the pinned reviewers"):
            sealed(reviewers, text)
        return
    message = sealed(reviewers, text)
    assert len(recipients(message)) == 2
    assert [Opener(home).open(message) for home in reviewer_homes] == [text, text]


def test_what_went_to_the_sink_is_not_kept_in_memory_as_well(
    reviewers: Reviewers, opener: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    results: list[gpg_process.Result] = []
    for name in ("pipe", "stream"):
        real = getattr(gpg_process, name)

        def noted(*args: Any, real: Any = real, **options: Any) -> Any:
            results.append(real(*args, **options))
            return results[-1]

        monkeypatch.setattr(gpg_process, name, noted)
    pieces: list[bytes] = []

    opener.open_stream(io.BytesIO(sealed(reviewers, b"x" * 300_000)), pieces.append, 300_000)

    assert b"".join(pieces) == b"x" * 300_000
    for failure in (OSError(28, "No space"), CannotSeal("stopped"), ZeroDivisionError("a fault")):

        def fail(_: bytes, failure: Exception = failure) -> None:
            raise failure

        with pytest.raises(type(failure)):
            reviewers.seal(io.BytesIO(os.urandom(300_000)), fail)

    assert [result.out for result in results] == [b"", b""]


def test_a_subkey_is_used_from_its_first_second_to_its_last(
    keys_dir: Path, reviewer_homes: list[Path], tmp_path: Path
) -> None:
    clock = [datetime.now(UTC)]
    reviewers = Reviewers.load(keys_dir, tmp_path / "home", clock=lambda: clock[0])
    key = reviewer_key(reviewer_homes[0])
    first, last = key.weeks[0], key.weeks[-1]

    def chosen(second: int) -> str | None:
        clock[0] = datetime.fromtimestamp(second, UTC)
        found = reviewers._current(key.fingerprint)
        return None if found is None else found.fingerprint

    assert chosen(first.made - 1) is None and chosen(first.made) == first.fingerprint
    # Of two valid subkeys the newer one, from its first second.
    second = key.weeks[1]
    assert second.made < first.expires
    assert (
        chosen(second.made - 1) == first.fingerprint and chosen(second.made) == second.fingerprint
    )
    assert chosen(last.expires - 1) == last.fingerprint and chosen(last.expires) is None
    assert reviewers.last_day() == datetime.fromtimestamp(last.expires - 1, UTC).date()
    assert reviewers.last_day() < datetime.fromtimestamp(last.expires, UTC).date()


def test_the_last_day_is_that_of_the_reviewer_whose_keys_end_first(reviewers: Reviewers) -> None:
    first, second = reviewers.fingerprints
    for shorter in (first, second):
        subkeys = {**reviewers._subkeys, shorter: reviewers._subkeys[shorter][:1]}
        end = datetime.fromtimestamp(reviewers._subkeys[shorter][0].expires, UTC)
        found = Reviewers(reviewers._gpg, subkeys, lambda: datetime.now(UTC)).last_day()

        assert found == (end - timedelta(days=1)).date() < reviewers.last_day()


def test_several_sealings_at_once_do_not_mix(reviewers: Reviewers, opener: Opener) -> None:
    texts = [bytes([number]) * 400_000 for number in range(6)]
    with ThreadPoolExecutor(len(texts)) as executor:
        messages = list(executor.map(lambda text: sealed(reviewers, text), texts))

    assert [opener.open(message, 400_000) for message in messages] == texts


def test_nothing_is_sealed_when_the_keys_of_one_reviewer_have_expired(
    reviewers: Reviewers,
) -> None:
    """A report that only the others could open would silently exclude that reviewer."""
    first, second = reviewers.fingerprints
    for expired in (first, second):
        subkeys = {**reviewers._subkeys, expired: ()}
        given: list[bytes] = []
        with pytest.raises(CannotSeal, match="expired"):
            Reviewers(reviewers._gpg, subkeys, lambda: datetime.now(UTC)).seal(
                io.BytesIO(b"x"), given.append
            )
        assert given == []


def test_exactly_the_chosen_subkey_is_sealed_to_and_not_the_one_that_gpg_would_choose(
    keys_dir: Path, reviewer_homes: list[Path], tmp_path: Path
) -> None:
    """Two weekly keys are valid at any time; three days ago, the newer of them was another one."""
    weeks = reviewer_key(reviewer_homes[0]).weeks
    then = datetime.fromtimestamp(weeks[1].made, UTC) - timedelta(days=3)
    reviewers = Reviewers.load(keys_dir, tmp_path / "home", clock=lambda: then)

    named = recipients(sealed(reviewers, b"x"))

    assert weeks[0].fingerprint[-16:] in named and weeks[1].fingerprint[-16:] not in named


def test_as_many_reviewers_as_a_block_has_room_for_are_taken_and_not_one_more(
    keys_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(Reviewers.load(keys_dir, tmp_path / "home").fingerprints) == 2

    monkeypatch.setattr(openpgp, "MAX_REVIEWERS", 2)
    Reviewers.load(keys_dir, tmp_path / "home")
    monkeypatch.setattr(openpgp, "MAX_REVIEWERS", 1)
    with pytest.raises(KeysError, match="2 keys are pinned; a sealed report has room for 1"):
        Reviewers.load(keys_dir, tmp_path / "home")


@pytest.mark.parametrize(
    "script",
    [
        "cat > /dev/null; echo plaintext; exit 0\n",
        "cat > /dev/null; echo plaintext; echo '[GNUPG:] DECRYPTION_OKAY' >&2; exit 2\n",
        "cat > /dev/null; echo plaintext; echo 'x [GNUPG:] DECRYPTION_OKAY' >&2; exit 0\n",
        "cat > /dev/null; echo plaintext; echo '[GNUPG:] DECRYPTION_FAILED' >&2; exit 0\n",
    ],
)
def test_a_message_is_open_only_when_gpg_says_so_and_ends_well(
    script: str, reviewer_homes: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = Opener(reviewer_homes[0])
    stand_in(tmp_path, monkeypatch, script)
    given: list[bytes] = []

    with pytest.raises(CannotOpen):
        opener.open(b"x")
    with pytest.raises(CannotOpen):
        opener.open_stream(io.BytesIO(b"x"), given.append, 100)


def test_a_message_for_somebody_else_cannot_be_opened(reviewers: Reviewers, tmp_path: Path) -> None:
    stranger = tmp_path / "stranger"
    make_reviewer_key(
        stranger, name="Stranger", weeks=1, start=datetime.now(UTC).date(), passphrase=""
    )

    with pytest.raises(CannotOpen):
        Opener(stranger).open(sealed(reviewers, b"x"))
    stop_agent(stranger)


def test_signing_with_a_key_that_is_not_here_is_refused(opener: Opener) -> None:
    with pytest.raises(CannotOpen, match="secret key is not in this gpg directory"):
        opener.sign(b"x", "0" * 40)


def test_a_gpg_that_writes_a_signature_and_fails_has_not_signed(
    opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = opener.secret_fingerprints()[0]
    assert opener.sign(b"x", mine)
    stand_in(tmp_path, monkeypatch, WHOLE_THEN_FAILING)

    with pytest.raises(CannotOpen, match="sign"):
        opener.sign(b"x", mine)


def test_it_is_the_pinned_key_that_signs_and_not_a_signing_subkey_of_it(gpg_home: Path) -> None:
    """gpg prefers the newest subkey that can sign; the vault knows only the primary key."""
    fingerprint = made(gpg_home, "Two")
    gpg(gpg_home, "--quick-add-key", fingerprint, "ed25519", "sign", "1y")
    key = PublicKey.read(dearmor(export_public(gpg_home, fingerprint)))

    signature = Opener(gpg_home).sign(b"x", fingerprint)

    assert verify_detached(b"x", signature, (key,), datetime.now(UTC)) == key


def test_a_home_with_another_number_of_secret_keys_than_one_is_refused(gpg_home: Path) -> None:
    one = made(gpg_home, "One")
    assert reviewer_key(gpg_home).fingerprint == one
    made(gpg_home, "Other")

    with pytest.raises(KeysError, match="There are 2 secret keys"):
        reviewer_key(gpg_home)
