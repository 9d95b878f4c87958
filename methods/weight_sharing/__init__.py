"""Methods that train one network for all architectures and rank with it."""
