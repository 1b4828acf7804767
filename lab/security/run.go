package security

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
)

// Run is the program, and does not return, where a [Security] runs it; else it
// does nothing.
func Run() {
	dir := os.Getenv(variable)
	// What Go gives a test binary is not security's.
	if dir == "" || len(os.Args) < 2 || strings.HasPrefix(os.Args[1], "-test.") {
		return
	}
	args := os.Args[1:]
	note(dir, "arguments", strings.Join(args, " "))
	p := program{dir: dir, out: os.Stdout}
	if args[0] != "-i" {
		os.Exit(p.command(args) & 0xff)
	}
	text, _ := io.ReadAll(os.Stdin)
	note(dir, "stdin", string(text))
	code := 0
	// It reads into 4096 bytes with a zero at their end: of a longer line the
	// rest is the next command.
	for len(text) > 0 {
		n := bytes.IndexByte(text, '\n') + 1
		if n == 0 || n > 4095 {
			n = min(len(text), 4095)
		}
		if fields := split(string(text[:n])); len(fields) > 0 {
			if code = p.command(fields); code != 0 {
				fmt.Fprintf(os.Stderr, "%s: returned %d\n", fields[0], code)
			}
		}
		text = text[n:]
	}
	os.Exit(code & 0xff)
}

// split cuts a line as the program does: quotes of both kinds hold together,
// and a backslash takes what follows as it is, in quotes too.
func split(line string) (fields []string) {
	var field strings.Builder
	var quote rune
	in, escaped := false, false
	for _, r := range line {
		switch {
		case escaped:
			field.WriteRune(r)
			escaped = false
		case r == '\\':
			in, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			field.WriteRune(r)
		case !in && (r == '"' || r == '\''):
			in, quote = true, r
		case r == ' ' || r == '\t' || r == '\n':
			if in {
				fields = append(fields, field.String())
				field.Reset()
			}
			in = false
		default:
			in = true
			field.WriteRune(r)
		}
	}
	if in {
		fields = append(fields, field.String())
	}
	return fields
}

// Results as OSStatus.
const (
	notAllowed = -25308
	notFound   = -25300
	duplicate  = -25299
	authFailed = -25293
	cancelled  = -128
)

type program struct {
	dir string
	out io.Writer
}

func (p program) command(args []string) int {
	switch args[0] {
	case "find-generic-password":
		return p.find(args[1:])
	case "add-generic-password":
		return p.add(args[1:])
	case "delete-generic-password":
		return p.remove(args[1:])
	}
	fmt.Fprintf(os.Stderr, "security: unknown command %q\n", args[0])
	return 1
}

// options reads what may follow a command.
func options(args []string, with, without string) (map[byte]string, bool) {
	got := map[byte]string{}
	for len(args) > 0 {
		if len(args[0]) != 2 || args[0][0] != '-' {
			return nil, false
		}
		o := args[0][1]
		switch {
		case strings.IndexByte(without, o) >= 0:
			got[o], args = "", args[1:]
		case strings.IndexByte(with, o) >= 0 && len(args) > 1:
			got[o], args = args[1], args[2:]
		default:
			return nil, false
		}
	}
	return got, true
}

// search is the index of the first item that has all that was named.
func search(items []Item, o map[byte]string) int {
	return slices.IndexFunc(items, func(i Item) bool {
		fits := func(option byte, value string) bool {
			want, named := o[option]
			return !named || want == value
		}
		return fits('a', i.Account) && fits('s', i.Service) && fits('l', i.Label)
	})
}

func (p program) find(args []string) int {
	o, ok := options(args, "asl", "w")
	if !ok {
		return 2
	}
	items, err := load(p.dir)
	if err != nil {
		return 1
	}
	n := search(items, o)
	if n < 0 {
		fmt.Fprintln(os.Stderr, "security: SecKeychainSearchCopyNext: The specified item could not be found in the keychain.")
		return notFound
	}
	switch items[n].Mood {
	case Hidden:
		return notAllowed
	case Stuck:
		time.Sleep(time.Hour)
	}
	if _, secret := o['w']; !secret {
		p.show(items[n])
		return 0
	}
	items[n].Mood = p.answered(items[n])
	if code := items[n].Mood.refuses(); code != 0 {
		return code
	}
	if slices.ContainsFunc(items[n].Secret, func(c byte) bool { return c < ' ' || c > '~' }) {
		fmt.Fprintln(p.out, hex.EncodeToString(items[n].Secret))
	} else {
		fmt.Fprintln(p.out, string(items[n].Secret))
	}
	return 0
}

// answered is the mood of an item once a person has answered its prompt, which
// lasts until then.
func (p program) answered(i Item) Mood {
	if i.Mood == Asking {
		note(p.dir, "prompt", i.Service+" "+i.Account)
	}
	for i.Mood == Asking {
		time.Sleep(5 * time.Millisecond)
		items, err := load(p.dir)
		n := slices.IndexFunc(items, func(other Item) bool { return other.Service == i.Service && other.Account == i.Account })
		if err == nil && n >= 0 {
			i = items[n]
		}
	}
	return i.Mood
}

// refuses is what comes of reading a secret.
func (m Mood) refuses() int {
	switch m {
	case Locked:
		return notAllowed
	case Cancelled:
		return cancelled
	case Wrong:
		return authFailed
	}
	return 0
}

func (p program) show(i Item) {
	fmt.Fprintf(p.out, "keychain: %s\nversion: 512\nclass: \"genp\"\nattributes:\n", quote("/Users/u/Library/Keychains/login.keychain-db"))
	fmt.Fprintf(p.out, "    0x00000007 <blob>=%s\n    0x00000008 <blob>=<NULL>\n", quote(i.Label))
	fmt.Fprintf(p.out, "    \"acct\"<blob>=%s\n", quote(i.Account))
	date := quote(i.Modified.UTC().Format("20060102150405Z") + "\x00")
	fmt.Fprintf(p.out, "    \"cdat\"<timedate>=%s\n    \"crtr\"<uint32>=<NULL>\n    \"mdat\"<timedate>=%s\n", date, date)
	fmt.Fprintf(p.out, "    \"svce\"<blob>=%s\n    \"type\"<uint32>=<NULL>\n", quote(i.Service))
}

// quote prints a value as the program does: with its hexadecimal digits before
// it where one byte is not printable ASCII.
func quote(value string) string {
	var text strings.Builder
	plain := true
	for _, c := range []byte(value) {
		if c >= ' ' && c <= '~' && c != '\\' {
			text.WriteByte(c)
		} else {
			plain = false
			fmt.Fprintf(&text, `\%03o`, c)
		}
	}
	if plain {
		return `"` + text.String() + `"`
	}
	return "0x" + strings.ToUpper(hex.EncodeToString([]byte(value))) + `  "` + text.String() + `"`
}

func (p program) add(args []string) int {
	o, ok := options(args, "aslwX", "U")
	if !ok || o['a'] == "" || o['s'] == "" {
		return 2
	}
	secret := []byte(o['w'])
	if digits, ok := o['X']; ok {
		var err error
		if secret, err = hex.DecodeString(digits); err != nil {
			return 2
		}
	}
	if _, ok := o['l']; !ok {
		o['l'] = o['s']
	}
	items, err := load(p.dir)
	if err != nil {
		return 1
	}
	if n := search(items, o); n >= 0 {
		_, update := o['U']
		items[n].Mood = p.answered(items[n])
		// What cannot be changed is there twice, then.
		if update && items[n].Mood != Frozen && items[n].Mood.refuses() == 0 {
			items[n].Secret, items[n].Modified = secret, time.Now()
			return p.saved(items)
		}
	}
	if slices.ContainsFunc(items, func(i Item) bool { return i.Account == o['a'] && i.Service == o['s'] }) {
		fmt.Fprintln(os.Stderr, "security: SecKeychainItemCreateFromContent (<default>): The specified item already exists in the keychain.")
		return duplicate
	}
	return p.saved(append(items, Item{Service: o['s'], Account: o['a'], Label: o['l'], Secret: secret, Modified: time.Now()}))
}

func (p program) remove(args []string) int {
	o, ok := options(args, "asl", "")
	items, err := load(p.dir)
	if !ok || err != nil {
		return 2
	}
	n := search(items, o)
	if n < 0 {
		return notFound
	}
	return p.saved(slices.Delete(items, n, n+1))
}

func (p program) saved(items []Item) int {
	if save(p.dir, items) != nil {
		return 1
	}
	return 0
}
