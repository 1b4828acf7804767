package doctor

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// headerNames are names of headers for a key, as servers write them into
// their refusals.
var headerNames = expr(`(?i)\b(x-[a-z0-9-]*(?:key|token|auth)[a-z0-9-]*|ocp-apim-subscription-key|api-key|apikey)\b`)

// keyName is the header that the server itself names for its key.
func (v *visit) keyName(a answer) string {
	for _, c := range a.challenges {
		if name := c.Params["name"]; name != "" && strings.EqualFold(first(c.Params["type"], "header"), "header") {
			return v.Clean(name)
		}
	}
	if m := headerNames().FindString(a.says()); m != "" {
		return http.CanonicalHeaderKey(strings.ReplaceAll(m, " ", "-"))
	}
	if a.reason() == lacksGateway {
		return "Ocp-Apim-Subscription-Key" // what API Management takes by default
	}
	return ""
}

// misnamed is for a server that has not seen the secret: it is tried where
// the server, or custom, says that it belongs.
func (v *visit) misnamed(ctx context.Context, a answer, named string) {
	evidence := v.evidence(a) + ", the same as without a secret"
	if !a.same(v.nobody) {
		evidence = v.evidence(a)
	}
	bare := strings.TrimSpace(strings.TrimPrefix(v.secret, "Bearer "))
	if v.ask.Place == BasicPair {
		v.blame(unseen, evidence, v.how())
		return
	}
	type way struct {
		place Place
		name  string
	}
	ways := []way{{KeyHeader, named}, {KeyHeader, "X-Api-Key"}, {Bearer, ""}, {KeyHeader, "Ocp-Apim-Subscription-Key"}}
	if v.ask.Place == KeyQuery {
		ways = append([]way{{KeyHeader, v.ask.Name}}, ways...)
	}
	tried := 0
	for i, w := range ways {
		if w.place == KeyHeader && w.name == "" || w.place == v.ask.Place && strings.EqualFold(w.name, v.ask.Name) || slices.Contains(ways[:i], w) {
			continue
		}
		if tried++; tried > mostTries {
			break
		}
		b, err := v.showing(ctx, w.place, w.name, bare)
		if err != nil || !b.works() {
			continue
		}
		where := "the header " + w.name
		if w.place == Bearer {
			where = "Authorization, behind the word Bearer"
		}
		v.blame(nameOther, fmt.Sprintf("%s; %d in %s", evidence, b.status, where), v.how(), where)
		return
	}
	if named != "" && !(v.ask.Place == KeyHeader && strings.EqualFold(named, v.ask.Name)) {
		v.blame(nameOther, evidence, v.how(), "the header "+named)
		return
	}
	v.blame(unseen, evidence, v.how())
}
