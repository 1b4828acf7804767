// Command hand is what a test sees and does inside of Wine. "hand" says which
// windows are open: one line for each that can be seen, with its class, its
// corners and its title. "hand put ACCOUNT SERVICE" makes what it reads an item
// of the Credential Manager, as Rust's keyring crate 3.6.3 does; "hand get
// ACCOUNT SERVICE" prints one, "hand list SERVICE" their accounts; "hand wipe"
// removes all that are there.
package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unicode/utf16"
	"unsafe"

	"github.com/danieljoos/wincred"
	"golang.org/x/sys/windows"

	keyring "lamplighter/credfiles/wincred"
)

func main() {
	var err error
	switch {
	case len(os.Args) == 1:
		see()
	case os.Args[1] == "put":
		err = put(os.Args[2], os.Args[3])
	case os.Args[1] == "wipe":
		err = wipe()
	case os.Args[1] == "list":
		err = list(os.Args[2])
	default:
		var secret []byte
		if secret, err = (keyring.Manager{}).Read(context.Background(), os.Args[3], os.Args[2]); err == nil {
			os.Stdout.Write(secret)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func wipe() error {
	all, err := wincred.List()
	for _, c := range all {
		err = errors.Join(err, (&wincred.GenericCredential{Credential: *c}).Delete())
	}
	return err
}

func list(service string) error {
	items, err := keyring.Manager{}.List(context.Background(), service)
	for _, i := range items {
		fmt.Println(i.Account)
	}
	return err
}

func put(account, service string) error {
	secret, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	c := wincred.NewGenericCredential(account + "." + service)
	c.UserName, c.Comment, c.Persist = account, "keyring v3.6.3", wincred.PersistEnterprise
	for _, unit := range utf16.Encode([]rune(string(secret))) {
		c.CredentialBlob = binary.LittleEndian.AppendUint16(c.CredentialBlob, unit)
	}
	return c.Write()
}

func see() {
	user32 := windows.NewLazySystemDLL("user32.dll")
	text := func(call string, window uintptr) string {
		var t [200]uint16
		user32.NewProc(call).Call(window, uintptr(unsafe.Pointer(&t[0])), uintptr(len(t)))
		return windows.UTF16ToString(t[:])
	}
	user32.NewProc("EnumWindows").Call(syscall.NewCallback(func(window, _ uintptr) uintptr {
		if seen, _, _ := user32.NewProc("IsWindowVisible").Call(window); seen != 0 {
			var at [4]int32
			user32.NewProc("GetWindowRect").Call(window, uintptr(unsafe.Pointer(&at[0])))
			fmt.Println(text("GetClassNameW", window), at[0], at[1], at[2], at[3], text("GetWindowTextW", window))
		}
		return 1
	}), 0)
}
