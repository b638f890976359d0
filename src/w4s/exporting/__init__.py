"""A found workflow as one Python file that needs only the `openai` package.

file        what is pinned, and the text of the file
bundle      the package's own code, as much of it as the file needs, in one namespace
standalone  what is written for the file alone: its model, its subprocesses, its command line
"""
