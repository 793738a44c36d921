-- What a network is made of below (extension provider) is one segment: columns of its row, and no table of their own.

-- +goose Up
ALTER TABLE networks ADD COLUMN network_type TEXT NOT NULL DEFAULT 'midonet';
ALTER TABLE networks ADD COLUMN physical_network TEXT;
ALTER TABLE networks ADD COLUMN segmentation_id INTEGER;
UPDATE networks SET (network_type, physical_network, segmentation_id) =
    (SELECT s.network_type, s.physical_network, s.segmentation_id FROM networksegments s WHERE s.network_id = networks.id AND s.segment_index = 0)
    WHERE id IN (SELECT network_id FROM networksegments WHERE segment_index = 0);
DROP TABLE networksegments;
