"""What NetworkPolicies mean, whoever wrote them."""
