-- The few ports of a network that routers have are found among the many that workloads have.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no CREATE INDEX IF NOT EXISTS, and the migration may have been killed behind it.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'ports' AND index_name = 'ports_network_owner') = 0,
    'CREATE INDEX ports_network_owner ON ports (network_id, device_owner)',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
