"""Assigning cases to a reviewer, or taking them back."""

from collections.abc import Callable, Sequence

from dropbox.errors import CasedropError
from scripts.desk.assigning import deal
from scripts.desk.full_screen.desk_screen import DeskScreen
from scripts.desk.full_screen.dialogs import Chooser
from scripts.desk.screen.output import counted


def give(screen: DeskScreen, numbers: Sequence[int], done: Callable[[], None]) -> None:
    """Ask on *screen* who is to have the cases with these *numbers*; then call *done*."""
    sitting = screen.sitting
    viewer = sitting.viewer
    names = sorted(viewer.names.items(), key=lambda one: one[1])
    entries = [*names, ("", "nobody: take them back")]

    def chosen(reviewer: str) -> bool:
        to = [reviewer] if reviewer else []
        try:
            dealt = deal(sitting.casebook, numbers, to, today=sitting.today())
        except CasedropError as why:
            screen.remark(str(why), "warning")
            return True
        sitting.changes += 1
        given = sum(map(len, dealt.given.values()))
        said = [f"{viewer.name(reviewer) or 'Nobody'} was given {counted(given, 'case')}."]
        said += [f"Not given, {why}: {', '.join(cases)}." for why, cases in dealt.left.items()]
        done()
        screen.remark(" ".join(said), "good" if given else "warning")
        return True

    title = f"Give {counted(len(numbers), 'case')} to"
    screen.app.push_screen(Chooser(title, entries, choose=chosen))
