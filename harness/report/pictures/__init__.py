"""What the report draws of a comparison, a kind of figure a file."""
