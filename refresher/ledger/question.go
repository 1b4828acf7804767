package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"lamplighter/credfiles/replace"
)

// A Question is what was asked of a token endpoint with a refresh token that
// was made up, and what came back: whether it knows the client. Servers count
// wrong refresh tokens, so one endpoint is asked once a day at most.
type Question struct {
	At      time.Time `json:"at"`
	Client  string    `json:"client_id"`
	Setup   string    `json:"setup,omitempty"`  // hash of what the client authenticated with
	Status  int       `json:"status,omitempty"` // zero where no answer came, or none yet
	Kind    int       `json:"kind,omitempty"`   // the verdict
	Code    string    `json:"code,omitempty"`
	Subtype string    `json:"subtype,omitempty"`
	Detail  string    `json:"detail,omitempty"`
}

// Same reports that q was asked for the client that another is to be asked for.
func (q Question) Same(o Question) bool { return q.Client == o.Client && q.Setup == o.Setup }

// questionRest is how long an endpoint is left alone.
const questionRest = 24 * time.Hour

// Ask reports whether an endpoint may be asked now, and remembers that it is
// asked before that happens: who is killed in between has asked. Where it may
// not, last is what was asked. Nothing may be sent after an error.
func (l *Ledger) Ask(endpoint string, q Question) (last Question, may bool, err error) {
	lock, err := l.lock("doctor", 10*time.Second)
	if err != nil {
		return last, false, err
	}
	defer lock.Release()
	if last, err = l.Asked(endpoint); err != nil {
		return last, false, err
	}
	if age := time.Since(last.At); age < questionRest && age > -questionRest {
		return last, false, nil
	}
	q.At = time.Now().UTC().Round(0)
	return last, true, l.saveQuestion(endpoint, q)
}

// Answered completes what Ask remembered.
func (l *Ledger) Answered(endpoint string, q Question) error {
	lock, err := l.lock("doctor", 10*time.Second)
	if err != nil {
		return err
	}
	defer lock.Release()
	q.At = time.Now().UTC().Round(0)
	return l.saveQuestion(endpoint, q)
}

// Asked is the last question to an endpoint; the zero one where there was none.
func (l *Ledger) Asked(endpoint string) (Question, error) {
	return readQuestion(l.questionFile(endpoint))
}

func readQuestion(name string) (Question, error) {
	var q Question
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return q, nil
	}
	if err != nil {
		return q, err
	}
	if json.Unmarshal(text, &q) != nil {
		// When it was asked is not known, but that it was: the file's own time.
		info, err := os.Stat(name)
		if err != nil {
			return Question{}, err
		}
		return Question{At: info.ModTime()}, nil
	}
	return q, nil
}

func (l *Ledger) saveQuestion(endpoint string, q Question) error {
	if err := os.MkdirAll(filepath.Dir(l.questionFile(endpoint)), 0o700); err != nil {
		return err
	}
	return writeQuestion(l.questionFile(endpoint), q)
}

func writeQuestion(name string, q Question) error {
	text, err := json.Marshal(q)
	if err != nil {
		return err
	}
	return replace.File(name, append(text, '\n'), 0o600)
}

// questionFile is named by a hash: a URL may hold a secret.
func (l *Ledger) questionFile(endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return filepath.Join(l.dir, "doctor", hex.EncodeToString(sum[:16]))
}
