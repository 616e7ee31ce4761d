"""Reports on many cases in the full screen: what the commands of these names print."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import RenderableType
from rich.text import Text

from scripts.desk.charts.figures import LEAST, LEFT_OUT, Asked, figures
from scripts.desk.full_screen.queue import Queue
from scripts.desk.full_screen.sitting import Sitting
from scripts.desk.quality_control import agreement, missed
from scripts.desk.screen.chart_text import charts_text
from scripts.desk.screen.deadlines import clock_table, without_date_lines
from scripts.desk.screen.output import counted
from scripts.desk.screen.quality_figures import (
    agreement_sentence,
    agreement_table,
    missed_sentences,
)
from scripts.desk.screen.status_lines import gathered, status_lines
from scripts.desk.search.limitation import clock

# How many claims are shown: those that lapse first.
_CLAIMS = 500

# Draws what was counted, in this many columns.
Drawn = Callable[[int], Iterable[RenderableType]]


@dataclass(frozen=True)
class Report:
    """A report: *count* counts once, and what it returns is drawn for each width.

    ``selected``: it is about the cases that the queue lists, not about all.
    """

    command: str
    title: str
    count: Callable[[Sitting, Queue], Drawn]
    selected: bool = True


def _charts(sitting: Sitting, queue: Queue) -> Drawn:
    # Without the reviewers' agreement, which takes longer than everything else: `quality` has it.
    language, today = sitting.viewer.language, sitting.today()
    found = figures(sitting.casebook, Asked(queue.numbers, language, today, whole=False))
    total = counted(len(queue.numbers), "case")
    said = f"{total} counted. {LEFT_OUT}: numbers below {LEAST} are left out."
    return lambda width: (charts_text(found, width=width), Text(said))


def _clock(sitting: Sitting, queue: Queue) -> Drawn:
    casebook, viewer = sitting.casebook, sitting.viewer
    found = clock(casebook, viewer.reviewer, set(queue.numbers))
    if not found.without_date:
        lacking = (
            "The campaign file has no [[review.limitation]], in which counsel says what lapses."
        )
        return lambda _width: (Text(lacking),)
    shown = found.running[:_CLAIMS]
    names = {
        case: casebook.names.of(case)
        for case in (
            *(claim.case for claim in shown),
            *(case for _, without in found.without_date for case in without),
        )
    }
    listed = clock_table(shown, names, viewer.language, sitting.today())
    lines = list(without_date_lines(found, names, viewer.language))
    if len(shown) < len(found.running):
        lines.insert(0, f"{len(found.running) - len(shown):,} later ones: `clock --page 2`.")
    return lambda _width: (listed, Text("\n".join(lines)))


def _quality(sitting: Sitting, _queue: Queue) -> Drawn:
    casebook, viewer = sitting.casebook, sitting.viewer
    agreed, found = agreement(casebook), missed(casebook)
    sentences = Text("\n".join([agreement_sentence(agreed), "", *missed_sentences(found)]))
    if not any(one.units for one in agreed):
        return lambda _width: (sentences,)
    listed = agreement_table(agreed, casebook.campaign.reviewing, viewer.language)
    return lambda _width: (listed, sentences)


def _status(sitting: Sitting, _queue: Queue) -> Drawn:
    viewer = sitting.viewer
    lines = status_lines(gathered(sitting.casebook), viewer.campaign.reviewing, viewer.language)
    return lambda _width: (Text("\n".join(lines)),)


CHARTS = Report("charts", "Charts", _charts)
REPORTS = {
    one.command: one
    for one in (
        CHARTS,
        Report("clock", "When claims lapse", _clock),
        Report("quality", "Agreement, and what was missed", _quality, selected=False),
        Report("status", "What the casebook holds, and what waits", _status, selected=False),
    )
}
