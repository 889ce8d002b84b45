"""Plans on the host: vocabulary, JSON, modifiers resolved, encoding to arrays."""
