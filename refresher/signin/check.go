package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"

	"lamplighter/credfiles"
	"lamplighter/refresher/discovery"
)

// check asks the authorization endpoint, as nobody and with a request that no
// answer can belong to, whether it knows the client and its redirect URI. It
// follows no redirect. Only a refusal in words of the protocol counts: a page
// for people, or a wall for robots, says nothing. The error is ctx's.
func (b *beginning) check(ctx context.Context) (refused string, err error) {
	ctx, cancel := context.WithTimeout(ctx, answering)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.ask(random(), credfiles.NewSecret(random())), nil)
	if err != nil {
		return "", err
	}
	r.Header.Set("Accept", "text/html, application/json")
	status, text, err := b.send(r)
	if err != nil {
		if t, ok := errors.AsType[*discovery.TemporaryError](err); ok && ctx.Err() == nil {
			b.o.Notice("the server could not be asked before: " + t.Error())
			return "", nil
		}
		return "", err
	}
	if !slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusUnprocessableEntity}, status) {
		return "", nil
	}
	for _, s := range refusals() {
		if s.words.Match(text) {
			return fmt.Sprintf("%s does not take %s", hostOf(b.place.AuthorizationURL), s.what), nil
		}
	}
	return "", nil
}

// refusals are how servers say it: by RFC 6749's codes (oidc-provider,
// observed), and in words (Cloudflare's workers-oauth-provider, Hydra and
// others). A page that shows our own query again refuses nothing.
// They are compiled when they are asked for, and not at every start.
var refusals = sync.OnceValue(func() []refusal {
	return []refusal{
		{regexp.MustCompile(`(?i)invalid[_ -]?client([_ -]?id)?\b|unauthorized_client|(unknown|unregistered) client|client(_id)?\b[^.<]{0,40}\b(not found|unknown|not registered|does not exist|not match)`), "the client any more"},
		{regexp.MustCompile(`(?i)redirect[_ -]?ur[il]s?\b([^=%]|$)`), refusedRedirect},
	}
})

const refusedRedirect = "the client's redirect address"

type refusal struct {
	words *regexp.Regexp
	what  string
}

func temporary(r *http.Request, err error) error {
	if refused, ok := errors.AsType[*discovery.MisconfiguredError](err); ok {
		return refused
	}
	return &discovery.TemporaryError{URL: r.URL.Scheme + "://" + r.URL.Host + r.URL.EscapedPath(), Err: err}
}
