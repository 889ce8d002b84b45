"""Pure image functions, out of which the dimensions are composed."""
