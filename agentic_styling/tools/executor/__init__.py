"""Plans to pixels on the device."""
