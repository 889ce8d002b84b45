"""What experiments/gallery.py is made of."""
