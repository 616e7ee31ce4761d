"""The notice that the reviewers' weekly keys are about to expire, or have expired."""

from datetime import date

# Three weeks: enough for a courier to reach the offline workstation, for a ceremony, and for the
# way back.
WARN_DAYS = 21


def notice(last_day: date, today: date) -> str:
    """One sentence for the operator or reviewer from WARN_DAYS before *last_day* on, else "".

    *last_day* is the last day on which reports can be sealed; both dates are UTC.
    """
    left = (last_day - today).days
    if left > WARN_DAYS:
        return ""
    if left < 0:
        return (
            f"The reviewers' weekly keys expired on {last_day}: "
            "no report is accepted until they are renewed."
        )
    days = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
    return (
        f"The reviewers' weekly keys expire on {last_day}, {days}: "
        "renew them, or no report is accepted after that day."
    )
