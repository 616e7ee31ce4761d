"""What the desk's commands take, and what holds where nothing is said."""

from pathlib import Path

import pytest
from support.cases import CAMPAIGN

from dropbox.campaign import Campaign
from scripts.desk import __main__ as desk

NO, YES = False, True


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ("answer X Y --text-file F", {"cases": ["X", "Y"], "text_file": "F", "template": None}),
        ("answer X --text-file F", {"templates": NO, "force": NO, "repeat": NO, "yes": NO}),
        ("answer X --template T --lang en", {"template": "T", "lang": "en", "json": NO}),
        ("answer X --template T --force --repeat", {"force": YES, "repeat": YES, "lang": None}),
        ("answer X --template T --yes --json", {"yes": YES, "json": YES}),
        ("answer --templates", {"templates": YES, "cases": []}),
        ("export-replies O", {"out": Path("O"), "signer": "", "yes": NO, "json": NO}),
        ("export-replies O --signer S --yes --json", {"signer": "S", "yes": YES, "json": YES}),
        ("assign", {"cases": [], "next": 0, "where": [], "view": "", "to": [], "to_nobody": NO}),
        ("assign X --to A --to B --json", {"cases": ["X"], "to": ["A", "B"], "json": YES}),
        ("assign --view V --next 3 --to-nobody", {"view": "V", "next": 3, "to_nobody": YES}),
        ("backup F", {"file": Path("F"), "new_words": NO, "json": NO}),
        ("backup F --new-words", {"new_words": YES}),
        ("restore F", {"file": Path("F"), "json": NO}),
        ("charts", {"out": None, "least": 5, "where": [], "queue": "", "lang": "en"}),
        ("charts --out F --least 2 --json", {"out": Path("F"), "least": 2, "json": YES}),
        ("clock", {"limit": None, "page": 1, "queue": "", "lang": "en", "json": NO}),
        ("contact X", {"edit": NO, "blank": NO, "print": NO, "form": None, "correct": ""}),
        ("contact X --edit --correct E", {"edit": YES, "correct": "E", "history": NO}),
        ("event X --blank", {"edit": NO, "blank": YES, "print": NO, "form": None}),
        ("event X --print", {"edit": NO, "blank": NO, "print": YES, "form": None}),
        ("event X --form F --history", {"case": "X", "form": "F", "history": YES}),
        ("damages", {"least": 5, "view": "", "where": [], "lang": "en", "json": NO}),
        ("damages --least 1 --view V", {"least": 1, "view": "V"}),
        ("export-replies O --again", {"again": 0}),
        ("export-replies O --again 7", {"again": 7}),
        ("export-replies O", {"again": None}),
        ("export-work --to F --keys D", {"to": Path("F"), "keys": Path("D"), "json": NO}),
        ("hand-over", {"allow": [], "approve": "", "out": None, "without_pictures": NO}),
        ("hand-over --allow minor --allow privileged", {"allow": ["minor", "privileged"]}),
        ("hand-over --out D --without-pictures", {"out": Path("D"), "without_pictures": YES}),
        ("link X", {"other": None, "confirm": NO, "deny": NO, "json": NO}),
        ("link X Y --confirm", {"other": "Y", "confirm": YES, "deny": NO}),
        ("link X Y --deny", {"other": "Y", "confirm": NO, "deny": YES}),
        ("party", {"case": "", "same": None, "different": None, "reason": None}),
        ("party --same A B --query-file F", {"same": ["A", "B"], "query_file": "F"}),
        ("picture X --show --show-as sixel", {"show": YES, "show_as": "sixel"}),
        ("picture X", {"show": NO, "show_as": "", "without_bubblewrap": NO}),
        ("quality", {"draw": NO, "lang": "en", "json": NO}),
        ("quality --draw", {"draw": YES}),
        ("redact X", {"words": None, "part": None, "answer": None, "translation": None}),
        ("redact X", {"file": None, "page": None, "box": None, "as_seen": NO, "reason": ""}),
        ("redact X", {"everywhere": NO, "whole_words": NO, "take_back": None, "because": None}),
        ("redact X", {"list": NO, "preview": None, "without_bubblewrap": NO, "yes": NO}),
        ("redact X --words - --everywhere --whole-words", {"everywhere": YES, "whole_words": YES}),
        ("redact X --file 2 --page 3 --box 1,2,3,4", {"file": 2, "page": 3, "box": "1,2,3,4"}),
        ("redact X --list --as-seen --without-bubblewrap", {"list": YES, "as_seen": YES}),
        ("redact X --preview D --yes", {"preview": Path("D"), "yes": YES}),
        ("release X 3", {"answers": ["X", "3"], "yes": NO, "json": NO}),
        ("screen", {"show_as": "", "lang": "en"}),
        ("screen --show-as off", {"show_as": "off"}),
        ("timeline", {"case": "", "party": "", "view": "", "limit": None, "page": 1}),
        ("transcribe", {"case": None, "file": [], "all": NO, "again": NO, "json": NO}),
        ("transcribe X --file 2 --file 3 --again", {"file": [2, 3], "again": YES, "all": NO}),
        ("transcribe --all --without-bubblewrap", {"all": YES, "without_bubblewrap": YES}),
        ("translate X", {"part": None, "answer": None, "gist": None, "translation": None}),
        ("translate X", {"into": "en", "machine": "", "json": NO}),
        ("files X", {"case": "X", "out": None, "json": NO}),
        ("files X --out O --json", {"out": Path("O"), "json": YES}),
        ("find", {"query_file": None, "no_words": NO, "limit": None, "page": 1, "lang": "en"}),
        ("find", {"only_category": "", "only_tag": "", "only_reviewer": "", "json": NO}),
        ("find --query-file F --no-words --json", {"query_file": "F", "no_words": YES}),
        ("find --category a --harm b --tag c", {"only_category": "a", "only_harm": "b"}),
        ("find --period e --tag c --where a=b", {"only_period": "e", "where": ["a=b"]}),
        ("find --limit 3 --page 2 --lang zh-Hant", {"limit": 3, "page": 2, "lang": "zh-Hant"}),
        ("import B", {"bundle": Path("B"), "accept_findings": NO, "accept_new_vault": NO}),
        ("import B", {"set_aside": NO, "set_aside_without_key": NO, "set_aside_limit": 256}),
        ("import B --accept-findings", {"accept_findings": YES, "accept_new_vault": NO}),
        ("import B --accept-new-vault", {"accept_findings": NO, "accept_new_vault": YES}),
        ("import B --set-aside", {"set_aside": YES, "set_aside_without_key": NO}),
        ("import B --set-aside-without-key", {"set_aside": NO, "set_aside_without_key": YES}),
        ("import B --set-aside-limit 5 --json", {"set_aside_limit": 5, "json": YES}),
        ("picture X", {"files": [], "out": None, "pages": range(1, 21), "json": NO}),
        ("picture X 2 3 --out O --pages 5-9", {"files": [2, 3], "pages": range(5, 10)}),
        ("picture X --without-bubblewrap --json", {"without_bubblewrap": YES, "json": YES}),
        ("init --server-key K --campaign C --desk 1", {"server_key": "K", "desk": 1, "keys": None}),
        ("init --server-key K --campaign C --desk 1 --keys D", {"keys": Path("D")}),
        ("list", {"status": "", "merit": "", "urgency": "", "after": "", "page": 1, "json": NO}),
        ("list", {"queue": "", "where": [], "sort": "", "view": "", "fields": None}),
        ("list --where a=b --where c<d", {"where": ["a=b", "c<d"], "descending": NO}),
        ("list --queue a --sort b --descending", {"queue": "a", "sort": "b", "descending": YES}),
        ("list --view a --save-view b --fields", {"view": "a", "save_view": "b", "fields": ""}),
        ("queues --lang zh-Hans --json", {"lang": "zh-Hans", "json": YES}),
        ("views", {"delete": "", "json": NO}),
        ("list --status a --merit b --after X", {"status": "a", "merit": "b", "after": "X"}),
        ("list --urgency c --limit 0 --json", {"urgency": "c", "limit": 0, "json": YES}),
        ("migrate --json", {"json": YES}),
        ("outbox", {"left": NO, "remove": None, "json": NO}),
        ("outbox --left", {"left": YES, "remove": None}),
        ("outbox --remove 3 --json", {"left": NO, "remove": 3, "json": YES}),
        ("review X --blank", {"case": "X", "blank": YES, "print": NO, "form": None, "json": NO}),
        ("review X --print", {"blank": NO, "print": YES, "edit": NO}),
        ("review X --form - --json", {"blank": NO, "form": "-", "json": YES}),
        ("adjudicate X --form F", {"case": "X", "blank": NO, "form": "F", "json": NO}),
        ("adjudicate X --blank --json", {"blank": YES, "json": YES}),
        ("reviewers", {"keys": None, "json": NO}),
        ("reviewers --keys K --json", {"keys": Path("K"), "json": YES}),
        ("set-aside", {"open": NO, "json": NO}),
        ("set-aside --open --json", {"open": YES, "json": YES}),
        ("show X", {"case": "X", "lang": "en", "json": NO}),
        ("show X --lang zh-Hans --json", {"lang": "zh-Hans", "json": YES}),
        ("status --json", {"json": YES}),
        ("verify", {"head": "", "keys": None, "json": NO}),
        ("verify --head H --keys K --json", {"head": "H", "keys": Path("K"), "json": YES}),
    ],
)
def test_a_command_takes_what_is_typed_and_assumes_the_rest(
    line: str, asked: dict[str, object]
) -> None:
    taken = vars(desk.parser().parse_args(["--casebook", "C", *line.split()]))

    assert {name: taken[name] for name in asked} == asked
    assert taken["casebook"] == Path("C") and taken["reviewer"] == ""


@pytest.mark.parametrize(
    "line",
    [
        "answer X",
        "answer X --text-file F --template T",
        "export-replies",
        "files",
        "find --page x",
        "import",
        "import B --set-aside-limit much",
        "init",
        "init --server-key K --campaign C",
        "init --campaign C --desk 1",
        "hand-over --allow everything",
        "link X Y --confirm --deny",
        "assign X --to A --to-nobody",
        "party --same A",
        "party --same A B --different A B",
        "event X --edit --blank",
        "event",
        "translate X --part 1 --answer 1",
        "redact X --part 1 --everywhere",
        "screen --show-as paper",
        "picture X --show-as off",
        "export-work --to F",
        "export-work --keys D",
        "restore",
        "backup",
        "release",
        "outbox --remove x",
        "review X",
        "review X --blank --form F",
        "review X --blank --print",
        "show",
        "show X --lang klingon",
        "nothing",
        "",
    ],
)
def test_a_command_that_lacks_something_or_says_too_much_is_refused(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refusal:
        desk.parser().parse_args(["--casebook", "C", *line.split()])

    assert refusal.value.code == 2 and "usage: casedrop-desk" in capsys.readouterr().err


def test_no_option_is_of_one_campaigns_own_questions_and_fields() -> None:
    campaign = Campaign.read(CAMPAIGN)
    own = {one.code for one in (*campaign.questions, *campaign.reviewing.fields)}
    (commands,) = (one for one in desk.parser()._actions if isinstance(one.choices, dict))
    assert isinstance(commands.choices, dict)
    options = {
        option.removeprefix("--").replace("-", "_")
        for command in commands.choices.values()
        for option in command._option_string_actions
    }
    assert {"province", "us"} <= own and "harm" in options and not own & options
