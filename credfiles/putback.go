package credfiles

import (
	"context"
	"errors"
	"io/fs"
	"strings"

	"lamplighter/credfiles/jsonedit"
	"lamplighter/credfiles/replace"
)

// PutBack puts a token into an entry that its client wiped after an error:
// where the entry is gone with it, or its whole file, text is put there as the
// entry was ([Credential.Text]). What a sign-in or another program put there
// meanwhile stays; then the Result is Theirs. old is the entry as it is found
// now. image and the errors are as for [Hold.Write].
func (h *Hold) PutBack(ctx context.Context, old Credential, text Secret, t Token, image func([]byte) error) (Result, error) {
	if h.store.protected() {
		return 0, h.store.problem(errors.New("an entry that is not in a plain file cannot be put back"))
	}
	return h.insert(ctx, &write{Hold: h, old: old, token: t, image: image, restores: true, entry: text})
}

// insert is put for what may be gone.
func (h *Hold) insert(ctx context.Context, w *write) (Result, error) {
	w.stamp()
	result, err := w.locked(ctx, func(ctx context.Context) (Result, error) {
		for range rounds {
			doc, err := h.store.readSettled(ctx)
			if errors.Is(err, fs.ErrNotExist) && !w.entry.IsZero() && isFolder(h.store.home) {
				switch err := w.create(); {
				case errors.Is(err, fs.ErrExist):
					continue // somebody made one meanwhile
				case err != nil:
					return 0, err
				}
				return Written, nil
			}
			if err != nil {
				return 0, err
			}
			if err := h.prepare(len(doc.text) + len(w.entry.Reveal())); err != nil {
				return 0, err
			}
			return w.merge(ctx, doc.text, doc.text)
		}
		return 0, errors.New("another program keeps making and removing it")
	})
	if w.there != nil {
		h.lastLook = w.finalLook
	}
	return result, err
}

// create makes the file anew, with the one entry in it.
func (w *write) create() error {
	doc, err := w.store.parse([]byte(w.store.alone(w.key, w.entry.Reveal())))
	if err == nil {
		doc, err = w.filled(doc)
	}
	if err != nil {
		return err
	}
	return replace.Create(w.store.path, doc.text)
}

// alone is the text of a document with one entry, as JSON.stringify indents it
// where the entry has lines.
func (s *Store) alone(key Key, entry string) string {
	k := s.kind(key)
	if k.single && len(k.at) == 0 {
		return entry
	}
	steps := k.at
	if !k.single && !k.list {
		steps = join(k.at, []string{key.Entry})
	}
	depth := len(steps)
	if k.list {
		depth++
	}
	pad := func(n int) string {
		if !strings.Contains(entry, "\n") {
			return ""
		}
		return "\n" + strings.Repeat("  ", n)
	}
	colon := ":"
	if strings.Contains(entry, "\n") {
		colon = ": "
	}
	text := entry
	if k.list {
		text = "[" + pad(depth) + text + pad(depth-1) + "]"
	}
	for i := len(steps) - 1; i >= 0; i-- {
		text = "{" + pad(i+1) + string(jsonedit.Quote(steps[i])) + colon + text + pad(i) + "}"
	}
	return text
}

// inserted is a document with the entry in it that was gone, and the token in
// that.
func (w *write) inserted(doc document) (document, error) {
	k, place := w.store.place(doc.root, w.key)
	if k.list {
		place = join(k.at, []string{jsonedit.Last})
	}
	doc, err := w.store.changed(doc, []jsonedit.Change{jsonedit.Set(place, []byte(w.entry.Reveal()))})
	if err != nil {
		return document{}, err
	}
	return w.filled(doc)
}

// filled is a document with the token in its entry, if that is the one which
// it was kept as.
func (w *write) filled(doc document) (document, error) {
	next, err := w.spliced(doc)
	if err != nil {
		return document{}, err
	}
	now, err := w.store.find(next.root, w.key, w.store.pair())
	switch {
	case err != nil:
		return document{}, err
	case !w.in(now) || now.Access.IsZero() || now.WatchOnly == OddFormat:
		return document{}, errors.New("the entry cannot be made so that its client reads it")
	case now.ServerURL != w.old.ServerURL && now.ServerURL != "" && w.old.ServerURL != "":
		return document{}, errors.New("its client's configuration names another server under this name by now")
	}
	return next, nil
}

// decideBack compares an entry with the token that is to be put back.
func decideBack(now, old Credential, t Token) Result {
	if has(now, t) || now.Blanked || now.Refresh.IsZero() && now.Access.Equal(old.Access) {
		return Written
	}
	return Theirs
}
