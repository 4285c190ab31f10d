"""Reports: the same answers as in the notebooks, as one HTML file without script, as Markdown, or as JSON.

A section is a question and a list of Results. Must not compute: whoever asks for a report brings the answers.
"""

from bizq_lab.reports.files import write_report
from bizq_lab.reports.from_log import log_report
from bizq_lab.reports.loop import loop_report
from bizq_lab.reports.render import render
from bizq_lab.reports.section import Headline, Section

__all__ = ["Headline", "Section", "log_report", "loop_report", "render", "write_report"]
