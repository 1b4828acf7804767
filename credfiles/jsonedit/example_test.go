package jsonedit_test

import (
	"fmt"

	"lamplighter/credfiles/jsonedit"
)

func ExampleApply() {
	store := []byte("{\n  \"lab|cd725037a89da004\": {\n    \"access_token\": \"at_1_EXAMPLE\",\n    \"scopes\": [ \"read\" ]\n  }\n}\n")
	text, err := jsonedit.Apply(store,
		jsonedit.Set([]string{"lab|cd725037a89da004", "access_token"}, jsonedit.Quote("at_2_EXAMPLE")),
		jsonedit.Set([]string{"lab|cd725037a89da004", "expires_at"}, []byte("1795208993895")),
	)
	fmt.Printf("%s%v\n", text, err)
	// Output:
	// {
	//   "lab|cd725037a89da004": {
	//     "access_token": "at_2_EXAMPLE",
	//     "scopes": [ "read" ],
	//     "expires_at": 1795208993895
	//   }
	// }
	// <nil>
}
