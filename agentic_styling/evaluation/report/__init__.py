"""The HTML report of an evaluation."""

from agentic_styling.evaluation.report.report import write_report

__all__ = ["write_report"]
