"""The remarks on the forms of facts, in the languages of the labels; see :mod:`.forms`."""

from collections.abc import Mapping

from dropbox.label import Label, trilingual
from scripts.desk.casebook.facts import CONTACT, EVENT, PARTY

# How a form begins; {} is the name of the case. Each line becomes a comment of its own.
HEADS: Mapping[str, Label] = {
    EVENT: trilingual(
        "{} 中的一个事件。所有复核员都会读到，包括以后复核此案的人：\n"
        "请写来源里说了什么，不要写您的看法。",
        "{} 中的一個事件。所有複核員都會讀到，包括以後複核此案的人：\n"
        "請寫來源裡說了什麼，不要寫您的看法。",
        "An event of {}. Everybody reads it, including whoever reviews the case after you: write\n"
        "what the source says, and not what you think of it.",
    ),
    PARTY: trilingual(
        "{} 中的一个人或组织。所有复核员都会读到，包括以后复核此案的人。\n"
        "请不要填写本案要保护的人，尤其不要填写当事人。",
        "{} 中的一個人或組織。所有複核員都會讀到，包括以後複核此案的人。\n"
        "請不要填寫本案要保護的人，尤其不要填寫當事人。",
        "A person or an organisation in {}. Everybody reads it, including whoever\n"
        "reviews the case after you. Enter nobody whom the case protects, least of all the\n"
        "claimant.",
    ),
    CONTACT: trilingual(
        "{} 中的一次联系。本站的答复和当事人的来文会自动列入，不必填写。",
        "{} 中的一次聯繫。本站的答覆和當事人的來文會自動列入，不必填寫。",
        "A contact in {}. Answers of the drop and claimants' messages are in the log by\n"
        "themselves.",
    ),
}
CORRECTS = trilingual(
    "以下内容取代原先填写的，或将其撤回；请说明理由。",
    "以下內容取代原先填寫的，或將其撤回；請說明理由。",
    "This replaces what was entered, or takes it back; say why.",
)
CONTESTED = trilingual(
    "它在不同的电脑上同时作了不同的更正。您交回的这一份将作为定论：",
    "它在不同的電腦上同時作了不同的更正。您交回的這一份將作為定論：",
    "It was corrected differently at the same time. What you hand in settles it:",
)
_WHEN = trilingual(
    "2019-03-15、2019-03、2019、约2019年3月、2019-03至2019-05、2019年之前、2019年之后",
    "2019-03-15、2019-03、2019、約2019年3月、2019-03至2019-05、2019年之前、2019年之後",
    "2019-03-15, 2019-03, 2019, about 2019-03, 2019-03..2019-05, before 2019, after 2019",
)
_WHEN_OR_UNKNOWN = trilingual(
    "2019-03-15、2019-03、2019、约2019年3月、2019-03至2019-05、2019年之前、2019年之后；或“不详”。",
    "2019-03-15、2019-03、2019、約2019年3月、2019-03至2019-05、2019年之前、2019年之後；或「不詳」。",
    "2019-03-15, 2019-03, 2019, about 2019-03, 2019-03..2019-05, before 2019, after 2019;\n"
    "or unknown.",
)
_RESTS = trilingual(
    "依据：填 `show` 和 `files` 中的编号，来文（part）、文件（file）或答复（answer）之一，\n"
    "也可加页码（page）或行号（line）；0 表示没有。全为 0 时，请在正文中写明来源。",
    "依據：填 `show` 和 `files` 中的編號，來文（part）、檔案（file）或答覆（answer）之一，\n"
    "也可加頁碼（page）或行號（line）；0 表示沒有。全為 0 時，請在正文中寫明來源。",
    "What it rests on, by the numbers that `show` and `files` have: a part, a file or an answer,\n"
    "perhaps with the page or the line; 0 is none. If all are 0, the text says where it is from.",
)
_NOTHING = trilingual("", "", "")

# The remark on each field, in the form's order, and the campaign's list of its codes, or "".
REMARKS: Mapping[str, tuple[tuple[str, Label, str], ...]] = {
    EVENT: (
        ("when", _WHEN_OR_UNKNOWN, ""),
        ("kind", _NOTHING, "event_kind"),
        ("text", trilingual("发生了什么。", "發生了什麼。", "What happened."), ""),
        (
            "parties",
            trilingual(
                '哪些人或组织参与，填本案中的编号：["P7K2M"]。',
                '哪些人或組織參與，填本案中的編號：["P7K2M"]。',
                'Who took part, of the case\'s people and organisations: ["P7K2M"].',
            ),
            "",
        ),
        ("part", _RESTS, ""),
    ),
    PARTY: (
        (
            "names",
            trilingual(
                '所有名称，包括其他文字的：["腾讯", "騰訊", "Tencent"]。',
                '所有名稱，包括其他文字的：["騰訊", "腾讯", "Tencent"]。',
                'All names, also in other scripts: ["腾讯", "騰訊", "Tencent"].',
            ),
            "",
        ),
        ("kind", _NOTHING, "party_kind"),
        (
            "role",
            trilingual("在本案中的角色。", "在本案中的角色。", "Its role in this case."),
            "party_role",
        ),
        (
            "text",
            trilingual("此外所知的情况。", "此外所知的情況。", "What else is known of it."),
            "",
        ),
        (
            "same_as",
            trilingual(
                '与任何案件中的哪一编号相同："P7K2M"。',
                '與任何案件中的哪一編號相同："P7K2M"。',
                'An entry, of any case, that is the same: "P7K2M".',
            ),
            "",
        ),
        ("part", _RESTS, ""),
    ),
    CONTACT: (
        ("when", _WHEN, ""),
        ("channel", _NOTHING, "contact_channel"),
        ("team", trilingual("我方的人。", "我方的人。", "Who on the team."), ""),
        ("contact", trilingual("与谁联系。", "與誰聯繫。", "With whom."), ""),
        ("text", trilingual("商定了什么。", "商定了什麼。", "What was agreed."), ""),
    ),
}
