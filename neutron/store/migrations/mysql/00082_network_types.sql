-- What a network is made of below (extension provider): the same columns as in ../sqlite, in place of the table. A migration that was killed half way
-- is run again, with or without the table.

-- +goose NO TRANSACTION
-- +goose Up

SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.columns
        WHERE table_schema = DATABASE() AND table_name = 'networks' AND column_name = 'network_type') = 0,
    'ALTER TABLE networks ADD COLUMN network_type VARCHAR(32) NOT NULL DEFAULT ''midonet'', ADD COLUMN physical_network VARCHAR(64),
        ADD COLUMN segmentation_id INT',
    'DO 0');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
SET @statement = IF(
    (SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'networksegments') = 0,
    'DO 0',
    'UPDATE networks n JOIN networksegments s ON s.network_id = n.id AND s.segment_index = 0
        SET n.network_type = s.network_type, n.physical_network = s.physical_network, n.segmentation_id = s.segmentation_id');
PREPARE migration FROM @statement;
EXECUTE migration;
DEALLOCATE PREPARE migration;
DROP TABLE IF EXISTS networksegments;
