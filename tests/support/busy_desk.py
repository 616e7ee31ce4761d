"""A desk at which every column, mark and state of the full screen has something to show."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from scripts.desk.casebook.link_decisions import DENIED
from scripts.desk.casebook.translations import TRANSLATION
from scripts.desk.transcripts.transcript import Who
from support.cases import CAMPAIGN, DAY, attachment, report
from support.desks import Desk
from support.transcripts import line, transcribe, transcript, turn

# No case comes back for a second review by chance, and a draw draws all.
_RULES = {
    "[review]\n": "[review]\nanswers_need_release = true\n",
    "sample_percent = 20\n": "sample_percent = 0\n",
    "quality_percent = 10\n": "quality_percent = 100\n",
    "# The reviewers' ready answers": (
        '[[review.limitation]]\ncode = "terms"\nmonths = 24\nbegins = ["period_from"]\n'
        'where = ["category=c1"]\nlabel = { zh-Hans = "格式条款", zh-Hant = "格式條款", '
        'en = "Unfair terms" }\n\n# The reviewers\' ready answers'
    ),
}
STORY = "【虚构】我的公众号在二零一九年三月被永久封禁了，没有给出任何理由。"
LIKE = "【虚构】單位開除了我，因為我在群裡說了一句話，後來又被警察叫去訓誡。"
LONG = "My account was closed in March 2019, and with it went the shop that I had built. " * 4
UNOPENED = "a.zip.003"
SHOT, PAGES, NOTE = b"\x89PNG\r\n\x1a\n" + bytes(2_000), b"%PDF-1.7\n" + bytes(1_234_567), b"abc"


def busy_desk(directory: Path) -> Desk:
    """Ten cases, of which the reviewers 0 and 2 gave the ninth away, in *directory*/desk."""
    campaign = CAMPAIGN.read_text("utf-8")
    for old, new in _RULES.items():
        assert old in campaign
        campaign = campaign.replace(old, new, 1)
    path = directory / "campaign.toml"
    path.write_text(campaign, "utf-8")
    desk = Desk.make(directory / "desk", 0, campaign=path)
    others = [Desk(desk.directory, one) for one in range(3)]
    _decided(desk, others)
    _own_and_withdrawn(desk, others)
    _with_files(desk)
    _differing_and_alike(others)
    _given_away(others)
    _waiting_answers(desk, others)
    return desk


def _part(
    desk: Desk,
    text: str,
    claimant: int,
    *,
    ago: int = 0,
    bundle: int = 1,
    files: Mapping[str, bytes] = {},
    **more: object,
) -> None:
    """A part with *files*, all of which could be opened but the one that is UNOPENED."""
    attachments = tuple(attachment(*one) for one in files.items())
    with desk.working() as casebook:
        part = casebook.add_part(
            block_id=bytes([bundle]) * 8 + claimant.to_bytes(8, "big"),
            block_sha256="00" * 32,
            day=DAY - timedelta(days=ago),
            bundle=bundle,
            report=report(text, claimant, attachments=attachments, **more),
        )
        for place, (name, content) in enumerate(files.items()):
            if name != UNOPENED:
                path = casebook.file_path(hashlib.sha256(content).hexdigest())
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
                casebook.add_file(part, place)


def _decided(desk: Desk, others: list[Desk]) -> None:
    """Of two parts, translated, and reviewed twice."""
    facts = {"province": "prov.GD", "period_from": "2019-03"}
    _part(desk, STORY * 9, 1, ago=123, harms=("c1.harassed", "c1.job_loss"), facts=facts)
    _part(desk, "更多 details\n第二行", 1, ago=3, bundle=2, kind="message", category="")
    desk.translate(1, "Account closed, no reason given, and the money in it was never paid back")
    desk.translate(1, LONG, TRANSLATION, machine="model 3")
    for one in others[:2]:
        one.judge(
            1,
            merit="m3",
            urgency="danger",
            flags=("minor", "privileged"),
            evidence="3",
            period_from="2019-03",
            harms={"c1.harassed": "supported"},
            amounts=({"amount": "9000", "currency": "CNY", "as_of": "2026-01", "what": "wages"},),
            tags=("shop",),
            note="Call before noon.",
            fields={"us": "california"},
        )
    desk.assign(1, 2)


def _own_and_withdrawn(desk: Desk, others: list[Desk]) -> None:
    """One reviewed once, and one taken back with a part after that."""
    _part(desk, "short", 2, ago=9)
    others[0].judge(2, merit="m2", urgency="deadline")
    _part(desk, "【虚构】撤回之前", 3, ago=8, language="zh-Hant")
    desk.answer(3, "收到。", leave=False)
    _part(desk, "", 3, ago=5, bundle=2, kind="withdrawal", category="")
    _part(desk, "after it", 3, ago=1, bundle=3, kind="message", category="")


def _with_files(desk: Desk) -> None:
    """Files of each kind, one of them in parts, and facts that reviewers entered."""
    files = {"截图.png": SHOT, "合同 contract.pdf": PAGES, "a.zip.001": NOTE, UNOPENED: b"abcd"}
    _part(desk, "【虚构】我叫张三丰，住在武当山。\n附件里有合同。", 4, files=files)
    with desk.working() as casebook:
        transcribe(casebook, SHOT, transcript(turn(Who.LEFT, line("你好", 10))), 4)
    entry = "{}7K2MAAAAA"
    desk.event(4, entry.format("E"), "blocked", parties=entry.format("P"))
    desk.event(4, entry.format("U"), "约谈", date="")
    desk.party(4, entry.format("P"), "腾讯\nTencent")
    desk.contact(4, entry.format("C"), "asked for the contract")
    desk.redact(4, "R7K2MAAAAA", start=7)
    desk.redact(4, "R7K2MBBBBB", start=9)
    desk.end_redaction(4, "R7K2MBBBBB")


def _differing_and_alike(others: list[Desk]) -> None:
    """One on which two disagree, and three that are alike."""
    desk = others[0]
    _part(desk, "two reviewers see it in two ways", 5, ago=40)
    for one, merit, us in zip(others, ("m3", "m1"), ("california", "none"), strict=False):
        one.judge(5, merit=merit, urgency="normal", fields={"us": us})
    _part(desk, LIKE * 30, 6, files={"both.txt": b"both", "one.txt": b"one"})
    _part(
        desk, f"{LIKE * 15}另外一件事 with Zhang San。{LIKE * 15}", 7, files={"both.txt": b"both"}
    )
    _part(desk, LIKE, 8)
    desk.assign(6, 1)
    desk.assign(7, 0)
    desk.link(6, 8, DENIED)


def _given_away(others: list[Desk]) -> None:
    """One that two reviewers gave away, and one that is empty."""
    _part(others[0], "of somebody known", 9)
    for one in (others[0], others[2]):
        one.judge(9, merit="", category="", conflict=True)
    _part(others[0], "", 10, category="c2", language="en")


def _waiting_answers(desk: Desk, others: list[Desk]) -> None:
    """One that left, and others that wait, each for another reason."""
    desk.answer(6, "谢谢。")
    desk.answer(6, "第二封。\nIn two lines.", leave=False)
    others[1].answer(7, STORY, leave=False)
    desk.answer(7, "", leave=False, kind="closed")
