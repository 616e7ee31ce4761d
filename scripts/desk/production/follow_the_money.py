"""A case as FollowTheMoney entities, which programs for investigations read: one JSON a line.

Claimants are named after their case and nothing else. An entity's id is the same in every hand-over
of this casebook and of casebooks that know each other, and reveals nothing of what it is made from:
it is keyed with a secret that they share. A person or organisation that reviewers said is one
across cases has one id, so lines with the same id belong together.
"""

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dropbox import canonical_json
from dropbox.campaign import Campaign
from scripts.desk.production.records import Document

_PARTIES = {"person": "Person", "organisation": "Organization", "authority": "PublicBody"}
# As ISO 639-3 has them.
_LANGUAGES = {"zh-Hans": "zho", "zh-Hant": "zho", "en": "eng"}


class Entities:
    """Makes entities; *secret* are 32 bytes that never leave.

    ``joined`` says under which entry a party goes that reviewers said is the same as another.
    """

    def __init__(self, secret: bytes, campaign: Campaign, joined: Mapping[str, str]) -> None:
        self._secret = hmac.digest(secret, b"casedrop entities 1", "sha256")
        self._campaign, self._joined = campaign, joined

    def lines(self, told: Mapping[str, Any], documents: Sequence[Document]) -> Iterator[bytes]:
        """The entities of the case with the record *told*, as lines."""
        for one in (*self._people(told), *self._texts(told, documents), *self._facts(told)):
            yield canonical_json.encode(one, ascii_only=False) + b"\n"

    def _id(self, *of: str) -> str:
        return hmac.digest(self._secret, "\0".join(of).encode(), hashlib.sha256).hex()[:40]

    def _entity(self, schema: str, of: Sequence[str], **properties: object) -> dict[str, Any]:
        """An entity; each property is a list of texts, and empty ones are left out."""
        listed = {
            name: [str(one) for one in (value if isinstance(value, list) else [value]) if one]
            for name, value in properties.items()
        }
        return {
            "id": self._id(*of),
            "schema": schema,
            "properties": {name: values for name, values in listed.items() if values},
        }

    def _people(self, told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        case = told["case"]
        yield self._entity("Person", ("claimant", case), name=f"Claimant of {case}")
        yield self._entity(
            "Organization", ("organisation",), name=self._campaign.organisation["en"]
        )
        for one in told["parties"]:
            names = [name for name in one["names"] if name]
            yield self._entity(
                _PARTIES.get(one["kind"], "LegalEntity"),
                self._party(one["entry"]),
                name=names[:1] or one["entry"],
                alias=names[1:],
                notes=one["text"],
                summary=one["role"],
                proof=self._proof(one["source"]),
            )

    def _texts(
        self, told: Mapping[str, Any], documents: Sequence[Document]
    ) -> Iterator[dict[str, Any]]:
        """Reports, messages and answers as messages, and files as their documents."""
        case, known = told["case"], {one["number"]: one for one in told["documents"]}
        parents: dict[int, str] = {}
        for one in documents:
            number = str(one.number)
            listed, language = known[number], one.part.report.language
            if one.file is not None:
                parent = parents.get(one.part.number)
                yield self._entity(
                    "Document",
                    ("document", number),
                    title=number,
                    # A file without a name gets its number as one: the model requires a name.
                    fileName=listed["name"] or number,
                    fileSize=listed["size"] or "",
                    date=listed["received"],
                    parent=self._id("document", parent) if parent else "",
                )
                continue
            parents[one.part.number] = number
            yield self._entity(
                "Message",
                ("document", number),
                title=number,
                subject=f"{one.kind} {number}",
                bodyText=(one.text or b"").decode(),
                date=listed["received"],
                language=_LANGUAGES.get(language, ""),
                sender=self._id("claimant", case),
                recipients=self._id("organisation"),
            )
        for at, answer in enumerate(told["answers"], 1):
            yield self._entity(
                "Message",
                ("answer", case, str(at)),
                title=f"answer {at} to {case}",
                bodyText=answer["text"],
                date=answer["left"],
                language=_LANGUAGES.get(answer["language"], ""),
                sender=self._id("organisation"),
                recipients=self._id("claimant", case),
            )

    def _facts(self, told: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        for one in told["events"]:
            exact = one["certainty"] in ("day", "month", "year")
            yield self._entity(
                "Event",
                ("event", one["entry"]),
                name=self._campaign.reviewing.label("event_kind", one["kind"], "en"),
                description=one["text"],
                date=one["date"] if exact else "",
                startDate="" if exact else one["first"] or "",
                endDate="" if exact else one["last"] or "",
                summary="" if exact else one["certainty"],
                involved=[
                    self._id("claimant", told["case"]),
                    *(self._id(*self._party(entry)) for entry in one["parties"]),
                ],
                proof=self._proof(one["source"]),
            )

    def _party(self, entry: str) -> tuple[str, str]:
        return "party", self._joined.get(entry, entry)

    def _proof(self, source: str) -> str:
        """The document that a fact rests on, "" for none."""
        number = source.partition(",")[0]
        return self._id("document", number) if number.startswith("D") else ""
