"""What a vault exports is what the desk expects, over days of filing, withdrawing and leaving."""

import json
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from support.day_stores import TickClock, bundle_of, open_days
from support.slot_bundles import SERVER
from support.vault_keys import SECRETS, WEEKLY

from dropbox.day_key import DayKey
from dropbox.erase_hash import erase_hash, erase_preimage
from dropbox.errors import BadBundle
from dropbox.export_bundle import HEAD_NAME, Head, Successor, read_head, volume_name
from dropbox.openpgp import Opener, Reviewers
from dropbox.pieces import seal_report_block
from dropbox.reply_bundle import Acknowledged, ReplyBundle, _bundle
from dropbox.report import Report
from dropbox.tar_members import Members
from dropbox.vault.block_store import Block
from dropbox.vault.day_store import DayStore
from dropbox.vault.exports import Exports
from dropbox.vault.tombstones import Tombstones
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Session
from scripts.desk.importing.open_export import Accepted, Imported, open_export
from scripts.desk.outbox.arrivals import Arrival, arrivals, carrying_lost
from scripts.desk.outbox.sending import export_replies


class Server:
    """A front and a vault without processes."""

    def __init__(
        self,
        directory: Path,
        clock: TickClock,
        reviewers: Reviewers,
        successor: Successor | None = None,
    ) -> None:
        directory.mkdir()
        self._directory, self._clock, self._reviewers = directory, clock, reviewers
        self._tombstones = Tombstones(WEEKLY, clock=clock)
        self.store: DayStore = open_days(
            directory / "vault.sqlite", clock, tombstone=self._tombstones.seal
        )
        self._exports = Exports(
            self.store, onion="a.onion", campaign="wechat-2020", key=SERVER, successor=successor
        )
        self._new_keys()

    def _new_keys(self) -> None:
        self._tombstones.renew(self.store)
        self._key = DayKey.make(self._clock.now.date())
        record = self._key.seal(WEEKLY.current(self._key.day))
        self.store.keep_key(record.day, record.to_bytes())

    def later(self, days: int) -> None:
        """So many midnights later."""
        for _ in range(days):
            self._clock.next_day()
            self.store.tick()
            self._new_keys()

    def file(self, number: int) -> bytes:
        """File a report of claimant *number*. Returns the secret that withdraws it."""
        one = Report(
            *("report", "wechat-2020", "zh-Hans", "c1", (), f"【虚构】{number}", ()),
            reply_public=bytes([number]) * 32,
            tag_key=bytes([number + 100]) * 32,
            reply_symmetric=bytes([number + 50]) * 32,
        )
        secret, block_id = os.urandom(32), os.urandom(16)
        sealed = seal_report_block(one, self._reviewers, self._key.key)
        preimage = erase_preimage(secret, block_id)
        self.store.commit(Block(block_id, erase_hash(preimage), sealed), [])
        return secret

    def export(self, meanwhile: Callable[[], object] = lambda: None) -> tuple[Path, Head]:
        """A bundle as the courier brings it; *meanwhile* happens once the list is made."""
        raw = self._exports.make()
        head = read_head(BytesIO(raw), SERVER.verify_key, campaign="wechat-2020")
        directory = self._directory / f"bundle-{head.number}"
        directory.mkdir()
        (directory / HEAD_NAME).write_bytes(raw)
        meanwhile()
        for position in range(1, len(head.volumes) + 1):
            pieces = self._exports.volume(head.digest.hex(), position)
            (directory / volume_name(position)).write_bytes(b"".join(pieces))
        return directory, head

    def acknowledge(self, head: Head) -> None:
        """The desk has stored everything in a bundle."""
        stored = Acknowledged(head.vault, head.number, head.digest)
        self.store.accept(bundle_of(head.number, acknowledged=[stored]))


@pytest.fixture
def clock() -> TickClock:
    return TickClock()


@pytest.fixture
def take(casebook: Casebook, opener: Opener, clock: TickClock) -> Callable[..., Imported]:
    """Import a bundle."""
    find = {secret.public.key_id: secret for secret in SECRETS[:1]}.get

    def importing(bundle: tuple[Path, Head], *, new_vault: bool = False) -> Imported:
        return open_export(
            casebook,
            bundle[0],
            opener,
            find,
            today=clock.now.date(),
            accepted=Accepted(new_vault=new_vault),
        )

    return importing


@pytest.mark.slow
def test_an_honest_vault_gives_the_desk_nothing_to_find(
    tmp_path: Path, clock: TickClock, reviewers: Reviewers, take: Callable[..., Imported]
) -> None:
    server = Server(tmp_path / "server", clock, reviewers)
    first, second = server.file(1), server.file(2)
    assert take(server.export()).opened.parts == 2

    server.file(3)

    def meanwhile() -> None:
        server.store.withdraw(first)
        server.file(4)

    done = take(server.export(meanwhile))
    assert (done.opened.parts, done.findings) == (1, ())

    server.later(3)
    server.store.withdraw(second)
    bundle = server.export()
    done = take(bundle)
    assert (done.opened.parts, done.findings) == (1, ())

    server.acknowledge(bundle[1])
    server.later(1)
    server.file(5)
    bundle = server.export()
    assert len(bundle[1].gone) == 3
    done = take(bundle)
    assert (done.opened.parts, done.findings, done.skipped) == (1, (), ())

    server.later(8)
    assert take(server.export()).findings == ()
    server.store.close()


def test_a_vault_in_the_place_of_a_lost_one_is_taken_on_the_operators_word(
    tmp_path: Path, clock: TickClock, reviewers: Reviewers, take: Callable[..., Imported]
) -> None:
    lost = Server(tmp_path / "lost", clock, reviewers)
    lost.file(1)
    bundle = lost.export()
    take(bundle)
    lost.store.close()

    word = Successor(bundle[1].vault, bundle[1].number, "The disk of today.")
    silent = Server(tmp_path / "silent", clock, reviewers)
    with pytest.raises(BadBundle, match="has not said"):
        take(silent.export(), new_vault=True)
    silent.store.close()
    new = Server(tmp_path / "new", clock, reviewers, word)
    new.file(2)
    with pytest.raises(BadBundle, match="another vault"):
        take(new.export())
    assert take(new.export(), new_vault=True).opened.parts == 1
    # The statement stays in the head, and changes nothing any more.
    new.file(3)
    bundle = new.export()
    assert bundle[1].successor == word and take(bundle).opened.parts == 1
    new.store.close()


@pytest.mark.slow
def test_the_desk_learns_from_the_vaults_next_export_what_arrived(
    tmp_path: Path,
    clock: TickClock,
    reviewers: Reviewers,
    take: Callable[..., Imported],
    casebook: Casebook,
    opener: Opener,
) -> None:
    (at_work,) = opener.secret_fingerprints()
    casebook.session = Session(
        casebook.database, casebook.origin, at_work, lambda data: opener.sign(data, at_work)
    )
    server = Server(tmp_path / "server", clock, reviewers)
    for number in (1, 2, 3):
        server.file(number)
        assert take(server.export()).confirmed == ()
        # Each acknowledges what was filed, and answers it.
        today = clock.now.date()
        left = export_replies(casebook, tmp_path / f"{number}.tar", opener, today=today)
        assert (left.bundle, left.answers) == (number, 1)
    # The second one is lost on its way.
    for number in (1, 3):
        server.store.accept(read(tmp_path / f"{number}.tar"))

    assert take(server.export()).confirmed == (1, 3)
    found = arrivals(casebook, clock.now.date())
    assert [one.number for one in found.lost] == [2] and found.expected == ()
    carried = carrying_lost(casebook, clock.now.date())
    again = tmp_path / "again.tar"
    export_replies(casebook, again, opener, today=clock.now.date(), carried=carried)
    server.store.accept(read(again))
    assert take(server.export()).confirmed == (4,)
    found = arrivals(casebook, clock.now.date())
    assert set(found.answers.values()) == {Arrival.ARRIVED} and found.lost == ()
    server.store.close()


def read(path: Path) -> ReplyBundle:
    """A reply bundle, its signature aside."""
    members = Members(BytesIO(path.read_bytes()))
    body = json.loads(members.read("manifest.json", 2**20))
    members.read("manifest.sig", 2**20)
    return _bundle(body, members.read("replies", 2**24))
