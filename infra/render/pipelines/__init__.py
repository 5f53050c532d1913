"""GitHub Actions and GitLab CI of a repository's stacks: data here, placed in a file by text.py."""
