"""Human validation: the page for annotators, its server, and what their answers say."""

from agentic_styling.evaluation.annotate.agreement import Measure, agreement
from agentic_styling.evaluation.annotate.alpha import krippendorff_alpha
from agentic_styling.evaluation.annotate.page import write_page
from agentic_styling.evaluation.annotate.server import AnnotationServer

__all__ = ["AnnotationServer", "Measure", "agreement", "krippendorff_alpha", "write_page"]
