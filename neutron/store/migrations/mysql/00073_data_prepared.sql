-- How many of the differences of a data version are prepared for the switch to it.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no ADD COLUMN IF NOT EXISTS, and the migration may have been killed behind it.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'midonet_data_progress' AND column_name = 'prepared') = 0,
    'ALTER TABLE midonet_data_progress ADD COLUMN prepared INT NOT NULL DEFAULT 0',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
