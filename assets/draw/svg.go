package main

import (
	"bytes"
	"fmt"
	"image"

	"github.com/fyne-io/oksvg"
	"github.com/srwiley/rasterx"
)

// raster draws an SVG on a transparent square of size by size pixels. Pad
// pixels of it stay empty on each side; a negative pad cuts as many off the
// drawing, so that what is hinted to one pixel grid can serve a larger or
// smaller canvas without being scaled.
func raster(svg []byte, size, pad int) (*image.NRGBA, error) {
	icon, err := oksvg.ReadIconStream(bytes.NewReader(svg), oksvg.StrictErrorMode)
	if err != nil {
		return nil, err
	}
	box := icon.ViewBox
	if box.X != 0 || box.Y != 0 || box.W != box.H || box.W <= 0 {
		return nil, fmt.Errorf("viewBox %v is not a square at the origin", box)
	}
	scale := float64(size-2*pad) / box.W
	icon.Transform = rasterx.Identity.Translate(float64(pad), float64(pad)).Scale(scale, scale)
	premultiplied := image.NewRGBA(image.Rect(0, 0, size, size))
	scanner := rasterx.NewScannerGV(size, size, premultiplied, premultiplied.Bounds())
	icon.Draw(rasterx.NewDasher(size, size, scanner), 1)
	straight := image.NewNRGBA(premultiplied.Bounds())
	for y := range size {
		for x := range size {
			straight.Set(x, y, premultiplied.At(x, y))
		}
	}
	return straight, nil
}
