"""What admins may ask of the cache (C4): its statistics, and to forget what lies below a prefix."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from app.core.auth.current import ADMIN_ERRORS, Admin
from app.core.context import Context, context_of
from app.core.errors import RedisUnavailableError, documented

PATH = "/api/monitoring/cache"
LONGEST_PREFIX = 500
router = APIRouter(tags=["monitoring"], responses=documented("ERR_1001", "ERR_1300", *ADMIN_ERRORS))
Live = Annotated[Context, Depends(context_of)]


class CacheStatistics(BaseModel):
    """Over all replicas, since Redis was emptied or lost its memory."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"hits": 150, "misses": 50, "hit_rate": 0.75, "size": 100}}
    )
    hits: int = Field(ge=0, description="Values that were found")
    misses: int = Field(ge=0, description="Values that were not, or could not be read")
    hit_rate: float = Field(ge=0, le=1, description="Hits of all; 0 before the first")
    size: int = Field(ge=0, description="Keys that are kept, those being computed now too")


class Forgotten(BaseModel):
    """What an invalidation did."""

    model_config = ConfigDict(json_schema_extra={"example": {"prefix": "ledger:", "values": 12}})
    prefix: str
    values: int = Field(ge=0, description="How many values were kept below the prefix")


@router.get(PATH)
async def cache_statistics(_: Admin, context: Live) -> CacheStatistics:
    """Hits, misses and size of the cache."""
    found = await context.cache.statistics()
    if found is None:
        raise RedisUnavailableError
    asked = found.hits + found.misses
    rate = round(found.hits / asked, 4) if asked else 0.0
    return CacheStatistics(hits=found.hits, misses=found.misses, hit_rate=rate, size=found.size)


@router.delete(PATH)
async def forget(
    _: Admin, context: Live, prefix: Annotated[str, Query(min_length=1, max_length=LONGEST_PREFIX)]
) -> Forgotten:
    """Forgets every value whose key begins with the prefix. 503 where Redis did not get it."""
    values = await context.cache.invalidate(prefix)
    if values is None:
        raise RedisUnavailableError
    return Forgotten(prefix=prefix, values=values)
