"""What it costs to keep and serve customers."""
