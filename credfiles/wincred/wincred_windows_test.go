package wincred

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/danieljoos/wincred"

	"lamplighter/credfiles/keyring"
)

var _ interface { // credfiles.Keyring, which imports too much for a test here
	List(ctx context.Context, service string) ([]keyring.Item, error)
	Read(ctx context.Context, service, account string) ([]byte, error)
	Write(ctx context.Context, service, account string, secret []byte) error
	Limit(service, account string) int
} = Manager{}

// item makes one as Rust's keyring crate 3.6.3 does (source), in a service of
// its own, which goes with the test.
func item(t *testing.T, account, secret string) (service string) {
	t.Helper()
	service = "Lamplighter test " + rand.Text()
	put(t, service, account, encode([]byte(secret)))
	return service
}

func put(t *testing.T, service, account string, blob []byte) {
	t.Helper()
	c := wincred.NewGenericCredential(account + "." + service)
	c.UserName, c.Comment, c.Persist, c.CredentialBlob = account, "keyring v3.6.3", wincred.PersistEnterprise, blob
	c.Attributes = []wincred.CredentialAttribute{{Keyword: "someday", Value: []byte{0, 1, 2}}}
	if err := c.Write(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Delete() })
}

const account = "lab|cd725037a89da004"

func TestOnlyTheSecretOfAnItemIsReplaced(t *testing.T) {
	service := item(t, account, `{"a":"tok-EXAMPLE"}`)
	before, err := wincred.GetGenericCredential(account + "." + service)
	if err != nil {
		t.Fatal(err)
	}
	const next = `{"a":"tok-2-EXAMPLE é 𝄞"}`
	if err := (Manager{}).Write(t.Context(), service, account, []byte(next)); err != nil {
		t.Fatal(err)
	}
	if text, err := (Manager{}).Read(t.Context(), service, account); err != nil || string(text) != next {
		t.Errorf("it reads %q, %v", text, err)
	}
	after, err := wincred.GetGenericCredential(account + "." + service)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(after.CredentialBlob[:8], []byte("{\x00\"\x00a\x00\"\x00")) {
		t.Errorf("the blob begins with %q", after.CredentialBlob[:8])
	}
	after.CredentialBlob, after.LastWritten = before.CredentialBlob, before.LastWritten
	if !reflect.DeepEqual(before, after) {
		t.Errorf("it was %+v, and is %+v", before, after)
	}
}

// As Copilot CLI's, which are UTF-8.
func TestAnItemOfKeytarIsWrittenInItsOwnForm(t *testing.T) {
	service := "Lamplighter test " + rand.Text()
	c := wincred.NewGenericCredential(service + "/0123abcd")
	c.UserName, c.Persist, c.CredentialBlob = "0123abcd", wincred.PersistEnterprise, []byte("one-EXAMPLE")
	if err := c.Write(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Delete() })
	all, err := Manager{}.List(t.Context(), service)
	if err != nil || len(all) != 1 || all[0].Account != "0123abcd" {
		t.Errorf("%v, %v", all, err)
	}
	if text, err := (Manager{}).Read(t.Context(), service, "0123abcd"); err != nil || string(text) != "one-EXAMPLE" {
		t.Errorf("it reads %q, %v", text, err)
	}
	if err := (Manager{}).Write(t.Context(), service, "0123abcd", []byte("zwei-é-EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	now, err := wincred.GetGenericCredential(service + "/0123abcd")
	if err != nil || string(now.CredentialBlob) != "zwei-é-EXAMPLE" || now.UserName != "0123abcd" || now.Persist != wincred.PersistEnterprise {
		t.Errorf("it is %+v, %v", now, err)
	}
	fits := strings.Repeat("x", (Manager{}).Limit(service, "0123abcd"))
	if err := (Manager{}).Write(t.Context(), service, "0123abcd", []byte(fits+"x")); len(fits) != most || !errors.Is(err, keyring.ErrFull) {
		t.Errorf("beyond %d bytes: %v", len(fits), err)
	}
	if err := (Manager{}).Write(t.Context(), service, "0123abcd", []byte(fits)); err != nil {
		t.Error(err)
	}
	if all, err = (Manager{}).List(t.Context(), service); err != nil || len(all) != 1 {
		t.Errorf("afterwards there are %v, %v", all, err)
	}
}

func TestItemsAreListedByTheirService(t *testing.T) {
	service := item(t, account, "one-EXAMPLE")
	put(t, service, "other|0123456789abcdef", encode([]byte("two-EXAMPLE")))
	put(t, service+" else", "third", encode([]byte("three-EXAMPLE")))
	all, err := Manager{}.List(t.Context(), service)
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	stamps := map[string]string{}
	for _, i := range all {
		stamps[i.Account] = i.Stamp
	}
	if stamps[account] == "" || stamps["other|0123456789abcdef"] == "" {
		t.Errorf("the items are %v", all)
	}
	time.Sleep(20 * time.Millisecond)
	if err := (Manager{}).Write(t.Context(), service, account, []byte("next-EXAMPLE")); err != nil {
		t.Fatal(err)
	}
	all, err = Manager{}.List(t.Context(), service)
	for _, i := range all {
		if changed := i.Stamp != stamps[i.Account]; changed != (i.Account == account) {
			t.Errorf("the stamp of %s changed: %v", i.Account, changed)
		}
	}
	if none, err := (Manager{}).List(t.Context(), service+" nobody's"); len(none) != 0 || err != nil {
		t.Errorf("%v, %v", none, err)
	}
}

func TestNothingIsCreated(t *testing.T) {
	service := "Lamplighter test " + rand.Text()
	if _, err := (Manager{}).Read(t.Context(), service, account); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), service) {
		t.Errorf("read: %v", err)
	}
	if err := (Manager{}).Write(t.Context(), service, account, []byte("tok-EXAMPLE")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("write: %v", err)
	}
	if all, err := (Manager{}).List(t.Context(), service); len(all) != 0 || err != nil {
		t.Errorf("there is %v, %v", all, err)
	}
}

// Wine 8 takes more than Windows: it is ours to refuse.
func TestWhatDoesNotFitIsRefusedBeforeAnythingIsWritten(t *testing.T) {
	service := item(t, account, "tok-EXAMPLE")
	fits := strings.Repeat("é", (Manager{}).Limit(service, account))
	err := (Manager{}).Write(t.Context(), service, account, []byte(fits+"x"))
	if !errors.Is(err, keyring.ErrFull) || !strings.Contains(err.Error(), "2562") || strings.Contains(err.Error(), fits) {
		t.Errorf("got %.200v", err)
	}
	if text, err := (Manager{}).Read(t.Context(), service, account); err != nil || string(text) != "tok-EXAMPLE" {
		t.Errorf("then it is %.20q, %v", text, err)
	}
	if err := (Manager{}).Write(t.Context(), service, account, []byte(fits)); err != nil {
		t.Error(err)
	}
	if text, err := (Manager{}).Read(t.Context(), service, account); err != nil || string(text) != fits {
		t.Errorf("of the longest that fits %d bytes are there, %v", len(text), err)
	}
}

func TestASecretThatIsNoTextIsLeftAlone(t *testing.T) {
	service := item(t, account, "")
	for _, blob := range []string{"odd", "\x00\xd8x\x00"} { // half a surrogate pair
		put(t, service, account, []byte(blob))
		if text, err := (Manager{}).Read(t.Context(), service, account); err == nil || strings.Contains(err.Error(), blob) {
			t.Errorf("%q reads %q, %v", blob, text, err)
		}
	}
	put(t, service, account, nil)
	if text, err := (Manager{}).Read(t.Context(), service, account); err != nil || len(text) != 0 {
		t.Errorf("an empty one reads %q, %v", text, err)
	}
	if err := (Manager{}).Write(t.Context(), service, account, []byte("\xff")); err == nil {
		t.Error("what is no text was written")
	}
}
