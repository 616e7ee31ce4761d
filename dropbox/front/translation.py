"""The sentences of a page's language, by Flask-Babel from catalogs that were read at the start."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, g
from flask_babel import Babel, Domain

from dropbox.catalog import Sentences


class _Catalogs(Domain):  # type: ignore[misc]  # comes without types
    def __init__(self, catalogs: Mapping[str, Sentences]) -> None:
        super().__init__()
        self._catalogs = catalogs

    def get_translations(self) -> Sentences:
        """The sentences of this request's language."""
        return self._catalogs[g.language]


class _Babel(Babel):  # type: ignore[misc]  # comes without types
    # Flask-Babel's own domain looks for files while a page is rendered, and knows only Babel's
    # locales.
    domain_instance: Any = None

    def __init__(self, app: Flask, catalogs: Mapping[str, Sentences]) -> None:
        self.domain_instance = _Catalogs(catalogs)
        super().__init__(app)


def translate(app: Flask, catalogs: Mapping[str, Sentences]) -> None:
    """Let the pages of *app* speak the language in ``g.language``, the tag of one of *catalogs*."""
    _Babel(app, catalogs)
