"""Data sets in other forms: the published one, read and written, and conversations for trainers."""

from collections.abc import Sequence

from agentic_styling.data.formats.conversations import FORMS, write_conversations
from agentic_styling.data.formats.published_export import write_images, write_published
from agentic_styling.data.storage.trajectories import checked_splits
from agentic_styling.data.trajectory import Trajectory
from agentic_styling.utils.atomic import atomic_directory
from agentic_styling.utils.errors import InputError, nearest


def export_data(trajectories: Sequence[Trajectory], directory, form: str) -> None:
    """Writes trajectories with pictures to a new directory, in the form of another program.

    Args:
      form: "published", "trl", "llama-factory" or "ms-swift".

    Raises:
      InputError: there are no trajectories, one has a bad name, split or reward, the form is not
        known, the directory is not new, pyarrow is missing for "published", or for another form a
        goal or plan holds a special token of that program.
    """
    if not trajectories:
        raise InputError(f"{directory}: no trajectories to export; give a set that has some")
    if form not in ("published", *FORMS):
        raise InputError(f"format {form!r} is not known; {nearest(form, ('published', *FORMS))}")
    splits = checked_splits(trajectories)
    with atomic_directory(directory) as root:
        if form == "published":
            write_published(splits, root)
        else:
            write_conversations(splits, root, form)
        write_images(trajectories, root)
