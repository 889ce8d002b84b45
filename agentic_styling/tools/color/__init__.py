"""Point-wise colour: spaces, white balance, tone and chroma, 3D lookup tables."""
