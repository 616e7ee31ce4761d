"""What a claimant does, in a real Firefox set as Tor Browser's "Safest", over a real onion on a
private Tor network.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.clocks import AheadClock
from support.firefox import Firefox
from support.made_up_language import TAG, add_to_site, made_up

from dropbox.codename import WordLists
from dropbox.openpgp import Opener
from dropbox.settings import Settings
from dropbox.week_secrets import WeekSecrets
from onion.launch import Drop
from onion.private_net import PrivateNet
from scripts.courier.pull import pull
from scripts.courier.transfer import push
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.creation import create
from scripts.desk.evidence import write_out
from scripts.desk.importing.open_export import open_export
from scripts.desk.outbox.sending import export_replies
from scripts.desk.outbox.writing import answer
from scripts.newsite import Site, make_site

pytestmark = pytest.mark.onion

LANGUAGES = {"zh-hans": "zh-Hans", "zh-hant": "zh-Hant", "en": "en", TAG: TAG}
TEXTS = {
    "zh-hans": "【虚构示例】我的公众号在三月被封。\n“钱包”里的钱取不出来……𠮷",
    "zh-hant": "【虛構示例】我的公眾號在三月被封。\n「錢包」裡的錢取不出來……𠮷",
    "en": "[Fictional] My official account was closed in March.\nThe money in the wallet is gone.",
    TAG: "(סיפור) החשבון שלי WeChat נסגר (ב-2021).\nהכסף 100 CNY איננו.",
}
# A sentence, by language, from each page that a test waits for.
SENT = {"zh-hans": "您的报告已提交", "zh-hant": "您的報告已提交", "en": "Your report has been sent"}
NOT_SENT = {"zh-hans": "尚未提交", "zh-hant": "尚未提交", "en": "Not sent yet"}
ASKED = {
    "zh-hans": "发送之前请确认",
    "zh-hant": "傳送之前請確認",
    "en": "One question before it is sent",
}
NO_ANSWER = {"zh-hans": "还没有回复", "zh-hant": "還沒有回覆", "en": "There is no answer"}
OPENED = {
    "zh-hans": "受理人员已打开您的报告",
    "zh-hant": "受理人員已開啟您的報告",
    "en": "The reviewers have opened your report",
}
TAKEN_BACK = {"zh-hans": "已撤回", "zh-hant": "已撤回", "en": "Taken back"}
LEFT = {"zh-hans": "已离开", "zh-hant": "已離開", "en": "You have left"}
STALE = {"zh-hans": "打开的时间太长", "zh-hant": "開啟的時間太久", "en": "open for too long"}
for said in (SENT, NOT_SENT, ASKED, NO_ANSWER, OPENED, TAKEN_BACK, LEFT, STALE):
    said[TAG] = made_up(said["en"])


@dataclass
class Place:
    """A whole drop behind an onion, and its reviewers' offline desk."""

    site: Site
    net: PrivateNet
    drop: Drop
    casebook: Casebook
    opener: Opener
    secrets: WeekSecrets
    directory: Path
    # The front's, for what it lets a form be open.
    clock: AheadClock
    bundles: int = field(default=0)

    def url(self, prefix: str, page: str = "") -> str:
        return f"http://{self.net.onion}/{prefix}/{page}"

    def restart_front(self) -> None:
        """As after a power cut."""
        self.drop.kill_front()
        self.drop.start_front()

    def fetch(self) -> None:
        """Carry everything to the desk and open it there."""
        self.bundles += 1
        stick = self.directory / f"stick{self.bundles}"
        stick.mkdir()
        bundle = pull(self.site.settings_file.parent / "courier.sock", stick)
        today = datetime.now(UTC).date()
        imported = open_export(self.casebook, bundle, self.opener, self.secrets.find, today=today)
        assert (imported.findings, imported.opened.unopened) == ((), ())

    def texts(self) -> list[str]:
        """The texts of all reports at the desk, after fetching."""
        self.fetch()
        return [part.report.text for part in self.casebook.parts()]

    def answer(self, case: int, text: str) -> None:
        """Answer a case, and bring the answer back to the server."""
        answer(self.casebook, case, text, today=datetime.now(UTC).date())
        replies = self.directory / f"replies{self.bundles}.tar"
        export_replies(self.casebook, replies, self.opener, today=datetime.now(UTC).date())
        push(self.site.settings_file.parent / "courier.sock", replies)


@pytest.fixture(scope="module")
def place(
    keys_dir: Path,
    reviewer_homes: list[Path],
    opener: Opener,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("place")
    (directory / "site").mkdir()
    with PrivateNet(directory / "net", directory / "site" / "front.sock") as net:
        site = make_site(directory / "site", onion=net.onion, keys=keys_dir)
        campaign = add_to_site(site.settings_file)
        create(
            directory / "casebook",
            server_key=site.export_public,
            campaign=campaign,
            desk=0,
        )
        clock = AheadClock(directory / "ahead")
        # All visits of these tests are one browser's, in one circuit.
        limits = {f"CASEDROP_LIMITS_CIRCUIT_{what}": "1000" for what in ("FORMS", "DERIVATIONS")}
        # What is sent waits for a tick, dozens of times.
        limits["CASEDROP_VAULT_TICK_MILLISECONDS"] = "250"
        environ = {**os.environ, **clock.environ, **limits}
        with (
            Drop(site.settings_file, site.front_socket, environ) as drop,
            Casebook.open(directory / "casebook") as casebook,
        ):
            secrets = WeekSecrets(reviewer_homes[0], opener)
            yield Place(site, net, drop, casebook, opener, secrets, directory, clock)


@pytest.fixture(scope="module")
def firefox(place: Place) -> Iterator[Firefox]:
    with closing(Firefox(place.directory, place.net.socks_port)) as browser:
        yield browser


def codename(firefox: Firefox) -> str:
    """The codename on the page, in letters."""
    return " ".join(firefox.texts(".codename .typed"))


def two_files(directory: Path) -> dict[str, bytes]:
    """A picture and a recording with realistic names."""
    files = {
        "微信图片_20230112 (1).png": b"\x89PNG" + os.urandom(150_000),
        "录音 “喝茶”.m4a": os.urandom(70_000),
    }
    for name, data in files.items():
        (directory / name).write_bytes(data)
    return files


def fill(firefox: Firefox, place: Place, prefix: str, text: str) -> str:
    """From the first page to a filled-in form. Returns its codename."""
    firefox.open(place.url(prefix))
    firefox.click("a.main")
    firefox.click("label[for=c2]")
    firefox.write("#text", text)
    return codename(firefox)


SPELLINGS: dict[str, Callable[[WordLists, str], str]] = {
    # Letters without separators; characters with ideographic commas; full-width English letters.
    "zh-hans": lambda words, name: name.replace(" ", ""),
    "zh-hant": lambda words, name: "、".join(
        word.hanzi for word in words.spell(words.read_codename(name), "zh-Hant")
    ),
    "en": lambda words, name: name.upper().translate(
        {code: code + 0xFEE0 for code in range(0x41, 0x5B)}
    ),
    TAG: lambda words, name: name,
}


def log_in(firefox: Firefox, place: Place, prefix: str, typed: str) -> None:
    firefox.open(place.url(prefix))
    firefox.click('a[href$="/inbox"]')
    firefox.write("#codename", typed)
    firefox.press("send")


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_a_claimant_files_returns_reads_adds_deletes_and_takes_back(
    prefix: str, firefox: Firefox, place: Place, words: WordLists, tmp_path: Path
) -> None:
    files = two_files(tmp_path)
    shown = fill(firefox, place, prefix, TEXTS[prefix])
    firefox.click('input[value="c2.wallet_locked"]')
    firefox.click("details:nth-of-type(2) summary")
    firefox.click('select[name="f.where_happened"] option[value="reg.cn"]')
    firefox.attach([tmp_path / name for name in files])
    firefox.press("send")
    assert firefox.shows(SENT[prefix]) and codename(firefox) == shown and "2" in firefox.text

    typed = SPELLINGS[prefix](words, shown)
    log_in(firefox, place, prefix, typed)
    assert firefox.shows(NO_ANSWER[prefix])
    firefox.write("#text", "+ " + TEXTS[prefix])
    firefox.attach([tmp_path / name for name in list(files)[:1]])
    firefox.press("send")
    assert firefox.texts(".notice") != [] and firefox.value("#text") == ""

    place.fetch()
    case = next(
        one
        for one in place.casebook.cases()
        if one.parts[0].report.text.replace("\r\n", "\n") == TEXTS[prefix]
    )
    first, second = (part.report for part in case.parts)
    assert (first.language, first.category, list(first.harms)) == (
        LANGUAGES[prefix],
        "c2",
        ["c2.wallet_locked"],
    )
    assert first.facts == {"where_happened": "reg.cn"} and second.kind == "message"
    assert [file.name for file in first.attachments] == list(files)
    (tmp_path / "out").mkdir()
    written = [path.read_bytes() for path in write_out(place.casebook, case, tmp_path / "out")]
    assert written == [*files.values(), next(iter(files.values()))]

    place.answer(case.number, TEXTS[prefix] + "?")
    log_in(firefox, place, prefix, typed)
    assert firefox.one(".answer").text == TEXTS[prefix] + "?" and firefox.shows(OPENED[prefix])
    firefox.submit(".reply:has(.answer) button")
    firefox.submit('.reply:has(.answer) button[value^="erase-"]')
    assert firefox.all(".answer") == [] and firefox.shows(OPENED[prefix])

    firefox.click("details:last-of-type summary")
    firefox.press("withdraw")
    assert firefox.shows(TAKEN_BACK[prefix])
    firefox.click("a.leave")
    assert firefox.shows(LEFT[prefix]) and firefox.path == f"/{prefix}/leave"
    place.fetch()
    assert [part.report.kind for part in place.casebook.case(case.number).parts] == [
        "report",
        "message",
        "withdrawal",
    ]


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_each_mistake_gets_its_sentence_and_nothing_typed_is_lost(
    prefix: str, firefox: Firefox, place: Place, tmp_path: Path
) -> None:
    text = f"{TEXTS[prefix]} {prefix} 13800138000"
    files = two_files(tmp_path)
    firefox.open(place.url(prefix, "report"))
    shown = codename(firefox)
    firefox.write("#text", text)
    firefox.attach([tmp_path / name for name in files])
    firefox.press("send")
    assert (
        firefox.shows(NOT_SENT[prefix])
        and firefox.value("#text") == text
        and codename(firefox) == shown
    )
    assert all(firefox.shows(name) for name in files)

    # The sentence links to its field; the files need not be added again.
    firefox.click('.problems a[href="#category"]')
    assert firefox.path.endswith("#category")
    firefox.click("label[for=c0]")
    firefox.click("details:nth-of-type(2) summary")
    firefox.click('select[name="f.period_from"]:nth-of-type(2) option:nth-of-type(4)')
    firefox.write("#text", f"{text} {shown}")
    firefox.press("send")
    assert len(firefox.texts(".problems li")) == 2 and firefox.value("#text") == f"{text} {shown}"

    firefox.click('select[name="f.period_from"] option:nth-of-type(3)')
    firefox.write("#text", text)
    firefox.press("send")
    assert firefox.shows(ASKED[prefix]) and firefox.value("#text") == text
    firefox.click('.problems a[href="#text"]')
    firefox.press("as-is")
    assert firefox.shows(SENT[prefix]) and codename(firefox) == shown

    log_in(firefox, place, prefix, shown.replace(" ", " x", 1))
    assert "2" in firefox.one(".problems li").text and firefox.value("#codename") == shown.replace(
        " ", " x", 1
    )
    log_in(firefox, place, prefix, shown.rsplit(" ", 1)[0])
    assert "7" in firefox.one(".problems li").text
    place.fetch()
    (case,) = [
        one
        for one in place.casebook.cases()
        if one.parts[0].report.text.replace("\r\n", "\n") == text
    ]
    assert [file.name for file in case.parts[0].report.attachments] == list(files)


def test_the_language_can_be_switched_without_losing_anything(
    firefox: Firefox, place: Place, tmp_path: Path
) -> None:
    name = next(iter(two_files(tmp_path)))
    fill(firefox, place, "zh-hans", TEXTS["zh-hans"])
    firefox.attach([tmp_path / name])
    for number, prefix in ((2, "zh-hant"), (3, "en"), (4, TAG), (1, "zh-hans")):
        firefox.click(f"nav :nth-child({number})")
        assert firefox.path == f"/{prefix}/report/send"
        assert firefox.one("html").get_attribute("lang") == LANGUAGES[prefix]
        assert firefox.value("#text") == TEXTS["zh-hans"] and firefox.shows(name)
        assert firefox.one("#c2").is_selected() and len(firefox.all(".codename li")) == 8


def count(place: Place, text: str) -> int:
    """How many reports with *text* are at the desk."""
    return sum(one.replace("\r\n", "\n") == text for one in place.texts())


def test_back_and_resend_and_reload_store_nothing_twice_and_lose_nothing(
    firefox: Firefox, place: Place
) -> None:
    text = "【虚构】返回再发送"
    shown = fill(firefox, place, "zh-hans", text)
    firefox.press("send")
    assert firefox.shows(SENT["zh-hans"])

    firefox.back()
    assert (
        firefox.value("#text") == text
        and codename(firefox) == shown
        and firefox.one("#c2").is_selected()
    )
    firefox.press("send")
    assert firefox.shows(SENT["zh-hans"]) and codename(firefox) == shown
    firefox.reload()
    assert firefox.shows(SENT["zh-hans"]) and codename(firefox) == shown
    assert count(place, text) == 1


def test_back_from_a_mistake_or_a_message_shows_what_was_typed(
    firefox: Firefox, place: Place
) -> None:
    firefox.open(place.url("en", "report"))
    shown = codename(firefox)
    firefox.write("#text", "first")
    firefox.press("send")
    firefox.write("#text", "second")
    firefox.press("send")
    firefox.back()
    assert firefox.value("#text") == "second" and codename(firefox) == shown
    firefox.back()
    assert firefox.value("#text") == "first" and codename(firefox) == shown

    log_in(firefox, place, "en", shown)
    for text in ("first message", "second message"):
        firefox.write("#text", text)
        firefox.press("send")
    firefox.back()
    assert firefox.value("#text") == "second message"
    firefox.back()
    assert firefox.value("#text") == "first message"


def test_a_double_click_stores_once(firefox: Firefox, place: Place) -> None:
    text = "【虚构】双击"
    fill(firefox, place, "zh-hans", text)
    firefox.double_click("button.main")
    firefox.wait(lambda: firefox.shows(SENT["zh-hans"]))

    assert count(place, text) == 1


def test_two_tabs_are_two_reports(firefox: Firefox, place: Place) -> None:
    first = fill(firefox, place, "zh-hans", "【虚构】第一个标签页")
    tab = firefox.tab()
    second = fill(firefox, place, "zh-hans", "【虚构】第二个标签页")
    firefox.press("send")
    assert codename(firefox) == second != first
    firefox.close_tab(tab)
    firefox.press("send")

    assert firefox.shows(SENT["zh-hans"]) and codename(firefox) == first
    assert (count(place, "【虚构】第一个标签页"), count(place, "【虚构】第二个标签页")) == (1, 1)


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_a_restart_between_form_and_sending_loses_nothing(
    prefix: str, firefox: Firefox, place: Place
) -> None:
    text = f"{TEXTS[prefix]} restart"
    shown = fill(firefox, place, prefix, text)
    place.restart_front()
    firefox.press("send")
    assert firefox.shows(SENT[prefix]) and codename(firefox) == shown
    assert count(place, text) == 1


def test_a_form_that_was_open_too_long_keeps_its_text_and_its_codename(
    firefox: Firefox, place: Place
) -> None:
    """A form in each language, each in its own tab, until its lifetime and a minute are over."""
    lifetime = 60 * Settings.token_minutes
    tabs, shown = [], {}
    for prefix in LANGUAGES:
        shown[prefix] = fill(firefox, place, prefix, f"{TEXTS[prefix]} stale")
        tabs.append(firefox.tab())
    with place.clock.ahead(lifetime + 60):
        for prefix, tab in zip(LANGUAGES, tabs, strict=True):
            firefox.switch(tab)
            firefox.press("send")
            assert firefox.shows(STALE[prefix])
            assert firefox.value("#text") == f"{TEXTS[prefix]} stale"
            assert codename(firefox) == shown[prefix]
            firefox.press("send")
            assert firefox.shows(SENT[prefix]) and codename(firefox) == shown[prefix]

    assert all(count(place, f"{text} stale") == 1 for text in TEXTS.values())


@pytest.mark.parametrize("prefix", LANGUAGES)
def test_while_the_vault_is_down_nothing_is_accepted_and_nothing_is_lost(
    prefix: str, firefox: Firefox, place: Place
) -> None:
    text = f"{TEXTS[prefix]} vault"
    fill(firefox, place, prefix, text)
    place.drop.kill_vault()
    try:
        firefox.press("send")
        assert firefox.shows(NOT_SENT[prefix]) and firefox.value("#text") == text
    finally:
        place.drop.start_vault()
    firefox.press("send")

    assert firefox.shows(SENT[prefix]) and count(place, text) == 1
