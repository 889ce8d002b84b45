"""The looks of the ten dimensions, judged by number on real photographs."""
