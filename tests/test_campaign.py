"""The campaign file: what a good one holds, and that a broken one is refused with the line that is wrong."""

from pathlib import Path

import pytest

from dropbox import campaign as module
from dropbox.campaign import Campaign
from dropbox.errors import CampaignError
from dropbox.label import LANGUAGES

PACKAGED = Path(module.__file__).with_name("campaign.toml")


def test_the_packaged_campaign_has_the_four_kinds_of_the_notice_and_not_sure(campaign: Campaign) -> None:
    assert [category.code for category in campaign.categories] == ["c1", "c2", "c3", "c4", "c0"]
    assert campaign.unsure == "c0"
    assert len(campaign.harm_codes) == 26
    assert {"c1.tea_drinking", "c2.wallet_locked", "c3.visible_only_to_sender"} <= campaign.harm_codes


def test_every_label_is_there_in_all_three_languages(campaign: Campaign) -> None:
    labels = [*campaign.categories, *(harm for category in campaign.categories for harm in category.harms)]

    assert all(label.in_(language) for label in labels for language in LANGUAGES)


def broken(tmp_path: Path, old: str, new: str) -> tuple[Path, int]:
    """A copy of the packaged file with the first *old* replaced, and the line in which that is."""
    text = PACKAGED.read_text("utf-8")
    assert old in text
    path = tmp_path / "campaign.toml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    return path, text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('code = "c2"', 'code = "c2', "is not TOML"),
        ('code = "c2"', 'code = "C 2"', "may hold only"),
        ('code = "c1.job_loss"', 'code = "c1.harassed"', '"c1.harassed" is used twice'),
        ('code = "c1.job_loss"', 'code = "c2.job_loss"', 'has to begin with "c1."'),
        ('code = "c1.job_loss"', 'code = "c1.job_loss"\ncolour = 1', '"colour" is not a known key'),
        ('label = { zh-Hans = "被骚扰", zh-Hant', "label = { zh-Hant", '"c1.harassed" has no label in zh-Hans'),
        ('"被骚扰"', '" "', "has to be a text of one line"),
        ('"被骚扰"', "7", "has to be a text of one line"),
        ('en = "Harassed"', 'en = "Harassed", fr = "Harcelé"', "unknown language"),
        ('code = "wechat-2020"', 'code = "wechat-2020"\nowner = "x"', '"owner" is not a known key'),
        ("unsure = true", "unsure = 1", "true or false"),
        ('always_second = ["m3", "m4"]', 'always_second = ["m3", "m9"]', "has to be a list of merit tiers"),
        ("[review]", "[revue]", '"revue" is not a known key'),
        ("sample_percent = 20", "sample_percent = 120", "from 0 to 100"),
        ('account = "account_type"', 'account = "accounts"', '"account" has to be a list of choices'),
        ('account = "account_type"', 'account = "account_type"\ncolour = 1', '"colour" is not a known key'),
        ('{ code = "m1", zh-Hans = "属于范围，但事实不足", ', '{ code = "m1", ', '"m1" has no label in zh-Hans'),
        ("\nstatus = [", '\nstatus = [{ code = "st.lost", zh-Hans = "x", zh-Hant = "x", en = "x" },', "st.new, st.triaged"),
    ],
)
def test_a_broken_campaign_is_refused_with_its_line(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path, line = broken(tmp_path, old, new)
    with pytest.raises(CampaignError) as refusal:
        Campaign.read(path)

    # A key that was put behind the line is named with its own line.
    assert f"line {line + new.count(chr(10))}" in str(refusal.value)
    assert sentence in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_what_reviewers_may_say_has_labels_in_all_three_languages(campaign: Campaign) -> None:
    reviewing = campaign.reviewing

    assert reviewing.codes("merit") == ("m0", "m1", "m2", "m3", "m4", "mx")
    assert len(reviewing.codes("status")) == 10 and reviewing.always_second == {"m3", "m4"} and reviewing.sample_percent == 20
    assert all(label.in_(language) for labels in reviewing.lists.values() for label in labels for language in LANGUAGES)
    assert reviewing.label("merit", "m3", "zh-Hant") == "成立的案件" and reviewing.label("merit", "m7", "en") == "m7"


def test_a_campaign_without_not_sure_is_refused(tmp_path: Path) -> None:
    path, _ = broken(tmp_path, "unsure = true", "")
    with pytest.raises(CampaignError, match="exactly one category"):
        Campaign.read(path)


def test_a_missing_campaign_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CampaignError, match=r"gone\.toml cannot be read"):
        Campaign.read(tmp_path / "gone.toml")


def test_a_campaign_in_another_encoding_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "campaign.toml"
    path.write_bytes(b'code = "x"\n# ' + "微信".encode("gb18030") + b"\n")
    with pytest.raises(CampaignError, match="line 2, is not UTF-8"):
        Campaign.read(path)
