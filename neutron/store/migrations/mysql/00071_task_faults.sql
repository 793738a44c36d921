-- Why a MidoNet elsewhere refused tasks: the same table and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS midonet_task_faults (
    task_id     BIGINT      NOT NULL PRIMARY KEY,
    type        VARCHAR(36) NOT NULL,
    data_type   VARCHAR(36) NOT NULL,
    resource_id VARCHAR(36) NOT NULL,
    data        LONGTEXT    NOT NULL,
    status      INT         NOT NULL,
    message     TEXT        NOT NULL,
    created_at  CHAR(20)    NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
