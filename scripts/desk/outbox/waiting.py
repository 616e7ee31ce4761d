"""Why answers that wait do not leave with the next reply bundle."""

from scripts.desk.casebook.casebook import Casebook
from scripts.desk.outbox.releasing import unreleased
from scripts.desk.outbox.sending import told_elsewhere, withheld


def reasons(casebook: Casebook) -> dict[int, str]:
    """Why answers do not leave, by their ids."""
    held = {
        one.answer.id: "needs a release" for one in unreleased(casebook, casebook.answers.queued())
    }
    told = {one.id: "another desk's has left" for one in told_elsewhere(casebook)}
    return held | told | {one.id: "taken back by the claimant" for one in withheld(casebook)}
