"""The form of a sealed message: its recipients, and where it ends. Nothing is decrypted.

The front checks whom a fresh ciphertext is really addressed to, and the desk finds the end of a
message in its block, with the same reader. Input is untrusted; no loop runs longer than the input.
"""

from dropbox.errors import BadPacket
from dropbox.packets import ECDH, FOUR_BYTES, PARTIAL, PKESK, SEALED_DATA, length_at
from dropbox.sizes import MAX_REVIEWERS

# Tags above 15 exist only in the new header format, so sealed data always begins with this byte.
_SEALED_DATA_HEADER = 0xC0 | SEALED_DATA
# A PKESK packet is accepted with a length of one byte, in the old and the new format: for a cv25519
# key and AES-256 it has 94 bytes. Its version is the one that gpg writes for keys of version 4.
_PKESK_HEADERS = (0x84, 0xC0 | PKESK)
_PKESK_3, _SEIPD_1 = 3, 1
_LEAST_RECIPIENT_BYTES, _MAX_RECIPIENT_BYTES = 10, 94
_HIDDEN = "0" * 16  # the key id of a recipient who is not named
_NO_RECIPIENTS = "The ciphertext does not start with its recipients."


class SealedMessage:
    """A sealed message, read piece by piece as it arrives.

    Accepts exactly this: one PKESK packet of version 3 for each recipient, then one packet of
    sealed data with integrity protection (SEIPD of version 1), and nothing before, between or after
    them. ``recipients`` are key ids (16 upper-case hex digits) in order; they are complete once
    ``sealed`` is true. ``length`` counts the bytes of the message read so far; it is the message's
    length once ``ended`` is true.
    """

    def __init__(self) -> None:
        self.recipients: list[str] = []
        self.sealed = self.ended = False
        self.length = 0
        # A packet's header and what is checked after it: at most one recipient's packet.
        self._head = bytearray()
        self._left = 0  # bytes of sealed data up to the next length
        self._last_part = self._versioned = False

    def take(self, data: bytes | memoryview) -> int:
        """Read on, and return how many bytes of *data* belong to the message. Raises BadPacket."""
        at = 0
        while at < len(data) and not self.ended:
            if self._left:
                step = min(self._left, len(data) - at)
                self._left -= step
                at += step
                self.ended = self._last_part and not self._left
            elif self._versioned and not self._head and PARTIAL <= data[at] < FOUR_BYTES:
                # The same as _begin_part, only faster: a large message has thousands of parts.
                self._left = 1 << (data[at] & 0x1F)
                at += 1
            else:
                step = min(self._wanted(), len(data) - at)
                self._head += data[at : at + step]
                at += step
                self._read_head()
        self.length += at
        return at

    def _wanted(self) -> int:
        """How many bytes to read before :meth:`_read_head`: a recipient's packet is read whole."""
        if self.sealed or len(self._head) < 2:
            return 1
        # Its length was checked when it was read.
        return 2 + self._head[1] - len(self._head)

    def _read_head(self) -> None:
        if self._versioned:
            self._begin_part(self._head)
        elif self.sealed:
            self._begin_sealed_data()
        elif len(self._head) == 1 and self._head[0] == _SEALED_DATA_HEADER and self.recipients:
            self.sealed = True
            self._head.clear()
        else:
            self._read_recipient()

    def _read_recipient(self) -> None:
        head = self._head
        if head[0] not in _PKESK_HEADERS or len(self.recipients) == MAX_REVIEWERS:
            # A passphrase, or a key of a later version, would otherwise open the message unseen.
            raise BadPacket(_NO_RECIPIENTS)
        if len(head) < 2:
            return
        if not _LEAST_RECIPIENT_BYTES <= head[1] <= _MAX_RECIPIENT_BYTES:
            raise BadPacket(_NO_RECIPIENTS)
        if len(head) < 2 + head[1]:
            return
        key_id = head[3:11].hex().upper()
        if (
            head[2] != _PKESK_3
            or head[11] != ECDH
            or key_id == _HIDDEN
            or key_id in self.recipients
        ):
            raise BadPacket(_NO_RECIPIENTS)
        self.recipients.append(key_id)
        head.clear()

    def _begin_sealed_data(self) -> None:
        # The first length, then the version, which is the first byte of the data.
        body = _complete_length(self._head)
        if body is None or len(self._head) == body[1]:
            return
        if body[0] < 1 or self._head[body[1]] != _SEIPD_1:
            raise BadPacket("The sealed data has no integrity protection.")
        self._versioned = True
        self._begin_part(self._head)
        self._left -= 1
        self.ended = self._last_part and not self._left

    def _begin_part(self, head: bytearray) -> None:
        body = _complete_length(head)
        if body is None:
            return
        self._left, _, more = body
        self._last_part = not more
        self.ended = self._last_part and not self._left
        self._head.clear()


def _complete_length(head: bytearray) -> tuple[int, int, bool] | None:
    """The new-format length at the start of *head*, or None if it is not complete yet."""
    try:
        found = length_at(bytes(head), 0)
    except IndexError:
        return None
    return found if found[1] <= len(head) else None


def recipients(head: bytes) -> list[str]:
    """The key ids (16 upper-case hex digits) of the recipients of a sealed message, in order.

    *head* must contain them all; the sealed data after them may be cut off. Raises BadPacket if no
    sealed data follows.
    """
    message = SealedMessage()
    message.take(head)
    if not message.sealed:
        raise BadPacket(_NO_RECIPIENTS)
    return message.recipients


def message_length(block: bytes | memoryview) -> int:
    """The length in bytes of the sealed message at the start of *block*.

    Raises BadPacket unless a whole message is there; whatever follows it is not read.
    """
    message = SealedMessage()
    message.take(block)
    if not message.ended:
        raise BadPacket("This block does not start with a whole sealed message.")
    return message.length
