//go:build torture

package torture_test

func init() { deliveryStep = 1 }
