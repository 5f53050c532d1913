"""Releases of the service: which one has the traffic, which one is tried, and the way back."""
