"""The cache in Redis: store.py keeps and forgets, decorator.py is ``@cached``, router.py is for admins."""

from app.core.cache.decorator import cached
from app.core.cache.store import Cache, Statistics

__all__ = ["Cache", "Statistics", "cached"]
