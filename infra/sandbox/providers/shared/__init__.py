"""What the sandbox's plugins have in common: process, messages, values, masks, changes."""
