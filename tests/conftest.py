"""For every test: how long one example takes is the computer's affair, and no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile("any computer", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any computer")
