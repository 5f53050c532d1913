"""The rules, by what they are about; infra/policy/catalogue.py lists them."""
