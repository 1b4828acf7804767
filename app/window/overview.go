//go:build !darwin || cgo

package window

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// An overview shows every credential, by client. Its rows stay from Model to
// Model: the focus and the place on the page stay with them.
type overview struct {
	w      *Window
	scroll *container.Scroll
	list   *fyne.Container
	head   *summary
	rows   map[string]*row
	groups map[string]*group
}

// A group is the heading of one client.
type group struct {
	title, count *widget.Label
	box          fyne.CanvasObject
}

func newOverview(w *Window) *overview {
	o := &overview{w: w, rows: map[string]*row{}, groups: map[string]*group{}}
	o.list = newColumn(0.55)
	o.scroll = container.NewVScroll(nil)
	o.head = newSummary(w, o.scroll)
	o.scroll.Content = newMargin(1.4, 1.8, newColumn(1, o.head.box, o.list))
	return o
}

func (o *overview) object() fyne.CanvasObject { return o.scroll }

// A section is a client with its Rows, those that need a person first.
type section struct {
	client string
	rows   []model.Row
}

// sections orders Rows by client; a client that needs a person comes first.
func sections(rows []model.Row) (all []section) {
	for _, r := range rows {
		title := r.ClientTitle
		if title == "" {
			title = r.Client
		}
		i := slices.IndexFunc(all, func(s section) bool { return s.client == title })
		if i < 0 {
			all, i = append(all, section{client: title}), len(all)
		}
		all[i].rows = append(all[i].rows, r)
	}
	for _, s := range all {
		slices.SortStableFunc(s.rows, func(a, b model.Row) int { return rank(a) - rank(b) })
	}
	slices.SortStableFunc(all, func(a, b section) int { return rank(a.rows[0]) - rank(b.rows[0]) })
	return all
}

// rank is where a Row stands: who needs a person is first, who is used by
// nobody last.
func rank(r model.Row) int {
	switch {
	case r.NeedsYou:
		return 0
	case r.Unused:
		return 2
	}
	return 1
}

func (o *overview) update(m *model.Model) {
	o.head.update(m)
	var shown []fyne.CanvasObject
	live := map[string]bool{}
	for _, s := range sections(m.Rows) {
		g := o.groups[s.client]
		if g == nil {
			g = newGroup(s.client, "")
			o.groups[s.client] = g
		}
		setText(g.count, tokens(len(s.rows)))
		shown = append(shown, g.box)
		for _, data := range s.rows {
			r := o.rows[data.Key]
			if r == nil {
				r = o.w.row(o.scroll)
				o.rows[data.Key] = r
			}
			r.set(data, m.At)
			live[data.Key] = true
			shown = append(shown, r)
		}
	}
	for key := range o.rows {
		if !live[key] {
			delete(o.rows, key)
		}
	}
	if !slices.Equal(shown, o.list.Objects) {
		o.list.Objects = shown
		o.list.Refresh()
	}
	settle(o.scroll)
}

func newGroup(client, count string) *group {
	g := &group{title: widget.NewLabelWithStyle(client, fyne.TextAlignLeading, fyne.TextStyle{Bold: true}), count: widget.NewLabel(count)}
	g.title.SizeName = theme.SizeNameSubHeadingText
	g.count.Importance = widget.LowImportance
	g.box = container.New(margin{top: 0.8, bottom: 0.1, left: 0.2}, container.NewBorder(nil, nil, fit(g.title), container.NewCenter(fit(g.count))))
	return g
}

// settle lays a page out again if its text has become higher or lower, and
// keeps the place.
func settle(s *container.Scroll) {
	for _, more := range []float32{1, 0} { // what wraps knows its height only when it knows its width
		least := s.Content.MinSize()
		// At a size that it has already nothing would be laid out.
		s.Content.Resize(fyne.NewSize(s.Size().Width, max(least.Height, s.Size().Height)+more))
	}
	s.ScrollToOffset(s.Offset)
}
