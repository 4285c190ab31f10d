"""Reports: the same answers as in the notebooks, as one HTML file without script, as Markdown, or as JSON.

A section is a question and a list of Results. Must not compute: whoever asks for a report brings the answers.
"""

from bizq_lab.reports.experiment import experiment_report
from bizq_lab.reports.files import write_report
from bizq_lab.reports.from_log import summary_report
from bizq_lab.reports.loop import loop_report
from bizq_lab.reports.outlived import with_reports
from bizq_lab.reports.periodic import periodic_report
from bizq_lab.reports.render import FORMS, Form, form_of, render
from bizq_lab.reports.rollout import rollout_report
from bizq_lab.reports.section import Headline, Report, Section
from bizq_lab.reports.shelf import file_report, manifest

__all__ = [
    "FORMS",
    "Form",
    "Headline",
    "Report",
    "Section",
    "experiment_report",
    "file_report",
    "form_of",
    "loop_report",
    "manifest",
    "periodic_report",
    "render",
    "rollout_report",
    "summary_report",
    "with_reports",
    "write_report",
]
