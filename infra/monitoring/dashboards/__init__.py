"""One file per dashboard: what a person looks at, made of the figures that the alerts ask for."""
