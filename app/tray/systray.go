//go:build windows || (darwin && cgo)

package tray

import (
	"sync"

	"fyne.io/systray"
)

// native is what stands in the tray of a system that systray draws on.
type native struct {
	t      Tray
	clicks *clicks

	mu    sync.Mutex // one redraw or click at a time
	icon  string
	tip   string
	menu  menu
	items map[int32]*systray.MenuItem // by our ids, not its
	begun bool
}

// draw shows the Face of now. Where only texts are different, the lines stay;
// else all of them are new, since the library can only append. Whoever calls it
// must know that no click is under way in the library.
func (n *native) draw() {
	n.mu.Lock()
	defer n.mu.Unlock()
	face := n.t.Face()
	if face.Icon.Name != n.icon && len(face.Icon.Images) > 0 && len(face.Icon.Images[0]) > 0 {
		n.icon = face.Icon.Name
		systray.SetTemplateIcon(face.Icon.Images[0], face.Icon.Images[0])
	}
	if tip := tipOf(fit(face.Tooltip)); tip != n.tip {
		n.tip = tip
		systray.SetTooltip(tip)
	}
	changed, moved := n.menu.draw(face.Menu)
	if len(moved) > 0 || !n.begun {
		n.begun = true
		n.forget()
		systray.ResetMenu()
		n.items = map[int32]*systray.MenuItem{}
		n.add(nil, n.menu.root.sub)
		return
	}
	for _, l := range changed {
		if item := n.items[l.id]; item != nil {
			item.SetTitle(label(l.look.text))
			n.look(item, l)
		}
	}
}

func (n *native) add(parent *systray.MenuItem, lines []*line) {
	for _, l := range lines {
		var item *systray.MenuItem
		text := label(l.look.text)
		switch {
		case l.name.kind == 's' && parent == nil:
			systray.AddSeparator()
			continue
		case l.name.kind == 's':
			parent.AddSeparator()
			continue
		case parent == nil:
			item = systray.AddMenuItemCheckbox(text, "", l.look.checked)
		default:
			item = parent.AddSubMenuItemCheckbox(text, "", l.look.checked)
		}
		n.items[l.id] = item
		n.look(item, l)
		if l.name.kind == 'a' {
			n.listen(l.id, item)
		}
		n.add(item, l.sub)
	}
}

// look sets but what is different: each call draws.
func (n *native) look(item *systray.MenuItem, l *line) {
	switch {
	case l.look.off && !item.Disabled():
		item.Disable()
	case !l.look.off && item.Disabled():
		item.Enable()
	}
	switch {
	case l.look.checked && !item.Checked():
		item.Check()
	case !l.look.checked && item.Checked():
		item.Uncheck()
	}
}

// clicked is a click on one of our ids.
func (n *native) clicked(id int32) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if do, ok := n.menu.action(id); ok {
		n.clicks.add(do, "")
	}
}
