-- Quotas that differ from the configuration's: the same tables and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS quotas (
    project_id VARCHAR(255) NOT NULL,
    resource   VARCHAR(64)  NOT NULL,
    hard_limit INT          NOT NULL, -- below 0: none
    PRIMARY KEY (project_id, resource)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Whose turn it is to count and create: who writes the row goes first. It is written, and not just locked, so that the nodes of a Galera
-- cluster, which do not see each other's locks, refuse all but one of the transactions that go at once.
CREATE TABLE IF NOT EXISTS quota_turns (
    project_id VARCHAR(255) NOT NULL,
    resource   VARCHAR(64)  NOT NULL,
    turn       BIGINT       NOT NULL,
    PRIMARY KEY (project_id, resource)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
