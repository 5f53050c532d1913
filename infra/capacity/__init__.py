"""What a stack's containers use, and the requests and limits that follow: `slipway rightsize`."""
