"""Counts of shards are added up without copying what is there, however many there are."""

from collections import Counter

from agentic_styling.data.storage import shards


def test_a_sum_of_counts_is_linear_in_the_shards(monkeypatch):
    class Kept(Counter):
        def __add__(self, other):
            raise AssertionError("copies all that it holds")

    monkeypatch.setattr(shards, "Counter", Kept)
    counts = [{"contexts": {f"c{n}": 1, "all": 2}} for n in range(50)]
    every = shards.totals(counts)["contexts"]
    assert every["all"] == 100 and every["c7"] == 1 and len(every) == 51
    assert every["none"] == 0
