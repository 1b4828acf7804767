package settings

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"

	"github.com/pelletier/go-toml/v2"

	"lamplighter/credfiles/replace"
)

// Set gives one key of the config at path a value: a string, bool, int,
// float64, time.Time or []string. Every other byte stays. A key that is not
// there is added at the end of its table, a table at the end of the file; a
// missing file is made, for the user alone. A config that does not parse, or
// that others may write, is not touched; nor is one where the key is a table
// or stands in a list of tables.
func Set(path string, key []string, value any) error {
	code, err := encode(value)
	if err != nil {
		return fmt.Errorf("%s: %w", display(join("", key...)), err)
	}
	return change(path, func(d *document) (edit, bool, error) {
		e, ok, err := d.set(key, code)
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
		return e, ok, err
	}, wanted(key, code))
}

// wanted is what setting a key does to the values.
func wanted(key []string, code string) func(map[string]any) {
	return func(values map[string]any) {
		var is map[string]any
		if toml.Unmarshal([]byte("is = "+code), &is) == nil {
			put(values, key, is["is"])
		}
	}
}

// Unset removes a key from the config at path, so that its default holds. A
// comment on its line stays. A missing key is no error.
func Unset(path string, key ...string) error {
	return change(path, func(d *document) (edit, bool, error) {
		e, ok := d.unset(key)
		return e, ok, nil
	}, func(values map[string]any) { put(values, key, nil) })
}

// An edit replaces the bytes from start to end.
type edit struct {
	start, end int
	text       string
}

func (e edit) apply(text []byte) []byte {
	return append(append(bytes.Clone(text[:e.start]), e.text...), text[e.end:]...)
}

// change makes the edit that find returns, if ok; its errors name the file.
// expect does to the values what the edit is to do: the file is only written
// if both agree.
func change(path string, find finder, expect func(map[string]any)) error {
	return rewrite(path, find, expect, func(text []byte, file file) error {
		if !file.exists {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
			file.mode = 0o600
		}
		return replace.File(path, text, file.mode)
	})
}

// couldChange is change, of a file that is there, but for the last step.
func couldChange(path string, find finder, expect func(map[string]any)) error {
	return rewrite(path, find, expect, func(text []byte, _ file) error {
		t, err := replace.Prepare(path, int64(len(text)))
		if err != nil {
			return err
		}
		return t.Close()
	})
}

type finder func(*document) (e edit, ok bool, err error)

func rewrite(path string, find finder, expect func(map[string]any), write func([]byte, file) error) error {
	// Who saves the file in an editor meanwhile wins, and we begin again.
	for range 10 {
		text, file, err := read(path)
		if err != nil {
			return err
		}
		before, fault := parseDocument(text)
		if fault != nil {
			return &Error{File: path, Faults: []Fault{*fault}}
		}
		e, ok, err := find(before)
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		edited := e.apply(text)
		after, fault := parseDocument(edited)
		if before.values == nil {
			before.values = map[string]any{}
		}
		expect(before.values)
		if fault != nil || !reflect.DeepEqual(pruned(before.values), pruned(after.values)) {
			return fmt.Errorf("%s: this cannot be changed without changing something else too; edit it by hand", path)
		}
		now, _, err := read(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(now, text) {
			continue
		}
		return write(edited, file)
	}
	return errors.New(path + " changes all the time; try again")
}

// put sets a key in parsed values, or removes it where value is nil.
func put(values map[string]any, key []string, value any) {
	for _, table := range key[:len(key)-1] {
		next, ok := values[table].(map[string]any)
		if !ok {
			if value == nil {
				return
			}
			next = map[string]any{}
			values[table] = next
		}
		values = next
	}
	if value == nil {
		delete(values, key[len(key)-1])
		return
	}
	values[key[len(key)-1]] = value
}

// pruned returns the values without empty tables, which come and go with
// their keys.
func pruned(values map[string]any) map[string]any {
	kept := map[string]any{}
	for name, value := range values {
		if table, ok := value.(map[string]any); ok {
			if table = pruned(table); len(table) == 0 {
				continue
			}
			value = table
		}
		kept[name] = value
	}
	return kept
}
