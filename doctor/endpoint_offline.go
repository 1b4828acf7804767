package doctor

import (
	"net/url"
	"slices"
	"strings"

	"lamplighter/refresher/exchange"
)

// offline writes down the requests that would be made.
func (r *round) offline() {
	for _, p := range r.e.Plan().Ways {
		r.x.Saw(p.Name, "%s. %s.", described(p.Dialect), upper(p.Known.String()))
		if p.Missing != nil {
			r.x.Saw(p.Name, "could not be sent: %s", missingWords(p.Missing))
			continue
		}
		q := r.planned(p.Post)
		seen := "not sent: " + q.Body
		if p.Post.Auth == exchange.Basic {
			seen += ", with Authorization: Basic"
		}
		r.x.Add(Step{Name: p.Name, Seen: seen, Request: q})
	}
	r.x.Saw("limits", "%s", wordsLimits)
	r.x.Report.Fine = wordsOffline
	if !r.e.Spend.IsZero() {
		r.x.Report.Fine = wordsOfflineHanded
	}
}

// planned is a request that nobody made.
func (r *round) planned(p exchange.Post) *Request {
	params := map[string]string{
		"grant_type": "refresh_token", "refresh_token": "$REFRESH_TOKEN",
		"resource": p.Resource, "scope": p.Scope, "redirect_uri": p.Redirect,
	}
	header := []string{"Accept: " + p.Accept, "Content-Type: application/x-www-form-urlencoded"}
	switch p.Auth {
	case exchange.Basic:
		header = append(header, "Authorization: Basic $CLIENT_ID_AND_SECRET")
	case exchange.Body:
		params["client_id"], params["client_secret"] = p.ClientID, "$CLIENT_SECRET"
	default:
		params["client_id"] = p.ClientID
	}
	var pairs []string
	for name, value := range params {
		switch {
		case value == "":
		case strings.HasPrefix(value, "$"):
			pairs = append(pairs, name+"="+value)
		default:
			pairs = append(pairs, name+"="+url.QueryEscape(value))
		}
	}
	slices.Sort(pairs)
	slices.Sort(header)
	return &Request{Method: "POST", URL: r.x.Shown(p.TokenURL), Header: header, Body: strings.Join(pairs, "&")}
}
