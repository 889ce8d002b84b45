"""Files beside a checkpoint that are not its own."""

from agentic_styling.planner import save_pretrained


def test_other_weights_beside_a_checkpoint_are_kept(config, params, tmp_path):
    other = tmp_path / "model_ema.safetensors"
    other.write_bytes(b"mine")
    save_pretrained(tmp_path, config, params, max_shard_bytes=400_000)
    save_pretrained(tmp_path, config, params)
    assert other.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "config.json",
        "model.safetensors",
        other.name,
    ]
