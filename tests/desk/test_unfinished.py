"""What was begun and not saved when the full screen locks: sealed, and offered again."""

import gc
import types
from functools import lru_cache
from pathlib import Path

import pytest
from support.cases import DAY, attachment, report
from support.desks import Desk
from support.seat import WIDE, Seat

from dropbox.errors import CannotOpen
from dropbox.openpgp import Opener
from dropbox.reviewer_key import reviewer_keys
from scripts.desk.commands.screen import seal_to_own
from scripts.desk.full_screen.case_screen import CaseScreen
from scripts.desk.full_screen.dialogs import Question, Typed
from scripts.desk.full_screen.forgetting import clear_caches
from scripts.desk.full_screen.locked_screen import LockedScreen
from scripts.desk.full_screen.queue_screen import QueueScreen
from scripts.desk.full_screen.unfinished import MOST_BYTES


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A desk with three cases of which nobody has said anything."""
    made = Desk.make(tmp_path / "desk", 0)
    made.file([1, 2, 3])
    return made


def in_memory(*turned: str) -> set[str]:
    """Which of these texts, each given backwards, anything in this process has in it.

    What runs at the moment is left out: it is this test itself.
    """
    left_out = (types.ModuleType, types.FrameType, types.CoroutineType, type)
    # What was left out of collections is not among the objects otherwise.
    gc.unfreeze()
    objects = [one for one in gc.get_objects() if not isinstance(one, left_out)]
    gc.freeze()
    held = gc.get_referents(*objects)
    # By identity: not every kind of text that some module has made can be in a set.
    texts = {id(one): one for one in held if isinstance(one, str)}
    data = {id(one): one for one in held if isinstance(one, bytes)}
    return {
        one
        for one in turned
        if any(one[::-1] in text for text in texts.values())
        or any(one[::-1].encode() in some for some in data.values())
    }


# Backwards, so that nothing of these tests has them in it.
NOTE, TYPED, STORY = "一记正", "二记正", "事故人某"


@pytest.mark.slow
def test_what_was_filled_in_is_sealed_by_the_lock_and_comes_back_with_the_passphrase(
    desk: Desk,
) -> None:
    with desk.working() as casebook:
        second = casebook.names.of(2)

    async def act(seat: Seat) -> None:
        await seat.press("down", "enter", "3", "1", "2", "o")
        await seat.type(NOTE[::-1], "ctrl+s", "o")
        assert isinstance(seat.app.screen, Typed)
        await seat.type(TYPED[::-1])
        assert in_memory(NOTE, TYPED) == {NOTE, TYPED}
        shown = " ".join((await seat.press("ctrl+l")).split())
        assert "sealed to your own key" in shown and "is gone if you leave" in shown
        assert in_memory(NOTE, TYPED) == set()
        # Not even the key that leaves throws it away unasked.
        assert "Leave all the same?" in await seat.press("q")
        shown = await seat.press("n", "enter")
        assert f"filled in for {second} was not saved" in " ".join(shown.split())
        shown = await seat.press("y")
        assert isinstance(seat.app.screen, Typed) and NOTE[::-1] + TYPED[::-1] in shown
        shown = await seat.press("ctrl+s", "s")
        assert f"{second} was saved" in shown and seat.sitting.unfinished is None

    Seat(desk).work(act)

    with desk.working() as casebook:
        (layer,) = casebook.layers.of(casebook.case(2)).layers
        said = layer.judgement
        assert (said.merit, said.urgency, said.evidence) == ("m2", "normal", "2")
        assert said.note == NOTE[::-1] + TYPED[::-1]


@pytest.mark.slow
def test_caches_are_emptied_also_of_what_is_left_out_of_collections() -> None:
    @lru_cache
    def kept(text: str) -> str:
        return text * 2

    kept("正文")
    gc.freeze()
    clear_caches()

    assert kept.cache_info().currsize == 0 and gc.get_freeze_count() == 0


@pytest.mark.long
def test_a_locked_desk_has_nothing_of_a_case_in_memory_whatever_was_on_the_screen(
    desk: Desk,
) -> None:
    for claimant in (2, 3):
        with desk.working() as casebook:
            name = STORY[::-1]
            casebook.add_part(
                block_id=bytes([claimant]) * 16,
                block_sha256="00" * 32,
                day=DAY,
                bundle=2,
                report=report(name * 9, claimant=claimant, attachments=(attachment(name),)),
            )
    desk.answer(3, STORY[::-1], leave=False)
    ways = ["enter tab", "enter f", "enter c", "enter x enter", "o enter", "slash TYPED"]

    async def act(seat: Seat) -> None:
        for way in [*ways, "enter a enter TYPED"]:
            await seat.press("end")
            for key in way.split():
                await (seat.type(TYPED[::-1]) if key == "TYPED" else seat.press(key))
            # A way at the least on which there is something to find.
            assert way != ways[0] or in_memory(STORY)
            await seat.press("ctrl+l")
            assert in_memory(STORY, TYPED) == set(), way
            await seat.press("enter")
            await seat.press(*["n"] * isinstance(seat.app.screen, Question))

    Seat(desk, WIDE).work(act)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [False, True])
def test_an_answer_that_is_being_written_comes_back_also_from_its_last_question(
    desk: Desk, asked: bool
) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "a", "enter")
        await seat.type("谢谢您的来信。", *["ctrl+s"] * asked)
        await seat.press("ctrl+l", "enter")
        await seat.press("y")
        assert isinstance(seat.app.screen, Typed) and "谢谢您的来信。" in seat.shown
        assert "leaves with the next export-replies" in await seat.press("ctrl+s", "y")

    Seat(desk).work(act)


@pytest.mark.slow
def test_a_translation_comes_back_and_no_throws_it_away(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "g", "enter")
        await seat.type("Account closed", "ctrl+l")
        # Before anybody says yes or no it locks again, and is kept.
        for _ in range(2):
            await seat.press("enter")
            assert isinstance(seat.app.screen, Question)
            await seat.press("ctrl+l")
        await seat.press("enter", "y")
        assert "Account closed" in seat.shown and isinstance(seat.app.screen, Typed)
        await seat.press("ctrl+l", "enter", "n")
        assert isinstance(seat.app.screen, QueueScreen)
        shown = await seat.press("ctrl+l")
        assert "sealed" not in shown
        await seat.press("enter")
        assert isinstance(seat.app.screen, QueueScreen)

    Seat(desk).work(act)


@pytest.mark.slow
def test_a_case_that_changed_meanwhile_gets_no_former_sheet(desk: Desk) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "3", "ctrl+l")
        desk.file([1], again=1)
        shown = await seat.press("enter", "y")
        assert "has changed; what was filled in for it is gone" in shown
        assert isinstance(seat.app.screen, CaseScreen) and not seat.app.screen.unsaved

    Seat(desk).work(act)


@pytest.mark.slow
def test_the_lock_locks_when_gpg_cannot_seal_and_says_what_that_costs(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "3")
        shown = " ".join((await seat.press("ctrl+l")).split())
        assert isinstance(seat.app.screen, LockedScreen) and seat.locked == 1
        assert "gpg could not seal what was not saved, and it is gone." in shown
        await seat.press("enter")
        assert isinstance(seat.app.screen, QueueScreen)

    Seat(desk, seals=False).work(act)


@pytest.mark.slow
def test_what_cannot_be_opened_stays_sealed_and_the_desk_locked(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(seat: Seat) -> None:
        await seat.press("enter", "3", "ctrl+l")
        with monkeypatch.context() as patched:
            patched.setattr(seat.sitting, "unseal", refused)
            await seat.press("enter")
            assert isinstance(seat.app.screen, LockedScreen) and not seat.sitting.is_open
        assert "was not saved" in " ".join((await seat.press("enter")).split())

    def refused() -> None:
        raise CannotOpen

    Seat(desk).work(act)


@pytest.mark.slow
def test_gpg_seals_to_the_reviewers_own_key_and_to_nobody_else(reviewer_homes: list[Path]) -> None:
    own, other = reviewer_homes[:2]
    reviewer = reviewer_keys(own)[0].fingerprint

    sealed = seal_to_own(own, reviewer, "未保存".encode())

    assert "未保存".encode() not in sealed
    assert Opener(own).open(sealed, MOST_BYTES) == "未保存".encode()
    with pytest.raises(CannotOpen):
        Opener(other).open(sealed, MOST_BYTES)
