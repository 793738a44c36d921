-- The state of the data and its versions: the same tables and columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS midonet_data_versions (
    id                INT         NOT NULL PRIMARY KEY AUTO_INCREMENT,
    sync_started_at   CHAR(20),
    sync_finished_at  CHAR(20),
    sync_status       VARCHAR(50),
    sync_tasks_status VARCHAR(50),
    stale             BOOLEAN     NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS midonet_data_state (
    id                     INT      NOT NULL PRIMARY KEY,
    last_processed_task_id BIGINT,
    updated_at             CHAR(20) NOT NULL,
    active_version         INT,
    readonly               BOOLEAN  NOT NULL,
    CONSTRAINT midonet_data_state_version FOREIGN KEY (active_version) REFERENCES midonet_data_versions (id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO midonet_data_state VALUES (1, NULL, DATE_FORMAT(UTC_TIMESTAMP(), '%Y-%m-%dT%H:%i:%sZ'), NULL, FALSE);

-- Whether clients may write, which each of their transactions asks. It is what midonet_data_state says, in a row of its own: that one is
-- written with each batch of tasks, and they would wait for each other.
CREATE TABLE IF NOT EXISTS midonet_gate (
    id       INT     NOT NULL PRIMARY KEY,
    readonly BOOLEAN NOT NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
INSERT IGNORE INTO midonet_gate VALUES (1, FALSE);

-- How far the making of a version has come, and whether it is to be activated when it is made.
CREATE TABLE IF NOT EXISTS midonet_data_progress (
    version_id  INT     NOT NULL PRIMARY KEY,
    activate    BOOLEAN NOT NULL,
    done        INT     NOT NULL,
    total       INT     NOT NULL,
    differences INT     NOT NULL,
    error       TEXT    NOT NULL,
    CONSTRAINT midonet_data_progress_version FOREIGN KEY (version_id) REFERENCES midonet_data_versions (id) ON DELETE CASCADE
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
