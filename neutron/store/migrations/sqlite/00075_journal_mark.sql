-- Which network state database has all tasks that are gone from the journal, and how many have been applied to it: one row.

-- +goose Up
CREATE TABLE midonet_journal_mark (
    id      INTEGER NOT NULL PRIMARY KEY,
    store   TEXT    NOT NULL,
    applied INTEGER NOT NULL
) STRICT;
INSERT INTO midonet_journal_mark (id, store, applied) VALUES (1, '', 0);
