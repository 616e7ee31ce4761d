"""Answers at the desk: to whom, in which language, with which warnings, with which outcome."""

import io
import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from nacl.public import PrivateKey
from support.cases import know_vault, new_casebook
from support.line import Line
from support.team import Team

from dropbox.campaign import Campaign
from dropbox.errors import BadReply
from dropbox.label import LANGUAGES
from dropbox.openpgp import Opener
from dropbox.packets import PublicKey
from dropbox.reply import open_reply, reply_tag
from dropbox.reply_bundle import REPLIES_IN_A_BUNDLE
from dropbox.report import Attachment, Report
from dropbox.sizes import ID_BYTES, REPLY_BYTES
from dropbox.tar_members import Members
from scripts.desk.audit import findings
from scripts.desk.casebook import custody
from scripts.desk.casebook.answer_rows import ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS
from scripts.desk.casebook.casebook import Casebook, CasebookError
from scripts.desk.commands import answer as answer_command
from scripts.desk.commands import export_replies as export_command
from scripts.desk.commands import outbox as outbox_command
from scripts.desk.outbox import sending
from scripts.desk.outbox.quotation import CHARACTERS, WORDS, Quotation, claimants_words, quotation
from scripts.desk.outbox.sending import carrying_again, export_replies, leaving, withheld
from scripts.desk.outbox.writing import (
    OutboxError,
    Skipped,
    addressees,
    answer,
    language_of,
    queue,
    take_back,
    template,
    write,
)
from scripts.desk.screen.answer_tables import answered_values, came_back
from scripts.desk.search import summary

DAY = date(2026, 11, 24)
STORY = (
    "【虚构】我的微信账号在 2019 年被永久封禁，钱包里的钱取不出来。"
    "My shop lost all of its customers in one night."
)


@pytest.fixture
def casebook(casebook: Casebook) -> Casebook:
    """An empty casebook that knows where answers go."""
    know_vault(casebook)
    return casebook


def add(
    casebook: Casebook,
    claimant: int,
    text: str = STORY,
    day: date = DAY,
    bundle: int = 1,
    **changes: Any,
) -> int:
    """A part of *claimant*'s case; returns the case's number."""
    public = bytes(PrivateKey(bytes([claimant]) * 32).public_key)
    fields = {
        "kind": "report",
        "campaign": "wechat-2020",
        "language": "zh-Hans",
        "category": "c1",
        "harms": (),
        "attachments": (),
    }
    report = Report(
        **{
            **fields,
            "text": text,
            "reply_public": public,
            "tag_key": bytes([claimant]) * 32,
            **changes,
        }
    )
    return casebook.add_part(
        block_id=os.urandom(16), block_sha256="0" * 64, day=day, bundle=bundle, report=report
    ).case


def test_a_ready_answer_reaches_each_claimant_in_their_language(casebook: Casebook) -> None:
    numbers = [add(casebook, 1, language=language) for language in LANGUAGES[:1]]
    numbers += [
        add(casebook, claimant, language=language)
        for claimant, language in ((2, "zh-Hant"), (3, "en"))
    ]
    add(casebook, 3, "more", kind="message", language="zh-Hant", day=DAY + timedelta(days=1))

    letters = write(casebook, [*numbers, numbers[0]], template(casebook, "answer.when"), today=DAY)
    queue(casebook, letters)

    body = template(casebook, "answer.when").body
    queued = [(one.case, one.language, one.text) for one in casebook.answers.queued()]
    assert queued == [
        (1, "zh-Hans", body["zh-Hans"]),
        (2, "zh-Hant", body["zh-Hant"]),
        (3, "zh-Hant", body["zh-Hant"]),
    ]


@pytest.mark.parametrize(
    ("parts", "language"),
    [
        ([{"language": "en"}], "en"),
        ([{"language": "en"}, {"language": "zh-Hant"}], "zh-Hant"),
        ([{"language": "zh-Hans", "facts": {"reply_language": "en"}}], "en"),
        (
            [{"language": "zh-Hans", "facts": {"reply_language": "en"}}, {"language": "zh-Hant"}],
            "en",
        ),
        ([{"language": "en", "facts": {"reply_language": "klingon"}}], "en"),
        ([{"language": "en"}, {"language": "xx"}], "en"),
        ([{"language": "xx", "facts": {"reply_language": ["en"]}}], "zh-Hans"),
    ],
)
def test_the_language_is_the_one_asked_for_or_the_last_one_written_in(
    casebook: Casebook, parts: list[dict[str, Any]], language: str
) -> None:
    for later, changes in enumerate(parts):
        add(casebook, 1, day=DAY + timedelta(days=later), **changes)

    assert language_of(casebook.case(1)) == language


@pytest.mark.parametrize(
    ("written", "instead_of"),
    [
        (["fr"], "fr"),
        (["en"], ""),
        (["en", "fr"], "fr"),
        (["fr", "en"], ""),
        (["no tag"], ""),
    ],
)
def test_a_language_that_the_drop_does_not_have_is_said_if_it_was_written_in_last(
    casebook: Casebook, written: list[str], instead_of: str
) -> None:
    for later, language in enumerate(written):
        add(casebook, 1, day=DAY + timedelta(days=later), language=language)

    (letter,) = write(casebook, [1], "x", today=DAY)
    assert letter.instead_of == instead_of
    (letter,) = write(casebook, [1], "x", today=DAY, language="en")
    assert (letter.language, letter.instead_of) == ("en", "")


def test_whoever_asked_not_to_be_answered_is_answered_only_although(
    casebook: Casebook, campaign: Campaign
) -> None:
    question = next(one for one in campaign.questions if one.code == "reply_ok")
    asked = add(casebook, 1, facts={"reply_ok": question.read(["reply.no"])})
    add(casebook, 1, "more", kind="message")
    other = add(casebook, 2)

    with pytest.raises(
        OutboxError, match=f"{casebook.names.of(asked)} asked not to be answered; --force"
    ):
        write(casebook, [other, asked], "x", today=DAY)
    assert len(write(casebook, [other, asked], "x", today=DAY, although=True)) == 2
    assert casebook.case(asked).wants_no_answer and not casebook.case(other).wants_no_answer
    name = casebook.names.of(asked)
    assert addressees(casebook, [other, asked], "x") == ([other], {Skipped.REFUSED: [name]})
    assert addressees(casebook, [other, asked], "x", although=True) == ([other, asked], {})
    queue(casebook, write(casebook, [other], "x", today=DAY))
    again = {Skipped.REPEATED: [casebook.names.of(other)]}
    assert addressees(casebook, [other], "x") == ([], again)
    assert addressees(casebook, [other], "x", repeat=True) == ([other], {})
    assert addressees(casebook, [other], "y", without=[other])[0] == []


def test_no_acknowledgement_goes_to_whoever_asked_not_to_be_answered(casebook: Casebook) -> None:
    add(casebook, 1, facts={"reply_ok": ["reply.no"]})
    add(casebook, 2)

    assert summary.unacknowledged(casebook, ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS) == [2]


def test_no_notice_goes_to_whoever_declined_it_and_an_answer_does(
    casebook: Casebook, campaign: Campaign
) -> None:
    """The notice comes by itself and shows that something was filed; an answer was not declined."""
    question = next(one for one in campaign.questions if one.code == "reply_ok")
    declined = add(casebook, 1, facts={"reply_ok": question.read(["reply.no_notice"])})
    add(casebook, 1, "more", kind="message")
    both = add(casebook, 2, facts={"reply_ok": ["reply.no", "reply.no_notice"]})
    add(casebook, 3)

    assert summary.unacknowledged(casebook, ACKNOWLEDGEMENT, MOST_ACKNOWLEDGEMENTS) == [3]
    assert not casebook.case(declined).wants_no_answer and casebook.case(both).wants_no_answer
    assert len(write(casebook, [declined], "x", today=DAY)) == 1


def test_one_text_to_claimants_of_different_languages_has_to_name_its_own(
    casebook: Casebook,
) -> None:
    numbers = [add(casebook, 1), add(casebook, 2, language="en")]

    with pytest.raises(OutboxError, match="different languages"):
        write(casebook, numbers, "x", today=DAY)
    assert {one.language for one in write(casebook, numbers, "x", today=DAY, language="en")} == {
        "en"
    }
    with pytest.raises(OutboxError, match="no such template"):
        template(casebook, "answer.nonsense")


def test_many_answers_are_queued_together_or_not_at_all(casebook: Casebook) -> None:
    numbers = [add(casebook, 1), add(casebook, 2)]
    for _ in range(64):
        answer(casebook, numbers[1], "x", today=DAY)

    with pytest.raises(CasebookError, match=f"{casebook.names.of(numbers[1])} has 64 answers"):
        queue(casebook, write(casebook, numbers, "y", today=DAY))

    assert {one.case for one in casebook.answers.queued()} == {numbers[1]}


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("您说账号在2019年被永久封", Quotation(8, 1)),
        ("微信帳號在２０１９年被永久封禁", Quotation(11, 1)),
        ("微 信 账\u200b号，在「2019」年被永\n久封！", Quotation(10, 1)),
        ("钱包里的钱取不", None),
        ("钱包里的钱取不出", Quotation(8, 0)),
        ("钱包🙂里的钱👍🏽取不出", Quotation(8, 0)),
        ("錢包裡的錢取不出來", Quotation(9, 0)),
        ("my ＳＨＯＰ, lost... ALL of", Quotation(0, 5)),
        ("my shóp löst 🙂 all of", Quotation(0, 5)),
        ("shop lost all of", None),
        ("a shop that lost all of the customers in one", None),
        ("", None),
    ],
)
def test_words_of_the_claimants_are_found_in_whatever_width_case_script_and_spacing(
    written: str, found: Quotation | None
) -> None:
    assert quotation(written, ["另一段话", STORY]) == found


def test_a_quotation_begins_at_eight_characters_or_five_words() -> None:
    characters, words = "甲乙丙丁戊己庚辛壬癸", "one two three four five six seven"

    assert quotation("，".join(characters[:CHARACTERS]), [characters]) == Quotation(8, 0)
    assert quotation(characters[: CHARACTERS - 1], [characters]) is None
    assert quotation(" ".join(words.split()[1 : 1 + WORDS]).title(), [words]) == Quotation(0, 5)
    assert quotation(" ".join(words.split()[: WORDS - 1]), [words]) is None
    assert quotation(characters, [characters[:5], characters[5:]]) is None


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("øre яndex αwechat þing ƒabcdef", Quotation(0, 5)),
        ("øre яndex αwechat þing", None),
        ("甲乙丙丁 øre 戊己庚", Quotation(7, 1)),
        ("甲乙丙丁 øre 戊", None),
        ("甲乙 one two øre 丙", None),
        ("甲乙 one two øre 丙丁", Quotation(4, 3)),
        ("_ one_two three 4 _5 ƒ", Quotation(0, 6)),
    ],
)
def test_any_script_makes_words_whatever_letters_they_go_on_with(
    written: str, found: Quotation | None
) -> None:
    assert quotation(written, [f"{written} and more"]) == found


def test_each_run_of_words_is_measured_on_its_own() -> None:
    first, last = "one two three four five", "six seven eight nine ten eleven twelve"
    told, characters = [f"{first} {last}"], "甲乙丙丁戊己庚辛壬"

    assert quotation(f"{last} x {first}", told) == Quotation(0, 7)
    assert quotation(f"{first} x {last}", told) == Quotation(0, 7)
    assert quotation(f"x {first} x", told) == Quotation(0, 5)
    # Five words weigh as much as eight characters, so nine characters weigh more.
    assert quotation(f"{first} x {characters}", [*told, characters]) == Quotation(9, 0)


def test_a_quotations_length_is_said_in_words() -> None:
    said = {Quotation(8, 1): "8 characters and 1 word", Quotation(1, 2): "1 character and 2 words"}

    assert {one: str(one) for one in said} == said
    assert str(Quotation(2, 0)) == "2 characters" and str(Quotation(0, 2)) == "2 words"


def test_no_ready_answer_is_taken_for_a_quotation_of_the_sample_cases(campaign: Campaign) -> None:
    samples = json.loads((Path(__file__).parents[1] / "sample_cases.json").read_text("utf-8"))[
        "cases"
    ]
    texts = [case["text_zh_hans"] for case in samples]

    assert (
        quotation("\n".join(text for one in campaign.answers for text in one.body.values()), texts)
        is None
    )


def test_file_names_and_short_answers_are_the_claimants_words_too(casebook: Casebook) -> None:
    file = Attachment("训诫书照片.jpg", "image/jpeg", 0, "0" * 64, bytes(32), 0, 0)
    add(
        casebook,
        1,
        attachments=(file,),
        facts={"loss": ["一二三"], "trades": [{"price": "每股一百块"}]},
    )

    assert list(claimants_words(casebook.case(1))) == [
        STORY,
        "训诫书照片.jpg",
        "一二三",
        "每股一百块",
    ]


def test_only_what_a_reviewer_wrote_and_has_not_left_is_taken_back(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    case = casebook.case(add(casebook, 1))
    casebook.answers.queue(case, kind="acknowledgement", language="en", day=DAY, text="")
    for text in ("first", "second"):
        answer(casebook, 1, text, today=DAY)
    acknowledgement, first, second = casebook.answers.queued()

    assert take_back(casebook, first.id, today=DAY).text == "first"
    with pytest.raises(OutboxError, match="the desk queues it on its own"):
        take_back(casebook, acknowledgement.id, today=DAY)
    export_replies(casebook, tmp_path / "out.tar", opener, today=DAY)
    for number in (second.id, first.id, 99):
        with pytest.raises(OutboxError, match=r"no answer .* in the outbox"):
            take_back(casebook, number, today=DAY)

    assert [one.text for one in casebook.answers.to(case)] == [
        "",
        "second",
    ] and casebook.counts().queued == 0


def test_what_was_taken_back_makes_room_for_another_answer(casebook: Casebook) -> None:
    add(casebook, 1)
    for _ in range(64):
        answer(casebook, 1, "x", today=DAY)
    with pytest.raises(CasebookError, match="has 64 answers"):
        answer(casebook, 1, "one too many", today=DAY)
    last = casebook.answers.queued()[-1]

    take_back(casebook, last.id, today=DAY)
    answer(casebook, 1, "another", today=DAY)

    assert casebook.answers.queued()[-1].id > last.id and casebook.counts().queued == 64


def test_every_bundle_has_the_same_size_and_what_does_not_fit_waits(
    casebook: Casebook, opener: Opener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "REPLIES_IN_A_BUNDLE", 4)
    for claimant in range(1, 6):
        case = casebook.case(add(casebook, claimant))
        casebook.answers.queue(case, kind="acknowledgement", language="en", day=DAY, text="")
    answer(casebook, 5, "after all the acknowledgements", today=DAY)

    first = export_replies(casebook, tmp_path / "1.tar", opener, today=DAY)
    assert [one.kind for one in casebook.answers.to(casebook.case(5)) if one.left] == ["answer"]
    second = export_replies(casebook, tmp_path / "2.tar", opener, today=DAY)

    # The first said that the export bundle is stored here: it need not be said again.
    assert [
        (one.answers, one.replies, one.waiting, one.acknowledged) for one in (first, second)
    ] == [(4, 4, 2, 1), (2, 4, 0, 0)]
    assert len({path.stat().st_size for path in tmp_path.glob("*.tar")}) == 1
    assert REPLIES_IN_A_BUNDLE == 256


@pytest.mark.slow
def test_what_the_vault_never_got_is_written_out_again_under_its_own_tags(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    one, other, last = (add(casebook, claimant) for claimant in (1, 2, 3))
    for case in (one, other, last):
        answer(casebook, case, f"to {case}", today=DAY)
    assert export_replies(casebook, tmp_path / "1.tar", opener, today=DAY).acknowledged == 1
    add(casebook, 2, kind="withdrawal", bundle=2)
    answer(casebook, one, "later", today=DAY)

    once_more = carrying_again(casebook, [1])
    again = export_replies(casebook, tmp_path / "2.tar", opener, today=DAY, carried=once_more)
    once_more = carrying_again(casebook, [2])
    third = export_replies(casebook, tmp_path / "3.tar", opener, today=DAY, carried=once_more)

    assert (again.bundle, again.answers, again.waiting, again.acknowledged) == (2, 2, 1, 1)
    assert (third.bundle, third.answers) == (3, 2)
    for case in (one, last):
        tag = reply_tag(casebook.case(case).tag_key, desk=casebook.desk, number=0)
        for name in ("1.tar", "2.tar", "3.tar"):
            sealed = replies_in(tmp_path / name)[tag]
            assert open_reply(sealed, bytes([case]) * 32).text == f"to {case}"
    lost = reply_tag(casebook.case(other).tag_key, desk=casebook.desk, number=0)
    assert lost not in replies_in(tmp_path / "2.tar"), "its claimant took everything back"
    # It left once, and the next number is the next one.
    assert [(left.number, left.bundle) for left in casebook.answers.left()] == [(0, 1)] * 3
    assert [one.number for one in casebook.answers.numbered(casebook.answers.queued())] == [1]


def test_only_what_has_left_can_leave_again(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    answer(casebook, add(casebook, 1), "waits", today=DAY)

    for number in (1, 7):
        with pytest.raises(OutboxError, match=f"Nothing left in reply bundle {number} that"):
            carrying_again(casebook, [number])
    assert casebook.counts().queued == 1 and not (tmp_path / "1.tar").exists()


@pytest.mark.slow
def test_what_leaves_again_is_asked_about_shown_and_logged(line: Line, tmp_path: Path) -> None:
    line.run("answer", line.case(3), "--template", "answer.when", "--yes")
    line.run("export-replies", tmp_path / "1.tar", "--yes")

    code, _, err = line.at_a_terminal("y\n", "export-replies", tmp_path / "2.tar", "--again", "1")

    assert code == 0 and "leave once more, as in reply bundle 1?" in err
    assert "Please come back here with your codename" in err
    with Casebook.open(tmp_path / "casebook") as casebook:
        lines = [
            custody.Line.from_bytes(row["line"]) for row in casebook.database.table("custody").rows
        ]
        found = findings(casebook, custody.pinned(casebook.database), datetime.now(UTC))
    assert [one.subject for one in lines if one and one.row == "sent_again/1/2"] == [line.case(3)]
    assert not [one for one in found if "again" in one]


def test_no_reply_of_a_bundle_is_told_from_the_others_by_how_it_begins(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    """A sealed box begins with an X25519 key, whose highest bit is 0; random bytes often have 1."""
    answer(casebook, add(casebook, 1), "to somebody", today=DAY)
    answer(casebook, add(casebook, 2, reply_symmetric=b"s" * 32), "to another", today=DAY)
    export_replies(casebook, tmp_path / "1.tar", opener, today=DAY)

    sealed = list(replies_in(tmp_path / "1.tar").values())
    # One of version 2 has it by chance.
    assert [one[31] & 0x80 for one in sealed].count(0) >= 255
    assert len({one[:32] for one in sealed}) == 256


def replies_in(path: Path) -> dict[bytes, bytes]:
    """The 256 sealed replies of a bundle by their tags."""
    members = Members(io.BytesIO(path.read_bytes()))
    for name in ("manifest.json", "manifest.sig"):
        members.read(name, 2**20)
    content = members.read("replies", 2**24)
    record = ID_BYTES + REPLY_BYTES
    found = {
        content[at : at + ID_BYTES]: content[at + ID_BYTES : at + record]
        for at in range(0, len(content), record)
    }
    assert len(found) == 256 and {len(one) for one in found.values()} == {REPLY_BYTES}
    return found


def test_replies_of_version_2_and_their_decoys_are_random_to_whoever_has_no_key(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    answer(casebook, add(casebook, 1, reply_symmetric=b"s" * 32), "to somebody", today=DAY)
    export_replies(casebook, tmp_path / "1.tar", opener, today=DAY)

    sealed = replies_in(tmp_path / "1.tar")
    # Half of 256; less than one run in ten million is further off.
    assert 84 < sum(one[31] >> 7 for one in sealed.values()) < 172
    mine = sealed[reply_tag(bytes([1]) * 32, desk=casebook.desk, number=0)]
    assert open_reply(mine, bytes([1]) * 32, reply_symmetric=b"s" * 32).text == "to somebody"
    with pytest.raises(BadReply):
        open_reply(mine, bytes([1]) * 32)


def test_a_case_is_answered_under_the_first_symmetric_key_that_its_parts_name(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    """A claimant who filed before there was one gets it with the next message; later ones change
    nothing.
    """
    for later, key in enumerate((None, b"s" * 32, b"t" * 32)):
        number = add(casebook, 1, day=DAY + timedelta(days=later), reply_symmetric=key)
        case = casebook.case(number)
        assert case.reply_symmetric == (None if key is None else b"s" * 32)
        answer(casebook, number, f"answer {later}", today=DAY)
    assert len(casebook.case(1).parts) == 3


@pytest.mark.parametrize(("key", "room"), [(None, 4_048), (b"s" * 32, 4_008)])
def test_an_answer_that_would_not_fit_its_case_is_refused_when_it_is_written(
    casebook: Casebook, key: bytes | None, room: int
) -> None:
    number = add(casebook, 1, reply_symmetric=key)
    rest = len('{"day":"2026-11-24","kind":"answer","language":"zh-Hans","text":"","version":1}')
    fits = "x" * (room - rest - 1)

    answer(casebook, number, fits, today=DAY)
    with pytest.raises(BadReply, match="too long by 1 bytes"):
        answer(casebook, number, fits + "x", today=DAY)


def test_it_is_seen_when_an_answer_left_and_when_the_claimant_came_back(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    """A part of the day on which an answer left counts only if it came later."""
    later = [DAY + timedelta(days=days) for days in range(6)]
    for claimant in (1, 2, 3):
        add(casebook, claimant)
        answer(casebook, claimant, "please say when", today=DAY)
    add(casebook, 1, "before it left", kind="message", day=later[2])
    export_replies(casebook, tmp_path / "1.tar", opener, today=later[2])
    add(casebook, 2, "filed before, fetched after", kind="message", day=later[1], bundle=2)
    assert [(one.left, one.returned) for one in casebook.answers.left()] == [(later[2], None)] * 3

    add(casebook, 1, "on the same day", kind="message", day=later[2], bundle=2)
    add(casebook, 3, "last", kind="message", day=later[5], bundle=3)
    add(casebook, 3, "first", kind="withdrawal", day=later[4], bundle=3)
    answer(casebook, 1, "thanks", today=later[5])

    assert [one.returned for one in casebook.answers.left()] == [later[2], None, later[4]]
    assert [one.left for one in casebook.answers.to(casebook.case(1))] == [later[2], None]
    values = answered_values(casebook.answers.left())
    assert (values[0]["case"], values[0]["answers"], values[0]["left"]) == (
        casebook.names.of(1),
        1,
        "2026-11-26",
    )
    first, third = casebook.names.of(1), casebook.names.of(3)
    assert came_back(values) == f"{first} (2026-11-26), {third} (2026-11-28)"


def test_nothing_is_sent_to_a_claimant_who_took_everything_back(
    casebook: Casebook, opener: Opener, tmp_path: Path
) -> None:
    """Not even what waited when the notice came, nor after something was added later."""
    for claimant in (1, 2):
        add(casebook, claimant)
        answer(casebook, claimant, "please say when", today=DAY)
    add(casebook, 1, kind="withdrawal", bundle=2)
    add(casebook, 1, "added later", kind="message", bundle=3)

    assert [one.case for one in leaving(casebook)] == [2]
    assert [one.case for one in withheld(casebook)] == [1]
    left = export_replies(casebook, tmp_path / "1.tar", opener, today=DAY)
    assert (left.answers, left.waiting, left.withheld) == (1, 0, (casebook.names.of(1),))
    assert [one.case for one in casebook.answers.left()] == [2]
    with pytest.raises(OutboxError, match="No answer is waiting"):
        export_replies(casebook, tmp_path / "2.tar", opener, today=DAY)
    with pytest.raises(
        OutboxError, match=f"The claimants of {casebook.names.of(1)} took everything back"
    ):
        write(casebook, [2, 1], "once more", today=DAY, although=True)


@pytest.mark.slow
def test_the_commands_name_what_is_withheld_and_what_came_after_a_withdrawal(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = team.directory / "answer.txt"
    text.write_text("please say when", "utf-8")
    with Casebook.open(team.casebook) as casebook:
        for claimant in (1, 2):
            add(casebook, claimant)
        know_vault(casebook)
    team(0, "answer", team.case(), team.case(2), "--text-file", text, "--lang", "en", "--yes")
    before = team(0, "list"), team(0, "show", team.case())
    with Casebook.open(team.casebook) as casebook:
        add(casebook, 1, "with the same bundle", kind="message", bundle=2)
        add(casebook, 1, kind="withdrawal", bundle=2)
        add(casebook, 1, "after it", kind="message", bundle=3)

    waiting = json.loads(team(0, "outbox", "--json"))
    assert [one["withheld"] != "" for one in waiting] == [True, False]
    said = team(0, "export-replies", team.directory / "1.tar", "--yes")
    assert "1 of its 256 replies are answers" in said
    assert f"Not sent, since their claimants took everything back: {team.case()}." in said
    code, _, refused = team.run(0, "answer", team.case(), "--text-file", text, "--force", "--yes")
    assert code == 2 and "nothing is sent to them any more" in refused

    shown = team(0, "show", team.case())
    assert "The claimant took everything back on 2026-11-24;" in shown and ", withheld" in shown
    marked = [line for line in shown.splitlines() if "added after everything was taken" in line]
    assert len(marked) == 1 and shown.index(marked[0]) < shown.index("after it")
    assert shown.index("with the same bundle") < shown.index(marked[0])
    parts = json.loads(team(0, "show", team.case(), "--json"))["parts"]
    assert [part["after_withdrawal"] for part in parts] == [False, False, False, True]
    assert "1 part since" in team(0, "list") and not any("since" in one for one in before)
    assert [one["after_withdrawal"] for one in json.loads(team(0, "list", "--json"))] == [1, 0]


def let_it_be(day: date, patch: pytest.MonkeyPatch) -> None:
    """It is *day* at the desk from now on."""
    for command in (answer_command, export_command, outbox_command):
        patch.setattr(command, "today", lambda: day)


@pytest.fixture
def line(line: Line, tmp_path: Path, pinned: dict[str, PublicKey]) -> Line:
    """One case in each language."""
    with new_casebook(tmp_path / "casebook", pinned) as casebook:
        for claimant, language in enumerate(LANGUAGES, 1):
            add(casebook, claimant, language=language)
        know_vault(casebook)
    return line


def queued(line: Line) -> list[dict[str, Any]]:
    code, out, _ = line.run("outbox", "--json")
    assert code == 0
    values: list[dict[str, Any]] = json.loads(out)
    return values


@pytest.mark.slow
def test_nothing_is_queued_or_leaves_without_a_yes(line: Line, tmp_path: Path) -> None:
    template, bundle = (
        ("answer", line.case().lower(), line.case(3), "--template", "answer.evidence"),
        tmp_path / "replies.tar",
    )
    code, out, err = line.run(*template)
    assert (
        (code, out) == (2, "")
        and "to confirm this" in err
        and "--yes" in err
        and err.count("\n") == 1
    )
    code, _, err = line.at_a_terminal("n\n", *template)
    assert (
        code == 2
        and f"Queue 2 answers, to {line.case()} (zh-Hans), {line.case(3)} (en)? [y/N]" in err
        and queued(line) == []
    )

    code, out, _ = line.at_a_terminal("y\n", *template)
    assert (
        code == 0
        and f"2 answers, to {line.case()} (zh-Hans), {line.case(3)} (en), are queued" in out
    )

    assert line.run("export-replies", bundle)[0] == 2 and not bundle.exists()
    code, _, err = line.at_a_terminal("\n", "export-replies", bundle)
    assert (
        code == 2
        and f"Let 2 answers ({line.case()}, {line.case(3)}) and 0 acknowledgements leave?" in err
        and not bundle.exists()
    )
    assert (
        line.at_a_terminal("yes\n", "export-replies", bundle)[0] == 0
        and bundle.exists()
        and queued(line) == []
    )


def test_an_answer_is_typed_at_the_terminal_and_then_asked_back(line: Line, tmp_path: Path) -> None:
    typed, case = "thank you\n\x04", line.case(3)
    assert (
        line.at_a_terminal(typed + "n\n", "answer", case, "--text-file", "-")[0] == 2
        and queued(line) == []
    )
    assert line.at_a_terminal(typed + "y\n", "answer", case, "--text-file", "-")[0] == 0

    with Casebook.open(tmp_path / "casebook") as casebook:
        assert [one.text for one in casebook.answers.queued()] == ["thank you\n"]


def test_an_answer_that_quotes_is_told_by_its_length_and_not_by_its_words(
    line: Line, tmp_path: Path
) -> None:
    quoting = "您寫「錢包裡的錢取不出來」，請問是哪一年？"
    answer = ("answer", line.case(), "--text-file", "-", "--lang", "zh-Hant")
    code, out, err = line.run(*answer, "--yes", text=quoting)
    assert code == 0 and "queued" in out
    assert (
        f"Warning: the answer to {line.case()} repeats 9 characters in a row that the claimant "
        "wrote" in err
    )
    assert "钱" not in err + out and "錢" not in err + out

    file = tmp_path / "answer.txt"
    file.write_text(quoting, "utf-8")
    code, _, err = line.at_a_terminal(
        "no\n", "answer", line.case(), "--repeat", "--text-file", file
    )
    assert (
        code == 2
        and err.index("Warning") < err.index("Queue 1 answer,")
        and "Nothing was done." in err
    )
    code, _, err = line.run("export-replies", tmp_path / "replies.tar", "--yes")
    assert code == 0 and f"{line.case()} repeats 9 characters" in err


@pytest.mark.slow
def test_the_outbox_says_what_waits_for_whom_and_how_long(
    line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    let_it_be(DAY, monkeypatch)
    line.run("answer", line.case(2), "--template", "answer.next", "--yes")
    line.run("answer", line.case(3), "--text-file", "-", "--yes", text="thank you")
    let_it_be(DAY + timedelta(days=3), monkeypatch)

    first, second = queued(line)
    assert first == {
        "number": 1,
        "case": line.case(2),
        "kind": "answer",
        "language": "zh-Hant",
        "day": "2026-11-24",
        "days": 3,
        "withheld": "",
    }
    assert (second["case"], second["language"]) == (line.case(3), "en")
    assert line.case(2) in line.run("outbox")[1] and "thank you" not in line.run("outbox")[1]
    assert line.run("outbox", "--remove", 2) == (
        0,
        f"The answer to {line.case(3)} of 2026-11-24 was taken back.\n",
        "",
    )
    code, _, err = line.run("outbox", "--remove", 2)
    assert code == 2 and "no answer 2" in err and len(queued(line)) == 1

    assert line.run("outbox", "--left")[1] == "No answer has left.\n"
    assert line.run("export-replies", tmp_path / "replies.tar", "--yes")[0] == 0
    (gone,) = json.loads(line.run("outbox", "--left", "--json")[1])
    assert (gone["case"], gone["left"], gone["returned"]) == (line.case(2), "2026-11-27", None)
    assert line.run("outbox")[1] == (
        "No answer is waiting.\n"
        "Not confirmed yet, and may still arrive: reply bundle 1 (until 2026-12-11).\n"
    )
    assert "nothing yet" in line.run("outbox", "--left")[1]


@pytest.mark.slow
def test_status_and_show_tell_whether_the_claimant_came_back(
    line: Line, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    let_it_be(DAY, monkeypatch)
    line.run("answer", line.case(), line.case(2), "--template", "answer.when", "--yes")
    line.run("export-replies", tmp_path / "replies.tar", "--yes")
    assert "cases answered: 2; came back since: none" in line.run("status")[1]
    assert (
        "left in reply bundle 1 on 2026-11-24; nothing came since"
        in line.run("show", line.case())[1]
    )
    with Casebook.open(tmp_path / "casebook") as casebook:
        add(casebook, 1, "since March", kind="message", day=DAY + timedelta(days=7), bundle=2)

    assert (
        f"cases answered: 2; came back since: {line.case()} (2026-12-01)" in line.run("status")[1]
    )
    assert "the claimant came back on 2026-12-01" in line.run("show", line.case())[1]
    (shown,) = json.loads(line.run("show", line.case(), "--json")[1])["answers"]
    assert (shown["left"], shown["returned"]) == ("2026-11-24", "2026-12-01")
    first, second = json.loads(line.run("status", "--json")[1])["answered"]
    assert (first["returned"], second["returned"], first["answers"]) == ("2026-12-01", None, 1)


def test_the_ready_answers_are_listed(line: Line) -> None:
    code, out, _ = line.run("answer", "--templates")
    assert code == 0 and "answer.danger" in out and "Not in scope" in out
    listed = json.loads(line.run("answer", "--templates", "--json")[1])
    assert set(listed[0]) == {"template", "label", "text"} and set(listed[0]["text"]) == set(
        LANGUAGES
    )
    assert "不在征集范围内" in line.run("answer", "--templates", "--lang", "zh-Hans")[1]
    code, _, err = line.run("answer", "--template", "answer.next", "--yes")
    assert code == 2 and "Name the cases" in err


def test_what_leaves_is_shown_in_full_in_each_language_before_the_yes(
    line: Line, tmp_path: Path
) -> None:
    template = ("answer", line.case(), line.case(3), "--template", "answer.when")

    code, out, err = line.at_a_terminal("y\n", *template)

    assert code == 0 and "Reviewers have read it." not in out
    for place, language, words in (
        (line.case(), "zh-Hans", "时间重要，因为起诉有期限"),
        (line.case(3), "en", "Please come back here with your codename"),
    ):
        assert f"── {language}, to {place}\n\n" in err and words in err
    assert err.index("Please come back here") < err.index("Queue 2 answers")
    code, _, err = line.at_a_terminal("n\n", "export-replies", tmp_path / "replies.tar")
    assert code == 2 and "Please come back here" in err and "时间重要" in err
    # Nobody is asked, and nothing is shown.
    code, _, err = line.run("export-replies", tmp_path / "replies.tar", "--yes")
    assert (code, err) == (0, "")


def test_a_text_is_shown_with_nothing_in_it_that_acts_on_the_terminal(
    line: Line, tmp_path: Path
) -> None:
    file = tmp_path / "answer.txt"
    file.write_text("see \x1b[31m\u202e here", "utf-8")

    _, _, err = line.at_a_terminal("n\n", "answer", line.case(3), "--text-file", file)

    assert "see ‹U+001B›[31m‹U+202E› here" in err and "\x1b" not in err


def test_a_file_without_end_is_no_text_of_an_answer(line: Line) -> None:
    code, out, err = line.run("answer", line.case(3), "--text-file", "/dev/zero", "--yes")

    assert (code, out) == (2, "") and "The answer's text is far too long." in err


def test_whoever_gets_no_answer_is_skipped_and_named(
    line: Line, campaign: Campaign, tmp_path: Path
) -> None:
    question = next(one for one in campaign.questions if one.code == "reply_ok")
    with Casebook.open(tmp_path / "casebook") as casebook:
        refuser = add(casebook, 11, facts={"reply_ok": question.read(["reply.no"])})
        gone = add(casebook, 12)
        add(casebook, 12, kind="withdrawal")
        names = casebook.names.among([1, 3, refuser, gone])
    template = ("--template", "answer.when", "--yes")
    line.run("answer", names[1], *template)

    code, out, err = line.run("answer", *names.values(), *template)

    assert code == 0 and f"An answer to {names[3]} (en) is queued" in out
    assert (
        f"Skipped: {names[gone]}: took everything back; nothing is sent to them any more.\n" in err
    )
    assert f"Skipped: {names[refuser]}: asked not to be answered; --force" in err
    assert f"Skipped: {names[1]}: have this very answer already; --repeat" in err
    assert len(queued(line)) == 2
    code, out, err = line.run("answer", *names.values(), *template, "--repeat", "--force")
    assert code == 0 and out.startswith("3 answers") and err.count("Skipped: ") == 1
    code, out, err = line.run("answer", names[1], names[gone], *template)
    assert (code, out) == (2, "") and err.startswith("Nobody is left to answer. Skipped: ")


def test_a_case_of_the_wrong_kind_stops_them_all(line: Line) -> None:
    for wrong, sentence in (("K7-QX4M", "no case K7-QX4M"), ("x", "look like K7-QX4M")):
        code, _, err = line.run("answer", line.case(), wrong, "--template", "answer.next", "--yes")
        assert code == 2 and sentence in err

    assert queued(line) == []


def test_what_was_taken_back_stands_in_the_custody_log_and_verifies(
    line: Line, tmp_path: Path
) -> None:
    line.run("answer", line.case(), line.case(3), "--template", "answer.next", "--yes")
    assert line.run("outbox", "--remove", 1)[0] == 0

    with Casebook.open(tmp_path / "casebook") as casebook:
        keys = custody.pinned(casebook.database)
        lines = [
            custody.Line.from_bytes(row["line"]) for row in casebook.database.table("custody").rows
        ]
        found = findings(casebook, keys, datetime.now(UTC))
    assert [one.subject for one in lines if one and one.row == "taken_back/1"] == [line.case()]
    assert not [sentence for sentence in found if "nswer" in sentence or "aken" in sentence]
