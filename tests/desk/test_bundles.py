"""What a casebook remembers of the bundles that it imported."""

from datetime import date, timedelta

from scripts.desk.casebook.bundles import (
    BY_DAY_KEY,
    PIECE,
    UNOPENED,
    LastBundle,
    Seen,
    Source,
)
from scripts.desk.casebook.casebook import Casebook

DAY = date(2026, 11, 24)
VAULT, OTHER = b"v" * 16, b"o" * 16
ONION = "a" * 56 + ".onion"


def bundle(number: int, vault: bytes = VAULT, closed: int = 0) -> LastBundle:
    days = frozenset(DAY + timedelta(days) for days in range(closed))
    return LastBundle(vault, number, bytes([number]) * 32, ONION, days)


def test_a_new_casebook_remembers_no_bundle(casebook: Casebook) -> None:
    bundles = casebook.bundles

    assert (bundles.newest(), bundles.last(), bundles.unacknowledged()) == (None, None, None)
    assert (list(bundles.slots()), bundles.tried()) == ([], frozenset())
    assert bundles.acknowledged_in(1) is None


def test_only_the_newest_bundle_is_remembered_with_its_slots(casebook: Casebook) -> None:
    slots = [(bytes([number]) * 16, Seen(b"s" * 32, DAY, PIECE)) for number in (2, 1)]
    casebook.close_bundle(bundle(1, closed=2), DAY, [], slots, [b"k" * 16])
    assert list(casebook.bundles.slots()) == sorted(slots)
    assert casebook.bundles.tried() == {b"k" * 16}
    assert casebook.bundles.last() == bundle(1, closed=2)

    later = [(b"x" * 16, Seen(b"t" * 32, DAY, UNOPENED)), (b"y" * 16, Seen(b"u" * 32, DAY, 1))]
    casebook.close_bundle(bundle(2, closed=1), DAY, [], later, [b"l" * 16])

    assert list(casebook.bundles.slots()) == later and later[1][1].opened == BY_DAY_KEY
    assert casebook.bundles.tried() == {b"l" * 16}
    assert casebook.bundles.last() == bundle(2, closed=1)
    newest = Source(VAULT, 2, b"\2" * 32, ONION)
    assert casebook.bundles.newest() == newest == casebook.bundles.unacknowledged()


def test_a_bundle_that_is_imported_again_counts_once(casebook: Casebook) -> None:
    for opened in (UNOPENED, BY_DAY_KEY):
        casebook.close_bundle(bundle(1), DAY, [], [(b"x" * 16, Seen(b"t" * 32, DAY, opened))])

    assert casebook.database.table("bundle").count == 1
    assert [seen.opened for _, seen in casebook.bundles.slots()] == [BY_DAY_KEY]


def test_a_new_vaults_first_bundle_is_the_newest(casebook: Casebook) -> None:
    for one in (bundle(7), bundle(1, OTHER)):
        casebook.close_bundle(one, DAY, [])

    assert casebook.bundles.newest() == Source(OTHER, 1, b"\1" * 32, ONION)


def test_what_was_acknowledged_is_so_for_one_bundle_alone(casebook: Casebook) -> None:
    for number in (1, 2):
        casebook.close_bundle(bundle(number), DAY, [])
    newest = casebook.bundles.unacknowledged()
    assert newest is not None

    casebook.leave(1, "00" * 32, DAY, [], lambda: None, newest)

    assert casebook.bundles.unacknowledged() is None
    assert casebook.bundles.acknowledged_in(1) == newest
    assert casebook.bundles.acknowledged_in(2) is None
    casebook.close_bundle(bundle(3), DAY, [])
    assert casebook.bundles.unacknowledged() == Source(VAULT, 3, b"\3" * 32, ONION)
