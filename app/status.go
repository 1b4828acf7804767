package app

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"lamplighter/credfiles"
	"lamplighter/refresher"
)

func (p *program) statusCommand() *cobra.Command {
	var asJSON, exitCode bool
	c := &cobra.Command{
		Use:   "status [ID...]",
		Short: "Show what there is, its state, and what happens next",
		RunE: func(c *cobra.Command, args []string) error {
			x, err := p.open()
			if err != nil {
				return err
			}
			stop := p.working("reading the stores")
			snap := x.refresher.Scan(c.Context())
			stop()
			if len(args) > 0 {
				if snap.Rows, err = pick(snap.Rows, args); err != nil {
					return err
				}
			}
			m := modelOf(snap, p.host.Home)
			if asJSON {
				err = p.printJSON(jsonOf(m))
			} else {
				p.printStatus(m)
			}
			if err == nil && exitCode {
				return exitFor(m)
			}
			return err
		},
		ValidArgsFunction: p.completeIDs,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.Flags().BoolVar(&exitCode, "exit-code", false, "exit 4 where a sign-in is needed, 3 on temporary trouble, 1 on a problem")
	return c
}

// pick chooses the rows that arguments name.
func pick(rows []refresher.Row, args []string) ([]refresher.Row, error) {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	var chosen []refresher.Row
	for _, arg := range args {
		found := credfiles.Match(ids, arg)
		switch {
		case len(found) == 0:
			return nil, usagef(saidNoSuchID, arg)
		case len(found) > 1:
			return nil, usagef(saidAmbiguousID, arg, list(found))
		}
		i := slices.IndexFunc(rows, func(r refresher.Row) bool { return r.ID == found[0] })
		if !slices.ContainsFunc(chosen, func(r refresher.Row) bool { return r.Key == rows[i].Key }) {
			chosen = append(chosen, rows[i])
		}
	}
	return chosen, nil
}

// The JSON of status is a contract: keys are only ever added, times are
// RFC 3339 in UTC, unknown is null.
type statusJSON struct {
	Version     int              `json:"version"`
	At          stamp            `json:"at"`
	Credentials []credentialJSON `json:"credentials"`
	Problems    []problemJSON    `json:"problems"`
}

type credentialJSON struct {
	ID          string   `json:"id"`
	Client      string   `json:"client"`
	Name        *string  `json:"name"`
	Kind        string   `json:"kind"`
	Profile     *string  `json:"profile"`
	Server      *string  `json:"server"`
	Store       string   `json:"store"`
	State       string   `json:"state"`
	Mode        string   `json:"mode"`
	Reason      string   `json:"reason"`
	ExpiresAt   stamp    `json:"expires_at"`
	RefreshAt   stamp    `json:"refresh_at"`
	LastRefresh stamp    `json:"last_refresh"`
	RefreshEnds stamp    `json:"refresh_token_expires_at"`
	SignIn      *string  `json:"sign_in"`
	Used        bool     `json:"used"`
	Reconnect   []string `json:"reconnect"`
}

type problemJSON struct {
	Store   string `json:"store"`
	Message string `json:"message"`
}

// A stamp is a time in JSON; the zero one is null.
type stamp time.Time

func (s stamp) MarshalJSON() ([]byte, error) {
	t := time.Time(s)
	if t.IsZero() {
		return []byte("null"), nil
	}
	return []byte(t.UTC().Format(`"` + time.RFC3339 + `"`)), nil
}

func jsonOf(m Model) statusJSON {
	s := statusJSON{Version: 1, At: stamp(m.At), Credentials: []credentialJSON{}, Problems: []problemJSON{}}
	for _, r := range m.Rows {
		s.Credentials = append(s.Credentials, credentialJSON{
			ID: r.ID, Client: r.Client, Name: known(r.Name), Kind: r.Kind, Profile: known(r.Profile), Server: known(r.Server),
			Store: r.Store, State: string(r.State), Mode: r.Mode, Reason: r.Reason,
			ExpiresAt: stamp(r.Expires), RefreshAt: stamp(r.Refresh), LastRefresh: stamp(r.Refreshed), RefreshEnds: stamp(r.Ends),
			SignIn: known(r.SignIn), Used: !r.Unused, Reconnect: append([]string{}, r.Reconnect...),
		})
	}
	for _, p := range m.Problems {
		s.Problems = append(s.Problems, problemJSON(p))
	}
	return s
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (p *program) printJSON(v any) error {
	e := json.NewEncoder(p.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// exitFor maps states to an exit code.
func exitFor(m Model) error {
	code := exitDone
	for _, r := range m.Rows {
		switch {
		case r.needsYou():
			code = max(code, exitSignIn)
		case r.Unused:
		case r.State == refresher.Retrying, r.State == refresher.Deferred, r.State == refresher.Refreshing, r.State == refresher.Unsaved:
			code = max(code, exitLater)
		case r.State == refresher.Misconfigured:
			code = max(code, exitFailed)
		}
	}
	if len(m.Problems) > 0 {
		code = max(code, exitFailed)
	}
	if code == exitDone {
		return nil
	}
	return exit{code}
}
