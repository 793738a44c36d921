-- The tags of every resource that has some (neutron/db/models/tag.py in the original).

-- +goose Up
CREATE TABLE tags (
    resource_id TEXT NOT NULL,
    tag         TEXT NOT NULL,
    PRIMARY KEY (resource_id, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX tags_tag ON tags (tag);
