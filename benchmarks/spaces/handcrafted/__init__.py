"""Networks that people made, their blocks as graphs whose operations can be put in the place of others."""
