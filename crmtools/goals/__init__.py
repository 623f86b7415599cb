"""Goals: what shall be reached, and how far the data say it is."""
