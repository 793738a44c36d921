-- Which network state database has all tasks that are gone from the journal: the same as in ../sqlite. A migration that was killed half way
-- is run again.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS midonet_journal_mark (
    id      INT         NOT NULL PRIMARY KEY,
    store   VARCHAR(36) NOT NULL,
    applied BIGINT      NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO midonet_journal_mark (id, store, applied) VALUES (1, '', 0);
