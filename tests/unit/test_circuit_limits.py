"""What one Tor circuit can ask for; the clock is a number that the test changes."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from support.front import ONION, Front
from support.report_form import TEXT, problems, report_page, send

from dropbox.front import circuit_limits
from dropbox.front.circuit_limits import (
    FILL_SECONDS,
    MOST_COUNTED,
    RANK_SECONDS,
    SETS,
    WAYS,
    CircuitLimits,
    What,
)
from dropbox.front.request_kinds import Kind
from dropbox.front.turn import NO_TURN, TURN
from dropbox.front.uploads import TooMuch
from dropbox.settings import Settings
from scripts.rehearsal.claimant import Browser, File, Form, Page

ALLOWANCES = {
    What.PAGES: 60,
    What.DERIVATIONS: 3,
    What.FORMS: 2,
    What.BYTES: 1_000_000,
    What.FORM_BYTES: 1_500_000,
    What.ECHOES: 4,
    What.ALL_ECHOES: 6,
}


class Limits(CircuitLimits):
    """Limits with a clock that stands still, and an answer in place of an exception."""

    def __init__(self) -> None:
        self.now = 5_000.0
        super().__init__(ALLOWANCES, lambda: self.now)

    def takes(self, circuit: str, what: What, amount: int = 1, *, beyond: bool = False) -> bool:
        try:
            self.take(circuit, what, amount, beyond=beyond)
        except TooMuch:
            return False
        return True


@pytest.fixture
def limits() -> Limits:
    return Limits()


def test_a_circuit_gets_its_allowance_at_once_and_then_one_after_another(limits: Limits) -> None:
    assert [limits.takes("a", What.DERIVATIONS) for _ in range(5)] == [True] * 3 + [False] * 2
    limits.now += FILL_SECONDS / 3 - 0.01
    assert not limits.takes("a", What.DERIVATIONS)
    limits.now += 0.01
    assert [limits.takes("a", What.DERIVATIONS) for _ in range(2)] == [True, False]


def test_a_drops_allowances_are_those_of_its_settings_and_of_what_comes_back() -> None:
    limits = CircuitLimits.of(
        cast(
            Settings,
            SimpleNamespace(
                circuit_pages=11,
                circuit_derivations=7,
                circuit_forms=5,
                circuit_bytes=1_000,
                files=2,
                file_bytes=3_000,
            ),
        ),
        lambda: 5_000.0,
    )
    allowed = {
        What.PAGES: 11,
        What.DERIVATIONS: 7,
        What.FORMS: 5,
        What.BYTES: 1_000,
        # All files that one visit can bring, whatever its circuits are.
        What.FORM_BYTES: 6_000,
        # A text that comes back costs about 10 ms: a third of a second for one circuit in ten
        # minutes, and a twenty-fifth of a core for all of them.
        What.ECHOES: 32,
        What.ALL_ECHOES: 2_400,
    }
    assert circuit_limits.ECHO_BYTES == 131_072
    assert set(allowed) == set(What)
    for what, amount in allowed.items():
        limits.take("a", what, amount - 1)
        limits.take("a", what)
        with pytest.raises(TooMuch):
            limits.take("a", what)


def test_beyond_its_allowance_a_circuit_has_an_eighth_more_for_what_it_wrote() -> None:
    limits = Limits()
    assert limits.takes("a", What.PAGES, 60) and not limits.takes("a", What.PAGES)
    taken = [limits.takes("a", What.PAGES, beyond=True) for _ in range(8)]
    assert taken == [True] * 7 + [False]
    # Buckets fill, and ranks are forgotten, in ten minutes.
    limits.now += 600.0
    assert limits.takes("a", What.PAGES, 53) and not limits.takes("a", What.PAGES)


def test_after_ten_minutes_a_bucket_is_full_and_no_fuller(limits: Limits) -> None:
    while limits.takes("a", What.DERIVATIONS):
        pass
    for quiet in (FILL_SECONDS, 10 * FILL_SECONDS):
        limits.now += quiet
        assert [limits.takes("a", What.DERIVATIONS) for _ in range(4)] == [True] * 3 + [False]


def test_other_circuits_and_other_buckets_are_not_touched(limits: Limits) -> None:
    while limits.takes("a", What.FORMS):
        pass

    assert limits.takes("b", What.FORMS) and limits.takes("a", What.PAGES)


def test_bytes_are_taken_all_or_none(limits: Limits) -> None:
    assert limits.takes("a", What.BYTES, 999_999)
    assert not limits.takes("a", What.BYTES, 2)
    assert limits.takes("a", What.BYTES, 1)


def test_more_than_a_bucket_holds_takes_a_full_one(limits: Limits) -> None:
    assert limits.takes("a", What.BYTES, 10**12)
    assert not limits.takes("a", What.BYTES, 1)
    limits.now += FILL_SECONDS
    assert limits.takes("a", What.BYTES, 10**12)


def test_the_memory_stays_bounded_and_the_busiest_circuits_stay_in_it(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_limits, "SETS", 1)  # all circuits share one set
    while limits.takes("busy", What.DERIVATIONS):
        pass
    for number in range(10 * WAYS):
        assert limits.takes(f"new {number}", What.PAGES)
    assert not limits.takes("busy", What.DERIVATIONS)
    # One that is new takes the place of one that has asked for least.
    assert limits.takes("new 0", What.PAGES, 60)


def test_a_circuit_has_a_rank_for_each_kind_which_time_takes_away(limits: Limits) -> None:
    for _ in range(3):
        limits.begin(b"a", Kind.LOGINS)
    limits.begin(b"a", Kind.FILINGS)
    assert [limits.rank(b"a", kind) for kind in Kind] == [0, 3, 1]
    # Six minutes later 200 circuits that take turns would each have been there once.
    limits.now += 0.6 * RANK_SECONDS
    assert [limits.rank(b"a", kind) for kind in Kind] == [0, 3, 1]
    limits.now += 0.4 * RANK_SECONDS
    assert [limits.rank(b"a", kind) for kind in Kind] == [0, 2, 0]
    before = bytes(limits._region)
    assert limits.rank(b"unknown", Kind.LOGINS) == 0 and bytes(limits._region) == before
    # What a circuit can ask for is not touched.
    assert [limits.takes("a", What.DERIVATIONS) for _ in range(4)] == [True] * 3 + [False]
    assert limits.rank(b"a", Kind.LOGINS) == 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [(Kind.PAGES, [0, 0, 0, 0, 1]), (Kind.LOGINS, [0, 1]), (Kind.FILINGS, [0, 1])],
)
def test_the_pages_of_a_visit_are_alike_and_each_filing_counts(
    limits: Limits, kind: Kind, expected: list[int]
) -> None:
    ranks = []
    for _ in expected:
        ranks.append(limits.rank(b"a", kind))
        limits.begin(b"a", kind)

    assert ranks == expected


def test_a_rank_is_forgotten_within_a_day(limits: Limits) -> None:
    for _ in range(10 * MOST_COUNTED):
        limits.begin(b"a", Kind.LOGINS)
    assert limits.rank(b"a", Kind.LOGINS) == MOST_COUNTED
    limits.now += MOST_COUNTED * RANK_SECONDS
    assert limits.rank(b"a", Kind.LOGINS) == 0
    # A hundred of them, ten minutes each.
    assert MOST_COUNTED * RANK_SECONDS == 60_000.0


def test_a_first_request_takes_no_place_from_a_circuit_that_has_had_more(
    limits: Limits, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_limits, "SETS", 1)  # all circuits share one set
    for _ in range(2):
        limits.begin(b"busy", Kind.LOGINS)
    assert limits.rank(b"busy", Kind.LOGINS) == 2
    for number in range(10 * WAYS):
        limits.begin(b"new %d" % number, Kind.LOGINS)

    assert limits.rank(b"busy", Kind.LOGINS) == 2


def test_workers_that_are_forked_count_together(limits: Limits) -> None:
    if not (child := os.fork()):
        limits.take("a", What.FORMS)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

    assert [limits.takes("a", What.FORMS) for _ in range(2)] == [True, False]


def test_no_circuit_can_be_read_out_of_the_memory(limits: Limits) -> None:
    limits.take("fc00:dead:beef:4dad::0:2a", What.PAGES)
    other = Limits()
    other.take("fc00:dead:beef:4dad::0:2a", What.PAGES)

    # Each has a key of its own.
    assert bytes(limits._region) != bytes(other._region)
    assert b"dead" not in bytes(limits._region)
    assert len(limits._region) == SETS * WAYS * 88 == 2_883_584


@pytest.fixture
def limited(front: Front, limits: Limits) -> Front:
    """A front that counts; its restart makes one that counts as well."""
    front.charge = limits.charge
    front.restart()
    return front


@pytest.fixture
def browser(limited: Front) -> Iterator[Browser]:
    with on_circuit(limited, 7) as made:
        yield made


def on_circuit(front: Front, number: int) -> Browser:
    transport = httpx.WSGITransport(
        app=front.app.wsgi_app, remote_addr=f"fc00:dead:beef:4dad::0:{number:x}"
    )
    return Browser(ONION, transport=transport)


@pytest.mark.slow
def test_a_circuit_that_files_too_much_is_told_when_to_try_again_and_keeps_its_text(
    limited: Front, browser: Browser, limits: Limits
) -> None:
    for _ in range(2):
        assert send(browser, report_page(browser)).status == 200
    page = report_page(browser)
    refused = send(browser, page, [File("a.bin", "", b"file")])

    assert refused.status == 503 and "请 5 分钟后再试" in problems(refused)
    assert refused.form().value("text") == TEXT and "a.bin" in refused.text
    assert refused.codename() == page.codename()
    with on_circuit(limited, 8) as other:
        assert send(other, report_page(other)).status == 200
    limits.now += FILL_SECONDS / 2
    assert send(browser, refused).status == 200
    assert len(limited.reports()) == 4


def test_a_circuit_that_tries_many_codenames_is_told_to_wait(
    browser: Browser, limits: Limits
) -> None:
    inbox = browser.get("/en/inbox").form()
    codename = report_page(browser).codename()
    opened = [browser.send(inbox, {"codename": codename}) for _ in range(4)]

    assert [page.status for page in opened] == [200, 200, 200, 503]
    assert "please try again in 4 minutes" in opened[-1].text


def test_files_beyond_the_allowance_are_refused_and_the_text_is_kept(
    limited: Front, browser: Browser
) -> None:
    page = report_page(browser)
    assert send(browser, page, [File("a.bin", "", b"x" * 900_000)], act="files").status == 200
    refused = send(browser, page, [File("b.bin", "", b"x" * 900_000)])

    assert refused.status == 429 and "请 9 分钟后再添加您的文件" in problems(refused)
    assert refused.form().value("text") == TEXT and limited.reports() == []


def test_one_form_cannot_bring_more_files_over_many_circuits(limited: Front) -> None:
    statuses = []
    with on_circuit(limited, 7) as browser:
        page = report_page(browser)
    for number in range(3):
        with on_circuit(limited, number) as browser:
            file = File(f"{number}.bin", "", os.urandom(700_000))
            statuses.append(send(browser, page, [file], act="files").status)

    assert statuses == [200, 200, 429]


@pytest.mark.parametrize(
    ("prefix", "sentence"),
    [("en", "wait a minute"), ("zh-hans", "请等一分钟"), ("zh-hant", "請等一分鐘")],
)
@pytest.mark.slow
def test_too_many_pages_are_refused_in_each_language(
    browser: Browser, limits: Limits, prefix: str, sentence: str
) -> None:
    statuses = [browser.get(f"/{prefix}/").status for _ in range(60)]
    refused = browser.get(f"/{prefix}/report")

    assert set(statuses) == {200}
    assert refused.status == 429 and sentence in refused.text
    limits.now += 10
    assert browser.get(f"/{prefix}/report").status == 200


def test_who_has_looked_at_too_many_pages_can_still_send_what_was_written(
    limited: Front, browser: Browser, limits: Limits
) -> None:
    page = report_page(browser)
    while limits.takes("fc00:dead:beef:4dad::0:7", What.PAGES):
        pass
    refused = browser.get("/en/")
    assert refused.status == 429
    # As many times as an eighth of the allowance, and each keeps the text.
    answers = [send(browser, page, act="files") for _ in range(7)]

    assert [one.status for one in answers] == [200] * 7
    assert answers[0].form().value("text") == TEXT


@pytest.fixture
def page_beyond(limited: Front, browser: Browser, limits: Limits) -> Page:
    """A report page of a circuit that cannot have any other page, and nothing beyond it."""
    page = report_page(browser)
    while limits.takes("fc00:dead:beef:4dad::0:7", What.PAGES, beyond=True):
        pass
    return page


def test_beyond_every_allowance_nothing_is_filed_and_the_text_comes_back(
    limited: Front, browser: Browser, limits: Limits, page_beyond: Page
) -> None:
    refused = send(browser, page_beyond)

    assert refused.status == 503 and "请 2 分钟后再试" in problems(refused)
    assert refused.form().value("text") == TEXT and refused.codename() == page_beyond.codename()
    assert limited.reports() == [] and limited.vault.asked == []
    limits.now += FILL_SECONDS
    assert send(browser, refused).status == 200
    assert [report.text for report in limited.reports()] == [TEXT]


def test_beyond_every_allowance_no_file_is_read_and_the_text_comes_back(
    limited: Front, browser: Browser, page_beyond: Page
) -> None:
    refused = send(browser, page_beyond, [File("a.bin", "", b"x" * 200_000)], act="files")

    assert refused.status == 429 and "请 2 分钟后再添加您的文件" in problems(refused)
    assert refused.form().value("text") == TEXT and "a.bin" in refused.text
    assert limited.vault.asked == []


def test_beyond_every_allowance_no_codename_is_turned_into_keys(
    limited: Front, browser: Browser, limits: Limits
) -> None:
    inbox, codename = browser.get("/en/inbox").form(), report_page(browser).codename()
    while limits.takes("fc00:dead:beef:4dad::0:7", What.PAGES, beyond=True):
        pass
    refused = browser.send(inbox, {"codename": codename})

    assert refused.status == 503 and "please try again in 2 minutes" in refused.text
    assert limited.vault.asked == []
    # It goes on from there without the codename being typed again.
    limits.now += FILL_SECONDS
    assert browser.send(refused.form(), {"text": "x"}).status == 200
    assert len(limited.reports()) == 1


def test_how_much_text_comes_back_is_bounded_for_a_circuit_and_for_all(
    limited: Front, browser: Browser, limits: Limits, page_beyond: Page
) -> None:
    answers = [send(browser, page_beyond) for _ in range(5)]
    assert [one.status for one in answers] == [503] * 4 + [429]
    assert "按“后退”" in answers[-1].text
    with on_circuit(limited, 8) as other:
        while limits.takes("fc00:dead:beef:4dad::0:8", What.PAGES, beyond=True):
            pass
        # Six for all circuits.
        assert [send(other, page_beyond).status for _ in range(3)] == [503, 503, 429]


def test_a_long_body_takes_as_much_as_several(
    browser: Browser, limits: Limits, page_beyond: Page
) -> None:
    long = "x" * 300_000
    answers = [send(browser, page_beyond, act="language", text=long) for _ in range(2)]

    assert [one.status for one in answers] == [200, 429]
    assert answers[0].form().value("text") == long


@pytest.fixture
def late(limited: Front) -> Iterator[Browser]:
    """A browser whose requests have waited too long for their turn, all of them."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return limited.app.wsgi_app({**environ, NO_TURN: True}, start_response)

    transport = httpx.WSGITransport(app=application, remote_addr="fc00:dead:beef:4dad::0:7")
    with Browser(ONION, transport=transport) as made:
        yield made


@pytest.mark.parametrize("size", [0, 3, 200_000])
def test_who_waited_too_long_files_nothing_and_has_the_text_back(
    limited: Front, browser: Browser, late: Browser, size: int
) -> None:
    page = report_page(browser)
    files = [File("a.bin", "", b"x" * size)] if size else []
    refused = send(late, page, files)

    assert refused.status == 503
    assert ("正在接收别人的文件" if size else "服务器正忙") in problems(refused)
    assert refused.form().value("text") == TEXT and refused.codename() == page.codename()
    assert limited.reports() == [] and limited.vault.asked == []
    assert send(browser, refused, files).status == 200
    assert [report.text for report in limited.reports()] == [TEXT]


def test_an_upload_that_waits_too_long_to_be_filed_keeps_its_files_as_well(
    limited: Front, browser: Browser
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return limited.app.wsgi_app({**environ, TURN: lambda: False}, start_response)

    transport = httpx.WSGITransport(app=application, remote_addr="fc00:dead:beef:4dad::0:7")
    page = report_page(browser)
    with Browser(ONION, transport=transport) as unlucky:
        refused = send(unlucky, page, [File("a.bin", "", b"x" * 200_000)])

    assert refused.status == 503 and "服务器正忙" in problems(refused)
    assert refused.form().value("text") == TEXT and "a.bin" in refused.text
    assert limited.reports() == []
    assert send(browser, refused).status == 200
    (report,) = limited.reports()
    assert report.text == TEXT and [one.name for one in report.attachments] == ["a.bin"]


def test_who_waited_too_long_with_a_codename_goes_on_without_typing_it_again(
    limited: Front, browser: Browser, late: Browser
) -> None:
    inbox, codename = browser.get("/en/inbox").form(), report_page(browser).codename()
    refused = late.send(inbox, {"codename": codename})

    assert refused.status == 503 and "The server is busy" in refused.text
    assert limited.vault.asked == [] and codename.split()[0] not in refused.text
    assert browser.send(refused.form(), {"text": "x"}).status == 200
    assert len(limited.reports()) == 1


def test_a_page_that_is_only_looked_at_comes_late_and_whoever_leaves_late_has_left(
    browser: Browser, late: Browser
) -> None:
    page = late.get("/en/report")
    assert page.status == 200
    button = page.html.select_one("nav form.leave button[name=leaving]")
    assert button is not None
    left = late.send(Form("/en/leave", []), {"leaving": str(button["value"])})

    assert left.status == 200 and "You left this page" in problems(send(browser, page))


def test_whoever_leaves_is_not_refused(browser: Browser, page_beyond: Page) -> None:
    button = page_beyond.html.select_one("nav form.leave button[name=leaving]")
    assert button is not None
    left = browser.send(Form("/en/leave", []), {"leaving": str(button["value"])})

    assert left.status == 200 and "You have left" in left.text
    assert "离开过" in problems(send(browser, page_beyond))


def test_connections_without_a_circuit_are_not_counted(limited: Front) -> None:
    with limited.browser() as browser:
        assert {browser.get("/en/").status for _ in range(61)} == {200}


def test_what_is_refused_leaves_no_circuit_in_the_log(
    browser: Browser, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for _ in range(62):
        browser.get("/en/")

    assert capfd.readouterr() == ("", "")
