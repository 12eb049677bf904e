"""How a loss is declared: roles, parameters, domains, the grammar in which it is typed."""
