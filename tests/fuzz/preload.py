"""What every child process needs, imported once in the server that they are forked from."""

from losscli import registry

registry.all_losses()
