"""Tables on disk: memory-mapped columns with a manifest, written atomically, found in the data folder."""
