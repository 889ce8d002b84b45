"""Human evaluation: the annotation page, its server, and how far annotators and rewards agree."""

from agentic_styling.evaluation.annotation.agreement import Measure, agreement
from agentic_styling.evaluation.annotation.alpha import krippendorff_alpha
from agentic_styling.evaluation.annotation.page import write_page
from agentic_styling.evaluation.annotation.server import AnnotationServer

__all__ = ["AnnotationServer", "Measure", "agreement", "krippendorff_alpha", "write_page"]
