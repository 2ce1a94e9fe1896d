"""The prediction API as `wardround serve` runs it, without the desk. Arguments: port, use case."""

import sys

import uvicorn

from wardround.serving.app import create
from wardround.settings import Settings

uvicorn.run(create(Settings(), use_cases=[sys.argv[2]], desk=False), port=int(sys.argv[1]), log_level="debug")
