// Not for building: of this module the test takes config/crd/standard, checked against go.sum.
module slipway/tests/definitions

go 1.25.0

require sigs.k8s.io/gateway-api v1.6.1
