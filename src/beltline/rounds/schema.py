"""The tables. Edits, versions and picks are only ever added to; heads and states follow from the edits."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from beltline.rounds.objects import LONGEST_AUTHOR
from beltline.rounds.records import LONGEST_REQUEST

SCHEMA_VERSION = 1

metadata = MetaData()

schema_version = Table(
    "rounds_schema", metadata, Column("version", Integer, primary_key=True, autoincrement=False)
)

projects = Table(
    "rounds_projects",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(200), nullable=False, unique=True),
    Column("seed", BigInteger, nullable=False),
    Column("double_share", Double, nullable=False),
    Column("created", Double, nullable=False),
)

# A lease is two columns of its item, so that an item cannot have two; what it is for stands in `leases`.
items = Table(
    "rounds_items",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id), nullable=False),
    Column("path", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("split", String(8), nullable=False),
    Column("state", String(8), nullable=False),  # "leased" is never stored: a clock tells
    Column("double_read", Boolean, nullable=False),
    Column("scores", JSON, nullable=False),
    Column("lease_token", String(64)),
    Column("lease_until", Double),
    UniqueConstraint("project_id", "sha256"),
    UniqueConstraint("project_id", "path"),
    Index("rounds_items_state", "project_id", "state"),
)

leases = Table(
    "rounds_leases",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("item_id", ForeignKey(items.c.id), nullable=False, index=True),
    Column("person", String(LONGEST_AUTHOR), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("bases", JSON, nullable=False),
    Column("taken", Double, nullable=False),
)

edits = Table(
    "rounds_edits",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id), nullable=False),
    Column("item_id", ForeignKey(items.c.id), nullable=False),
    Column("author", String(LONGEST_AUTHOR), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("objects", JSON, nullable=False),
    Column("request", String(LONGEST_REQUEST), nullable=False),
    Column("seconds", Double),
    Column("time", Double, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("lease_token", ForeignKey(leases.c.token)),
    UniqueConstraint("project_id", "request"),
    Index("rounds_edits_item", "item_id", "kind", "author"),
)

edit_bases = Table(
    "rounds_edit_bases",
    metadata,
    Column("edit_id", ForeignKey(edits.c.id), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("base_id", ForeignKey(edits.c.id), nullable=False),
)

heads = Table(
    "rounds_heads",
    metadata,
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("edit_id", ForeignKey(edits.c.id), primary_key=True),
)

versions = Table(
    "rounds_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id), nullable=False),
    Column("name", String(200), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("time", Double, nullable=False),
    UniqueConstraint("project_id", "name"),
)

version_edits = Table(
    "rounds_version_edits",
    metadata,
    Column("version_id", ForeignKey(versions.c.id), primary_key=True),
    Column("item_id", ForeignKey(items.c.id), primary_key=True),
    Column("edit_id", ForeignKey(edits.c.id), nullable=False),
)

rounds = Table(
    "rounds_rounds",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("project_id", ForeignKey(projects.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("started", Double, nullable=False),
    Column("models", JSON, nullable=False),
    Column("figures", JSON, nullable=False),
    Column("verdict", JSON(none_as_null=True)),
    UniqueConstraint("project_id", "number"),
)

picks = Table(
    "rounds_picks",
    metadata,
    Column("round_id", ForeignKey(rounds.c.id), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("item_id", ForeignKey(items.c.id), nullable=False),
    Column("why", Text, nullable=False),
    Column("scores", JSON, nullable=False),
)
