"""The courier socket: exports while others file, replies, status, and the clock."""

import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from nacl.signing import SigningKey
from support.day_stores import (
    SECRET,
    SMALL,
    START,
    TickClock,
    bundle_of,
    export_and_acknowledge,
    file_report,
    open_days,
    report,
)
from support.unix_server import served
from support.vault_keys import LAST, WEEKLY, opened, tombstone_in

from dropbox import export_bundle
from dropbox.errors import CannotStore, SettingsError
from dropbox.export_bundle import (
    ACKNOWLEDGED,
    EXPIRED,
    GoneDay,
    Head,
    HeldDay,
    ListedBlock,
    Successor,
    read_head,
    read_volume,
)
from dropbox.key_expiry import notice
from dropbox.openpgp import Opener
from dropbox.packets import PublicKey
from dropbox.pinned_keys import read_pinned_keys
from dropbox.reply_bundle import ReplyBundle, write_replies
from dropbox.tombstone import Reason, Tombstone
from dropbox.vault.block_store import Block, ClockJumped, Export
from dropbox.vault.courier_routes import create_courier
from dropbox.vault.day_store import DayStore
from dropbox.vault.exports import Exports
from dropbox.vault.intake_routes import create_intake
from dropbox.vault.tombstones import Tombstones
from scripts.courier.pull import pull
from scripts.courier.transfer import CourierError

KEY = SigningKey(b"k" * 32)
ONION = "a" * 56 + ".onion"
TODAY = START.date()


class Vault:
    """A vault without processes: its store, and what its courier socket serves."""

    def __init__(self, path: Path, clock: TickClock, **limits: Any) -> None:
        self.clock = clock
        self.tombstones = Tombstones(WEEKLY, clock=clock)
        self.store: DayStore = open_days(
            path, clock, tombstone=self.tombstones.seal, limits=replace(SMALL, **limits)
        )
        self.tombstones.renew(self.store)

    def app(self, signers: tuple[PublicKey, ...] = (), **changes: Any) -> Flask:
        named = {"onion": ONION, "campaign": "c", "export_key": KEY, "keys_end": LAST, **changes}
        return create_courier(
            self.store, signers=signers, tombstones=self.tombstones, clock=self.clock, **named
        )

    def later(self, days: int) -> None:
        """So many midnights later."""
        for _ in range(days):
            self.clock.next_day()
            self.store.tick()


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    monkeypatch.setattr(export_bundle, "VOLUME_BLOCKS", 4)
    made = Vault(tmp_path / "vault.sqlite", TickClock())
    yield made
    made.store.close()


@pytest.fixture
def courier(vault: Vault) -> FlaskClient:
    return vault.app().test_client()


@pytest.fixture
def socket(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # Unix socket paths are short.
    return tmp_path_factory.mktemp("v") / "s"


def exported(courier: FlaskClient) -> Head:
    answer = courier.post("/export")
    assert answer.status_code == 200 and answer.mimetype == "application/x-tar"
    return read_head(BytesIO(answer.data), KEY.verify_key, campaign="c")


def blocks_of(head: Head, volumes: list[bytes]) -> dict[bytes, tuple[ListedBlock, bytes]]:
    """What the volumes hold, checked as the desk does."""
    found: dict[bytes, tuple[ListedBlock, bytes]] = {}

    def take(listed: ListedBlock, data: bytes) -> None:
        assert listed.sha256 == sha256(data).digest() and listed.id not in found
        found[listed.id] = (listed, data)

    for position, volume in enumerate(volumes, 1):
        read_volume(BytesIO(volume), head, position, KEY.verify_key, take)
    assert len(volumes) == len(head.volumes) and len(found) == head.blocks
    return found


def volume(courier: FlaskClient, head: Head, position: int) -> bytes:
    answer = courier.get(f"/export/{head.digest.hex()}/{position}")
    assert answer.status_code == 200
    return bytes(answer.data)


def fetched(courier: FlaskClient, head: Head) -> dict[bytes, tuple[ListedBlock, bytes]]:
    places = range(1, len(head.volumes) + 1)
    return blocks_of(head, [volume(courier, head, position) for position in places])


def test_an_export_holds_every_slot_the_keys_and_the_series_so_far(
    vault: Vault, courier: FlaskClient
) -> None:
    filed, pieces = file_report(vault.store, 3)
    first = exported(courier)
    found = fetched(courier, first)

    assert [found[one.id][1] for one in (filed, *pieces)] == [one.data for one in (filed, *pieces)]
    assert sorted(listed for listed, _ in found.values()) == vault.store.snapshot()
    assert first.vault == vault.store.vault_id() and first.onion == ONION
    assert (first.number, first.history, first.successor) == (1, (), None)
    assert first.days == (HeldDay(TODAY, 8, closed=False),) and first.gone == ()
    assert len(opened(list(first.day_keys))) == 1

    vault.later(1)
    vault.tombstones.renew(vault.store)
    vault.store.accept(bundle_of(3))
    second = exported(courier)
    assert second.history == ((1, first.digest),) and second.salt != first.salt
    assert [(held.day, held.closed) for held in second.days] == [
        (TODAY, True),
        (TODAY + timedelta(days=1), False),
    ]
    assert [tuple(one) for one in second.replies] == [(0, "A" * 40, 3)]
    assert len(opened(list(second.day_keys))) == 2
    assert vault.store.exports() == [Export(1, first.digest), Export(2, second.digest)]


@pytest.mark.slow
def test_an_export_keeps_sixty_bytes_a_slot_until_the_next(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a flood there are millions of slots, and the vault's memory is limited."""
    slots = 20_000

    def listed() -> list[ListedBlock]:
        ids = [number.to_bytes(16, "big") for number in range(slots)]
        return [ListedBlock(one, sha256(one).digest(), TODAY) for one in ids]

    monkeypatch.setattr(vault.store, "snapshot", listed)
    monkeypatch.setattr(export_bundle, "VOLUME_BLOCKS", 4_096)
    exports = Exports(vault.store, onion=ONION, campaign="c", key=KEY)
    exports.make()
    tracemalloc.start()
    exports.make()
    exports.make()
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert exports.volumes == 5 and 52 * slots < kept < 60 * slots


def test_the_head_is_noted_before_it_leaves(
    vault: Vault, courier: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise CannotStore

    monkeypatch.setattr(vault.store, "note_export", full)
    assert courier.post("/export").status_code == 507


def test_what_is_deleted_during_a_pull_is_a_tombstone_in_the_trailer(
    vault: Vault, courier: FlaskClient
) -> None:
    filed, _ = file_report(vault.store)
    head = exported(courier)
    vault.store.withdraw(SECRET)

    listed, data = fetched(courier, head)[filed.id]
    assert listed.sha256 != sha256(filed.data).digest()
    stone = tombstone_in(data, opened(list(head.day_keys)))
    assert stone == Tombstone(Reason.WITHDRAWN, filed.id, sha256(filed.data).digest())


def test_a_block_that_arrives_during_a_pull_takes_nothing_from_it(
    vault: Vault, courier: FlaskClient
) -> None:
    """It takes the place of a free slot that is on the list."""
    head = exported(courier)
    arrived, _ = file_report(vault.store, 4)
    found = fetched(courier, head)
    assert arrived.id not in found and len(found) == 8

    later = fetched(courier, exported(courier))
    assert later[arrived.id][1] == arrived.data
    unlike = [one for one in found if one not in later]
    assert len(unlike) == 5 and all(vault.store.read(one) is None for one in unlike)


def test_a_volume_of_another_export_or_before_a_restart_is_not_found(
    vault: Vault, courier: FlaskClient
) -> None:
    def status(at: FlaskClient, head: Head, position: int | str) -> int:
        return at.get(f"/export/{head.digest.hex()}/{position}").status_code

    head = exported(courier)
    assert [status(courier, head, at) for at in (0, 1, 2, 3, "x", -1)] == [
        404, 200, 200, 404, 404, 404,
    ]  # fmt: skip
    assert status(vault.app().test_client(), head, 1) == 404

    newer = exported(courier)
    assert status(courier, head, 1) == 404 and status(courier, newer, 1) == 200


def test_a_day_that_leaves_ends_an_export_that_holds_it(vault: Vault, courier: FlaskClient) -> None:
    vault.later(1)
    export_and_acknowledge(vault.store, 1)
    vault.later(1)
    head = exported(courier)
    assert [held.day for held in head.days] == [TODAY + timedelta(days=one) for one in (1, 2)]
    export_and_acknowledge(vault.store, 3)
    # Acknowledged, but in its grace period: another desk's pull goes on.
    assert fetched(courier, head)

    vault.later(8)
    url = f"/export/{head.digest.hex()}"
    statuses = {courier.get(f"{url}/{one}").status_code for one in range(1, len(head.volumes) + 1)}
    assert 404 in statuses
    assert fetched(courier, exported(courier))


@pytest.mark.slow
def test_a_day_that_leaves_in_the_middle_of_a_volume_breaks_it_off(
    vault: Vault,
    courier: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
    socket: Path,
    tmp_path: Path,
) -> None:
    vault.later(1)
    head = exported(courier)
    monkeypatch.setattr(vault.store, "read", lambda _: None)
    with pytest.raises(CannotStore):
        fetched(courier, head)

    with served(vault.app(), socket), pytest.raises(CourierError, match="broke off"):
        pull(socket, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(export_bundle, "VOLUME_BLOCKS", 4)
    with served(vault.app(), socket):
        assert pull(socket, tmp_path).name == "casedrop-export-000003"


def test_days_that_left_are_named_with_the_reason(vault: Vault, courier: FlaskClient) -> None:
    vault.later(1)
    export_and_acknowledge(vault.store, 1)
    head = exported(courier)
    assert head.gone == (GoneDay(TODAY, 8, ACKNOWLEDGED),)
    assert (courier.get("/status").json or {})["slots"] == 16, "it is kept for its grace"

    vault.clock.next_day(91)
    vault.store.confirm_clock()
    for _ in range(4):
        vault.store.tick()
    head = exported(courier)
    second = GoneDay(TODAY + timedelta(days=1), 8, EXPIRED)
    assert second in head.gone and GoneDay(TODAY, 8, ACKNOWLEDGED) in head.gone
    assert [held.day for held in head.days] == [TODAY + timedelta(days=92)]
    for _ in range(4):
        vault.store.tick()
    assert (courier.get("/status").json or {})["slots"] == 8


def test_a_day_that_never_had_a_slot_is_not_named(
    vault: Vault, courier: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.later(1)
    export_and_acknowledge(vault.store, 1)
    without = [one._replace(slots=0) for one in vault.store.days()]
    monkeypatch.setattr(vault.store, "days", lambda: without)
    assert exported(courier).gone == ()


def test_midnight_while_an_export_is_made_makes_another(
    vault: Vault, courier: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise an acknowledgement would delete reports of the last second, unseen."""
    snapshot, last = vault.store.snapshot, report()

    def at_midnight() -> list[ListedBlock]:
        listed = snapshot()
        if vault.clock.now == START:
            vault.store.commit(last, [])
            vault.clock.next_day()
        return listed

    monkeypatch.setattr(vault.store, "snapshot", at_midnight)
    head = exported(courier)

    assert head.number == 2 and [number for number, _ in head.history] == [1]
    assert head.days[0] == HeldDay(TODAY, 8, closed=True)
    assert fetched(courier, head)[last.id][1] == last.data


def test_a_clock_that_leaps_each_time_makes_no_export(
    vault: Vault, courier: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = vault.store.note_export

    def at_midnight(export: Export) -> None:
        vault.clock.next_day()
        note(export)

    monkeypatch.setattr(vault.store, "note_export", at_midnight)
    exports = Exports(vault.store, onion=ONION, campaign="c", key=KEY)
    with pytest.raises(CannotStore):
        exports.make()
    assert len(vault.store.exports()) == 3, "three attempts"
    # Nobody has the head of any of them.
    assert exports.volumes == 0
    assert courier.post("/export").status_code == 507


def test_an_export_that_takes_more_memory_than_there_is_is_refused_in_words_beforehand(
    vault: Vault, socket: Path, tmp_path: Path
) -> None:
    """A vault that takes more is ended by the kernel in the middle of a pull."""
    slots = sum(day.slots for day in vault.store.days())
    enough = 320 * 2**20 + (90 + 360) * slots
    for memory, soon in (
        (int(enough / 0.79), False),
        (int(enough / 0.81), True),
        (enough, True),
    ):
        courier = vault.app(memory_bytes=memory).test_client()
        said = (courier.get("/status").json or {})["trouble"] or ""
        assert ("Soon no bundle can be made" in said and "MemoryMax" in said) == soon
        assert bool(said) == soon
        exported(courier)

    made = len(vault.store.exports())
    app = vault.app(memory_bytes=enough - 1)
    answer = app.test_client().post("/export")
    assert answer.status_code == 507
    said = answer.get_data(as_text=True)
    assert said == (app.test_client().get("/status").json or {})["trouble"]
    assert said.startswith("A bundle cannot be made any more. The vault")
    assert f"holds {slots:,} slots" in said and "0.3 GiB of memory" in said
    assert len(vault.store.exports()) == made
    with served(app, socket), pytest.raises(CourierError, match=r"no bundle now: .*MemoryMax of"):
        pull(socket, tmp_path)
    assert not list(tmp_path.glob("casedrop-export-*"))


def test_a_vault_whose_memory_is_not_limited_has_no_such_trouble(vault: Vault) -> None:
    courier = vault.app(memory_bytes=None).test_client()
    assert (courier.get("/status").json or {})["trouble"] is None
    exports = Exports(vault.store, onion=ONION, campaign="c", key=KEY, memory_bytes=1)
    said = exports.trouble()
    assert said is not None and "A bundle cannot be made any more" in said


def test_before_its_first_export_a_vault_has_no_volumes(vault: Vault) -> None:
    exports = Exports(vault.store, onion=ONION, campaign="c", key=KEY)
    assert exports.volumes == 0
    exports.make()
    assert exports.volumes > 0


# --- Filing never stops a pull, a pull never stops filing ---


@contextmanager
def filing(vault: Vault, reports: list[tuple[Block, list[Block]]]) -> Iterator[list[Block]]:
    """Four fronts that file and withdraw until the end; gives the blocks that were withdrawn.

    The first four of *reports* are withdrawn first, each by the secret that it was filed under.
    """
    stopped, gone, failures = threading.Event(), list[Block](), list[BaseException]()
    intake = create_intake(vault.store, clock=vault.clock)

    def front(number: int) -> None:
        client, secret = intake.test_client(), bytes([number]) * 32
        blocks = [reports[number][0], *reports[number][1]]
        try:
            while not stopped.is_set():
                assert client.post("/withdraw", data=secret).status_code == 204
                gone.extend(blocks)
                one = report(secret)
                body = one.id + one.erase_hash + one.data
                assert client.post("/commit", data=body).status_code == 204
                blocks = [one]
        except BaseException as why:
            failures.append(why)
            raise

    threads = [threading.Thread(target=front, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        yield gone
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert failures == []


@pytest.mark.slow
def test_a_pull_completes_while_four_threads_file_and_withdraw(
    tmp_path: Path, socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every change since the list was made is in a trailer, and says why."""
    monkeypatch.setattr(export_bundle, "VOLUME_BLOCKS", 16)
    vault = Vault(tmp_path / "vault.sqlite", TickClock(), quantum=64, tick_seconds=0.02)
    filed = [file_report(vault.store, 3, bytes([number]) * 32) for number in range(4)]
    before = {one.id: sha256(one.data).digest() for many in filed for one in (many[0], *many[1])}
    vault.store.start()
    listed: list[ListedBlock] = []
    snapshot = vault.store.snapshot

    def remembered() -> list[ListedBlock]:
        listed[:] = snapshot()
        return listed

    monkeypatch.setattr(vault.store, "snapshot", remembered)
    at_volume: list[int] = []
    gone: list[list[Block]] = []

    with served(vault.app(), socket), ExitStack() as stack:

        def progress(position: int, _: int) -> None:
            # The list is made; between two volumes something happens.
            if not at_volume:
                gone.append(stack.enter_context(filing(vault, filed)))
            at_volume.append(position)
            time.sleep(0.05)

        directory = pull(socket, tmp_path, progress)
    head = read_head(BytesIO((directory / "head.tar").read_bytes()), KEY.verify_key, campaign="c")
    volumes = [path.read_bytes() for path in sorted(directory.glob("volume-*.tar"))]
    found = blocks_of(head, volumes)

    assert at_volume == list(range(1, len(volumes) + 1)) and len(volumes) >= 4
    assert set(found) == {one.id for one in listed}
    index = {one.id: one.sha256 for one in listed}
    changed = {one for one, (now, _) in found.items() if now.sha256 != index[one]}
    keys = opened(list(head.day_keys))
    withdrawn = changed & set(before)
    assert withdrawn and withdrawn <= {one.id for one in gone[0]}
    for one in withdrawn:
        assert tombstone_in(found[one][1], keys) == Tombstone(Reason.WITHDRAWN, one, before[one])
    # The others were free slots, which hold something under another id by now.
    for one in changed - withdrawn:
        assert tombstone_in(found[one][1], keys) is None and vault.store.read(one) is None
    # The four reports that were there are whole or gone, and nothing else is.
    for one in set(before) - withdrawn:
        assert found[one][0].sha256 == before[one]
    vault.store.close()


@pytest.mark.slow
def test_an_export_is_made_while_four_threads_file(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault.sqlite", TickClock(), quantum=64, tick_seconds=0.02)
    filed = [file_report(vault.store, 1, bytes([number]) * 32) for number in range(4)]
    vault.store.start()
    courier = vault.app().test_client()
    with filing(vault, filed):
        for number in range(1, 6):
            head = exported(courier)
            assert head.number == number
            assert fetched(courier, head)
    vault.store.close()


# --- A courier over a real socket ---


@pytest.mark.slow
def test_a_pull_that_breaks_off_goes_on_and_one_after_a_restart_begins_anew(
    vault: Vault, socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filed, _ = file_report(vault.store)
    app, reads, read = vault.app(), 0, vault.store.read

    def failing(block_id: bytes) -> bytes | None:
        nonlocal reads
        reads += 1
        if reads == 6:
            raise CannotStore
        return read(block_id)

    monkeypatch.setattr(vault.store, "read", failing)
    with served(app, socket):
        with pytest.raises(CourierError, match="broke off"):
            pull(socket, tmp_path)
        part = tmp_path / "casedrop-export-000001.part"
        assert sorted(path.name for path in part.iterdir()) == ["head.tar", "volume-00001.tar"]
        # Withdrawn meanwhile: its slot is in the first volume or in the second.
        vault.store.withdraw(SECRET)
        directory = pull(socket, tmp_path)
    assert directory.name == "casedrop-export-000001" and reads == 10

    reads = 0
    with served(app, socket), pytest.raises(CourierError):
        pull(socket, tmp_path)
    with served(vault.app(), socket):
        directory = pull(socket, tmp_path)
    assert directory.name == "casedrop-export-000003"
    head = read_head(BytesIO((directory / "head.tar").read_bytes()), KEY.verify_key, campaign="c")
    volumes = [path.read_bytes() for path in sorted(directory.glob("volume-*.tar"))]
    stone = tombstone_in(blocks_of(head, volumes)[filed.id][1], opened(list(head.day_keys)))
    assert stone is not None and stone.id == filed.id
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_another_courier_in_the_middle_is_a_sentence(
    vault: Vault, socket: Path, tmp_path: Path
) -> None:
    app = vault.app()

    def progress(position: int, _: int) -> None:
        if position == 2:
            exported(app.test_client())

    with served(app, socket):
        with pytest.raises(CourierError, match="another export meanwhile"):
            pull(socket, tmp_path, progress)
        assert pull(socket, tmp_path).name == "casedrop-export-000003"


# --- Statement, replies, status, clock ---


def test_the_operators_statement_is_in_every_head(vault: Vault) -> None:
    lost = Successor(b"l" * 16, 41, "The disk of 20 November.")
    courier = vault.app(successor=lost).test_client()

    assert exported(courier).successor == exported(courier).successor == lost
    with pytest.raises(SettingsError, match="takes the place of itself"):
        vault.app(successor=lost._replace(vault=vault.store.vault_id()))


Signed = Callable[[ReplyBundle], bytes]


@pytest.fixture
def signed(reviewer_homes: list[Path]) -> Signed:
    opener = Opener(reviewer_homes[0])
    fingerprint = opener.secret_fingerprints()[0]

    def sign(bundle: ReplyBundle) -> bytes:
        return write_replies(
            replace(bundle, reviewer=fingerprint), lambda data: opener.sign(data, fingerprint)
        )

    return sign


def test_replies_are_taken_for_this_drop_only(
    tmp_path: Path, keys_dir: Path, signed: Signed
) -> None:
    today = datetime.now(UTC).date()
    vault = Vault(tmp_path / "vault.sqlite", TickClock(datetime.now(UTC)))
    courier = vault.app(read_pinned_keys(keys_dir)).test_client()
    tag = b"t" * 16
    good = replace(
        bundle_of(1, [tag], keep_until=today + timedelta(days=90)),
        onion=ONION,
        made=today,
        expires=today + timedelta(days=14),
    )
    for bad, why in (
        (replace(good, onion="b" * 56 + ".onion"), "another onion"),
        (replace(good, campaign="other"), "another campaign"),
        (replace(good, expires=today - timedelta(days=1)), "expired"),
    ):
        answer = courier.post("/replies", data=signed(bad))
        assert answer.status_code == 422 and why in answer.text
    assert vault.store.replies([tag]) == [] and vault.store.accepted() == []

    body = signed(good)
    assert courier.post("/replies", data=body).status_code == 204
    assert len(vault.store.replies([tag])) == 1
    assert courier.post("/replies", data=body).status_code == 422
    assert courier.post("/replies", data=b"").status_code == 422
    assert courier.get("/status").json["replies"] == [  # type: ignore[index]
        list(one) for one in vault.store.accepted()
    ]
    vault.store.close()


def test_a_reply_bundle_too_large_is_refused(courier: FlaskClient) -> None:
    assert courier.post("/replies", data=bytes(18 * 2**20)).status_code == 413


def test_the_status_tells_days_troubles_and_the_end_of_the_keys(
    vault: Vault, courier: FlaskClient
) -> None:
    file_report(vault.store, 2)
    exported(courier)
    before = courier.get("/status").json
    # Other programs use the disk, too.
    assert before is not None and before.pop("free_bytes") > 0
    assert before == {
        "vault": vault.store.vault_id().hex(),
        "slots": 8,
        "days": {"open": 1},
        "oldest": TODAY.isoformat(),
        "export": 1,
        "replies": [],
        "disk_days": None,
        "exported": TODAY.isoformat(),
        "acknowledged": None,
        "pull": None,
        "push": None,
        "trouble": None,
        "tombstones": "",
        "reviewers": [],
        "today": TODAY.isoformat(),
        "keys_end": LAST.isoformat(),
        "notice": notice(LAST, TODAY),
    }
    # It says nothing about what was filed.
    vault.store.withdraw(SECRET)
    after = courier.get("/status").json
    assert after is not None and {**after, "free_bytes": 0} == {**before, "free_bytes": 0}

    vault.later(1)
    status = courier.get("/status").json
    assert status is not None and status["days"] == {"closed": 1, "open": 1}


def test_the_status_tells_when_the_courier_came_and_the_desk_acknowledged(
    vault: Vault, courier: FlaskClient, keys_dir: Path, signed: Signed
) -> None:
    def told() -> list[str | None]:
        status = courier.get("/status").json or {}
        return [status[name] for name in ("exported", "pull", "acknowledged", "push")]

    assert told() == [None] * 4
    vault.later(1)
    head, day = exported(courier), vault.clock.now.date().isoformat()
    # A head alone is no bundle.
    assert told() == [day, None, None, None]
    # Nor are all volumes but the last, or half of that.
    last = len(head.volumes)
    assert last > 1
    for position in range(1, last):
        volume(courier, head, position)
    begun = courier.get(f"/export/{head.digest.hex()}/{last}", buffered=False)
    next(begun.iter_encoded())
    begun.close()
    assert told() == [day, None, None, None]
    fetched(courier, head)
    assert told() == [day, day, None, None]

    vault.later(1)
    export_and_acknowledge(vault.store, 2)
    day_later = vault.clock.now.date().isoformat()
    assert told() == [day_later, day, day_later, None]
    # What happened is remembered after a restart as far as it is on the disk.
    anew = vault.app(read_pinned_keys(keys_dir)).test_client().get("/status").json or {}
    assert (anew["exported"], anew["acknowledged"]) == (day_later, day_later)
    assert (anew["pull"], anew["push"]) == (None, None)


def test_the_status_tells_when_a_reply_bundle_came(
    tmp_path: Path, keys_dir: Path, signed: Signed
) -> None:
    vault = Vault(tmp_path / "vault.sqlite", TickClock(datetime.now(UTC)))
    courier = vault.app(read_pinned_keys(keys_dir)).test_client()
    today = datetime.now(UTC).date()
    whole = replace(bundle_of(1), onion=ONION, made=today, expires=today)
    # Signed well, and refused by what the store has: it is not the next one of its desk.
    skipping = replace(whole, number=whole.number + 1_000)
    assert courier.post("/replies", data=signed(skipping)).status_code == 422
    assert (courier.get("/status").json or {})["push"] is None

    assert courier.post("/replies", data=signed(whole)).status_code == 204
    assert (courier.get("/status").json or {})["push"] == today.isoformat()
    vault.store.close()


def test_a_full_disk_is_507_to_the_courier(
    tmp_path: Path, keys_dir: Path, signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(tmp_path / "vault.sqlite", TickClock(datetime.now(UTC)))

    def full(*_: object) -> None:
        raise CannotStore

    for name in ("accept", "days"):
        monkeypatch.setattr(vault.store, name, full)
    courier = vault.app(read_pinned_keys(keys_dir)).test_client()
    today = datetime.now(UTC).date()
    whole = replace(bundle_of(1), onion=ONION, made=today, expires=today)

    assert courier.post("/replies", data=signed(whole)).status_code == 507
    assert courier.get("/status").status_code == 507
    vault.store.close()


@pytest.mark.parametrize("left", [22, 21, 0, -1])
def test_the_status_says_three_weeks_before_that_the_keys_end(vault: Vault, left: int) -> None:
    end = TODAY + timedelta(days=left)
    courier = vault.app(keys_end=end).test_client()

    told = [(courier.get("/status").json or {})["notice"] for _ in range(2)]
    assert told == [notice(end, TODAY)] * 2
    assert bool(told[0]) is (left <= 21)


def test_only_the_right_day_confirms_the_clock(vault: Vault, courier: FlaskClient) -> None:
    vault.clock.next_day(12)
    vault.store.tick()
    vault.tombstones.renew(vault.store)
    status = courier.get("/status").json
    assert status is not None and status["trouble"] == str(ClockJumped())
    assert f"under the key of {TODAY}" in status["tombstones"]
    assert courier.post("/export").status_code == 507

    now = vault.clock.now.date().isoformat()
    for body in (b"", b"yes", TODAY.isoformat(), now + "x", " " + now):
        assert courier.post("/clock", data=body).status_code in (409, 413)
    assert courier.get("/clock").status_code == 405
    assert vault.store.trouble() == str(ClockJumped())

    assert courier.post("/clock", data=now).status_code == 204
    status = courier.get("/status").json
    assert status is not None and (status["trouble"], status["tombstones"]) == (None, "")
    assert exported(courier).number == 1
    assert [day for day, _ in vault.store.day_keys()] == [TODAY, date.fromisoformat(now)]
