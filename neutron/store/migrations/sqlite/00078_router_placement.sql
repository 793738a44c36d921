-- What routers say of where they are (extensions dvr and l3-ha).

-- +goose Up
ALTER TABLE routers ADD COLUMN distributed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE routers ADD COLUMN ha INTEGER NOT NULL DEFAULT 0;
