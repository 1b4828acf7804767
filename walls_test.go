package main

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// depends lists everything that packages depend on, for one system.
func depends(t *testing.T, goos, pattern string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", pattern)
	cmd.Env = append(os.Environ(), "GOOS="+goos, "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -deps %s: %v", pattern, err)
	}
	return strings.Fields(string(out))
}

func TestTheWallsStand(t *testing.T) {
	for _, wall := range []struct {
		inside, forbidden, why string
	}{
		{"./credfiles/...", "net/http", "credfiles never speaks HTTP: who reads tokens must not be able to send them"},
		{"./credfiles/...", "lamplighter/refresher", "data goes one way: bytes, Credential, decision"},
		{"./credfiles/...", "lamplighter/app", "only names come down"},
		{"./refresher/...", "lamplighter/app", "the refresher decides, app words it"},
		{"./deliver", "lamplighter/refresher", "what delivers an access token has no way to a refresh token"},
		{"./app/tray", "lamplighter/credfiles", "the tray is handed plain data"},
		{"./app/tray", "lamplighter/refresher", "the tray decides nothing"},
		{"./app/notice", "lamplighter/credfiles", "a notification is handed plain data"},
		{"./app/notice", "lamplighter/refresher", "a notification decides nothing"},
		{"./app/model", "lamplighter/credfiles", "what there is to see is plain data: no token can be in it"},
		{"./app/model", "lamplighter/refresher", "what there is to see is plain data"},
		{"./app/window", "lamplighter/credfiles", "the window is handed plain data"},
		{"./app/window", "lamplighter/refresher", "the window decides nothing"},
		{".", "fyne.io/fyne/v2", "the keeper must start where there is no display; the window is a program of its own"},
		{".", "testing", "what is for tests stays out of the program"},
	} {
		for _, goos := range []string{"linux", "darwin", "windows", "freebsd"} {
			for _, dep := range depends(t, goos, wall.inside) {
				if dep == wall.forbidden || strings.HasPrefix(dep, wall.forbidden+"/") {
					t.Errorf("%s on %s depends on %s: %s", wall.inside, goos, dep, wall.why)
				}
			}
		}
	}
}

// The refresher knows stores only through credfiles: it has no means to open
// a file of its own accord. Of package os it may name errors.
func TestTheRefresherOpensNoFile(t *testing.T) {
	for _, dir := range []string{"refresher", "refresher/exchange", "refresher/signin"} {
		for name, file := range sources(t, dir) {
			for _, imp := range file.Imports {
				path := strings.Trim(imp.Path.Value, `"`)
				if slices.Contains([]string{"io/ioutil", "lamplighter/credfiles/replace", "lamplighter/credfiles/jsonedit"}, path) {
					t.Errorf("%s imports %s: refresher never opens a client's file", name, path)
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				use, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				of, ok := use.X.(*ast.Ident)
				if ok && (of.Name == "os" && !strings.HasPrefix(use.Sel.Name, "Err") || of.Name == "syscall" && use.Sel.Name == "Open") {
					t.Errorf("%s uses %s.%s: refresher never opens a client's file", name, of.Name, use.Sel.Name)
				}
				return true
			})
		}
	}
}

func sources(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return files
}

func packages(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || path != "." && strings.HasPrefix(d.Name(), ".")) {
			return fs.SkipDir
		}
		if d.IsDir() && len(sources(t, path)) > 0 {
			dirs = append(dirs, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func TestEveryPackageSaysOnceWhatItIs(t *testing.T) {
	for _, dir := range packages(t) {
		var comments []string
		for name, file := range sources(t, dir) {
			if file.Doc != nil {
				comments = append(comments, name)
			}
		}
		if len(comments) != 1 {
			t.Errorf("%s has %d package comments %v, want one", dir, len(comments), comments)
		}
		if name := filepath.Base(dir); slices.Contains([]string{"util", "utils", "common", "types", "manager", "service", "helpers", "pkg"}, name) {
			t.Errorf("%s: a package is named after what it is about", dir)
		}
	}
}

func TestFilesStayReadable(t *testing.T) {
	for _, dir := range packages(t) {
		for name := range sources(t, dir) {
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			lines := 0
			for s := bufio.NewScanner(f); s.Scan(); {
				lines++
			}
			f.Close()
			if lines > 400 {
				t.Errorf("%s has %d lines, 400 are enough", name, lines)
			}
		}
	}
}
