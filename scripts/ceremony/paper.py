"""Sheets for printing: plain text, A4 with 80 columns and 60 lines, in English and Chinese."""

from collections.abc import Sequence
from datetime import date
from textwrap import fill

COLUMNS, LINES = 80, 60
_RULE = "=" * COLUMNS
_GROUP, _GROUPS_IN_LINE = 4, 5


def grouped(fingerprint: str) -> list[str]:
    """A fingerprint in groups of four, five groups a line, as people read it out to each other."""
    groups = [fingerprint[at : at + _GROUP] for at in range(0, len(fingerprint), _GROUP)]
    lines = [groups[at : at + _GROUPS_IN_LINE] for at in range(0, len(groups), _GROUPS_IN_LINE)]
    return ["   ".join(line) for line in lines]


def fingerprint_sheet(*, name: str, fingerprint: str, last_day: date) -> str:
    """The sheet against which anybody can compare a reviewer's key; everything on it is public."""
    paragraphs = [
        fill(
            "Reports are locked to this key. If somebody you trust gave you this sheet, compare "
            "all forty characters with those on the server's page of keys, and with what another "
            "reviewer reads aloud. If one character differs, do not send anything, and tell the "
            "reviewers in some other way.",
            COLUMNS,
        ),
        f"The last weekly key ends on {last_day}. A renewal keeps this fingerprint.",
        "简体中文：报告用这把公钥加密。请把这张纸上的四十个字符，与网站“受理人员的公钥”\n"
        "页面上显示的逐个核对。只要有一个字符不同，就不要提交任何内容，并请通过其他途径\n"
        "告诉受理人员。",
        f"最后一把每周密钥的有效期到 {last_day}。续期之后，指纹不变。",
        "繁體中文：報告用這把公鑰加密。請把這張紙上的四十個字元，與網站「受理人員的公鑰」\n"
        "頁面上顯示的逐一核對。只要有一個字元不同，就不要提交任何內容，並請透過其他管道\n"
        "告訴受理人員。",
        f"最後一把每週金鑰的有效期到 {last_day}。續期之後，指紋不變。",
    ]
    head = [
        _RULE,
        "  Casedrop",
        "  Fingerprint of a reviewer's key  |  受理人员公钥的指纹  |  受理人員公鑰的指紋",
        _RULE,
    ]
    key = [
        "",
        f"    {name}",
        "",
        *(line for part in grouped(fingerprint) for line in (f"        {part}", "")),
    ]
    compared = ["Compared by / 核对人 / 核對人: ____________________   Day / 日期: ______________"]
    return "\n".join(
        [*head, *key, _RULE, "", "\n\n".join(paragraphs), "", "", *compared, _RULE, ""]
    )


def share_sheet(
    *, name: str, week: str, number: int, shares: int, needed: int, words: Sequence[str]
) -> str:
    """One paper share. Anybody who has read it knows it."""
    rows = -(-len(words) // 3)
    # Numbered down the columns, so that a wrong word can be found by its number.
    table = [
        "".join(f"{at + 1:>6}. {words[at]:<16}" for at in range(row, len(words), rows)).rstrip()
        for row in range(rows)
    ]
    text = fill(
        f"Secret. Any {needed} of the {shares} sheets of this week together open the week's "
        "reports; fewer reveal nothing. Keep it where no other sheet of this week is. Once so "
        f"many sheets are destroyed that fewer than {needed} are left, the week's reports can "
        "never be opened again: shred or burn this sheet when the reviewers tell you to.",
        COLUMNS,
    )
    chinese = [
        f"秘密。集齐本周 {shares} 张中的 {needed} 张，才能打开该周的报告；更少则毫无用处。\n"
        "请与其他各张分开存放，接到通知后粉碎或烧毁。",
        f"秘密。集齊本週 {shares} 張中的 {needed} 張，才能打開該週的報告；更少則毫無用處。\n"
        "請與其他各張分開存放，接到通知後粉碎或燒毀。",
    ]
    head = [
        _RULE,
        "  Casedrop",
        f"  {name}   {week}   sheet {number} of {shares}, {needed} needed",
        _RULE,
    ]
    return "\n".join([*head, "", *table, "", _RULE, "", text, "", "\n\n".join(chinese), _RULE, ""])
