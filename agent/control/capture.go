package control

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"midonet.org/midonet/errs"
)

// CaptureType is the media type of a pcap stream.
const CaptureType = "application/vnd.tcpdump.pcap"

// slowestReader is how long a client may take to accept one packet before its capture ends.
const slowestReader = 10 * time.Second

// getCapture streams until the count is reached, the client goes away or the agent stops. stopping ends with the agent.
func (a *Agent) getCapture(stopping context.Context, w http.ResponseWriter, r *http.Request) {
	count, err := readCount(r.URL.Query().Get("count"))
	if err != nil {
		refuse(w, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(stopping, cancel)()
	out := stream{ResponseWriter: w, control: http.NewResponseController(w)}
	if err := out.control.SetReadDeadline(time.Time{}); err != nil { // the one for the request would end the context
		refuse(w, err)
		return
	}
	switch err := a.Capture(ctx, r.PathValue("port"), count, &out, out.flush); {
	case err == nil:
	case !out.begun:
		refuse(w, err)
	case ctx.Err() == nil:
		a.Log.Warn("a capture ended early", "port", r.PathValue("port"), "error", err)
		panic(http.ErrAbortHandler) // so that the client does not take what it has for all
	}
}

func readCount(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	count, err := strconv.Atoi(text)
	if err != nil || count < 0 {
		return 0, errs.New(errs.Invalid, "BadCount", "%q is not a number of packets", text)
	}
	return count, nil
}

// stream is the body of a capture.
type stream struct {
	http.ResponseWriter
	control *http.ResponseController
	begun   bool
}

// Write sends the head before the first octets.
func (s *stream) Write(b []byte) (int, error) {
	if !s.begun {
		s.begun = true
		s.Header().Set("Content-Type", CaptureType)
	}
	if err := s.control.SetWriteDeadline(time.Now().Add(slowestReader)); err != nil {
		return 0, err
	}
	return s.ResponseWriter.Write(b)
}

func (s *stream) flush() error { return s.control.Flush() }

// Capture opens a pcap stream of the packets of a port of this host, called by UUID, unique prefix or name. It ends after count
// packets (0: none is the last), with ctx, or when it is closed.
func (c *Client) Capture(ctx context.Context, port string, count int) (io.ReadCloser, error) {
	target := "http://agent/capture/" + url.PathEscape(port) + "?count=" + strconv.Itoa(count)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	patient := http.Client{Transport: c.http.Transport}
	resp, err := patient.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, c.unreachable(err)
	}
	if resp.StatusCode != http.StatusOK {
		err := refusalOf(resp)
		return nil, errors.Join(err, resp.Body.Close())
	}
	return resp.Body, nil
}
