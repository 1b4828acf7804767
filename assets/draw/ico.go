package main

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"
)

// pngOf encodes for the smallest file.
func pngOf(img image.Image) ([]byte, error) {
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img)
	return b.Bytes(), err
}

// icoOf puts square pictures, at most 256 pixels wide, into one icon file, as
// PNG, which Windows reads since Vista. Layout: ICONDIR and ICONDIRENTRY of
// Microsoft's "Icons" (MSDN, 1995); a width of 0 means 256.
func icoOf(pictures ...*image.NRGBA) ([]byte, error) {
	const dir, entry = 6, 16
	var head, body bytes.Buffer
	write := func(v ...any) {
		for _, v := range v {
			binary.Write(&head, binary.LittleEndian, v) // a bytes.Buffer takes everything
		}
	}
	write(uint16(0), uint16(1), uint16(len(pictures)))
	for _, picture := range pictures {
		data, err := pngOf(picture)
		if err != nil {
			return nil, err
		}
		size := uint8(picture.Bounds().Dx())
		write(size, size, uint8(0), uint8(0), uint16(1), uint16(32),
			uint32(len(data)), uint32(dir+entry*len(pictures)+body.Len()))
		body.Write(data)
	}
	return append(head.Bytes(), body.Bytes()...), nil
}
