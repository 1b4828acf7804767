//go:build !darwin || cgo

package window

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"sync"

	"lamplighter/app/model"
)

// longest is the longest line that is read, in bytes; a Model of a thousand
// credentials has under two million.
const longest = 64 << 20

// Receive reads Messages, one JSON object in a line each, until in ends. What
// cannot be understood is passed over: a newer keeper may say more than we know.
func Receive(in io.Reader, each func(model.Message)) error {
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		text, err := readLine(r)
		var m model.Message
		if len(text) > 0 && json.Unmarshal(text, &m) == nil {
			each(m)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// readLine reads one line; of one that is too long, nothing.
func readLine(r *bufio.Reader) ([]byte, error) {
	var text []byte
	for long := false; ; {
		part, err := r.ReadSlice('\n')
		if long = long || len(text)+len(part) > longest; long {
			text = nil
		} else {
			text = append(text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, err
		}
	}
}

// Sender writes Actions, one JSON object in a line each. It is safe for use by
// several goroutines.
func Sender(out io.Writer) func(model.Action) {
	var mu sync.Mutex
	encoder := json.NewEncoder(out)
	return func(a model.Action) {
		mu.Lock()
		defer mu.Unlock()
		encoder.Encode(a) // whoever does not read has ended, and so will in
	}
}
