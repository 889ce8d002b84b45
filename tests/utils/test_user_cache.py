"""The user's cache, and commands of a user who has no home."""

import pwd
from types import SimpleNamespace

import jax
import pytest

from agentic_styling.utils.errors import InputError
from agentic_styling.utils.user_cache import keep_compiled_programs, user_cache


def test_a_user_without_a_home_has_no_cache(monkeypatch, tmp_path):
    def nobody(_):
        raise KeyError("uid not found")

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    with pytest.raises(InputError, match="no home directory for the cache; set XDG_CACHE_HOME"):
        user_cache()
    monkeypatch.setattr(jax, "config", SimpleNamespace(jax_compilation_cache_dir=None))
    keep_compiled_programs()
    assert jax.config.jax_compilation_cache_dir is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache() == tmp_path / "agentic_styling"
