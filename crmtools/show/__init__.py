"""What a notebook calls to show something."""
