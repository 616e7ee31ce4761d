"""What the operator types."""


def answer(question: str) -> str:
    """What is typed, without the spaces around it; "" at the end of the input."""
    try:
        return input(question).strip()
    except EOFError:
        return ""
