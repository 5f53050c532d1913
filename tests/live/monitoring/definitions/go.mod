// Not for building: of this module the test takes example/prometheus-operator-crd, checked against go.sum.
module slipway/tests/definitions

go 1.25.0

require github.com/prometheus-operator/prometheus-operator v0.82.0
