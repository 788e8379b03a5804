"""Case folders, in and out."""
