# Every target installs what it needs: Go modules by the go command, the rest
# in "setup". See the table in README.md.

GO          ?= go
STATICCHECK  = honnef.co/go/tools/cmd/staticcheck@v0.8.2
export CGO_ENABLED ?= 0

# need installs packages where a program is missing, if that is possible here.
# What cannot be had is left out by who would use it, with a sentence.
need = $(foreach program,$(1),command -v $(program) >/dev/null &&) true || ! command -v apt-get >/dev/null || test "$$(id -u)" != 0 || { apt-get install -y -qq $(2) || { apt-get update -qq && apt-get install -y -qq $(2); }; } || true

WINDOW = -trimpath -tags migrated_fynedo,release -ldflags '-s -w $(2)' -o $(1) ./app/window/lamplighter-window
# What a C compiler has to find for it.
HEADERS = command -v $(CC) >/dev/null && pkg-config --exists gl x11 xcursor xrandr xinerama xi xxf86vm xkbcommon wayland-client wayland-egl 2>/dev/null

.PHONY: build image window window-windows setup demo icons test lint cross unit real e2e wine screenshots torture year bench servers conformance peers

build:
	$(GO) build -trimpath -o lamplighter .

# An image with the keeper and nothing else, by podman, buildah or docker. IMAGE is
# its name.
image:
	@command -v docker >/dev/null || $(call need,podman,podman buildah ca-certificates)
	GO=$(GO) packaging/container/build $(or $(IMAGE),lamplighter)

# The window, the one part that needs a C compiler and the headers of OpenGL,
# X11 and Wayland; the first time takes minutes.
window:
	@$(HEADERS) || ! command -v apt-get >/dev/null || test "$$(id -u)" != 0 || \
		apt-get install -y -qq gcc pkg-config libgl1-mesa-dev xorg-dev libxkbcommon-dev libwayland-dev || true
	CGO_ENABLED=1 $(GO) build $(call WINDOW,lamplighter-window)

# The same for Windows, by MinGW.
window-windows:
	@$(call need,x86_64-w64-mingw32-gcc,gcc-mingw-w64-x86-64)
	CGO_ENABLED=1 CC=x86_64-w64-mingw32-gcc GOOS=windows $(GO) build $(call WINDOW,lamplighter-window.exe,-H windowsgui)

setup:
	$(GO) mod download
	@$(call need,dbus-daemon,dbus)
	@$(call need,gnome-keyring-daemon,gnome-keyring)
	@$(call need,secret-tool,libsecret-tools)

demo: build
	./lamplighter demo

# Every picture in assets/png and assets/ico, from the drawings in assets/svg.
icons:
	$(GO) run ./assets/draw

test: setup lint cross unit peers

# What CI runs of what others wrote: an authorization server in Go, and the
# protocol's own suite, which a machine without npm goes without.
peers:
	$(GO) test -tags servers -count=1 -parallel 8 -short -run /fosite ./servers
	@if command -v npm >/dev/null; then $(MAKE) conformance; \
	else echo "npm is missing: the protocol's own suite is left out"; fi

unit:
	$(GO) test ./...

lint: setup
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	$(GO) vet ./...
	$(GO) vet -tags real,e2e,screenshots,torture,year,bench,servers,conformance,wine ./...
	@if $(HEADERS); then CGO_ENABLED=1 $(GO) vet -trimpath -tags migrated_fynedo,release ./app/window/lamplighter-window; \
	else echo "no C compiler, or no headers (make window): the window's main package is left out"; fi
	cd servers/fosite && $(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...

# A static program for each system; the code for another system is vetted too.
cross: setup
	for os in linux darwin windows freebsd; do \
		GOOS=$$os $(GO) build -trimpath -o /dev/null . && GOOS=$$os $(GO) vet ./... || exit 1; \
	done

# The real clients; installs them from npm into a cache of its own.
real:
	@$(call need,dbus-daemon,dbus)
	@$(call need,gnome-keyring-daemon,gnome-keyring)
	@$(call need,secret-tool,libsecret-tools)
	./real/run

# The tray app on a real panel, with a real notification service, and the real
# window where "make window" was run; our directory locks against the npm package
# whose protocol Claude Code's follow; a sign-in that is killed in place of every
# call that changes a file; the keeper as a unit of a real systemd of a
# user's, as a line of a real cron and as a real image.
e2e:
	@$(call need,dbus-daemon strace Xvfb xdotool import xfconf-query xfce4-panel xfce4-notifyd-config xfwm4,dbus strace $(shell cat lab/desktop/packages))
	$(GO) test -tags e2e -count=1 -timeout 5m -v -run Real ./e2e
	$(GO) test -tags e2e ./credfiles/clientlock
	$(GO) test -tags e2e -run Killed ./refresher
	@$(call need,/usr/lib/systemd/systemd journalctl dbus-run-session cron podman,systemd dbus dbus-user-session cron podman buildah)
	$(GO) test -tags e2e -count=1 -timeout 10m -v ./unattended

# Pictures of the real programs on sample homes, into screenshots/ or where
# SCREENSHOTS says.
screenshots: window
	@$(call need,dbus-daemon Xvfb xsetroot import xdotool xfconf-query xfce4-panel xfce4-notifyd-config xfwm4,dbus x11-xserver-utils $(shell cat lab/desktop/packages))
	SCREENSHOTS=$(abspath $(or $(SCREENSHOTS),screenshots)) $(GO) test -tags screenshots -count=1 -timeout 10m -v -run Screenshots ./e2e

# The Windows programs under Wine.
wine: window-windows
	@$(call need,wine,wine wine64 xvfb xdotool imagemagick)
	@$(call need,xdotool,xvfb xdotool imagemagick)
	$(GO) test -tags wine -count=1 -timeout 30m -v ./wine

# Everything that can go wrong, done to the real program; test runs a sample.
torture:
	$(GO) test -tags torture -count=1 -timeout 4h -v ./torture
	$(GO) test -count=1 -v -run ATokenAtItsEnd ./deliver -for 1m

# A year of fifty credentials, a week of a thousand; test runs a month of twenty.
year:
	$(GO) test -tags year -count=1 -timeout 40m -v ./year

# Authorization servers of other makers; installs them from npm into a cache.
servers:
	$(GO) test -tags servers -count=1 -parallel 8 -timeout 30m ./servers

# The client scenarios of the Model Context Protocol's own suite.
conformance:
	$(GO) test -tags conformance -count=1 -timeout 15m ./conformance

# What it costs, beside what a user would have instead. SHORT=-short for a look.
# A program to compare with that cannot be installed has a row that says so.
bench:
	@$(call need,oidc-agent strace dbus-daemon Xvfb xdotool import xfconf-query xfce4-panel xfce4-notifyd-config xfwm4,oidc-agent-cli dbus strace $(shell cat lab/desktop/packages))
	./bench/run -v $(SHORT)
