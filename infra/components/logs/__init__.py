"""Where the lines of a stack's pods are kept, and what reads them on every node."""
