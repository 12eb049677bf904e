"""What every child process needs, imported once in the server that they are forked from."""

import json
import zipfile

import numpy as np
import pyarrow.feather
import pyarrow.ipc
import pyarrow.parquet

import losscli.cli.compute
import losscli.data.arrow
import losscli.data.csv.table
import losscli.data.json
import losscli.data.npy
import losscli.pipeline
import losscli.report.tables
from losscli import registry

registry.all_losses()
