"""A run on disk: parts that hold its draws and states, from which another process goes on."""
