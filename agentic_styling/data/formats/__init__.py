"""Data sets in other forms: the published one, read and written, and conversations for trainers."""

from collections.abc import Sequence

from agentic_styling.data.formats.conversations import export_conversations
from agentic_styling.data.formats.published_export import export_published
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.utils.errors import InputError


def export_data(trajectories: Sequence[Trajectory], directory, form: str) -> None:
    """Writes trajectories with pictures to a new directory, in the form of another program.

    Args:
      form: "published", "trl", "llama-factory" or "ms-swift".

    Raises:
      InputError: there are no trajectories, one has a bad name, split or reward, and as
        `export_published` and `export_conversations` do.
    """
    if not trajectories:
        raise InputError(f"{directory}: no trajectories to export; give a set that has some")
    if form == "published":
        export_published(trajectories, directory)
    else:
        export_conversations(trajectories, directory, form)
