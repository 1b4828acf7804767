//go:build !windows && !darwin

package notice

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
)

// pixels is an image as the hint "image-data" wants it, signature (iiibiiay).
type pixels struct {
	Width, Height, Stride int32
	Alpha                 bool
	Bits, Channels        int32
	Data                  []byte
}

// decode reads a PNG; one that cannot be read is no picture.
func decode(icon []byte) *pixels {
	from, err := png.Decode(bytes.NewReader(icon))
	if err != nil {
		return nil
	}
	size := from.Bounds().Size()
	to := image.NewNRGBA(image.Rectangle{Max: size})
	draw.Draw(to, to.Rect, from, from.Bounds().Min, draw.Src)
	return &pixels{
		Width: int32(size.X), Height: int32(size.Y), Stride: int32(to.Stride),
		Alpha: true, Bits: 8, Channels: 4, Data: to.Pix,
	}
}
