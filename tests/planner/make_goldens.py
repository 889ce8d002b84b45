"""Writes the goldens from torch and transformers: `python -m tests.planner.make_goldens`."""

import numpy as np

from tests.planner import oracle
from tests.planner.reference import logits_and_gradients, reference_model


def main():
    for name, hf_config in oracle.MODELS.items():
        model, goldens = reference_model(hf_config), {}
        for case in oracle.CASES:
            batch = oracle.batch(case)
            cotangent = oracle.cotangent(case, batch["attention_mask"])
            logits, gradients = logits_and_gradients(model, batch, cotangent)
            goldens[f"{case}/logits"] = logits[..., :: oracle.VOCABULARY_STEP]
            for parameter, gradient in gradients.items():
                goldens[f"{case}/gradient/{parameter}"] = oracle.project(parameter, gradient)
        np.savez_compressed(oracle.goldens(name), **goldens)


if __name__ == "__main__":
    main()
