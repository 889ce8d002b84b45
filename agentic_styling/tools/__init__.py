"""The ten styling dimensions: vocabulary, plans, transforms, the executor."""
