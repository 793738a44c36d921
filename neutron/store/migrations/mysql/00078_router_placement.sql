-- What routers say of where they are: the same columns as in ../sqlite.

-- +goose NO TRANSACTION
-- +goose Up

-- MySQL has no ADD COLUMN IF NOT EXISTS, and the migration may have been killed behind it.
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'routers' AND column_name = 'distributed') = 0,
    'ALTER TABLE routers ADD COLUMN distributed BOOLEAN NOT NULL DEFAULT FALSE',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;

SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'routers' AND column_name = 'ha') = 0,
    'ALTER TABLE routers ADD COLUMN ha BOOLEAN NOT NULL DEFAULT FALSE',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
