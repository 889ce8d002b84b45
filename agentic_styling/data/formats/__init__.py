"""Data sets in other forms: the published one, read and written, and conversations for trainers."""

from collections.abc import Sequence

from agentic_styling.data.formats.conversations import export_conversations
from agentic_styling.data.formats.published_export import export_published
from agentic_styling.data.trajectory import Trajectory


def export_data(trajectories: Sequence[Trajectory], directory, form: str) -> None:
    """Writes trajectories in the form of another program.

    Args:
      trajectories: with pictures.
      directory: a new one.
      form: "published", "trl", "llama-factory" or "ms-swift".

    Raises:
      InputError: as `export_published` and `export_conversations` do.
    """
    if form == "published":
        export_published(trajectories, directory)
    else:
        export_conversations(trajectories, directory, form)
