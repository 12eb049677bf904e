"""The page of `report`: one sentence, tables, pictures and the worst rows, in one HTML file."""
