-- What Nova is still to be told: written with the change itself, and removed when Nova has it.

-- +goose Up
CREATE TABLE nova_events (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name        TEXT    NOT NULL,
    server_uuid TEXT    NOT NULL,
    status      TEXT    NOT NULL,
    tag         TEXT    NOT NULL,
    created_at  TEXT    NOT NULL
) STRICT;
