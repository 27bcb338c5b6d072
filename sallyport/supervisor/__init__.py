"""First start, the private redis-server, and starting and watching the other processes."""
