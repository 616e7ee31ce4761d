"""What a form page carries, and for how long it is accepted."""

from dataclasses import dataclass, replace

import pytest
from support.cases import attachment

from dropbox.codename import Codename
from dropbox.front.form_token import (
    ForgedToken,
    FormState,
    FormTokens,
    LeftToken,
    StaleToken,
)
from dropbox.front.photo_sealing import Photo
from dropbox.front.shared_keys import DAY_SECONDS, SharedKeys
from dropbox.report import Attachment

MIDNIGHT = 20_700 * DAY_SECONDS
LIFETIME = 7_200


@dataclass
class Clock:
    now: float = MIDNIGHT + 60

    def __call__(self) -> float:
        return self.now


def file(name: str = "a.png", key: int = 1) -> Attachment:
    return replace(attachment(name), block_key=bytes([key]) * 32)


STATE = FormState(Codename((1, 2, 3, 4, 5, 6, 7)), b"n" * 16)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def tokens(clock: Clock) -> FormTokens:
    return FormTokens(SharedKeys.private(clock), lifetime_seconds=LIFETIME, clock=clock)


def test_everything_that_a_page_carries_comes_back(tokens: FormTokens) -> None:
    photo = Photo(b"\1" * 32, ("place",), file("b.png", 2))
    state = replace(
        STATE,
        attachments=(file(), file("名.jpg", 3)),
        asked=True,
        missing=("lost.txt",),
        nameless=True,
        photos=(photo,),
    )

    for one in (STATE, state, replace(STATE, maybe_sent=True)):
        assert tokens.open("report", tokens.seal("report", one)) == one
    assert (len(STATE.visit), STATE.asked, STATE.maybe_sent, STATE.nameless) == (16, *[False] * 3)


@pytest.mark.parametrize(
    ("seconds", "good"), [(-1, False), (0, True), (LIFETIME, True), (LIFETIME + 1, False)]
)
def test_a_page_is_good_from_its_making_to_the_last_second_of_its_life(
    tokens: FormTokens, clock: Clock, seconds: int, good: bool
) -> None:
    token = tokens.seal("report", STATE)
    clock.now += seconds

    if good:
        assert tokens.open("report", token) == STATE
    else:
        with pytest.raises(StaleToken) as refusal:
            tokens.open("report", token)
        assert refusal.value.state == STATE
        assert str(refusal.value) == "The page was open too long."


@pytest.mark.parametrize("untrusted", ["", "AAAA", "x" * 100, "ä", "=" * 8])
def test_what_no_page_carries_is_forged(tokens: FormTokens, untrusted: str) -> None:
    for act in (lambda: tokens.open("report", untrusted), lambda: tokens.nonce_of(untrusted)):
        with pytest.raises(ForgedToken):
            act()
    tokens.leave(untrusted)
    with pytest.raises(ForgedToken):
        tokens.open("case", tokens.seal("report", STATE))


@pytest.mark.parametrize(("more", "good"), [(0, True), (3, False)])
def test_a_token_that_is_longer_than_any_page_makes_is_not_read(
    tokens: FormTokens, more: int, good: bool
) -> None:
    # A nonce of 24 bytes and a tag of 16 are around what is sealed, three bytes in four letters.
    size = 65_536 * 3 // 4 - 24 - 16 - len(STATE.nonce) + more
    token = tokens.arrival(replace(STATE, visit=bytes(size)))

    assert len(token) == 65_536 + 4 * (more // 3)
    if good:
        assert tokens.nonce_of(token) == STATE.nonce
    else:
        with pytest.raises(ForgedToken):
            tokens.nonce_of(token)


def test_leaving_ends_the_pages_of_a_visit_and_their_buttons(tokens: FormTokens) -> None:
    other = FormState.of(STATE.codename)
    page, button = tokens.seal("report", STATE), tokens.arrival(STATE)
    assert not tokens.was_left(STATE)

    tokens.leave(tokens.leaving(STATE))

    assert tokens.was_left(STATE) and not tokens.was_left(other)
    for act in (lambda: tokens.open("report", page), lambda: tokens.nonce_of(button)):
        with pytest.raises(LeftToken):
            act()
    tokens.end(other)
    assert tokens.was_left(other)


def test_files_that_arrived_are_missing_no_longer_and_others_are_by_sixty_characters() -> None:
    long = "x" * 59 + "yz"
    state = replace(STATE, missing=("a.png", long[:60], "kept"))

    found = state.after_arrival([file("a.png"), file(long)], ["lost", "kept", "w" * 61])

    assert found.missing == ("kept", "lost", "w" * 60)
    assert [one.name for one in found.attachments] == ["a.png", long]
    many = STATE.after_arrival([], [f"lost {number}" for number in range(12)])
    assert many.missing == tuple(f"lost {number}" for number in range(10))
    assert found.without_missing().missing == ()
    assert replace(STATE, attachments=(file("gone"),)).without_files().missing == ("gone",)


def test_photographs_go_as_their_writer_says() -> None:
    whole, copy, plain = file("a.jpg", 1), file("copy", 2), file("b.heic", 3)
    photos = (Photo(whole.block_key, ("place",), copy), Photo(plain.block_key, ("serial",), None))
    state = replace(STATE, attachments=(whole, plain)).with_photos(photos)

    assert state.sealed == (whole, plain, copy)
    stripped = state.with_stripped_photos()
    assert stripped.attachments == (replace(copy, name="a.jpg"), plain)
    assert [photo.of for photo in stripped.photos] == [plain.block_key]
    assert state.with_photos_as_they_are().photos == ()
    assert state.with_files((whole,)).photos == photos[:1]


def test_names_are_left_away_only_if_their_writer_asks_for_it() -> None:
    state = replace(STATE, attachments=(file("护照.PNG"), file("notes", 2), file(".png", 3)))

    assert state.to_send() == state
    sent = state.with_names_left_away(True).to_send()
    assert [one.name for one in sent.attachments] == ["1.png", "2", "3"]
    volumes = replace(STATE, attachments=(file("张三.z01"), file("张三.zip", 2), file("x.jpg", 3)))
    first, whole, other = (
        one.name for one in volumes.with_names_left_away(True).to_send().attachments
    )
    assert whole == first.removesuffix("z01") + "zip" and "张三" not in first + whole
    assert other == "3.jpg"


def test_the_next_page_of_a_visit_belongs_to_it(tokens: FormTokens) -> None:
    nexts = STATE.after_sending()

    assert (nexts.codename, nexts.visit) == (STATE.codename, STATE.visit)
    assert nexts.nonce != STATE.nonce and len(nexts.nonce) == len(STATE.nonce)
    assert STATE.with_another_codename().codename != STATE.codename
    assert STATE.after_asking().asked and STATE.as_sent_before().maybe_sent
    assert not STATE.as_sent_before(False).maybe_sent


def test_a_page_that_was_made_after_midnight_outlives_the_key_of_the_day_before(
    clock: Clock,
) -> None:
    clock.now = MIDNIGHT - 10
    tokens = FormTokens(SharedKeys.private(clock), lifetime_seconds=LIFETIME, clock=clock)
    tokens.seal("report", STATE)
    clock.now = MIDNIGHT + 60
    token = tokens.seal("report", STATE)
    clock.now += LIFETIME

    assert tokens.open("report", token) == STATE
