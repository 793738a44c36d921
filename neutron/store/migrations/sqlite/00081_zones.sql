-- The zones that hosts are in, as every network and every router shows them: sorted, as JSON, beside their stamp.

-- +goose Up
ALTER TABLE midonet_zones ADD COLUMN zones TEXT NOT NULL DEFAULT '[]';
UPDATE midonet_zones SET zones = (SELECT json_group_array(zone) FROM (SELECT DISTINCT zone FROM hosts WHERE zone <> '' ORDER BY zone));
