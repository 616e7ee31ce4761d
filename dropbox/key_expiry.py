"""The term of the reviewers' keys: what is said, and to whom it matters, when their last week comes near."""

from datetime import date

# Three weeks: time for a courier's way to the offline workstation, the ceremony there, and the way back.
WARN_DAYS = 21


def notice(last_day: date, today: date) -> str:
    """One sentence for the operator or the reviewer from WARN_DAYS before *last_day* on (both UTC); else nothing."""
    left = (last_day - today).days
    if left > WARN_DAYS:
        return ""
    if left < 0:
        return f"The reviewers' weekly keys ended on {last_day}: no report is accepted until they are renewed."
    days = "today" if left == 0 else f"in {left} day{'s' if left > 1 else ''}"
    return f"The reviewers' weekly keys end on {last_day}, {days}: renew them, or no report is accepted after that day."
