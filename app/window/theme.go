//go:build !darwin || cgo

package window

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// Colours of our own, beside those that Fyne names.
const (
	colorCard  fyne.ThemeColorName = "lampCard" // what lies on the background
	colorEdge  fyne.ThemeColorName = "lampEdge"
	colorHover fyne.ThemeColorName = "lampHover"
	colorDim   fyne.ThemeColorName = "lampDim" // text of second rank
	colorTrack fyne.ThemeColorName = "lampTrack"
)

// A tone is what a state looks like: the colour of its words and of its bar.
type tone struct{ text, fill fyne.ThemeColorName }

var (
	toneGood = tone{"lampGoodText", "lampGoodFill"}
	toneWarm = tone{"lampWarmText", "lampWarmFill"}
	toneBad  = tone{"lampBadText", "lampBadFill"}
	toneCalm = tone{"lampCalmText", "lampCalmFill"}
)

func rgb(v uint32) color.Color {
	return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff}
}

func rgba(v uint32) color.Color {
	return color.NRGBA{uint8(v >> 24), uint8(v >> 16), uint8(v >> 8), uint8(v)}
}

// A shade is one colour in a light and in a dark room.
type shade struct{ light, dark color.Color }

// colors is warm paper by day and a warm dark by night; the accent is the lamp.
// TestTextCanBeRead measures the contrasts.
var colors = map[fyne.ThemeColorName]shade{
	theme.ColorNameBackground:          {rgb(0xf7f4ee), rgb(0x1b1917)},
	theme.ColorNameForeground:          {rgb(0x2a2520), rgb(0xece5da)},
	theme.ColorNamePlaceHolder:         {rgb(0x6d645a), rgb(0xa79d90)},
	theme.ColorNameDisabled:            {rgb(0x6d645a), rgb(0xa79d90)},
	theme.ColorNameButton:              {rgb(0xebe5da), rgb(0x35302b)},
	theme.ColorNameDisabledButton:      {rgb(0xefebe3), rgb(0x2a2723)},
	theme.ColorNameHover:               {rgba(0x00000010), rgba(0xffffff12)},
	theme.ColorNamePressed:             {rgba(0x00000022), rgba(0xffffff22)},
	theme.ColorNamePrimary:             {rgb(0x9a5600), rgb(0xf5b44d)},
	theme.ColorNameForegroundOnPrimary: {rgb(0xffffff), rgb(0x231803)},
	theme.ColorNameHyperlink:           {rgb(0x8a4d00), rgb(0xf5b44d)},
	theme.ColorNameFocus:               {rgba(0xc9780088), rgba(0xf5b44d77)},
	theme.ColorNameSelection:           {rgba(0xe9a23b55), rgba(0xf5b44d44)},
	theme.ColorNameInputBackground:     {rgb(0xffffff), rgb(0x151311)},
	theme.ColorNameInputBorder:         {rgb(0xc9c0b2), rgb(0x4c453d)},
	theme.ColorNameSeparator:           {rgb(0xe4ddd0), rgb(0x37322d)},
	theme.ColorNameShadow:              {rgba(0x00000020), rgba(0x00000066)},
	theme.ColorNameScrollBar:           {rgba(0x00000044), rgba(0xffffff44)},
	theme.ColorNameScrollBarBackground: {rgba(0x00000008), rgba(0xffffff08)},
	theme.ColorNameMenuBackground:      {rgb(0xffffff), rgb(0x2b2723)},
	theme.ColorNameOverlayBackground:   {rgb(0xffffff), rgb(0x2b2723)},
	theme.ColorNameHeaderBackground:    {rgb(0xf0ebe1), rgb(0x24211e)},
	theme.ColorNameSuccess:             {rgb(0x25663a), rgb(0x8fd3a2)},
	theme.ColorNameWarning:             {rgb(0x855000), rgb(0xf2bc66)},
	theme.ColorNameError:               {rgb(0xa8231c), rgb(0xff9a8f)},
	colorCard:                          {rgb(0xffffff), rgb(0x262320)},
	colorEdge:                          {rgb(0xe7e0d4), rgb(0x37322d)},
	colorHover:                         {rgb(0xfcf8f0), rgb(0x2e2a26)},
	colorDim:                           {rgb(0x6d645a), rgb(0xa79d90)},
	colorTrack:                         {rgb(0xeeeae2), rgb(0x35312d)},
	toneGood.text:                      {rgb(0x25663a), rgb(0x8fd3a2)},
	toneGood.fill:                      {rgb(0xb9dfc2), rgb(0x2f5f3e)},
	toneWarm.text:                      {rgb(0x855000), rgb(0xf2bc66)},
	toneWarm.fill:                      {rgb(0xf4d49b), rgb(0x6b4c17)},
	toneBad.text:                       {rgb(0xa8231c), rgb(0xff9a8f)},
	toneBad.fill:                       {rgb(0xf4c3bc), rgb(0x7a302a)},
	toneCalm.text:                      {rgb(0x55585e), rgb(0xb3b6bd)},
	toneCalm.fill:                      {rgb(0xd3d5da), rgb(0x4c4f55)},
}

// A look is our theme: Fyne's, with colours and a little more room of our own.
// It follows the system between light and dark.
type look struct {
	fyne.Theme
	grow float32 // text, over its usual size
}

func newLook(grow float32) fyne.Theme { return look{theme.DefaultTheme(), grow} }

func (l look) Color(name fyne.ThemeColorName, variant fyne.ThemeVariant) color.Color {
	c, ok := colors[name]
	switch {
	case !ok:
		return l.Theme.Color(name, variant)
	case variant == theme.VariantDark:
		return c.dark
	}
	return c.light
}

func (l look) Size(name fyne.ThemeSizeName) float32 {
	switch name {
	case theme.SizeNameText, theme.SizeNameInlineIcon, theme.SizeNameHeadingText, theme.SizeNameSubHeadingText, theme.SizeNameCaptionText:
		return l.Theme.Size(name) * l.grow
	case theme.SizeNameInputRadius, theme.SizeNameSelectionRadius:
		return 6
	case theme.SizeNameLineSpacing:
		return 2
	}
	return l.Theme.Size(name)
}

// em is the size of text now: every length of ours is so many of it, so that
// nothing is cut when text grows.
func em() float32 { return theme.TextSize() }

// themed is a colour as it is now.
func themed(name fyne.ThemeColorName) color.Color { return theme.Color(name) }
