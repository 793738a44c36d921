-- Quotas that differ from the configuration's (neutron/db/quota/models.py in the original).

-- +goose Up
CREATE TABLE quotas (
    project_id TEXT    NOT NULL,
    resource   TEXT    NOT NULL,
    hard_limit INTEGER NOT NULL, -- below 0: none
    PRIMARY KEY (project_id, resource)
) STRICT, WITHOUT ROWID;

-- Whose turn it is to count and create. SQLite, whose writers follow each other, leaves it empty.
CREATE TABLE quota_turns (
    project_id TEXT    NOT NULL,
    resource   TEXT    NOT NULL,
    turn       INTEGER NOT NULL,
    PRIMARY KEY (project_id, resource)
) STRICT, WITHOUT ROWID;
