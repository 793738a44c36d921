-- The addresses of a port in their order are the primary key here, and not an index as in ../sqlite: there were both.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no DROP INDEX IF EXISTS, and the migration may have been killed behind this.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.statistics
        WHERE table_schema = DATABASE() AND table_name = 'ipallocations' AND index_name = 'ipallocations_of_port') = 0,
    'DO 0',
    'ALTER TABLE ipallocations DROP KEY ipallocations_of_port');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
