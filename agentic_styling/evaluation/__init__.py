"""Evaluation of planners: baselines, plan metrics, bootstrap intervals, the report."""

from agentic_styling.evaluation.baselines import edit_only, identity, random_plan, strongest
from agentic_styling.evaluation.bootstrap import (
    Interval,
    bootstrap_mean,
    paired_difference,
    verdict,
)
from agentic_styling.evaluation.evaluate import default_config, evaluate
from agentic_styling.evaluation.plan_metrics import action_scores, context_accuracy, context_hits
from agentic_styling.evaluation.planning import derangement
from agentic_styling.evaluation.report import write_report
from agentic_styling.evaluation.report.text_tables import plans_table, results_table
from agentic_styling.evaluation.results import METHODS, POST_TRAINED, aggregate

__all__ = [
    "METHODS", "POST_TRAINED", "Interval", "action_scores", "aggregate", "bootstrap_mean",
    "context_accuracy", "context_hits", "default_config", "derangement", "edit_only",
    "evaluate", "identity", "paired_difference", "plans_table", "random_plan", "results_table",
    "strongest", "verdict", "write_report",
]  # fmt: skip
