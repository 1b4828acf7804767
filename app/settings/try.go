package settings

import (
	"fmt"
	"slices"
)

// Try is Set, but a value that Load would not take is an [*Error] with Load's
// sentence, and nothing is written. Other mistakes in the file are no reason.
// clients are as for Load.
func Try(path string, key []string, value any, clients []string) error {
	code, err := encode(value)
	if err != nil {
		return fmt.Errorf("%s: %w", display(join("", key...)), err)
	}
	text, _, err := read(path)
	if err != nil {
		return err
	}
	d, fault := parseDocument(text)
	if fault != nil {
		return &Error{File: path, Faults: []Fault{*fault}}
	}
	e, ok, err := d.set(key, code)
	if err == nil && ok {
		_, before := parse(text, clients)
		_, after := parse(e.apply(text), clients)
		after = slices.DeleteFunc(after, func(f Fault) bool {
			return slices.ContainsFunc(before, func(b Fault) bool { return b.Key == f.Key && b.What == f.What })
		})
		if len(after) > 0 {
			for i := range after {
				after[i].Line = 0
			}
			return &Error{File: path, Faults: after}
		}
	}
	return Set(path, key, value)
}
