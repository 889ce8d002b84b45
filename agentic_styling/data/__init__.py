"""Photographs, goals, teachers, the sets that are built from them, and foreign formats."""

from agentic_styling.data.formats import export_data
from agentic_styling.data.formats.published import ImportReport, import_published, read_published
from agentic_styling.data.goals.goals import Goal, make_request
from agentic_styling.data.goals.sets import sample_goal
from agentic_styling.data.photos.photos import Photo, random_crop
from agentic_styling.data.photos.sources import load_photos, open_source
from agentic_styling.data.photos.states import sample_state, state_plan
from agentic_styling.data.storage.trajectories import read_trajectories, write_trajectories
from agentic_styling.data.teachers.scripted import teach
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.utils.pictures import read_photo

__all__ = [
    "Goal", "ImportReport", "Photo", "Trajectory", "export_data", "import_published",
    "load_photos", "make_request", "open_source", "random_crop", "read_photo", "read_published",
    "read_trajectories", "sample_goal", "sample_state", "state_plan", "teach",
    "write_trajectories",
]  # fmt: skip
