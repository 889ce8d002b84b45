"""Filters on [C, H, W] planes: blurs, edge-keeping smoothing, SSIM, noise, lines and screens."""
