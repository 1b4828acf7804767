package settings

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAValueThatCouldNotBeReadIsNotWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "config.toml")
	const before = "# mine\nmode = \"keep\"\n\n[lead]\nleast = \"10m\" # enough\n"
	if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key   []string
		value any
		says  string
	}{
		{[]string{"lead", "least"}, "soon", "lead.least"},
		{[]string{"lead", "least"}, "2h", "lead"}, // more than lead.most
		{[]string{"lead", "share"}, 0.7, "lead.share"},
		{[]string{"mode"}, "never", "mode"},
	} {
		err := Try(file, c.key, c.value, nil)
		var bad *Error
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v = %v: %v", c.key, c.value, err)
		}
		if now, _ := os.ReadFile(file); string(now) != before {
			t.Fatalf("%v = %v was written:\n%s", c.key, c.value, now)
		}
	}
	// A mistake that is there already is another matter.
	const strange = "strange = 1\n" + before
	if err := os.WriteFile(file, []byte(strange), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Try(file, []string{"lead", "least"}, "5m", nil); err != nil {
		t.Fatal(err)
	}
	if now, _ := os.ReadFile(file); string(now) != strings.Replace(strange, "10m", "5m", 1) {
		t.Errorf("it is now:\n%s", now)
	}
}
