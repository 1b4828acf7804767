package settings

import (
	"fmt"
	"slices"
)

// Try is Set, but a value that Load would not take is an [*Error] with Load's
// sentence, and nothing is written. Mistakes at other keys are no reason.
// clients are as for Load.
func Try(path string, key []string, value any, clients []string) error {
	name := display(join("", key...))
	code, err := encode(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return change(path, func(d *document) (edit, bool, error) {
		e, ok, err := d.set(key, code)
		if err != nil || !ok {
			return e, ok, err
		}
		_, before := parse(d.text, clients)
		_, after := parse(e.apply(d.text), clients)
		after = slices.DeleteFunc(after, func(f Fault) bool {
			return f.Key != name && slices.ContainsFunc(before, func(b Fault) bool { return b.Key == f.Key && b.What == f.What })
		})
		if len(after) == 0 {
			return e, true, nil
		}
		for i := range after {
			after[i].Line = 0
		}
		return edit{}, false, &Error{File: path, Faults: after}
	}, wanted(key, code))
}
