"""A claimant at a terminal: fetches pages and sends forms as a browser without JavaScript does.

The demonstration, the tests and the benchmark use it. It knows HTTP and HTML, and nothing about the
contents of a form.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from html import unescape
from typing import BinaryIO, Self

import httpx
from bs4 import BeautifulSoup

# The first fetch builds a rendezvous circuit, through which an upload of some MB is slow.
TIMEOUT_SECONDS = 120.0


# The form of the button for leaving has no id.
FORM_ID = "form"
# A form's beginning, end or control: its attributes, and the text up to the next tag. A full HTML
# parser would take as long as everything else that a claimant does.
_PART = re.compile(
    r"<(form|input|textarea|select|button|option)\b"
    r"""((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>([^<]*+)|<(/form)\s*>"""
)
_ATTRIBUTE = re.compile(r"""([^\s=/"']+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?""")
_TYPED = re.compile(r"<b class=typed [^>]*>([^<]+)</b>")
_MARKUP = re.compile(r"<style.*?</style>|<!--.*?-->|<[^>]*>", re.DOTALL)
_LINE_BREAK = re.compile("\r\n|\r|\n")


@dataclass
class _Control:
    """A tag in a form with its attributes, the text after it and, for a select, its options."""

    tag: str
    given: dict[str, str]
    text: str = ""
    options: list["_Control"] = field(default_factory=list)

    def selected(self) -> str:
        """The value of a select."""
        chosen = next((one for one in self.options if "selected" in one.given), self.options[0])
        return chosen.given.get("value", chosen.text.strip())


def _attributes(text: str) -> dict[str, str]:
    return {
        name.lower(): unescape(double or single or bare)
        for name, double, single, bare in _ATTRIBUTE.findall(text)
    }


def _form_of(html: str) -> tuple[str | None, list[_Control]]:
    """The target of a page's main form, None if it has none, and the form's controls."""
    action: str | None = None
    inside, controls = False, list[_Control]()
    for tag, attributes, text, end in _PART.findall(html):
        given = _attributes(attributes)
        if end:
            inside = False
        elif tag == "form":
            if given.get("id") == FORM_ID:
                action, inside = given.get("action", ""), True
        elif inside or given.get("form") == FORM_ID:
            control = _Control(tag, given, unescape(text))
            (controls[-1].options if tag == "option" else controls).append(control)
    return action, controls


@dataclass(frozen=True)
class File:
    """A file for a form: the name as sent, the declared type, and the source of its bytes."""

    name: str
    type: str
    content: BinaryIO | bytes


@dataclass
class Form:
    """A form of a page: its target, its fields in order, and the values that its boxes offer."""

    action: str
    fields: list[tuple[str, str]]
    choices: dict[str, list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, html: str, page_path: str) -> Self | None:
        """A page's main form as a browser reads it: fields and ticked boxes, no buttons or files.

        None if there is no form.
        """
        action, controls = _form_of(html)
        if action is None:
            return None
        fields: list[tuple[str, str]] = []
        choices: dict[str, list[str]] = {}
        for control in controls:
            name, kind = control.given.get("name", ""), control.given.get("type", "text")
            if control.tag == "textarea":
                # Browsers drop one newline after the opening tag.
                fields.append((name, control.text.removeprefix("\n")))
            elif control.tag == "button" or kind in ("submit", "file"):
                continue
            elif kind in ("radio", "checkbox"):
                choices.setdefault(name, []).append(control.given.get("value", "on"))
                if "checked" in control.given:
                    fields.append((name, control.given.get("value", "on")))
            elif control.tag == "select":
                fields.append((name, control.selected()))
            elif name:
                fields.append((name, _LINE_BREAK.sub("\r\n", control.given.get("value", ""))))
        return cls(action or page_path, fields, choices)

    def value(self, name: str) -> str:
        """The value that the page gave the field *name*, "" when it has none."""
        return next((value for key, value in self.fields if key == name), "")

    def filled(self, values: Mapping[str, str | Sequence[str]]) -> list[tuple[str, str]]:
        """The fields in the page's order, with *values* in place of the page's own."""
        left = {
            name: [value] if isinstance(value, str) else list(value)
            for name, value in values.items()
        }
        result: list[tuple[str, str]] = []
        for name, value in self.fields:
            if name in left:
                result += [(name, chosen) for chosen in left.pop(name)]
            elif name not in values:
                result.append((name, value))
        chosen = [(name, value) for name, many in left.items() for value in many]
        # Newly ticked boxes come after the first fields (padding and token) and before the texts,
        # as in the form.
        return [*result[:2], *chosen, *result[2:]]


@dataclass(frozen=True)
class Page:
    """A response: its path, status, headers and body."""

    path: str
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @cached_property
    def html(self) -> BeautifulSoup:
        """The body, parsed only on demand, so that parsing is not measured as response time."""
        return BeautifulSoup(self.raw, "html.parser")

    @property
    def text(self) -> str:
        """The text that a person reads, in one line."""
        # Not worth building a tree of the page.
        return " ".join(unescape(_MARKUP.sub(" ", self.raw.decode("utf-8"))).split())

    def form(self) -> Form:
        """The page's form; the button for leaving has one of its own."""
        form = self._form
        assert form is not None, f"{self.path} has no form (status {self.status})"
        # A copy, so that filling it in changes nothing here.
        return Form(form.action, list(form.fields), {**form.choices})

    @cached_property
    def _form(self) -> Form | None:
        return Form.of(self.raw.decode("utf-8"), self.path)

    def codename(self) -> str:
        """The codename that the page shows: its words as typed, with spaces between."""
        # Building a tree of the whole page for a few words would take most of a test's time.
        return " ".join(unescape(word) for word in _TYPED.findall(self.raw.decode("utf-8")))


class Browser:
    """One visit to *onion* (the Host header), reached through *transport* or *proxy*."""

    def __init__(
        self,
        onion: str,
        *,
        proxy: str | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._client = httpx.Client(
            base_url=f"http://{onion}",
            proxy=proxy,
            transport=transport,
            timeout=timeout,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._client.close()

    def get(self, path: str) -> Page:
        """Fetch a page."""
        return _page(path, self._client.get(path))

    def send(
        self,
        form: Form,
        values: Mapping[str, str | Sequence[str]],
        *,
        files: Sequence[File] = (),
        file_field: str = "files",
        button: tuple[str, str] = ("act", "send"),
    ) -> Page:
        """Send *form* with *values* as multipart/form-data, in the form's order, with *button*."""
        before: list[tuple[str, str]] = []
        after: list[tuple[str, str]] = []
        for name, value in form.filled(values):
            (after if name == "end" else before).append((name, value))
        parts = [(name, (None, value)) for name, value in before]
        uploads = [(file_field, (file.name, file.content, file.type)) for file in files]
        last = [(name, (None, value)) for name, value in [*after, button]]
        return _page(form.action, self._client.post(form.action, files=[*parts, *uploads, *last]))


def _page(path: str, answer: httpx.Response) -> Page:
    return Page(path, answer.status_code, answer.headers, answer.content)
