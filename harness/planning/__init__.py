"""What a suite asks for: its runs, the panels they need, and the trainings that come after them."""
