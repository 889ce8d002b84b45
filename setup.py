"""Packaging. `pip install -e .` is the lean core; the extras add what a single use needs."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (ROOT / "agentic_styling/__init__.py").read_text())[1]

EXTRAS = {
    "data": [
        "array_record>=0.8",
        "importlib_resources",
        "pyarrow>=15",
        "tensorflow-datasets>=4.9.8",
    ],
    "tensorboard": ["tensorflow-cpu", "tensorboard"],
    "wandb": ["wandb"],
    "notebooks": ["ipykernel", "matplotlib", "nbclient", "nbformat"],
    "cuda": ["jax[cuda12]"],
    "tpu": ["jax[tpu]"],
}
EXTRAS["test"] = [
    *EXTRAS["data"],
    *EXTRAS["notebooks"],
    "datasets",
    "hypothesis",
    "opencv-python-headless",
    "pytest>=8",
    "pytest-xdist",
    "ruff==0.17.6",
    "scikit-image>=0.24",
    "scikit-learn>=1.5",
    "vulture>=2.16",
]
EXTRAS["docs"] = ["mkdocs-material>=9.7", "mkdocstrings[python]>=1.0"]
# dashscope ships Qwen's vocabulary; its later versions only depend on more. torch: up to the
# version that the reference was read off.
EXTRAS["parity"] = [
    *EXTRAS["test"],
    "colour-science",
    "dashscope==1.14.0",
    "peft>=0.17",
    "tensorflow-cpu",  # that tfds.load reads our sets
    "torch>=2.6,<2.14",
]
# The peers of experiments/benchmarks/.
EXTRAS["benchmarks"] = [*EXTRAS["parity"], "albumentationsx", "kornia"]

setup(
    name="agentic-styling",
    version=VERSION,
    description="Agentic image styling by offline and online RL: a Qwen3-VL planner in JAX",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[
        *find_packages(include=["agentic_styling", "agentic_styling.*"]),
        "agentic_styling.configs",
    ],
    # Built-in configs, so that `agentic-styling train --config=train:dpo` works from a wheel.
    package_dir={"agentic_styling.configs": "configs"},
    package_data={
        "agentic_styling": [
            *("**/*.json", "**/*.html", "**/*.css", "**/*.js", "**/*.safetensors"),
            *("data/photos/bundled/*", "planner/pretrained/*/*"),
        ]
    },
    install_requires=[
        "absl-py",
        "chex",
        "clu>=0.0.12",
        "dm-pix>=0.4.3",
        "flax>=0.12",
        "grain>=0.2.12",
        "jax>=0.10",
        "ml-collections>=1.0",
        "numpy>=1.26",
        "optax>=0.2.8",
        "orbax-checkpoint>=0.11.20",
        "pillow>=13",  # whose bicubic the planner reproduces on the device
        "safetensors>=0.5",
        "scipy>=1.11",
        "tokenizers>=0.21",
        "tqdm>=4.66",
        "transformers>=5.0",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["agentic-styling=agentic_styling.cli.main:main"]},
)
