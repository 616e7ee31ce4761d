"""What the FollowTheMoney model says of the schemata that are written, and a check by it.

Read out of the YAML files in followthemoney/schema of followthemoney 4.11.2 (PyPI): each schema
with what it extends, what it requires of itself, and of its properties, inherited ones as well,
those that are written here. 3.x has them too, but for ``bodyText``, which it has in PlainText.
"""

import re
from typing import Any

_LEGAL = {"name": "name", "alias": "name", "notes": "text", "summary": "text", "proof": "Document"}
_FILE = {"title": "string", "fileName": "string", "fileSize": "number", "date": "date",
         "parent": "Folder"}  # fmt: skip
# Of each: all that it is, what it requires, and its properties, with their type, or for one that
# names an entity what that has to be.
MODEL: dict[str, tuple[set[str], set[str], dict[str, str]]] = {
    "Person": ({"Person", "LegalEntity", "Thing"}, {"name"}, _LEGAL),
    "Organization": ({"Organization", "LegalEntity", "Thing"}, {"name"}, _LEGAL),
    "PublicBody": ({"PublicBody", "Organization", "LegalEntity", "Thing"}, {"name"}, _LEGAL),
    "LegalEntity": ({"LegalEntity", "Thing"}, {"name"}, _LEGAL),
    "Document": ({"Document", "Thing", "Analyzable"}, {"fileName"}, _FILE),
    "Message": (
        {"Message", "Interval", "Folder", "Document", "Thing", "Analyzable", "PlainText"},
        {"bodyText", "sender"},
        {
            **{"title": "string", "subject": "string", "bodyText": "text", "date": "date"},
            **{"language": "language", "sender": "LegalEntity", "recipients": "LegalEntity"},
        },
    ),
    "Event": (
        {"Event", "Interval", "Analyzable", "Thing"},
        {"name"},
        {
            **{"name": "name", "description": "text", "summary": "text", "date": "date"},
            **{"startDate": "date", "endDate": "date", "involved": "LegalEntity"},
            **{"proof": "Document"},
        },
    ),
}
_TYPES = {
    "name": r"[^\n]+",
    "string": r"[^\n]+",
    "text": r"(?s).+",
    "number": r"[0-9]+",
    "date": r"[0-9]{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?",
    "language": r"zho|eng",
}


def check(entities: list[dict[str, Any]]) -> None:
    """Each of *entities* is as the model has it, and names only others that are there."""
    schemata = {one["id"]: one["schema"] for one in entities}
    for one in entities:
        assert set(one) == {"id", "schema", "properties"}
        assert re.fullmatch("[0-9a-f]{40}", one["id"])
        _, required, properties = MODEL[one["schema"]]
        assert required <= set(one["properties"]), one["schema"]
        for name, values in one["properties"].items():
            kind = properties[name]
            assert values and type(values) is list and all(type(each) is str for each in values)
            for each in values:
                if kind in _TYPES:
                    assert re.fullmatch(_TYPES[kind], each), (one["schema"], name)
                else:
                    assert kind in MODEL[schemata[each]][0], (one["schema"], name)
