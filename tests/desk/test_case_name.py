"""Names of cases: the same everywhere, said and typed without mistakes that nobody notices."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.cases import add, new_casebook, report

from scripts.desk.case_name import (
    CHARACTERS,
    BadCaseName,
    characters_of,
    former_name,
    name_of,
    read,
    read_former,
)
from scripts.desk.casebook import names
from scripts.desk.casebook.casebook import Casebook
from scripts.desk.casebook.names import Names

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# Claimants of support.cases with the same short name.
ALIKE = (3871, 7414)


def test_a_name_follows_from_both_keys_and_never_changes() -> None:
    keys = [(b"\1" * 32, b"t" * 32), (b"\2" * 32, b"t" * 32), (b"\1" * 32, b"u" * 32)]

    assert [name_of(characters_of(*one)) for one in keys] == ["GF-M8XY", "MW-8MTR", "KZ-32MA"]
    assert all(len(characters_of(*one)) == CHARACTERS for one in keys)


def test_every_wrong_character_and_every_two_that_have_changed_places_are_noticed() -> None:
    for name in ("K7QX4M", "K7QX4M9TBX"):
        read(name)
        wrong = {
            name[:place] + other + name[place + 1 :]
            for place in range(len(name))
            for other in ALPHABET
        }
        for one, other in itertools.combinations(range(len(name)), 2):
            swapped = list(name)
            swapped[one], swapped[other] = swapped[other], swapped[one]
            wrong.add("".join(swapped))
        for typed in wrong - {name}:
            with pytest.raises(BadCaseName):
                read(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "K7-QX4M",
        "k7-qx4m",
        " K7QX4M ",
        "k7 qx 4m",
        "Ｋ７－ＱＸ４Ｍ",
        "K7–QX4M",
        "K7_QX4M",
        "K7-QX4M\n",
    ],
)
def test_a_name_is_read_as_people_type_it(typed: str) -> None:
    assert read(typed) == "K7QX4"


def test_letters_that_look_like_digits_are_read_as_digits() -> None:
    assert read(name_of("A1010".ljust(CHARACTERS, "0")).replace("1", "l").replace("0", "O")) == (
        "A1010"
    )


@pytest.mark.parametrize(
    "typed",
    ["", "-", "K7-QX4", "K7-QX4M9", "77-QX4M", "K7-QX4U", "K7-QX4é", "封7-QX4M", "K" * 10**6],
)
def test_what_is_no_name_is_said(typed: str) -> None:
    with pytest.raises(BadCaseName, match="they look like K7-QX4M"):
        read(typed)


def test_a_name_with_a_wrong_character_is_named_in_the_sentence() -> None:
    with pytest.raises(BadCaseName, match=r"^K7-QX4N is no case's name: a character is wrong"):
        read("k7qx4n")
    with pytest.raises(BadCaseName, match=r"^K7-QX4M-9TBY is no case's name"):
        read("k7qx4m9tby")
    with pytest.raises(BadCaseName, match=r"^K7-QX4M-9TBX-0000 is no case's name"):
        read("k7qx4m9tbx0000")


def named(directory: Path, claimants: Sequence[int]) -> dict[int, str]:
    """The names of these claimants' cases, imported in this order."""
    with new_casebook(directory) as casebook:
        cases = add(casebook, *(report(claimant=one) for one in claimants))
        return {one: casebook.names.of(case) for one, case in zip(claimants, cases, strict=True)}


def test_two_desks_call_a_case_the_same_whatever_came_first(tmp_path: Path) -> None:
    one = named(tmp_path / "one", [1, 2, 3, *ALIKE])

    assert one == named(tmp_path / "other", [*reversed(ALIKE), 3, 1, 2])
    assert len(set(one.values())) == 5 and len({one[n][:7] for n in ALIKE}) == 1
    assert [len(one[n]) for n in (1, *ALIKE)] == [7, 12, 12]


@pytest.mark.slow
def test_names_that_begin_alike_grow_until_they_differ_in_any_order(
    casebook: Casebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = ("", "111", "111222", "111223", "Z")
    made = [("K7QX4" + end).ljust(CHARACTERS, "0") for end in ends]
    monkeypatch.setattr(names, "characters_of", lambda public, _tag: made[public[0]])
    found = set()
    for order in itertools.permutations(range(len(made))):
        casebook.database.execute("DELETE FROM case_name")
        kept = Names(casebook.database)
        for number in order:
            kept.add(number, bytes([number]), b"")
        found.add(tuple(kept.of(number) for number in range(len(made))))
        for number in range(len(made)):
            assert kept.find(kept.of(number)) == number

    ((first, second, third, fourth, last),) = found
    assert [len(one) for one in (first, second, third, fourth, last)] == [12, 17, 17, 17, 12]
    assert all(one.startswith("K7-QX4M-") for one in (first, second, third, fourth, last))


def test_a_short_name_that_two_cases_have_is_refused_and_the_longer_ones_named(
    casebook: Casebook,
) -> None:
    add(casebook, report(claimant=ALIKE[0]))
    short = casebook.names.of(1)
    assert casebook.names.find(short) == 1
    add(casebook, report(claimant=ALIKE[1]))
    first, second = casebook.names.among([1, 2]).values()

    with pytest.raises(BadCaseName) as refused:
        casebook.names.find(short)
    assert first in str(refused.value) and second in str(refused.value)
    assert casebook.names.find(first) == 1 and casebook.names.find(second.lower()) == 2


def test_a_longer_name_from_another_desk_is_understood(casebook: Casebook) -> None:
    add(casebook, report(claimant=ALIKE[0]))
    own, other = (characters_of(n.to_bytes(32, "big"), b"t" * 32) for n in ALIKE)

    assert casebook.names.find(name_of(own, other)) == 1
    with pytest.raises(BadCaseName, match="There is no case"):
        casebook.names.find(name_of(other, own))


def test_a_former_number_is_understood_where_it_was_given_and_nowhere_else(
    casebook: Casebook,
) -> None:
    add(casebook, report(claimant=1))
    Names(casebook.database).add(9, b"r" * 32, b"t" * 32, former=former_name(50))

    assert [casebook.names.find(typed) for typed in ("C-0050", " c-0050", "C-00050")] == [9] * 3
    assert casebook.names.former(9) == "C-0050" and casebook.names.former(1) == ""
    for typed in ("C-0001", "C-0051"):
        with pytest.raises(BadCaseName, match=f"No case of this casebook was ever called {typed}"):
            casebook.names.find(typed)
    for typed in ("50", "C50", "c-50", "１"):
        assert read_former(typed) == ""
