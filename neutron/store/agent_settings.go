package store

import "midonet.org/midonet/neutron/model"

// AgentSettings are what operators have said of an agent, which is a host or one side of it.
type AgentSettings struct {
	ID           model.AgentID
	Host         model.AgentID
	AdminStateUp bool
	Description  *string
	Deleted      bool // it is not to be shown until its host is alive again
}

// ListAgentSettings returns those of every agent of which something was said.
func ListAgentSettings(q Querier) ([]*AgentSettings, error) {
	return collect(q, func(rows row) (*AgentSettings, error) {
		var s AgentSettings
		err := rows.Scan(textual(&s.ID), textual(&s.Host), &s.AdminStateUp, &s.Description, &s.Deleted)
		return &s, err
	}, `SELECT id, host_id, admin_state_up, description, deleted FROM agent_settings`)
}

// SetAgentSettings replaces what was said of the agent.
func SetAgentSettings(tx *Tx, s *AgentSettings) error {
	if err := DeleteAgentSettings(tx, s.ID); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO agent_settings (id, host_id, admin_state_up, description, deleted) VALUES (?, ?, ?, ?, ?)`,
		s.ID.String(), s.Host.String(), s.AdminStateUp, s.Description, s.Deleted)
	return err
}

// DeleteAgentSettings forgets what was said of the agent.
func DeleteAgentSettings(tx *Tx, agent model.AgentID) error {
	_, err := tx.Exec(`DELETE FROM agent_settings WHERE id = ?`, agent.String())
	return err
}
