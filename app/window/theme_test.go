//go:build !darwin || cgo

package window

import (
	"image/color"
	"math"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/theme"
)

// luminance is that of WCAG 2.2.
func luminance(c color.Color) float64 {
	n := nrgba(c)
	part := func(v uint8) float64 {
		s := float64(v) / 255
		if s <= 0.04045 {
			return s / 12.92
		}
		return math.Pow((s+0.055)/1.055, 2.4)
	}
	return 0.2126*part(n.R) + 0.7152*part(n.G) + 0.0722*part(n.B)
}

func contrast(a, b color.Color) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// 4.5 is what WCAG 2.2 asks of text (1.4.3, level AA).
func TestTextCanBeRead(t *testing.T) {
	type names = []fyne.ThemeColorName
	grounds := names{theme.ColorNameBackground, colorCard, colorHover, colorTrack, theme.ColorNameHeaderBackground, theme.ColorNameInputBackground, theme.ColorNameMenuBackground}
	pairs := map[fyne.ThemeColorName]names{
		theme.ColorNameForeground:          append(names{toneGood.fill, toneWarm.fill, toneBad.fill, toneCalm.fill, theme.ColorNameButton, colorEdge}, grounds...),
		colorDim:                           grounds,
		theme.ColorNamePlaceHolder:         {theme.ColorNameInputBackground},
		theme.ColorNameDisabled:            grounds,
		theme.ColorNameForegroundOnPrimary: {theme.ColorNamePrimary},
		toneGood.text:                      {colorCard, colorHover},
		toneWarm.text:                      {colorCard, colorHover},
		toneBad.text:                       {colorCard, colorHover},
		toneCalm.text:                      {colorCard, colorHover},
	}
	least := 21.0
	for _, variant := range []fyne.ThemeVariant{theme.VariantLight, theme.VariantDark} {
		for text, grounds := range pairs {
			for _, ground := range grounds {
				l := newLook(1)
				c := contrast(l.Color(text, variant), l.Color(ground, variant))
				least = min(least, c)
				if c < 4.5 {
					t.Errorf("variant %d: %s on %s has a contrast of %.2f", variant, text, ground, c)
				}
			}
		}
	}
	t.Logf("the least contrast is %.2f", least)
}

func TestEveryStateIsToldApartWithoutColour(t *testing.T) {
	for state := range marks {
		if _, ok := marks[state]; !ok && state != "unknown" {
			t.Errorf("%s has no icon", state)
		}
	}
	if marks["fresh"].pattern == marks["sign-in-needed"].pattern || marks["fresh"].pattern == marks["paused"].pattern {
		t.Error("a bar shows by its colour alone what a credential needs")
	}
}
