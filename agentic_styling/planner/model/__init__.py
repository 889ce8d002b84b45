"""The Qwen3-VL model: text and vision towers, attention, caches."""
