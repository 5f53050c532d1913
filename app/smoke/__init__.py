"""``python -m app.smoke URL``: asks a running service what its modules' checks say, once or for a while."""
