"""Photographs: sources, crops, and the known states they are put into."""
