module slipway/tools/pause

go 1.25.0
