"""Networks that people made, block by block as graphs, alone and shared."""
