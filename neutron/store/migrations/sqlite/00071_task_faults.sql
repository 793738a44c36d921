-- Why a MidoNet elsewhere refused tasks, until whoever made the change has heard of it and taken it back.

-- +goose Up
CREATE TABLE midonet_task_faults (
    task_id     INTEGER NOT NULL PRIMARY KEY,
    type        TEXT    NOT NULL,
    data_type   TEXT    NOT NULL,
    resource_id TEXT    NOT NULL,
    data        TEXT    NOT NULL,
    status      INTEGER NOT NULL,
    message     TEXT    NOT NULL,
    created_at  TEXT    NOT NULL
) STRICT;
