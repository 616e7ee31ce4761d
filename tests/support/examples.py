"""How many inputs a test is given by chance, without a clock."""

from hypothesis import HealthCheck, settings


def examples(most: int = 100) -> settings:
    """At most so many inputs, however long one takes to make or to try: beside other work that says
    nothing.
    """
    return settings(max_examples=most, deadline=None, suppress_health_check=[HealthCheck.too_slow])
