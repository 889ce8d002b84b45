"""Ground and plants: snow, leaves, grass, water."""
