"""Light in a photograph: sun, moon, lamps, glows and flare."""
