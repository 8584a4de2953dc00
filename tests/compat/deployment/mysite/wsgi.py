"""The application of a project."""

import importlib
import os

from application import make

if "APP_SETTINGS_MODULE" in os.environ:
    importlib.import_module(os.environ["APP_SETTINGS_MODULE"])

application = make("mysite")
