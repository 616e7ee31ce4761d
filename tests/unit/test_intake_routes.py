"""The intake socket: what the front can do with it, and what nobody can."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from support.day_stores import (
    SECRET,
    START,
    TickClock,
    bundle_of,
    claim,
    file_report,
    open_days,
    owned,
    piece,
    reply_under,
    report,
)
from support.unix_server import served
from support.vault_keys import WEEKLY

from dropbox.day_key import DayKey, DayKeyRecord
from dropbox.erase_hash import erase_hash, erase_preimage
from dropbox.errors import CannotStore, PendingGone
from dropbox.export_bundle import ListedBlock
from dropbox.front.unix_transport import connecting_to
from dropbox.front.vault_client import Claim as FrontClaim
from dropbox.front.vault_client import SealedBlock, VaultClient
from dropbox.sizes import BLOCK_BYTES, PENDING_BATCH
from dropbox.vault.block_store import Block, Busy, Claim, ClockJumped, NoRoom
from dropbox.vault.day_store import DayStore
from dropbox.vault.intake_routes import create_intake
from dropbox.vault.kept_keys import TooManyKeys, of_fronts

TODAY = START.date()
OTHER = b"o" * 32
# As gunicorn hands over a body in chunks, which names no length.
CHUNKS = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}


@pytest.fixture
def clock() -> TickClock:
    return TickClock()


@pytest.fixture
def store(tmp_path: Path, clock: TickClock) -> Iterator[DayStore]:
    opened = open_days(tmp_path / "vault.sqlite", clock)
    yield opened
    opened.close()


@pytest.fixture
def app(store: DayStore, clock: TickClock) -> Flask:
    return create_intake(store, clock=clock)


@pytest.fixture
def intake(app: Flask) -> FlaskClient:
    return app.test_client()


def block_record(block: Block) -> bytes:
    return block.id + block.erase_hash + block.data


def claim_record(one: Claim) -> bytes:
    return one.id + one.preimage + one.erase_hash


def day_record(days: int = 0) -> bytes:
    return DayKey.make(TODAY + timedelta(days=days)).seal(WEEKLY.current(TODAY)).to_bytes()


def test_a_report_with_files_is_stored_claimed_and_withdrawn(
    intake: FlaskClient, store: DayStore
) -> None:
    pieces, one = [piece() for _ in range(3)], report()
    body = b"".join(map(block_record, pieces))
    assert intake.post("/put", data=body).status_code == 204
    body = block_record(one) + b"".join(claim_record(claim(each)) for each in pieces)
    assert intake.post("/commit", data=body).status_code == 204
    assert [store.read(each.id) for each in (one, *pieces)] == [one.data] + [
        each.data for each in pieces
    ]

    assert intake.post("/withdraw", data=OTHER).status_code == 204
    assert store.read(one.id) == one.data
    assert intake.post("/withdraw", data=SECRET).status_code == 204
    for each in (one, *pieces):
        data = store.read(each.id)
        assert data is not None and data.startswith(b"tombstone\1" + each.id)


def test_the_pieces_of_a_broken_upload_are_erased(intake: FlaskClient, store: DayStore) -> None:
    one, other = piece(), piece()
    intake.post("/put", data=block_record(one) + block_record(other))

    pairs = b"".join(block_id + preimage for block_id, preimage in [owned(one, b"F" * 32)])
    assert intake.post("/erase", data=pairs).status_code == 204
    gone = store.read(one.id)
    assert (
        gone is not None
        and gone.startswith(b"tombstone\2")
        and store.read(other.id) == (other.data)
    )


def test_replies_are_given_by_their_tags_and_forgotten(
    intake: FlaskClient, store: DayStore
) -> None:
    tags = [bytes([number]) * 16 for number in range(3)]
    store.accept(bundle_of(1, tags[1:]))

    answer = intake.post("/replies", data=b"".join(tags))
    assert answer.data == b"\0\1" + reply_under(tags[1]) + b"\0\2" + reply_under(tags[2])
    assert intake.post("/forget", data=tags[1]).status_code == 204
    assert intake.post("/replies", data=b"".join(tags)).data == b"\0\2" + reply_under(tags[2])
    assert intake.get("/health").status_code == 204


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_a_day_key_of_today_or_a_day_beside_is_kept(
    intake: FlaskClient, store: DayStore, days: int
) -> None:
    raw = day_record(days)
    # Sent again when the answer was lost.
    for _ in range(2):
        assert intake.post("/day-key", data=raw).status_code == 204
    assert store.day_keys() == [(TODAY + timedelta(days=days), raw)]


@pytest.mark.parametrize("limit_days", [14, 180])
def test_the_longer_days_are_kept_the_fewer_keys_one_can_have(
    store: DayStore, limit_days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them have to fit into the head of one export."""
    intake = create_intake(store, clock=TickClock(), limit_days=limit_days).test_client()
    room, raw = of_fronts(limit_days).size, day_record()
    for taken, status in ((room - len(raw), 204), (room - len(raw) + 1, 507)):
        held = [(TODAY, b"x" * taken)]
        monkeypatch.setattr(store, "day_keys", lambda held=held: held)
        assert intake.post("/day-key", data=raw).status_code == status


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        day_record()[:-1],
        day_record() + b"x",
        day_record(-2),
        day_record(2),
        day_record()[:20] + b"\0",
        day_record()[:20] + b"\3" + day_record()[21:],
        day_record()[:21] + day_record()[21:1_197] * 2,
        os.urandom(2_373),
    ],
    ids=["nothing", "short", "long", "old", "later", "to nobody", "count", "twice", "random"],
)
def test_anything_but_a_day_key_of_today_is_refused(
    intake: FlaskClient, store: DayStore, raw: bytes
) -> None:
    assert intake.post("/day-key", data=raw).status_code == 400
    assert store.day_keys() == []


WRONG = [
    ("/put", b""),
    ("/put", bytes(BLOCK_BYTES + 31)),
    ("/put", bytes(BLOCK_BYTES + 33)),
    ("/commit", b""),
    ("/commit", bytes(BLOCK_BYTES + 31)),
    ("/commit", bytes(BLOCK_BYTES + 32 + 47)),
    ("/erase", b""),
    ("/erase", bytes(31)),
    ("/withdraw", b""),
    ("/withdraw", bytes(31)),
    ("/replies", bytes(15)),
    ("/forget", bytes(17)),
]


@pytest.mark.parametrize(("path", "body"), WRONG)
def test_a_body_of_a_wrong_length_is_refused(
    intake: FlaskClient, store: DayStore, path: str, body: bytes
) -> None:
    before = store.snapshot()
    assert intake.post(path, data=body).status_code == 400
    assert intake.post(path, data=body, environ_overrides=CHUNKS).status_code == 400
    assert store.snapshot() == before


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/put", PENDING_BATCH * (BLOCK_BYTES + 32)),
        ("/commit", PENDING_BATCH * (BLOCK_BYTES + 32)),
        ("/erase", PENDING_BATCH * (BLOCK_BYTES + 32)),
        ("/withdraw", 32),
        ("/day-key", 18_837),
        ("/replies", 4_096),
        ("/forget", 4_096),
    ],
)
def test_a_body_too_large_is_not_read(intake: FlaskClient, path: str, most: int) -> None:
    class Unread:
        def read(self, *_: object) -> bytes:
            raise AssertionError

        readinto = readline = read

    # A whole number of records for most routes.
    named = {"CONTENT_LENGTH": str(most + 32 * 48), "wsgi.input": Unread()}
    assert intake.post(path, environ_overrides=named).status_code in (400, 413)

    answer = intake.post(path, data=bytes(most + 1), environ_overrides=CHUNKS)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("error", "status"),
    [(Busy, 503), (NoRoom, 507), (ClockJumped, 507), (CannotStore, 507), (TooManyKeys, 507)],
)
def test_a_store_in_trouble_has_a_status_for_the_front(
    intake: FlaskClient,
    store: DayStore,
    monkeypatch: pytest.MonkeyPatch,
    error: type[Exception],
    status: int,
) -> None:
    def fails(*_: object) -> None:
        raise error

    for name in ("put", "commit", "keep_key", "withdraw", "check"):
        monkeypatch.setattr(store, name, fails)
    one = block_record(report())
    for path, body in (
        ("/put", one),
        ("/commit", one),
        ("/day-key", day_record()),
        ("/withdraw", SECRET),
    ):
        answer = intake.post(path, data=body)
        assert (answer.status_code, answer.data) == (status, b"")
    assert intake.get("/health").status_code == status


def sent(block: Block) -> SealedBlock:
    """The same block as the front has it."""
    return SealedBlock(block.id, block.erase_hash, bytes(block.data))


def test_the_fronts_client_is_understood_over_a_real_socket(
    app: Flask, store: DayStore, tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Unix socket paths are short.
    socket = tmp_path_factory.mktemp("v") / "s"
    pieces, one, tags = [piece() for _ in range(3)], report(), [bytes([n]) * 16 for n in range(256)]
    record = DayKeyRecord.from_bytes(day_record())
    store.accept(bundle_of(1, tags[200:202]))
    sealed = [sent(each) for each in (one, *pieces)]
    claims = [FrontClaim(*claim(each)) for each in pieces]

    with served(app, socket), VaultClient(connecting_to(socket)) as front:
        front.keep_day_key(record)
        front.put(sealed[1:])
        front.commit(sealed[0], claims[:2])
        # The answer was lost; and a piece that was claimed cannot be claimed again.
        front.commit(sealed[0], [])
        with pytest.raises(PendingGone):
            front.commit(sent(report()), claims[:1])
        front.erase([owned(pieces[2], b"F" * 32)])
        assert front.replies(tags) == [(200, reply_under(tags[200])), (201, reply_under(tags[201]))]
        front.forget_replies(tags)
        assert front.replies(tags) == []
        assert store.read(one.id) == one.data
        front.withdraw(SECRET)
    assert store.day_keys() == [(TODAY, record.to_bytes())]
    left = [store.read(each.id) for each in (one, *pieces)]
    assert all(data is not None and data.startswith(b"tombstone") for data in left)


# --- Somebody who has only this socket ---


class Everything:
    """All that a vault has told or kept, to compare it later."""

    def __init__(self, store: DayStore) -> None:
        self.slots: list[ListedBlock] = store.snapshot()
        self.content = [store.read(slot.id) for slot in self.slots]
        self.heads = bytes(store._writer.heads.copy())
        self.rest = (
            store.day_keys(),
            store.days(),
            store.exports(),
            store.accepted(),
            store.vault_id(),
            store.trouble(),
            store.replies([bytes([number]) * 16 for number in range(4)]),
        )

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]


def unchanged(store: DayStore, attack: Callable[[], None]) -> None:
    store.tick()
    before = Everything(store)
    attack()
    store.tick()
    assert Everything(store) == before


@pytest.fixture
def theirs(store: DayStore) -> tuple[Block, list[Block]]:
    """A report with two files, and a reply, of somebody else."""
    filed = file_report(store, 2)
    store.accept(bundle_of(1, [b"\1" * 16]))
    return filed


def test_the_socket_has_these_routes_and_no_other(app: Flask) -> None:
    routes = {
        (rule.rule, frozenset(rule.methods or ()) - {"HEAD", "OPTIONS"})
        for rule in app.url_map.iter_rules()
    }
    posted = ("put", "commit", "erase", "withdraw", "day-key", "replies", "forget")
    assert routes == {("/health", frozenset({"GET"}))} | {
        (f"/{name}", frozenset({"POST"})) for name in posted
    }


def test_nobody_lists_or_reads_blocks_or_confirms_the_clock(
    intake: FlaskClient, store: DayStore, theirs: tuple[Block, list[Block]], clock: TickClock
) -> None:
    known = theirs[0].id

    def attack() -> None:
        for path in ("export", "status", "clock", "tags", "blocks", "day-keys", "snapshot", ""):
            for sent in (intake.get, intake.post, intake.put, intake.delete):
                assert sent(f"/{path}", data=b"2026-11-24").status_code in (404, 405)
        for path in ("put", "commit", "erase", "withdraw", "day-key", "replies", "forget"):
            for name in ("", "/" + known.hex()):
                answer = intake.get(f"/{path}{name}")
                assert answer.status_code in (404, 405)
                assert known not in answer.data and theirs[0].data[:64] not in answer.data
        assert intake.post("/replies", data=known + theirs[1][0].id).data == b""

    unchanged(store, attack)
    clock.next_day(40)
    store.tick()
    for path in ("clock", "confirm", "confirm_clock", "status"):
        intake.post(f"/{path}", data=clock.now.date().isoformat())
    assert store.trouble() == str(ClockJumped())


def test_nobody_deletes_what_is_not_theirs(
    intake: FlaskClient, store: DayStore, theirs: tuple[Block, list[Block]]
) -> None:
    blocks = [theirs[0], *theirs[1]]
    # What was seen at the front or on the disk, and what can be computed from it.
    seen = {one.id: (one.erase_hash, one.data[:16], one.id) for one in blocks}
    hashes = {slot.id: slot.sha256[:16] for slot in store.snapshot()}

    def attack() -> None:
        for block_id, guesses in seen.items():
            for guess in (
                *guesses,
                hashes[block_id],
                erase_hash(block_id),
                erase_preimage(block_id, block_id),
                erase_preimage(b"", block_id),
                # The pieces' secret until their report took them over.
                erase_preimage(b"F" * 32, block_id),
                *(os.urandom(16) for _ in range(10)),
            ):
                assert intake.post("/erase", data=block_id + guess).status_code == 204
        noise = b"".join(os.urandom(32) for _ in range(200))
        assert intake.post("/erase", data=noise).status_code == 204
        # A preimage of one block is none of another.
        mine = owned(theirs[0])[1]
        assert intake.post("/erase", data=theirs[1][0].id + mine).status_code == 204
        for secret in (OTHER, bytes(32), theirs[0].id * 2, theirs[0].erase_hash * 2):
            assert intake.post("/withdraw", data=secret).status_code == 204
        assert intake.post("/forget", data=theirs[0].id + os.urandom(16) * 3).status_code == 204

    unchanged(store, attack)


def test_nobody_claims_anothers_piece_or_commits_under_a_known_id(
    intake: FlaskClient, store: DayStore, theirs: tuple[Block, list[Block]]
) -> None:
    victim = theirs[1][0]

    def attack() -> None:
        for preimage in (
            victim.erase_hash,
            victim.id,
            erase_preimage(b"F" * 32, victim.id),
            erase_preimage(OTHER, victim.id),
            os.urandom(16),
        ):
            body = block_record(report(OTHER)) + victim.id + preimage + b"m" * 16
            assert intake.post("/commit", data=body).status_code == 409
        own = claim_record(claim(piece(), OTHER))
        # A piece that does not exist; one claimed twice.
        for claims in (own, own + own):
            body = block_record(report(OTHER)) + claims
            assert intake.post("/commit", data=body).status_code == 409
        for block in (theirs[0], victim):
            forged = block.id + erase_hash(b"m" * 16) + os.urandom(BLOCK_BYTES)
            assert intake.post("/put", data=forged).status_code == 409
            # What a front sends again after a lost answer is accepted, and changes nothing.
            assert intake.post("/commit", data=forged).status_code == 204
            body = forged + victim.id + os.urandom(32)
            assert intake.post("/commit", data=body).status_code == 204
        twice = block_record(report(OTHER)) * 2
        assert intake.post("/put", data=twice).status_code == 409

    unchanged(store, attack)


def test_nobody_replaces_a_day_key(intake: FlaskClient, store: DayStore) -> None:
    raw = day_record()
    assert intake.post("/day-key", data=raw).status_code == 204

    def attack() -> None:
        other = DayKeyRecord.from_bytes(day_record())
        forged = DayKeyRecord(raw[:16], TODAY, other.entries).to_bytes()
        beside = DayKeyRecord(raw[:16], TODAY + timedelta(days=1), other.entries).to_bytes()
        assert intake.post("/day-key", data=forged).status_code == 409
        assert intake.post("/day-key", data=beside).status_code == 409
        assert intake.post("/day-key", data=raw[:-1] + b"x" * 2).status_code == 400

    unchanged(store, attack)
