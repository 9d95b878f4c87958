"""What is known of public files: kinds of tables, names, sizes, digests, and whom to trust."""
