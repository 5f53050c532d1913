"""What a pipeline says at GitHub or GitLab: one comment on a pull request, one issue for what went wrong.

Standard library alone: the job that may write there installs nothing (docs/decisions, pipelines).
"""
