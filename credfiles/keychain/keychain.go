// Package keychain reads and replaces generic passwords in the keychain of
// macOS, through /usr/bin/security and nothing else: what that program wrote
// it may read again without asking, and a writer with other rights would make
// the owner's next reading ask (facts and sources with each function).
//
// It was never run on a Mac. What it knows of security(1) is from reports of
// people who use it for these items and from the published source of the
// program (SecurityTool, 2019), and the tests run a stand-in made from these.
package keychain

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"strings"
	"time"

	"lamplighter/credfiles/keyring"
)

// Program is what every Mac has at this place. By its full path: Claude Code's
// calls by the bare name were seen to start another program of that name
// (anthropics/claude-code#88024).
const Program = "/usr/bin/security"

// A Keychain is the user's default search list, as security sees it. The zero
// value will not do: Program has to be set.
type Keychain struct {
	Program string
	// Arguments allows a value that is too long for a line on stdin to go to
	// security as an argument, where every program of this user can read it for
	// the milliseconds of the call. Claude Code does so since 2.1.69.
	Arguments bool
	// Patience bounds each call; zero is keyring.Patience. A call that shows a
	// prompt waits for it, and is ended with it.
	Patience time.Duration
}

// What security can answer beside the errors of package keyring.
var (
	// ErrKept says that the item is there and security may not change it.
	ErrKept = fmt.Errorf("its item cannot be changed: %w", keyring.ErrDenied)
	// ErrChanged says that a value was written, and another one is there.
	ErrChanged = errors.New("the keychain holds another value than was written")
)

// errorOf is what an exit code means: the last byte of an OSStatus.
var errorOf = map[int]error{
	// errSecInteractionNotAllowed: it would have to ask, and cannot. Over SSH and
	// before the login the keychain is locked.
	36: keyring.ErrLocked,
	// errSecNoDefaultKeychain, errSecNoSuchKeychain, errSecNotAvailable
	37: keyring.ErrAbsent, 50: keyring.ErrAbsent, 53: keyring.ErrAbsent,
	44: fs.ErrNotExist, // errSecItemNotFound
	// errSecDuplicateItem: with -U it goes on to create another item where the one
	// that is there could not be changed.
	45:  ErrKept,
	51:  keyring.ErrDenied, // errSecAuthFailed: a wrong password, or none typed
	128: keyring.ErrDenied, // userCanceledErr: a person said no
}

// An Item is what can be known of a password without asking for it.
type Item struct {
	Service, Account string
	Label            string    // empty: as the service
	Modified         time.Time // whole seconds
}

// Find looks an item up without its secret, which never prompts. An empty
// account means the first one of that service that comes up.
func (k Keychain) Find(ctx context.Context, service, account string) (Item, error) {
	args := []string{"find-generic-password"}
	if account != "" {
		args = append(args, "-a", account)
	}
	out, err := k.run(ctx, nil, append(args, "-s", service)...)
	if err != nil {
		return Item{}, err
	}
	item := parse(out)
	if item.Service != service || account != "" && item.Account != account || item.Account == "" {
		return Item{}, errors.New("the keychain's answer cannot be read")
	}
	return item, nil
}

// Items looks up the items of a service with these accounts, and the one that
// comes up without an account: security lists no others short of dumping every
// keychain. Those that are absent are left out.
func (k Keychain) Items(ctx context.Context, service string, accounts ...string) ([]Item, error) {
	var all []Item
	seen := map[string]bool{}
	for _, account := range append([]string{""}, accounts...) {
		if seen[account] {
			continue
		}
		item, err := k.Find(ctx, service, account)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			if account == "" {
				return nil, nil // then nobody has one
			}
			continue
		case err != nil:
			return nil, err
		}
		if seen[account] = true; !seen[item.Account] || account != "" {
			seen[item.Account] = true
			all = append(all, item)
		}
	}
	return all, nil
}

// Read returns an item's secret. It prompts where security is not among the
// programs that may read it.
func (k Keychain) Read(ctx context.Context, service, account string) ([]byte, error) {
	out, err := k.Printed(ctx, service, account)
	return secret(out), err
}

// Printed is Read for a secret of printable ASCII, which may be anything: also
// what looks like hexadecimal digits.
func (k Keychain) Printed(ctx context.Context, service, account string) ([]byte, error) {
	out, err := k.run(ctx, nil, "find-generic-password", "-a", account, "-w", "-s", service)
	return bytes.TrimSuffix(out, []byte("\n")), err
}

// secret is what security printed, which is hexadecimal digits where a byte of
// the secret is not printable ASCII. A secret that consists of nothing but such
// digits cannot be told from that; a JSON object never does.
func secret(printed []byte) []byte {
	// Some versions print a byte beyond ASCII as a negative int. No text in UTF-8
	// has a byte FF.
	digits := bytes.ReplaceAll(printed, []byte("ffffff"), nil)
	plain := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(plain, digits); err != nil {
		return printed
	}
	return plain
}

// Fits reports whether a value of size bytes could be written; the error is
// keyring.ErrFull where it could not.
func (k Keychain) Fits(item Item, size int) error {
	if _, err := line(item, ""); err != nil {
		return err
	}
	if k.inLine(item, size) || k.Arguments && size <= maxArgument {
		return nil
	}
	return keyring.ErrFull
}

// Write replaces the secret of an item that is there, and reads it back. Its
// access list stays, because nothing is said of it: with -T or -A security
// would ask. After any error but ErrChanged and keyring.ErrSlow nothing was
// written.
func (k Keychain) Write(ctx context.Context, service, account string, value []byte) error {
	// -U also creates: what somebody deleted must not come back.
	item, err := k.Find(ctx, service, account)
	if err != nil {
		return err
	}
	return k.write(ctx, item, value)
}

// Put is Write for an item that is made where there is none.
func (k Keychain) Put(ctx context.Context, service, account string, value []byte) error {
	item, err := k.Find(ctx, service, account)
	if errors.Is(err, fs.ErrNotExist) {
		item, err = Item{Service: service, Account: account}, nil
	}
	if err != nil {
		return err
	}
	return k.write(ctx, item, value)
}

// Remove deletes an item.
func (k Keychain) Remove(ctx context.Context, service, account string) error {
	_, err := k.run(ctx, nil, "delete-generic-password", "-a", account, "-s", service)
	return err
}

func (k Keychain) write(ctx context.Context, item Item, value []byte) error {
	err := k.Fits(item, len(value))
	if err != nil {
		return err
	}
	digits := hex.EncodeToString(value)
	if k.inLine(item, len(value)) {
		var text string
		if text, err = line(item, digits); err == nil {
			_, err = k.run(ctx, []byte(text), "-i")
		}
	} else {
		_, err = k.run(ctx, nil, append(arguments(item), digits)...)
	}
	if err != nil {
		return err
	}
	there, err := k.Read(ctx, item.Service, item.Account)
	if err == nil && !bytes.Equal(there, secret(value)) {
		err = ErrChanged
	}
	return err
}

const (
	// maxLine is what security -i takes as one line: what is longer it cuts, and
	// takes the rest for the next command (MAX_LINE_LEN 4096;
	// anthropics/claude-code#30337). The newline and the zero behind it count.
	maxLine = 4096 - 2
	// maxArgument leaves room for its double in what macOS gives arguments and
	// environment together, 1 MiB.
	maxArgument = 384 << 10
)

func (k Keychain) inLine(item Item, size int) bool {
	text, err := line(item, "")
	return err == nil && len(text)+hex.EncodedLen(size) <= maxLine
}

// arguments are all but the value, which is last.
func arguments(item Item) []string {
	args := []string{"add-generic-password", "-U", "-a", item.Account, "-s", item.Service}
	if item.Label != "" && item.Label != item.Service {
		// -U looks for an item that has this label too.
		args = append(args, "-l", item.Label)
	}
	return append(args, "-X")
}

// line is a command for security -i, which knows quotes and backslashes.
func line(item Item, digits string) (string, error) {
	var b strings.Builder
	for _, arg := range append(arguments(item), digits) {
		if strings.ContainsFunc(arg, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return "", errors.New("the keychain's item has a name that cannot be written down")
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		if strings.ContainsAny(arg, ` "'\`) {
			arg = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(arg) + `"`
		}
		b.WriteString(arg)
	}
	b.WriteByte('\n')
	return b.String(), nil
}

// run runs security once. What it says on stderr is not looked at: after a
// line that was too long it repeats parts of the value there.
func (k Keychain) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	patience := k.Patience
	if patience == 0 {
		patience = keyring.Patience
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(limited, k.Program, args...)
	cmd.WaitDelay = time.Second
	if stdin != nil {
		cmd.Stdin = bytes.NewReader(stdin)
	}
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case limited.Err() != nil:
		return nil, keyring.ErrSlow
	case errors.As(err, &exit) && errorOf[exit.ExitCode()] != nil:
		return nil, errorOf[exit.ExitCode()]
	case err != nil:
		// Not wrapped: a program that is not there is no item that is not.
		return nil, fmt.Errorf("%s: %v", k.Program, err)
	}
	return out.Bytes(), nil
}
