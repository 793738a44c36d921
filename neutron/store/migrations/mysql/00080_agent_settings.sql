-- What operators have said of agents: the same table as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS agent_settings (
    id             VARCHAR(36)  NOT NULL PRIMARY KEY,
    host_id        VARCHAR(36)  NOT NULL,
    admin_state_up BOOLEAN      NOT NULL,
    description    VARCHAR(255),
    deleted        BOOLEAN      NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
