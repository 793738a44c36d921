-- The zones that hosts are in, as every network and every router shows them: the same column as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no ADD COLUMN IF NOT EXISTS, and the migration may have been killed behind this.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'midonet_zones' AND column_name = 'zones') = 0,
    'ALTER TABLE midonet_zones ADD COLUMN zones MEDIUMTEXT',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
UPDATE midonet_zones SET zones = CONCAT('[', COALESCE((SELECT GROUP_CONCAT(DISTINCT JSON_QUOTE(zone) ORDER BY zone) FROM hosts WHERE zone <> ''), ''), ']');
