"""What lens, film and file do to a picture."""
