"""Air and what it carries: sky, haze, particles."""
