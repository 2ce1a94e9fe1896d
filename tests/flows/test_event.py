"""The event that a round sends starts the retrain deployment: real server, real worker, real automation."""

import sys
import time

import pytest

from wardround import services
from wardround.services.api import call

from .conftest import runs_of
