-- The hosts of the cluster, as it told of them last, and the availability zones that networks and routers ask for.
--
-- zone is the empty text where a host is in none; alive and seen_at say whether its agent was connected, and when that was told.
-- availability_zone_hints is a JSON list of names in their order.

-- +goose Up
CREATE TABLE hosts (
    id         TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    zone       TEXT    NOT NULL,
    endpoints  TEXT    NOT NULL, -- addresses with commas between them
    alive      INTEGER NOT NULL,
    version    TEXT    NOT NULL,
    started_at TEXT    NOT NULL,
    seen_at    TEXT    NOT NULL
) STRICT;
ALTER TABLE networks ADD COLUMN availability_zone_hints TEXT NOT NULL DEFAULT '[]';
ALTER TABLE routers ADD COLUMN availability_zone_hints TEXT NOT NULL DEFAULT '[]';
