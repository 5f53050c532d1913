"""Who opens a connection to whom: declared as links, rendered as NetworkPolicies."""
