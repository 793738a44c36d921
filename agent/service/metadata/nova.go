package metadata

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

const (
	// novaTime is how long Nova may take to answer (Neutron's agent: 60 s).
	novaTime = 60 * time.Second
	// dialTime is how long a connection to Nova may take to come about.
	dialTime = 5 * time.Second
	// novaConnections are kept open for the next request.
	novaConnections = 16
)

// Nova asks Nova's metadata service in its clients' name.
type Nova struct {
	base   url.URL
	secret []byte
	client *http.Client
	log    *slog.Logger
}

// NewNova returns what the options say. It reads the certificates and does not speak to Nova yet.
func NewNova(o *Options, log *slog.Logger) (*Nova, error) {
	certificates, err := o.tls()
	if err != nil {
		return nil, err
	}
	if o.Secret == "" {
		log.Warn("metadata_proxy_shared_secret is empty: whoever reaches Nova's metadata service can ask it in the name of any instance")
	}
	return &Nova{base: o.base(), secret: []byte(o.Secret), log: log, client: &http.Client{
		Transport: &http.Transport{
			DialContext:     (&net.Dialer{Timeout: dialTime}).DialContext,
			TLSClientConfig: certificates, TLSHandshakeTimeout: dialTime,
			DisableCompression: true, MaxIdleConns: novaConnections, MaxIdleConnsPerHost: novaConnections, IdleConnTimeout: idleTime,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Sign returns X-Instance-ID-Signature of the instance: hexadecimal HMAC-SHA256 (RFC 2104).
func Sign(secret []byte, instance string) string {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(instance))
	return hex.EncodeToString(h.Sum(nil))
}

// Answer is of Answerer. Of the client's request Nova gets the method, path, query and body; of its headers none.
func (n *Nova) Answer(w http.ResponseWriter, r *http.Request, c Client) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		refuseBody(w, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), novaTime)
	defer cancel()
	request, err := n.request(ctx, r, body, c)
	if err != nil {
		refuse(w, http.StatusBadRequest, passedOn[http.StatusBadRequest])
		return
	}
	answer, err := n.client.Do(request)
	if err != nil {
		if r.Context().Err() == nil { // else the client has gone
			n.log.Warn("Nova's metadata service does not answer", "error", err)
		}
		refuse(w, http.StatusServiceUnavailable, unavailable)
		return
	}
	defer answer.Body.Close()
	n.pass(w, answer, c)
}

func refuseBody(w http.ResponseWriter, err error) {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		refuse(w, http.StatusRequestEntityTooLarge, "The body of your request was too large for this server.")
		return
	}
	refuse(w, http.StatusBadRequest, passedOn[http.StatusBadRequest])
}

// request returns what Nova is asked (nova/api/metadata/handler.py, _handle_instance_id_request).
func (n *Nova) request(ctx context.Context, r *http.Request, body []byte, c Client) (*http.Request, error) {
	to := n.base
	to.Path, to.RawPath, to.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery
	request, err := http.NewRequestWithContext(ctx, r.Method, to.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("X-Forwarded-For", c.From.String())
	request.Header.Set("X-Instance-ID", c.Device)
	request.Header.Set("X-Tenant-ID", c.Project)
	request.Header.Set("X-Instance-ID-Signature", Sign(n.secret, c.Device))
	return request, nil
}

// pass gives the client what Nova answered, failures as Neutron's agent puts them.
func (n *Nova) pass(w http.ResponseWriter, answer *http.Response, c Client) {
	switch why, known := passedOn[answer.StatusCode]; {
	case answer.StatusCode == http.StatusOK:
		if kind := answer.Header.Get("Content-Type"); kind != "" {
			w.Header().Set("Content-Type", kind)
		}
		if length := answer.Header.Get("Content-Length"); length != "" {
			w.Header().Set("Content-Length", length)
		}
		w.WriteHeader(http.StatusOK)
		if _, err := io.Copy(w, answer.Body); err != nil {
			n.log.Debug("an answer of Nova's metadata service was not passed on whole", "error", err)
		}
	case answer.StatusCode == http.StatusForbidden:
		n.log.Warn("Nova's metadata service refuses this agent's signature: its shared secret is another one", "port", c.Port)
		refuse(w, answer.StatusCode, why)
	case answer.StatusCode == http.StatusInternalServerError:
		n.log.Warn("Nova's metadata service failed", "port", c.Port)
		refuse(w, answer.StatusCode, internalError)
	case known:
		refuse(w, answer.StatusCode, why)
	default:
		n.log.Error(fmt.Sprintf("Nova's metadata service answered with status %d", answer.StatusCode), "port", c.Port)
		refuse(w, http.StatusInternalServerError, unknownError)
	}
}
