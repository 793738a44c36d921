-- What Nova is still to be told: the same table and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS nova_events (
    id          BIGINT       NOT NULL PRIMARY KEY AUTO_INCREMENT,
    name        VARCHAR(64)  NOT NULL,
    server_uuid VARCHAR(255) NOT NULL,
    status      VARCHAR(16)  NOT NULL,
    tag         VARCHAR(36)  NOT NULL,
    created_at  CHAR(20)     NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
