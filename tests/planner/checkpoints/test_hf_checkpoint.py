import dataclasses
import json
import tracemalloc

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from flax import traverse_util
from jax.sharding import AxisType
from safetensors.numpy import load_file, save_file

from agentic_styling.planner import Qwen3VLConfig, load_pretrained, read_config, save_pretrained
from agentic_styling.planner.checkpoints import hf_checkpoint, streaming
from agentic_styling.planner.checkpoints.partition import shardings
from agentic_styling.planner.checkpoints.tensor_names import tensors
from agentic_styling.utils.errors import InputError

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture(scope="module")
def saved(config, params, tmp_path_factory):
    directory = tmp_path_factory.mktemp("saved")
    save_pretrained(directory, config, params)
    return directory


@pytest.fixture
def several(config, params, tmp_path):
    """A directory with several files and an index."""
    save_pretrained(tmp_path, config, params, max_shard_bytes=400_000)
    return tmp_path


@pytest.fixture
def large_stacks(monkeypatch):
    """The larger stacks of the tiny model go layer by layer, as those of real ones."""
    monkeypatch.setattr(streaming, "SMALL_BYTES", 60_000)


def mesh(**axes):
    return jax.make_mesh(tuple(axes.values()), tuple(axes), axis_types=(AxisType.Auto,) * len(axes))


def assert_equal(tree, other):
    assert jax.tree.structure(tree) == jax.tree.structure(other)
    jax.tree.map(np.testing.assert_array_equal, tree, other)


def test_round_trip(saved, config, params):
    loaded_config, loaded = load_pretrained(saved)
    assert loaded_config == config
    assert_equal(loaded, params)
    assert sorted(path.name for path in saved.iterdir()) == ["config.json", SINGLE]


def test_names_and_shapes_are_transformers(saved, params):
    tensors = load_file(saved / SINGLE)
    # 3 decoder layers of 11 tensors, 3 vision blocks of 12, 3 mergers of 6, and 5 others.
    assert len(tensors) == 3 * 11 + 3 * 12 + 3 * 6 + 5
    assert tensors["model.visual.patch_embed.proj.weight"].shape == (32, 3, 2, 16, 16)
    assert tensors["model.visual.deepstack_merger_list.1.linear_fc1.weight"].shape == (128, 128)
    # The third layer is the first of our second stack; kernels are stored output first.
    ours = params["language_model"]["layers_1"]["mlp"]["down_proj"]["kernel"][0]
    theirs = tensors["model.language_model.layers.2.mlp.down_proj.weight"]
    np.testing.assert_array_equal(ours.T, theirs)
    assert theirs.shape == (64, 128)


def test_several_files(several, params):
    files = sorted(path.name for path in several.glob("*.safetensors"))
    assert len(files) > 2
    assert files[0] == f"model-00001-of-{len(files):05}.safetensors"
    index = json.loads((several / INDEX).read_text())
    assert set(index["weight_map"].values()) == set(files)
    for file in files:
        found = load_file(several / file)
        assert {name for name, at in index["weight_map"].items() if at == file} == set(found)
        assert sum(array.nbytes for array in found.values()) <= 400_000
    assert_equal(load_pretrained(several)[1], params)


def test_bfloat16_is_stored_as_such(config, params, tmp_path):
    half = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, jnp.bfloat16)), params)
    save_pretrained(tmp_path, config, half)
    # The library's own reader, not ours.
    norm = load_file(tmp_path / SINGLE)["model.language_model.norm.weight"]
    assert norm.dtype == ml_dtypes.bfloat16
    np.testing.assert_array_equal(norm, half["language_model"]["norm"]["scale"])
    assert json.loads((tmp_path / "config.json").read_text())["dtype"] == "bfloat16"
    assert_equal(load_pretrained(tmp_path)[1], half)


def test_wider_dtypes_come_first_so_that_all_are_aligned(config, params, tmp_path):
    mixed = jax.tree.map(lambda x: x, params)
    table = mixed["language_model"]["embed_tokens"]
    table["embedding"] = table["embedding"].astype(jnp.bfloat16)
    save_pretrained(tmp_path, config, mixed)
    assert_equal(load_pretrained(tmp_path)[1], mixed)
    data = (tmp_path / SINGLE).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    del header["__metadata__"]
    last = max(header, key=lambda name: header[name]["data_offsets"])
    assert last == "model.language_model.embed_tokens.weight"
    assert size % 8 == 0


@pytest.mark.parametrize("axes", [{"data": 2, "fsdp": 2, "tensor": 2}, {"x": 8}])
def test_leaves_go_where_the_rules_say(saved, config, params, tmp_path, axes, large_stacks):
    _, loaded = load_pretrained(saved, mesh=mesh(**axes), dtype=jnp.bfloat16)
    half = jax.tree.map(lambda x: jnp.asarray(np.asarray(x, jnp.bfloat16)), params)
    assert_equal(loaded, half)
    layout = shardings(mesh(**axes), params)
    same = jax.tree.map(
        lambda x, wanted: x.sharding.is_equivalent_to(wanted, x.ndim), loaded, layout
    )
    assert all(jax.tree.leaves(same))
    save_pretrained(tmp_path, config, loaded)
    assert_equal(load_pretrained(tmp_path)[1], half)


class Reader:
    """Lazy slices that note what is read of them, and the device's memory while it is."""

    def __init__(self, found):
        self.found, self.bytes, self.largest, self.device = found, 0, 0, 0

    def slices(self):
        return {name: Slice(self, found) for name, found in self.found.items()}


class Slice:
    def __init__(self, reader, found):
        self.reader, self.found = reader, found
        self.get_shape, self.get_dtype = found.get_shape, found.get_dtype

    def __getitem__(self, index):
        array, reader = self.found[index], self.reader
        reader.bytes += array.nbytes
        reader.largest = max(reader.largest, array.nbytes)
        reader.device = max(reader.device, sum(x.nbytes for x in jax.live_arrays()))
        return array


@pytest.fixture
def reader(monkeypatch):
    readers, open_tensors = [], hf_checkpoint.open_tensors

    def opened(directory):
        readers.append(Reader(open_tensors(directory)))
        return readers[0].slices()

    monkeypatch.setattr(hf_checkpoint, "open_tensors", opened)
    return readers


def test_each_byte_is_read_once_though_devices_share_it(saved, params, reader):
    load_pretrained(saved, mesh=mesh(data=2, fsdp=2, tensor=2))
    total = sum(leaf.nbytes for leaf in jax.tree.leaves(params))
    # A convolution's kernel is read whole for each part along its inputs.
    twice = params["visual"]["patch_embed"]["kernel"].nbytes
    assert reader[0].bytes == total + twice
    # A device's part of the embedding, which is cut in four.
    assert reader[0].largest == twice


@pytest.mark.slow
def test_host_and_device_hold_one_tensor_beside_the_model(tmp_path, monkeypatch, reader):
    tiny = Qwen3VLConfig.preset("tiny")
    sizes = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 8}
    config = dataclasses.replace(
        tiny,
        text=dataclasses.replace(tiny.text, **sizes),
        vision=dataclasses.replace(tiny.vision, out_hidden_size=512),
    )
    shapes, rng = streaming.leaf_shapes(tensors(config)), np.random.default_rng(0)
    flat = {p: rng.standard_normal(shape, np.float32) for p, shape in shapes.items()}
    params = jax.tree.map(jnp.asarray, traverse_util.unflatten_dict(flat))
    total, largest = sum(leaf.nbytes for leaf in jax.tree.leaves(params)), 4 * 512 * 2048
    assert total > 25 * largest
    monkeypatch.setattr(streaming, "SMALL_BYTES", 2**20)
    gather, gathered, fill = streaming._gather, [], streaming._fill

    def noted_gather(array):
        gathered.append(array.nbytes)
        return gather(array)

    def checked_fill(stack, *args):
        filled = fill(stack, *args)
        assert stack.is_deleted()  # else there would be two
        return filled

    monkeypatch.setattr(streaming, "_gather", noted_gather)
    monkeypatch.setattr(streaming, "_fill", checked_fill)

    tracemalloc.start()
    save_pretrained(tmp_path, config, params)
    saving = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    before = sum(x.nbytes for x in jax.live_arrays())
    _, loaded = load_pretrained(tmp_path)
    loading = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert saving < 2.5 * largest and max(gathered) == largest
    # Here leaves that are put on the device whole may share the host's memory for good.
    assert loading < 4 * largest
    assert reader[0].device - before <= total + largest
    assert_equal(loaded, params)


def test_a_save_replaces_what_was_there(several, config, params):
    other = jax.tree.map(lambda x: x + 1, params)
    save_pretrained(several, config, other)
    assert sorted(path.name for path in several.iterdir()) == ["config.json", SINGLE]
    assert_equal(load_pretrained(several)[1], other)
    save_pretrained(several, config, params, max_shard_bytes=400_000)
    assert not (several / SINGLE).exists()
    assert_equal(load_pretrained(several)[1], params)


def test_a_save_that_fails_leaves_the_old_one(several, config, params, monkeypatch):
    before = {path.name: path.read_bytes() for path in several.iterdir()}
    write_file = streaming.write_file

    def full_disk(path, *args):
        if path.name.startswith("model-00003"):
            raise OSError("no space left")
        write_file(path, *args)

    monkeypatch.setattr(streaming, "write_file", full_disk)
    other = jax.tree.map(lambda x: x + 1, params)
    with pytest.raises(OSError, match="no space"):
        save_pretrained(several, config, other, max_shard_bytes=400_000)
    assert {path.name: path.read_bytes() for path in several.iterdir()} == before


def test_parameters_of_another_config_are_refused(config, params, tmp_path):
    flat = traverse_util.flatten_dict(params)
    flat[("lm_head", "embedding")] = jnp.zeros((512, 64))
    del flat[("visual", "merger", "norm", "bias")]
    with pytest.raises(InputError, match="lm_head/embedding, visual/merger/norm/bias do not fit"):
        save_pretrained(tmp_path / "new", config, traverse_util.unflatten_dict(flat))
    assert not (tmp_path / "new").exists()


def test_every_misfit_is_named(saved, tmp_path):
    tensors = load_file(saved / SINGLE)
    tensors["lm_head.weight"] = tensors["model.language_model.embed_tokens.weight"]
    (tmp_path / "config.json").write_text((saved / "config.json").read_text())
    save_file(tensors, tmp_path / SINGLE)
    assert load_pretrained(tmp_path)[0].tie_word_embeddings  # it may repeat its embedding

    del tensors["model.visual.merger.norm.bias"]
    tensors["model.visual.extra"] = np.zeros(2, np.float32)
    tensors["model.language_model.norm.weight"] = np.zeros(3, np.float32)
    tensors["model.visual.merger.norm.weight"] = np.zeros(32, np.int8)
    save_file(tensors, tmp_path / SINGLE)
    with pytest.raises(InputError) as caught:
        load_pretrained(tmp_path)
    message = str(caught.value)
    assert "missing: model.visual.merger.norm.bias;" in message
    assert "extra: model.visual.extra;" in message
    assert "misshapen: model.language_model.norm.weight (3,) is to be (64,);" in message
    assert message.endswith("nor bfloat16: model.visual.merger.norm.weight (I8)")


def test_a_head_unlike_the_embedding_is_kept(saved, params, tmp_path):
    """As transformers does, whatever the config says of tied embeddings."""
    tensors = load_file(saved / SINGLE)
    head = tensors["model.language_model.embed_tokens.weight"].copy()
    head[-1, -1] += 1
    (tmp_path / "config.json").write_text((saved / "config.json").read_text())
    save_file(tensors | {"lm_head.weight": head}, tmp_path / SINGLE)
    config, loaded = load_pretrained(tmp_path)
    assert not config.tie_word_embeddings and config == read_config(tmp_path)
    np.testing.assert_array_equal(loaded.pop("lm_head")["embedding"], head)
    assert_equal(loaded, params)


@pytest.mark.parametrize("dtype", ["float32", "float16", ml_dtypes.bfloat16])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(saved, tmp_path, dtype, value):
    name = "model.language_model.layers.1.mlp.up_proj.weight"
    tensors = {n: x.astype(dtype) for n, x in load_file(saved / SINGLE).items()}
    highest = np.finfo("float16").max
    tensors[name][0, :2] = highest, -highest
    (tmp_path / "config.json").write_text((saved / "config.json").read_text())
    save_file(tensors, tmp_path / SINGLE)
    load_pretrained(tmp_path)
    tensors[name][3, 4] = value
    save_file(tensors, tmp_path / SINGLE)
    with pytest.raises(InputError, match=f"{tmp_path / SINGLE}: {name} has values .* or NaN; use"):
        load_pretrained(tmp_path)


def test_parameters_that_are_not_finite_are_not_saved(several, config, params):
    before = {path.name: path.read_bytes() for path in several.iterdir()}
    broken = jax.tree.map(lambda x: x, params)
    broken["visual"]["merger"]["norm"]["bias"] = jnp.full(32, jnp.nan)
    with pytest.raises(InputError, match="model.visual.merger.norm.bias has values that are"):
        save_pretrained(several, config, broken)
    assert {path.name: path.read_bytes() for path in several.iterdir()} == before


def test_of_many_misfits_the_first_are_named(several):
    # Nothing but the embedding is left.
    name = "model.language_model.embed_tokens.weight"
    embedding = np.zeros((512, 64), np.float32)
    save_file({name: embedding}, several / SINGLE)
    with pytest.raises(InputError) as caught:
        load_pretrained(several)
    message = str(caught.value)
    # 92 tensors in all; 20 of the 91 are named.
    assert message.endswith(" and 71 more") and "\n" not in message
    assert message.split("missing: ")[1].count(", ") == 19


def test_broken_directories_are_told_in_one_line(several, tmp_path_factory):
    files = sorted(several.glob("*.safetensors"))
    files[1].write_bytes(files[1].read_bytes()[:-10])
    with pytest.raises(InputError, match=f"{files[1].name}: not a complete safetensors file"):
        load_pretrained(several)
    files[1].unlink()
    with pytest.raises(InputError, match=f"{files[1].name}: no such file"):
        load_pretrained(several)
    (several / INDEX).write_text("{}")
    with pytest.raises(InputError, match="has no weight_map"):
        load_pretrained(several)
    (several / INDEX).write_text("{")
    with pytest.raises(InputError, match="index.json: not JSON"):
        load_pretrained(several)
    (several / INDEX).unlink()
    with pytest.raises(InputError, match="model.safetensors: no such file"):
        load_pretrained(several)
    (several / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(InputError, match="has only pytorch_model.bin, .*; convert it"):
        load_pretrained(several)
    with pytest.raises(InputError, match=r"config.json: cannot be read \(No such file"):
        load_pretrained(tmp_path_factory.mktemp("empty"))


def test_untied_models_have_a_head():
    table = {tensor.name: tensor.shape for tensor in tensors(Qwen3VLConfig.preset("8b"))}
    assert table["lm_head.weight"] == (151936, 4096)
