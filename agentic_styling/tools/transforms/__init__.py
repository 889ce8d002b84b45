"""Pure image functions in dm-pix's conventions, of which the dimensions are composed."""
