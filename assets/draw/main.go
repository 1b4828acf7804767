// Command draw makes every picture in assets/png and assets/ico from the
// drawings in assets/svg. Started by "make icons", in the module's root.
//
// There are four drawings of each state. NAME.svg is for 32 pixels and more,
// NAME-16.svg is hinted to the grid of 16 pixels, NAME-22.svg to that of 22;
// the latter leaves a margin of one pixel, so that cutting it off or doubling
// it gives 20 and 24. NAME-template.svg is for the menu bar of macOS.
package main

import (
	"fmt"
	"image"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := drawAll("assets"); err != nil {
		fmt.Fprintln(os.Stderr, "draw:", err)
		os.Exit(1)
	}
}

// shot is one size of a drawing.
type shot struct {
	svg       string
	size, pad int // as for raster
}

// The states as package assets names them, which cannot be asked: it embeds
// what is made here.
var states = []string{"fresh", "working", "paused", "needs-you"}

// outputs names the files to be made, each with what goes into it: one shot
// for a .png, several for an .ico.
func outputs() map[string][]shot {
	files := map[string][]shot{"ico/app.ico": sizes("fresh", "app")}
	for _, size := range []int{16, 20, 22, 24} {
		files[fmt.Sprintf("png/app-%d.png", size)] = []shot{small("fresh", size)}
	}
	for _, size := range []int{32, 48, 64, 128, 256, 512} {
		files[fmt.Sprintf("png/app-%d.png", size)] = []shot{{svg: "app", size: size}}
	}
	for _, state := range states {
		files["ico/"+state+".ico"] = sizes(state, state)
		// What panels show, at one and two pixels to a point.
		for _, s := range []shot{small(state, 16), small(state, 22), small(state, 24), {svg: state, size: 32}, {svg: state, size: 48}, {svg: state, size: 64}} {
			files[fmt.Sprintf("png/%s-%d.png", state, s.size)] = []shot{s}
		}
		// Points and pixels: 16, 18 (the same with a margin), and both twice.
		for _, s := range []shot{{size: 16}, {size: 18, pad: 1}, {size: 32}, {size: 36, pad: 2}} {
			s.svg = state + "-template"
			files[fmt.Sprintf("png/%s-%d.png", s.svg, s.size)] = []shot{s}
		}
	}
	return files
}

// sizes lists what Windows asks for: its small icon at 100, 125, 150, 200 and
// 300 %, and the largest.
func sizes(tiny, large string) []shot {
	return []shot{small(tiny, 16), small(tiny, 20), small(tiny, 24), {svg: large, size: 32}, {svg: large, size: 48}, {svg: large, size: 256}}
}

func small(name string, size int) shot {
	if size == 16 {
		return shot{svg: name + "-16", size: size}
	}
	return shot{svg: name + "-22", size: size, pad: (size - 22) / 2}
}

// pictures draws shots of the drawings in a folder.
func pictures(dir string, shots []shot) ([]*image.NRGBA, error) {
	var all []*image.NRGBA
	for _, s := range shots {
		name := filepath.Join(dir, "svg", s.svg+".svg")
		svg, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		picture, err := raster(svg, s.size, s.pad)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, picture)
	}
	return all, nil
}

// drawAll writes the outputs below a folder that holds svg/.
func drawAll(dir string) error {
	for _, sub := range []string{"png", "ico"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	for name, shots := range outputs() {
		all, err := pictures(dir, shots)
		if err != nil {
			return err
		}
		var data []byte
		if strings.HasSuffix(name, ".ico") {
			data, err = icoOf(all...)
		} else {
			data, err = pngOf(all[0])
		}
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
