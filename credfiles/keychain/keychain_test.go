package keychain

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/keyring"
	"lamplighter/lab/security"
)

func TestMain(m *testing.M) {
	security.Run()
	os.Exit(m.Run())
}

const service = "Claude Code-credentials"

var written = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func item(account, secret string, mood security.Mood) security.Item {
	return security.Item{Service: service, Account: account, Secret: []byte(secret), Modified: written, Mood: mood}
}

func open(t *testing.T, items ...security.Item) (*security.Security, Keychain) {
	s := security.New(t)
	s.Set(items...)
	return s, Keychain{Program: s.Program}
}

func TestASecretIsReadAsItWasStored(t *testing.T) {
	for name, secret := range map[string]string{
		"plain":         `{"mcpOAuth":{}}`,
		"empty":         ``,
		"beyond ASCII":  `{"name":"Zürich 灯"}`,
		"with a line":   "{\n}\n",
		"a line at end": "{}\n",
		"long":          `{"a":"` + strings.Repeat("x", 100_000) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, k := open(t, item("u", secret, security.Willing))
			got, err := k.Read(t.Context(), service, "u")
			if err != nil || string(got) != secret {
				t.Errorf("%q was read as %q, %v", secret, got, err)
			}
		})
	}
}

// Some versions print bytes from 80 on as negative ints.
func TestDigitsOfNegativeBytesAreRead(t *testing.T) {
	if got := secret([]byte("7b22ffffffc3ffffffbc227d")); string(got) != `{"ü"}` {
		t.Errorf("it was read as %q", got)
	}
}

func TestEveryAccountIsFound(t *testing.T) {
	_, k := open(t, item("unknown", "{}", security.Asking), item("u", "{}", security.Asking),
		security.Item{Service: service + "-0123abcd", Account: "u", Secret: []byte("{}")})
	items, err := k.Items(t.Context(), service, "u", "unknown", "claude-code-user")
	if err != nil || len(items) != 2 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	for i, account := range []string{"unknown", "u"} {
		if items[i].Account != account || items[i].Service != service || !items[i].Modified.Equal(written) {
			t.Errorf("%+v", items[i])
		}
	}
	if items, err := k.Items(t.Context(), "another", "u"); err != nil || len(items) != 0 {
		t.Errorf("%v, %v of a service that nobody uses", items, err)
	}
}

// Looking at attributes is what happens once a minute: with items that would
// ask for a password, whatever their state, it does not even try.
func TestLookingNeverAsks(t *testing.T) {
	for _, mood := range []security.Mood{security.Asking, security.Locked, security.Cancelled} {
		s, k := open(t, item("u", "{}", mood))
		if _, err := k.Find(t.Context(), service, "u"); err != nil {
			t.Errorf("%s: %v", mood, err)
		}
		calls, _ := s.Calls()
		for _, call := range calls {
			if strings.Contains(call, " -w") || strings.Contains(call, " -g") {
				t.Errorf("it ran %s", call)
			}
		}
	}
}

func TestEveryAnswerIsToldApart(t *testing.T) {
	for mood, want := range map[security.Mood]error{
		security.Locked: keyring.ErrLocked, security.Cancelled: keyring.ErrDenied, security.Wrong: keyring.ErrDenied,
	} {
		_, k := open(t, item("u", "{}", mood))
		if _, err := k.Read(t.Context(), service, "u"); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", mood, err, want)
		}
	}
	_, k := open(t)
	if _, err := k.Read(t.Context(), service, "u"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an item that is not there: %v", err)
	}
	k.Program = filepath.Join(t.TempDir(), "security")
	if _, err := k.Read(t.Context(), service, "u"); err == nil || errors.Is(err, keyring.ErrLocked) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without the program: %v", err)
	}
}

func TestAPromptThatNobodyAnswersIsEnded(t *testing.T) {
	_, k := open(t, item("u", "{}", security.Asking))
	k.Patience = 300 * time.Millisecond
	if _, err := k.Read(t.Context(), service, "u"); !errors.Is(err, keyring.ErrSlow) {
		t.Errorf("a prompt that hangs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Read(ctx, service, "u"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestAWriteReplacesTheSecretOfOneItem(t *testing.T) {
	other := item("unknown", `{"other":1}`, security.Willing)
	s, k := open(t, other, item("u", "{}", security.Willing))
	const value = `{"accessToken":"at-EXAMPLE"}`
	found, err := k.Find(t.Context(), service, "u")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Write(t.Context(), service, "u", []byte(value)); err != nil {
		t.Fatal(err)
	}
	now := s.Items()
	if len(now) != 2 || string(now[0].Secret) != `{"other":1}` || string(now[1].Secret) != value {
		t.Errorf("afterwards: %q", now)
	}
	if found, err = k.Find(t.Context(), service, "u"); err != nil || found.Modified.Equal(written) {
		t.Errorf("its time says nothing of it: %+v, %v", found, err)
	}
}

func TestNoSecretIsInAnArgument(t *testing.T) {
	s, k := open(t, item("u", "{}", security.Willing))
	value := `{"accessToken":"at-EXAMPLE"}`
	if err := k.Write(t.Context(), service, "u", []byte(value)); err != nil {
		t.Fatal(err)
	}
	arguments, stdin := s.Calls()
	for _, call := range arguments {
		if strings.Contains(call, "6163636573") || strings.Contains(call, "EXAMPLE") || strings.Contains(call, "-T") || strings.Contains(call, "-A") {
			t.Errorf("it ran %s", call)
		}
	}
	if len(stdin) != 1 || !strings.Contains(stdin[0], "6163636573") {
		t.Errorf("on stdin: %d lines", len(stdin))
	}
}

// The longest value that a line takes is written whole, and one byte more does
// not damage what is there.
func TestALineIsNeverTooLong(t *testing.T) {
	s, k := open(t, item("u", "{}", security.Willing))
	found := Item{Service: service, Account: "u"}
	most := 0
	for k.Fits(found, most+1) == nil {
		most++
	}
	if most < 1900 || most > 2048 {
		t.Fatalf("a line takes %d bytes", most)
	}
	value := strings.Repeat("x", most)
	if err := k.Write(t.Context(), service, "u", []byte(value)); err != nil || string(s.Items()[0].Secret) != value {
		t.Errorf("%d bytes: %v", most, err)
	}
	if err := k.Write(t.Context(), service, "u", []byte(value+"x")); !errors.Is(err, keyring.ErrFull) || string(s.Items()[0].Secret) != value {
		t.Errorf("%d bytes: %v", most+1, err)
	}
	k.Arguments = true
	if err := k.Write(t.Context(), service, "u", []byte(value+"x")); err != nil || string(s.Items()[0].Secret) != value+"x" {
		t.Errorf("%d bytes by an argument: %v", most+1, err)
	}
	if err := k.Fits(found, maxArgument+1); !errors.Is(err, keyring.ErrFull) {
		t.Errorf("beyond what arguments take: %v", err)
	}
}

func TestWhatWasDeletedDoesNotComeBack(t *testing.T) {
	s, k := open(t)
	if err := k.Write(t.Context(), service, "u", []byte("{}")); !errors.Is(err, fs.ErrNotExist) || len(s.Items()) > 0 {
		t.Errorf("%v, %d items", err, len(s.Items()))
	}
}

// Tokens of forty hexadecimal digits are common.
func TestAnItemOfOursIsMadeReplacedAndRemoved(t *testing.T) {
	s, k := open(t, item("u", "{}", security.Willing))
	for _, token := range []string{"at-EXAMPLE", "0123456789abcdef0123456789abcdef01234567"} {
		if err := k.Put(t.Context(), "graph", "me", []byte(token)); err != nil {
			t.Fatal(err)
		}
		if got, err := k.Printed(t.Context(), "graph", "me"); err != nil || string(got) != token || len(s.Items()) != 2 {
			t.Errorf("%q, %v; %d items", got, err, len(s.Items()))
		}
	}
	if err := k.Remove(t.Context(), "graph", "me"); err != nil || len(s.Items()) != 1 {
		t.Errorf("%v; %d items", err, len(s.Items()))
	}
	if err := k.Remove(t.Context(), "graph", "me"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("removed twice: %v", err)
	}
	arguments, _ := s.Calls()
	if all := strings.Join(arguments, " "); strings.Contains(all, "EXAMPLE") || strings.Contains(all, "6174") {
		t.Error("a token was an argument")
	}
}

func TestAWriteThatIsRefusedIsAnError(t *testing.T) {
	for mood, want := range map[security.Mood]error{
		security.Frozen: ErrKept, security.Locked: ErrKept, security.Cancelled: ErrKept, security.Asking: keyring.ErrSlow,
	} {
		s, k := open(t, item("u", "{}", mood))
		if mood == security.Asking {
			k.Patience = 2 * time.Second
		}
		err := k.Write(t.Context(), service, "u", []byte(`{"a":1}`))
		if !errors.Is(err, want) || string(s.Items()[0].Secret) != "{}" {
			t.Errorf("%s: %v; it holds %s", mood, err, s.Items()[0].Secret)
		}
	}
}

// A name may hold what means something to the program that reads the line.
func TestNamesAreQuoted(t *testing.T) {
	for _, account := range []string{`a b`, `a"b`, `a\b`, `a'b`, `\"`, `müller`, `-w`} {
		s, k := open(t, item(account, "{}", security.Willing))
		found, err := k.Find(t.Context(), service, account)
		if err != nil || found.Account != account {
			t.Fatalf("%q: %+v, %v", account, found, err)
		}
		if err := k.Write(t.Context(), service, account, []byte(`{"a":1}`)); err != nil || string(s.Items()[0].Secret) != `{"a":1}` {
			t.Errorf("%q: %v", account, err)
		}
	}
	_, k := open(t, item("a\nb", "{}", security.Willing))
	if err := k.Fits(Item{Service: service, Account: "a\nb"}, 1); err == nil {
		t.Error("a name of two lines would be two commands")
	}
}

// security looks for an item to update by its label too, which people change.
func TestAnItemWithALabelOfItsOwnIsUpdated(t *testing.T) {
	own := item("u", "{}", security.Willing)
	own.Label = "my login"
	s, k := open(t, own)
	found, err := k.Find(t.Context(), service, "u")
	if err != nil || found.Label != "my login" {
		t.Fatalf("%+v, %v", found, err)
	}
	if err := k.Write(t.Context(), service, "u", []byte(`{"a":1}`)); err != nil || s.Items()[0].Label != "my login" {
		t.Errorf("%v; its label is %q", err, s.Items()[0].Label)
	}
}

func TestASCIISaysTheSame(t *testing.T) {
	for _, text := range []string{`{"a":"b"}`, `{"ü":"灯🏮"}`, "{\n\t\"a\" : \"\x7f\"}", `{"a":"\u00fc\\"}`, ``} {
		got := ASCII([]byte(text))
		for _, c := range got {
			if c >= 0x7f {
				t.Errorf("%q became %q", text, got)
			}
		}
		if text == "" {
			continue
		}
		was, err := jsonedit.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		now, err := jsonedit.Parse(got)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range was.Members() {
			a, _ := m.Value.Text()
			b, _ := now.Members()[i].Value.Text()
			if m.Key != now.Members()[i].Key || a != b {
				t.Errorf("%q became %q", text, got)
			}
		}
	}
}
