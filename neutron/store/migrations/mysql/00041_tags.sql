-- The tags of every resource that has some: the same table and columns as in ../sqlite.
--
-- A tag is octets, since text that ends in a space is the same as without for a key.

-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS tags (
    resource_id VARCHAR(36)     NOT NULL,
    tag         VARBINARY(1020) NOT NULL,
    PRIMARY KEY (resource_id, tag),
    KEY tags_tag (tag)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
