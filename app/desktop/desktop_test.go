package desktop

import "testing"

func from(env map[string]string) func(string) string {
	return func(name string) string { return env[name] }
}

func TestADisplayIsOneOfTwoKinds(t *testing.T) {
	for _, test := range []struct {
		goos string
		env  map[string]string
		want bool
	}{
		{"linux", nil, false},
		{"linux", map[string]string{"DISPLAY": ":0"}, true},
		{"linux", map[string]string{"WAYLAND_DISPLAY": "wayland-0"}, true},
		{"freebsd", map[string]string{"XDG_SESSION_TYPE": "x11"}, false},
		{"windows", nil, true},
		{"darwin", nil, true},
	} {
		if got := Display(test.goos, from(test.env)); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}
