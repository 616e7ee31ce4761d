"""Rendering pages: a template, the language, the codename's words, and the token for the form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, g, make_response, render_template

from dropbox.campaign import Campaign
from dropbox.codename import Codename, Spelling, WordLists
from dropbox.front.arrived_files import ArrivedFiles
from dropbox.front.form_token import MISSING_CHARACTERS, FormState, FormTokens
from dropbox.language import Language


def use_language(tag: str) -> None:
    """Use the language *tag* for the rest of this request."""
    g.language = tag


@dataclass(frozen=True)
class Pages:
    """Renders all pages, and holds what carries their state from one to the next."""

    campaign: Campaign
    words: WordLists
    tokens: FormTokens
    arrived: ArrivedFiles
    languages: Mapping[str, Language]

    def language_of(self, prefix: str) -> str:
        """The tag of the language with this URL prefix, or of the first one."""
        tags = {language.prefix: tag for tag, language in self.languages.items()}
        return tags.get(prefix, next(iter(self.languages)))

    def spell(self, codename: Codename) -> tuple[Spelling, ...]:
        """The words of *codename* as this request's language shows them."""
        return self.words.spell(codename, self.languages[g.language].codename)

    def render(
        self, template: str, *, status: int = 200, path: str = "", **context: Any
    ) -> Response:
        """The page of *template*. The language links lead to *path* after the language's prefix."""
        language = self.languages[g.language]
        switch = [
            (tag, other.name, f"/{other.prefix}/{path}") for tag, other in self.languages.items()
        ]
        html = render_template(
            template,
            language=language.tag,
            direction=language.direction,
            day=language.day,
            root=f"/{language.prefix}/",
            switch=switch,
            campaign=self.campaign,
            **context,
        )
        return make_response(html, status)

    def form(
        self,
        template: str,
        *,
        page: str,
        state: FormState,
        text: str = "",
        problems: Sequence[tuple[str, Any]] = (),
        status: int = 200,
        path: str,
        kept: bool = True,
        **context: Any,
    ) -> Response:
        """A page with a form that carries *state*; *problems* (field, sentence) are shown above it.

        *path* is where the form is posted, after the language's prefix. *text* is what was written
        before and is shown again; together with the token it counts towards what the form will
        send. If *kept*, the browser shows the page as it was left when somebody comes back to it.
        """
        token = self.tokens.seal(page, state)
        g.kept = kept
        named = "".join(file.name[:MISSING_CHARACTERS] for file in state.attachments)
        g.carried = len(token) + len((text + named).encode("utf-8", "replace"))
        return self.render(
            template,
            status=status,
            path=path,
            token=token,
            leaving=self.tokens.leaving(state),
            arrival=self.tokens.arrival(state),
            text=text,
            codename=self.spell(state.codename),
            files=state.attachments,
            gone=state.missing,
            maybe_sent=state.maybe_sent,
            nameless=state.nameless,
            problems=problems,
            **context,
        )

    def message(
        self, heading: Any, sentences: Sequence[Any], *, status: int, path: str = ""
    ) -> Response:
        """A page that only says something: an error, a refusal, a farewell."""
        return self.render(
            "message.html", status=status, path=path, heading=heading, sentences=sentences
        )
