-- The default external network, and topologies that are allocated by themselves: the same as in ../sqlite. A migration that was killed half
-- way is run again.

-- +goose NO TRANSACTION
-- +goose Up
SET @statement = IF((SELECT COUNT(*) FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = 'networks' AND column_name = 'default_external'),
    'DO 0', 'ALTER TABLE networks ADD COLUMN default_external INT, ADD UNIQUE KEY networks_default_external (default_external)');
PREPARE add_column FROM @statement;
EXECUTE add_column;
DEALLOCATE PREPARE add_column;

CREATE TABLE IF NOT EXISTS auto_allocated_topologies (
    project_id VARCHAR(255) NOT NULL PRIMARY KEY,
    network_id VARCHAR(36)  NOT NULL,
    router_id  VARCHAR(36),
    KEY auto_allocated_topologies_network (network_id),
    KEY auto_allocated_topologies_router (router_id),
    CONSTRAINT auto_allocated_topologies_network FOREIGN KEY (network_id) REFERENCES networks (id) ON DELETE CASCADE,
    CONSTRAINT auto_allocated_topologies_router FOREIGN KEY (router_id) REFERENCES routers (id) ON DELETE SET NULL
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
