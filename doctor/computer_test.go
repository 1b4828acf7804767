package doctor

import (
	"cmp"
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles"
	"lamplighter/credfiles/processes"
	"lamplighter/lab"
	"lamplighter/refresher"
	"lamplighter/refresher/authtest"
	"lamplighter/refresher/discovery"
	"lamplighter/refresher/ledger"
)

// A computer is a throwaway home with a server that its credentials are from,
// and everything of it that a fault can be made of.
type computer struct {
	*lab.Lab
	t       *testing.T
	s       *authtest.Server
	env     map[string]string
	running []processes.Process
	ring    *ringOf
	roots   func() (*x509.CertPool, error)
	gone    string // what should start at login
	service Service
	broken  error // the settings
	mode    string
	own     []credfiles.Own
	late    func() // once everything was read
}

func newComputer(t *testing.T, o authtest.Options) *computer {
	t.Helper()
	return &computer{Lab: lab.New(t), t: t, s: authtest.New(t, o), env: map[string]string{}, mode: "keep"}
}

func (c *computer) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// put writes a file of the home.
func (c *computer) put(name, text string) {
	c.t.Helper()
	c.must(os.MkdirAll(filepath.Dir(c.Path(name)), 0o755))
	c.must(os.WriteFile(c.Path(name), []byte(text), 0o600))
}

// edit changes a store's text.
func (c *computer) edit(name, old, new string) {
	c.t.Helper()
	text, err := os.ReadFile(c.Path(name))
	c.must(err)
	if !strings.Contains(string(text), old) {
		c.t.Fatalf("%s does not hold %s", name, old)
	}
	c.must(os.WriteFile(c.Path(name), []byte(strings.ReplaceAll(string(text), old, new)), 0o600))
}

// gemini puts a grant into the home as Gemini CLI does, which stores where it
// refreshes: where the server has its endpoint, if nothing else is said.
func (c *computer) gemini(g authtest.Grant, endpoint string) {
	c.t.Helper()
	c.put(".gemini/settings.json", fmt.Sprintf(`{"mcpServers":{"linear":{"httpUrl":%q}}}`, g.ServerURL))
	c.put(geminiFile, fmt.Sprintf(
		`[{"serverName":"linear","token":{"accessToken":%q,"tokenType":"Bearer","refreshToken":%q,"expiresAt":%d},"clientId":%q,"tokenUrl":%q,"mcpServerUrl":%q,"updatedAt":1}]`,
		g.AccessToken, g.RefreshToken, g.Expiry.UnixMilli(), g.ClientID, cmp.Or(endpoint, g.TokenURL), g.ServerURL))
}

const (
	geminiFile = ".gemini/mcp-oauth-tokens.json"
	codexFile  = ".codex/.credentials.json"
	claudeFile = ".claude/.credentials.json"
)

// installed puts a version of Codex into a folder of the search path.
func (c *computer) installed(version string) {
	c.t.Helper()
	dir := c.Path("opt", version)
	c.put("opt/"+version+"/package.json", `{"name":"@openai/codex","version":"`+version+`"}`)
	c.must(os.WriteFile(filepath.Join(dir, "codex"), nil, 0o755))
	c.env["PATH"] = strings.Trim(c.env["PATH"]+":"+dir, ":")
}

// starts a program.
func (c *computer) starts(pid int, name, exe string, args ...string) {
	c.running = append(c.running, processes.Process{
		PID: pid, Name: name, Exe: exe, Args: args, Started: time.Now().Add(-time.Hour),
		Env: func(key string) (string, bool) { return map[string]string{"HOME": c.Home}[key], true },
	})
}

func (c *computer) host() credfiles.Host {
	h := credfiles.Host{
		OS: "linux", Home: c.Home, Getenv: func(name string) string { return c.env[name] },
		Own: &credfiles.Owned{Dir: filepath.Join(c.State, "own"), All: c.own},
		Processes: func(_ context.Context, want func(string) bool) ([]processes.Process, error) {
			return slices.DeleteFunc(slices.Clone(c.running), func(p processes.Process) bool { return !want(p.Name) }), nil
		},
	}
	if c.ring != nil {
		led := c.Ledger()
		led.Vault = c.ring
		h.Keyring, h.Own.Sealer = c.ring, led
	}
	return h
}

// keeper is a refresher as the program has it.
func (c *computer) keeper() *refresher.Refresher {
	c.t.Helper()
	led, err := ledger.Open(c.State)
	c.must(err)
	stores := credfiles.Stores(c.host(), nil)
	return &refresher.Refresher{
		Stores: func() []*credfiles.Store { return stores },
		Policy: func() refresher.Policy {
			return refresher.Policy{Mode: c.mode, LeadLeast: 10 * time.Minute, LeadMost: 30 * time.Minute, LeadShare: 0.1, LogSize: 1 << 20, LogKeep: 1}
		},
		Ledger: led, Finder: &discovery.Finder{Dir: filepath.Join(c.State, "discovery")},
	}
}

// row is the credential with an ID, or the only one.
func (c *computer) row(id string) refresher.Row {
	c.t.Helper()
	return pickRow(c.t, c.keeper().Scan(c.t.Context()), id)
}

func pickRow(t *testing.T, snap refresher.Snapshot, id string) refresher.Row {
	t.Helper()
	i := slices.IndexFunc(snap.Rows, func(row refresher.Row) bool { return row.ID == id || id == "" })
	if i < 0 {
		t.Fatalf("there is no %s among %d, problems %v", id, len(snap.Rows), snap.Problems)
	}
	return snap.Rows[i]
}

// refresh asks for a refresh of the only credential, whatever comes of it.
func (c *computer) refresh() refresher.Outcome {
	c.t.Helper()
	r := c.keeper()
	return r.Refresh(c.t.Context(), pickRow(c.t, r.Scan(c.t.Context()), ""), refresher.Options{Force: true, Word: true})
}

// remember changes what is remembered of the only credential.
func (c *computer) remember(change func(lk *ledger.Locked, m *ledger.Memory, row refresher.Row)) {
	c.t.Helper()
	r := c.keeper()
	row := pickRow(c.t, r.Scan(c.t.Context()), "")
	r.Observe(row)
	lk, err := r.Ledger.Lock(c.t.Context(), row.Key)
	c.must(err)
	defer lk.Unlock()
	m, err := lk.Memory(row.Key)
	c.must(err)
	change(lk, &m, row)
	c.must(lk.Save(m))
}

func (c *computer) local() Local {
	c.t.Helper()
	l := Local{
		Host: c.host(), Config: c.Path(".config", "lamplighter", "config.toml"), ConfigErr: c.broken, State: c.State,
		Self: "/opt/lamplighter/lamplighter", Roots: c.roots, Service: func(context.Context) Service { return c.service },
		AtLogin: func() (string, error) { return c.gone, nil },
		Say: Say{
			Short:   func(text string) string { return strings.ReplaceAll(text, c.Home, "~") },
			Path:    func(path string) string { return strings.Replace(path, c.Home, "~", 1) },
			SignIn:  func(row refresher.Row) string { return strings.Join(row.SignIn, " ") },
			Restore: func(row refresher.Row) string { return "lamplighter restore " + row.ID },
			Keep:    func(row refresher.Row) string { return "lamplighter mode " + row.ID + " keep" },
			Reason:  func(row refresher.Row) string { return string(row.Why) },
			Do:      func(row refresher.Row) string { return "lamplighter login " + row.ID },
			Store:   func(row refresher.Row) (string, string) { return row.Memory.Detail, "" },
			Problem: func(p credfiles.Problem) (string, string) { return p.Store + " is " + string(p.Kind), "" },
			Advice:  func(error) string { return "" },
			Ends: func(row refresher.Row, now time.Time) string {
				if row.Expiry.IsZero() {
					return ""
				}
				return "ends in " + row.Expiry.Sub(now).Round(time.Minute).String()
			},
			Span: func(d time.Duration) string { return d.Abs().Round(time.Minute).String() },
		},
	}
	if _, l.StateErr = ledger.Look(c.State); l.StateErr != nil {
		l.Snapshot.At = time.Now()
		return l
	}
	r := c.keeper()
	l.Ledger, l.Finder = r.Ledger, r.Finder
	l.Snapshot, l.Stores = r.Scan(c.t.Context()), r.Stores()
	if c.late != nil {
		c.late()
	}
	return l
}

// examine is the report on everything.
func (c *computer) examine() Report {
	c.t.Helper()
	x := NewRecorder("", nil)
	c.local().Examine(c.t.Context(), x)
	return c.shown(x)
}

// examineID is the report on one credential.
func (c *computer) examineID(id string, change ...func(*Recorder, *Options)) Report {
	c.t.Helper()
	l := c.local()
	row := pickRow(c.t, l.Snapshot, id)
	x := NewRecorder(row.ID, Transport(discovery.Anchor(row.Grant), nil, false))
	var o Options
	for _, f := range change {
		f(x, &o)
	}
	l.Credential(c.t.Context(), x, row, o)
	return c.shown(x)
}

func offline(x *Recorder, _ *Options) { x.Via = nil }

// via carries the requests in place of a network.
func via(t http.RoundTripper) func(*Recorder, *Options) {
	return func(x *Recorder, _ *Options) { x.Via = t }
}

// shown sees to it that no secret is in the report, in whatever form.
func (c *computer) shown(x *Recorder) Report {
	c.t.Helper()
	text, err := x.Report.MarshalJSON()
	c.must(err)
	for name, form := range map[string]string{"text": x.Report.Text(80, nil), "Markdown": x.Report.Markdown(), "JSON": string(text)} {
		for _, secret := range c.s.Secrets() {
			if strings.Contains(form, secret) {
				c.t.Errorf("a secret is in the %s", name)
			}
		}
		if strings.Contains(form, "%!") {
			c.t.Errorf("a sentence lacks an argument:\n%s", form)
		}
	}
	return *x.Report
}

// causesOf are those of a report that are at least so severe, each once.
func causesOf(r Report, least severity) (all []Cause) {
	for _, f := range r.Ranked() {
		if words()[f.Cause].severity >= least && !slices.Contains(all, f.Cause) {
			all = append(all, f.Cause)
		}
	}
	slices.SortFunc(all, func(a, b Cause) int { return cmp.Compare(a, b) })
	return all
}
