"""Methods made of others, which their hyper-parameters name."""
