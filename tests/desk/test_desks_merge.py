"""Desks that work apart and merge what they did: in any order they end with the same."""

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fuzz.openpgp import NOW
from support.cases import DAY
from support.desks import REVIEWERS, Desk
from support.shared import made_once

from dropbox import canonical_json
from dropbox.errors import BadBundle, CannotOpen
from dropbox.reply import DESKS
from scripts.desk.audit import findings, forks
from scripts.desk.case import Case
from scripts.desk.case_name import characters_of, name_of
from scripts.desk.casebook.answer_rows import ACKNOWLEDGEMENT
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.custody import Line, Row, digest, link
from scripts.desk.casebook.desks import SignedLine, WorkRow
from scripts.desk.casebook.facts import STATED, TAKEN_BACK, unsettled
from scripts.desk.casebook.link_decisions import CONFIRMED, DENIED
from scripts.desk.casebook.translations import TRANSCRIPT, TRANSLATION
from scripts.desk.exchange.merging import check_row, merge
from scripts.desk.exchange.work_bundle import Work, unpack
from scripts.desk.outbox.sending import (
    answers_of,
    leaving,
    told_elsewhere,
    waiting_to_leave,
)
from scripts.desk.outbox.waiting import reasons
from scripts.desk.review.judgement import ADJUDICATION, Judgement, ReviewError
from scripts.desk.review.sheet import is_amount
from scripts.desk.search import summary

A, B, C = (one.fingerprint for one in REVIEWERS[:3])


@pytest.fixture
def desks(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Desk]:
    """Three desks that know of each other; each has imported the cases in another order."""

    def make(place: Path) -> None:
        made = [Desk.make(place / f"desk-{number}", number) for number in range(3)]
        for desk, claimants in zip(made, ([1, 2, 3, 4], [4, 3, 2, 1], [2, 4, 1, 3]), strict=True):
            desk.file(claimants)
        exchange(made)

    kept = made_once(tmp_path_factory, "three desks", make)
    return [Desk(kept / f"desk-{n}", n).copy(tmp_path / f"desk-{n}") for n in range(3)]


def exchange(desks: list[Desk]) -> None:
    """Each desk gives the others what it knows, all at the same time."""
    bundles = [desk.work() for desk in desks]
    for desk in desks:
        for bundle in bundles:
            desk.merge(bundle)


def same_state(desks: list[Desk]) -> dict[str, object]:
    """What all of them agree on, to the byte."""
    first, *others = (desk.state() for desk in desks)
    assert all(other == first for other in others)
    return first


def status(desk: Desk, claimant: int) -> str:
    with Casebook.open(desk.directory) as casebook:
        case = desk.case(casebook, claimant)
        return str(casebook.layers.standing(case)["status"])


def verified(desk: Desk) -> tuple[list[str], list[str]]:
    with Casebook.open(desk.directory) as casebook:
        keys = {str(number): key for number, key in enumerate(REVIEWERS[:3])}
        return findings(casebook, keys, datetime.now(UTC) + timedelta(days=1)), forks(casebook)


def state_facts(first: Desk, second: Desk, backup: Desk) -> None:
    """Facts that three desks state of two cases, and what they black out."""
    first.redact(1, "0b", page=1)
    backup.redact(1, "0c", start=2)
    second.redact(1, "0a", start=2)
    first.end_redaction(1, "0a")
    first.event(1, "E000000001", "【虚构】封号")
    backup.event(1, "E000000001", "【虚构】封号，后来解封", reason="the notice says so")
    second.party(1, "P000000001", "腾讯\nTencent")
    first.party(2, "P000000002", "騰訊")
    second.contact(2, "C000000001", "【虚构】再约")
    second.same(1, "P000000001", "P000000002")
    backup.same(2, "P000000002", "P000000001", DENIED)


@pytest.mark.long
def test_three_desks_one_of_them_restored_end_with_the_same_in_every_order(
    desks: list[Desk], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Or chance would keep some cases closed until a second review that nobody writes here.
    monkeypatch.setattr("scripts.desk.casebook.layers.sampled", lambda *_: False)
    first, second, third = desks
    # At the same time: two review one case and disagree, two answer another.
    first.judge(1, "m3", flags=("privileged",))
    second.judge(1, "m2")
    first.answer(2, "【虚构】一")
    second.answer(2, "【虚构】二")
    third.judge(3, "m1", tags=("t1",))
    first.translate(1, "A gist")
    second.translate(1, "Another gist", machine="argos")
    second.assign(1, 2)
    first.link(1, 2)
    backup = third.copy(tmp_path / "backup")
    third.judge(4, "m4")
    third.answer(4, "【虚构】三")
    third.assign(1, 0)
    third.translate(2, "A translation", TRANSLATION)
    third.translate(2, "{}", TRANSCRIPT, machine="stand-in")
    lost = third.work()
    # The third desk's disk broke: it goes on from its backup.
    backup.judge(2, "m2")
    backup.answer(2, "【虚构】四")
    working = [first, second, backup]
    for merged, bundle in ((first, lost), (backup, second.work()), (second, first.work())):
        merged.merge(bundle)
    for _ in range(3):
        exchange(working)
    backup.judge(1, "m3", ADJUDICATION, category="c1", outcome="st.counsel")
    backup.assign(1, 1)
    first.assign(1, None)
    second.judge(4, "m4")
    second.draw(3)
    first.draw(3)
    first.release(2)
    second.confirm(2, 1)
    backup.link(2, 1, DENIED)
    state_facts(first, second, backup)
    for _ in range(3):
        exchange(working)

    state = same_state(working)
    # The drawn case's first review is closed again, and nothing else is.
    assert [one[2] for one in json.loads(str(state["work"]))["promises"]] == [C]
    assert status(first, 1) == "st.counsel" and status(first, 4) == "st.second_review"
    assert status(first, 3) == "st.first_review"  # it comes back
    first.judge(3, "m1")
    for _ in range(2):
        exchange(working)
    assert '"promises": []' in str(same_state(working)["work"])
    assert {row["assigned"] for _, row in state["standings"]} == {"", B}  # type: ignore[attr-defined]
    with Casebook.open(first.directory) as casebook:
        texts = [one.text for one in casebook.answers.to(first.case(casebook, 2))]
        assert sorted(texts) == ["【虚构】一", "【虚构】二", "【虚构】四"]
    for desk in working:
        found, forked = verified(desk)
        assert found == [] and len(forked) == 1 and "desk 2 goes on more than once" in forked[0]


@pytest.mark.long
def test_bundles_are_merged_in_any_order_and_again_is_harmless(
    desks: list[Desk], tmp_path: Path
) -> None:
    first, second, third = desks
    first.judge(1, "m2", urgency="danger")
    first.judge(3, "m3")
    second.judge(1, "m2", removed={"danger": "no"})
    second.judge(3, "m3", tags=("t1",))
    second.answer(3, "【虚构】", leave=False)
    third.judge(3, conflict=True, merit="")
    third.answer(1, "【虚构】")
    for number, desk in enumerate(desks):
        desk.translate(1, f"Gist {number}", machine="argos" if number else "")
        desk.assign(2, number)
        desk.confirm(number, 1)
        desk.redact(2, f"0{number}", start=number)
        desk.event(1, "E000000001", f"Version {number}", reason="x" * number)
        desk.party(4, f"P00000000{number}", "腾讯", state=TAKEN_BACK if number == 2 else STATED)
        desk.contact(4, "C000000001", f"Agreed {number}")
        desk.same(4, "P000000001", "P000000000", DENIED if number else CONFIRMED)
    exchange(desks)
    first.release(1)
    second.link(3, 4)
    second.end_redaction(2, "00")
    third.end_redaction(2, "00")
    bundles = [desk.work() for desk in desks]
    states = []
    for place, order in enumerate(itertools.permutations(bundles)):
        for desk in desks:
            copy = desk.copy(tmp_path / f"{desk.number}-{place}")
            for bundle in (*order, *order):
                again = copy.merge(bundle)
            assert (again.lines, again.layers, again.answers) == (0, 0, 0)
            states.append(copy.state())

    assert all(state == states[0] for state in states)


def test_a_merge_that_is_interrupted_adds_nothing(desks: list[Desk]) -> None:
    first, second, third = desks
    first.judge(1, "m2")
    first.event(2, "E000000001", "blocked")
    before, work = second.state(), first.work()

    def interrupt(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with Casebook.open(second.directory) as casebook, pytest.raises(KeyboardInterrupt):
        merge(casebook, work, NOW, open_closed=bytes, progress=interrupt)
    assert second.state() == before
    second.merge(work)
    third.merge(work)
    assert second.state()["added"] == third.state()["added"] != before["added"]


def test_what_nobody_signed_is_given_to_no_desk_and_what_comes_after_it_is(
    desks: list[Desk],
) -> None:
    first, second, _ = desks
    with Casebook.open(first.directory) as casebook:  # without a reviewer at work
        for claimant in (1, 2):
            case = first.case(casebook, claimant)
            casebook.answers.queue(case, kind="answer", language="en", day=DAY, text="unsigned")
            casebook.assignments.add(case, A, reviewer=A, day=DAY)
    first.answer(3, "signed")
    first.assign(3, 1)

    second.merge(first.work())

    with Casebook.open(second.directory) as casebook:
        numbers = [second.case(casebook, claimant).number for claimant in (1, 2, 3)]
        texts = [[one.text for one in casebook.answers.to(casebook.case(n))] for n in numbers]
        assert texts == [[], [], ["signed"]]
        assert [casebook.assignments.assignee(number) for number in numbers] == ["", "", B]


@pytest.mark.slow
def test_a_later_word_counts_at_every_desk(desks: list[Desk]) -> None:
    first, second, third = desks
    first.assign(1, 1)
    first.assign(1, 2)
    third.assign(1, 0)
    exchange(desks)
    # The first desk's last word was its second, and it had not heard of the third's.
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            case = desk.case(casebook, 1)
            assert casebook.assignments.assignee(case.number) == C
            assert casebook.layers.standing(case)["assigned"] == C
    second.assign(1, None)
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            case = desk.case(casebook, 1)
            words = [one.assignee for one in casebook.assignments.of(case.number)]
            assert words[-2:] == [C, ""] and sorted(words) == sorted(["", A, B, C])


def test_translations_of_two_desks_stay_side_by_side(desks: list[Desk]) -> None:
    first, second, third = desks
    first.translate(1, "By hand")
    first.translate(1, "By hand, better")
    second.translate(1, "By machine", machine="argos")
    third.translate(1, "The whole", TRANSLATION)
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            number = desk.case(casebook, 1).number
            current = casebook.translations.current(number)
            assert [(one.text, one.machine, one.reviewer) for one in current] == [
                ("By hand, better", "", A),
                ("By machine", "argos", B),
                ("The whole", "", C),
            ]
            gist = casebook.translations.gist(number, "en")
            assert gist is not None and gist.text == "By hand, better"
            assert casebook.translations.gist(number, "fr") is None
            assert len(casebook.translations.of(number)) == 4
            parts = [part.report.text for part in casebook.case(number).parts]
            assert parts == ["【虚构】正文"]


@pytest.mark.slow
def test_a_later_version_of_a_fact_replaces_the_one_before_at_every_desk(
    desks: list[Desk],
) -> None:
    first, second, third = desks
    first.event(1, "E000000001", "【虚构】封号", date="2019-03-15")
    exchange(desks)
    second.event(1, "E000000001", "【虚构】限制", date="2019-03", reason="the notice")
    third.event(1, "E000000002", "【虚构】喝茶")
    exchange(desks)
    first.event(1, "E000000002", "", state=TAKEN_BACK, reason="of another case")
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            number = desk.case(casebook, 1).number
            (counts,) = casebook.events.of(number)
            versions = casebook.events.versions(number)
            assert (counts.text, counts.date, counts.reviewer) == ("【虚构】限制", "2019-03", B)
            assert casebook.events.all() == {number: (counts,)}
            assert [one.text for one in versions["E000000001"]] == ["【虚构】封号", "【虚构】限制"]
            assert [one.reviewer for one in versions["E000000002"]] == [C, A]


@pytest.mark.parametrize(
    ("ranks", "place"),
    [
        ([3], 1),
        ([3, 4, 5], 3),
        ([3, 4, 4], 1),
        ([3, 4, 4, 5], 1),
        ([3, 4, 4, 6], 4),
        ([3, 4, 4, 6, 6], 3),
        ([3, 4, 4, 6, 7, 8], 6),
        ([3, 3, 3], 0),
        # Of casebooks whose ranks counted all facts of the case.
        ([3, 9], 2),
        ([3, 9, 9], 1),
    ],
)
def test_a_version_settles_what_it_knew(ranks: list[int], place: int) -> None:
    assert unsettled(ranks) == place


def contested(desk: Desk) -> dict[str, list[str]]:
    """The texts of versions of events that are open at a desk, by entry."""
    with Casebook.open(desk.directory) as casebook:
        number = desk.case(casebook, 1).number
        found = casebook.events.contested(number)
        assert casebook.events.all_contested() == ({number: found} if found else {})
        return {entry: [one.text for one in versions] for entry, versions in found.items()}


@pytest.mark.slow
def test_corrections_at_the_same_time_are_open_in_any_order_until_one_knows_them_all(
    desks: list[Desk], tmp_path: Path
) -> None:
    first, second, third = desks
    first.event(1, "E000000001", "blocked")
    exchange(desks)
    # More facts at one desk do not hide that it did not know of the other's correction.
    second.event(1, "E000000002", "questioned")
    second.event(1, "E000000001", "limited", reason="the notice")
    third.event(1, "E000000001", "closed", reason="the appeal")
    assert contested(second) == contested(third) == {}
    bundles = [desk.work() for desk in desks]
    for place, order in enumerate(itertools.permutations(bundles)):
        copy = desks[place % 3].copy(tmp_path / f"{place}")
        for bundle in order:
            copy.merge(bundle)
        ((entry, texts),) = contested(copy).items()
        assert (entry, set(texts)) == ("E000000001", {"limited", "closed"})
        with Casebook.open(copy.directory) as casebook:
            events = casebook.events.of(copy.case(casebook, 1).number)
        assert texts[-1] == next(one.text for one in events if one.entry == entry)
    # Whoever corrects without knowing the other's correction settles nothing.
    second.event(1, "E000000001", "limited for a week", reason="the notice again")
    exchange(desks)
    assert set(contested(first)["E000000001"]) == {"limited for a week", "closed"}
    first.event(1, "E000000001", "closed", reason="both read again")
    assert contested(first) == {}
    exchange(desks)
    assert [contested(desk) for desk in desks] == [{}, {}, {}]
    same_state(desks)


def test_the_same_correction_twice_leaves_nothing_open(desks: list[Desk]) -> None:
    first, second, third = desks
    first.event(1, "E000000001", "blocked")
    exchange(desks)
    for desk in (second, third):
        desk.event(1, "E000000001", "closed", reason=f"as desk {desk.number} read it")
    exchange(desks)
    assert contested(first) == {}
    for desk, state in ((second, TAKEN_BACK), (third, STATED)):
        desk.event(1, "E000000001", "closed", date="2019-04", state=state, reason="no")
    exchange(desks)
    assert list(contested(first)) == ["E000000001"]


@pytest.mark.slow
def test_the_last_word_on_two_parties_counts_wherever_it_was_said(desks: list[Desk]) -> None:
    first, second, third = desks
    first.party(1, "P000000001", "腾讯")
    first.party(2, "P000000002", "騰訊")
    first.same(1, "P000000002", "P000000001")
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            assert casebook.same_parties.confirmed() == {("P000000001", "P000000002")}
    second.same(2, "P000000001", "P000000002", DENIED)
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            assert casebook.same_parties.confirmed() == frozenset()
            assert [one.reviewer for one in casebook.same_parties.said()] == [A, B]
    third.same(2, "P000000001", "P000000002")
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            assert casebook.same_parties.confirmed() == {("P000000001", "P000000002")}


def test_a_release_names_one_answer_of_one_desk(desks: list[Desk]) -> None:
    first, second, _ = desks
    first.answer(1, "【虚构】一", leave=False)
    second.answer(1, "【虚构】二", leave=False)
    second.merge(first.work())
    second.release(1)
    first.merge(second.work())
    with Casebook.open(first.directory) as casebook:
        case = first.case(casebook, 1)
        hashes = {desk: sha256 for sha256, desk, _ in casebook.desks.hashes_of_answers(case.number)}
        released = {(one.desk, one.answer_sha256) for one in casebook.releases.of(case.number)}
    assert len(set(hashes.values())) == 2 and released == set(hashes.items())


@pytest.mark.slow
def test_a_redaction_counts_at_every_desk_until_that_one_is_taken_back(desks: list[Desk]) -> None:
    first, second, third = desks
    first.redact(1, "0a")
    assert second.merge(first.work()).others == 1
    second.redact(1, "0b")
    third.redact(2, "0c", page=1)
    exchange(desks)
    third.end_redaction(1, "0a")
    # Before the others hear of that, and by the same reviewer once more.
    first.redact(1, "0d")
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            number, other = (desk.case(casebook, one).number for one in (1, 2))
            assert {one.key for one in casebook.redactions.of(number)} == {"0a", "0b", "0d"}
            assert {one.key for one in casebook.redactions.standing(number)} == {"0b", "0d"}
            assert casebook.redactions.ends(number)["0a"].reviewer == C
            assert casebook.redactions.ends(other) == {}
            standing = {one.key for one in casebook.redactions.all_standing()}
            assert standing == {"0b", "0c", "0d"}


def test_a_confirmation_is_known_at_every_desk_once(desks: list[Desk]) -> None:
    first, second, _ = desks
    for desk in (first, second):
        desk.confirm(0, 2)
        desk.confirm(0, 2)
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            (one,) = casebook.confirmations.all()
            assert (one.desk, one.signer, one.reply_bundle) == (0, A, 2)
            assert casebook.confirmations.last(0) == 2 and casebook.confirmations.last(1) == 0


@pytest.mark.slow
def test_links_are_confirmed_or_denied_for_both_cases(desks: list[Desk]) -> None:
    first, second, third = desks
    first.link(1, 2)
    second.link(2, 1)
    exchange(desks)
    third.link(1, 2, DENIED)
    third.link(3, 1)
    exchange(desks)
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            names = {one.number: desk_claimant(one) for one in casebook.cases()}
            said = {
                names[number]: {
                    (names[one.other], one.decision, one.reviewer)
                    for one in casebook.link_decisions.of(number)
                }
                for number in names
            }
        assert said == {
            1: {(2, DENIED, C), (3, CONFIRMED, C)},
            2: {(1, DENIED, C)},
            3: {(1, CONFIRMED, C)},
            4: set(),
        }


def desk_claimant(case: Case) -> int:
    return int.from_bytes(case.reply_public, "big")


def layers_in(rows: tuple[WorkRow, ...]) -> list[str]:
    return [str(row.row["reviewer"]) for row in rows if row.kind == "layer"]


def test_a_first_review_leaves_for_its_own_reviewer_alone_until_the_second_is_done(
    desks: list[Desk],
) -> None:
    first, second, third = desks
    first.judge(1, "m4", note="【虚构】第一")
    bundle = first.work()

    assert layers_in(bundle.rows) == [] and len(bundle.promises) == 1
    assert [one.reviewer for one in bundle.closed] == [A]
    open_part = replace(bundle, closed=()).to_bytes()
    assert b"m4" not in open_part and "第一".encode("unicode_escape") not in open_part
    second.merge(bundle)
    with Casebook.open(second.directory) as casebook:
        reviews = casebook.layers.of(second.case(casebook, 1))
        assert reviews.layers == () and reviews.promised == {A} and reviews.needs_second
    assert status(second, 1) == "st.first_review"

    second.judge(1, "m2")
    back = second.work()
    # The first has committed to a review, so the second may be read at once.
    assert layers_in(back.rows) == [B] and [one.reviewer for one in back.promises] == [A]
    third.merge(back)
    with Casebook.open(third.directory) as casebook, pytest.raises(ReviewError, match="Two"):
        casebook.layers.of(third.case(casebook, 1)).refuse(C, "review")
    first.merge(back)
    assert status(first, 1) == "st.adjudicate"
    assert sorted(layers_in(first.work().rows)) == sorted([A, B])
    second.merge(first.work())
    assert second.state()["layers"] == first.state()["layers"]


def test_a_review_that_needs_no_second_may_be_read_by_all(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.desk.casebook.layers.sampled", lambda *_: False)
    desks[0].judge(1, "m1")

    assert layers_in(desks[0].work().rows) == [A] and desks[0].work().promises == ()


@pytest.mark.slow
def test_the_first_review_of_a_drawn_case_is_open_only_where_it_was_before(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.desk.casebook.layers.sampled", lambda *_: False)
    first, second, third = desks
    first.judge(1, "m1")
    second.merge(first.work())  # has it from before the draw
    first.draw(1)
    second.merge(first.work())

    for desk in (first, second):
        work = desk.work()
        assert layers_in(work.rows) == [] and [one.reviewer for one in work.promises] == [A]
        assert [one.reviewer for one in work.closed] == [A]
    third.merge(second.work())
    with Casebook.open(third.directory) as casebook:
        assert casebook.layers.of(third.case(casebook, 1)).layers == ()
    third.judge(1, "m2")
    second.merge(third.work())
    assert sorted(layers_in(second.work().rows)) == sorted([A, C])
    third.merge(second.work())
    first.merge(third.work())
    assert verified(third) == ([], [])
    second.merge(first.work())
    assert first.state() == second.state() == third.state()


def test_a_drawn_review_of_before_there_were_nonces_leaves_as_it_did(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.desk.casebook.layers.sampled", lambda *_: False)
    with monkeypatch.context() as before:
        before.setattr("scripts.desk.casebook.layers.secrets.token_hex", lambda _: "")
        desks[0].judge(1, "m1")
    desks[0].draw(1)

    assert layers_in(desks[0].work().rows) == [A] and desks[0].work().promises == ()


def test_the_hash_of_a_closed_layer_cannot_be_found_by_trying(desks: list[Desk]) -> None:
    desks[0].judge(1, "m4")
    (sealed,) = desks[0].work().closed
    (row,) = unpack(sealed.sealed)

    assert len(json.loads(row.row["judgement"])["nonce"]) == 32


def test_a_closed_layer_without_a_nonce_keeps_its_line_from_leaving(
    desks: list[Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.desk.casebook.layers.secrets.token_hex", lambda _: "")
    desks[0].judge(1, "m4")
    monkeypatch.undo()
    desks[0].judge(2, "m4")
    work = desks[0].work()

    assert work.closed == () and work.promises == ()
    lines = [Line.from_bytes(one.line) for one in work.lines]
    assert not any(line and line.act == "label" for line in lines)


def test_a_restored_desk_gets_its_own_closed_reviews_back_and_reuses_no_number(
    desks: list[Desk], tmp_path: Path
) -> None:
    backup, another = (desks[2].copy(tmp_path / name) for name in ("backup", "another"))
    desks[2].judge(1, "m4")
    desks[2].answer(3, "【虚构】一")
    work = desks[2].work()

    def shut(_sealed: bytes) -> bytes:
        raise CannotOpen

    with Casebook.open(another.directory) as casebook:
        closed = merge(casebook, work, NOW, reviewer=C, open_closed=shut)
        assert (closed.layers, closed.answers, closed.closed) == (0, 1, True)
        # What is nobody's here is not even tried.
        assert not merge(casebook, work, NOW, reviewer=A, open_closed=shut).closed
    merged = backup.merge(work)
    assert (merged.layers, merged.answers, merged.closed) == (1, 1, False)
    with Casebook.open(backup.directory) as casebook:
        assert not merge(casebook, work, NOW, reviewer=C, open_closed=shut).closed
    backup.answer(3, "【虚构】二")
    with Casebook.open(backup.directory) as casebook:
        answers = casebook.answers.to(backup.case(casebook, 3))
        assert [(one.text, one.number, one.bundle) for one in answers] == [
            ("【虚构】二", 1, 2),
            ("【虚构】一", 0, 1),
        ]
        assert casebook.layers.of(backup.case(casebook, 1)).reviewers == (C,)
    # What came back sealed leaves sealed again.
    assert layers_in(backup.work().rows) == [] and len(backup.work().closed) == 1
    assert desks[0].merge(work).layers == 0
    # Nor does it matter which desk gives them back.
    assert another.merge(desks[0].work()).layers == 1


def test_what_was_said_of_a_case_waits_for_its_reports(desks: list[Desk]) -> None:
    first, second, third = desks
    first.file([9])
    first.judge(9, merit="", urgency="danger")

    assert second.merge(first.work()).waiting == 1
    # It is passed on as it came, and not kept for its reviewer alone.
    assert third.merge(second.work()).layers == 1
    second.file([9])
    assert status(second, 9) == "st.triaged"


def test_an_answer_from_elsewhere_waits_for_the_claimant_until_more_comes(
    desks: list[Desk],
) -> None:
    first, second, _ = desks
    for text in ("【虚构】一", "【虚构】二"):
        first.answer(1, text)
    # Nobody waits for an answer to a notice that a report was opened, or to what never left.
    first.answer(2, "", kind=ACKNOWLEDGEMENT)
    first.answer(3, "【虚构】三", leave=False)
    with first.working() as casebook:
        (queued,) = casebook.answers.queued()
        casebook.answers.take_back(queued, day=DAY)
    first.answer(3, "【虚构】四", leave=False)
    second.merge(first.work())

    def correspondence(claimant: int = 1) -> str:
        with Casebook.open(second.directory) as casebook:
            case = second.case(casebook, claimant)
            return str(casebook.layers.standing(case)["correspondence"])

    assert [correspondence(one) for one in (1, 2, 3)] == ["co.awaiting", "co.none", "co.none"]
    second.file([1], again=1, day=DAY + timedelta(days=1))
    assert correspondence() == "co.more"
    with Casebook.open(second.directory) as casebook:
        answers = casebook.answers.to(second.case(casebook, 1))
        (waiting,) = casebook.answers.to(second.case(casebook, 3))
    assert (waiting.text, waiting.left, waiting.number) == ("【虚构】四", None, None)
    assert [(one.text, one.number, one.desk, one.returned) for one in answers] == [
        ("【虚构】一", 0, 0, DAY + timedelta(days=1)),
        ("【虚构】二", 1, 0, DAY + timedelta(days=1)),
    ]


def test_who_got_notice_from_another_desk_gets_none_from_this_one(desks: list[Desk]) -> None:
    first, second, third = desks
    first.answer(1, "", kind=ACKNOWLEDGEMENT)
    first.answer(2, "【虚构】", leave=True)
    first.answer(3, "", kind=ACKNOWLEDGEMENT, leave=False)
    # An answer that left has the number there that the first desk's notice has.
    for claimant in (4, 4, 3):
        third.answer(claimant, "【虚构】")
    for desk in (first, third):
        second.merge(desk.work())

    def unacknowledged(desk: Desk) -> set[int]:
        with Casebook.open(desk.directory) as casebook:
            numbers = summary.unacknowledged(casebook, ACKNOWLEDGEMENT, 3)
            return {desk_claimant(casebook.case(number)) for number in numbers}

    # A notice that only waits elsewhere may never leave.
    assert unacknowledged(second) == {2, 3, 4}
    assert unacknowledged(first) == {2, 4}
    second.file([1], again=1)
    assert unacknowledged(second) == {1, 2, 3, 4}


def test_a_notice_waits_no_more_once_another_desks_has_left(desks: list[Desk]) -> None:
    first, second, _ = desks
    for desk in (first, second):
        for claimant in (1, 2):
            desk.answer(claimant, "", kind=ACKNOWLEDGEMENT, leave=False)

    def leave(desk: Desk) -> list[int]:
        with desk.working() as casebook:
            going = leaving(casebook)
            number = casebook.counts().last_replies + 1
            casebook.leave(number, "00" * 32, DAY, casebook.answers.numbered(going), lambda: None)
            return [desk_claimant(casebook.case(one.case)) for one in going]

    def told(desk: Desk) -> list[int]:
        with Casebook.open(desk.directory) as casebook:
            return [desk_claimant(casebook.case(one.case)) for one in told_elsewhere(casebook)]

    merged = second.merge(first.work())
    assert (merged.answers, merged.notices) == (0, 2)
    with Casebook.open(second.directory) as casebook:
        assert len(answers_of(casebook, second.case(casebook, 1))) == 1
    assert told(second) == []  # what only waits there may never leave
    assert leave(first) == [1, 2]
    second.merge(first.work())
    assert told(second) == [1, 2] and leave(second) == []
    with Casebook.open(second.directory) as casebook:
        assert set(reasons(casebook).values()) == {"another desk's has left"}
        (shown,) = answers_of(casebook, second.case(casebook, 1))
        assert (shown.desk, shown.left) == (0, DAY) and waiting_to_leave(casebook) == []
    # The next bundle brings more, of which nobody has told the claimant.
    second.file([1], again=1)
    assert told(second) == [2] and leave(second) == [1]


def test_desks_draw_the_same_cases_for_a_second_review(desks: list[Desk]) -> None:
    keys = set()
    for desk in desks:
        with Casebook.open(desk.directory) as casebook:
            keys.add(casebook.desks.sample_key())

    assert len(keys) == 1


def changed_line(work: Work, **changes: object) -> Work:
    """*work* with its last line changed, its signature as it was."""
    last = work.lines[-1]
    line = Line.from_bytes(last.line)
    assert line is not None
    data = replace(line, **changes).to_bytes()  # type: ignore[arg-type]
    return replace(work, lines=(*work.lines[:-1], SignedLine(last.origin, data, last.signature)))


def without_a_line(work: Work) -> Work:
    own = [one for one in work.lines if one.origin == work.lines[-1].origin]
    # Not that which begins the session: without it nobody vouches for those that follow.
    return replace(work, lines=tuple(one for one in work.lines if one is not own[1]))


def with_another_row(work: Work, **changes: object) -> Work:
    rows = [
        row._replace(row={**row.row, **changes}) if row.kind == "layer" else row
        for row in work.rows
    ]
    return replace(work, rows=tuple(rows))


def with_another_case(work: Work) -> Work:
    rows = [row._replace(characters="Z" * 41) for row in work.rows]
    return replace(work, rows=tuple(rows))


@pytest.mark.parametrize(
    ("altered", "sentence"),
    [
        (lambda work: changed_line(work, time="2020-01-01T00:00:00Z"), "signature is not valid"),
        (lambda work: changed_line(work, reviewer="AB" * 20), "whom this casebook knows"),
        (without_a_line, "does not follow any line"),
        (lambda work: with_another_row(work, day="2020-01-01"), "records"),
        (lambda work: with_another_row(work, reviewer=B), "records"),
        (with_another_case, "another case"),
        (lambda work: replace(work, lines=()), "records"),
        (lambda work: replace(work, desks=()), "desk that it does not name"),
        (
            lambda work: replace(
                work, desks=tuple(one._replace(settings=one.settings + " ") for one in work.desks)
            ),
            "were changed",
        ),
    ],
)
def test_what_was_altered_is_refused_whole(
    tmp_path: Path, altered: Callable[[Work], Work], sentence: str
) -> None:
    giving, taking = (Desk.make(tmp_path / str(number), number) for number in range(2))
    for desk in (giving, taking):
        desk.file([1])
    giving.judge(1, merit="", urgency="danger")
    before = taking.state()

    with pytest.raises(BadBundle, match=sentence):
        taking.merge(altered(giving.work()))
    assert taking.state() == before
    assert taking.merge(giving.work()).layers == 1


def test_a_promise_of_a_review_is_what_a_line_of_its_reviewer_records(tmp_path: Path) -> None:
    giving, taking = (Desk.make(tmp_path / str(number), number) for number in range(2))
    giving.file([1])
    giving.judge(1, "m4")
    work = giving.work()
    (promise,) = work.promises

    no_line = "A review in the work bundle has no line in its desk's log"
    for altered, sentence in (
        (promise._replace(characters="Z" * 41), "another case"),
        (promise._replace(characters=""), "another case"),
        (promise._replace(reviewer=B), no_line),
        (promise._replace(line="0" * 64), no_line),
        (promise._replace(line=work.lines[0].sha256), no_line),  # which begins a session
    ):
        with pytest.raises(BadBundle, match=sentence):
            taking.merge(replace(work, promises=(altered,)))
    assert taking.merge(work).lines == len(work.lines)


CHARACTERS = characters_of(b"r" * 32, b"t" * 32)
NAME = name_of(CHARACTERS)
SAID = Judgement("c1", "m2", tags=("kin",), harms={"c1.x": "alleged"}, nonce="ab").to_json()
LAYER = {"number": 3, "case": 7, "reviewer": A, "role": "review", "version": 1, "day": "2026-11-24"}
LAYER |= {"blind": 1, "judgement": json.dumps(SAID)}
WROTE = {"id": 1, "case": 7, "kind": "answer", "language": "en", "day": "2026-11-24", "text": "x"}
WRITTEN = {"number": 1, "day": "2026-11-24", "sha256": "00"}
OF_ANOTHER, DAMAGED = "is of another case than its line says", "A layer .* is damaged"


def judged(**changes: object) -> dict[str, object]:
    return {**LAYER, "judgement": json.dumps({**SAID, **changes})}


@pytest.mark.parametrize(
    ("kind", "row", "characters", "subject", "wrong"),
    [
        ("layer", LAYER, CHARACTERS, NAME, ""),
        ("layer", {**LAYER, "role": ADJUDICATION, "blind": 0}, CHARACTERS, NAME, ""),
        ("layer", LAYER, "Z" * 41, NAME, OF_ANOTHER),
        ("layer", LAYER, "", NAME, OF_ANOTHER),
        ("layer", LAYER, CHARACTERS, "no name", OF_ANOTHER),
        # As casebooks before version 6 called their cases.
        ("layer", LAYER, CHARACTERS, "C-0007", ""),
        ("layer", LAYER, CHARACTERS, "C-0008", OF_ANOTHER),
        ("layer", LAYER, "", "C-0007", OF_ANOTHER),
        ("answer", WROTE, CHARACTERS, "C-0007", ""),
        ("answer", WROTE, CHARACTERS, "C-0008", OF_ANOTHER),
        ("taken_back", {"answer": 1, "day": "2026-11-24"}, CHARACTERS, "C-0008", ""),
        ("reply_bundle", WRITTEN, "", "R-1", ""),
        ("reply_bundle", WRITTEN, CHARACTERS, "R-1", OF_ANOTHER),
        ("layer", {**LAYER, "reviewer": B}, CHARACTERS, NAME, "is not its reviewer's own"),
        ("layer", {**LAYER, "role": "reviewer"}, CHARACTERS, NAME, DAMAGED),
        ("layer", {**LAYER, "blind": 2}, CHARACTERS, NAME, DAMAGED),
        ("layer", {**LAYER, "blind": -1}, CHARACTERS, NAME, DAMAGED),
        ("layer", {**LAYER, "day": "yesterday"}, CHARACTERS, NAME, DAMAGED),
        ("layer", {**LAYER, "day": 20261124}, CHARACTERS, NAME, DAMAGED),
        ("layer", {**LAYER, "version": True}, CHARACTERS, NAME, DAMAGED),
        ("layer", {**LAYER, "version": "1"}, CHARACTERS, NAME, DAMAGED),
        *(
            ("layer", {**LAYER, "judgement": body}, CHARACTERS, NAME, DAMAGED)
            for body in ("", "[]", "7", "[" * 100_000, '{"us": [1]}')
        ),
        ("layer", judged(us="california", actors=["a"]), CHARACTERS, NAME, ""),
        *(
            ("layer", judged(**{name: value}), CHARACTERS, NAME, DAMAGED)
            for name, value in (
                ("category", 1),
                ("merit", None),
                ("conflict", 0),
                ("rank", "1"),
                ("tags", "kin"),
                ("tags", [1]),
                ("flags", [None]),
                ("harms", ["c1.x"]),
                ("harms", {"c1.x": 1}),
                ("amounts", ["9"]),
                ("amounts", [{"amount": "9"}]),
                ("removed", {"danger": ["no"]}),
            )
        ),
    ],
)
def test_a_row_is_taken_if_it_is_what_its_line_says_and_a_desk_could_have_written_it(
    kind: str, row: dict[str, object], characters: str, subject: str, wrong: str
) -> None:
    recorded = Row.of(kind, row)
    line = Line(
        number=2,
        time="2026-11-24T00:00:00Z",
        reviewer=A,
        session="",
        act="label",
        subject=subject,
        cipher="",
        plain="",
        row=recorded.name,
        row_sha256=recorded.sha256,
        before="",
    )
    found = WorkRow("ab" * 32, kind, characters, (), row)

    if not wrong:
        check_row(found, {found.line: ("", line)})
    else:
        with pytest.raises(BadBundle, match=wrong):
            check_row(found, {found.line: ("", line)})
    for known in ({}, {found.line: ("", replace(line, row_sha256="00" * 32))}):
        with pytest.raises(BadBundle, match="not what its line of the log records"):
            check_row(found, known)


def test_what_is_said_in_another_reviewers_name_is_refused(desks: list[Desk]) -> None:
    giving, taking, _ = desks
    with giving.working() as casebook, casebook.together():
        case = giving.case(casebook, 1)
        casebook.assignments.add(case, A, reviewer=B, day=DAY)

    with pytest.raises(BadBundle, match="not its reviewer's own"):
        taking.merge(giving.work())


AMOUNT = {"amount": "9000.00", "currency": "CNY", "as_of": "2026-01", "what": "【虚构】"}


@pytest.mark.parametrize(
    ("amount", "taken"),
    [
        (AMOUNT, True),
        ({**AMOUNT, "amount": "-0", "as_of": "", "method": "stated"}, True),
        ({**AMOUNT, "amount": "nine"}, False),
        ({**AMOUNT, "amount": "NaN"}, False),
        ({**AMOUNT, "amount": 9}, False),
        ({**AMOUNT, "currency": "\x1b[31m"}, False),
        ({**AMOUNT, "as_of": "soon\n"}, False),
        ({**AMOUNT, "method": "\x9b"}, False),
        ({"amount": "9"}, False),
    ],
)
def test_an_amount_is_taken_if_a_sheet_gives_such(amount: dict[str, object], taken: bool) -> None:
    assert is_amount(amount) is taken


def test_a_review_with_an_amount_that_no_sheet_gives_is_refused(desks: list[Desk]) -> None:
    giving, taking, _ = desks
    giving.judge(1, merit="", urgency="danger", amounts=(AMOUNT,))
    assert taking.merge(giving.work()).layers == 1
    giving.judge(2, merit="", urgency="danger", amounts=({**AMOUNT, "amount": "NaN"},))
    with pytest.raises(BadBundle, match="A layer in the work bundle is damaged"):
        taking.merge(giving.work())


def test_two_desks_with_one_number_are_named(tmp_path: Path) -> None:
    one, other = (Desk.make(tmp_path / name, 0) for name in ("one", "other"))

    with pytest.raises(BadBundle, match="Two desks have the number 0"):
        one.merge(other.work())
    # Nor may two that are both new here.
    second, third = (Desk.make(tmp_path / name, 1).work() for name in ("second", "third"))
    with pytest.raises(BadBundle, match="Two desks have the number 1"):
        one.merge(replace(second, desks=(*second.desks, *third.desks)))
    assert one.merge(second).lines == len(second.lines)


def test_a_desk_that_is_none_of_this_drop_is_named(tmp_path: Path) -> None:
    taking, giving = (Desk.make(tmp_path / str(number), number) for number in range(2))
    work = giving.work()
    (desk,) = work.desks
    another = "The work bundle has a desk of another drop"
    changed = "The settings of a desk in the work bundle were changed"
    damaged = "The work bundle is damaged: a desk's settings"
    for meta, sentence in (
        ({**desk.meta, "campaign": "other"}, another),
        ({**desk.meta, "server_key": "ab" * 32}, another),
        ({**desk.meta, "sample_key": "ab" * 31}, another),
        ({**desk.meta, "sample_key": "ab" * 33}, another),
        ({**desk.meta, "desk": DESKS}, changed),
        ({**desk.meta, "desk": -1}, changed),
        ({**desk.meta, "sample_key": "key"}, damaged),
        ({**desk.meta, "sample_key": 7}, damaged),
        ({}, damaged),
        ([], damaged),
        (7, damaged),
    ):
        settings = canonical_json.encode([meta, []], ascii_only=True)
        made = desk._replace(origin=digest(settings), settings=settings.decode())
        with pytest.raises(BadBundle, match=sentence):
            taking.merge(replace(work, desks=(made,), lines=()))


def test_once_a_desk_with_a_lower_number_is_known_its_key_draws_cases(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = (Desk.make(tmp_path / str(number), number) for number in range(2))
    with Casebook.open(low.directory) as casebook:
        key = casebook.desks.sample_key()
    monkeypatch.setattr("scripts.desk.casebook.layers.sampled", lambda used, *_: used == key)
    high.file([1, 2])
    high.judge(1, "m1", outcome="st.closed")

    def standings() -> list[str]:
        with Casebook.open(high.directory) as casebook:
            return [row["status"] for row in casebook.layers.standings()]

    assert standings() == ["st.closed", "st.new"]
    high.merge(low.work())
    assert standings() == ["st.first_review", "st.new"]


def test_a_reviewer_whom_the_casebook_does_not_know_is_named(tmp_path: Path) -> None:
    one, other = Desk.make(tmp_path / "one", 0, known=1), Desk.make(tmp_path / "other", 1)
    other.file([1])

    with pytest.raises(BadBundle, match="not by a reviewer whom this casebook knows"):
        one.merge(other.work())


@pytest.mark.parametrize(
    ("table", "column", "value", "sentence"),
    [
        ("desk_line", "signature", b"x" * 64, "its signature is not valid"),
        ("desk_row", "row", '{"x":1}', "work of other desks cannot be read"),
        ("desk_row", "characters", "Z" * 41, "another desk was changed"),
        ("desk", "settings", '[{"desk":0}]', "settings of desk 0"),
    ],
)
def test_verify_names_what_was_changed_in_others_work(
    desks: list[Desk], table: str, column: str, value: object, sentence: str
) -> None:
    desks[0].judge(1, merit="", urgency="danger")
    desks[1].merge(desks[0].work())
    assert verified(desks[1]) == ([], [])
    with Casebook.open(desks[1].directory) as casebook:
        guard = casebook.database.execute(
            "SELECT sql FROM sqlite_master WHERE name = ?", [f"{table}_update"]
        ).fetchone()[0]
        casebook.database.execute(f"DROP TRIGGER {table}_update")
        casebook.database.execute(f'UPDATE {table} SET "{column}" = ?', [value])
        casebook.database.execute(guard)
        casebook.database.conn.commit()

    assert any(sentence in found for found in verified(desks[1])[0])


def test_verify_names_a_draw_that_was_no_chance(desks: list[Desk]) -> None:
    desks[1].draw(1)
    assert verified(desks[1]) == ([], [])
    desks[1].draw(2, percent=0)
    desks[0].merge(desks[1].work())
    for desk in desks[:2]:
        found, _ = verified(desk)
        assert len(found) == 1 and "not by the key that is named" in found[0]


def test_a_line_is_found_by_its_hash(desks: list[Desk]) -> None:
    one = desks[0].work().lines[0]

    assert one.sha256 == link(one.line, one.signature) and datetime.now(UTC) > NOW
