"""What an operator can set: read, checked, and turned into what it means."""

from server.settings.checks import check
from server.settings.loading import NOT_SETTINGS, load_settings
from server.settings.settings import PREFIX, Settings, SettingsError, split_bind

__all__ = ["NOT_SETTINGS", "PREFIX", "Settings", "SettingsError", "check", "load_settings", "split_bind"]
