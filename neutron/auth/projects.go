package auth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"midonet.org/midonet/errs"
)

// Project is a project that Keystone knows.
type Project struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Enabled     bool   `json:"enabled"`
}

// Projects returns the projects that the holder of the token may see (Identity API v3, GET /v3/projects).
func (k *Keystone) Projects(ctx context.Context, secret string) ([]Project, error) {
	var answer struct {
		Projects []Project `json:"projects"`
	}
	err := k.read(ctx, secret, "/projects", &answer)
	return answer.Projects, err
}

// Project returns one of them.
func (k *Keystone) Project(ctx context.Context, secret, id string) (Project, error) {
	var answer struct {
		Project Project `json:"project"`
	}
	err := k.read(ctx, secret, "/projects/"+url.PathEscape(id), &answer)
	return answer.Project, err
}

// read asks Keystone for something on behalf of the token's holder.
func (k *Keystone) read(ctx context.Context, secret, path string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, versioned(k.config.AuthURL)+path, nil)
	if err != nil {
		return err
	}
	r.Header.Set("X-Auth-Token", secret)
	_, body, err := k.client.do(r, http.StatusOK)
	var status statusError
	switch {
	case !errors.As(err, &status) && err != nil:
		return k.fault(err)
	case status.code == http.StatusUnauthorized, status.code == http.StatusForbidden:
		return errs.New(errs.Unauthorized, "Unauthorized", "Keystone credentials are not valid")
	case status.code == http.StatusNotFound:
		return errs.New(errs.NotFound, "NotFound", "%s", status.text)
	case err != nil:
		return k.fault(err)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return k.fault(fmt.Errorf("the answer has no projects: %w", err))
	}
	return nil
}
