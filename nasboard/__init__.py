"""nasboard: scores neural-architecture-search methods. The folders of the repository are its sub-packages."""
