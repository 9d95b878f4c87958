"""Methods that search by gradient in a relaxed space."""
