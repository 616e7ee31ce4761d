"""All figures on one HTML page that needs nothing else: no script, no network, no other file."""

from collections.abc import Sequence
from html import escape

from dropbox.label import Label
from scripts.desk.charts import titles
from scripts.desk.charts.shapes import Asked, Figure
from scripts.desk.charts.svg import drawn
from scripts.terminal import one_line

_NAME_CHARACTERS = 200
# Numbers are in the ink's colour on every shade of heat: at least 4.5 to 1, as WCAG 2.2 asks for.
# A browser that shows the page may neither run nor fetch anything.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #5b6570;
  --line: #d5dae0; --bar: #2f6690; --heat: #7fb2d9; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ed; --paper: #15181c; --soft: #a3adb8; --line: #343b43; --bar: #7fb2d9;
    --heat: #2f6690; } }
body { margin: 2rem auto; max-width: 46rem; padding: 0 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, "Noto Sans CJK SC", "Noto Sans CJK TC", sans-serif; }
h1 { font-size: 1.5rem; margin-bottom: .25rem; }
p { color: var(--soft); margin: .25rem 0; }
figure { margin: 2rem 0; break-inside: avoid; overflow-x: auto;
  scrollbar-color: var(--soft) var(--paper); }
figcaption { font-weight: 600; margin-bottom: .5rem; }
svg { display: block; max-width: none; height: auto; }
svg text { fill: var(--ink); font-size: 13px; }
.end { text-anchor: end; }
.middle { text-anchor: middle; }
.bar { fill: var(--bar); }
.cell { fill: none; stroke: var(--line); }
.heat { fill: var(--heat); }
table { border-collapse: collapse; }
th, td { border-bottom: 1px solid var(--line); padding: .25rem .75rem; text-align: right; }
th:first-child { text-align: left; padding-left: 0; }
tbody th { font-weight: 400; }
td { white-space: nowrap; font-variant-numeric: tabular-nums; }
.narrow { display: none; }
@media screen and (max-width: 47rem) { .wide { display: none; } .narrow { display: block; }
  svg .middle { font-size: 12px; } table, tbody, tr, tbody th { display: block; }
  thead { display: none; } tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  th, td { border: 0; padding: 0; text-align: left; } tbody th { font-weight: 600; }
  td { display: flex; justify-content: space-between; gap: 1rem; }
  td::before { content: attr(data-head); color: var(--soft); white-space: normal; } }
@media print { body { margin: 0; max-width: none; } figure { overflow: visible; }
  svg { max-width: 100%; max-height: 90vh; } * { print-color-adjust: exact; } }
"""


def html(figures: Sequence[Figure], asked: Asked, *, campaign: str) -> str:
    """The page; *campaign* is its title in the labels' language."""

    def said(label: Label, *values: str) -> str:
        text = label.in_(asked.language)
        for value in values:
            text = text.replace("%s", value, 1)
        return escape(text)

    small = said(titles.SMALL, str(asked.least)) if asked.least > 1 else said(titles.EVERY_NUMBER)
    name = escape(one_line(campaign, _NAME_CHARACTERS))
    drawings = "\n".join(drawn(figure) for figure in figures) or f"<p>{said(titles.NOTHING)}</p>"
    remarks = titles.joined(asked.language, said(titles.SOURCE), said(titles.NO_SAMPLE), small)
    counted = said(titles.COUNTED, asked.today.isoformat(), f"{len(asked.numbers):,}")
    return f"""<!DOCTYPE html>
<html lang="{asked.language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{said(titles.PAGE)}</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>{said(titles.PAGE)}</h1>
<p>{name}</p>
<p>{counted}</p>
<p>{remarks}</p>
{drawings}
</body>
</html>
"""
