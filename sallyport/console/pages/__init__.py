"""The web pages: rendered here, made fresh by a few lines of JavaScript."""
