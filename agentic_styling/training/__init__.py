"""Training of planners: config, data iterator, sharded step, checkpoints and the loop."""

from agentic_styling.training.config import default_config
from agentic_styling.training.export import export_checkpoint
from agentic_styling.training.loop import train
from agentic_styling.training.mesh import start_distributed
from agentic_styling.training.monitoring.dry_run import dry_run
from agentic_styling.training.online.loop import train_online

__all__ = [
    "default_config",
    "dry_run",
    "export_checkpoint",
    "start_distributed",
    "train",
    "train_online",
]
