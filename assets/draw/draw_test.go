package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lamplighter/assets"
)

// iconEntries parses an icon file by its own description of itself.
func iconEntries(t *testing.T, data []byte) []image.Image {
	t.Helper()
	le := binary.LittleEndian
	if le.Uint16(data) != 0 || le.Uint16(data[2:]) != 1 {
		t.Fatalf("not an icon: % x", data[:6])
	}
	var all []image.Image
	n := int(le.Uint16(data[4:]))
	end := 6 + 16*n
	for i := range n {
		entry := data[6+16*i:]
		length, offset := int(le.Uint32(entry[8:])), int(le.Uint32(entry[12:]))
		if offset != end || offset+length > len(data) {
			t.Fatalf("entry %d is %d bytes at %d of %d; the one before ends at %d", i, length, offset, len(data), end)
		}
		end += length
		picture, err := png.Decode(bytes.NewReader(data[offset:end]))
		if err != nil {
			t.Fatal(err)
		}
		size := picture.Bounds().Dx()
		if int(entry[0]) != size%256 || int(entry[1]) != picture.Bounds().Dy()%256 {
			t.Errorf("entry %d says %d by %d, its picture is %v", i, entry[0], entry[1], picture.Bounds())
		}
		all = append(all, picture)
	}
	if end != len(data) {
		t.Errorf("%d bytes after the last picture", len(data)-end)
	}
	return all
}

func committed(t *testing.T, name string) []image.Image {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".ico") {
		return iconEntries(t, data)
	}
	picture, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return []image.Image{picture}
}

func nrgba(picture image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(picture.At(x, y)).(color.NRGBA)
}

func apart(a, b uint8) int { return max(int(a), int(b)) - min(int(a), int(b)) }

func TestEveryPictureIsWhatItsDrawingGives(t *testing.T) {
	for name, shots := range outputs() {
		drawn, err := pictures("..", shots)
		if err != nil {
			t.Fatal(err)
		}
		kept := committed(t, name)
		if len(kept) != len(drawn) {
			t.Errorf("%s holds %d pictures, want %d: run make icons", name, len(kept), len(drawn))
			continue
		}
		for i := range drawn {
			if kept[i].Bounds() != drawn[i].Bounds() {
				t.Errorf("%s: picture %d is %v, want %v: run make icons", name, i, kept[i].Bounds(), drawn[i].Bounds())
				continue
			}
			// Processors round floating point differently by one step of 255.
			// Where little is opaque, one step of that is many of the colour.
			const steps = 2
			differ := 0
			for y := range shots[i].size {
				for x := range shots[i].size {
					k, d := nrgba(kept[i], x, y), drawn[i].NRGBAAt(x, y)
					scale := func(c, a uint8) uint8 { return uint8(int(c) * int(a) / 255) }
					if apart(k.A, d.A) > steps ||
						apart(scale(k.R, k.A), scale(d.R, d.A)) > steps ||
						apart(scale(k.G, k.A), scale(d.G, d.A)) > steps ||
						apart(scale(k.B, k.A), scale(d.B, d.A)) > steps {
						differ++
					}
				}
			}
			// So a pixel half covered may be opaque on one and clear on another.
			if differ > 0 {
				t.Errorf("%s: %d pixels of picture %d are not as drawn: run make icons", name, differ, i)
			}
		}
	}
}

func TestNoPictureIsWithoutADrawing(t *testing.T) {
	want := outputs()
	for _, dir := range []string{"png", "ico"} {
		files, err := filepath.Glob(filepath.Join("..", dir, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(dir, len(files), err)
		}
		for _, file := range files {
			name := dir + "/" + filepath.Base(file)
			if _, ok := want[name]; !ok {
				t.Errorf("%s is not made by anything", name)
			}
		}
	}
}

func TestAnIconFileHasEachSizeThatWindowsAsksFor(t *testing.T) {
	for _, name := range append([]string{"app"}, states...) {
		var sizes []int
		for _, picture := range committed(t, "ico/"+name+".ico") {
			sizes = append(sizes, picture.Bounds().Dx())
		}
		if !slices.Equal(sizes, []int{16, 20, 24, 32, 48, 256}) {
			t.Errorf("%s.ico has sizes %v", name, sizes)
		}
	}
}

func TestATemplateIsBlackAndAlphaOnly(t *testing.T) {
	for name := range outputs() {
		if !strings.Contains(name, "-template-") {
			continue
		}
		picture := committed(t, name)[0]
		opaque, clear := 0, 0
		size := picture.Bounds().Dx()
		for y := range size {
			for x := range size {
				c := nrgba(picture, x, y)
				if c.R != 0 || c.G != 0 || c.B != 0 {
					t.Fatalf("%s: %v at %d,%d is not black", name, c, x, y)
				}
				switch c.A {
				case 255:
					opaque++
				case 0:
					clear++
				}
			}
		}
		if opaque < size*size/8 || clear < size*size/3 {
			t.Errorf("%s: %d pixels opaque and %d clear of %d are no silhouette", name, opaque, clear, size*size)
		}
	}
}

// over is a pixel's relative luminance on a panel (WCAG 2.2).
func over(c color.NRGBA, panel uint8) float64 {
	linear := func(v uint8) float64 {
		mixed := (float64(v)*float64(c.A) + float64(panel)*float64(255-c.A)) / 255 / 255
		if mixed <= 0.04045 {
			return mixed / 12.92
		}
		return math.Pow((mixed+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
}

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b float64) float64 {
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

var panels = map[string]uint8{"light": 0xf0, "dark": 0x20}

func TestEveryStateStandsOutFromLightAndDarkPanels(t *testing.T) {
	for _, state := range states {
		for i, picture := range committed(t, "ico/"+state+".ico") {
			size := picture.Bounds().Dx()
			for name, panel := range panels {
				ground := over(color.NRGBA{}, panel)
				silhouette, clear := 0, 0
				for y := range size {
					for x := range size {
						c := nrgba(picture, x, y)
						if c.A < 128 {
							continue
						}
						silhouette++
						if contrast(over(c, panel), ground) >= 3 {
							clear++
						}
					}
				}
				share := float64(clear) / float64(silhouette)
				t.Logf("%s, %d px, %s: %d of %d pixels (%.0f %%)", state, size, name, clear, silhouette, 100*share)
				if share < 0.5 || clear < size*size/8 {
					t.Errorf("%s, picture %d of %d px, on a %s panel: %d of %d pixels have a contrast of 3:1, want half of them",
						state, i, size, name, clear, silhouette)
				}
			}
		}
	}
}

// Luminance alone: so that it also holds for who sees no colours.
func TestNoTwoStatesLookAlikeAtSixteenPixels(t *testing.T) {
	const least = 16 // pixels of 256, as much as a square of 4
	check := func(kind, a, b string, pa, pb image.Image, name string, panel uint8) {
		differ := 0
		for y := range 16 {
			for x := range 16 {
				if contrast(over(nrgba(pa, x, y), panel), over(nrgba(pb, x, y), panel)) >= 2 {
					differ++
				}
			}
		}
		t.Logf("%s, %s and %s on %s: %d pixels", kind, a, b, name, differ)
		if differ < least {
			t.Errorf("%s, %s and %s on a %s panel: only %d pixels differ by 2:1 in luminance, want %d", kind, a, b, name, differ, least)
		}
	}
	for i, a := range states {
		for _, b := range states[i+1:] {
			for name, panel := range panels {
				check("tray", a, b, committed(t, "ico/"+a+".ico")[0], committed(t, "ico/"+b+".ico")[0], name, panel)
			}
			check("template", a, b, committed(t, "png/"+a+"-template-16.png")[0], committed(t, "png/"+b+"-template-16.png")[0], "light", panels["light"])
		}
	}
}

// Strokes and gradients in user space are drawn wrongly, when scaled, by the
// rasteriser that Fyne and this command share (oksvg 0.2.0: the width of a
// stroke and such a gradient's points stay as they are); the rest it does not
// know. Without all this it draws what librsvg draws.
func TestDrawingsUseWhatEveryRendererDrawsAlike(t *testing.T) {
	banned := regexp.MustCompile(`stroke|userSpaceOnUse|<(style|use|mask|clipPath|filter|text|image|pattern|symbol)\b`)
	files, err := filepath.Glob("../svg/*.svg")
	if err != nil || len(files) != 4*len(states)+1 {
		t.Fatalf("%d drawings, %v; want four of each state and the app's", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := banned.FindString(string(data)); found != "" {
			t.Errorf("%s uses %s", file, found)
		}
	}
}

func TestEverySystemGetsAPictureOfEveryState(t *testing.T) {
	if !slices.Equal(states, []string{assets.Fresh, assets.Working, assets.Paused, assets.NeedsYou}) {
		t.Fatal("the states drawn are not those that package assets names")
	}
	for _, state := range states {
		if sizes := iconEntries(t, assets.Tray(state, "windows")[0]); len(sizes) == 0 {
			t.Errorf("%s: an empty icon", state)
		}
		for goos, want := range map[string][]int{"linux": {16, 22, 24, 32, 48, 64}, "freebsd": {16, 22, 24, 32, 48, 64}, "darwin": {32}} {
			var sizes []int
			for _, data := range assets.Tray(state, goos) {
				picture, err := png.DecodeConfig(bytes.NewReader(data))
				if err != nil || picture.Width != picture.Height {
					t.Errorf("%s on %s: %d by %d, %v", state, goos, picture.Width, picture.Height, err)
				}
				sizes = append(sizes, picture.Width)
			}
			if !slices.Equal(sizes, want) {
				t.Errorf("%s on %s: %v", state, goos, sizes)
			}
		}
		if _, err := raster(assets.Drawing(state), 64, 0); err != nil {
			t.Errorf("%s: %v", state, err)
		}
	}
	if assets.Tray("no such state", "linux") != nil || assets.Drawing("no such state") != nil {
		t.Error("a picture of no such state")
	}
	if _, err := raster(assets.AppSVG, 64, 0); err != nil {
		t.Error(err)
	}
	if picture, err := png.DecodeConfig(bytes.NewReader(assets.App)); err != nil || picture.Width != 256 {
		t.Error(picture.Width, err)
	}
}
