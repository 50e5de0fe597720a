"""Declares. One file a question, found by its name: a module here with a STUDY is a study."""
