"""Methods that search for generators."""
