"""From public files to tables of ours: fetch, import, list, check, remove."""
