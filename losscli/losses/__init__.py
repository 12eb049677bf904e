"""The catalogue: kernels and declarations, a file a family.

Every module here whose name does not start with an underscore is loaded with the registry, so a loss is
added by adding a file.
"""
