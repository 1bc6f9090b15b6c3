"""WHAT: the three kinds as pydantic models, and the generator of their CustomResourceDefinitions."""
