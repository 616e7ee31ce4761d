"""Of which kind a request is, by its first line."""

import pytest

from dropbox.front.request_kinds import COSTS, Kind, kind_of


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"GET / HTTP/1.1", Kind.PAGES),
        (b"GET /zh-hans/report HTTP/1.1", Kind.PAGES),
        (b"HEAD /nothing HTTP/1.1", Kind.PAGES),
        (b"POST /en/leave HTTP/1.1", Kind.PAGES),
        (b"POST /zh-hans/report/send HTTP/1.1", Kind.FILINGS),
        (b"POST /zh-hant/case HTTP/1.1", Kind.FILINGS),
        (b"POST /en/report HTTP/1.1", Kind.FILINGS),
        (b"POST /en/inbox HTTP/1.1", Kind.LOGINS),
        (b"", Kind.LOGINS),
    ],
)
def test_pages_are_looked_at_reports_are_filed_and_codenames_are_typed(
    line: bytes, kind: Kind
) -> None:
    assert kind_of(line) is kind


@pytest.mark.parametrize(
    "line",
    [
        b"POST /en/inb%6Fx HTTP/1.1",
        b"POST /en/inbox?/en/case HTTP/1.1",
        b"POST /en/case?x HTTP/1.1",
        b"POST  /en/case HTTP/1.1",
        b"post /en/case HTTP/1.1",
        b"PUT /en/case HTTP/1.1",
        b" GET /en/inbox HTTP/1.1",
    ],
)
def test_no_other_spelling_gets_a_login_another_share(line: bytes) -> None:
    assert kind_of(line) is Kind.LOGINS


def test_each_kind_has_its_cost_and_the_cheapest_has_one() -> None:
    assert set(COSTS) == set(Kind) and min(COSTS.values()) == COSTS[Kind.PAGES] == 1
