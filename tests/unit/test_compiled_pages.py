"""Templates are compiled once in a process, for all its applications."""

import pytest
from flask import Flask
from jinja2 import DictLoader, Environment
from support.front import Front

from dropbox.campaign import Campaign
from dropbox.front.factory import load_pages, make_application
from dropbox.language import read_languages


@pytest.fixture
def applications(front: Front, campaign: Campaign) -> list[Flask]:
    languages = read_languages(front.settings, campaign)
    return [make_application(front.settings, languages) for _ in range(2)]


def test_what_one_application_has_compiled_another_need_not(
    applications: list[Flask], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled: list[str] = []
    generate = Environment._generate

    def noted(environment: Environment, source: object, name: str, *more: object) -> str:
        compiled.append(name)
        return generate(environment, source, name, *more)  # type: ignore[arg-type]

    load_pages(applications[0])
    monkeypatch.setattr(Environment, "_generate", noted)
    load_pages(applications[1])

    assert compiled == []


def test_a_template_that_has_changed_is_compiled_anew(applications: list[Flask]) -> None:
    for application, text in zip(applications, ("before", "after"), strict=True):
        application.jinja_env.loader = DictLoader({"page": text})

    assert [one.jinja_env.get_template("page").render() for one in applications] == [
        "before",
        "after",
    ]
