"""Where each slot is, by its id: 9 bytes a slot, where a dict takes 130.

A drop that is flooded for months has millions of slots. They are divided among parts by a hash of
the id, which differs from process to process: nobody can choose ids that all go into one part. A
part is a row of entries, each with some further bits of the hash and the slot's place. If several
slots have the same bits, their heads show which one is meant.
"""

from collections.abc import Callable

# A part is searched from its start: with six million slots it has some 360 entries, 3 KB.
_PARTS = 2**14
_MARK_BYTES, _PLACE_BYTES = 4, 4
_ENTRY_BYTES = _MARK_BYTES + _PLACE_BYTES
_MARKS = 2 ** (8 * _MARK_BYTES)


class SlotIndex:
    """The places of slots by id. *id_at* gives the id of the slot at a place."""

    def __init__(self, id_at: Callable[[int], bytes]) -> None:
        self._id_at = id_at
        self._parts: list[bytearray | None] = [None] * _PARTS

    def place(self, block_id: bytes) -> int | None:
        """Where the slot with *block_id* is."""
        part, mark = self._part_of(block_id)
        for at in _found(part, mark):
            place = _place_in(part, at)
            if self._id_at(place) == block_id:
                return place
        return None

    def add(self, block_id: bytes, place: int) -> None:
        """Note that the slot at *place* has *block_id*, which no other slot has."""
        number, mark = self._hashed(block_id)
        part = self._parts[number]
        if part is None:
            part = self._parts[number] = bytearray()
        part += mark + place.to_bytes(_PLACE_BYTES, "big")

    def remove(self, block_id: bytes, place: int) -> None:
        """Forget that the slot at *place* has *block_id*; does nothing if that is unknown."""
        part, mark = self._part_of(block_id)
        for at in _found(part, mark):
            if _place_in(part, at) == place:
                # The order does not matter, so the last entry takes the place of this one.
                part[at : at + _ENTRY_BYTES] = part[-_ENTRY_BYTES:]
                del part[-_ENTRY_BYTES:]
                return

    def _part_of(self, block_id: bytes) -> tuple[bytearray, bytes]:
        number, mark = self._hashed(block_id)
        return self._parts[number] or bytearray(), mark

    @staticmethod
    def _hashed(block_id: bytes) -> tuple[int, bytes]:
        """The number of a part, and the mark of an entry."""
        mark, number = divmod(hash(block_id), _PARTS)
        return number, (mark % _MARKS).to_bytes(_MARK_BYTES, "big")


def _place_in(part: bytearray, at: int) -> int:
    return int.from_bytes(part[at + _MARK_BYTES : at + _ENTRY_BYTES], "big")


def _found(part: bytearray, mark: bytes) -> list[int]:
    """Where in *part* the entries with *mark* begin."""
    found = []
    at = part.find(mark)
    while at >= 0:
        if at % _ENTRY_BYTES == 0:
            found.append(at)
        at = part.find(mark, at + 1)
    return found
