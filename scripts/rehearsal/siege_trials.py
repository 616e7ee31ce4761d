"""Which attacks the siege makes, and how each is made on this computer."""

from dataclasses import dataclass

from onion.torrc import POW_QUEUE_BURST, POW_QUEUE_RATE

# Tor changes the effort that it suggests each 300 seconds (HS_UPDATE_PERIOD).
INFLATION_SECONDS = 330.0


@dataclass(frozen=True)
class Trial:
    """An attack as it is made here: its visitors, for how long, whether tor asks for work.

    ``differs``: how it falls short of the intended attack, "" if it does not. ``queue``: how many
    introductions a second, and at once, tor takes before it asks for more work.
    """

    name: str
    title: str
    attack: str
    differs: str = ""
    proof_of_work: bool = True
    seconds: float = 0.0
    queue: tuple[int, int] = (POW_QUEUE_RATE, POW_QUEUE_BURST)

    @property
    def network(self) -> tuple[bool, tuple[int, int]]:
        """A key: trials with the same one share a network."""
        return self.proof_of_work, self.queue


# At two a second this computer's attackers fill tor's queue many times over. The effort then climbs
# as an attacker would want, though only a little with each change.
_SHORT_QUEUE = (2, 10)


_NEAREST = "whole circuits through tor instead of bare INTRODUCE cells"
TRIALS = (
    Trial("slow-heads", "500 slow headers", "slow-heads"),
    Trial("slow-bodies", "500 trickling bodies", "slow-bodies"),
    # Before those that leave tor with much to carry.
    Trial("introductions", "introductions, with proof of work", "introductions", _NEAREST),
    Trial("guesses", "200 circuits of codename guesses", "guesses"),
    Trial("forms", "a flood of forms, 50 at once", "forms"),
    Trial("small-files", "the same with files of 140 KB", "small-files"),
    Trial("files", "64 MB of files from each of 50 circuits", "files"),
    Trial(
        "effort",
        "effort inflation",
        "introductions",
        "a queue of 2 a second; visitors offer only the effort that the service suggests",
        seconds=INFLATION_SECONDS,
        queue=_SHORT_QUEUE,
    ),
    Trial(
        "introductions-free",
        "introductions, without proof of work",
        "introductions",
        _NEAREST,
        proof_of_work=False,
    ),
)
