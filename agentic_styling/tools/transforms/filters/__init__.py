"""Blurs, edge-preserving smoothing, noise, lines and textures."""
