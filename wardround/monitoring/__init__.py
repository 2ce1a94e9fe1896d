"""Watching a champion: what a batch shows, what it means, what is decided, and what it cost in false alarms."""
