//go:build !darwin || cgo

package window

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lamplighter/app/model"
)

// facts are the lines of a credential's page. A line stays, with the focus on
// its button, as long as there is a fact of its name.
type facts struct {
	w     *Window
	in    *container.Scroll
	card  fyne.CanvasObject
	list  *fyne.Container
	lines map[string]*fact
}

// A fact is one line: what it is, what it says, and perhaps a button that copies
// it.
type fact struct {
	box   fyne.CanvasObject
	value *widget.Label
}

func newFacts(w *Window, in *container.Scroll) *facts {
	f := &facts{w: w, in: in, list: newColumn(0.5), lines: map[string]*fact{}}
	f.card = onCard(f.list)
	return f
}

func (f *facts) set(all []model.Fact) {
	var boxes []fyne.CanvasObject
	for _, data := range all {
		line := f.lines[data.Name]
		if line == nil {
			line = f.line(data)
			f.lines[data.Name] = line
		}
		setText(line.value, data.Text)
		boxes = append(boxes, line.box)
	}
	if !slices.Equal(boxes, f.list.Objects) {
		f.list.Objects = boxes
		f.list.Refresh()
	}
	setShown(f.card, len(all) > 0)
}

func (f *facts) line(data model.Fact) *fact {
	line := &fact{value: wrapped("")}
	title := wrapped(data.Name)
	title.Importance = widget.LowImportance
	end := nowhere()
	if data.Copy {
		end = f.w.icon(wordCopy+" "+data.Name, theme.ContentCopyIcon(), f.in, func() {
			f.w.app.Clipboard().SetContent(line.value.Text)
			f.w.said(fmt.Sprintf(wordCopied, data.Name))
		})
	}
	line.box = container.New(factLayout{}, fit(title), fit(line.value), end)
	return line
}

func todo(r model.Row) string {
	if r.Do == "" {
		return ""
	}
	return fmt.Sprintf(wordToDo, r.Do)
}

// A factLayout lines up names and values, and a small button at the end.
type factLayout struct{}

func (factLayout) Layout(o []fyne.CanvasObject, size fyne.Size) {
	name, value, end := o[0], o[1], o[2]
	wide := nameWidth()
	last := end.MinSize()
	name.Resize(fyne.NewSize(wide-0.5*em(), size.Height))
	name.Move(fyne.NewPos(0, 0))
	value.Resize(fyne.NewSize(size.Width-wide-last.Width-0.3*em(), size.Height))
	value.Move(fyne.NewPos(wide, 0))
	end.Resize(last)
	end.Move(fyne.NewPos(size.Width-last.Width, (lineHeight()-last.Height)/2))
}

// nameWidth is the room for the names of facts and settings.
func nameWidth() float32 { return 11 * em() }

// lineHeight is the height of one line of text.
func lineHeight() float32 { return fyne.MeasureText("M", em(), fyne.TextStyle{}).Height }

func (factLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(nameWidth()+8*em(), max(o[0].MinSize().Height, o[1].MinSize().Height))
}
