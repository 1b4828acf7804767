package agefile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
)

// TestMain is also the other end of a Process, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == Argument {
		os.Exit(Main(os.Stdin, os.Stdout))
	}
	os.Exit(m.Run())
}

const passphrase = "cGFzc3BocmFzZS1vZi0zMi1ieXRlcy1FWEFNUExFIQ=="

// sealed is made by the library itself, without a line of ours.
func sealed(t testing.TB, plain string, workFactor int) []byte {
	t.Helper()
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r.SetWorkFactor(workFactor)
	var out bytes.Buffer
	w, err := age.Encrypt(&out, r)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, plain)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestWhatTheLibrarySealedIsOpened(t *testing.T) {
	for _, plain := range []string{"", `{"version":1,"secrets":{}}`, strings.Repeat("long ", 1<<18)} {
		got, err := Process{}.Open(t.Context(), sealed(t, plain, 10), passphrase)
		if err != nil || string(got) != plain {
			t.Errorf("%d bytes came back as %d, %v", len(plain), len(got), err)
		}
	}
}

func TestTheLibrarysOwnReaderOpensWhatWeSealed(t *testing.T) {
	const plain = `{"version":1,"secrets":{"global/X":"{}"}}`
	sealer, err := Process{}.Sealer(t.Context(), passphrase, 12)
	if err != nil {
		t.Fatal(err)
	}
	defer sealer.Close()
	file, err := sealer.Seal([]byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sealer.Seal([]byte(plain)); err == nil {
		t.Error("one key sealed twice")
	}
	if n, err := WorkFactor(file); n != 12 || err != nil {
		t.Errorf("its work factor is %d, %v; it should stay 12", n, err)
	}
	identity, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(file), identity)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || string(got) != plain {
		t.Errorf("it holds %q, %v", got, err)
	}
}

func TestEveryErrorComesThroughTheProcess(t *testing.T) {
	whole := sealed(t, strings.Repeat("x", 1000), 10)
	changed := bytes.Clone(whole)
	changed[len(changed)-1] ^= 1
	recipient, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var other bytes.Buffer
	w, err := age.Encrypt(&other, recipient.Recipient())
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	for name, c := range map[string]struct {
		file       []byte
		passphrase string
		want       error
	}{
		"wrong passphrase":     {whole, "other", ErrPassphrase},
		"no passphrase":        {whole, "", ErrPassphrase},
		"empty":                {nil, passphrase, ErrFormat},
		"no age file":          {[]byte("{}"), passphrase, ErrFormat},
		"for a key":            {other.Bytes(), passphrase, ErrFormat},
		"cut in its header":    {whole[:40], passphrase, ErrFormat},
		"cut behind it":        {whole[:120], passphrase, ErrDamaged},
		"cut near its end":     {whole[:len(whole)-1], passphrase, ErrDamaged},
		"changed":              {changed, passphrase, ErrDamaged},
		"costs beyond measure": {bytes.Replace(whole, []byte(" 10\n"), []byte(" 23\n"), 1), passphrase, ErrWorkFactor},
	} {
		if got, err := (Process{}).Open(t.Context(), c.file, c.passphrase); !errors.Is(err, c.want) || got != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	for _, n := range []int{0, -1, MaxWorkFactor + 1} {
		if _, err := (Process{}).Sealer(t.Context(), passphrase, n); !errors.Is(err, ErrWorkFactor) {
			t.Errorf("sealed with a work factor of %d: %v", n, err)
		}
	}
}

// What a passphrase opens is nobody's business who lists processes.
func TestNothingSecretIsInArgumentsOrEnvironment(t *testing.T) {
	cmd, err := Process{}.command(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(cmd.Args) != 2 || cmd.Args[1] != Argument {
		t.Errorf("it is started with %q", cmd.Args)
	}
}

func TestACancelEndsTheProcess(t *testing.T) {
	file := bytes.Replace(sealed(t, "x", 10), []byte(" 10\n"), []byte(" 21\n"), 1) // many seconds
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := (Process{}).Open(ctx, file, passphrase); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a process that was cancelled says %v", err)
	}
	select {
	case turn <- struct{}{}:
		<-turn
	default:
		t.Error("its turn is not over")
	}
}

func TestNoProgramIsAnError(t *testing.T) {
	p := Process{Program: "/nonexistent/program"}
	_, err := p.Open(t.Context(), sealed(t, "x", 10), passphrase)
	_, sealErr := p.Sealer(t.Context(), passphrase, 10)
	for _, err := range []error{err, sealErr} {
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("it says %v, as of a file that is gone", err)
		}
	}
}

// What is cut off must not be sealed as if it were whole.
func TestAHalfQuestionHasNoAnswer(t *testing.T) {
	for workFactor, text := range map[int][]byte{
		0: question(0, passphrase, sealed(t, "x", 10)), 10: question(10, passphrase, []byte("some content")),
	} {
		for _, cut := range []int{0, 3, 7, 20, len(text) - 1} {
			var out bytes.Buffer
			if code := Main(bytes.NewReader(text[:cut]), &out); code != exitOther || out.Len() > 1 {
				t.Errorf("%d, cut at %d: exit %d, %d bytes", workFactor, cut, code, out.Len())
			}
		}
	}
}

func TestASealerThatIsNotUsedEnds(t *testing.T) {
	sealer, err := Process{}.Sealer(t.Context(), passphrase, 10)
	if err != nil {
		t.Fatal(err)
	}
	sealer.Close()
	if sealer.cmd.ProcessState == nil {
		t.Error("it still runs")
	}
	if _, err := sealer.Seal([]byte("x")); err == nil {
		t.Error("it sealed after its end")
	}
	sealer.Close()
}

// A refresh that is under way is not told that its caller left.
func TestASealerOutlivesTheContextThatMadeIt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	sealer, err := Process{}.Sealer(ctx, passphrase, 10)
	if err != nil {
		t.Fatal(err)
	}
	defer sealer.Close()
	cancel()
	if _, err := sealer.Seal([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := (Process{}).Sealer(ctx, passphrase, 10); !errors.Is(err, context.Canceled) {
		t.Errorf("one that was cancelled before: %v", err)
	}
}

func TestOpenAndSealAreEachOthersReverse(t *testing.T) {
	for i := range 3 {
		plain := fmt.Appendf(nil, "%d EXAMPLE", i)
		file, err := Seal(plain, passphrase, 10)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Open(file, passphrase); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%q came back as %q, %v", plain, got, err)
		}
	}
}
