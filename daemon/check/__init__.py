"""Whether the servers and campuses that the daemon is to work with can be worked with."""
