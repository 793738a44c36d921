-- What operators have said of agents: of a host, or of it as another agent that it is.
--
-- deleted: it is not to be shown until its host is alive again.

-- +goose Up
CREATE TABLE agent_settings (
    id             TEXT    NOT NULL PRIMARY KEY,
    host_id        TEXT    NOT NULL,
    admin_state_up INTEGER NOT NULL,
    description    TEXT,
    deleted        INTEGER NOT NULL
) STRICT;
