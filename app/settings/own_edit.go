package settings

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"lamplighter/credfiles"
)

// AddOwn adds an own credential at the end of the config at path, as an [[own]]
// table, by the rules of [AddHome].
func AddOwn(path string, o credfiles.Own, clients []string) error {
	code, values, err := encodeOwn(o)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return change(path, func(d *document) (edit, bool, error) {
		e, err := d.append(path, "own", code, clients)
		return e, err == nil, err
	}, func(all map[string]any) {
		list, _ := all["own"].([]any)
		all["own"] = append(list, values)
	})
}

// CheckOwn is AddOwn without the writing.
func CheckOwn(path string, o credfiles.Own, clients []string) error {
	code, _, err := encodeOwn(o)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	text, _, err := read(path)
	if err != nil {
		return err
	}
	d, fault := parseDocument(text)
	if fault != nil {
		return &Error{File: path, Faults: []Fault{*fault}}
	}
	_, err = d.append(path, "own", code, clients)
	return err
}

// RemoveOwn removes the [[own]] table of that name from the config at path, by
// the rules of [RemoveHome].
func RemoveOwn(path, name string) error {
	_, err := removeTable(path, "own", named(name), change)
	return err
}

// CheckRemoveOwn is RemoveOwn without the writing.
func CheckRemoveOwn(path, name string) error {
	_, err := removeTable(path, "own", named(name), couldChange)
	return err
}

func named(name string) func(map[string]any) bool {
	return func(t map[string]any) bool { return t["name"] == name }
}

// removeTable removes the first table of a list that is meant.
func removeTable(path, list string, meant func(map[string]any) bool, change func(string, finder, func(map[string]any)) error) (found bool, err error) {
	i := -1
	err = change(path, func(d *document) (edit, bool, error) {
		all, _ := d.values[list].([]any)
		i = slices.IndexFunc(all, func(e any) bool {
			table, _ := e.(map[string]any)
			return meant(table)
		})
		if i < 0 {
			return edit{}, false, nil
		}
		at := element(list, i)
		header := d.find(at)
		within := func(e entry) bool { return e.header && strings.HasPrefix(e.path, at+".") }
		if header < 0 || slices.ContainsFunc(d.entries, within) {
			return edit{}, false, byHand(path, list)
		}
		return d.cut(header), true, nil
	}, func(values map[string]any) {
		all := slices.Delete(values[list].([]any), i, i+1)
		if values[list] = all; len(all) == 0 {
			delete(values, list)
		}
	})
	return i >= 0, err
}

func byHand(path, name string) error {
	return errors.New(path + ": " + name + " is not written as [[" + name + "]] tables; edit it by hand")
}

// append finds the edit that puts a table of a list at the end.
func (d *document) append(path, name string, code, clients []string) (edit, error) {
	if _, ok := d.values[name]; ok && d.find(element(name, 0)) < 0 {
		return edit{}, byHand(path, name)
	}
	eol := d.eol()
	before, block := "", "[["+name+"]]"+eol+strings.Join(code, eol)+eol
	if len(bytes.TrimPrefix(d.text, bom)) > 0 {
		before = d.missingEOL() + eol
	}
	e := edit{len(d.text), len(d.text), before + block}

	// Other mistakes in the file are not this table's.
	_, faults := parse(e.apply(d.text), clients)
	first := d.line(len(d.text)) + strings.Count(before, "\n")
	faults = slices.DeleteFunc(faults, func(f Fault) bool { return f.Line < first })
	if len(faults) > 0 {
		for i := range faults {
			faults[i].Line = 0
		}
		return edit{}, &Error{File: path, Faults: faults}
	}
	return e, nil
}

// encode returns the lines of an own credential's table, and what they parse
// to. What is empty is left out.
func encodeOwn(o credfiles.Own) (lines []string, values map[string]any, err error) {
	values = map[string]any{}
	add := func(name, code string, value any) {
		lines = append(lines, name+" = "+code)
		values[name] = value
	}
	for _, member := range [][2]string{
		{"name", o.Name}, {"grant", o.Grant}, {"issuer", o.Issuer}, {"token_endpoint", o.TokenURL},
		{"authorization_endpoint", o.AuthorizationURL}, {"device_endpoint", o.DeviceURL}, {"redirect_uri", o.RedirectURI},
		{"client_id", o.ClientID}, {"auth_method", o.AuthMethod}, {"secret_file", o.SecretFile}, {"secret_env", o.SecretEnv},
		{"key_file", o.KeyFile}, {"key_id", o.KeyID}, {"key_audience", o.KeyAudience},
		{"scope", o.Scope}, {"resource", o.Resource}, {"audience", o.Audience},
	} {
		if member[1] == "" {
			continue
		}
		code, err := encode(member[1])
		if err != nil {
			return nil, nil, fmt.Errorf("own.%s: %w", member[0], err)
		}
		add(member[0], code, member[1])
	}
	if len(o.SecretCommand) > 0 {
		code, err := encode(o.SecretCommand)
		if err != nil {
			return nil, nil, fmt.Errorf("own.secret_command: %w", err)
		}
		list := make([]any, len(o.SecretCommand))
		for i, s := range o.SecretCommand {
			list[i] = s
		}
		add("secret_command", code, list)
	}
	if t := o.SecretExpires; !t.IsZero() {
		date := toml.LocalDate{Year: t.Year(), Month: int(t.Month()), Day: t.Day()}
		add("secret_expires", t.Format(time.DateOnly), date)
	}
	if len(o.Parameters) > 0 {
		var pairs []string
		table := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(o.Parameters)) {
			code, err := encode(o.Parameters[name])
			if err != nil {
				return nil, nil, fmt.Errorf("own.parameters: %w", err)
			}
			pairs = append(pairs, quoteKey(name)+" = "+code)
			table[name] = o.Parameters[name]
		}
		add("parameters", "{ "+strings.Join(pairs, ", ")+" }", table)
	}
	return lines, values, nil
}
