"""Themes, goals, teachers, trajectories and their loaders."""

from agentic_styling.data.formats.export_data import export_data
from agentic_styling.data.formats.published import ImportReport, import_published, read_published
from agentic_styling.data.generate import generate, summary
from agentic_styling.data.goals.goals import Goal, make_request, sample_goal
from agentic_styling.data.goals.themes import Theme, themes
from agentic_styling.data.photos.photos import (
    Photo,
    load_photos,
    random_crop,
    read_photo,
    split_photos,
)
from agentic_styling.data.photos.states import sample_state, state_plan
from agentic_styling.data.storage.trajectories import read_trajectories, write_trajectories
from agentic_styling.data.teachers.scripted import teach
from agentic_styling.data.trajectory import Trajectory

__all__ = [
    "Goal",
    "ImportReport",
    "Photo",
    "Theme",
    "Trajectory",
    "export_data",
    "generate",
    "import_published",
    "load_photos",
    "make_request",
    "random_crop",
    "read_photo",
    "read_published",
    "read_trajectories",
    "sample_goal",
    "sample_state",
    "split_photos",
    "state_plan",
    "summary",
    "teach",
    "themes",
    "write_trajectories",
]
