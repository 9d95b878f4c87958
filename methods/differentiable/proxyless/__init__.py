"""ProxylessNAS: a search in which one path a layer is in memory, with latency in its objective."""
