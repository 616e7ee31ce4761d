"""Mutating JSON as JSON: a value of another kind, a missing key, a doubled list, unusual
characters.
"""

import json
from random import Random
from typing import Any

from fuzz.target import Mutate

_ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    1.0,
    10**30,
    float("inf"),
    float("nan"),
    "",
    "\ud800",
    "\u202e\0",
    "好" * 400,
    "0" * 64,
    "2026-11-24",
    "20261124",
    "9999-12-31",
    [],
    {},
    [[]],
    {"version": 1},
)
_NESTED = b"[" * 3_000


def changed(value: Any, random: Random) -> Any:
    """*value* with one change somewhere inside."""
    if not isinstance(value, dict | list) or not value or random.random() < 0.1:
        return _replaced(value, random)
    if isinstance(value, dict):
        key = random.choice(sorted(value))
        rest = {name: inner for name, inner in value.items() if name != key}
        return random.choice(
            (
                rest,
                {**rest, key + "x": value[key]},
                *[{**value, key: changed(value[key], random)}] * 8,
            )
        )
    at = random.randrange(len(value))
    before, here, after = value[:at], value[at], value[at + 1 :]
    return random.choice(
        (
            before + after,
            [*value, here],
            value[::-1],
            *[[*before, changed(here, random), *after]] * 6,
        )
    )


def _replaced(value: Any, random: Random) -> Any:
    if isinstance(value, str) and value and random.random() < 0.5:
        at = random.randrange(len(value))
        return (
            value[:at]
            + random.choice(("", value[at] * 2, "\x00", "\ud800", "Z", "é"))
            + value[at + 1 :]
        )
    if isinstance(value, int) and random.random() < 0.5:
        return random.choice((value + 1, -value, float(value), str(value), value * 2**40))
    return random.choice(_ODD)


def _written(value: Any, random: Random) -> bytes:
    """Mostly as Casedrop writes it, since everything else is refused early."""
    ascii_only, separators = random.random() < 0.7, random.choice([(",", ":")] * 7 + [(", ", ": ")])
    text = json.dumps(
        value, ensure_ascii=ascii_only, sort_keys=random.random() < 0.9, separators=separators
    )
    return text.encode("utf-8", "surrogatepass")


def _json(data: bytes, most: int, random: Random, mutate_bytes: Any) -> bytes:
    if random.random() < 0.3:
        return bytes(mutate_bytes(data))
    if random.random() < 0.01 and most > len(_NESTED):
        at = random.randrange(len(data) + 1)
        return (data[:at] + _NESTED + data[at:])[:most]
    try:
        value = json.loads(data)
        for _ in range(random.randint(1, 3)):
            value = changed(value, random)
        return _written(value, random)[:most]
    except (ValueError, RecursionError, TypeError):
        return bytes(mutate_bytes(data))


mutate_json: Mutate = _json
