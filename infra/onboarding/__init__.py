"""A team comes aboard: answers, their stack files, and the secrets in them."""
