-- The state of the data and its versions (networking-midonet's tables of the same names). last_processed_task_id refers to no row here,
-- since tasks are removed when they have been applied.

-- +goose Up
CREATE TABLE midonet_data_versions (
    id                INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    sync_started_at   TEXT,
    sync_finished_at  TEXT,
    sync_status       TEXT,
    sync_tasks_status TEXT,
    stale             INTEGER NOT NULL
) STRICT;

CREATE TABLE midonet_data_state (
    id                     INTEGER NOT NULL PRIMARY KEY,
    last_processed_task_id INTEGER,
    updated_at             TEXT    NOT NULL,
    active_version         INTEGER REFERENCES midonet_data_versions (id),
    readonly               INTEGER NOT NULL
) STRICT;
INSERT INTO midonet_data_state VALUES (1, NULL, strftime('%Y-%m-%dT%H:%M:%SZ', 'now'), NULL, 0);

-- Whether clients may write, which each of their transactions asks. It is what midonet_data_state says, in a row of its own: that one is
-- written with each batch of tasks, and they would wait for each other.
CREATE TABLE midonet_gate (
    id       INTEGER NOT NULL PRIMARY KEY,
    readonly INTEGER NOT NULL
) STRICT;
INSERT INTO midonet_gate VALUES (1, 0);

-- How far the making of a version has come, and whether it is to be activated when it is made.
CREATE TABLE midonet_data_progress (
    version_id  INTEGER NOT NULL PRIMARY KEY REFERENCES midonet_data_versions (id) ON DELETE CASCADE,
    activate    INTEGER NOT NULL,
    done        INTEGER NOT NULL,
    total       INTEGER NOT NULL,
    differences INTEGER NOT NULL,
    error       TEXT    NOT NULL
) STRICT;
