"""A version 2 bundle's directory: verified as a whole, and its blocks told apart by day keys."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from nacl.signing import SigningKey

from dropbox import export_bundle
from dropbox.block import Kind, seal_block
from dropbox.day_key import DayKey
from dropbox.errors import BadBundle, BadDayKey, CannotOpen
from dropbox.export_bundle import (
    Head,
    HeldDay,
    ListedBlock,
    in_volumes,
    volume_name,
    volume_of,
    write_head,
    write_volume,
)
from dropbox.hpke import SecretKey
from scripts.desk.importing.opened_blocks import DayKeys
from scripts.desk.importing.received_bundle import ReceivedBundle

SERVER = SigningKey(b"s" * 32)
MONDAY = date(2026, 11, 23)
TUESDAY = MONDAY + timedelta(1)


@dataclass
class Server:
    """Blocks of two days, and the bundles that a server makes of them."""

    directory: Path
    data: dict[bytes, bytes]
    listed: list[ListedBlock]

    def head(self, volumes: Sequence[Sequence[ListedBlock]]) -> Head:
        days = sorted({block.day for block in self.listed})
        return Head(
            vault=b"v" * 16,
            onion="a.onion",
            campaign="c",
            number=1,
            salt=b"x" * 16,
            history=(),
            days=tuple(
                HeldDay(day, sum(block.day == day for block in self.listed), closed=True)
                for day in days
            ),
            gone=(),
            day_keys=(),
            replies=(),
            volumes=tuple(map(volume_of, volumes)),
        )

    def write(self, head: Head, volumes: Sequence[Sequence[ListedBlock]]) -> ReceivedBundle:
        (self.directory / "head.tar").write_bytes(write_head(head, SERVER))
        for position, blocks in enumerate(volumes, 1):
            whole = write_volume(head, position, blocks, self.data.__getitem__, SERVER)
            (self.directory / volume_name(position)).write_bytes(b"".join(whole))
        return self.received()

    def received(self, campaign: str = "c") -> ReceivedBundle:
        return ReceivedBundle(self.directory, SERVER.verify_key, campaign=campaign)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setattr(export_bundle, "VOLUME_BLOCKS", 4)
    data = {os.urandom(16): os.urandom(65_536) for _ in range(10)}
    listed = [
        ListedBlock(one, hashlib.sha256(block).digest(), MONDAY if n < 3 else TUESDAY)
        for n, (one, block) in enumerate(data.items())
    ]
    return Server(tmp_path, data, listed)


def taken(bundle: ReceivedBundle) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}

    def take(block: ListedBlock, data: bytes) -> None:
        assert block.sha256 == hashlib.sha256(data).digest()
        found[block.id] = data

    bundle.read(take)
    return found


def test_a_whole_bundle_is_read_volume_by_volume(server: Server) -> None:
    volumes = in_volumes(server.listed)
    bundle = server.write(server.head(volumes), volumes)
    shown: list[tuple[int, int]] = []

    assert taken(bundle) == server.data
    bundle.read(lambda *_: None, lambda *volume: shown.append(volume))
    assert shown == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_volume_that_is_missing_cut_off_or_unreadable_is_named(server: Server) -> None:
    volumes = in_volumes(server.listed)
    bundle = server.write(server.head(volumes), volumes)
    second = server.directory / volume_name(2)

    whole = second.read_bytes()
    second.write_bytes(whole[:100_000])
    with pytest.raises(BadBundle, match="cut off inside blocks"):
        taken(bundle)
    second.unlink()
    with pytest.raises(BadBundle, match=r"volume-00002\.tar is missing"):
        taken(bundle)
    second.mkdir()
    with pytest.raises(BadBundle, match="Is a directory"):
        taken(bundle)
    (server.directory / "head.tar").unlink()
    with pytest.raises(BadBundle, match=r"head\.tar is missing"):
        server.received()


def test_volumes_in_another_order_or_of_another_campaign_are_refused(server: Server) -> None:
    volumes = in_volumes(server.listed)
    server.write(server.head(volumes), volumes)
    with pytest.raises(BadBundle, match="another campaign"):
        server.received("d")
    first, second = (server.directory / volume_name(n) for n in (1, 2))
    first.rename(server.directory / "third")
    second.rename(first)
    (server.directory / "third").rename(second)
    with pytest.raises(BadBundle, match="index of volume 1"):
        taken(server.received())


def test_a_block_in_two_volumes_or_of_an_unnamed_day_is_refused(server: Server) -> None:
    volumes = [list(blocks) for blocks in in_volumes(server.listed)]
    volumes[1][0] = volumes[0][-1]
    with pytest.raises(BadBundle, match=f"{volumes[0][-1].id.hex()} is in the bundle twice"):
        taken(server.write(server.head(volumes), volumes))

    volumes = [list(blocks) for blocks in in_volumes(server.listed)]
    stray = volumes[2][0]
    volumes[2][0] = stray._replace(day=MONDAY - timedelta(1))
    with pytest.raises(BadBundle, match=f"{stray.id.hex()} is of a day that the head does not"):
        taken(server.write(server.head(volumes), volumes))


def test_days_with_other_numbers_of_blocks_than_the_head_names_are_refused(server: Server) -> None:
    volumes = in_volumes(server.listed)
    head = replace(
        server.head(volumes),
        days=(HeldDay(MONDAY, 4, closed=True), HeldDay(TUESDAY, 6, closed=True)),
    )
    with pytest.raises(BadBundle, match="holds 3 blocks of 2026-11-23; its head names 4"):
        taken(server.write(head, volumes))


SECRET = SecretKey.generate()


def find(key_id: bytes) -> SecretKey | None:
    return SECRET if key_id == SECRET.public.key_id else None


def test_day_keys_tell_what_blocks_are() -> None:
    front, other, next_day = (DayKey.make(day) for day in (MONDAY, MONDAY, TUESDAY))
    keys = DayKeys.open(
        [one.seal([SECRET.public]).to_bytes() for one in (front, other, next_day)], find
    )

    for key in (front, other, front, next_day):
        report = keys.open_block(MONDAY, seal_block(Kind.REPORT, b"message", key.key))
        assert report is not None and (report.kind, report.content) == (Kind.REPORT, b"message")
        # The one that opened something comes first.
        assert keys.of(key.day)[0].key == key.key
    assert keys.open_block(MONDAY, os.urandom(65_536)) is None
    assert keys.unopened == []


def test_a_block_is_tried_with_the_keys_of_its_day_and_those_beside_it() -> None:
    days = {n: DayKey.make(MONDAY + timedelta(n)) for n in range(-2, 3)}
    keys = DayKeys.open([key.seal([SECRET.public]).to_bytes() for key in days.values()], find)

    assert keys.of(MONDAY) == [days[n] for n in (0, -1, 1)]
    for n, key in days.items():
        opened = keys.open_block(MONDAY, seal_block(Kind.REPORT, b"x", key.key))
        assert (opened is not None) is (abs(n) <= 1)


def test_a_day_key_that_cannot_be_opened_is_told_and_the_others_open() -> None:
    mine, foreign = DayKey.make(MONDAY), DayKey.make(TUESDAY)
    stranger = SecretKey.generate()
    records = [foreign.seal([stranger.public]).to_bytes(), mine.seal([SECRET.public]).to_bytes()]

    keys = DayKeys.open(records, find)
    assert keys.of(MONDAY) == [mine]
    (shut,) = keys.unopened
    assert (shut.id, shut.day) == (foreign.id, TUESDAY) and "none of the HPKE keys" in shut.why
    assert keys.ids == {mine.id}

    def destroyed(_key_id: bytes) -> SecretKey | None:
        raise CannotOpen("The HPKE key of the week was destroyed.")

    assert len(DayKeys.open(records, destroyed).unopened) == 2
    with pytest.raises(BadDayKey):
        DayKeys.open([b"no record"], find)
