-- How many of the differences of a data version are prepared for the switch to it.

-- +goose Up
ALTER TABLE midonet_data_progress ADD COLUMN prepared INTEGER NOT NULL DEFAULT 0;
